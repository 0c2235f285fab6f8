//! How steps and runs end.

use chrono::{DateTime, Utc};
use sqlx::query;

use super::database::Session;
use super::instant::micros;
use super::request::name;
use super::run::run_columns;
use super::runs::{changed, locked, running_run, storable};
use super::step::step_columns;
use super::steps::{close, one, unfit};
use super::words::words;
use super::{Error, FailureKind, Fence, Ledger, Result, Run, RunId, RunState, Step, StepState, TableVersion, row};

words! {
    StepOutcome {
        Succeeded => "succeeded",
        UpToDate => "up_to_date",
        Failed => "failed",
        Cancelled => "cancelled",
        Skipped => "skipped",
    }
}

words! {
    RunOutcome {
        Succeeded => "succeeded",
        Failed => "failed",
        Cancelled => "cancelled",
    }
}

/// What a step came to. `output` is the version that it wrote, or found up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepEnd {
    pub outcome: StepOutcome,
    pub rows: u64,
    pub bytes: u64,
    pub partitions: u64,
    pub files: u64,
    pub verified: bool,
    pub published_rows: Option<u64>,
    pub output: Option<TableVersion>,
    pub inputs: Vec<TableVersion>,
    /// Of a step that failed, and of no other.
    pub failure: Option<FailureKind>,
    pub reason: Option<String>,
}

impl StepEnd {
    /// An end without any figures. One of a step that failed is made by `failed`.
    pub fn new(outcome: StepOutcome) -> Self {
        Self {
            outcome,
            rows: 0,
            bytes: 0,
            partitions: 0,
            files: 0,
            verified: false,
            published_rows: None,
            output: None,
            inputs: Vec::new(),
            failure: None,
            reason: None,
        }
    }

    pub fn failed(failure: FailureKind, reason: impl Into<String>) -> Self {
        Self { failure: Some(failure), ..Self::new(StepOutcome::Failed) }.because(reason)
    }

    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

impl Ledger {
    /// Ends a step and the attempt that is open. A step that ended in the same way is given back as it is.
    ///
    /// # Errors
    /// `Conflict` if it ended in another way, or is said to have succeeded without having been started.
    pub async fn finish_step(
        &self,
        fence: &Fence,
        run: RunId,
        step: &str,
        end: &StepEnd,
        now: DateTime<Utc>,
    ) -> Result<Step> {
        check(end)?;
        let mut session = self.database.begin_fenced(fence).await?;
        running_run(&mut session, run).await?;
        let found = one(&mut session, run, step).await?;
        if found.state.as_str() == end.outcome.as_str() {
            return Ok(found);
        }
        let may_end = match found.state {
            StepState::Running => true,
            StepState::Pending | StepState::BackingOff => end.outcome != StepOutcome::Succeeded,
            _ => false,
        };
        if !may_end {
            return Err(unfit(&found, "running"));
        }
        let reason = end.reason.as_deref().map(storable);
        let outcome = match end.outcome {
            StepOutcome::Skipped => "cancelled",
            outcome => outcome.as_str(),
        };
        close(&mut session, &found, outcome, end.failure, reason.as_deref(), now).await?;
        record_inputs(&mut session, &found, &end.inputs).await?;
        let ended = record(&mut session, &found, end, reason, now).await?;
        changed(&mut session, run).await?;
        session.commit().await?;
        Ok(ended)
    }

