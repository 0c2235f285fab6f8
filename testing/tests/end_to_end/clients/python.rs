//! A client in Python, generated from `proto/` alone.

use fleet_testing::{Postgres, python};

use super::{ingested_place, place, scheduler, tool, wait_until_it_leads};
use crate::kit::{Cluster, PATIENCE, Place};

/// Runs tests of `testing/clients/`, which must all hold.
pub fn assert_hold(place: &Place, module: &str, front_door: &str, variables: &[(&str, &str)]) {
    let variables = [&[("FLEET_FRONT_DOOR", front_door)], variables].concat();
    let ran = tool::run(place, &python().unwrap(), &["-B", "-m", "unittest", "-v", module], &variables);
    // As `cargo test` shows it of a test that fails, or with `--nocapture`.
    println!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, Some(0), "{module}: see above");
    assert!(!ran.stderr.contains("Ran 0 tests"), "{module} holds no test");
}

#[test]
fn runs_are_submitted_watched_listed_cancelled_retried_and_backfilled() {
    let place = ingested_place();
    let cluster = Cluster::start(&place, 1);
    assert_hold(&place, "test_runs", &cluster.front_door, &[]);
}

#[test]
fn the_catalogue_its_schedules_and_the_lineage_of_tables_are_told() {
    let place = place();
    let cluster = Cluster::start(&place, 1);
    assert_hold(&place, "test_catalogue", &cluster.front_door, &[]);
}

#[test]
fn every_refusal_has_its_code_and_says_why() {
    let place = ingested_place();
    let cluster = Cluster::start(&place, 1);
    assert_hold(&place, "test_refusals", &cluster.front_door, &[]);
}

#[test]
fn executors_and_the_cluster_are_described() {
    let place = ingested_place();
    let cluster = Cluster::start(&place, 1);
    assert_hold(&place, "test_executors", &cluster.front_door, &[]);
}

#[test]
fn what_does_not_fit_into_an_executor_is_cut_smaller() {
    let place = ingested_place();
    let cluster = Cluster::start(&place, 0);
    let arguments = ["executor", "--port", "0", "--task-port", "0", "--slots", "1", "--memory-bytes", "10000000"];
    let executor = place.start(&[&arguments[..], &["--scheduler", &cluster.url]].concat());
    executor.wait_for_line(" listening on ports ", PATIENCE).unwrap();
    assert_hold(&place, "test_memory", &cluster.front_door, &[]);
}

#[test]
fn a_drained_executor_gets_no_more_tasks_and_stops() {
    let place = ingested_place();
    let cluster = Cluster::start(&place, 3);
    assert_hold(&place, "test_draining", &cluster.front_door, &[]);
    let stopped = cluster.executors.iter().filter(|executor| !executor.is_running()).count();
    assert_eq!(stopped, 2, "of three executors two were drained");
}

#[test]
fn a_full_queue_refuses_and_says_when_to_ask_again() {
    let place = ingested_place();
    let ledger = format!("sqlite://{}", place.folder().join("ledger.sqlite").display());
    let (scheduler, front_door) = scheduler(&place, &["--ledger", &ledger, "--queue-max", "2", "--runs-max", "1"]);
    wait_until_it_leads(&scheduler);
    assert_hold(&place, "test_full_queue", &front_door, &[]);
}

#[test]
fn a_standby_names_the_leader() {
    let place = place();
    let database = Postgres::start().unwrap();
    let ledger = database.create_database("ledger").unwrap();
    let (leader, leads) = scheduler(&place, &["--ledger", &ledger]);
    wait_until_it_leads(&leader);
    let (_standby, waits) = scheduler(&place, &["--ledger", &ledger]);
    assert_hold(&place, "test_standby", &leads, &[("FLEET_STANDBY", &waits)]);
}
