//! What the ledger keeps when the scheduler is started again, with another catalogue.

use serde_json::{Value, json};

use super::reflection::{Grpcurl, Tool, submitted};
use super::{ingested_place, scheduler, wait_until_it_leads};
use crate::kit::{Cluster, PATIENCE, Place};

const GET: &str = "fleet.v1.JobService/GetRun";
const RETRY: &str = "fleet.v1.JobService/RetryRun";

#[test]
fn a_run_outlives_its_scheduler_and_is_not_retried_where_its_model_is_gone() {
    let place = ingested_place();
    let cluster = Cluster::start(&place, 1);
    let tool = Grpcurl { place: &place, address: &cluster.front_door };
    let run = submitted(&tool, &json!({ "models": { "names": ["testing.failing"] } }));
    let id = json!({ "run_id": run["id"] });
    tool.answers("fleet.v1.JobService/WatchRun", &id);
    let before = durable(tool.answer(GET, &id));
    assert_eq!(before["run"]["state"], "RUN_STATE_FAILED", "{before}");
    cluster.scheduler.terminate().unwrap();
    assert!(cluster.scheduler.wait(PATIENCE).unwrap().success());

    // In the same folder, without the models of these tests.
    let built_in = Place::at(place.folder().to_owned());
    let ledger = format!("sqlite://{}", place.folder().join("ledger.sqlite").display());
    let (successor, address) = scheduler(&built_in, &["--ledger", &ledger]);
    wait_until_it_leads(&successor);
    let tool = Grpcurl { place: &built_in, address: &address };
    assert_eq!(durable(tool.answer(GET, &id)), before);
    let refused = tool.call(RETRY, &id);
    assert!(refused.stderr.contains("Code: NotFound"), "{refused:?}");
    assert!(refused.stderr.contains("testing.failing"), "{refused:?}");
    assert_eq!(durable(tool.answer(GET, &id)), before);
}

/// Without what only the scheduler knew that led the run.
fn durable(mut answer: Value) -> Value {
    let run = &mut answer["run"];
    run.as_object_mut().unwrap().remove("progress");
    for step in run["steps"].as_array_mut().unwrap() {
        let step = step.as_object_mut().unwrap();
        step.remove("progress");
        step.remove("stages");
    }
    answer
}
