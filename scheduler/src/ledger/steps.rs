//! The steps of a running run: planned, started, and tried again. How they end is in `finish`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::query;

use super::database::Session;
use super::instant::{micros, stored};
use super::runs::{running_run, storable};
use super::step::{attempt_columns, step_columns};
use super::submit::name;
use super::{Attempt, Error, Fence, Ledger, PlannedStep, Result, RunId, Step, StepState, row};

impl Ledger {
    /// Gives a run its steps, and returns all that it has. Those that have ended stay as they are: a run that is
    /// taken over, or planned again, goes on behind them. Those that wait and are no longer planned are skipped.
    pub async fn plan_steps(
        &self,
        fence: &Fence,
        run: RunId,
        planned: &[PlannedStep],
        now: DateTime<Utc>,
    ) -> Result<Vec<Step>> {
        check(planned)?;
        let mut session = self.database.begin_fenced(fence).await?;
        running_run(&mut session, run).await?;
        let existing = all(&mut session, run).await?;
        for step in planned {
            insert(&mut session, run, step).await?;
        }
        for step in existing.iter().filter(|step| is_dropped(step, planned)) {
            skip(&mut session, step, now).await?;
        }
        let steps = all(&mut session, run).await?;
        session.commit().await?;
        Ok(steps)
    }

    /// Opens the next attempt of a step, or gives back the one that is open. A new leader calls `close_lost_attempts`
    /// first, so as not to be given its predecessor's.
    ///
    /// # Errors
    /// `Conflict` if the step has ended.
    pub async fn start_step(&self, fence: &Fence, run: RunId, step: &str, now: DateTime<Utc>) -> Result<Attempt> {
        let mut session = self.database.begin_fenced(fence).await?;
        running_run(&mut session, run).await?;
        let start = query(
            "update step set state = 'running', attempts = attempts + 1, started_at = coalesce(started_at, $3)
             where run_id = $1 and name = $2 and state = 'pending' returning attempts",
        );
        let start = start.bind(run.to_string()).bind(step).bind(micros(now));
        let attempt = match session.row(start).await? {
            Some(started) => open(&mut session, run, step, row::count(&started, "attempts")?, now).await?,
            None => opened(&mut session, run, step).await?,
        };
        session.commit().await?;
        Ok(attempt)
    }

    /// Ends an attempt that failed of a step that is to be tried again.
    ///
    /// # Errors
    /// `Conflict` if the step is not running.
    pub async fn fail_attempt(
        &self,
        fence: &Fence,
        run: RunId,
        step: &str,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<Step> {
        let mut session = self.database.begin_fenced(fence).await?;
        running_run(&mut session, run).await?;
        let reason = storable(reason);
        let reset = concat!(
            "update step set state = 'pending', reason = $3 where run_id = $1 and name = $2 and state = 'running'
             returning ",
            step_columns!()
        );
        let reset = query(reset).bind(run.to_string()).bind(step).bind(reason.as_str());
        let failed = match session.row(reset).await? {
            Some(row) => Step::from_row(&row)?,
            None => return Err(unfit(&one(&mut session, run, step).await?, "running")),
        };
        close(&mut session, &failed, "failed", Some(&reason), now).await?;
        session.commit().await?;
        Ok(failed)
    }
}

pub(super) async fn one(session: &mut Session<'_>, run: RunId, step: &str) -> Result<Step> {
    let select = concat!("select ", step_columns!(), " from step where run_id = $1 and name = $2");
    match session.row(query(select).bind(run.to_string()).bind(step)).await? {
        Some(row) => Step::from_row(&row),
        None => Err(Error::NotFound { what: format!("step {step:?} of run {run}") }),
    }
}

pub(super) async fn close(
    session: &mut Session<'_>,
    step: &Step,
    outcome: &'static str,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let close = query(
        "update attempt set ended_at = $3, outcome = $4, reason = $5
         where run_id = $1 and step_name = $2 and ended_at is null",
    );
    let close = close.bind(step.run.to_string()).bind(step.name.as_str()).bind(micros(now)).bind(outcome);
    session.execute(close.bind(reason.map(str::to_owned))).await?;
    Ok(())
}

pub(super) fn unfit(step: &Step, expected: &str) -> Error {
    let what = format!("step {:?} of run {}", step.name, step.run);
    Error::conflict(what, format!("expected a step that is {expected}, it is {}", step.state))
}

async fn all(session: &mut Session<'_>, run: RunId) -> Result<Vec<Step>> {
    let select = concat!("select ", step_columns!(), " from step where run_id = $1 order by position, name");
    session.rows(query(select).bind(run.to_string())).await?.iter().map(Step::from_row).collect()
}

async fn insert(session: &mut Session<'_>, run: RunId, step: &PlannedStep) -> Result<()> {
    let insert = query(
        "insert into step (run_id, name, position, state, attempts, rows, bytes, partitions)
         values ($1, $2, $3, 'pending', 0, 0, 0, 0)
         on conflict (run_id, name) do update set position = excluded.position",
    );
    let insert = insert.bind(run.to_string()).bind(step.name.as_str()).bind(i64::from(step.position));
    session.execute(insert).await?;
    Ok(())
}

async fn skip(session: &mut Session<'_>, step: &Step, now: DateTime<Utc>) -> Result<()> {
    let skip = query(
        "update step set state = 'skipped', reason = 'no longer planned', ended_at = $3
         where run_id = $1 and name = $2",
    );
    session.execute(skip.bind(step.run.to_string()).bind(step.name.as_str()).bind(micros(now))).await?;
    Ok(())
}

async fn open(session: &mut Session<'_>, run: RunId, step: &str, number: u64, now: DateTime<Utc>) -> Result<Attempt> {
    let insert = query("insert into attempt (run_id, step_name, number, started_at) values ($1, $2, $3, $4)");
    let insert = insert.bind(run.to_string()).bind(step).bind(row::signed(number)).bind(micros(now));
    session.execute(insert).await?;
    let started_at = stored(now);
    Ok(Attempt { run, step: step.to_owned(), number, started_at, ended_at: None, outcome: None, reason: None })
}

async fn opened(session: &mut Session<'_>, run: RunId, step: &str) -> Result<Attempt> {
    let select = concat!(
        "select ",
        attempt_columns!(),
        " from attempt where run_id = $1 and step_name = $2 and ended_at is null"
    );
    match session.row(query(select).bind(run.to_string()).bind(step)).await? {
        Some(row) => Attempt::from_row(&row),
        None => Err(unfit(&one(session, run, step).await?, "pending")),
    }
}

fn check(planned: &[PlannedStep]) -> Result<()> {
    let mut names = BTreeSet::new();
    for step in planned {
        name("step", &step.name)?;
        if !names.insert(&step.name) {
            return Err(Error::invalid(format!("step {:?}", step.name), "planned twice in one run"));
        }
    }
    Ok(())
}

fn is_dropped(step: &Step, planned: &[PlannedStep]) -> bool {
    step.state == StepState::Pending && !planned.iter().any(|other| other.name == step.name)
}
