//! Damaged rows: every one found, at its line and for its reason, and nothing else lost.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use crate::kit::{Place, Row, State, made_fleet, number, reference, text};

/// (file, line) → (column, reason).
type Found = BTreeMap<(String, i64), (String, String)>;

#[test]
fn every_damaged_row_is_quarantined_at_its_line() {
    let reference = reference();
    let truth = fs::read_to_string(reference.place.data_folder().join("truth/damaged_rows.csv")).unwrap();
    assert!(truth.lines().count() > 50, "too few damaged rows to judge by");
    assert_quarantined(&truth, &reference.state.quarantine);
    let skipped = reference.state.ledger.iter().filter(|file| text(file, "state") == "skipped").count();
    assert!(skipped > 0, "no file was delivered twice, so that skipping is not tested");
}

/// Enough of it for every kind of damage to be there.
#[test]
fn a_fleet_with_a_tenth_of_its_rows_damaged_loses_only_those() {
    let place =
        made_fleet(&["--aircraft", "4", "--days", "30", "--seed", "5", "--damaged-share", "0.1", "--late-share", "0"]);
    place.ingest_and_run();
    let state = State::of(&place);
    let truth = fs::read_to_string(place.data_folder().join("truth/damaged_rows.csv")).unwrap();
    assert_quarantined(&truth, &state.quarantine);
    let kinds: std::collections::BTreeSet<&str> =
        truth.lines().skip(1).map(|line| line.rsplit(',').next().unwrap()).collect();
    assert_eq!(kinds.len(), 9, "{kinds:?}");
}

fn assert_quarantined(truth: &str, quarantine: &[Row]) {
    let mut expected = BTreeMap::new();
    for line in truth.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [file, line, column, damage] = fields[..] else { panic!("{line}") };
        expected.insert((file.to_owned(), line.parse::<i64>().unwrap()), (column.to_owned(), reason(damage)));
    }
    let found: Found = quarantine
        .iter()
        .map(|row| {
            let said = (text(row, "column").to_owned(), text(row, "reason").to_owned());
            ((text(row, "file").to_owned(), number(row, "line")), said)
        })
        .collect();
    assert_eq!(found.len(), quarantine.len(), "a line is in quarantine twice");
    let missing: Vec<_> = expected.iter().filter(|(place, _)| !found.contains_key(*place)).take(5).collect();
    let invented: Vec<_> = found.iter().filter(|(place, _)| !expected.contains_key(*place)).take(5).collect();
    assert!(missing.is_empty() && invented.is_empty(), "not found: {missing:?}\nnot damaged: {invented:?}");
    for (place, (column, reason)) in expected {
        let (found_column, found_reason) = &found[&place];
        assert_eq!(*found_reason, reason, "reason at {place:?}");
        // Where the truth blames no column, the quarantine may: a quote is broken in some field.
        assert!(column.is_empty() || *found_column == column, "at {place:?}: {found_column}, not {column}");
    }
}

/// How the quarantine calls the generator's kinds of damage.
fn reason(damage: &str) -> String {
    match damage {
        "wrong_field_count" => "wrong field count",
        "broken_quote" => "broken quote",
        "broken_json" => "broken JSON",
        "invalid_utf8" => "invalid UTF-8",
        "bad_number" => "bad number",
        "bad_date" => "bad date",
        "unknown_enum_value" => "unknown value",
        "missing_required_field" => "missing required field",
        "over_long_line" => "over-long line",
        other => panic!("unknown damage {other}"),
    }
    .to_owned()
}

const FILES: u64 = 4;
const DAYS: u64 = 1_000;

/// The damage of every tenth row, in turn, to `TAIL,DATE,hours,cycles,…`, with the column and the reason.
const DAMAGES: [(&str, &str, &str); 7] = [
    ("{tail},{date},eleven,8,4.0,6,22.0", "flight_hours", "bad number"),
    ("{tail},2026-13-45,11.0,8,4.0,6,22.0", "date", "bad date"),
    (",{date},11.0,8,4.0,6,22.0", "tail", "missing required field"),
    ("{tail},{date},11.0,8,4.0,6", "", "wrong field count"),
    ("{tail},{date},11.0,8,4.0,6,25.0", "available_hours", "out of range"),
    ("\"{tail},{date},11.0,8,4.0,6,22.0", "tail", "broken quote"),
    ("{tail},{date},11.0,8.5,4.0,6,22.0", "flight_cycles", "bad number"),
];

#[test]
fn a_tenth_of_a_hundred_thousand_damaged_rows_is_found() {
    assert_a_tenth_is_found(100_000);
}

#[test]
fn a_tenth_of_a_million_damaged_rows_is_found() {
    assert_a_tenth_is_found(1_000_000);
}

fn assert_a_tenth_is_found(rows: u64) {
    let place = Place::new();
    let mut damaged = String::from("file,line,column,reason\n");
    let mut csv = String::from("tail,date,flight_hours,flight_cycles,apu_hours,apu_cycles,available_hours\n");
    let per_file = rows / FILES;
    for row in 0..rows {
        let day = nth_day(row % DAYS);
        let (tail, line) = (format!("T{:04}", row / DAYS), row % per_file + 2);
        if row % 10 == 3 {
            let (record, column, reason) = DAMAGES[usize::try_from(row / 10).unwrap() % DAMAGES.len()];
            csv.push_str(&record.replace("{tail}", &tail).replace("{date}", &day));
            writeln!(damaged, "utilization/2026-01-01/{}.csv,{line},{column},{reason}", row / per_file).unwrap();
        } else {
            write!(csv, "{tail},{day},11.0,8,4.0,6,22.0").unwrap();
        }
        csv.push('\n');
        if row % per_file == per_file - 1 {
            place.deliver(&format!("utilization/2026-01-01/{}.csv", row / per_file), &csv);
            csv.truncate(csv.find('\n').unwrap() + 1);
        }
    }
    place.done(&["ingest", "utilization"]);
    let ran = place.done(&[
        "query",
        "select file, line, coalesce(\"column\", '') as column, reason from quarantine order by file, line",
        "--format",
        "csv",
    ]);
    let (found, expected): (Vec<&str>, Vec<&str>) = (ran.stdout.lines().collect(), damaged.lines().collect());
    assert_eq!(found.len(), expected.len());
    let difference = expected.iter().zip(&found).find(|(expected, found)| expected != found);
    assert_eq!(difference, None);
    let kept = place.rows("select count(*) as rows from source.utilization");
    assert_eq!(number(&kept[0], "rows"), i64::try_from(rows - rows / 10).unwrap());
}

/// The n-th day from 2020-01-01: of a calendar of 28-day months, which is all that is needed.
fn nth_day(n: u64) -> String {
    format!("{}-{:02}-{:02}", 2020 + n / 336, n % 336 / 28 + 1, n % 28 + 1)
}
