//! What a run is, and how it is read from its row.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::any::AnyRow;
use uuid::{NoContext, Timestamp, Uuid};

use super::words::words;
use super::{Error, Result, row};

/// Ordered by the time of submission, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RunId(Uuid);

impl RunId {
    pub fn new(now: DateTime<Utc>) -> Self {
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Self(Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos())))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for RunId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let problem =
            || Error::invalid(format!("run id {text:?}"), "expected 36 characters as `fleet runs` prints them");
        Uuid::try_parse(text).map(Self).map_err(|_| problem())
    }
}

words! {
    /// `Queued` becomes `Running` or `Cancelled`, `Running` becomes one of the last three, and those stay.
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
    Retry { of: RunId },
    Backfill { id: String },
}

/// A request to run a job, or models, or ingestion, or some of these together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    pub job: Option<String>,
    pub models: Vec<String>,
    pub ingest: bool,
    pub interval: Option<Interval>,
    pub parameters: BTreeMap<String, String>,
    /// Higher goes first.
    pub priority: i32,
    pub submitted_by: String,
    /// Of two requests of one submitter with one key, the second gets the first's run.
    pub idempotency_key: Option<String>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    pub id: RunId,
    pub job: Option<String>,
    pub models: Vec<String>,
    pub ingest: bool,
    pub interval: Option<Interval>,
    pub parameters: BTreeMap<String, String>,
    pub priority: i32,
    pub submitted_by: String,
    pub idempotency_key: Option<String>,
    pub origin: Origin,
    pub state: RunState,
    /// Asked for by a client; the run ends when its steps have.
    pub cancel_requested: bool,
    /// Why it failed, was cancelled, or is to be.
    pub reason: Option<String>,
    pub submitted_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// Named one by one: a column that a newer program adds must not change what a prepared statement returns.
macro_rules! run_columns {
    () => {
        "id, job, models, ingest, interval_start, interval_end, parameters, priority, submitted_by, idempotency_key, \
         origin, origin_of, fire_at, state, cancel_requested, reason, submitted_at, started_at, ended_at"
    };
}

pub(super) use run_columns;

impl Run {
    pub(super) fn from_row(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row::text(row, "id")?.parse()?,
            job: row::optional_text(row, "job")?,
            models: row::json(row, "models")?,
            ingest: row::flag(row, "ingest")?,
            interval: interval(row)?,
            parameters: row::json(row, "parameters")?,
            priority: priority(row)?,
            submitted_by: row::text(row, "submitted_by")?,
            idempotency_key: row::optional_text(row, "idempotency_key")?,
            origin: Origin::from_row(row)?,
            state: row::text(row, "state")?.parse()?,
            cancel_requested: row::flag(row, "cancel_requested")?,
            reason: row::optional_text(row, "reason")?,
            submitted_at: row::instant(row, "submitted_at")?,
            started_at: row::optional_instant(row, "started_at")?,
            ended_at: row::optional_instant(row, "ended_at")?,
        })
    }
}

impl Origin {
    /// As columns: the word, and what it is of.
    pub(super) fn as_columns(&self) -> (&'static str, Option<String>) {
        match self {
            Self::Submitted => ("submitted", None),
            Self::Scheduled { job, .. } => ("scheduled", Some(job.clone())),
            Self::Retry { of } => ("retry", Some(of.to_string())),
            Self::Backfill { id } => ("backfill", Some(id.clone())),
        }
    }

    fn from_row(row: &AnyRow) -> Result<Self> {
        let of = || row::text(row, "origin_of");
        match row::text(row, "origin")?.as_str() {
            "submitted" => Ok(Self::Submitted),
            "scheduled" => Ok(Self::Scheduled { job: of()?, fire_at: row::instant(row, "fire_at")? }),
            "retry" => Ok(Self::Retry { of: of()?.parse()? }),
            "backfill" => Ok(Self::Backfill { id: of()? }),
            other => Err(row::damaged("origin", format!("{other:?} is not one this program knows"))),
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
