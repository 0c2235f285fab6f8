//! Rows damaged on purpose, one defect each. A damaged row replaces a valid one and never turns its key into another
//! valid key; its line stays one line.

mod csv;
mod json;

use crate::random::Stream;
use crate::source::{Column, Format, Kind, Source};

/// Lines longer than this are over-long.
const LONGEST_LINE_BYTES: usize = 1 << 20;

static BAD_NUMBERS: [&str; 4] = ["n/a", "12.3.4", "1O2", "--"];
static BAD_DATES: [&str; 3] = ["2026-13-45", "yesterday", "31/02/26"];
static BAD_TIMES: [&str; 3] = ["2026-13-45T25:61:00Z", "yesterday", "12h30"];
static BAD_MEMBERS: [&str; 3] = ["UNKNOWN_9", "ZZ", "?"];

/// What was done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) kind: &'static str,
    /// Empty if no column can be blamed.
    pub(crate) column: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    WrongFieldCount,
    BrokenQuote,
    BrokenJson,
    InvalidUtf8,
    /// A column's value replaced by one it cannot hold.
    BadValue(Kind),
    MissingRequiredField,
}

static CSV_DEFECTS: [Defect; 8] = [
    Defect::WrongFieldCount,
    Defect::BrokenQuote,
    Defect::InvalidUtf8,
    Defect::BadValue(Kind::Number),
    Defect::BadValue(Kind::Date),
    Defect::BadValue(Kind::Time),
    Defect::BadValue(Kind::Enumeration),
    Defect::MissingRequiredField,
];

static JSON_DEFECTS: [Defect; 6] = [
    Defect::BrokenJson,
    Defect::InvalidUtf8,
    Defect::BadValue(Kind::Number),
    Defect::BadValue(Kind::Time),
    Defect::BadValue(Kind::Enumeration),
    Defect::MissingRequiredField,
];

/// Damages `line`, a record of `source` without its line feed, in a way drawn from those that apply to it.
pub(crate) fn damage(source: Source, line: &mut Vec<u8>, stream: &mut Stream) -> Damage {
    let defects: &[Defect] = match source.format() {
        Format::Csv => &CSV_DEFECTS,
        Format::Json => &JSON_DEFECTS,
    };
    for _ in 0..8 {
        let defect = *stream.pick(defects);
        if let Some(damage) = inflict(source, defect, line, stream) {
            return damage;
        }
    }
    break_structure(source, line, stream)
}

/// Stretches the tail of a record beyond the longest line that is read.
pub(crate) fn over_long(source: Source, line: &mut Vec<u8>) -> Damage {
    let end = match source.format() {
        Format::Csv => field_of(source, "tail").map(|index| csv::fields(line)[index].end),
        Format::Json => json::member(line, "tail").map(|member| member.value.end - 1),
    };
    let at = end.unwrap_or(line.len());
    line.splice(at..at, std::iter::repeat_n(b'X', LONGEST_LINE_BYTES + 64));
    Damage { kind: "over_long_line", column: "" }
}

/// Applies one defect; none if the row has nothing to apply it to.
fn inflict(source: Source, defect: Defect, line: &mut Vec<u8>, stream: &mut Stream) -> Option<Damage> {
    match defect {
        Defect::WrongFieldCount | Defect::BrokenJson => {
            return Some(break_structure(source, line, stream));
        }
        Defect::BrokenQuote => {
            csv::break_quote(line, stream);
            return Some(whole_row("broken_quote"));
        }
        Defect::InvalidUtf8 => {
            let column = column_where(source, line, stream, |column| column.name == "tail")?;
            replace(source, line, column, b"EI-\xff\xfe");
            return Some(whole_row("invalid_utf8"));
        }
        Defect::BadValue(_) | Defect::MissingRequiredField => {}
    }
    let (kind, column) = match defect {
        Defect::BadValue(wanted) => {
            let column = column_where(source, line, stream, |column| column.kind == wanted)?;
            let (kind, value) = bad_value(wanted, stream);
            replace(source, line, column, value.as_bytes());
            (kind, column)
        }
        _ => {
            let column = column_where(source, line, stream, |column| column.required)?;
            remove(source, line, column);
            ("missing_required_field", column)
        }
    };
    Some(Damage { kind, column: column.name })
}

fn whole_row(kind: &'static str) -> Damage {
    Damage { kind, column: "" }
}

