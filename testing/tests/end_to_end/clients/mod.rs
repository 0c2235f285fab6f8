//! The front door as clients meet it that share no code with it: one in Python generated from `proto/` alone, and
//! `grpcurl` and `buf curl` that know nothing but its reflection.
//!
//! What the contract promises is asserted in `testing/clients/test_*.py`; here the processes are started for it.

mod contract;
mod load;
mod observed;
mod python;
mod reflection;
mod restart;
mod tool;

use std::path::Path;

use fleet_testing::Process;

use crate::kit::{PATIENCE, Place, made_fleet};

/// Ten days of four aircraft with a month's end in them; some files come late or twice.
const FLEET: [&str; 8] = ["--aircraft", "4", "--days", "10", "--seed", "11", "--first-day", "2026-01-26"];

/// `testing/clients/`.
fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/clients"))
}

/// A small fleet's files, and the built-in catalogue with models that are slow and that fail.
fn place() -> Place {
    made_fleet(&FLEET).with_option("--catalog", folder().join("catalog").to_str().unwrap())
}

/// The same with its files ingested.
fn ingested_place() -> Place {
    let place = place();
    place.done(&["ingest"]);
    place
}

/// A scheduler on free ports with nothing but what `arguments` say, and the address of its front door.
fn scheduler(place: &Place, arguments: &[&str]) -> (Process, String) {
    let process = place.start(&[&["scheduler", "--port", "0", "--front-door-port", "0"], arguments].concat());
    let line = process.wait_for_line("front door listening on ", PATIENCE).unwrap();
    let address = line.split([' ', ',']).nth(4).unwrap().to_owned();
    (process, address)
}

fn wait_until_it_leads(scheduler: &Process) {
    scheduler.wait_for_line("cluster plane listening on ", PATIENCE).unwrap();
}
