//! The steps of a running run: planned, started, and tried again. How they end is in `finish`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::query;

use super::database::Session;
use super::instant::{micros, stored};
use super::request::{json, name};
use super::runs::{changed, running_run, storable};
use super::step::{attempt_columns, step_columns};
use super::{Attempt, Error, FailureKind, Fence, Ledger, PlannedStep, Result, RunId, Step, StepState, row};

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
        if steps != existing {
            changed(&mut session, run).await?;
        }
        session.commit().await?;
        Ok(steps)
    }

    /// Opens the next attempt of a step, or gives back the one that this instance of the scheduler has open. A new
    /// leader calls `close_lost_attempts` first.
    ///
    /// # Errors
    /// `Conflict` if the step has ended, or another instance has an attempt open.
    pub async fn start_step(
        &self,
        fence: &Fence,
        run: RunId,
        step: &str,
        instance: &str,
        now: DateTime<Utc>,
    ) -> Result<Attempt> {
        name("instance", instance)?;
        let mut session = self.database.begin_fenced(fence).await?;
        running_run(&mut session, run).await?;
        let start = query(
            "update step set
                 state = 'running', attempts = attempts + 1, started_at = coalesce(started_at, $3),
                 failure = null, reason = null
             where run_id = $1 and name = $2 and state in ('pending', 'backing_off') returning attempts",
        );
        let start = start.bind(run.to_string()).bind(step).bind(micros(now));
        let attempt = match session.row(start).await? {
            Some(started) => {
                changed(&mut session, run).await?;
                open(&mut session, run, step, row::count(&started, "attempts")?, instance, now).await?
            }
            None => opened(&mut session, run, step, instance).await?,
        };
        session.commit().await?;
        Ok(attempt)
    }

    /// Ends an attempt that failed of a step that is to be tried again. A step that backs off after the same failure,
    /// for the same reason, is given back as it is.
    ///
    /// # Errors
    /// `Conflict` if the step is not running.
    pub async fn fail_attempt(
        &self,
        fence: &Fence,
        run: RunId,
        step: &str,
        failure: FailureKind,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<Step> {
        let mut session = self.database.begin_fenced(fence).await?;
        running_run(&mut session, run).await?;
        let reason = storable(reason);
        let reset = concat!(
            "update step set state = 'backing_off', failure = $3, reason = $4
             where run_id = $1 and name = $2 and state = 'running' returning ",
            step_columns!()
        );
        let reset = query(reset).bind(run.to_string()).bind(step).bind(failure.as_str()).bind(reason.as_str());
        let failed = match session.row(reset).await? {
            Some(row) => Step::from_row(&row)?,
            None => return backing_off(one(&mut session, run, step).await?, failure, &reason),
        };
        close(&mut session, &failed, "failed", Some(failure), Some(&reason), now).await?;
        changed(&mut session, run).await?;
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
    failure: Option<FailureKind>,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let close = query(
        "update attempt set ended_at = $3, outcome = $4, failure = $5, reason = $6
         where run_id = $1 and step_name = $2 and ended_at is null",
    );
    let close = close.bind(step.run.to_string()).bind(step.name.as_str()).bind(micros(now)).bind(outcome);
    session.execute(close.bind(failure.map(FailureKind::as_str)).bind(reason)).await?;
    Ok(())
}

fn backing_off(step: Step, failure: FailureKind, reason: &str) -> Result<Step> {
    let is_repeated = step.failure == Some(failure) && step.reason.as_deref() == Some(reason);
    match step.state {
        StepState::BackingOff if is_repeated => Ok(step),
        _ => Err(unfit(&step, "running")),
    }
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
        "insert into step
             (run_id, name, position, kind, after_steps, state, attempts, rows, bytes, partitions, files, verified)
         values ($1, $2, $3, $4, $5, 'pending', 0, 0, 0, 0, 0, 0)
         on conflict (run_id, name) do update set
             position = excluded.position, kind = excluded.kind, after_steps = excluded.after_steps",
    );
    let insert = insert.bind(run.to_string()).bind(step.name.as_str()).bind(i64::from(step.position));
    session.execute(insert.bind(step.kind.as_str()).bind(json(&step.after)?)).await?;
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

async fn open(
    session: &mut Session<'_>,
    run: RunId,
    step: &str,
    number: u64,
    instance: &str,
    now: DateTime<Utc>,
) -> Result<Attempt> {
    let insert =
        query("insert into attempt (run_id, step_name, number, instance, started_at) values ($1, $2, $3, $4, $5)");
    let insert = insert.bind(run.to_string()).bind(step).bind(row::signed(number)).bind(instance).bind(micros(now));
    session.execute(insert).await?;
    Ok(Attempt {
        run,
        step: step.to_owned(),
        number,
        instance: instance.to_owned(),
        started_at: stored(now),
        ended_at: None,
        outcome: None,
        failure: None,
        reason: None,
    })
}

async fn opened(session: &mut Session<'_>, run: RunId, step: &str, instance: &str) -> Result<Attempt> {
    let select = concat!(
        "select ",
        attempt_columns!(),
        " from attempt where run_id = $1 and step_name = $2 and instance = $3 and ended_at is null"
    );
    match session.row(query(select).bind(run.to_string()).bind(step).bind(instance)).await? {
        Some(row) => Attempt::from_row(&row),
        None => Err(unfit(&one(session, run, step).await?, "pending, or run by this instance")),
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
    matches!(step.state, StepState::Pending | StepState::BackingOff)
        && !planned.iter().any(|other| other.name == step.name)
}
