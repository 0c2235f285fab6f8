//! Whole files through the reader: what is kept, what is quarantined, and that chunking does not matter.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Float64Type, Int64Type};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use proptest::prelude::*;

use super::expressions::Expressions;
use super::reader::Reader;
use super::rows::{OUTCOME, ROW};
use super::spec::SourceSpec;

const FLIGHTS: &str = "
name: flights
description: A small source.
format: csv
key: [id]
partition: day
null_values: [NA]
max_record_bytes: 200
columns:
  - { name: id, type: string, required: true }
  - { name: day, type: date, required: true }
  - { name: hours, type: float, min: 0 }
  - { name: code, type: string, values: [A, B] }
  - { name: note, type: string }
";

const CONFIGURATIONS: &str = "
name: configurations
description: Nested.
format: json
key: [tail]
partition: at
columns:
  - { name: tail, type: string, required: true }
  - { name: at, type: timestamp, required: true }
  - name: parts
    type: list
    fields:
      - { name: part, type: string }
      - { name: hours, type: float }
";

/// (line, outcome, reason, column, raw) of everything that came out, in order of line.
type Seen = Vec<(i64, String, Option<String>, Option<String>, Option<String>)>;

fn read(yaml: &str, bytes: &[u8], chunk: usize) -> (Vec<RecordBatch>, Seen) {
    let spec = Arc::new(SourceSpec::parse("test.yaml", yaml).unwrap());
    let expressions = Expressions::of(&spec).unwrap();
    let mut reader = Reader::new(&spec, expressions, "f.csv".into(), Some(1), 3);
    let mut batches = Vec::new();
    for piece in bytes.chunks(chunk) {
        reader.feed(piece);
        while let Some(more) = reader.drain(false).unwrap() {
            batches.extend(more);
        }
    }
    while let Some(more) = reader.drain(true).unwrap() {
        batches.extend(more);
    }
    batches.push(reader.summary("hash").unwrap());
    let mut seen = Seen::new();
    for batch in &batches {
        let text = |name: &str, row: usize| {
            let column = batch.column_by_name(name).unwrap().as_string::<i32>();
            column.is_valid(row).then(|| column.value(row).to_owned())
        };
        let lines = batch.column_by_name("_line").unwrap().as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            seen.push((
                lines.value(row),
                text(OUTCOME, row).unwrap(),
                text("_reason", row),
                text("_column", row),
                text("_raw", row),
            ));
        }
    }
    seen.sort();
    (batches, seen)
}

fn quarantined(seen: &Seen) -> Vec<(i64, &str, &str)> {
    let damaged = seen.iter().filter(|row| row.1 == "quarantined");
    damaged.map(|row| (row.0, row.2.as_deref().unwrap_or(""), row.3.as_deref().unwrap_or(""))).collect()
}

fn kept(seen: &Seen) -> Vec<i64> {
    seen.iter().filter(|row| row.1 == "row").map(|row| row.0).collect()
}

#[test]
fn each_kind_of_damage_is_quarantined_alone() {
    let mut file = b"id,day,hours,code,note\n1,2026-01-01,1.5,A,fine\n".to_vec();
    file.extend(
        b"2,2026-01-01,1.5,A\n3,2026-01-01,1.5,A,\"open\n4,2026-01-01,x,A,\n5,2026-13-01,1,A,\n6,2026-01-01,1,C,\n",
    );
    file.extend(b",2026-01-01,1,A,\n8,2026-01-01,1,A,\xFF\n9,2026-01-01,-1,A,\n");
    file.extend(format!("10,2026-01-01,1,A,{}\n", "x".repeat(300)).bytes());
    file.extend(b"11,2026-01-01,NA,,\"a, \"\"b\"\"\"\n");
    let (batches, seen) = read(FLIGHTS, &file, 7);
    assert_eq!(kept(&seen), [2, 12]);
    assert_eq!(
        quarantined(&seen),
        [
            (3, "wrong field count", ""),
            (4, "broken quote", "note"),
            (5, "bad number", "hours"),
            (6, "bad date", "day"),
            (7, "unknown value", "code"),
            (8, "missing required field", "id"),
            (9, "invalid UTF-8", "note"),
            (10, "out of range", "hours"),
            (11, "over-long line", ""),
        ]
    );
    let raw = |line: i64| seen.iter().find(|row| row.0 == line).unwrap().4.clone().unwrap();
    assert_eq!(raw(9), "8,2026-01-01,1,A,\\xFF");
    assert_eq!(raw(4), "3,2026-01-01,1.5,A,\"open");
    assert!(raw(11).starts_with("10,2026-01-01,1,A,xxx"));
    let last = batches.iter().rfind(|batch| batch.column(0).is_valid(0)).unwrap();
    assert_eq!(last.column(4).as_string::<i32>().value(last.num_rows() - 1), "a, \"b\"");
}

