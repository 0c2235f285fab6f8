//! One made-up fleet and its undisturbed result, computed once for all tests that compare with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::{Place, State};

/// Late, corrected, damaged and doubled deliveries, more than in the default.
const DELIVERIES: [&str; 6] = ["--damaged-share", "0.004", "--late-share", "0.02", "--duplicate-share", "0.03"];

const OPTIONS: [&str; 8] = ["--aircraft", "10", "--days", "45", "--seed", "7", "--flights-per-day", "6"];

/// For the tests that go over it many times. It has one month's end in it.
const SMALL_OPTIONS: [&str; 8] = ["--aircraft", "4", "--days", "10", "--seed", "11", "--first-day", "2026-01-26"];

pub struct Reference {
    pub place: Place,
    pub state: State,
    /// How long ingestion and computation took together.
    pub takes: Duration,
}

/// The fleet's files, ingested and computed in one process without any fault. Read it only.
pub fn reference() -> &'static Reference {
    static REFERENCE: OnceLock<Reference> = OnceLock::new();
    REFERENCE.get_or_init(|| make("reference", &OPTIONS))
}

/// The same of a smaller fleet.
pub fn small_reference() -> &'static Reference {
    static REFERENCE: OnceLock<Reference> = OnceLock::new();
    REFERENCE.get_or_init(|| make("small", &SMALL_OPTIONS))
}

fn make(name: &str, options: &[&str]) -> Reference {
    let place = Place::at(folder().join(name));
    place.done(&[&["generate"], options, &DELIVERIES].concat());
    let started = Instant::now();
    place.ingest_and_run();
    let takes = started.elapsed();
    Reference { state: State::of(&place), place, takes }
}

/// Another fleet in a new place, small where a test goes over it many times.
pub fn made_fleet(options: &[&str]) -> Place {
    let place = Place::new();
    place.done(&[&["generate"], options].concat());
    place
}

/// A folder of this process in the target directory. A static is never dropped, so what an earlier process
/// left is removed here.
fn folder() -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("end_to_end");
    fs::create_dir_all(&all).unwrap();
    for entry in fs::read_dir(&all).unwrap() {
        let entry = entry.unwrap();
        if !Path::new("/proc").join(entry.file_name()).exists() {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    all.join(std::process::id().to_string())
}
