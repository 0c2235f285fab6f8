//! What steps, attempts and table versions are, and how they are read from their rows.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::any::AnyRow;

use super::words::words;
use super::{FailureKind, Result, RunId, row};

words! {
    StepKind {
        /// Brings new landing files into a source table.
        Ingest => "ingest",
        /// Computes a model into its table.
        Model => "model",
    }
}

words! {
    /// `Pending` becomes `Running`, which alternates with `BackingOff`, once for each further attempt; after a change
    /// of leader it is `Pending` again. The others are final, until the run is queued again.
    StepState {
        Pending => "pending",
        Running => "running",
        /// An attempt failed, and another is to follow.
        BackingOff => "backing_off",
        Succeeded => "succeeded",
        /// Nothing was stale: the table has the version that it had.
        UpToDate => "up_to_date",
        Failed => "failed",
        Cancelled => "cancelled",
        Skipped => "skipped",
    }
}

words! {
    AttemptOutcome {
        Succeeded => "succeeded",
        UpToDate => "up_to_date",
        Failed => "failed",
        Cancelled => "cancelled",
        /// Its scheduler stopped, and nobody knows how far it came.
        Lost => "lost",
    }
}

/// One version of a Delta table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableVersion {
    pub table: String,
    pub version: u64,
}

/// A step that a run is to have. `name` is that of the table which it commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStep {
    pub name: String,
    pub position: u32,
    pub kind: StepKind,
    /// Names of the steps of the run that must be over before.
    pub after: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub run: RunId,
    pub name: String,
    pub position: u32,
    pub kind: StepKind,
    pub after: Vec<String>,
    pub state: StepState,
    pub attempts: u64,
    pub rows: u64,
    pub bytes: u64,
    pub partitions: u64,
    pub files: u64,
    /// Whether one process came to the same rows.
    pub verified: bool,
    /// In the published table, for the run's interval.
    pub published_rows: Option<u64>,
    pub output: Option<TableVersion>,
    /// Of a step that failed, or of the attempt after which it backs off.
    pub failure: Option<FailureKind>,
    /// Why it failed, backs off, was cancelled or was skipped.
    pub reason: Option<String>,
    /// Of the first attempt.
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    pub run: RunId,
    pub step: String,
    /// From 1.
    pub number: u64,
    /// Of the scheduler that leads it.
    pub instance: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// None while it is under way.
    pub outcome: Option<AttemptOutcome>,
    /// Of one that failed or was lost.
    pub failure: Option<FailureKind>,
    pub reason: Option<String>,
}

macro_rules! step_columns {
    () => {
        "run_id, name, position, kind, after_steps, state, attempts, rows, bytes, partitions, files, verified, \
         published_rows, output_table, output_version, failure, reason, started_at, ended_at"
    };
}

macro_rules! attempt_columns {
    () => {
        "run_id, step_name, number, instance, started_at, ended_at, outcome, failure, reason"
    };
}

pub(super) use {attempt_columns, step_columns};

impl StepState {
    pub fn is_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Running | Self::BackingOff)
    }
}

impl Step {
    pub(super) fn from_row(row: &AnyRow) -> Result<Self> {
        let (table, version) = (row::optional_text(row, "output_table")?, row::optional_count(row, "output_version")?);
        Ok(Self {
            run: row::text(row, "run_id")?.parse()?,
            name: row::text(row, "name")?,
            position: row::small(row, "position")?,
            kind: row::text(row, "kind")?.parse()?,
            after: row::json(row, "after_steps")?,
            state: row::text(row, "state")?.parse()?,
            attempts: row::count(row, "attempts")?,
            rows: row::count(row, "rows")?,
            bytes: row::count(row, "bytes")?,
            partitions: row::count(row, "partitions")?,
            files: row::count(row, "files")?,
            verified: row::flag(row, "verified")?,
            published_rows: row::optional_count(row, "published_rows")?,
            output: table.zip(version).map(|(table, version)| TableVersion { table, version }),
            failure: row::optional_word(row, "failure")?,
            reason: row::optional_text(row, "reason")?,
            started_at: row::optional_instant(row, "started_at")?,
            ended_at: row::optional_instant(row, "ended_at")?,
        })
    }
}

impl Attempt {
    pub(super) fn from_row(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            run: row::text(row, "run_id")?.parse()?,
            step: row::text(row, "step_name")?,
            number: row::count(row, "number")?,
            instance: row::text(row, "instance")?,
            started_at: row::instant(row, "started_at")?,
            ended_at: row::optional_instant(row, "ended_at")?,
            outcome: row::optional_word(row, "outcome")?,
            failure: row::optional_word(row, "failure")?,
            reason: row::optional_text(row, "reason")?,
        })
    }
}

impl TableVersion {
    pub(super) fn from_row(row: &AnyRow) -> Result<Self> {
        Ok(Self { table: row::text(row, "table_name")?, version: row::count(row, "version")? })
    }
}
