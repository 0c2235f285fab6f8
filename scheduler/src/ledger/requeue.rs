//! Taking a run up again that failed or was cancelled.

use sqlx::query;

use super::database::Session;
use super::queue_state::{QUEUE, QueueState};
use super::run::run_columns;
use super::runs::locked;
use super::{Error, Ledger, Result, Run, RunId, RunState};

impl Ledger {
    /// Queues a run again, under its id. Steps that neither succeeded nor were up to date are pending again; their
    /// attempts go on counting. `retries` is that of the run as the caller saw it: it tells a request that is repeated,
    /// which is given the queued run, from a further one. Clients call it, so it needs no fence.
    ///
    /// # Errors
    /// `Conflict` if it neither failed nor was cancelled, or was taken up by another request; `QueueFull` if
    /// `queue_limit` runs are waiting.
    pub async fn requeue(&self, id: RunId, retries: u32, queue_limit: u64) -> Result<Run> {
        let mut session = self.database.begin().await?;
        session.lock(QUEUE).await?;
        let found = locked(&mut session, id).await?;
        if found.state == RunState::Queued && found.retries == retries.saturating_add(1) {
            return Ok(found);
        }
        if !matches!(found.state, RunState::Failed | RunState::Cancelled) || found.retries != retries {
            let expected = format!("expected one that failed or was cancelled, and was retried {retries} times");
            let problem = format!("{expected}; it is {} and was retried {} times", found.state, found.retries);
            return Err(Error::conflict(format!("run {id}"), problem));
        }
        let before = QueueState::read(&mut session).await?;
        let queued = queue(&mut session, id).await?;
        let after = QueueState::read(&mut session).await?;
        before.admit(after.queued - before.queued, queue_limit)?;
        reset_steps(&mut session, id).await?;
        session.commit().await?;
        Ok(queued)
    }
}

async fn queue(session: &mut Session<'_>, id: RunId) -> Result<Run> {
    let queue = concat!(
        "update run set
             version = version + 1, state = 'queued', retries = retries + 1, cancel_requested = 0,
             cancelled_by = null, reason = null, failure = null, started_at = null, ended_at = null
         where id = $1 returning ",
        run_columns!()
    );
    let queued = session.row(query(queue).bind(id.to_string())).await?;
    Run::from_row(&queued.ok_or_else(|| Error::NotFound { what: format!("run {id}") })?)
}

async fn reset_steps(session: &mut Session<'_>, run: RunId) -> Result<()> {
    let forget = query(
        "delete from input where run_id = $1 and step_name in (
             select name from step where run_id = $1 and state not in ('succeeded', 'up_to_date'))",
    );
    session.execute(forget.bind(run.to_string())).await?;
    let reset = query(
        "update step set
             state = 'pending', rows = 0, bytes = 0, partitions = 0, files = 0, verified = 0, published_rows = null,
             output_table = null, output_version = null, failure = null, reason = null, ended_at = null
         where run_id = $1 and state not in ('succeeded', 'up_to_date')",
    );
    session.execute(reset.bind(run.to_string())).await?;
    Ok(())
}
