//! How many runs wait, are held back, and run; and whether one more may wait.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::query;

use super::database::Session;
use super::{Error, Ledger, Result, row};

/// Whoever adds runs on request holds it: keys and the queue's length are looked at before anything is inserted.
pub(super) const QUEUE: &str = "submit";

/// For each submitter and backfill.
const COUNTS: &str = "select run.submitted_by, backfill.parallelism,
                          sum(case run.state when 'queued' then 1 else 0 end) as queued,
                          sum(case run.state when 'running' then 1 else 0 end) as running
                      from run left join backfill on backfill.id = run.backfill
                      where run.state in ('queued', 'running')
                      group by run.submitted_by, run.backfill, backfill.parallelism";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QueueState {
    /// Runs that wait, but for those that are held back.
    pub queued: u64,
    /// Runs that wait for others of their backfill.
    pub held: u64,
    pub running: u64,
    /// Of those that wait and are not held back.
    pub queued_by_submitter: BTreeMap<String, u64>,
}

impl Ledger {
    pub async fn queue_state(&self) -> Result<QueueState> {
        QueueState::from_rows(&self.database.rows(query(COUNTS)).await?)
    }
}

impl QueueState {
    pub(super) async fn read(session: &mut Session<'_>) -> Result<Self> {
        Self::from_rows(&session.rows(query(COUNTS)).await?)
    }

    /// # Errors
    /// `QueueFull` if that many more do not fit.
    pub(super) fn admit(&self, more: u64, limit: u64) -> Result<()> {
        if more > 0 && self.queued.saturating_add(more) > limit {
            return Err(Error::QueueFull { limit, queued: self.queued });
        }
        Ok(())
    }

    fn from_rows(rows: &[AnyRow]) -> Result<Self> {
        let mut state = Self::default();
        for row in rows {
            let (all, running) = (row::count(row, "queued")?, row::count(row, "running")?);
            let parallelism = row::optional_count(row, "parallelism")?;
            let queued = parallelism.map_or(all, |parallelism| all.min(parallelism.saturating_sub(running)));
            state.queued += queued;
            state.held += all - queued;
            state.running += running;
            if queued > 0 {
                *state.queued_by_submitter.entry(row::text(row, "submitted_by")?).or_default() += queued;
            }
        }
        Ok(state)
    }
}
