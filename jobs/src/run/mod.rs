//! Running models: each query a distributed plan, its result checked and committed once.

mod checks;
pub(crate) mod graph;
mod materialise;
mod publishing;
mod session;
mod stale;
mod turns;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use graph::Outcome;
pub use session::{model_plan, named_schemas};
use tracing::Instrument;
pub use turns::Turns;

use crate::catalog::{Catalog, Interval, Materialized, Model};
use crate::engine::Engine;
use crate::progress::{Ended, Event, Progress};
use crate::publish::Publisher;
use crate::warehouse::{Snapshot, TableName, Warehouse};
use crate::{Error, FailureKind, Result};

/// How often a step is begun at most: with the waits in between, an object store, a database or a scheduler may be away
/// for two minutes.
const ATTEMPTS: u32 = 14;
/// More often than this it is not lost memory, or a lost race, that makes it fail.
const HASTY_ATTEMPTS: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Runs models against one warehouse. Cheap to clone.
#[derive(Clone)]
pub struct Runner {
    pub catalog: Arc<Catalog>,
    pub warehouse: Warehouse,
    pub engine: Engine,
    /// Plain DataFusion to compare results with, where that is asked for.
    pub verifier: Option<Engine>,
    pub publisher: Option<Publisher>,
    /// Which steps may go on now.
    pub turns: Turns,
    pub progress: Arc<dyn Progress>,
}

/// One run: its identity goes to every row it writes.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Run {
    pub id: String,
    pub started_at: DateTime<Utc>,
    pub interval: Option<Interval>,
    /// Steps that an earlier process brought to an end; they are left out.
    pub done: BTreeSet<String>,
    /// The last day of any source that its models read; known once it runs.
    #[serde(skip)]
    latest_day: Option<NaiveDate>,
}

impl Run {
    pub fn new(interval: Option<Interval>) -> Self {
        Self::resumed(uuid::Uuid::new_v4().to_string(), Utc::now(), interval, BTreeSet::new())
    }

    /// The run of this identity, from the steps on that are not done.
    pub fn resumed(id: String, started_at: DateTime<Utc>, interval: Option<Interval>, done: BTreeSet<String>) -> Self {
        Self { id, started_at, interval, done, latest_day: None }
    }

    fn asked(&self) -> stale::Asked {
        stale::Asked { interval: self.interval, latest_day: self.latest_day }
    }
}

/// What a step did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct StepReport {
    pub table: String,
    /// The version that has these figures.
    pub version: Option<u64>,
    /// The versions of the tables they were computed from.
    pub inputs: BTreeMap<String, u64>,
    pub rows: u64,
    pub bytes: u64,
    /// Files that were added to the table.
    pub files: usize,
    pub partitions: usize,
    pub up_to_date: bool,
    pub verified: bool,
    pub published_rows: Option<u64>,
}

impl StepReport {
    fn of(table: &TableName) -> Self {
        Self { table: table.to_string(), ..Self::default() }
    }

    fn ended(&self, elapsed: Duration) -> Ended<'_> {
        Ended { report: self, elapsed, note: if self.verified { "verified" } else { "" } }
    }
}

/// A step as it is planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStep {
    /// The table that it commits.
    pub name: String,
    pub ingests: bool,
    /// The steps of the same run that must be over before.
    pub after: Vec<String>,
}

impl Runner {
    /// Runs what `names` ask for (all models, if nothing), each after what it reads. Where a step fails, those that do
    /// not read from it still run; the error is that of the first.
    pub async fn run(&self, names: &[String], run: &Run) -> Result<Vec<StepReport>> {
        let models = self.catalog.select(names)?;
        let latest_day = match run.interval {
            Some(_) => None,
            None => self.patiently(|| self.latest_day(&models)).await?,
        };
        let run = &Run { latest_day, ..run.clone() };
        let is_step = |model: &&Arc<Model>| {
            model.header.materialized != Materialized::View && !run.done.contains(&model.name.to_string())
        };
        let steps: Vec<&Arc<Model>> = models.iter().filter(is_step).collect();
        let names: Vec<String> = steps.iter().map(|model| model.name.to_string()).collect();
        self.progress.report(Event::Planned { steps: &names });
        let skipped = |lost: usize, failed: usize| {
            self.progress.report(Event::Skipped { step: &names[lost], because: &names[failed] });
        };
        let step = |step: usize| {
            let (runner, model, run) = (self.clone(), Arc::clone(steps[step]), run.clone());
            graph::apart(async move { runner.step(&model, &run).await })
        };
        let outcomes = graph::walk(&self.waits_for(&steps), step, skipped).await;
        self.gathered(outcomes, &names)
    }