    /// Ends a run. Steps that have not ended are skipped or, in a cancelled run, cancelled; their open attempts are
    /// cancelled. A run that ended in the same way is given back as it is. Without a reason, a cancelled run keeps the
    /// one that was given when it was asked for.
    ///
    /// # Errors
    /// `Conflict` if it does not run, or is said to have succeeded with steps that have not ended; `Invalid` if it
    /// failed without a kind of failure, or has one without having failed.
    pub async fn finish_run(
        &self,
        fence: &Fence,
        run: RunId,
        outcome: RunOutcome,
        failure: Option<FailureKind>,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Run> {
        check_failure(outcome == RunOutcome::Failed, failure)?;
        let mut session = self.database.begin_fenced(fence).await?;
        let found = locked(&mut session, run).await?;
        if found.state.as_str() == outcome.as_str() {
            return Ok(found);
        }
        if found.state != RunState::Running {
            let problem = format!("expected a run that is running, it is {}", found.state);
            return Err(Error::conflict(format!("run {run}"), problem));
        }
        end_steps(&mut session, run, outcome, now).await?;
        let asked_for = found.reason.filter(|_| outcome == RunOutcome::Cancelled);
        let finish = concat!(
            "update run set version = version + 1, state = $2, failure = $3, reason = $4, ended_at = $5
             where id = $1 returning ",
            run_columns!()
        );
        let finish = query(finish)
            .bind(run.to_string())
            .bind(outcome.as_str())
            .bind(failure.map(FailureKind::as_str))
            .bind(reason.map(storable).or(asked_for))
            .bind(micros(now));
        let ended = session.row(finish).await?;
        let ended = Run::from_row(&ended.ok_or_else(|| Error::NotFound { what: format!("run {run}") })?)?;
        session.commit().await?;
        Ok(ended)
    }
}

fn check(end: &StepEnd) -> Result<()> {
    check_failure(end.outcome == StepOutcome::Failed, end.failure)?;
    end.output.iter().chain(&end.inputs).try_for_each(|table| name("table", &table.table))
}

fn check_failure(has_failed: bool, failure: Option<FailureKind>) -> Result<()> {
    match (has_failed, failure) {
        (true, None) => Err(Error::invalid("failure", "expected what kind of failure it was")),
        (false, Some(failure)) => Err(Error::invalid("failure", format!("expected none, found {failure}"))),
        _ => Ok(()),
    }
}

async fn record(
    session: &mut Session<'_>,
    step: &Step,
    end: &StepEnd,
    reason: Option<String>,
    now: DateTime<Utc>,
) -> Result<Step> {
    let update = concat!(
        "update step set state = $3, rows = $4, bytes = $5, partitions = $6, files = $7, verified = $8,
             published_rows = $9, output_table = $10, output_version = $11, failure = $12, reason = $13,
             ended_at = $14
         where run_id = $1 and name = $2 returning ",
        step_columns!()
    );
    let update = query(update)
        .bind(step.run.to_string())
        .bind(step.name.as_str())
        .bind(end.outcome.as_str())
        .bind(row::signed(end.rows))
        .bind(row::signed(end.bytes))
        .bind(row::signed(end.partitions))
        .bind(row::signed(end.files))
        .bind(i64::from(end.verified))
        .bind(end.published_rows.map(row::signed))
        .bind(end.output.as_ref().map(|output| output.table.as_str()))
        .bind(end.output.as_ref().map(|output| row::signed(output.version)))
        .bind(end.failure.map(FailureKind::as_str))
        .bind(reason)
        .bind(micros(now));
    match session.row(update).await? {
        Some(row) => Step::from_row(&row),
        None => Err(Error::NotFound { what: format!("step {:?} of run {}", step.name, step.run) }),
    }
}

/// A table that is read twice counts once, with the later version.
async fn record_inputs(session: &mut Session<'_>, step: &Step, inputs: &[TableVersion]) -> Result<()> {
    for input in inputs {
        let insert = query(
            "insert into input (run_id, step_name, table_name, version) values ($1, $2, $3, $4)
             on conflict (run_id, step_name, table_name) do update set version = excluded.version
             where input.version < excluded.version",
        );
        let insert = insert.bind(step.run.to_string()).bind(step.name.as_str()).bind(input.table.as_str());
        session.execute(insert.bind(row::signed(input.version))).await?;
    }
    Ok(())
}

async fn end_steps(session: &mut Session<'_>, run: RunId, outcome: RunOutcome, now: DateTime<Utc>) -> Result<()> {
    let (state, reason) = match outcome {
        RunOutcome::Succeeded => return check_ended(session, run).await,
        RunOutcome::Failed => ("skipped", "the run failed"),
        RunOutcome::Cancelled => ("cancelled", "the run was cancelled"),
    };
    let close = query(
        "update attempt set ended_at = $2, outcome = 'cancelled', reason = $3
         where run_id = $1 and ended_at is null",
    );
    session.execute(close.bind(run.to_string()).bind(micros(now)).bind(reason)).await?;
    let end = query(
        "update step set state = $2, failure = null, reason = coalesce(reason, $3), ended_at = $4
         where run_id = $1 and state in ('pending', 'running', 'backing_off')",
    );
    session.execute(end.bind(run.to_string()).bind(state).bind(reason).bind(micros(now))).await?;
    Ok(())
}

async fn check_ended(session: &mut Session<'_>, run: RunId) -> Result<()> {
    let open = query(
        "select name, state from step
         where run_id = $1 and state in ('pending', 'running', 'backing_off') order by position, name limit 1",
    );
    let Some(open) = session.row(open.bind(run.to_string())).await? else { return Ok(()) };
    let problem = format!("step {:?} is {}", row::text(&open, "name")?, row::text(&open, "state")?);
    Err(Error::conflict(format!("run {run}"), format!("cannot have succeeded: {problem}")))
}