#[test]
fn columns_come_in_any_order_and_strangers_are_named() {
    let (batches, seen) =
        read(FLIGHTS, b"note,extra,day,id,hours\nn,x,2026-01-01,7,2.5\r\n\r\nm,y,2026-01-02,8,\r\n", 4);
    assert_eq!(kept(&seen), [2, 4]);
    assert_eq!(batches[0].column_by_name("hours").unwrap().as_primitive::<Float64Type>().value(0), 2.5);
    let summary = seen.iter().find(|row| row.1 == "file").unwrap();
    assert_eq!(summary.2.as_deref(), Some("unknown column `extra`; missing column `code`"));
}

#[test]
fn a_file_without_a_required_column_is_quarantined_whole() {
    let (_, seen) = read(FLIGHTS, b"id,hours\n1,2\n2,3\n", 100);
    assert_eq!(quarantined(&seen), [(2, "missing required column", "day"), (3, "missing required column", "day")]);
}

#[test]
fn a_quoted_field_may_hold_line_breaks_and_lines_are_counted() {
    let (_, seen) = read(FLIGHTS, b"id,day,hours,code,note\n1,2026-01-01,1,A,\"two\nlines\"\n2,2026-01-01,1,A,x\n", 5);
    assert_eq!(kept(&seen), [2, 4]);
}

#[test]
fn an_empty_file_has_a_summary_and_nothing_else() {
    for file in ["", "id,day,hours,code,note\n"] {
        let (_, seen) = read(FLIGHTS, file.as_bytes(), 10);
        assert_eq!(seen.len(), 1, "{file:?}");
        assert_eq!(seen[0].1, "file");
    }
}

#[test]
fn nested_json_is_typed_all_the_way_down() {
    let good = r#"{"tail":"T1","at":"2026-01-01T00:00:00Z","parts":[{"part":"P","hours":1.5},{"part":"Q"}]}"#;
    let wrong = r#"{"tail":"T2","at":"2026-01-01T00:00:00Z","parts":[{"part":1}]}"#;
    let broken = r#"{"tail":"T3","at":"2026"#;
    let file = format!("{good}\n{wrong}\n{broken}\n");
    let (batches, seen) = read(CONFIGURATIONS, file.as_bytes(), 9);
    assert_eq!(kept(&seen), [1]);
    assert_eq!(quarantined(&seen), [(2, "wrong type", "parts"), (3, "broken JSON", "")]);
    assert_eq!(batches[0].column_by_name("parts").unwrap().as_list::<i32>().value(0).len(), 2);
}

