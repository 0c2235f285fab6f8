//! Damaged, late, corrected and duplicate deliveries are what the truth and the summary say.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::landing::content;
use crate::{Fleet, clean};
use fleet_generator::Options;

fn damaged_fleet() -> Fleet {
    Fleet::generate(&Options { damaged_share: 0.02, ..clean(10, 10) })
}

/// Whether a consumer has to reject the line, judged by the damage recorded.
fn is_damaged(header: &[u8], line: &[u8], column: &str, damage: &str) -> bool {
    let commas = |text: &[u8]| text.iter().filter(|byte| **byte == b',').count();
    let text = String::from_utf8_lossy(line);
    match damage {
        "wrong_field_count" => {
            let mut quoted = false;
            let separators = line.iter().filter(|byte| {
                quoted ^= **byte == b'"';
                **byte == b',' && !quoted
            });
            separators.count() != commas(header)
        }
        "broken_quote" => line.iter().filter(|byte| **byte == b'"').count() % 2 == 1,
        "broken_json" => serde_json::from_slice::<serde_json::Value>(line).is_err(),
        "invalid_utf8" => std::str::from_utf8(line).is_err(),
        "over_long_line" => line.len() > 1 << 20,
        "missing_required_field" | "bad_number" | "bad_date" | "unknown_enum_value" => {
            let value = value(header, &text, column);
            match damage {
                "missing_required_field" => value.is_none_or(|value| value.is_empty()),
                "bad_number" => value.is_some_and(|value| value.parse::<f64>().is_err()),
                "bad_date" => value.is_some_and(|value| !value.starts_with("2026-0")),
                _ => value.is_some_and(|value| ["UNKNOWN_9", "ZZ", "?"].contains(&value.as_str())),
            }
        }
        other => panic!("unknown damage {other}"),
    }
}

fn value(header: &[u8], line: &str, column: &str) -> Option<String> {
    if line.starts_with('{') {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        return row.get(column).map(|value| value.as_str().unwrap_or_default().to_owned());
    }
    let header = String::from_utf8_lossy(header);
    let index = header.split(',').position(|name| name == column)?;
    // Quoted fields hold commas only behind the columns that are damaged by value, or in the last one.
    line.split(',').nth(index).map(ToOwned::to_owned)
}

#[test]
fn every_damaged_row_sits_where_the_truth_says() {
    let fleet = damaged_fleet();
    let damaged = fleet.landing().truth("damaged_rows");
    assert_eq!(damaged.len() as u64, fleet.summary.damaged_rows);
    let mut contents: HashMap<String, Vec<u8>> = HashMap::new();
    for row in &damaged {
        let path = fleet.folder.path().join("landing").join(&row["file"]);
        let content = contents.entry(row["file"].clone()).or_insert_with(|| content(&path));
        let lines: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
        let line = lines[row["line"].parse::<usize>().unwrap() - 1];
        assert!(
            is_damaged(lines[0], line, &row["column"], &row["damage"]),
            "{row:?}: {}",
            String::from_utf8_lossy(&line[..line.len().min(300)])
        );
    }
    let kinds: BTreeSet<&str> = damaged.iter().map(|row| row["damage"].as_str()).collect();
    assert_eq!(kinds.len(), 9, "{kinds:?}");
}

#[test]
fn the_share_of_damaged_rows_is_as_asked() {
    let fleet = damaged_fleet();
    let (damaged, rows) = (fleet.summary.damaged_rows as f64, fleet.summary.rows as f64);
    // Binomial, 5 standard deviations; a handful of over-long lines come on top.
    assert!((damaged - 0.02 * rows).abs() < 5.0 * (0.02 * rows).sqrt() + 3.0, "{damaged} of {rows}");
}

#[test]
fn damage_spares_every_other_row() {
    let whole = Fleet::generate(&clean(5, 10));
    let damaged = Fleet::generate(&Options { damaged_share: 0.02, ..clean(5, 10) });
    let lines = |fleet: &Fleet| -> Vec<Vec<u8>> {
        let files = fleet.landing().files("landing");
        files
            .iter()
            .flat_map(|file| content(file).split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>())
            .collect()
    };
    let intact: BTreeSet<Vec<u8>> = lines(&whole).into_iter().collect();
    let changed = lines(&damaged).into_iter().filter(|line| !intact.contains(line)).count();
    assert_eq!(changed as u64, damaged.summary.damaged_rows);
}

#[test]
fn late_and_duplicate_deliveries_lose_no_row() {
    let whole = Fleet::generate(&clean(10, 30));
    let scattered = Fleet::generate(&Options { late_share: 0.1, duplicate_share: 0.2, ..clean(10, 30) });
    assert!(scattered.summary.late_files > 0 && scattered.summary.duplicate_files > 0);
    for source in ["flights", "utilization", "scheduled_maintenance", "performance"] {
        let all = |fleet: &Fleet| -> BTreeSet<_> { fleet.landing().csv(source).into_iter().collect() };
        assert!(all(&whole).is_subset(&all(&scattered)), "{source}");
    }
    let texts = |fleet: &Fleet| -> BTreeSet<String> {
        let rows = fleet.landing().json("events");
        rows.iter().map(ToString::to_string).collect()
    };
    assert_eq!(texts(&whole), texts(&scattered));
}

#[test]
fn the_last_delivery_of_a_key_is_the_right_one() {
    let whole = Fleet::generate(&clean(10, 30));
    let corrected = Fleet::generate(&Options { late_share: 0.1, ..clean(10, 30) });
    // Files are read by delivery day and path, so that the last one stands.
    let last = |fleet: &Fleet| -> BTreeMap<String, _> {
        let rows = fleet.landing().csv("flights");
        rows.into_iter().map(|row| (row["flight_id"].clone(), row)).collect()
    };
    assert_eq!(last(&whole), last(&corrected));
    assert!(corrected.landing().csv("flights").len() > whole.landing().csv("flights").len());
}

#[test]
fn duplicates_repeat_a_file_byte_for_byte() {
    let fleet = Fleet::generate(&Options { duplicate_share: 0.3, ..clean(2, 20) });
    let files = fleet.landing().files("landing");
    let copies: Vec<_> = files.iter().filter(|file| file.to_string_lossy().contains("-copy.")).collect();
    assert_eq!(copies.len() as u64, fleet.summary.duplicate_files);
    assert_eq!(files.len() as u64, fleet.summary.files);
    for copy in copies {
        let name = copy.file_name().unwrap().to_string_lossy().replace("-copy", "");
        let original = files.iter().find(|file| file.ends_with(&name)).unwrap();
        assert_eq!(std::fs::read(original).unwrap(), std::fs::read(copy).unwrap());
    }
}
