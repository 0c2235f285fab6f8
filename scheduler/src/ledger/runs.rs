//! A run's way from the queue to running, what becomes of it if its scheduler dies, and the wish to cancel it. How it
//! ends is in `finish`.

use chrono::{DateTime, Utc};
use sqlx::query;

use super::database::Session;
use super::instant::micros;
use super::own::disown;
use super::request::name;
use super::run::{priority, run_columns};
use super::{Error, Fence, Ledger, QueueEntry, Result, Run, RunId, RunState, row};

/// Beyond it, an error message is cut off.
const REASON_CHARACTERS_MAX: usize = 4_000;

impl Ledger {
    /// All queued runs, in no order that matters: `choose` orders them.
    pub async fn queued(&self) -> Result<Vec<QueueEntry>> {
        let queued = "select run.id, run.job, run.submitted_by, run.priority, run.submitted_at, run.backfill,
                          backfill.parallelism
                      from run left join backfill on backfill.id = run.backfill
                      where run.state = 'queued'";
        let rows = self.database.rows(query(queued)).await?;
        let entry = |row| {
            Ok(QueueEntry {
                id: row::text(row, "id")?.parse()?,
                job: row::optional_text(row, "job")?,
                submitted_by: row::text(row, "submitted_by")?,
                priority: priority(row)?,
                submitted_at: row::instant(row, "submitted_at")?,
                backfill: row::optional_text(row, "backfill")?.map(|id| id.parse()).transpose()?,
                parallelism: row::optional_small(row, "parallelism")?,
            })
        };
        rows.iter().map(entry).collect()
    }

    /// The runs that are the leader's to go on with, the one submitted first at the front: all that run, but for those
    /// that a process has to itself (`begin_own`).
    pub async fn running(&self, now: DateTime<Utc>) -> Result<Vec<Run>> {
        let running = concat!(
            "select ",
            run_columns!(),
            " from run
             where state = 'running' and not exists (
                 select 1 from lease
                 where lease.name = 'run ' || run.id and lease.holder is not null and lease.expires_at > $1
             )
             order by submitted_at, id"
        );
        self.database.rows(query(running).bind(micros(now))).await?.iter().map(Run::from_row).collect()
    }

    /// Takes a run out of the queue. One that runs already is given back as it is.
    ///
    /// # Errors
    /// `Conflict` if it has ended, as one does that was cancelled while it waited.
    pub async fn start_run(&self, fence: &Fence, id: RunId, now: DateTime<Utc>) -> Result<Run> {
        let mut session = self.database.begin_fenced(fence).await?;
        let run = start(&mut session, id, now).await?;
        session.commit().await?;
        Ok(run)
    }

    /// Cancels a run that waits, and asks for one that runs to be cancelled: its leader sees `cancel_requested`. One
    /// that has ended, or that someone asked for before, is given back as it is. `reason` may be empty. Clients call
    /// it, so it needs no fence.
    pub async fn request_cancel(&self, id: RunId, by: &str, reason: &str, now: DateTime<Utc>) -> Result<Run> {
        name("cancelled_by", by)?;
        let mut session = self.database.begin().await?;
        let run = match cancel(&mut session, id, by, reason, now).await? {
            Some(run) => run,
            None => locked(&mut session, id).await?,
        };
        session.commit().await?;
        Ok(run)
    }

    /// Before a leader goes on with a run: the attempts that were under way are over, and all steps that did not succeed can be
    /// started again, also those that failed. Returns how many attempts there were.
    pub async fn close_lost_attempts(&self, fence: &Fence, run: RunId, now: DateTime<Utc>) -> Result<u64> {
        let mut session = self.database.begin_fenced(fence).await?;
        disown(&mut session, run).await?;
        running_run(&mut session, run).await?;
        let close = query(
            "update attempt set ended_at = $2, outcome = 'lost', failure = 'leader', reason = 'the scheduler stopped'
             where run_id = $1 and ended_at is null",
        );
        let closed = session.execute(close.bind(run.to_string()).bind(micros(now))).await?;
        let reset = query(
            "update step set state = 'pending', failure = null, reason = null, ended_at = null
             where run_id = $1 and state in ('running', 'failed', 'cancelled', 'skipped')",
        );
        let reset = session.execute(reset.bind(run.to_string())).await?;
        if closed + reset > 0 {
            changed(&mut session, run).await?;
        }
        session.commit().await?;
        Ok(closed)
    }
}

pub(super) async fn start(session: &mut Session<'_>, id: RunId, now: DateTime<Utc>) -> Result<Run> {
    let start = concat!(
        "update run set version = version + 1, state = 'running', started_at = $2
         where id = $1 and state = 'queued' returning ",
        run_columns!()
    );
    match session.row(query(start).bind(id.to_string()).bind(micros(now))).await? {
        Some(row) => Run::from_row(&row),
        None => running_run(session, id).await,
    }
}

/// The run, which nobody else changes until the transaction ends.
pub(super) async fn locked(session: &mut Session<'_>, id: RunId) -> Result<Run> {
    let select = session.dialect().for_update(concat!("select ", run_columns!(), " from run where id = $1"));
    match session.row(query(select).bind(id.to_string())).await? {
        Some(row) => Run::from_row(&row),
        None => Err(Error::NotFound { what: format!("run {id}") }),
    }
}

pub(super) async fn running_run(session: &mut Session<'_>, id: RunId) -> Result<Run> {
    let run = locked(session, id).await?;
    match run.state {
        RunState::Running => Ok(run),
        state => Err(Error::conflict(format!("run {id}"), format!("expected a run that is running, it is {state}"))),
    }
}

/// Counts a change of one of the run's steps.
pub(super) async fn changed(session: &mut Session<'_>, id: RunId) -> Result<()> {
    let count = query("update run set version = version + 1 where id = $1");
    session.execute(count.bind(id.to_string())).await?;
    Ok(())
}

/// None if it has ended, if someone asked before, or if there is no such run.
pub(super) async fn cancel(
    session: &mut Session<'_>,
    id: RunId,
    by: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Option<Run>> {
    let cancel = concat!(
        "update run set
             version = version + 1,
             cancel_requested = 1,
             cancelled_by = $2,
             reason = $3,
             ended_at = case when state = 'queued' then $4 else ended_at end,
             state = case when state = 'queued' then 'cancelled' else state end
         where id = $1 and state in ('queued', 'running') and cancel_requested = 0
         returning ",
        run_columns!()
    );
    let reason = Some(storable(reason)).filter(|reason| !reason.is_empty());
    let cancel = query(cancel).bind(id.to_string()).bind(by).bind(reason).bind(micros(now));
    session.row(cancel).await?.as_ref().map(Run::from_row).transpose()
}

/// PostgreSQL's texts cannot hold a zero byte, and an error's text may be of any length.
pub(super) fn storable(reason: &str) -> String {
    reason.chars().take(REASON_CHARACTERS_MAX).map(|it| if it == '\0' { '\u{fffd}' } else { it }).collect()
}
