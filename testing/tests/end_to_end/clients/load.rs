//! Many runs at once: all end, and the scheduler's memory stays within bounds.

use std::fs;

use fleet_testing::{Process, python};

use super::{ingested_place, tool};
use crate::kit::Cluster;

const CLIENTS: &str = "20";
const MEMORY_BYTES_MAX: u64 = 1 << 30;

#[test]
fn sixty_runs_of_twenty_clients_all_end() {
    load("60");
}

#[test]
#[ignore = "`make load` runs it"]
fn a_thousand_runs_of_twenty_clients_all_end() {
    load("1000");
}

fn load(runs: &str) {
    let place = ingested_place();
    place.done(&["run", "monthly_fleet_performance"]);
    let cluster = Cluster::start(&place, 1);
    let ran = tool::run(&place, &python().unwrap(), &["-B", "load.py", &cluster.front_door, CLIENTS, runs], &[]);
    let memory_bytes = memory_bytes_peak(&cluster.scheduler);
    println!("{}{}scheduler: {} MiB at most", ran.stdout, ran.stderr, memory_bytes >> 20);
    assert_eq!(ran.code, Some(0), "see above");
    assert!(memory_bytes < MEMORY_BYTES_MAX, "{memory_bytes} bytes, expected less than {MEMORY_BYTES_MAX}");
}

/// The most memory that a process ever held (`VmHWM`, proc_pid_status(5)).
fn memory_bytes_peak(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kibibytes << 10
}
