//! Putting runs into the queue, each request once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::query;

use super::database::Session;
use super::instant::{micros, stored};
use super::run::run_columns;
use super::{Error, Interval, Ledger, NewRun, Origin, Result, Run, RunId, RunState, row};

/// Longer ones do not fit into an index of PostgreSQL.
const NAME_BYTES_MAX: usize = 512;
/// Of models and parameters, as JSON.
const REQUEST_BYTES_MAX: usize = 256 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    pub run: Run,
    /// Whether it is the run of an earlier request with the same idempotency key.
    pub existing: bool,
}

impl Ledger {
    /// Queues a run, or finds the one that the same submitter queued with the same idempotency key.
    ///
    /// # Errors
    /// `Conflict` if that key came with another request; `QueueFull` if `queue_limit` runs are waiting.
    pub async fn submit(&self, new: NewRun, queue_limit: u64, now: DateTime<Utc>) -> Result<Submitted> {
        let request = Request::new(new)?;
        let mut session = self.database.begin().await?;
        // Both the key and the limit are looked at before anything is inserted: one at a time.
        session.lock("submit").await?;
        if let Some(run) = request.find(&mut session).await? {
            return Ok(Submitted { run, existing: true });
        }
        let queued = session.row(query("select count(*) as queued from run where state = 'queued'")).await?;
        let queued = queued.map_or(Ok(0), |queued| row::count(&queued, "queued"))?;
        if queued >= queue_limit {
            return Err(Error::QueueFull { limit: queue_limit, queued });
        }
        let run = request.insert(&mut session, now).await?;
        session.commit().await?;
        Ok(Submitted { run, existing: false })
    }
}

/// A request that can be stored.
pub(super) struct Request {
    new: NewRun,
    models: String,
    parameters: String,
    digest: String,
}

/// What makes two requests the same.
#[derive(Serialize)]
struct Content<'a> {
    job: &'a Option<String>,
    models: &'a [String],
    ingest: bool,
    interval: Option<(i64, i64)>,
    parameters: &'a BTreeMap<String, String>,
    priority: i32,
    origin: &'a Origin,
}

impl Request {
    pub fn new(mut new: NewRun) -> Result<Self> {
        check(&new)?;
        new.interval = new.interval.map(|it| Interval { start: stored(it.start), end: stored(it.end) });
        if let Origin::Scheduled { fire_at, .. } = &mut new.origin {
            *fire_at = stored(*fire_at);
        }
        let (models, parameters) = (json(&new.models)?, json(&new.parameters)?);
        if models.len() + parameters.len() > REQUEST_BYTES_MAX {
            let problem = format!("models and parameters take more than {REQUEST_BYTES_MAX} bytes as JSON");
            return Err(Error::invalid("run", problem));
        }
        let content = Content {
            job: &new.job,
            models: &new.models,
            ingest: new.ingest,
            interval: new.interval.map(|it| (micros(it.start), micros(it.end))),
            parameters: &new.parameters,
            priority: new.priority,
            origin: &new.origin,
        };
        let digest = Sha256::digest(json(&content)?).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { new, models, parameters, digest })
    }

    async fn find(&self, session: &mut Session<'_>) -> Result<Option<Run>> {
        let Some(key) = &self.new.idempotency_key else { return Ok(None) };
        let earlier = concat!(
            "select request_digest, ",
            run_columns!(),
            " from run where submitted_by = $1 and idempotency_key = $2"
        );
        let earlier = query(earlier).bind(self.new.submitted_by.as_str()).bind(key.as_str());
        let Some(earlier) = session.row(earlier).await? else { return Ok(None) };
        let run = Run::from_row(&earlier)?;
        if row::text(&earlier, "request_digest")? == self.digest {
            return Ok(Some(run));
        }
        let problem = format!("run {} was submitted with it for another request; use a new key", run.id);
        Err(Error::conflict(format!("idempotency key {key:?}"), problem))
    }

    pub async fn insert(self, session: &mut Session<'_>, now: DateTime<Utc>) -> Result<Run> {
        let id = RunId::new(now);
        let new = &self.new;
        let (origin, origin_of) = new.origin.as_columns();
        let fire_at = match &new.origin {
            Origin::Scheduled { fire_at, .. } => Some(micros(*fire_at)),
            _ => None,
        };
        let insert = query(
            "insert into run (id, job, models, ingest, interval_start, interval_end, parameters, priority,
                 submitted_by, idempotency_key, request_digest, origin, origin_of, fire_at, state,
                 cancel_requested, submitted_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'queued', 0, $15)",
        )
        .bind(id.to_string())
        .bind(new.job.clone())
        .bind(self.models.as_str())
        .bind(i64::from(new.ingest))
        .bind(new.interval.map(|it| micros(it.start)))
        .bind(new.interval.map(|it| micros(it.end)))
        .bind(self.parameters.as_str())
        .bind(i64::from(new.priority))
        .bind(new.submitted_by.as_str())
        .bind(new.idempotency_key.clone())
        .bind(self.digest.as_str())
        .bind(origin)
        .bind(origin_of)
        .bind(fire_at)
        .bind(micros(now));
        session.execute(insert).await?;
        Ok(self.queued(id, stored(now)))
    }

    fn queued(self, id: RunId, submitted_at: DateTime<Utc>) -> Run {
        let new = self.new;
        Run {
            id,
            job: new.job,
            models: new.models,
            ingest: new.ingest,
            interval: new.interval,
            parameters: new.parameters,
            priority: new.priority,
            submitted_by: new.submitted_by,
            idempotency_key: new.idempotency_key,
            origin: new.origin,
            state: RunState::Queued,
            cancel_requested: false,
            reason: None,
            submitted_at,
            started_at: None,
            ended_at: None,
        }
    }
}

fn check(new: &NewRun) -> Result<()> {
    if new.job.is_none() && new.models.is_empty() && !new.ingest {
        return Err(Error::invalid("run", "expected a job, models, or ingestion"));
    }
    name("submitted_by", &new.submitted_by)?;
    let optional = [("job", &new.job), ("idempotency_key", &new.idempotency_key)];
    for (what, value) in optional {
        value.as_deref().map_or(Ok(()), |value| name(what, value))?;
    }
    match &new.origin {
        Origin::Scheduled { job, .. } => name("origin", job)?,
        Origin::Backfill { id } => name("origin", id)?,
        Origin::Submitted | Origin::Retry { .. } => {}
    }
    match new.interval {
        Some(interval) if stored(interval.start) >= stored(interval.end) => {
            let problem = format!("expected a start before the end, found {} to {}", interval.start, interval.end);
            Err(Error::invalid("interval", problem))
        }
        _ => Ok(()),
    }
}

/// For what a client names and an index holds.
pub(super) fn name(what: &str, value: &str) -> Result<()> {
    if value.is_empty() || value.len() > NAME_BYTES_MAX || value.contains('\0') {
        let problem = format!("expected 1 to {NAME_BYTES_MAX} bytes without a zero byte, found {}", value.len());
        return Err(Error::invalid(what, problem));
    }
    Ok(())
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::invalid("run", error.to_string()))
}
