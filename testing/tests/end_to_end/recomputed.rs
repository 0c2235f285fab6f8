//! The published tables against a recomputation that shares no code with the jobs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use fleet_testing::python;

use crate::kit::reference;

const TABLES: [&str; 3] = ["operations.dispatch_reliability", "operations.utilization", "reliability.component"];

#[test]
fn the_published_tables_equal_an_independent_recomputation() {
    let reference = reference();
    let folder = tempfile::tempdir().unwrap();
    let (expected, found) = (folder.path().join("expected"), folder.path().join("found"));
    fs::create_dir(&found).unwrap();
    for table in TABLES {
        let ran = reference.place.done(&["query", &format!("select * from {table}"), "--format", "csv"]);
        fs::write(found.join(format!("{table}.csv")), ran.stdout).unwrap();
    }
    let data = reference.place.data_folder();
    succeeded(recompute(&[data.as_path(), Path::new("--out"), &expected]));
    succeeded(recompute(&[Path::new("compare"), &expected, &found]));

    // One count off by one is noticed, so agreement is no accident of what is compared.
    let file = found.join("operations.utilization.csv");
    let (name, text) = ("aircraft_days", fs::read_to_string(&file).unwrap());
    fs::write(&file, with_first_incremented(&text, name)).unwrap();
    let output = recompute(&[Path::new("compare"), &expected, &found]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains(name), "{output:?}");
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
