//! What `schedule` plans from, as the ledger has it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use fleet_jobs::catalog::{self, Schedule, Unit};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, query};

use super::database::{Session, placeholders};
use super::instant::{micros, stored};
use super::{Interval, Ledger, Result, row};
use crate::schedule::{JobState, RunId, RunRef, Waiting, awaited_days};

/// Of the intervals for which jobs succeeded, the earliest are looked at. A firing that misses one waits, and finds it
/// when those before it have gone.
const INTERVALS_MAX: i64 = 20_000;

/// A job's schedule as the catalogue has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobDefinition {
    pub job: String,
    pub schedule: Schedule,
    pub default_interval: Unit,
    /// Tells one content of the schedule from another: where it changes, the schedule begins anew.
    pub text: String,
}

impl Ledger {
    /// What `schedule::wake_at` asks for, of one moment. A schedule that nothing is recorded of, or only of another
    /// text, is enabled now.
    pub async fn job_states(&self, definitions: &[JobDefinition], now: DateTime<Utc>) -> Result<Vec<JobState>> {
        let mut session = self.database.snapshot().await?;
        let states = load(&mut session, definitions, now).await?;
        session.commit().await?;
        Ok(states)
    }
}

/// In the order of the definitions, with a number of queries that does not depend on theirs.
pub(super) async fn load(
    session: &mut Session<'_>,
    definitions: &[JobDefinition],
    now: DateTime<Utc>,
) -> Result<Vec<JobState>> {
    if definitions.is_empty() {
        return Ok(Vec::new());
    }
    let jobs: Vec<&str> = definitions.iter().map(|definition| definition.job.as_str()).collect();
    let schedules = "select job, schedule_text, enabled_since, last_fire_at, paused_at from schedule where job in";
    let schedules = of_jobs(session, schedules, &jobs, "").await?;
    let waiting = "select job, fire_at, since from firing where state = 'waiting' and job in";
    let waiting = of_jobs(session, waiting, &jobs, "order by fire_at").await?;
    let running = "select schedule as job, id, fire_at from run where state in ('queued', 'running') and schedule in";
    let running = of_jobs(session, running, &jobs, "order by fire_at, id").await?;
    let mut states: Vec<JobState> = definitions
        .iter()
        .map(|definition| state(definition, now, &schedules, &waiting, &running))
        .collect::<Result<_>>()?;
    let succeeded = succeeded(session, &states, now).await?;
    for state in &mut states {
        let after = state.schedule.after.iter();
        state.succeeded = after.filter_map(|job| Some((job.clone(), succeeded.get(job.as_str())?.clone()))).collect();
    }
    Ok(states)
}

/// The rows of these jobs, by job.
type ByJob = BTreeMap<String, Vec<AnyRow>>;

async fn of_jobs(session: &mut Session<'_>, select: &str, jobs: &[&str], order: &str) -> Result<ByJob> {
    let sql = format!("{select} {} {order}", placeholders(1, jobs.len(), ""));
    let statement = jobs.iter().fold(query(AssertSqlSafe(sql)), |statement, job| statement.bind(*job));
    let mut by_job = ByJob::new();
    for row in session.rows(statement).await? {
        by_job.entry(row::text(&row, "job")?).or_default().push(row);
    }
    Ok(by_job)
}

fn rows<'a>(by_job: &'a ByJob, job: &str) -> &'a [AnyRow] {
    by_job.get(job).map(Vec::as_slice).unwrap_or_default()
}

fn state(
    definition: &JobDefinition,
    now: DateTime<Utc>,
    schedules: &ByJob,
    waiting: &ByJob,
    running: &ByJob,
) -> Result<JobState> {
    let job = &definition.job;
    let run = |row| Ok(RunRef { id: RunId(row::text(row, "id")?), fire_at: row::instant(row, "fire_at")? });
    let mut state = JobState {
        job: job.clone(),
        schedule: definition.schedule.clone(),
        default_interval: definition.default_interval,
        paused: false,
        last_fire_at: None,
        enabled_since: stored(now),
        running: rows(running, job).iter().map(run).collect::<Result<_>>()?,
        succeeded: BTreeMap::new(),
        waiting: Vec::new(),
    };
    let Some(schedule) = rows(schedules, job).first() else { return Ok(state) };
    state.last_fire_at = row::optional_instant(schedule, "last_fire_at")?;
    state.paused = row::optional_instant(schedule, "paused_at")?.is_some();
    if row::optional_text(schedule, "schedule_text")?.as_ref() == Some(&definition.text) {
        let wait = |row| Ok(Waiting { fire_at: row::instant(row, "fire_at")?, since: row::instant(row, "since")? });
        state.enabled_since = row::instant(schedule, "enabled_since")?;
        state.waiting = rows(waiting, job).iter().map(wait).collect::<Result<_>>()?;
    }
    Ok(state)
}

/// The days for which the jobs that others wait for succeeded, by job.
async fn succeeded(
    session: &mut Session<'_>,
    states: &[JobState],
    now: DateTime<Utc>,
) -> Result<BTreeMap<String, Vec<catalog::Interval>>> {
    let mut succeeded: BTreeMap<String, Vec<catalog::Interval>> = BTreeMap::new();
    let awaited: Vec<catalog::Interval> = states.iter().filter_map(|state| awaited_days(now, state)).collect();
    let (from, to) = (awaited.iter().map(|days| days.from).min(), awaited.iter().map(|days| days.to).max());
    let Some((from, to)) = from.zip(to) else { return Ok(succeeded) };
    let jobs: BTreeSet<&str> = states.iter().flat_map(|state| &state.schedule.after).map(String::as_str).collect();
    let count = jobs.len();
    let sql = format!(
        "select distinct job, interval_start, interval_end from run
         where job in {} and state = 'succeeded' and interval_end > ${} and interval_start < ${}
         order by interval_start, interval_end, job limit ${}",
        placeholders(1, count, ""),
        count + 1,
        count + 2,
        count + 3
    );
    let select = jobs.into_iter().fold(query(AssertSqlSafe(sql)), |select, job| select.bind(job));
    let days = Interval::from(catalog::Interval { from, to });
    let select = select.bind(micros(days.start)).bind(micros(days.end)).bind(INTERVALS_MAX);
    for row in session.rows(select).await? {
        let (start, end) = (row::instant(&row, "interval_start")?, row::instant(&row, "interval_end")?);
        let days = catalog::Interval { from: first_day(start), to: end.date_naive() };
        succeeded.entry(row::text(&row, "job")?).or_default().push(days);
    }
    Ok(succeeded)
}

/// The first day that is whole.
fn first_day(start: DateTime<Utc>) -> NaiveDate {
    match start.time() == NaiveTime::MIN {
        true => start.date_naive(),
        false => start.date_naive() + Days::new(1),
    }
}