#[test]
fn a_damaged_element_takes_its_record_with_it_and_no_other() {
    let record = |parts: &str| format!(r#"{{"tail":"T","at":"2026-01-01T00:00:00Z","parts":{parts}}}"#);
    let file = [
        r#"[{"part":"P","hours":1.5},null,{"hours":2}]"#,
        r#"[{"part":"Q","hours":3},{"part":"R","hours":"4"}]"#,
        r#"[{"part":"S"},7]"#,
        "{}",
        "[]",
        "null",
        r#"[{"part":"T","hours":-0.25,"unknown":[1]}]"#,
    ]
    .map(record)
    .join("\n");
    let (batches, seen) = read(CONFIGURATIONS, file.as_bytes(), 1000);
    assert_eq!(kept(&seen), [1, 5, 6, 7]);
    assert_eq!(
        quarantined(&seen),
        [(2, "bad number", "parts"), (3, "wrong type", "parts"), (4, "wrong type", "parts")]
    );
    let options = FormatOptions::new().with_null("null");
    let mut shown = Vec::new();
    for batch in &batches {
        let parts = ArrayFormatter::try_new(batch.column_by_name("parts").unwrap(), &options).unwrap();
        let outcomes = batch.column_by_name(OUTCOME).unwrap().as_string::<i32>();
        let kept = (0..batch.num_rows()).filter(|row| outcomes.value(*row) == ROW);
        shown.extend(kept.map(|row| parts.value(row).to_string()));
    }
    let expected =
        ["[{part: P, hours: 1.5}, null, {part: null, hours: 2.0}]", "[]", "null", "[{part: T, hours: -0.25}]"];
    assert_eq!(shown, expected);
}

#[test]
fn a_json_array_counts_its_elements() {
    let file = r#" [ {"tail":"T1","at":"2026-01-01T00:00:00Z"}, {"tail":"a,]b"}, {"tail":"T3","at":"2026-01-02T00:00:00Z"} ] "#;
    let (_, seen) = read(CONFIGURATIONS, file.as_bytes(), 6);
    assert_eq!(kept(&seen), [1, 3]);
    assert_eq!(quarantined(&seen), [(2, "missing required field", "at")]);
}

#[test]
fn expressions_rename_compute_and_reject() {
    let yaml = "
name: flights
description: Another airline's columns.
format: csv
key: [id]
partition: left
timestamps: { time_zone: America/New_York }
columns:
  - { name: id, type: string, required: true, expression: \"concat(carrier, '-', number)\" }
  - { name: left, type: timestamp, required: true, expression: \"concat(day, ' ', lpad(cast(hour as varchar), 2, '0'), ':00')\" }
  - { name: distance_km, type: float, expression: \"miles * 1.609344\", max: 10000 }
fields:
  - { name: carrier, type: string, from: CARRIER }
  - { name: number, type: integer }
  - { name: day, type: string }
  - { name: hour, type: integer }
  - { name: miles, type: float }
";
    let file = "CARRIER,number,day,hour,miles\nAA,1,2013-07-01,5,100\nAA,2,2013-03-10,2,100\nAA,3,2013-07-01,5,9999\n,,2013-07-01,25,1\n";
    let (batches, seen) = read(yaml, file.as_bytes(), 1000);
    assert_eq!(kept(&seen), [2]);
    assert_eq!(
        quarantined(&seen),
        [(3, "bad date", "left"), (4, "out of range", "distance_km"), (5, "bad date", "left")]
    );
    assert_eq!(batches[0].column(0).as_string::<i32>().value(0), "AA-1");
    assert!((batches[0].column(2).as_primitive::<Float64Type>().value(0) - 160.9344).abs() < 1e-9);
}

proptest! {
    /// Whatever the bytes and however they arrive: every line is accounted for once, and chunks do not matter.
    #[test]
    fn chunks_do_not_matter(lines in prop::collection::vec("[0-9a-z,\"\\n\\r\u{e9}]{0,40}", 0..20), chunk in 1_usize..50) {
        let file = format!("id,day,hours,code,note\n{}", lines.join("\n"));
        let (_, whole) = read(FLIGHTS, file.as_bytes(), file.len());
        let (_, pieces) = read(FLIGHTS, file.as_bytes(), chunk);
        prop_assert_eq!(&whole, &pieces);
        let numbers: Vec<i64> = whole.iter().filter(|row| row.1 != "file").map(|row| row.0).collect();
        prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "a line came out twice: {:?}", numbers);
    }
}
