//! From what a run tells of itself to the ledger, in order, however long the ledger is away.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use fleet_jobs::progress::{Event, Progress};
use fleet_jobs::run::StepReport;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::changes::Changes;
use super::live::Live;
use crate::ledger::{self, FailureKind, Fence, Ledger, RunId, StepEnd, StepOutcome, TableVersion};
use crate::metrics::Metrics;

/// How often an operation on a ledger that is away is repeated.
const LEDGER_WAIT: Duration = Duration::from_millis(500);

/// Listens to one run.
pub(super) struct Recorder {
    live: Arc<Live>,
    changes: Changes,
    metrics: Arc<Metrics>,
    run: RunId,
    records: UnboundedSender<Record>,
}

/// Writes what the recorder heard.
pub(super) struct Writer {
    pub ledger: Ledger,
    pub fence: Fence,
    pub run: RunId,
    pub instance: String,
    changes: Changes,
    records: UnboundedReceiver<Record>,
    /// The steps whose attempt is open.
    open: BTreeSet<String>,
}

enum Record {
    Started { step: String },
    Retrying { step: String, kind: FailureKind, reason: String },
    Ended { step: String, end: Box<StepEnd> },
}

pub(super) fn recorder(
    ledger: &Ledger,
    fence: &Fence,
    run: RunId,
    instance: &str,
    live: &Arc<Live>,
    changes: &Changes,
    metrics: &Arc<Metrics>,
) -> (Recorder, Writer) {
    let (sender, records) = unbounded_channel();
    let recorder = Recorder {
        live: Arc::clone(live),
        changes: changes.clone(),
        metrics: Arc::clone(metrics),
        run,
        records: sender,
    };
    let writer = Writer {
        ledger: ledger.clone(),
        fence: fence.clone(),
        run,
        instance: instance.to_owned(),
        changes: changes.clone(),
        records,
        open: BTreeSet::new(),
    };
    (recorder, writer)
}

impl Recorder {
    fn record(&self, record: Record) {
        // Nobody receives once the writer has failed, and then the run is over as well.
        _ = self.records.send(record);
    }
}

impl Progress for Recorder {
    fn report(&self, event: Event<'_>) {
        match event {
            Event::Started { step, doing } => {
                self.live.does(step, doing);
                self.record(Record::Started { step: step.to_owned() });
            }
            Event::Retrying { step, error, wait } => {
                tracing::warn!(run = %self.run, step, %error, ?wait, "attempt failed, another follows");
                self.live.begins(step);
                let (kind, reason) = (FailureKind::from(error.kind()), error.to_string());
                self.metrics.attempt_failed(kind.as_str());
                self.record(Record::Retrying { step: step.to_owned(), kind, reason });
            }
            Event::Ended(ended) => {
                self.live.ends(&ended.report.table, true);
                let (step, end) = (ended.report.table.clone(), Box::new(step_end(ended.report)));
                tracing::info!(run = %self.run, step, rows = end.rows, seconds = ended.elapsed.as_secs_f64(), "step done");
                let outcome = end.outcome.as_str();
                self.metrics.step_ended(&step, outcome, ended.elapsed, end.rows, end.bytes);
                self.record(Record::Ended { step, end });
            }
            // Whoever leads goes on with the step.
            Event::Failed { error, .. } if error.kind() == fleet_jobs::FailureKind::Leader => {}
            Event::Failed { step, error } => {
                tracing::warn!(run = %self.run, step, %error, "step failed");
                self.live.ends(step, false);
                let kind = FailureKind::from(error.kind());
                self.metrics.attempt_failed(kind.as_str());
                self.metrics.step_unsuccessful("failed");
                let end = Box::new(StepEnd::failed(kind, error.to_string()));
                self.record(Record::Ended { step: step.to_owned(), end });
            }
            Event::Skipped { step, because } => {
                self.metrics.step_unsuccessful("skipped");
                let end = StepEnd::new(StepOutcome::Skipped).because(format!("{because} did not succeed"));
                self.record(Record::Ended { step: step.to_owned(), end: Box::new(end) });
            }
            Event::Notice { step, text } => tracing::info!(run = %self.run, step, text),
            Event::Stages { step, stages } => {
                self.live.ran(step, stages);
                for stage in stages {
                    self.metrics.stage_ended(stage.partitions.into(), stage.bytes_scanned, stage.bytes_shuffled);
                }
            }
            Event::Planned { .. } => {}
        }
        self.changes.changed(self.run);
    }
}

fn step_end(report: &StepReport) -> StepEnd {
    let outcome = if report.up_to_date { StepOutcome::UpToDate } else { StepOutcome::Succeeded };
    let version = |(table, version): (&String, &u64)| TableVersion { table: table.clone(), version: *version };
    StepEnd {
        rows: report.rows,
        bytes: report.bytes,
        files: report.files as u64,
        partitions: report.partitions as u64,
        output: report.version.map(|version| TableVersion { table: report.table.clone(), version }),
        inputs: report.inputs.iter().map(version).collect(),
        verified: report.verified,
        published_rows: report.published_rows,
        ..StepEnd::new(outcome)
    }
}

impl Writer {
    /// Writes until the recorder is gone.
    ///
    /// # Errors
    /// Of the ledger, but none that passes.
    pub async fn write(mut self) -> ledger::Result<()> {
        while let Some(record) = self.records.recv().await {
            match record {
                Record::Started { step } => self.start(&step).await?,
                Record::Retrying { step, kind, reason } => {
                    self.start(&step).await?;
                    self.open.remove(&step);
                    patiently(|| self.ledger.fail_attempt(&self.fence, self.run, &step, kind, &reason, Utc::now()))
                        .await?;
                }
                Record::Ended { step, end } => {
                    if end.outcome == StepOutcome::Succeeded {
                        self.start(&step).await?;
                    }
                    self.open.remove(&step);
                    patiently(|| self.ledger.finish_step(&self.fence, self.run, &step, &end, Utc::now())).await?;
                }
            }
            self.changes.changed(self.run);
        }
        Ok(())
    }

    async fn start(&mut self, step: &str) -> ledger::Result<()> {
        if self.open.insert(step.to_owned()) {
            patiently(|| self.ledger.start_step(&self.fence, self.run, step, &self.instance, Utc::now())).await?;
        }
        Ok(())
    }
}

/// Repeats an operation while the ledger is away.
pub(super) async fn patiently<T, F>(operation: impl Fn() -> F) -> ledger::Result<T>
where
    F: Future<Output = ledger::Result<T>>,
{
    loop {
        match operation().await {
            Err(error @ ledger::Error::Unavailable { .. }) => tracing::warn!(%error, "the ledger is away"),
            other => return other,
        }
        tokio::time::sleep(LEDGER_WAIT).await;
    }
}

impl From<fleet_jobs::FailureKind> for FailureKind {
    fn from(kind: fleet_jobs::FailureKind) -> Self {
        use fleet_jobs::FailureKind as Jobs;
        match kind {
            Jobs::Invalid => Self::Invalid,
            Jobs::Check => Self::Check,
            Jobs::Verify => Self::Verify,
            Jobs::Query => Self::Query,
            Jobs::Conflict => Self::Conflict,
            Jobs::Cluster => Self::Cluster,
            Jobs::Storage => Self::Storage,
            Jobs::Database => Self::Database,
            Jobs::Memory => Self::Memory,
            Jobs::Timeout => Self::Timeout,
            Jobs::Leader => Self::Leader,
            Jobs::Internal => Self::Internal,
        }
    }
}
