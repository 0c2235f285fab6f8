//! How options are read: each parser says what it expected. Never asks a server.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use uuid::Uuid;

/// A span of time, such as `1h30m`; never below zero.
pub type Span = TimeDelta;

const GRACE_HOURS_MAX: i64 = 24;
const KEY_BYTES_MAX: usize = 128;

/// An instant as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    At(DateTime<Utc>),
    Ago(Span),
}

impl Moment {
    pub fn instant(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(instant) => instant,
            Self::Ago(span) => now.checked_sub_signed(span).unwrap_or(DateTime::UNIX_EPOCH),
        }
    }
}

/// `http://host:port`, without what follows.
pub fn server(text: &str) -> Result<String, String> {
    let expected = || Err(format!("`{text}`: expected http://host:port, as in http://localhost:50060"));
    if text.starts_with("https://") {
        return Err(format!("`{text}`: TLS is not there yet; expected http://host:port"));
    }
    let place = text.trim().strip_prefix("http://").map(|place| place.trim_end_matches('/'));
    let parts = place.and_then(|place| place.rsplit_once(':'));
    match parts {
        Some((host, port)) if plain_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0) => {
            Ok(format!("http://{host}:{port}"))
        }
        _ => expected(),
    }
}

fn plain_host(host: &str) -> bool {
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    !host.is_empty() && (host.chars().all(allowed) || bracketed)
}

/// A name that fits into the metadata of a call.
pub fn user(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("expected a name".to_owned()),
        name if name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => Ok(name.to_owned()),
        name => Err(format!("`{name}`: expected printable ASCII")),
    }
}

pub fn key(text: &str) -> Result<String, String> {
    match text.len() {
        1..=KEY_BYTES_MAX => Ok(text.to_owned()),
        bytes => Err(format!("has {bytes} bytes, expected 1 to {KEY_BYTES_MAX}")),
    }
}

/// `name=value` or `schema.table.name=value`.
pub fn parameter(text: &str) -> Result<(String, f64), String> {
    let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
        return Err(format!("`{text}`: expected name=value, as in confidence=0.9"));
    };
    match value.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((name.trim().to_owned(), number)),
        _ => Err(format!("`{value}`: expected a finite number, as in confidence=0.9")),
    }
}

/// A UUID, in lower case with hyphens.
pub fn run_id(text: &str) -> Result<String, String> {
    match Uuid::try_parse(text.trim()) {
        Ok(id) => Ok(id.to_string()),
        Err(_) => Err("expected a UUID, as `fleet runs` lists them".to_owned()),
    }
}

/// `schema.table`.
pub fn table(text: &str) -> Result<String, String> {
    match text.trim().split_once('.') {
        Some((schema, table)) if !schema.is_empty() && !table.is_empty() && !table.contains('.') => {
            Ok(text.trim().to_owned())
        }
        _ => Err(format!("`{text}`: expected schema.table, as in reliability.component")),
    }
}

/// A day of the calendar.
pub fn day(text: &str) -> Result<String, String> {
    match text.trim().parse::<NaiveDate>() {
        Ok(day) => Ok(day.to_string()),
        Err(_) => Err(format!("`{text}`: expected a day, as in 2026-03-05")),
    }
}

/// A day, an instant, or how long ago.
pub fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(Moment::At(day.and_time(NaiveTime::MIN).and_utc()));
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(Moment::At(instant.to_utc()));
    }
    let advice = "expected 2026-03-05, 2026-03-05T06:00:00Z, or 12h or 7d back from now";
    span(text).map(Moment::Ago).ok_or_else(|| format!("`{text}`: {advice}"))
}

/// A grace period of up to 24 hours.
pub fn grace(text: &str) -> Result<Span, String> {
    span(text)
        .filter(|span| *span <= TimeDelta::hours(GRACE_HOURS_MAX))
        .ok_or_else(|| format!("`{text}`: expected up to {GRACE_HOURS_MAX}h, as in 90s, 10m or 1h30m"))
}

/// Numbers with their units `d`, `h`, `m` and `s`, one after the other; or `0`.
fn span(text: &str) -> Option<Span> {
    if text == "0" {
        return Some(TimeDelta::zero());
    }
    let mut total = TimeDelta::zero();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let part = match rest.as_bytes()[digits] {
            b'd' => TimeDelta::try_days(number),
            b'h' => TimeDelta::try_hours(number),
            b'm' => TimeDelta::try_minutes(number),
            b's' => TimeDelta::try_seconds(number),
            _ => None,
        }?;
        total = total.checked_add(&part)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_scheme_a_host_and_a_port() {
        assert_eq!(server("http://h-1:50060/").unwrap(), "http://h-1:50060");
        assert_eq!(server("http://[::1]:50060").unwrap(), "http://[::1]:50060");
        assert!(server("https://h:1").unwrap_err().contains("TLS"));
        for wrong in ["h:50060", "http://h", "http://:1", "http://h:0", "http://h:1/x", "http://a b:1", ""] {
            assert!(server(wrong).unwrap_err().contains("expected http://host:port"), "{wrong}");
        }
    }

    #[test]
    fn a_parameter_is_a_name_and_a_finite_number() {
        assert_eq!(parameter("confidence = 0.9").unwrap(), ("confidence".to_owned(), 0.9));
        assert_eq!(parameter("a.b.c=-1e3").unwrap(), ("a.b.c".to_owned(), -1000.0));
        for wrong in ["confidence", "=1", "a=", "a=x", "a=NaN", "a=inf"] {
            assert!(parameter(wrong).unwrap_err().contains("expected"), "{wrong}");
        }
    }

    #[test]
    fn ids_are_normalised() {
        assert_eq!(run_id("0197A3C25F1E7C3A9B573D1F0C2A8E44").unwrap(), "0197a3c2-5f1e-7c3a-9b57-3d1f0c2a8e44");
        assert!(run_id("7").unwrap_err().contains("UUID"));
    }

    #[test]
    fn spans_add_up_their_parts() {
        assert_eq!(grace("1h30m"), Ok(TimeDelta::minutes(90)));
        assert_eq!(grace("90s"), Ok(TimeDelta::seconds(90)));
        assert_eq!(grace("0"), Ok(TimeDelta::zero()));
        for wrong in ["", "10", "m", "10x", "-5m", "25h", "99999999999999999999s", "9223372036854775807d"] {
            assert!(grace(wrong).unwrap_err().contains("expected up to 24h"), "{wrong}");
        }
    }

    #[test]
    fn a_moment_is_a_day_an_instant_or_how_long_ago() {
        let now = "2026-03-10T12:00:00Z".parse().unwrap();
        let read = |text| moment(text).unwrap().instant(now).to_rfc3339();
        assert_eq!(read("2026-03-05"), "2026-03-05T00:00:00+00:00");
        assert_eq!(read("2026-03-05T06:00:00+01:00"), "2026-03-05T05:00:00+00:00");
        assert_eq!(read("7d"), "2026-03-03T12:00:00+00:00");
        assert!(moment("yesterday").unwrap_err().contains("7d"));
    }

    #[test]
    fn names_tables_days_and_keys_are_checked() {
        assert_eq!(user(" ann ").unwrap(), "ann");
        assert!(user("Zoë").unwrap_err().contains("ASCII"));
        assert!(table("component").unwrap_err().contains("schema.table"));
        assert!(table("a.b.c").is_err());
        assert_eq!(day("2026-03-05").unwrap(), "2026-03-05");
        assert!(day("2026-02-30").is_err());
        assert!(key("").is_err() && key(&"x".repeat(129)).is_err() && key("x").is_ok());
    }
}