    /// What the steps reported, or the first of their errors; the others are told.
    pub(crate) fn gathered<T>(&self, outcomes: Vec<Outcome<T, Error>>, steps: &[String]) -> Result<Vec<T>> {
        let (mut reports, mut failure) = (Vec::new(), None);
        for (outcome, step) in outcomes.into_iter().zip(steps) {
            match outcome {
                Outcome::Done(report) => reports.push(report),
                Outcome::Failed(error) if failure.is_none() => failure = Some(error),
                Outcome::Failed(error) => self.progress.report(Event::Notice { step, text: &error.to_string() }),
                Outcome::Skipped(_) => {}
            }
        }
        failure.map_or(Ok(reports), Err)
    }

    /// Of each step, the others whose tables it reads.
    fn waits_for(&self, steps: &[&Arc<Model>]) -> Vec<BTreeSet<usize>> {
        let places: BTreeMap<&TableName, usize> =
            steps.iter().enumerate().map(|(place, model)| (&model.name, place)).collect();
        let reads = |model: &&Arc<Model>| {
            let tables = self.stored_inputs(&model.inputs);
            tables.iter().filter_map(|table| places.get(table).copied()).collect()
        };
        steps.iter().map(reads).collect()
    }

    async fn latest_day(&self, models: &[Arc<Model>]) -> Result<Option<NaiveDate>> {
        let tables: BTreeSet<&TableName> = models.iter().flat_map(|model| &model.inputs).collect();
        let mut snapshots = Vec::new();
        for table in tables.into_iter().filter(|table| table.schema == "source") {
            snapshots.extend(self.warehouse.snapshot(table).await?);
        }
        Ok(stale::latest_day(&self.catalog, &snapshots))
    }

    /// The steps of a run of `names`, each after those it waits for; with those of all sources, if it ingests.
    pub fn planned_steps(&self, names: &[String], ingests: bool) -> Result<Vec<PlannedStep>> {
        let models = self.catalog.select(names)?;
        let mut steps = Vec::new();
        if ingests {
            let step = |source: &String| PlannedStep { name: format!("source.{source}"), ingests, after: Vec::new() };
            steps.extend(self.catalog.sources.keys().map(step));
        }
        for model in models.iter().filter(|model| model.header.materialized != Materialized::View) {
            let inputs = self.stored_inputs(&model.inputs);
            let known = |input: &String| steps.iter().any(|step| &step.name == input);
            let after = inputs.iter().map(TableName::to_string).filter(known).collect();
            steps.push(PlannedStep { name: model.name.to_string(), ingests: false, after });
        }
        Ok(steps)
    }

    async fn step(&self, model: &Model, run: &Run) -> Result<StepReport> {
        let name = model.name.to_string();
        let span = tracing::info_span!("step", step = name);
        self.step_in_turn(name, model, run).instrument(span).await
    }

    async fn step_in_turn(&self, name: String, model: &Model, run: &Run) -> Result<StepReport> {
        let _turn = self.turns.take(&name).await;
        let started = Instant::now();
        let report = self.computed_and_published(&name, model, run).await;
        match &report {
            Ok(report) => self.progress.report(Event::Ended(report.ended(started.elapsed()))),
            Err(error) => self.progress.report(Event::Failed { step: &name, error }),
        }
        report
    }

    async fn computed_and_published(&self, name: &str, model: &Model, run: &Run) -> Result<StepReport> {
        let limit = model.header.time_limit;
        let compute = |runner: Self| async move { within(limit, name, runner.materialise(model, run)).await };
        let mut report = self.attempts(name, "computing", compute).await?;
        if model.header.publish
            && let Some(publisher) = &self.publisher
        {
            let publish =
                |runner: Self| async move { within(limit, name, runner.publish(publisher, model, run)).await };
            report.published_rows = Some(self.attempts(name, "publishing", publish).await?);
        }
        Ok(report)
    }

