//! What is seen of runs from outside: metrics for Prometheus, and spans at an OpenTelemetry collector.

use std::process::Command;

use fleet_testing::{Process, python};
use serde_json::Value;

use super::place;
use super::python::assert_hold;
use crate::kit::{Cluster, PATIENCE, S3};

#[test]
fn a_run_on_s3_is_measured_and_traced() {
    let s3 = S3::start();
    let files = place();
    for part in ["landing", "reference"] {
        s3.upload(&files.data_folder().join(part), &format!("fleet/{part}"));
    }
    let script = super::folder().join("collector.py");
    let collector = Process::spawn(Command::new(python().unwrap()).arg("-B").arg(script)).unwrap();
    let line = collector.wait_for_line("collecting on ", PATIENCE).unwrap();
    let traces = format!("http://{}", line.rsplit(' ').next().unwrap());
    let place = files.with_data("s3://airline/fleet").with_variables(s3.server.env());
    place.done(&["ingest"]);
    let place = place.with_option("--traces", &traces);
    let cluster = Cluster::start(&place, 1);
    assert_hold(&place, "test_metrics", &cluster.front_door, &[]);

    let span = |line: String| serde_json::from_str::<Value>(&line).unwrap();
    let step = span(collector.wait_for_line("\"step\": \"testing.frequent\"", PATIENCE).unwrap());
    assert_eq!(step["span"], "step");
    let trace = step["trace"].as_str().unwrap();
    // A run's span is sent when it ends, after those of its steps.
    let run = collector.wait_for_line(&format!("{{\"span\": \"run\", \"trace\": \"{trace}\""), PATIENCE);
    let run = span(run.unwrap());
    assert_eq!(run["id"], step["parent"], "{run}\n{step}");
    assert!(run["attributes"]["run"].as_str().is_some_and(|id| id.len() == 36), "{run}");
}
