//! From one field's text to one value, or to the reason why not.

use std::borrow::Cow;

use super::timestamps::{Timestamps, date};

/// Why a record was put in quarantine. The texts are what users group by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    FieldCount,
    BrokenQuote,
    BadNumber,
    BadBoolean,
    BadDate,
    BadTimestamp,
    BadType,
    UnknownValue,
    OutOfRange,
    MissingRequired,
    MissingColumn,
    InvalidUtf8,
    BrokenJson,
    OverLong,
    UnequalLists,
    Expression,
    Unreadable,
}

impl Reason {
    pub fn text(self) -> &'static str {
        match self {
            Self::FieldCount => "wrong field count",
            Self::BrokenQuote => "broken quote",
            Self::BadNumber => "bad number",
            Self::BadBoolean => "bad boolean",
            Self::BadDate | Self::BadTimestamp => "bad date",
            Self::BadType => "wrong type",
            Self::UnknownValue => "unknown value",
            Self::OutOfRange => "out of range",
            Self::MissingRequired => "missing required field",
            Self::MissingColumn => "missing required column",
            Self::InvalidUtf8 => "invalid UTF-8",
            Self::BrokenJson => "broken JSON",
            Self::OverLong => "over-long line",
            Self::UnequalLists => "lists of unequal length",
            Self::Expression => "failed expression",
            Self::Unreadable => "unreadable file",
        }
    }
}

/// What is wrong with a record: the reason, the column where it is known, and what was expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub reason: Reason,
    pub column: Option<String>,
    pub detail: Cow<'static, str>,
}

impl Fault {
    pub fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, column: None, detail: detail.into() }
    }

    pub fn in_column(mut self, column: &str) -> Self {
        self.column.get_or_insert_with(|| column.to_owned());
        self
    }
}

pub fn integer(text: &str) -> Result<i64, Fault> {
    text.trim().parse().map_err(|_| Fault::new(Reason::BadNumber, "expected a whole number"))
}

pub fn float(text: &str) -> Result<f64, Fault> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(Fault::new(Reason::BadNumber, "expected a number")),
    }
}

pub fn boolean(text: &str) -> Result<bool, Fault> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(Fault::new(Reason::BadBoolean, "expected true or false"))
    }
}

/// Days since 1970.
pub fn day(text: &str) -> Result<i32, Fault> {
    date(text.trim().as_bytes()).ok_or_else(|| Fault::new(Reason::BadDate, "expected a date, YYYY-MM-DD"))
}

/// Microseconds since 1970 UTC.
pub fn instant(text: &str, timestamps: &Timestamps) -> Result<i64, Fault> {
    timestamps.parse(text.trim()).map_err(|problem| Fault::new(Reason::BadTimestamp, problem))
}
