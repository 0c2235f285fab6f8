//! A request for a run: what can be stored, what makes two the same, and how runs get into their table.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, query};

use super::database::{Session, Statement, placeholders};
use super::instant::{micros, stored};
use super::run::run_columns;
use super::{BackfillId, Error, Interval, NewRun, Origin, Result, Run, RunId, RunState, key, parameters};

/// Longer ones do not fit into an index of PostgreSQL.
const NAME_BYTES_MAX: usize = 512;
/// Of models and parameters, as JSON.
const REQUEST_BYTES_MAX: usize = 256 * 1024;
/// In one statement.
const ROWS_MAX: usize = 100;

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
    parameters: &'a str,
    priority: i32,
    verify: bool,
    origin: &'a Origin,
}

impl Request {
    pub fn new(mut new: NewRun) -> Result<Self> {
        check(&new)?;
        new.interval = new.interval.map(|it| Interval { start: stored(it.start), end: stored(it.end) });
        if let Origin::Scheduled { fire_at, .. } = &mut new.origin {
            *fire_at = stored(*fire_at);
        }
        let (models, parameters) = (json(&new.models)?, parameters::text(&new.parameters)?);
        if models.len() + parameters.len() > REQUEST_BYTES_MAX {
            let problem = format!("models and parameters take more than {REQUEST_BYTES_MAX} bytes as JSON");
            return Err(Error::invalid("run", problem));
        }
        let digest = digest(&Content {
            job: &new.job,
            models: &new.models,
            ingest: new.ingest,
            interval: new.interval.map(|it| (micros(it.start), micros(it.end))),
            parameters: &parameters,
            priority: new.priority,
            verify: new.verify,
            origin: &new.origin,
        })?;
        Ok(Self { new, models, parameters, digest })
    }

    /// The run that an earlier request with the same key made.
    pub async fn find(&self, session: &mut Session<'_>) -> Result<Option<Run>> {
        let Some(key) = &self.new.idempotency_key else { return Ok(None) };
        let Some(id) = key::find(session, &self.new.submitted_by, key, &self.digest).await? else { return Ok(None) };
        let earlier = concat!("select ", run_columns!(), " from run where id = $1");
        session.row(query(earlier).bind(id)).await?.as_ref().map(Run::from_row).transpose()
    }

    fn bind<'a>(&'a self, statement: Statement<'a>, id: RunId, now: DateTime<Utc>) -> Statement<'a> {
        let new = &self.new;
        let (schedule, fire_at, backfill) = origin(&new.origin);
        statement
            .bind(id.to_string())
            .bind(new.job.as_deref())
            .bind(self.models.as_str())
            .bind(i64::from(new.ingest))
            .bind(new.interval.map(|it| micros(it.start)))
            .bind(new.interval.map(|it| micros(it.end)))
            .bind(self.parameters.as_str())
            .bind(i64::from(new.priority))
            .bind(i64::from(new.verify))
            .bind(new.submitted_by.as_str())
            .bind(new.idempotency_key.as_deref())
            .bind(self.digest.as_str())
            .bind(schedule)
            .bind(fire_at.map(micros))
            .bind(backfill.map(|id| id.to_string()))
            .bind(micros(now))
    }

    fn queued(self, id: RunId, submitted_at: DateTime<Utc>) -> Run {
        let new = self.new;
        Run {
            id,
            version: 1,
            job: new.job,
            models: new.models,
            ingest: new.ingest,
            interval: new.interval,
            parameters: new.parameters,
            priority: new.priority,
            verify: new.verify,
            submitted_by: new.submitted_by,
            idempotency_key: new.idempotency_key,
            origin: new.origin,
            state: RunState::Queued,
            retries: 0,
            cancel_requested: false,
            cancelled_by: None,
            reason: None,
            failure: None,
            submitted_at,
            started_at: None,
            ended_at: None,
        }
    }
}

/// Queues the runs of these requests, many with one statement. Their ids sort as the requests do.
pub(super) async fn insert(session: &mut Session<'_>, requests: Vec<Request>, now: DateTime<Utc>) -> Result<Vec<Run>> {
    let mut ids: Vec<RunId> = requests.iter().map(|_| RunId::new(now)).collect();
    ids.sort();
    let requests: Vec<(RunId, Request)> = ids.into_iter().zip(requests).collect();
    for chunk in requests.chunks(ROWS_MAX) {
        let rows = placeholders(chunk.len(), 16, "'queued', 1, 0, 0");
        let mut insert = query(AssertSqlSafe(format!(
            "insert into run (id, job, models, ingest, interval_start, interval_end, parameters, priority, verify,
                 submitted_by, idempotency_key, request_digest, schedule, fire_at, backfill, submitted_at,
                 state, version, retries, cancel_requested)
             values {rows}"
        )));
        for (id, request) in chunk {
            insert = request.bind(insert, *id, now);
        }
        session.execute(insert).await?;
    }
    Ok(requests.into_iter().map(|(id, request)| request.queued(id, stored(now))).collect())
}

pub(super) async fn insert_one(session: &mut Session<'_>, request: Request, now: DateTime<Utc>) -> Result<Run> {
    insert(session, vec![request], now).await?.pop().ok_or_else(|| Error::invalid("run", "was not inserted"))
}

/// Of what is written as JSON, hexadecimal.
pub(super) fn digest(content: &impl Serialize) -> Result<String> {
    Ok(Sha256::digest(json(content)?).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// For what a client names and an index holds.
pub(super) fn name(what: &str, value: &str) -> Result<()> {
    if value.is_empty() || value.len() > NAME_BYTES_MAX || value.contains('\0') {
        let problem = format!("expected 1 to {NAME_BYTES_MAX} bytes without a zero byte, found {}", value.len());
        return Err(Error::invalid(what, problem));
    }
    Ok(())
}

pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::invalid("run", error.to_string()))
}

/// As columns: the job of the schedule, the firing, and the backfill.
fn origin(origin: &Origin) -> (Option<&str>, Option<DateTime<Utc>>, Option<BackfillId>) {
    match origin {
        Origin::Submitted => (None, None, None),
        Origin::Scheduled { job, fire_at } => (Some(job), Some(*fire_at), None),
        Origin::Backfill { id } => (None, None, Some(*id)),
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
    if let Origin::Scheduled { job, .. } = &new.origin {
        name("origin", job)?;
    }
    match new.interval {
        Some(interval) if stored(interval.start) >= stored(interval.end) => {
            let problem = format!("expected a start before the end, found {} to {}", interval.start, interval.end);
            Err(Error::invalid("interval", problem))
        }
        _ => Ok(()),
    }
}
