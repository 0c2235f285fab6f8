//! The week that a report is about.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate};
use fleet_jobs::catalog::Interval;
use fleet_jobs::{Error, Result};

/// A week of ISO 8601, Monday to Sunday, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    monday: NaiveDate,
}

impl Week {
    /// The week that ends with the day before `as_of`.
    pub fn before(as_of: NaiveDate) -> Self {
        Self { monday: as_of - Days::new(7) }
    }

    pub fn first_day(self) -> NaiveDate {
        self.monday
    }

    pub fn last_day(self) -> NaiveDate {
        self.monday + Days::new(6)
    }

    /// The Monday after it, by which its figures are found.
    pub fn as_of(self) -> NaiveDate {
        self.monday + Days::new(7)
    }

    /// The first day of the latest calendar month that had ended when the week had.
    pub fn full_month(self) -> NaiveDate {
        let as_of = self.as_of();
        as_of.with_day(1).unwrap_or(as_of) - Months::new(1)
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let week = self.monday.iso_week();
        write!(f, "{}-W{:02}", week.year(), week.week())
    }
}

impl FromStr for Week {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let interval: Interval = text.parse()?;
        let week = Self { monday: interval.from };
        if interval.from.weekday() != chrono::Weekday::Mon || interval.to != week.as_of() {
            return Err(Error::invalid(format!("week `{text}`"), "is no week; expected one as in 2026-W10"));
        }
        Ok(week)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_has_the_monday_after_it_for_its_figures() {
        let week: Week = "2026-W10".parse().unwrap();
        let days = [week.first_day(), week.last_day(), week.as_of(), week.full_month()].map(|day| day.to_string());
        assert_eq!(days, ["2026-03-02", "2026-03-08", "2026-03-09", "2026-02-01"]);
        assert_eq!((Week::before(week.as_of()), week.to_string()), (week, "2026-W10".to_owned()));
    }

    #[test]
    fn a_month_that_ends_with_the_week_is_full() {
        let week: Week = "2026-W22".parse().unwrap();
        assert_eq!(
            (week.as_of().to_string(), week.full_month().to_string()),
            ("2026-06-01".to_owned(), "2026-05-01".to_owned())
        );
    }

    #[test]
    fn the_year_of_a_week_is_that_of_its_thursday() {
        let week: Week = "2026-W01".parse().unwrap();
        assert_eq!((week.first_day().to_string(), week.to_string()), ("2025-12-29".to_owned(), "2026-W01".to_owned()));
    }

    #[test]
    fn other_intervals_are_refused() {
        for text in ["2026-03", "2026-03-02", "2026-W60", "2026-03-03..2026-03-10", "2026-03-02..2026-03-16", "ten"] {
            assert!(text.parse::<Week>().is_err(), "{text}");
        }
    }
}
