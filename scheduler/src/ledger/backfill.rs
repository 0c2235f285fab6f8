//! Runs for many intervals at once: all are queued or none, and few of them run at a time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::query;

use super::database::Session;
use super::instant::{micros, stored};
use super::queue_state::{QUEUE, QueueState};
use super::request::{self, Request, name};
use super::{BackfillId, Error, Interval, Ledger, NewRun, Origin, Result, RunId, key, parameters, row};

/// Runs of one backfill.
const RUNS_MAX: usize = 4_000;

/// A request for one run of a job for each interval.
#[derive(Clone, Debug, PartialEq)]
pub struct NewBackfill {
    pub job: String,
    pub models: Vec<String>,
    pub ingest: bool,
    /// In any order; none overlaps another.
    pub intervals: Vec<Interval>,
    /// How many of its runs may run at once.
    pub parallelism: u32,
    /// Finite.
    pub parameters: BTreeMap<String, f64>,
    pub priority: i32,
    pub submitted_by: String,
    /// As for `NewRun`, with which it shares its keys.
    pub idempotency_key: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backfilled {
    pub id: BackfillId,
    /// By interval, the earliest first.
    pub runs: Vec<RunId>,
    /// Whether it is the backfill of an earlier request with the same idempotency key.
    pub existing: bool,
}

impl Ledger {
    /// Queues a run for each interval, or finds those that the same submitter queued with the same idempotency key.
    ///
    /// # Errors
    /// `Invalid` for no interval or more than 4,000, for intervals that overlap, and where it may run nothing at once;
    /// `Conflict` if the key came with another request; `QueueFull` if what it may run at once does not fit among the
    /// `queue_limit` runs that wait.
    pub async fn backfill(&self, new: NewBackfill, queue_limit: u64, now: DateTime<Utc>) -> Result<Backfilled> {
        let new = check(new)?;
        let digest = digest(&new)?;
        let mut session = self.database.begin().await?;
        session.lock(QUEUE).await?;
        if let Some(key) = &new.idempotency_key
            && let Some(id) = key::find(&mut session, &new.submitted_by, key, &digest).await?
        {
            let runs = runs(&mut session, &id).await?;
            return Ok(Backfilled { id: id.parse()?, runs, existing: true });
        }
        let count = new.intervals.len() as u64;
        QueueState::read(&mut session).await?.admit(count.min(new.parallelism.into()), queue_limit)?;
        let id = BackfillId::new(now);
        insert(&mut session, id, &new, &digest, now).await?;
        let runs = request::insert(&mut session, requests(new, id)?, now).await?;
        session.commit().await?;
        Ok(Backfilled { id, runs: runs.iter().map(|run| run.id).collect(), existing: false })
    }
}

fn check(mut new: NewBackfill) -> Result<NewBackfill> {
    name("job", &new.job)?;
    name("submitted_by", &new.submitted_by)?;
    new.idempotency_key.as_deref().map_or(Ok(()), |key| name("idempotency_key", key))?;
    if new.parallelism == 0 {
        return Err(Error::invalid("parallelism", "expected 1 or more"));
    }
    if new.intervals.is_empty() || new.intervals.len() > RUNS_MAX {
        let problem = format!("expected 1 to {RUNS_MAX} of them, found {}", new.intervals.len());
        return Err(Error::invalid("intervals", problem));
    }
    for interval in &mut new.intervals {
        *interval = Interval { start: stored(interval.start), end: stored(interval.end) };
    }
    new.intervals.sort_by_key(|interval| interval.start);
    match new.intervals.iter().zip(&new.intervals[1..]).find(|(one, next)| one.end > next.start) {
        Some((one, next)) => {
            Err(Error::invalid("intervals", format!("that from {} and that from {} overlap", one.start, next.start)))
        }
        None => Ok(new),
    }
}

/// What makes two requests the same.
#[derive(Serialize)]
struct Content<'a> {
    job: &'a str,
    models: &'a [String],
    ingest: bool,
    intervals: Vec<(i64, i64)>,
    parallelism: u32,
    parameters: String,
    priority: i32,
}

fn digest(new: &NewBackfill) -> Result<String> {
    request::digest(&Content {
        job: &new.job,
        models: &new.models,
        ingest: new.ingest,
        intervals: new.intervals.iter().map(|it| (micros(it.start), micros(it.end))).collect(),
        parallelism: new.parallelism,
        parameters: parameters::text(&new.parameters)?,
        priority: new.priority,
    })
}

fn requests(new: NewBackfill, id: BackfillId) -> Result<Vec<Request>> {
    let request = |interval: &Interval| {
        Request::new(NewRun {
            job: Some(new.job.clone()),
            models: new.models.clone(),
            ingest: new.ingest,
            interval: Some(*interval),
            parameters: new.parameters.clone(),
            priority: new.priority,
            verify: false,
            submitted_by: new.submitted_by.clone(),
            idempotency_key: None,
            origin: Origin::Backfill { id },
        })
    };
    new.intervals.iter().map(request).collect()
}

async fn insert(
    session: &mut Session<'_>,
    id: BackfillId,
    new: &NewBackfill,
    digest: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let insert = query(
        "insert into backfill (id, job, parallelism, submitted_by, idempotency_key, request_digest, submitted_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id.to_string())
    .bind(new.job.as_str())
    .bind(i64::from(new.parallelism))
    .bind(new.submitted_by.as_str())
    .bind(new.idempotency_key.as_deref())
    .bind(digest)
    .bind(micros(now));
    session.execute(insert).await?;
    Ok(())
}

async fn runs(session: &mut Session<'_>, id: &str) -> Result<Vec<RunId>> {
    let select = query("select id from run where backfill = $1 order by id");
    session.rows(select.bind(id)).await?.iter().map(|run| row::text(run, "id")?.parse()).collect()
}
