//! Durations as written in YAML: a whole number and a unit, `90m`.

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer};

const DAYS_MAX: i64 = 366;

/// Seconds, minutes, hours or days; more than nothing and at most a year.
pub(super) fn parse(text: &str) -> Option<TimeDelta> {
    let digits = text.trim().trim_end_matches(|sign: char| sign.is_ascii_alphabetic());
    let seconds = match text.trim().strip_prefix(digits)? {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let count: u32 = digits.parse().ok()?;
    let duration = TimeDelta::try_seconds(i64::from(count) * seconds)?;
    (duration > TimeDelta::zero() && duration <= TimeDelta::days(DAYS_MAX)).then_some(duration)
}

fn read<'de, D: Deserializer<'de>>(key: &str, example: &str, from: D) -> Result<TimeDelta, D::Error> {
    let text = String::deserialize(from)?;
    parse(&text).ok_or_else(|| {
        serde::de::Error::custom(format!(
            "{key} `{text}`: expected a whole number with s, m, h or d, at most {DAYS_MAX}d, for example `{key}: \
             {example}`"
        ))
    })
}

pub(super) fn start_deadline<'de, D: Deserializer<'de>>(from: D) -> Result<Option<TimeDelta>, D::Error> {
    read("start_deadline", "6h", from).map(Some)
}

pub(super) fn time_limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<TimeDelta>, D::Error> {
    read("time_limit", "6h", from).map(Some)
}

pub(super) fn wait_limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<TimeDelta>, D::Error> {
    read("wait_limit", "12h", from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        assert_eq!(parse("90m"), Some(TimeDelta::minutes(90)));
        assert_eq!(parse(" 6h "), Some(TimeDelta::hours(6)));
        assert_eq!(parse("366d"), Some(TimeDelta::days(366)));
        for text in ["", "6", "h", "0h", "-1h", "1.5h", "6 h", "6H", "6w", "367d", "99999999999d", "1h30m"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
