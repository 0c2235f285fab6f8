//! Days that nobody reported: which, and whether they touch the figures.

use chrono::NaiveDate;

use crate::Week;
use crate::gather::quality::{Day, SourceFiles};

/// What is missing of the utilization that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Aircraft-days expected and missing, in the 12 months before the date.
    pub expected: i64,
    pub missing: i64,
    /// The same of the week itself.
    pub expected_week: i64,
    pub missing_week: i64,
    /// Days of the 12 months on which no aircraft was reported.
    pub blank: Vec<NaiveDate>,
    /// Days with utilization and not one flight.
    pub without_flights: Vec<NaiveDate>,
}

pub fn missing(days: &[Day], week: Week) -> Missing {
    let lacking = |day: &Day| (day.expected - day.reported).max(0);
    let of_week = || days.iter().filter(|day| day.date >= week.first_day());
    let named = |which: fn(&Day) -> bool| days.iter().filter(|day| which(day)).map(|day| day.date).collect();
    Missing {
        expected: days.iter().map(|day| day.expected).sum(),
        missing: days.iter().map(lacking).sum(),
        expected_week: of_week().map(|day| day.expected).sum(),
        missing_week: of_week().map(lacking).sum(),
        blank: named(|day| day.reported == 0),
        without_flights: named(|day| day.reported > 0 && day.flights == 0),
    }
}

/// Stretches of days that follow each other, as first and last day.
pub fn stretches(days: &[NaiveDate]) -> Vec<(NaiveDate, NaiveDate)> {
    let runs = days.chunk_by(|one, other| one.succ_opt() == Some(*other));
    runs.filter_map(|run| Some((*run.first()?, *run.last()?))).collect()
}

/// Sources that delivered within the four weeks before the week, and nothing of the week.
pub fn silent(sources: &[SourceFiles], week: Week) -> Vec<&SourceFiles> {
    let recent = |day: NaiveDate| day > week.first_day() - chrono::Days::new(28) && day <= week.first_day();
    sources.iter().filter(|source| source.last_delivered_on.is_some_and(recent)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(date: &str, expected: i64, reported: i64, flights: i64) -> Day {
        Day { date: date.parse().unwrap(), expected, reported, flights }
    }

    #[test]
    fn missing_days_are_counted_by_aircraft_and_named_where_nobody_reported() {
        let days = [
            day("2026-02-28", 3, 3, 9),
            day("2026-03-01", 3, 3, 0),
            day("2026-03-02", 3, 2, 8),
            day("2026-03-03", 3, 0, 0),
            day("2026-03-04", 3, 0, 0),
        ];
        let found = missing(&days, "2026-W10".parse().unwrap());
        assert_eq!((found.expected, found.missing, found.expected_week, found.missing_week), (15, 7, 9, 7));
        assert_eq!(found.without_flights, [days[1].date]);
        assert_eq!(stretches(&found.blank), [(days[3].date, days[4].date)]);
    }

    #[test]
    fn stretches_are_cut_at_gaps() {
        let days: Vec<NaiveDate> = ["2026-01-30", "2026-01-31", "2026-02-02"].map(|day| day.parse().unwrap()).to_vec();
        assert_eq!(stretches(&days), [(days[0], days[1]), (days[2], days[2])]);
        assert!(stretches(&[]).is_empty());
    }
}
