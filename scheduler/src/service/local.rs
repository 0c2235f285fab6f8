//! A run that a process computes by itself, without the job service: kept in the ledger like any other, under a lease of
//! its own. One that its process left unfinished is gone on with by the next scheduler on that ledger.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use fleet_jobs::progress::{Event, Progress};
use fleet_jobs::run::Runner;
use tokio::task::JoinHandle;

use super::changes::Changes;
use super::execution::recorded;
use super::live::Live;
use super::recorder::{Recorder, Writer, recorder};
use crate::ledger::{self, Fence, Ledger, NewRun, Run, RunOutcome};
use crate::metrics::Metrics;

/// Nobody else asks for the lease of one run, which is never prolonged.
const LASTS: Duration = Duration::from_secs(7 * 24 * 3_600);

pub struct LocalRun {
    ledger: Ledger,
    fence: Fence,
    run: Run,
    writer: JoinHandle<ledger::Result<()>>,
}

/// Tells two listeners.
struct Both(Recorder, Arc<dyn Progress>);

impl Progress for Both {
    fn report(&self, event: Event<'_>) {
        self.0.report(event);
        self.1.report(event);
    }
}

impl LocalRun {
    /// Records that the run begins. What the runner tells is recorded from now on, besides being told to its listener.
    pub async fn begin(
        ledger: Ledger,
        new: NewRun,
        steps: Vec<fleet_jobs::run::PlannedStep>,
        runner: &mut Runner,
    ) -> super::Result<Self> {
        let run = ledger.submit(new, u64::MAX, Utc::now()).await?.run;
        let lease = ledger.acquire_or_renew(&format!("run {}", run.id), &run.id.to_string(), Utc::now(), LASTS).await?;
        let taken =
            || ledger::Error::Conflict { what: format!("run {}", run.id), problem: "is led by another".to_owned() };
        let fence = lease.ok_or_else(taken)?.fence();
        let run = ledger.start_run(&fence, run.id, Utc::now()).await?;
        ledger.plan_steps(&fence, run.id, &recorded(steps), Utc::now()).await?;
        let metrics = Arc::new(Metrics::new().map_err(|error| super::Error::unfit("metrics", error.to_string()))?);
        let (recorder, writer): (Recorder, Writer) = recorder(
            &ledger,
            &fence,
            run.id,
            &format!("process {}", std::process::id()),
            &Arc::new(Live::default()),
            &Changes::default(),
            &metrics,
        );
        runner.progress = Arc::new(Both(recorder, Arc::clone(&runner.progress)));
        Ok(Self { ledger, fence, run, writer: tokio::spawn(writer.write()) })
    }

    /// The run as the jobs know it.
    pub fn as_run(&self, interval: Option<fleet_jobs::catalog::Interval>) -> fleet_jobs::run::Run {
        let started_at = self.run.started_at.unwrap_or(self.run.submitted_at);
        fleet_jobs::run::Run::resumed(self.run.id.to_string(), started_at, interval, BTreeSet::new())
    }

    /// Records how it ended. `runner` is the one that was begun with: nothing is told any more.
    pub async fn end(self, runner: Runner, failure: Option<&fleet_jobs::Error>) -> ledger::Result<()> {
        drop(runner);
        // A panic of the writer is a fault of this software, and says so itself.
        if let Ok(written) = self.writer.await {
            written?;
        }
        let (outcome, kind, reason) = match failure {
            None => (RunOutcome::Succeeded, None, None),
            Some(error) => (RunOutcome::Failed, Some(error.kind().into()), Some(error.to_string())),
        };
        let ended =
            self.ledger.finish_run(&self.fence, self.run.id, outcome, kind, reason.as_deref(), Utc::now()).await;
        self.ledger.release(&self.fence).await?;
        ended.map(|_| ())
    }
}
