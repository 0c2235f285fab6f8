//! The durable memory of the job service: runs, their steps and attempts, what they read and wrote, who leads, and
//! which schedules have fired. SQLite embedded, PostgreSQL in a cluster, chosen by URL.
//!
//! It records and never decides: it reads no clock, retries nothing and runs nothing. What a schedule is to do is
//! decided by `schedule`, inside the transaction that records it. Every operation is one transaction, given the time by
//! its caller.
//!
//! **Invariant:** whatever belongs to running is written under a `Fence`, which is checked in the same transaction:
//! a scheduler that has lost its lease writes nothing.
//!
//! **Invariant:** an operation that is repeated because its answer was lost does not do its work twice, and gives the
//! same answer. Of `submit` and `backfill` that holds only with an idempotency key; `close_lost_attempts` and
//! `record_firings` tell only what they did this time.
//!
//! **Invariant:** the version of a run grows by one with each write that changes the run, or a step or an attempt of
//! it.

mod backfill;
mod belonging;
mod database;
mod error;
mod failure;
mod finish;
mod firing;
mod id;
mod instant;
mod job_state;
mod key;
mod lease;
mod lineage;
mod list;
mod own;
mod parameters;
mod place;
mod queue;
mod queue_state;
mod read;
mod request;
mod requeue;
mod row;
mod run;
mod runs;
mod schedule;
mod schema;
mod step;
mod steps;
mod submit;
mod tally;
#[cfg(test)]
mod tests;
mod words;

pub use self::backfill::{Backfilled, NewBackfill};
pub use self::error::{Error, Result};
pub use self::failure::FailureKind;
pub use self::finish::{RunOutcome, StepEnd, StepOutcome};
pub use self::firing::{FiringNote, FiringState, Recorded};
pub use self::id::{BackfillId, RunId};
pub use self::job_state::JobDefinition;
pub use self::lease::{Fence, Lease};
pub use self::lineage::Production;
pub use self::list::{Page, PageToken, RunFilter};
pub use self::queue::{Limits, QueueEntry, choose};
pub use self::queue_state::QueueState;
pub use self::read::WholeRun;
pub use self::run::{Interval, NewRun, Origin, Run, RunState};
pub use self::schedule::ScheduleState;
pub use self::step::{Attempt, AttemptOutcome, PlannedStep, Step, StepKind, StepState, TableVersion};
pub use self::submit::Submitted;
pub use self::tally::Tally;

use prometheus::HistogramVec;

use self::database::Database;

/// A handle, cheap to clone: all clones share the same connections.
#[derive(Clone, Debug)]
pub struct Ledger {
    database: Database,
}

impl Ledger {
    /// Connects, and creates or updates the tables. `url` is `sqlite:///PATH`, `sqlite::memory:` or
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, whose tables are in the schema `fleet_ledger`.
    ///
    /// # Errors
    /// `Invalid` for a URL, a password, a file or a schema version that will not do; `Unavailable` for a server that
    /// does not answer. Neither repeats the password.
    pub async fn open(url: &str) -> Result<Self> {
        let place = place::parse(url)?;
        schema::prepare(&place).await?;
        let database = Database::connect(place).await?;
        Ok(Self { database })
    }

    /// Tells `seconds` what each query and each transaction takes, labelled `read` or `write`.
    pub fn measured(mut self, seconds: HistogramVec) -> Self {
        self.database.seconds = Some(seconds);
        self
    }

    /// Waits for what is under way, then closes all connections. Every later operation is `Unavailable`.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Whether the tables can be read, for a health check.
    pub async fn ping(&self) -> Result<()> {
        self.database.row(sqlx::query("select count(*) from lease")).await.map(|_| ())
    }

    /// Whether several processes may share it.
    pub fn is_shared(&self) -> bool {
        self.database.is_shared()
    }

    /// Where the ledger is, without user and password.
    pub fn place(&self) -> &str {
        self.database.place()
    }
}
