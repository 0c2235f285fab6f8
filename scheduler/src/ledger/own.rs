//! Runs that a process computes by itself. Each has a lease of its own, which that process keeps up while it lives: a
//! leader goes on with the run only when that has expired.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::query;

use super::database::Session;
use super::lease::{self, Lease};
use super::request::{self, Request};
use super::runs::start;
use super::{Error, Ledger, NewRun, Result, Run, RunId};

impl Ledger {
    /// Records a run that never waits: it runs from the beginning, under the lease that comes with it.
    pub async fn begin_own(&self, new: NewRun, now: DateTime<Utc>, ttl: Duration) -> Result<(Run, Lease)> {
        let expires_at = lease::expiry(now, ttl)?;
        let request = Request::new(new)?;
        let mut session = self.database.begin().await?;
        let run = request::insert_one(&mut session, request, now).await?.id;
        let (name, holder) = (lease_name(run), run.to_string());
        let lease = lease::acquire(&mut session, &name, &holder, now, expires_at).await?;
        let taken = || Error::conflict(format!("run {run}"), "another process has its lease");
        let (lease, run) = (lease.ok_or_else(taken)?, start(&mut session, run, now).await?);
        session.commit().await?;
        Ok((run, lease))
    }
}

/// From now on the process that had the run to itself writes nothing more of it. Comes before the run is locked, as it
/// does for that process.
pub(super) async fn disown(session: &mut Session<'_>, run: RunId) -> Result<()> {
    let name = lease_name(run);
    session.lock(&lease::lock_name(&name)).await?;
    session.execute(query("update lease set holder = null where name = $1").bind(name)).await?;
    Ok(())
}

fn lease_name(run: RunId) -> String {
    format!("run {run}")
}
