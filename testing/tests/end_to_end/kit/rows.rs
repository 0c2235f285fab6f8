//! Rows as JSON, and the comparison of two sets of them.

use serde_json::{Map, Value};

pub type Row = Map<String, Value>;

/// Sums may be added up in another order on another number of partitions.
const RELATIVE_TOLERANCE: f64 = 1e-9;

/// Who wrote a row and when: never compared.
const RESERVED: [&str; 4] = ["run_id", "computed_at", "ingested_at", "modified_at"];

const DIFFERENCES_SHOWN: usize = 5;

pub fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

pub fn number(row: &Row, column: &str) -> i64 {
    row.get(column).and_then(Value::as_i64).unwrap_or_else(|| panic!("no whole number `{column}` in {row:?}"))
}

/// Rows are equal whatever their order; all but floats exactly.
pub fn assert_same_rows(what: &str, expected: &[Row], found: &[Row]) {
    let (expected, found) = (sorted(expected), sorted(found));
    let differing: Vec<String> = expected
        .iter()
        .zip(&found)
        .filter(|(expected, found)| !same(expected, found))
        .take(DIFFERENCES_SHOWN)
        .map(|(expected, found)| format!("expected {}\nfound    {}", json(expected), json(found)))
        .collect();
    let lengths = format!("{} rows expected, {} found", expected.len(), found.len());
    assert!(expected.len() == found.len() && differing.is_empty(), "{what}: {lengths}\n{}", differing.join("\n"));
}

fn sorted(rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    for row in &mut rows {
        row.retain(|name, value| !RESERVED.contains(&name.as_str()) && !value.is_null());
    }
    // By the texts first, and only then by numbers, to as many digits as any order of adding up agrees on. PostgreSQL writes
    // a float that is whole as if it were an integer.
    rows.sort_by_cached_key(|row| {
        let (numbers, others): (Vec<&Value>, Vec<&Value>) = row.values().partition(|value| value.is_number());
        let others: String = others.iter().map(|value| format!("{value}\u{1}")).collect();
        let numbers: Vec<String> =
            numbers.iter().map(|value| format!("{:.6e}", value.as_f64().unwrap_or(0.0))).collect();
        (others, numbers)
    });
    rows
}

fn same(expected: &Row, found: &Row) -> bool {
    expected.len() == found.len()
        && expected.iter().all(|(name, expected)| found.get(name).is_some_and(|found| same_value(expected, found)))
}

fn same_value(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= RELATIVE_TOLERANCE * a.abs().max(b.abs()),
            _ => false,
        },
        _ => expected == found,
    }
}

fn json(row: &Row) -> String {
    Value::Object(row.clone()).to_string()
}
