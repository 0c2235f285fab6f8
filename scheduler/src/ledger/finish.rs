//! How steps and runs end.

use chrono::{DateTime, Utc};
use sqlx::query;

use super::database::Session;
use super::instant::micros;
use super::run::run_columns;
use super::runs::{locked, running_run, storable};
use super::step::step_columns;
use super::steps::{close, one, unfit};
use super::submit::name;
use super::words::words;
use super::{Error, Fence, Ledger, Result, Run, RunId, RunState, Step, StepState, TableVersion, row};

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
    pub output: Option<TableVersion>,
    pub inputs: Vec<TableVersion>,
    pub reason: Option<String>,
}

impl StepEnd {
    /// An end without any figures.
    pub fn new(outcome: StepOutcome) -> Self {
        Self { outcome, rows: 0, bytes: 0, partitions: 0, output: None, inputs: Vec::new(), reason: None }
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
            StepState::Pending => end.outcome != StepOutcome::Succeeded,
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
        close(&mut session, &found, outcome, reason.as_deref(), now).await?;
        record_inputs(&mut session, &found, &end.inputs).await?;
        let ended = record(&mut session, &found, end, reason, now).await?;
        session.commit().await?;
        Ok(ended)
    }

    /// Ends a run. Steps that have not ended are skipped or, in a cancelled run, cancelled; their open attempts are
    /// cancelled. A run that ended in the same way is given back as it is. Without a reason, a cancelled run keeps the
    /// one that was given when it was asked for.
    ///
    /// # Errors
    /// `Conflict` if it does not run, or is said to have succeeded with steps that have not ended.
    pub async fn finish_run(
        &self,
        fence: &Fence,
        run: RunId,
        outcome: RunOutcome,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Run> {
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
        let finish =
            concat!("update run set state = $2, reason = $3, ended_at = $4 where id = $1 returning ", run_columns!());
        let finish = query(finish)
            .bind(run.to_string())
            .bind(outcome.as_str())
            .bind(reason.map(storable).or(asked_for))
            .bind(micros(now));
        let ended = session.row(finish).await?;
        let ended = Run::from_row(&ended.ok_or_else(|| Error::NotFound { what: format!("run {run}") })?)?;
        session.commit().await?;
        Ok(ended)
    }
}

fn check(end: &StepEnd) -> Result<()> {
    end.output.iter().chain(&end.inputs).try_for_each(|table| name("table", &table.table))
}

async fn record(
    session: &mut Session<'_>,
    step: &Step,
    end: &StepEnd,
    reason: Option<String>,
    now: DateTime<Utc>,
) -> Result<Step> {
    let update = concat!(
        "update step set state = $3, rows = $4, bytes = $5, partitions = $6, output_table = $7,
             output_version = $8, reason = $9, ended_at = $10
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
        .bind(end.output.as_ref().map(|output| output.table.clone()))
        .bind(end.output.as_ref().map(|output| row::signed(output.version)))
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
        "update step set state = $2, reason = coalesce(reason, $3), ended_at = $4
         where run_id = $1 and state in ('pending', 'running')",
    );
    session.execute(end.bind(run.to_string()).bind(state).bind(reason).bind(micros(now))).await?;
    Ok(())
}

async fn check_ended(session: &mut Session<'_>, run: RunId) -> Result<()> {
    let open = query("select name, state from step where run_id = $1 and state in ('pending', 'running') limit 1");
    let Some(open) = session.row(open.bind(run.to_string())).await? else { return Ok(()) };
    let problem = format!("step {:?} is {}", row::text(&open, "name")?, row::text(&open, "state")?);
    Err(Error::conflict(format!("run {run}"), format!("cannot have succeeded: {problem}")))
}
