//! A run that a process computes by itself, without the job service: kept in the ledger like any other, under a lease of
//! its own. One that its process left unfinished is gone on with by the scheduler on that ledger, where there is one.

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
use crate::ledger::{self, Fence, Lease, Ledger, NewRun, Run, RunOutcome};
use crate::metrics::Metrics;

/// Long enough for a process that has everything else to do to prolong it in time.
const LASTS: Duration = Duration::from_secs(60);
const PROLONGED_EVERY: Duration = Duration::from_secs(10);

pub struct LocalRun {
    ledger: Ledger,
    fence: Fence,
    run: Run,
    writer: JoinHandle<ledger::Result<()>>,
    /// Prolongs the lease.
    alive: JoinHandle<()>,
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
        let (run, lease) = ledger.begin_own(new, Utc::now(), LASTS).await?;
        let fence = lease.fence();
        let alive = tokio::spawn(prolong(ledger.clone(), lease));
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
        Ok(Self { ledger, fence, run, writer: tokio::spawn(writer.write()), alive })
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
        self.alive.abort();
        self.ledger.release(&self.fence).await?;
        ended.map(|_| ())
    }
}

/// A lease that another has taken is not prolonged any more: what is written under it is refused.
async fn prolong(ledger: Ledger, lease: Lease) {
    loop {
        tokio::time::sleep(PROLONGED_EVERY).await;
        if let Err(error) = ledger.acquire_or_renew(&lease.name, &lease.holder, Utc::now(), LASTS).await {
            tracing::warn!(%error, "the run's lease is not prolonged");
        }
    }
}
