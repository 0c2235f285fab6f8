//! Which schedules are enabled since when, and which are paused. What they fire is recorded in `firing`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::query;

use super::database::Session;
use super::instant::micros;
use super::request::name;
use super::runs::storable;
use super::{Error, Ledger, Result, row};

/// A job whose schedule no scheduler has seen, and that was never paused, has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScheduleState {
    pub job: String,
    /// Nothing up to then is fired: when the schedule was first seen, was changed, or resumed.
    pub enabled_since: DateTime<Utc>,
    /// The latest firing recorded, whatever became of it.
    pub last_fire_at: Option<DateTime<Utc>>,
    pub paused: bool,
    pub paused_by: Option<String>,
    pub paused_at: Option<DateTime<Utc>>,
    pub pause_reason: Option<String>,
}

macro_rules! schedule_columns {
    () => {
        "job, enabled_since, last_fire_at, paused_by, paused_at, pause_reason"
    };
}

impl Ledger {
    /// From then on nothing fires. Of a schedule that is paused already, only the reason changes, which may be empty.
    /// Clients call it, so it needs no fence.
    pub async fn pause_schedule(&self, job: &str, by: &str, reason: &str, now: DateTime<Utc>) -> Result<ScheduleState> {
        name("job", job)?;
        name("paused_by", by)?;
        let mut session = self.database.begin().await?;
        let pause = concat!(
            "insert into schedule (job, enabled_since, paused_by, paused_at, pause_reason) values ($1, $4, $2, $4, $3)
             on conflict (job) do update set
                 paused_by = coalesce(schedule.paused_by, excluded.paused_by),
                 paused_at = coalesce(schedule.paused_at, excluded.paused_at),
                 pause_reason = excluded.pause_reason
             returning ",
            schedule_columns!()
        );
        let reason = Some(storable(reason)).filter(|reason| !reason.is_empty());
        let paused = session.row(query(pause).bind(job).bind(by).bind(reason).bind(micros(now))).await?;
        let paused = paused.ok_or_else(|| Error::NotFound { what: format!("schedule of job {job}") })?;
        session.commit().await?;
        ScheduleState::from_row(&paused)
    }

    /// Lets it fire again what comes due from now on; firings that wait are skipped. One that is not paused is given
    /// back as it is. Clients call it, so it needs no fence.
    pub async fn resume_schedule(&self, job: &str, by: &str, now: DateTime<Utc>) -> Result<Option<ScheduleState>> {
        name("resumed_by", by)?;
        let mut session = self.database.begin().await?;
        let resume = concat!(
            "update schedule set enabled_since = $2, paused_by = null, paused_at = null, pause_reason = null
             where job = $1 and paused_at is not null returning ",
            schedule_columns!()
        );
        let Some(resumed) = session.row(query(resume).bind(job).bind(micros(now))).await? else {
            return self.schedule(job).await;
        };
        skip_waiting(&mut session, job, &format!("the schedule was paused, until {by} resumed it")).await?;
        session.commit().await?;
        ScheduleState::from_row(&resumed).map(Some)
    }

    pub async fn schedule(&self, job: &str) -> Result<Option<ScheduleState>> {
        let select = concat!("select ", schedule_columns!(), " from schedule where job = $1");
        self.database.row(query(select).bind(job)).await?.as_ref().map(ScheduleState::from_row).transpose()
    }
}

pub(super) async fn skip_waiting(session: &mut Session<'_>, job: &str, reason: &str) -> Result<()> {
    let skip =
        query("update firing set state = 'skipped', reason = $2, since = null where job = $1 and state = 'waiting'");
    session.execute(skip.bind(job).bind(reason)).await?;
    Ok(())
}

impl ScheduleState {
    fn from_row(row: &AnyRow) -> Result<Self> {
        let paused_at = row::optional_instant(row, "paused_at")?;
        Ok(Self {
            job: row::text(row, "job")?,
            enabled_since: row::instant(row, "enabled_since")?,
            last_fire_at: row::optional_instant(row, "last_fire_at")?,
            paused: paused_at.is_some(),
            paused_by: row::optional_text(row, "paused_by")?,
            paused_at,
            pause_reason: row::optional_text(row, "pause_reason")?,
        })
    }
}