    /// Publishes models as they stand, without running them.
    pub async fn publish_only(&self, names: &[String], run: &Run) -> Result<Vec<StepReport>> {
        let Some(publisher) = &self.publisher else {
            return Err(Error::invalid("publish", "no database given; pass --publish postgres://user@host/database"));
        };
        for name in names.iter().filter(|name| name.contains('.')) {
            if !self.catalog.model(&name.parse()?)?.header.publish {
                return Err(Error::invalid(
                    name.as_str(),
                    "is not for publishing; its header would say `publish: true`",
                ));
            }
        }
        let mut reports = Vec::new();
        for model in self.catalog.select(names)?.iter().filter(|model| model.header.publish) {
            let snapshot = self.patiently(|| self.warehouse.snapshot(&model.name)).await?;
            let name = model.name.to_string();
            let publish = |runner: Self| async move { runner.publish(publisher, model, run).await };
            let rows = self.attempts(&name, "publishing", publish).await?;
            let report = StepReport {
                version: snapshot.map(|snapshot| snapshot.version),
                rows,
                published_rows: Some(rows),
                ..StepReport::of(&model.name)
            };
            self.progress.report(Event::Ended(Ended { note: "published", ..report.ended(Duration::ZERO) }));
            reports.push(report);
        }
        Ok(reports)
    }

    /// Repeats what was lost to something that can pass, after a while that grows. Where memory did not suffice, the
    /// runner of the next attempt cuts the work into smaller tasks.
    pub(crate) async fn attempts<T, F>(&self, step: &str, doing: &str, attempt: impl Fn(Self) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let (mut runner, mut tried) = (self.clone(), 0);
        loop {
            tried += 1;
            self.progress.report(Event::Started { step, doing });
            let error = match attempt(runner.clone()).await {
                Err(Error::Conflict { table, .. }) => Error::Conflict { table, attempts: tried },
                Err(error) => error,
                done => return done,
            };
            let most = match error.kind() {
                FailureKind::Conflict | FailureKind::Memory => HASTY_ATTEMPTS,
                _ => ATTEMPTS,
            };
            if tried >= most || !error.may_pass() {
                return Err(error);
            }
            if error.kind() == FailureKind::Memory {
                runner.engine = runner.engine.with_smaller_tasks();
            }
            let wait = wait_after(tried);
            self.progress.report(Event::Retrying { step, error: &error, wait });
            tokio::time::sleep(wait).await;
        }
    }

    /// Repeats a look at what is there, outside of any attempt at a step, if it was lost to something that can pass.
    pub(crate) async fn patiently<T, F>(&self, look: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut tried = 0;
        loop {
            tried += 1;
            match look().await {
                Err(error) if tried < ATTEMPTS && error.may_pass() => {
                    let wait = wait_after(tried);
                    tracing::warn!(%error, ?wait, "tables cannot be read, which is tried again");
                    tokio::time::sleep(wait).await;
                }
                done => return done,
            }
        }
    }

    /// The runner for steps that read these tables: its batches are as large as their rows allow.
    pub(crate) fn for_rows_of<'a>(&self, tables: impl IntoIterator<Item = &'a Snapshot>) -> Self {
        let width = |table: &Snapshot| table.size_bytes() / table.rows().max(1);
        let widest = tables.into_iter().map(width).max().unwrap_or_default();
        Self { engine: self.engine.for_rows_of(widest), ..self.clone() }
    }

    /// The table as committed, or an error that says what to run.
    pub(crate) async fn committed(&self, table: &TableName) -> Result<Arc<Snapshot>> {
        let advice = format!("has never been computed; run `fleet run {table}`");
        self.warehouse.snapshot(table).await?.ok_or_else(|| Error::invalid(table.to_string(), advice))
    }
}

fn wait_after(tried: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << tried.min(10)).min(LONGEST_WAIT)
}

/// The work's result, unless it takes longer than it may: then it is dropped, and its tasks with it.
async fn within<T>(limit: Option<TimeDelta>, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(limit) = limit else { return work.await };
    let left = limit.to_std().unwrap_or_default();
    tokio::time::timeout(left, work).await.unwrap_or_else(|_| {
        Err(Error::TimedOut { what: what.to_owned(), limit_seconds: limit.num_seconds().unsigned_abs() })
    })
}
