//! Half-open ranges of UTC days, as users write them: `2026-03`, `2026-W10`, `2026-03-05`, `2026-03-01..2026-03-08`.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use super::header::Unit;
use crate::Error;

/// `[from, to)` in UTC days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Interval {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

impl Interval {
    /// The units that the interval touches, each by its first day, in order.
    pub fn units(self, unit: Unit) -> Vec<NaiveDate> {
        let mut units = Vec::new();
        let mut start = unit.start(self.from);
        while start < self.to {
            units.push(start);
            start = unit.after(start, 1);
        }
        units
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

impl Unit {
    /// The first day of the unit that a day is in.
    pub fn start(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => day - Days::new(u64::from(day.weekday().num_days_from_monday())),
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    /// The first day of the unit `count` units later.
    pub fn after(self, start: NaiveDate, count: u32) -> NaiveDate {
        match self {
            Self::Day => start + Days::new(u64::from(count)),
            Self::Week => start + Days::new(7 * u64::from(count)),
            Self::Month => start + Months::new(count),
        }
    }

    /// The first day of the unit `count` units earlier.
    pub fn before(self, start: NaiveDate, count: u32) -> NaiveDate {
        match self {
            Self::Day => start - Days::new(u64::from(count)),
            Self::Week => start - Days::new(7 * u64::from(count)),
            Self::Month => start - Months::new(count),
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.from, self.to)
    }
}

impl FromStr for Interval {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |problem: &str| Error::invalid(format!("interval `{text}`"), problem);
        let expected = "expected 2026-03, 2026-W10, 2026-03-05 or 2026-03-01..2026-03-08 (the last day left out)";
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        let interval = if let Some((from, to)) = text.split_once("..") {
            day(from).zip(day(to)).map(|(from, to)| Self { from, to })
        } else if let Some((year, week)) = text.split_once("-W") {
            let monday = year
                .parse()
                .ok()
                .zip(week.parse().ok())
                .and_then(|(year, week)| NaiveDate::from_isoywd_opt(year, week, Weekday::Mon));
            monday.map(|from| Self { from, to: Unit::Week.after(from, 1) })
        } else if let Some(from) = day(text) {
            Some(Self { from, to: Unit::Day.after(from, 1) })
        } else {
            day(&format!("{text}-01")).map(|from| Self { from, to: Unit::Month.after(from, 1) })
        };
        match interval {
            None => Err(wrong(expected)),
            Some(interval) if interval.from >= interval.to => Err(wrong("is empty: it ends before it begins")),
            Some(interval) => Ok(interval),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_four_ways_of_writing_an_interval() {
        for (text, from, to) in [
            ("2026-03", "2026-03-01", "2026-04-01"),
            ("2026-W10", "2026-03-02", "2026-03-09"),
            ("2026-03-05", "2026-03-05", "2026-03-06"),
            ("2026-03-01..2026-03-08", "2026-03-01", "2026-03-08"),
        ] {
            assert_eq!(text.parse::<Interval>().unwrap(), Interval { from: day(from), to: day(to) }, "{text}");
        }
        for text in ["2026", "2026-13", "2026-W60", "2026-03-08..2026-03-01", "march", "2026-03-05..2026-03-05"] {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_interval_touches_whole_units() {
        let week: Interval = "2026-03-30..2026-04-06".parse().unwrap();
        assert_eq!(week.units(Unit::Month), [day("2026-03-01"), day("2026-04-01")]);
        assert_eq!(week.units(Unit::Day).len(), 7);
    }
}
