//! The published tables against a recomputation that shares no code with the jobs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use fleet_testing::python;

use crate::kit::{Place, made_fleet, reference};

const TABLES: [&str; 10] = [
    "operations.dispatch_reliability",
    "operations.utilization",
    "reliability.component",
    "reliability.ata_alert",
    "reliability.rogue_unit",
    "reliability.repetitive_defect",
    "reliability.int_life",
    "reliability.survival_curve",
    "reliability.life_model",
    "reliability.repair_trend",
];

/// Fourteen months, of which the last eight have alert levels, up to a Thursday, so that every source reaches into the
/// last week. Some 700 removals give most parts enough failures for a law; a few have one failure or none. Chapters
/// are in alert by each rule, some for months, and units and defects come back.
const LONG: [&str; 12] = [
    "--aircraft",
    "6",
    "--days",
    "398",
    "--first-day",
    "2025-02-01",
    "--flights-per-day",
    "6",
    "--seed",
    "3",
    "--damaged-share",
    "0.002",
];

/// What the tables are computed from: the other sources would take most of the time.
const SOURCES: [&str; 5] = ["flights", "utilization", "events", "configurations", "parts_catalog"];

const JOBS: [&str; 2] = ["monthly_fleet_performance", "weekly_reliability_analysis"];

const PARAMETERS: &str = "statistics.parameter_daily";

/// Every recording in a sample every twenty seconds, with missing samples; late, corrected and damaged rows.
const RECORDED: [&str; 15] = [
    "--aircraft",
    "3",
    "--days",
    "12",
    "--seed",
    "5",
    "--sample-rate-hz",
    "0.05",
    "--telemetry",
    "--damaged-share",
    "0.01",
    "--late-share",
    "0.05",
    "--duplicate-share",
    "0.1",
];

#[test]
fn the_published_tables_equal_an_independent_recomputation() {
    let folder = tempfile::tempdir().unwrap();
    let (expected, found) = (folder.path().join("expected"), folder.path().join("found"));
    compare_tables(&reference().place, &[&TABLES[..], &[PARAMETERS]].concat(), &expected, &found);

    // One count off by one is noticed, so agreement is no accident of what is compared.
    let file = found.join("operations.utilization.csv");
    let (name, text) = ("aircraft_days", fs::read_to_string(&file).unwrap());
    fs::write(&file, with_first_incremented(&text, name)).unwrap();
    let output = recompute(&[Path::new("compare"), &expected, &found]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains(name), "{output:?}");
}

#[test]
fn alerts_lives_and_trends_of_a_long_history_equal_an_independent_recomputation() {
    let place = made_fleet(&LONG);
    place.done(&[&["ingest"], &SOURCES[..]].concat());
    place.done(&[&["run"], &JOBS[..]].concat());
    let folder = tempfile::tempdir().unwrap();
    compare_tables(&place, &TABLES, &folder.path().join("expected"), &folder.path().join("found"));
}

#[test]
fn recorded_parameters_equal_an_independent_recomputation() {
    let place = made_fleet(&RECORDED);
    place.done(&["ingest", "performance", "telemetry"]);
    place.done(&["run", PARAMETERS, "--verify"]);
    let folder = tempfile::tempdir().unwrap();
    compare_tables(&place, &[PARAMETERS], &folder.path().join("expected"), &folder.path().join("found"));
    let kinds = place.rows(&format!("select distinct phase is null as recorded from {PARAMETERS}"));
    assert_eq!(kinds.len(), 2, "recordings and readings are both there: {kinds:?}");
}

/// Exports the tables of a place into one folder, recomputes them into the other, and compares.
fn compare_tables(place: &Place, tables: &[&str], expected: &Path, found: &Path) {
    fs::create_dir(found).unwrap();
    for table in tables {
        let ran = place.done(&["query", &export_of(table), "--format", "csv"]);
        fs::write(found.join(format!("{table}.csv")), ran.stdout).unwrap();
    }
    let data = place.data_folder();
    let arguments = [data.as_path(), Path::new("--out"), expected].into_iter().chain(tables.iter().map(Path::new));
    succeeded(recompute(&arguments.collect::<Vec<_>>()));
    succeeded(recompute(&[Path::new("compare"), expected, found]));
}

/// CSV has no lists: the texts of a defect are joined as the recomputation joins them.
fn export_of(table: &str) -> String {
    match table {
        "reliability.repetitive_defect" => {
            format!("select * except (texts), array_to_string(texts, ' | ') as texts from {table}")
        }
        _ => format!("select * from {table}"),
    }
}

fn recompute(arguments: &[&Path]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("recompute/recompute.py");
    Command::new(python().unwrap()).arg(script).args(arguments).output().unwrap()
}

fn succeeded(output: Output) {
    let texts = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{}{}", texts[0], texts[1]);
}

/// The CSV with the named whole number of its first row one higher.
fn with_first_incremented(csv: &str, column: &str) -> String {
    let mut lines: Vec<String> = csv.lines().map(str::to_owned).collect();
    let index = lines[0].split(',').position(|name| name == column).unwrap();
    let mut fields: Vec<String> = lines[1].split(',').map(str::to_owned).collect();
    fields[index] = (fields[index].parse::<u64>().unwrap() + 1).to_string();
    lines[1] = fields.join(",");
    lines.join("\n")
}
