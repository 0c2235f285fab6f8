//! Putting runs into the queue, each request once.

use chrono::{DateTime, Utc};

use super::queue_state::{QUEUE, QueueState};
use super::request::{self, Request};
use super::{Error, Ledger, NewRun, Origin, Result, Run};

#[derive(Clone, Debug, PartialEq)]
pub struct Submitted {
    pub run: Run,
    /// Whether it is the run of an earlier request with the same idempotency key.
    pub existing: bool,
}

impl Ledger {
    /// Queues a run, or finds the one that the same submitter queued with the same idempotency key.
    ///
    /// # Errors
    /// `Conflict` if that key came with another request; `QueueFull` if `queue_limit` runs are waiting; `Invalid` for
    /// runs of a schedule or a backfill, which have other ways in.
    pub async fn submit(&self, new: NewRun, queue_limit: u64, now: DateTime<Utc>) -> Result<Submitted> {
        if new.origin != Origin::Submitted {
            return Err(Error::invalid("origin", "expected a run that is submitted by itself"));
        }
        let request = Request::new(new)?;
        let mut session = self.database.begin().await?;
        session.lock(QUEUE).await?;
        if let Some(run) = request.find(&mut session).await? {
            return Ok(Submitted { run, existing: true });
        }
        QueueState::read(&mut session).await?.admit(1, queue_limit)?;
        let run = request::insert_one(&mut session, request, now).await?;
        session.commit().await?;
        Ok(Submitted { run, existing: false })
    }
}
