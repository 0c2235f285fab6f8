//! `grpcurl` and `buf curl`, which learn all they know of the service by its reflection.

use fleet_testing::{Postgres, buf, grpcurl};
use serde_json::{Deserializer, Value, json};

use super::{ingested_place, place, scheduler, tool, wait_until_it_leads};
use crate::kit::{Cluster, Place, Ran};

const USER: &str = "fleet-user: a foreign tool";

/// What the tools have in common.
pub trait Tool {
    fn run(&self, arguments: &[&str]) -> Ran;
    /// Calls an rpc, `package.Service/Rpc`, with a request in JSON.
    fn call(&self, rpc: &str, request: &Value) -> Ran;

    /// The messages that a call answers with.
    fn answers(&self, rpc: &str, request: &Value) -> Vec<Value> {
        let ran = self.call(rpc, request);
        assert_eq!(ran.code, Some(0), "{rpc} {request}:\n{}{}", ran.stdout, ran.stderr);
        Deserializer::from_str(&ran.stdout).into_iter().map(Result::unwrap).collect()
    }

    fn answer(&self, rpc: &str, request: &Value) -> Value {
        self.answers(rpc, request).pop().unwrap()
    }
}

pub struct Grpcurl<'a> {
    pub place: &'a Place,
    pub address: &'a str,
}

impl Tool for Grpcurl<'_> {
    fn run(&self, arguments: &[&str]) -> Ran {
        tool::run(self.place, &grpcurl().unwrap(), arguments, &[])
    }

    fn call(&self, rpc: &str, request: &Value) -> Ran {
        self.run(&["-plaintext", "-rpc-header", USER, "-d", &request.to_string(), self.address, rpc])
    }
}

struct BufCurl<'a> {
    place: &'a Place,
    address: &'a str,
    /// `grpc-v1` or `grpc-v1alpha`.
    reflection: &'static str,
}

impl Tool for BufCurl<'_> {
    fn run(&self, arguments: &[&str]) -> Ran {
        let all = [&["curl", "--protocol", "grpc", "--reflect-protocol", self.reflection], arguments].concat();
        tool::run(self.place, &buf().unwrap(), &all, &[])
    }

    fn call(&self, rpc: &str, request: &Value) -> Ran {
        self.run(&["--header", USER, "--data", &request.to_string(), &format!("http://{}/{rpc}", self.address)])
    }
}

#[test]
fn grpcurl_finds_its_way_by_reflection() {
    let place = ingested_place();
    let cluster = Cluster::start(&place, 1);
    let tool = Grpcurl { place: &place, address: &cluster.front_door };

    let listed = tool.run(&["-plaintext", tool.address, "list"]).stdout;
    for service in ["fleet.v1.JobService", "fleet.v1.ClusterService", "grpc.health.v1.Health"] {
        assert!(listed.lines().any(|line| line == service), "{listed}");
    }
    let described = tool.run(&["-plaintext", tool.address, "describe", "fleet.v1.SubmitRunRequest"]).stdout;
    assert!(described.contains("string idempotency_key = 5;"), "{described}");
    assert!(described.contains("// Which days: `2026-03`"), "comments are served too: {described}");
    submits_watches_cancels_and_retries(&tool);
    let refused = tool.call("fleet.v1.JobService/GetJob", &json!({ "job": "absent" }));
    // 64 and the status code, as its manual says.
    assert_eq!(refused.code, Some(64 + 5), "{refused:?}");
    assert!(refused.stderr.contains("Code: NotFound"), "{refused:?}");
}

