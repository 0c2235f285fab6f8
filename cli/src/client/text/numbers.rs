//! Numbers, times and days for people.

use chrono::{DateTime, SecondsFormat, Utc};
use fleet_proto::v1::Interval;
use prost_types::{Duration, Timestamp};

use crate::display::grouped;

const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/// `512 B`, `1.1 MiB`.
pub fn bytes(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    // What would be printed as 1024.0 is one of the next unit.
    while size >= 1023.95 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// `7 132 rows`.
pub fn rows(rows: u64) -> String {
    counted(rows, "row")
}

/// `1 run`, `2 runs`.
pub fn counted(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `1.2 s`, `3 min 05 s`, `2 h 05 min`, `3 d 04 h`.
pub fn seconds(seconds: f64) -> String {
    if seconds < 59.95 {
        return format!("{:.1} s", seconds.max(0.0));
    }
    let whole = seconds.round() as u64;
    let (large, unit, small, of) = match whole {
        0..3600 => (whole / 60, "min", whole % 60, "s"),
        3600..86_400 => (whole / 3600, "h", whole % 3600 / 60, "min"),
        _ => (whole / 86_400, "d", whole % 86_400 / 3600, "h"),
    };
    format!("{large} {unit} {small:02} {of}")
}

/// A duration of the wire, in seconds.
pub fn span(duration: &Duration) -> f64 {
    duration.seconds as f64 + f64::from(duration.nanos) / 1e9
}

/// Seconds from one instant to another; none where one is absent.
pub fn elapsed(from: Option<&Timestamp>, to: Option<&Timestamp>) -> Option<f64> {
    let (from, to) = (from?, to?);
    Some((to.seconds - from.seconds) as f64 + f64::from(to.nanos - from.nanos) / 1e9)
}

/// `2026-03-09T06:00:00Z`; empty where absent.
pub fn instant(instant: Option<&Timestamp>) -> String {
    let time = instant.and_then(|instant| DateTime::from_timestamp(instant.seconds, 0));
    time.map(|time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}

/// `2026-03-02..2026-03-09`, the last day left out, as the option `--interval` takes it.
pub fn interval(interval: Option<&Interval>) -> String {
    let day = |instant: Option<&Timestamp>| {
        let time = instant.and_then(|instant| DateTime::from_timestamp(instant.seconds, 0));
        time.map(|time: DateTime<Utc>| time.date_naive().to_string()).unwrap_or_default()
    };
    match interval {
        Some(interval) => format!("{}..{}", day(interval.start.as_ref()), day(interval.end.as_ref())),
        None => "all that changed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_in_binary_units() {
        let shown = [0, 1023, 1024, 1_153_434, 1_048_575, 1 << 40, u64::MAX].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.1 MiB", "1.0 MiB", "1.0 TiB", "16384.0 PiB"]);
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let shown = [0.0, 1.24, 59.96, 185.0, 3599.9, 7500.0, 273_600.0, -1.0].map(seconds);
        assert_eq!(
            shown,
            ["0.0 s", "1.2 s", "1 min 00 s", "3 min 05 s", "1 h 00 min", "2 h 05 min", "3 d 04 h", "0.0 s"]
        );
    }

    #[test]
    fn intervals_are_written_as_they_are_asked_for() {
        let midnight = |seconds| Some(Timestamp { seconds, nanos: 0 });
        let week = Interval { start: midnight(1_772_409_600), end: midnight(1_773_014_400) };
        assert_eq!(interval(Some(&week)), "2026-03-02..2026-03-09");
        assert_eq!(interval(None), "all that changed");
        assert_eq!(instant(midnight(1_772_409_600).as_ref()), "2026-03-02T00:00:00Z");
    }

    #[test]
    fn elapsed_time_counts_nanoseconds() {
        let at = |seconds, nanos| Timestamp { seconds, nanos };
        assert_eq!(elapsed(Some(&at(1, 900_000_000)), Some(&at(3, 100_000_000))), Some(1.2));
        assert_eq!(elapsed(None, Some(&at(3, 0))), None);
    }
}
