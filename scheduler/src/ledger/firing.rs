//! What becomes of the firings of a schedule: recorded once each, together with the runs that they start.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use sqlx::{AssertSqlSafe, query};

use super::database::{Session, placeholders};
use super::instant::micros;
use super::request::{self, Request, name};
use super::runs::cancel;
use super::schedule::skip_waiting;
use super::words::words;
use super::{Error, Fence, Interval, JobDefinition, Ledger, NewRun, Origin, Result, Run, RunId, job_state, row};
use crate::schedule::{Action, plan};

/// In one statement.
const ROWS_MAX: usize = 100;
/// Who cancels runs that are replaced.
const SCHEDULE: &str = "schedule";

words! {
    /// `Waiting` becomes one of the others, and those stay.
    FiringState {
        /// For other jobs to succeed.
        Waiting => "waiting",
        Ran => "ran",
        /// Given up as a run was under way, or with a schedule that was paused or changed.
        Skipped => "skipped",
        Missed => "missed",
    }
}

/// What was recorded now. If the answer is lost, nothing is missing from the ledger: `queued` and `running` tell of the
/// same runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// In the order of their firings.
    pub runs: Vec<Run>,
    /// Runs that were replaced: cancelled if they waited, asked to stop if they run.
    pub cancel: Vec<RunId>,
    /// Firings without a run.
    pub notes: Vec<FiringNote>,
}

/// A firing that started no run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FiringNote {
    pub fire_at: DateTime<Utc>,
    /// Of a stretch of firings that were missed together, the last.
    pub last: Option<DateTime<Utc>>,
    pub state: FiringState,
    pub reason: String,
}

impl Ledger {
    /// Plans a job's schedule by what is recorded of it, and records what is planned: all firings up to now, each once,
    /// and the runs that they start, whatever the length of the queue. `new_run` makes the run of a firing and its
    /// interval; its job and origin are set here. A job that is new, or whose schedule has another text than before,
    /// is enabled from now on.
    ///
    /// # Errors
    /// `Invalid` for a run that cannot be stored, or that has an idempotency key: a firing is unique by itself.
    pub async fn record_firings(
        &self,
        fence: &Fence,
        definition: &JobDefinition,
        new_run: impl Fn(DateTime<Utc>, Interval) -> NewRun,
        now: DateTime<Utc>,
    ) -> Result<Recorded> {
        name("job", &definition.job)?;
        let mut session = self.database.begin_fenced(fence).await?;
        enable(&mut session, definition, now).await?;
        let states = job_state::load(&mut session, std::slice::from_ref(definition), now).await?;
        let actions = plan(now, &states).into_iter();
        let firings = actions.map(|action| Firing::new(action, &new_run)).collect::<Result<_>>()?;
        let recorded = record(&mut session, &definition.job, firings, now).await?;
        session.commit().await?;
        Ok(recorded)
    }
}

/// Locks the job's row until the transaction ends: nobody pauses, resumes or fires its schedule meanwhile.
async fn enable(session: &mut Session<'_>, definition: &JobDefinition, now: DateTime<Utc>) -> Result<()> {
    let (job, text) = (definition.job.as_str(), definition.text.as_str());
    let insert = query(
        "insert into schedule (job, schedule_text, enabled_since) values ($1, $2, $3) on conflict (job) do nothing",
    );
    session.execute(insert.bind(job).bind(text).bind(micros(now))).await?;
    let select = session.dialect().for_update("select schedule_text from schedule where job = $1");
    let found = session.row(query(select).bind(job)).await?;
    let found = found.map_or(Ok(None), |schedule| row::optional_text(&schedule, "schedule_text"))?;
    if found.as_deref() == Some(text) {
        return Ok(());
    }
    let change = query("update schedule set schedule_text = $2, enabled_since = $3 where job = $1");
    session.execute(change.bind(job).bind(text).bind(micros(now))).await?;
    skip_waiting(session, job, "the schedule was changed").await
}

/// What is to be recorded: of a stretch of firings, `fire_at` is the first.
struct Firing {
    fire_at: DateTime<Utc>,
    last: Option<DateTime<Utc>>,
    state: FiringState,
    /// Of one that starts no run.
    reason: Option<String>,
    /// Of one that starts a run, which these make way for.
    request: Option<Request>,
    replaces: Vec<RunId>,
}

