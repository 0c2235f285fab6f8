//! Each test runs on SQLite and on a real PostgreSQL, from one body.

mod backfilling;
mod fairness;
mod firing;
mod leases;
mod lineage;
mod opening;
mod paging;
mod reading;
mod retrying;
mod running;
mod schedulers;
mod speed;
mod submitting;
mod versions;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fleet_jobs::catalog::Unit;
use fleet_testing::Postgres;
use tempfile::TempDir;

use super::*;

const LEADER: &str = "leader";
const TTL: Duration = Duration::from_secs(10);
const NO_LIMIT: u64 = u64::MAX;
/// The scheduler that leads an attempt.
const FIRST: &str = "first";

static SERVER: OnceLock<Postgres> = OnceLock::new();
static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// An empty ledger of the test's own.
struct Fixture {
    ledger: Ledger,
    url: String,
    _folder: Option<TempDir>,
}

impl Fixture {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/ledger.db", folder.path().display());
        Self { ledger: Ledger::open(&url).await.unwrap(), url, _folder: Some(folder) }
    }

    async fn postgres() -> Self {
        let url = tokio::task::spawn_blocking(new_database).await.unwrap();
        Self { ledger: Ledger::open(&url).await.unwrap(), url, _folder: None }
    }

    /// Leads from `at(0)` on.
    async fn leader(&self) -> Fence {
        self.ledger.acquire_or_renew(LEADER, "first", at(0), TTL).await.unwrap().unwrap().fence()
    }

    async fn submit(&self, new: NewRun, second: i64) -> Run {
        self.ledger.submit(new, NO_LIMIT, at(second)).await.unwrap().run
    }

    /// A run that is running, with these steps.
    async fn started(&self, fence: &Fence, steps: &[&str]) -> Run {
        let run = self.submit(request("ada"), 0).await;
        let run = self.ledger.start_run(fence, run.id, at(1)).await.unwrap();
        self.ledger.plan_steps(fence, run.id, &planned(steps), at(1)).await.unwrap();
        self.ledger.get(run.id).await.unwrap().unwrap()
    }
}

/// Names one test for each database: `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($(async fn $name:ident($fixture:ident: Fixture) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn run($fixture: Fixture) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run(Fixture::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run(Fixture::postgres().await).await;
            }
        }
    )+};
}

use on_both;

fn new_database() -> String {
    let name = format!("ledger_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    SERVER.get_or_init(|| Postgres::start().unwrap()).create_database(&name).unwrap()
}

fn at(second: i64) -> DateTime<Utc> {
    "2026-03-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(second)
}

fn request(submitter: &str) -> NewRun {
    NewRun {
        job: Some("daily".to_owned()),
        models: Vec::new(),
        ingest: false,
        interval: None,
        parameters: BTreeMap::new(),
        priority: 0,
        verify: false,
        submitted_by: submitter.to_owned(),
        idempotency_key: None,
        origin: Origin::Submitted,
    }
}

fn with_key(key: &str) -> NewRun {
    NewRun { idempotency_key: Some(key.to_owned()), ..request("ada") }
}

fn planned(steps: &[&str]) -> Vec<PlannedStep> {
    let step = |(position, name): (usize, &&str)| PlannedStep {
        name: (*name).to_owned(),
        position: position as u32,
        kind: StepKind::Model,
        after: Vec::new(),
    };
    steps.iter().enumerate().map(step).collect()
}

fn definition(job: &str, yaml: &str) -> JobDefinition {
    let schedule = crate::schedule::tests::schedule(yaml);
    JobDefinition { job: job.to_owned(), schedule, default_interval: Unit::Day, text: yaml.to_owned() }
}

/// What a firing starts.
fn fired(_: DateTime<Utc>, interval: Interval) -> NewRun {
    NewRun { interval: Some(interval), ..request("schedule") }
}

fn version(table: &str, version: u64) -> TableVersion {
    TableVersion { table: table.to_owned(), version }
}

fn end(outcome: StepOutcome) -> StepEnd {
    match outcome {
        StepOutcome::Failed => StepEnd::failed(FailureKind::Query, "division by zero"),
        outcome => StepEnd::new(outcome),
    }
}
