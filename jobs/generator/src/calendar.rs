//! Days, instants and hours as plain integers, and how they are written. Knows UTC only.

use chrono::{Datelike, NaiveDate};

use crate::text::{AsText, push_padded};

const DAYS_FROM_CE_TO_EPOCH: i32 = 719_163;

/// A UTC day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(pub(crate) i32);

/// A UTC instant in seconds from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(crate) i64);

/// Hours in ten-thousandths, the precision of the files: sums of what was written are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hours(pub(crate) i64);

impl Day {
    pub(crate) fn from_date(date: NaiveDate) -> Self {
        Self(date.num_days_from_ce() - DAYS_FROM_CE_TO_EPOCH)
    }

    pub(crate) fn plus(self, days: i32) -> Self {
        Self(self.0 + days)
    }

    pub(crate) fn midnight(self) -> Timestamp {
        Timestamp(i64::from(self.0) * 86_400)
    }

    pub(crate) fn at_minute(self, minute: i64) -> Timestamp {
        self.midnight().plus_minutes(minute)
    }

    /// Year, month and day of the month, by Howard Hinnant's `civil_from_days` (2013).
    pub(crate) fn civil(self) -> (i64, i64, i64) {
        let shifted = i64::from(self.0) + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = (shifted_month + 2) % 12 + 1;
        (year_of_era + era * 400 + i64::from(month <= 2), month, day)
    }

    /// The day as `20260105`, for identifiers.
    pub(crate) fn push_compact(self, out: &mut Vec<u8>) {
        let (year, month, day) = self.civil();
        push_padded(out, year * 10_000 + month * 100 + day, 8);
    }
}

impl Timestamp {
    pub(crate) fn plus_minutes(self, minutes: i64) -> Self {
        Self(self.0 + minutes * 60)
    }

    pub(crate) fn plus_hours(self, hours: f64) -> Self {
        Self(self.0 + (hours * 60.0).round() as i64 * 60)
    }

    pub(crate) fn minutes_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0) / 60
    }

    pub(crate) fn day(self) -> Day {
        Day(self.0.div_euclid(86_400) as i32)
    }

    /// Hours since midnight.
    pub(crate) fn hour_of_day(self) -> f64 {
        self.0.rem_euclid(86_400) as f64 / 3600.0
    }
}

impl Hours {
    pub(crate) fn from_minutes(minutes: i64) -> Self {
        Self((minutes * 10_000 + 30).div_euclid(60))
    }

    pub(crate) fn from_f64(hours: f64) -> Self {
        Self((hours * 10_000.0).round() as i64)
    }

    pub(crate) fn as_f64(self) -> f64 {
        self.0 as f64 / 10_000.0
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AsText for Day {
    fn push_to(&self, out: &mut Vec<u8>) {
        let (year, month, day) = self.civil();
        push_padded(out, year, 4);
        out.push(b'-');
        push_padded(out, month, 2);
        out.push(b'-');
        push_padded(out, day, 2);
    }
}

impl AsText for Timestamp {
    fn push_to(&self, out: &mut Vec<u8>) {
        self.day().push_to(out);
        let second = self.0.rem_euclid(86_400);
        for (separator, value) in [(b'T', second / 3600), (b':', second / 60 % 60), (b':', second % 60)] {
            out.push(separator);
            push_padded(out, value, 2);
        }
        out.push(b'Z');
    }
}

impl AsText for Hours {
    fn push_to(&self, out: &mut Vec<u8>) {
        if self.0 < 0 {
            out.push(b'-');
        }
        let magnitude = self.0.abs();
        push_padded(out, magnitude / 10_000, 1);
        out.push(b'.');
        push_padded(out, magnitude % 10_000, 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::text_of;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn days_read_back_as_chrono_writes_them(offset in -40_000_i32..90_000) {
            let date = NaiveDate::from_num_days_from_ce_opt(offset + DAYS_FROM_CE_TO_EPOCH).unwrap_or_default();
            prop_assert_eq!(text_of(&Day::from_date(date)), date.to_string());
        }

        #[test]
        fn timestamps_read_back_as_chrono_writes_them(seconds in -2_000_000_000_i64..7_000_000_000) {
            let expected = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default();
            prop_assert_eq!(
                text_of(&Timestamp(seconds)),
                expected.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
            );
        }
    }

    #[test]
    fn hours_keep_four_decimals() {
        assert_eq!(text_of(&Hours::from_minutes(83)), "1.3833");
        assert_eq!(text_of(&Hours::from_minutes(61)), "1.0167");
        assert_eq!(text_of(&Hours(-5)), "-0.0005");
    }
}
