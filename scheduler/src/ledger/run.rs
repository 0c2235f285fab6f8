//! What a run is, and how it is read from its row.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use fleet_jobs::catalog;
use serde::Serialize;
use sqlx::any::AnyRow;

use super::words::words;
use super::{BackfillId, FailureKind, Result, RunId, parameters, row};

words! {
    /// `Queued` becomes `Running` or `Cancelled`, `Running` becomes one of the last three. Those stay, but that
    /// `Failed` and `Cancelled` become `Queued` again on request.
    RunState {
        Queued => "queued",
        Running => "running",
        Succeeded => "succeeded",
        Failed => "failed",
        Cancelled => "cancelled",
    }
}

impl RunState {
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// From `start` until just before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Interval {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// Why a run exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    Submitted,
    Scheduled { job: String, fire_at: DateTime<Utc> },
    Backfill { id: BackfillId },
}

/// A request to run a job, or models, or ingestion, or some of these together.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    pub job: Option<String>,
    pub models: Vec<String>,
    pub ingest: bool,
    pub interval: Option<Interval>,
    /// Finite.
    pub parameters: BTreeMap<String, f64>,
    /// Higher goes first.
    pub priority: i32,
    /// Whether every step is computed again on one process.
    pub verify: bool,
    pub submitted_by: String,
    /// Of two requests of one submitter with one key, the second gets the first's run.
    pub idempotency_key: Option<String>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    pub id: RunId,
    /// From 1; one more with each write that changes the run, or a step or an attempt of it.
    pub version: u64,
    pub job: Option<String>,
    pub models: Vec<String>,
    pub ingest: bool,
    pub interval: Option<Interval>,
    pub parameters: BTreeMap<String, f64>,
    pub priority: i32,
    pub verify: bool,
    pub submitted_by: String,
    pub idempotency_key: Option<String>,
    pub origin: Origin,
    pub state: RunState,
    /// How often it was queued again.
    pub retries: u32,
    /// Asked for by a client; the run ends when its steps have.
    pub cancel_requested: bool,
    /// Who asked for that.
    pub cancelled_by: Option<String>,
    /// Why it failed, was cancelled, or is to be.
    pub reason: Option<String>,
    /// Of a run that failed.
    pub failure: Option<FailureKind>,
    pub submitted_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// Named one by one: a column that a newer program adds must not change what a prepared statement returns.
macro_rules! run_columns {
    () => {
        "id, version, job, models, ingest, interval_start, interval_end, parameters, priority, verify, submitted_by, \
         idempotency_key, schedule, fire_at, backfill, state, retries, cancel_requested, cancelled_by, reason, \
         failure, submitted_at, started_at, ended_at"
    };
}

pub(super) use run_columns;

/// Whole days, UTC.
impl From<catalog::Interval> for Interval {
    fn from(days: catalog::Interval) -> Self {
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        Self { start: midnight(days.from), end: midnight(days.to) }
    }
}

impl Run {
    pub(super) fn from_row(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row::text(row, "id")?.parse()?,
            version: row::count(row, "version")?,
            job: row::optional_text(row, "job")?,
            models: row::json(row, "models")?,
            ingest: row::flag(row, "ingest")?,
            interval: interval(row)?,
            parameters: parameters::parse(&row::text(row, "parameters")?)?,
            priority: priority(row)?,
            verify: row::flag(row, "verify")?,
            submitted_by: row::text(row, "submitted_by")?,
            idempotency_key: row::optional_text(row, "idempotency_key")?,
            origin: Origin::from_row(row)?,
            state: row::text(row, "state")?.parse()?,
            retries: row::small(row, "retries")?,
            cancel_requested: row::flag(row, "cancel_requested")?,
            cancelled_by: row::optional_text(row, "cancelled_by")?,
            reason: row::optional_text(row, "reason")?,
            failure: row::optional_word(row, "failure")?,
            submitted_at: row::instant(row, "submitted_at")?,
            started_at: row::optional_instant(row, "started_at")?,
            ended_at: row::optional_instant(row, "ended_at")?,
        })
    }
}

impl Origin {
    fn from_row(row: &AnyRow) -> Result<Self> {
        let (schedule, backfill) = (row::optional_text(row, "schedule")?, row::optional_text(row, "backfill")?);
        match (schedule, backfill) {
            (Some(job), _) => Ok(Self::Scheduled { job, fire_at: row::instant(row, "fire_at")? }),
            (None, Some(id)) => Ok(Self::Backfill { id: id.parse()? }),
            (None, None) => Ok(Self::Submitted),
        }
    }
}

pub(super) fn priority(row: &AnyRow) -> Result<i32> {
    let priority = row::get::<i64>(row, "priority")?;
    i32::try_from(priority).map_err(|_| row::damaged("priority", format!("{priority} is out of range")))
}

fn interval(row: &AnyRow) -> Result<Option<Interval>> {
    let start = row::optional_instant(row, "interval_start")?;
    let end = row::optional_instant(row, "interval_end")?;
    Ok(start.zip(end).map(|(start, end)| Interval { start, end }))
}
