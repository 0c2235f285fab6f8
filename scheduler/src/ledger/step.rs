//! What steps, attempts and table versions are, and how they are read from their rows.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::any::AnyRow;

use super::words::words;
use super::{Result, RunId, row};

words! {
    /// `Pending` and `Running` alternate, once for each attempt; the others are final.
    StepState {
        Pending => "pending",
        Running => "running",
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

/// A step that a run is to have. `name` is the model's, or says what is ingested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStep {
    pub name: String,
    pub position: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub run: RunId,
    pub name: String,
    pub position: u32,
    pub state: StepState,
    pub attempts: u64,
    pub rows: u64,
    pub bytes: u64,
    pub partitions: u64,
    pub output: Option<TableVersion>,
    /// Why it failed, was cancelled or skipped, or why its last attempt did.
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
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// None while it is under way.
    pub outcome: Option<AttemptOutcome>,
    pub reason: Option<String>,
}

macro_rules! step_columns {
    () => {
        "run_id, name, position, state, attempts, rows, bytes, partitions, output_table, output_version, reason, \
         started_at, ended_at"
    };
}

macro_rules! attempt_columns {
    () => {
        "run_id, step_name, number, started_at, ended_at, outcome, reason"
    };
}

pub(super) use {attempt_columns, step_columns};

impl StepState {
    pub fn is_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

impl Step {
    pub(super) fn from_row(row: &AnyRow) -> Result<Self> {
        let position = row::count(row, "position")?;
        let (table, version) = (row::optional_text(row, "output_table")?, row::optional_count(row, "output_version")?);
        Ok(Self {
            run: row::text(row, "run_id")?.parse()?,
            name: row::text(row, "name")?,
            position: u32::try_from(position).map_err(|error| row::damaged("position", error.to_string()))?,
            state: row::text(row, "state")?.parse()?,
            attempts: row::count(row, "attempts")?,
            rows: row::count(row, "rows")?,
            bytes: row::count(row, "bytes")?,
            partitions: row::count(row, "partitions")?,
            output: table.zip(version).map(|(table, version)| TableVersion { table, version }),
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
            started_at: row::instant(row, "started_at")?,
            ended_at: row::optional_instant(row, "ended_at")?,
            outcome: row::optional_text(row, "outcome")?.map(|word| word.parse()).transpose()?,
            reason: row::optional_text(row, "reason")?,
        })
    }
}

impl TableVersion {
    pub(super) fn from_row(row: &AnyRow) -> Result<Self> {
        Ok(Self { table: row::text(row, "table_name")?, version: row::count(row, "version")? })
    }
}
