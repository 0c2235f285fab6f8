//! Which schedules are paused, and which of their firings have become runs. When they fire is not decided here.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::query;

use super::instant::micros;
use super::submit::{Request, name};
use super::{Error, Fence, Ledger, NewRun, Result, Run, row};

/// A job whose schedule has neither fired nor been paused has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScheduleState {
    pub job: String,
    pub paused: bool,
    pub last_fire_at: Option<DateTime<Utc>>,
    /// Who paused or resumed it last, and when.
    pub changed_by: Option<String>,
    pub changed_at: Option<DateTime<Utc>>,
}

macro_rules! schedule_columns {
    () => {
        "job, paused, last_fire_at, changed_by, changed_at"
    };
}

impl Ledger {
    /// Queues the run of one firing, whatever the length of the queue. None if that firing has its run already, or if
    /// the schedule is paused. Each firing has one run however many schedulers ask.
    pub async fn fire(
        &self,
        fence: &Fence,
        job: &str,
        fire_at: DateTime<Utc>,
        new: NewRun,
        now: DateTime<Utc>,
    ) -> Result<Option<Run>> {
        name("job", job)?;
        if new.idempotency_key.is_some() {
            return Err(Error::invalid("idempotency_key", "a firing is unique by itself, expected none"));
        }
        let request = Request::new(new)?;
        let mut session = self.database.begin_fenced(fence).await?;
        // Writes before it reads, and so holds the row: nobody pauses, resumes or fires this schedule meanwhile.
        let touch = query(
            "insert into schedule (job, paused, last_fire_at) values ($1, 0, $2)
             on conflict (job) do update set last_fire_at =
                 case when schedule.last_fire_at > excluded.last_fire_at then schedule.last_fire_at
                      else excluded.last_fire_at end
             returning paused",
        );
        let touched = session.row(touch.bind(job).bind(micros(fire_at))).await?;
        if touched.map_or(Ok(false), |schedule| row::flag(&schedule, "paused"))? {
            return Ok(None);
        }
        let fired = query("select run_id from firing where job = $1 and fire_at = $2").bind(job).bind(micros(fire_at));
        if session.row(fired).await?.is_some() {
            return Ok(None);
        }
        let run = request.insert(&mut session, now).await?;
        let firing = query("insert into firing (job, fire_at, run_id) values ($1, $2, $3)");
        session.execute(firing.bind(job).bind(micros(fire_at)).bind(run.id.to_string())).await?;
        session.commit().await?;
        Ok(Some(run))
    }

    /// From then on nothing fires. Clients call it, so it needs no fence.
    pub async fn pause_schedule(&self, job: &str, by: &str, now: DateTime<Utc>) -> Result<ScheduleState> {
        self.change(job, true, by, now).await
    }

    /// `last_fire_at` tells which firings were missed.
    pub async fn resume_schedule(&self, job: &str, by: &str, now: DateTime<Utc>) -> Result<ScheduleState> {
        self.change(job, false, by, now).await
    }

    pub async fn schedule(&self, job: &str) -> Result<Option<ScheduleState>> {
        let select = concat!("select ", schedule_columns!(), " from schedule where job = $1");
        self.database.row(query(select).bind(job)).await?.as_ref().map(ScheduleState::from_row).transpose()
    }

    /// All of them, by job.
    pub async fn schedules(&self) -> Result<Vec<ScheduleState>> {
        let select = concat!("select ", schedule_columns!(), " from schedule order by job");
        self.database.rows(query(select)).await?.iter().map(ScheduleState::from_row).collect()
    }

    async fn change(&self, job: &str, paused: bool, by: &str, now: DateTime<Utc>) -> Result<ScheduleState> {
        name("job", job)?;
        name("changed_by", by)?;
        let mut session = self.database.begin().await?;
        let change = concat!(
            "insert into schedule (job, paused, changed_by, changed_at) values ($1, $2, $3, $4)
             on conflict (job) do update set
                 paused = excluded.paused, changed_by = excluded.changed_by, changed_at = excluded.changed_at
             returning ",
            schedule_columns!()
        );
        let changed = session.row(query(change).bind(job).bind(i64::from(paused)).bind(by).bind(micros(now))).await?;
        let changed = changed.ok_or_else(|| Error::NotFound { what: format!("schedule of job {job}") })?;
        session.commit().await?;
        ScheduleState::from_row(&changed)
    }
}

impl ScheduleState {
    fn from_row(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            job: row::text(row, "job")?,
            paused: row::flag(row, "paused")?,
            last_fire_at: row::optional_instant(row, "last_fire_at")?,
            changed_by: row::optional_text(row, "changed_by")?,
            changed_at: row::optional_instant(row, "changed_at")?,
        })
    }
}