impl Firing {
    fn new(action: Action, new_run: &impl Fn(DateTime<Utc>, Interval) -> NewRun) -> Result<Self> {
        match action {
            Action::Fire { job, fire_at, interval } => Self::ran(job, fire_at, new_run(fire_at, interval.into())),
            Action::Replace { job, fire_at, interval, cancel } => {
                let replaces = cancel.iter().map(|run| run.0.parse()).collect::<Result<_>>()?;
                Ok(Self { replaces, ..Self::ran(job, fire_at, new_run(fire_at, interval.into()))? })
            }
            Action::Await { fire_at, on, .. } => {
                Ok(Self::without_run(fire_at, FiringState::Waiting, format!("waits for {}", on.join(", "))))
            }
            Action::SkipRunning { fire_at, .. } => {
                Ok(Self::without_run(fire_at, FiringState::Skipped, "an earlier run was not over".to_owned()))
            }
            Action::Missed { fire_at, reason, .. } => {
                Ok(Self::without_run(fire_at, FiringState::Missed, reason.to_string()))
            }
            Action::MissedRange { first, last, reason, .. } => {
                Ok(Self { last: Some(last), ..Self::without_run(first, FiringState::Missed, reason.to_string()) })
            }
        }
    }

    fn ran(job: String, fire_at: DateTime<Utc>, new: NewRun) -> Result<Self> {
        if new.idempotency_key.is_some() {
            return Err(Error::invalid("idempotency_key", "a firing is unique by itself, expected none"));
        }
        let (origin, job) = (Origin::Scheduled { job: job.clone(), fire_at }, Some(job));
        let request = Request::new(NewRun { job, origin, ..new })?;
        let (state, replaces) = (FiringState::Ran, Vec::new());
        Ok(Self { fire_at, last: None, state, reason: None, request: Some(request), replaces })
    }

    fn without_run(fire_at: DateTime<Utc>, state: FiringState, reason: String) -> Self {
        Self { fire_at, last: None, state, reason: Some(reason), request: None, replaces: Vec::new() }
    }
}

async fn record(
    session: &mut Session<'_>,
    job: &str,
    mut firings: Vec<Firing>,
    now: DateTime<Utc>,
) -> Result<Recorded> {
    let mut recorded = Recorded::default();
    for Firing { fire_at, last, state, reason, replaces, .. } in &firings {
        let replaced = format!("replaced by the run of {}", fire_at.to_rfc3339_opts(SecondsFormat::Secs, true));
        for run in replaces {
            recorded.cancel.extend(cancel(session, *run, SCHEDULE, &replaced, now).await?.map(|run| run.id));
        }
        let note =
            |reason: &String| FiringNote { fire_at: *fire_at, last: *last, state: *state, reason: reason.clone() };
        recorded.notes.extend(reason.as_ref().map(note));
    }
    let requests = firings.iter_mut().filter_map(|firing| firing.request.take()).collect();
    recorded.runs = request::insert(session, requests, now).await?;
    store(session, job, &firings, &recorded.runs, now).await?;
    Ok(recorded)
}

/// `runs` are those of the firings that ran, in the same order.
async fn store(
    session: &mut Session<'_>,
    job: &str,
    firings: &[Firing],
    runs: &[Run],
    now: DateTime<Utc>,
) -> Result<()> {
    let mut runs = runs.iter().map(|run| run.id.to_string());
    for chunk in firings.chunks(ROWS_MAX) {
        let rows = placeholders(chunk.len(), 7, "");
        let mut insert = query(AssertSqlSafe(format!(
            "insert into firing (job, fire_at, last, state, reason, since, run_id) values {rows}
             on conflict (job, fire_at) do update set
                 state = excluded.state, reason = excluded.reason, since = excluded.since, run_id = excluded.run_id
             where firing.state = 'waiting'"
        )));
        for firing in chunk {
            let run = (firing.state == FiringState::Ran).then(|| runs.next()).flatten();
            let since = (firing.state == FiringState::Waiting).then(|| micros(now));
            insert = insert
                .bind(job)
                .bind(micros(firing.fire_at))
                .bind(firing.last.map(micros))
                .bind(firing.state.as_str())
                .bind(firing.reason.as_deref())
                .bind(since)
                .bind(run);
        }
        if session.execute(insert).await? != chunk.len() as u64 {
            return Err(Error::conflict(format!("schedule of job {job}"), "a firing that is due was recorded before"));
        }
    }
    let Some(last) = firings.iter().map(|firing| firing.last.unwrap_or(firing.fire_at)).max() else { return Ok(()) };
    let cover = query(
        "update schedule set last_fire_at = case when last_fire_at > $2 then last_fire_at else $2 end where job = $1",
    );
    session.execute(cover.bind(job).bind(micros(last))).await?;
    Ok(())
}