#[test]
fn buf_curl_finds_its_way_by_both_versions_of_reflection() {
    let place = ingested_place();
    let cluster = Cluster::start(&place, 1);
    for reflection in ["grpc-v1", "grpc-v1alpha"] {
        let tool = BufCurl { place: &place, address: &cluster.front_door, reflection };
        let base = format!("http://{}", tool.address);
        let listed = tool.run(&["--list-services", &base]).stdout;
        assert!(listed.lines().any(|line| line == "fleet.v1.JobService"), "{reflection}: {listed}");
        let listed = tool.run(&["--list-methods", &base]).stdout;
        for rpc in ["fleet.v1.JobService/WatchRun", "fleet.v1.ClusterService/DrainExecutor"] {
            assert!(listed.lines().any(|line| line == rpc), "{reflection}: {listed}");
        }
        submits_watches_cancels_and_retries(&tool);
        let refused = tool.call("fleet.v1.JobService/GetJob", &json!({ "job": "absent" }));
        // The status code, shifted by three bits, as its manual says.
        assert_eq!(refused.code, Some(5 << 3), "{refused:?}");
    }
}

fn submits_watches_cancels_and_retries(tool: &impl Tool) {
    let jobs = tool.answer("fleet.v1.JobService/ListJobs", &json!({}));
    assert!(jobs["jobs"].as_array().unwrap().iter().any(|job| job["name"] == "slow"), "{jobs}");

    let run = submitted(tool, &json!({ "job": "monthly_fleet_performance", "interval": "2026-01" }));
    assert_eq!(run["submittedBy"], "a foreign tool", "{run}");
    let watched = tool.answers("fleet.v1.JobService/WatchRun", &json!({ "run_id": run["id"] }));
    assert_eq!(watched.last().unwrap()["run"]["state"], "RUN_STATE_SUCCEEDED", "{watched:?}");

    let run = submitted(tool, &json!({ "models": { "names": ["testing.failing"] } }));
    let id = json!({ "run_id": run["id"] });
    tool.answers("fleet.v1.JobService/WatchRun", &id);
    let retried = tool.answer("fleet.v1.JobService/RetryRun", &id);
    assert_eq!((&retried["run"]["id"], &retried["run"]["retries"]), (&run["id"], &json!(1)), "{retried}");

    let run = submitted(tool, &json!({ "job": "slow", "parameters": { "threshold": 0.125 } }));
    let id = json!({ "run_id": run["id"] });
    let cancelled = tool.answer("fleet.v1.JobService/CancelRun", &id);
    assert_eq!(cancelled["run"]["cancelRequested"], true, "{cancelled}");
    let watched = tool.answers("fleet.v1.JobService/WatchRun", &id);
    assert_eq!(watched.last().unwrap()["run"]["state"], "RUN_STATE_CANCELLED", "{watched:?}");
}

pub fn submitted(tool: &impl Tool, request: &Value) -> Value {
    tool.answer("fleet.v1.JobService/SubmitRun", request)["run"].take()
}

#[test]
fn the_services_are_healthy_where_they_lead() {
    let place = place();
    let database = Postgres::start().unwrap();
    let ledger = database.create_database("ledger").unwrap();
    let (leader, leads) = scheduler(&place, &["--ledger", &ledger]);
    wait_until_it_leads(&leader);
    let (_standby, waits) = scheduler(&place, &["--ledger", &ledger]);
    let health = |address: &str, service: &str| {
        let tool = Grpcurl { place: &place, address };
        tool.answer("grpc.health.v1.Health/Check", &json!({ "service": service }))["status"].take()
    };
    for service in ["fleet.v1.JobService", "fleet.v1.ClusterService"] {
        assert_eq!(health(&leads, service), "SERVING", "{service} of the leader");
        assert_eq!(health(&waits, service), "NOT_SERVING", "{service} of the standby");
    }
    for address in [&leads, &waits] {
        assert_eq!(health(address, ""), "SERVING", "the process itself");
    }
    let unknown = Grpcurl { place: &place, address: &leads }
        .call("grpc.health.v1.Health/Check", &json!({ "service": "fleet.v1.Absent" }));
    assert!(unknown.stderr.contains("Code: NotFound"), "{unknown:?}");
}
