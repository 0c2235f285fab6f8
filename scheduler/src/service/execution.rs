//! One run, from its start, or from where another scheduler left it, to its end.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fleet_jobs::FailureKind;
use fleet_jobs::ingest::Landing;
use fleet_jobs::run::Runner;
use futures::FutureExt;
use tokio::sync::Notify;

use super::changes::Changes;
use super::live::Live;
use super::recorder::{patiently, recorder};
use super::setup::Setup;
use crate::ledger::{
    self, Fence, Ledger, PlannedStep, Run, RunFilter, RunId, RunOutcome, RunState, StepKind, StepState,
};
use crate::metrics::Metrics;

/// How often a database that is away is asked again, and for how long.
const PUBLISHER_WAIT: Duration = Duration::from_secs(5);
const PUBLISHER_ATTEMPTS: usize = 24;
/// So many earlier runs of a job tell how long the next one takes.
const EARLIER_RUNS: u32 = 5;

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With the run.
    Recorded,
    /// It was refused to commit. Whoever leads goes on with the run.
    Abandoned,
}

/// What all executions of one term have in common.
#[derive(Clone)]
pub(super) struct Execute {
    pub ledger: Ledger,
    pub fence: Fence,
    pub instance: String,
    pub setup: Setup,
    /// Without a listener, a verifier or a publisher of its own.
    pub runner: Runner,
    pub changes: Changes,
    pub metrics: Arc<Metrics>,
}

impl Execute {
    /// Performs the run and records its end. `cancel` stops it, and with it its tasks on executors.
    ///
    /// # Errors
    /// Of the ledger: the run has not ended then, and another scheduler goes on with it.
    pub async fn execute(
        mut self,
        run: Run,
        partitions: Option<usize>,
        live: Arc<Live>,
        cancel: Arc<Notify>,
    ) -> ledger::Result<Ended> {
        if let Some(partitions) = partitions {
            self.runner.engine = self.runner.engine.with_partitions(partitions);
        }
        let (id, ledger, fence) = (run.id, self.ledger.clone(), self.fence.clone());
        let (changes, metrics) = (self.changes.clone(), Arc::clone(&self.metrics));
        live.expect(self.expected(&run).await);
        let cancel_requested = run.cancel_requested;
        let ended = async {
            if cancel_requested {
                return Ok(Err(None));
            }
            tokio::select! {
                performed = told(id, self.perform(run, live)) => performed.map(|result| result.map_err(Some)),
                () = cancel.notified() => Ok(Err(None)),
            }
        };
        let (outcome, failure, reason) = match ended.await? {
            Ok(()) => (RunOutcome::Succeeded, None, None),
            Err(None) => (RunOutcome::Cancelled, None, None),
            Err(Some(error)) if error.kind() == FailureKind::Leader => return Ok(Ended::Abandoned),
            Err(Some(error)) => (RunOutcome::Failed, Some(error.kind().into()), Some(error.to_string())),
        };
        tracing::info!(run = %id, outcome = outcome.as_str(), reason, "run over");
        let ended =
            patiently(|| ledger.finish_run(&fence, id, outcome, failure, reason.as_deref(), Utc::now())).await?;
        let took = ended.started_at.zip(ended.ended_at).and_then(|(from, to)| (to - from).to_std().ok());
        metrics.run_ended(ended.job.as_deref().unwrap_or(""), outcome.as_str(), took);
        changes.ended(id);
        Ok(Ended::Recorded)
    }

    async fn perform(self, run: Run, live: Arc<Live>) -> ledger::Result<fleet_jobs::Result<()>> {
        let (recorder, writer) =
            recorder(&self.ledger, &self.fence, run.id, &self.instance, &live, &self.changes, &self.metrics);
        let time_limit = self.time_limit(&run);
        let runner = match self.runner_of(&run, recorder) {
            Ok(runner) => runner,
            Err(error) => return Ok(Err(error)),
        };
        let done = match self.plan(&run, &runner).await? {
            Ok(done) => done,
            Err(error) => return Ok(Err(error)),
        };
        let work = compute(run, runner, self.setup.clone(), done, time_limit);
        tokio::pin!(work);
        let writing = writer.write();
        tokio::pin!(writing);
        // The writer ends before the work only where it fails, and then the work is dropped.
        tokio::select! {
            written = &mut writing => written.map(|()| Ok(())),
            result = &mut work => {
                writing.await?;
                Ok(result)
            }
        }
    }

    fn runner_of(&self, run: &Run, recorder: super::recorder::Recorder) -> fleet_jobs::Result<Runner> {
        let catalog = match run.parameters.is_empty() {
            true => Arc::clone(&self.runner.catalog),
            false => Arc::new(self.runner.catalog.with_parameters(&run.models, &run.parameters)?),
        };
        Ok(Runner {
            catalog,
            engine: self.runner.engine.labelled(&run.id.to_string()),
            verifier: if run.verify { Some(self.setup.verifier()?) } else { None },
            progress: Arc::new(recorder),
            ..self.runner.clone()
        })
    }

