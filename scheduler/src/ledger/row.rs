//! From columns of a row to values.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use sqlx::any::{Any, AnyRow};
use sqlx::{Decode, Row, Type};

use super::{Error, Result};

pub(super) fn get<'a, T>(row: &'a AnyRow, column: &str) -> Result<T>
where
    T: Decode<'a, Any> + Type<Any>,
{
    row.try_get(column).map_err(|error| damaged(column, error.to_string()))
}

pub(super) fn text(row: &AnyRow, column: &str) -> Result<String> {
    get(row, column)
}

pub(super) fn optional_text(row: &AnyRow, column: &str) -> Result<Option<String>> {
    get(row, column)
}

/// Kept as 1 or 0.
pub(super) fn flag(row: &AnyRow, column: &str) -> Result<bool> {
    get::<i64>(row, column).map(|value| value != 0)
}

/// A number that is stored signed and is never negative.
pub(super) fn count(row: &AnyRow, column: &str) -> Result<u64> {
    unsigned(get(row, column)?, column)
}

pub(super) fn optional_count(row: &AnyRow, column: &str) -> Result<Option<u64>> {
    get::<Option<i64>>(row, column)?.map(|value| unsigned(value, column)).transpose()
}

/// A number that does not grow beyond 32 bits.
pub(super) fn small(row: &AnyRow, column: &str) -> Result<u32> {
    narrow(get(row, column)?, column)
}

pub(super) fn optional_small(row: &AnyRow, column: &str) -> Result<Option<u32>> {
    get::<Option<i64>>(row, column)?.map(|value| narrow(value, column)).transpose()
}

pub(super) fn optional_word<T: FromStr<Err = Error>>(row: &AnyRow, column: &str) -> Result<Option<T>> {
    optional_text(row, column)?.map(|word| word.parse()).transpose()
}

pub(super) fn instant(row: &AnyRow, column: &str) -> Result<DateTime<Utc>> {
    at(get(row, column)?, column)
}

pub(super) fn optional_instant(row: &AnyRow, column: &str) -> Result<Option<DateTime<Utc>>> {
    get::<Option<i64>>(row, column)?.map(|micros| at(micros, column)).transpose()
}

pub(super) fn json<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T> {
    serde_json::from_str(get(row, column)?).map_err(|error| damaged(column, error.to_string()))
}

/// Someone else wrote into the tables, or a newer program did.
pub(super) fn damaged(column: &str, problem: impl Into<String>) -> Error {
    Error::invalid(format!("ledger column {column}"), problem)
}

/// For a number to be stored.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64, column: &str) -> Result<u64> {
    u64::try_from(value).map_err(|_| damaged(column, format!("{value} is negative")))
}

fn narrow(value: i64, column: &str) -> Result<u32> {
    u32::try_from(value).map_err(|_| damaged(column, format!("{value} is out of range")))
}

fn at(micros: i64, column: &str) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| damaged(column, format!("{micros} is out of range")))
}