fn break_structure(source: Source, line: &mut Vec<u8>, stream: &mut Stream) -> Damage {
    match source.format() {
        Format::Csv => {
            csv::change_field_count(line, stream);
            whole_row("wrong_field_count")
        }
        Format::Json => {
            json::cut(line, stream);
            whole_row("broken_json")
        }
    }
}

fn bad_value(kind: Kind, stream: &mut Stream) -> (&'static str, &'static str) {
    match kind {
        Kind::Number => ("bad_number", *stream.pick::<&str>(&BAD_NUMBERS)),
        Kind::Date => ("bad_date", *stream.pick::<&str>(&BAD_DATES)),
        Kind::Time => ("bad_date", *stream.pick::<&str>(&BAD_TIMES)),
        _ => ("unknown_enum_value", *stream.pick::<&str>(&BAD_MEMBERS)),
    }
}

/// A column of the row that meets the condition, drawn at random.
fn column_where(
    source: Source,
    line: &[u8],
    stream: &mut Stream,
    condition: impl Fn(&Column) -> bool,
) -> Option<&'static Column> {
    let present = |column: &&Column| match source.format() {
        Format::Csv => true,
        Format::Json => json::member(line, column.name).is_some(),
    };
    let columns: Vec<&'static Column> =
        source.columns().iter().filter(|column| condition(column)).filter(present).collect();
    (!columns.is_empty()).then(|| *stream.pick(&columns))
}

fn replace(source: Source, line: &mut Vec<u8>, column: &Column, value: &[u8]) {
    match source.format() {
        Format::Csv => {
            if let Some(index) = field_of(source, column.name) {
                let range = csv::fields(line)[index].clone();
                line.splice(range, value.iter().copied());
            }
        }
        Format::Json => {
            if let Some(member) = json::member(line, column.name) {
                let quoted = [b"\"", value, b"\""].concat();
                line.splice(member.value, quoted);
            }
        }
    }
}

fn remove(source: Source, line: &mut Vec<u8>, column: &Column) {
    match source.format() {
        Format::Csv => replace(source, line, column, b""),
        Format::Json => json::remove(line, column.name),
    }
}

fn field_of(source: Source, name: &str) -> Option<usize> {
    source.columns().iter().position(|column| column.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use proptest::prelude::*;

    const UTILIZATION: &str = "EI-ABC,2026-01-01,11.0000,8,4.00,6,22.00";
    const EVENT: &str = r#"{"event_id":"EV001-20260101-01","tail":"EI-ABC","occurred_at":"2026-01-01T10:00:00Z","kind":"PIREP","ata":"36","deferred":false,"text":"say \"no\", twice"}"#;

    fn stream(seed: u64) -> Stream {
        Stream::new(seed, Purpose::Delivery, 0, 0)
    }

    proptest! {
        #[test]
        fn a_damaged_csv_row_is_another_single_line(seed in any::<u64>()) {
            let mut line = UTILIZATION.as_bytes().to_vec();
            let damage = damage(Source::Utilization, &mut line, &mut stream(seed));
            prop_assert_ne!(line.as_slice(), UTILIZATION.as_bytes());
            prop_assert!(!line.contains(&b'\n'));
            let intact = csv::fields(&line).len() == 7;
            prop_assert!(intact || matches!(damage.kind, "wrong_field_count" | "broken_quote"));
        }

        #[test]
        fn a_damaged_json_row_fails_as_recorded(seed in any::<u64>()) {
            let mut line = EVENT.as_bytes().to_vec();
            let damage = damage(Source::Events, &mut line, &mut stream(seed));
            let parsed = serde_json::from_slice::<serde_json::Value>(&line);
            match damage.kind {
                "broken_json" | "invalid_utf8" => prop_assert!(parsed.is_err()),
                "missing_required_field" => prop_assert!(parsed.is_ok_and(|row| row.get(damage.column).is_none())),
                _ => prop_assert!(parsed.is_ok_and(|row| row.get(damage.column).is_some_and(|value| value.is_string()))),
            }
        }
    }

    #[test]
    fn an_over_long_line_passes_the_limit() {
        for (source, row) in [(Source::Utilization, UTILIZATION), (Source::Events, EVENT)] {
            let mut line = row.as_bytes().to_vec();
            assert_eq!(over_long(source, &mut line).kind, "over_long_line");
            assert!(line.len() > LONGEST_LINE_BYTES);
        }
    }
}