    /// Writes down the run's steps, and gives those that are done.
    async fn plan(&self, run: &Run, runner: &Runner) -> ledger::Result<fleet_jobs::Result<BTreeSet<String>>> {
        let planned = match planned(run, runner) {
            Ok(planned) => planned,
            Err(error) => return Ok(Err(error)),
        };
        let steps = patiently(|| self.ledger.plan_steps(&self.fence, run.id, &planned, Utc::now())).await?;
        self.changes.changed(run.id);
        let is_done = |state| matches!(state, StepState::Succeeded | StepState::UpToDate);
        Ok(Ok(steps.into_iter().filter(|step| is_done(step.state)).map(|step| step.name).collect()))
    }

    /// When the run's time is up, and how long that is.
    fn time_limit(&self, run: &Run) -> Option<(DateTime<Utc>, Duration)> {
        let limit = self.runner.catalog.jobs.get(run.job.as_deref()?)?.time_limit?;
        Some((run.started_at? + limit, limit.to_std().ok()?))
    }

    /// The median of what the last runs of the job took.
    async fn expected(&self, run: &Run) -> Option<Duration> {
        let filter =
            RunFilter { job: Some(run.job.clone()?), states: vec![RunState::Succeeded], ..RunFilter::default() };
        let page = self.ledger.list(&filter, EARLIER_RUNS, None).await.ok()?;
        let took = |run: &Run| (run.ended_at? - run.started_at?).to_std().ok();
        let mut took: Vec<Duration> = page.runs.iter().filter_map(took).collect();
        took.sort();
        took.get(took.len() / 2).copied()
    }
}

/// What the work comes to; a panic in it is an error of the run, which ends by it like by any other.
async fn told<T>(
    id: RunId,
    work: impl Future<Output = ledger::Result<fleet_jobs::Result<T>>>,
) -> ledger::Result<fleet_jobs::Result<T>> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref().copied()).unwrap_or("no message");
        Ok(Err(fleet_jobs::Error::Panicked { what: format!("run {id}"), message: message.to_owned() }))
    })
}

fn planned(run: &Run, runner: &Runner) -> fleet_jobs::Result<Vec<PlannedStep>> {
    let mut steps = runner.planned_steps(&run.models, run.ingest)?;
    // Without models named, all are selected.
    steps.retain(|step| step.ingests || !run.models.is_empty());
    Ok(recorded(steps))
}

/// Steps as the ledger keeps them.
pub(super) fn recorded(steps: Vec<fleet_jobs::run::PlannedStep>) -> Vec<PlannedStep> {
    let step = |(position, step): (usize, fleet_jobs::run::PlannedStep)| PlannedStep {
        name: step.name,
        position: u32::try_from(position).unwrap_or(u32::MAX),
        kind: if step.ingests { StepKind::Ingest } else { StepKind::Model },
        after: step.after,
    };
    steps.into_iter().enumerate().map(step).collect()
}

async fn compute(
    run: Run,
    mut runner: Runner,
    setup: Setup,
    done: BTreeSet<String>,
    time_limit: Option<(DateTime<Utc>, Duration)>,
) -> fleet_jobs::Result<()> {
    let interval = run.interval.map(|interval| fleet_jobs::catalog::Interval {
        from: interval.start.date_naive(),
        to: interval.end.date_naive(),
    });
    let started_at = run.started_at.unwrap_or(run.submitted_at);
    let as_run = fleet_jobs::run::Run::resumed(run.id.to_string(), started_at, interval, done);
    let landing: Landing = setup.landing.clone();
    let computed = async {
        runner.publisher = publisher(&setup).await?;
        if run.ingest {
            runner.ingest(&landing, &[], &as_run).await?;
        }
        if !run.models.is_empty() {
            runner.run(&run.models, &as_run).await?;
        }
        Ok(())
    };
    let Some((until, limit)) = time_limit else { return computed.await };
    let left = (until - Utc::now()).to_std().unwrap_or_default();
    tokio::time::timeout(left, computed).await.unwrap_or_else(|_| {
        Err(fleet_jobs::Error::TimedOut { what: format!("run {}", run.id), limit_seconds: limit.as_secs() })
    })
}

/// The database to publish to, once it is there.
async fn publisher(setup: &Setup) -> fleet_jobs::Result<Option<fleet_jobs::publish::Publisher>> {
    let mut tried = 0;
    loop {
        tried += 1;
        match setup.publisher().await {
            Err(error) if error.may_pass() && tried < PUBLISHER_ATTEMPTS => {
                tracing::warn!(%error, "the database to publish to is away");
                tokio::time::sleep(PUBLISHER_WAIT).await;
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_as_an_error() {
        let id: RunId = "0198c2b4-7a00-7000-8000-000000000000".parse().unwrap();
        let panics = async { panic!("divided {} by zero", 1) };
        let error = told::<()>(id, panics).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), FailureKind::Internal);
        let text = error.to_string();
        assert!(text.contains("divided 1 by zero") && text.contains(&id.to_string()), "{text}");
        assert_eq!(told(id, async { Ok(Ok(1)) }).await.unwrap().unwrap(), 1);
    }
}
