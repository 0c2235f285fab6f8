//! Reading instants: formats, the time zone of texts that name none, and the hours that daylight saving
//! doubles or drops.

use chrono::{DateTime, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// How a source writes its timestamps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timestamps {
    /// `strftime` formats, tried in order; ISO 8601 where none is given.
    pub formats: Vec<String>,
    /// IANA name of the zone of texts that name none; UTC where it is left out.
    pub time_zone: Option<Tz>,
    /// What a local time that happened twice means.
    pub doubled: Doubled,
    /// What a local time that never happened means.
    pub dropped: Dropped,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Doubled {
    /// The row is quarantined.
    #[default]
    Reject,
    First,
    Second,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dropped {
    /// The row is quarantined.
    #[default]
    Reject,
    /// The clock had already been put forward: 02:30 means 03:30.
    Shift,
}

impl Timestamps {
    /// Microseconds since 1970 UTC, or what is wrong with the text.
    pub fn parse(&self, text: &str) -> Result<i64, &'static str> {
        if self.formats.is_empty() {
            return match iso_utc(text.as_bytes()) {
                Some(micros) => Ok(micros),
                None => self.iso(text),
            };
        }
        for format in &self.formats {
            if let Ok(instant) = DateTime::parse_from_str(text, format) {
                return Ok(instant.timestamp_micros());
            }
            let local = NaiveDateTime::parse_from_str(text, format)
                .or_else(|_| NaiveDate::parse_from_str(text, format).map(|date| date.and_time(chrono::NaiveTime::MIN)));
            if let Ok(local) = local {
                return self.local(local);
            }
        }
        Err("expected a timestamp in one of the source's formats")
    }

    fn iso(&self, text: &str) -> Result<i64, &'static str> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Ok(instant.timestamp_micros());
        }
        let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
        match local {
            Some(local) => self.local(local),
            None => Err("expected an ISO 8601 timestamp"),
        }
    }

    fn local(&self, local: NaiveDateTime) -> Result<i64, &'static str> {
        let Some(zone) = self.time_zone else { return Ok(local.and_utc().timestamp_micros()) };
        let instant = match (zone.from_local_datetime(&local), self.doubled) {
            (LocalResult::Single(instant), _) => instant,
            (LocalResult::Ambiguous(first, _), Doubled::First) => first,
            (LocalResult::Ambiguous(_, second), Doubled::Second) => second,
            (LocalResult::Ambiguous(..), Doubled::Reject) => {
                return Err("this local time happened twice; say `doubled: first` or `second` in the source");
            }
            (LocalResult::None, _) if self.dropped == Dropped::Shift => {
                return shifted(zone, local).ok_or("this local time cannot be placed");
            }
            (LocalResult::None, _) => {
                return Err("this local time never happened; say `dropped: shift` in the source to move it forward");
            }
        };
        Ok(instant.with_timezone(&Utc).timestamp_micros())
    }
}

/// Reads a local time in a gap with the offset that was in force before it.
fn shifted(zone: Tz, local: NaiveDateTime) -> Option<i64> {
    let before = zone.from_local_datetime(&(local - Duration::hours(3))).latest()?;
    Some((before.with_timezone(&Utc) + Duration::hours(3)).timestamp_micros())
}

/// The common shape `2026-01-05T08:30:00Z` (with an optional fraction), without going through a format.
fn iso_utc(text: &[u8]) -> Option<i64> {
    let (&last, text) = text.split_last()?;
    if last != b'Z' || text.len() < 19 || text.len() > 26 {
        return None;
    }
    if text[4] != b'-' || text[7] != b'-' || text[10] != b'T' || text[13] != b':' || text[16] != b':' {
        return None;
    }
    let days = date(&text[..10])?;
    let (hour, minute, second) = (digits(&text[11..13])?, digits(&text[14..16])?, digits(&text[17..19])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut micros = 0;
    if text.len() > 19 {
        if text[19] != b'.' || text.len() == 20 {
            return None;
        }
        let places = u32::try_from(text.len() - 20).ok()?;
        micros = digits(&text[20..])? * 10_i64.pow(6 - places);
    }
    Some(((i64::from(days) * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + micros)
}

/// Days since 1970 of `YYYY-MM-DD`.
pub fn date(text: &[u8]) -> Option<i32> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(&text[..4])?, digits(&text[5..7])?, digits(&text[8..])?);
    let date =
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, u32::try_from(month).ok()?, u32::try_from(day).ok()?)?;
    Some(date.to_epoch_days())
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
    }

    fn new_york(doubled: Doubled, dropped: Dropped) -> Timestamps {
        Timestamps {
            formats: vec!["%Y-%m-%d %H:%M".into()],
            time_zone: Some(chrono_tz::America::New_York),
            doubled,
            dropped,
        }
    }

    #[test]
    fn iso_texts_are_read_with_and_without_fraction_and_offset() {
        let plain = Timestamps::default();
        for text in [
            "2026-01-05T08:30:00Z",
            "2026-01-05T08:30:00.25Z",
            "2026-01-05T08:30:00+02:00",
            "1969-12-31T23:59:59.999999Z",
        ] {
            assert_eq!(plain.parse(text), Ok(micros(text)), "{text}");
        }
        assert_eq!(plain.parse("2026-01-05 08:30:00"), Ok(micros("2026-01-05T08:30:00Z")));
        for text in ["2026-02-30T00:00:00Z", "2026-01-05T24:00:00Z", "2026-01-05T08:30:00.Z", "yesterday", ""] {
            assert!(plain.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_doubled_hour_follows_its_rule() {
        let text = "2013-11-03 01:30";
        assert!(new_york(Doubled::Reject, Dropped::Reject).parse(text).is_err());
        assert_eq!(new_york(Doubled::First, Dropped::Reject).parse(text), Ok(micros("2013-11-03T05:30:00Z")));
        assert_eq!(new_york(Doubled::Second, Dropped::Reject).parse(text), Ok(micros("2013-11-03T06:30:00Z")));
    }

    #[test]
    fn a_dropped_hour_follows_its_rule() {
        let text = "2013-03-10 02:30";
        assert!(new_york(Doubled::Reject, Dropped::Reject).parse(text).is_err());
        assert_eq!(new_york(Doubled::Reject, Dropped::Shift).parse(text), Ok(micros("2013-03-10T07:30:00Z")));
    }
}
