//! Who leads, for how long, and the tokens that fence off whoever led before.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::query;

use super::database::Session;
use super::instant::micros;
use super::request::name;
use super::{Error, Ledger, Result, row};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lease {
    pub name: String,
    pub holder: String,
    /// Grows each time that the lease is taken anew.
    pub token: u64,
    pub expires_at: DateTime<Utc>,
}

/// Shown with each write that belongs to running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    pub name: String,
    pub token: u64,
}

impl Lease {
    pub fn fence(&self) -> Fence {
        Fence { name: self.name.clone(), token: self.token }
    }
}

impl Ledger {
    /// Takes the lease if nobody holds it or it has expired, and prolongs it if `holder` has it. None if another has
    /// it. A holder's name must be new with each start of a process.
    ///
    /// A lease that expired and that nobody took is prolonged with the token it had: nothing was written in between.
    pub async fn acquire_or_renew(
        &self,
        lease: &str,
        holder: &str,
        now: DateTime<Utc>,
        ttl: Duration,
    ) -> Result<Option<Lease>> {
        name("lease", lease)?;
        name("holder", holder)?;
        let expires_at = expiry(now, ttl)?;
        if let Some(renewed) = self.renew(lease, holder, expires_at).await? {
            return Ok(Some(renewed));
        }
        let mut session = self.database.begin().await?;
        let acquired = acquire(&mut session, lease, holder, now, expires_at).await?;
        session.commit().await?;
        Ok(acquired)
    }

    /// Gives the lease up, so that another can take it at once. Nothing can be written under its token any more.
    pub async fn release(&self, fence: &Fence) -> Result<()> {
        let mut session = self.database.begin().await?;
        session.lock(&lock_name(&fence.name)).await?;
        let release = query("update lease set holder = null where name = $1 and token = $2");
        session.execute(release.bind(fence.name.as_str()).bind(row::signed(fence.token))).await?;
        session.commit().await
    }

    /// Who holds it, even if it has expired.
    pub async fn lease(&self, lease: &str) -> Result<Option<Lease>> {
        let select = query("select name, holder, token, expires_at from lease where name = $1 and holder is not null");
        self.database.row(select.bind(lease)).await?.as_ref().map(Lease::from_row).transpose()
    }

    /// Changes no token, so it waits for nobody who writes under it.
    async fn renew(&self, lease: &str, holder: &str, expires_at: i64) -> Result<Option<Lease>> {
        let mut session = self.database.begin().await?;
        let renew = query(
            "update lease set expires_at = $3 where name = $1 and holder = $2
             returning name, holder, token, expires_at",
        );
        let renewed = session.row(renew.bind(lease).bind(holder).bind(expires_at)).await?;
        session.commit().await?;
        renewed.as_ref().map(Lease::from_row).transpose()
    }
}

impl Lease {
    fn from_row(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            name: row::text(row, "name")?,
            holder: row::text(row, "holder")?,
            token: row::count(row, "token")?,
            expires_at: row::instant(row, "expires_at")?,
        })
    }
}

pub(super) fn expiry(now: DateTime<Utc>, ttl: Duration) -> Result<i64> {
    let expires_at = TimeDelta::from_std(ttl).ok().and_then(|ttl| now.checked_add_signed(ttl));
    Ok(micros(expires_at.ok_or_else(|| Error::invalid("lease", "lasts too long"))?))
}

/// None if another has it.
pub(super) async fn acquire(
    session: &mut Session<'_>,
    lease: &str,
    holder: &str,
    now: DateTime<Utc>,
    expires_at: i64,
) -> Result<Option<Lease>> {
    // Waits until whoever writes under the old token has done so.
    session.lock(&lock_name(lease)).await?;
    let acquire = query(
        "insert into lease (name, holder, token, expires_at) values ($1, $2, 1, $4)
         on conflict (name) do update set
             holder = excluded.holder,
             token = case when lease.holder = excluded.holder then lease.token else lease.token + 1 end,
             expires_at = excluded.expires_at
         where lease.holder is null or lease.holder = excluded.holder or lease.expires_at <= $3
         returning name, holder, token, expires_at",
    );
    let acquire = acquire.bind(lease).bind(holder).bind(micros(now)).bind(expires_at);
    session.row(acquire).await?.as_ref().map(Lease::from_row).transpose()
}

/// Held shared by whoever writes under a token, and alone by whoever changes it.
pub(super) fn lock_name(lease: &str) -> String {
    format!("lease {lease}")
}
