//! Dispatch reliability by month and aircraft, and the incidents behind it.

use chrono::NaiveDate;
use fleet_jobs::Result;
use serde::Deserialize;

use super::{Gathered, Reader};

const MONTHS: &str = "\
select
    month,
    scheduled_departures,
    technical_delays,
    technical_cancellations,
    diversions,
    air_turnbacks,
    dispatch_reliability_pct
from operations.dispatch_reliability
where tail is null
    and month >= $history_start
    and month <= $month
order by month";

const TAILS: &str = "\
select
    tail,
    sum(scheduled_departures) as scheduled_departures,
    sum(technical_delays) as technical_delays,
    sum(technical_cancellations) as technical_cancellations
from operations.dispatch_reliability
where tail is not null
    and month >= $quarter_start
    and month <= $month
group by tail
order by tail";

/// The merging is that of `operations.dispatch_reliability`, here with the chapter kept.
const CHAPTERS: &str = "\
with hits as (
    select
        tail,
        flight_date,
        is_technical_cancellation,
        case when is_technical_cancellation then cancellation_chapter else delay_chapter end as chapter,
        case when is_technical_delay and delay_chapter is null then flight_id end as unmerged
    from staging.stg_flights
    where (is_technical_delay or is_technical_cancellation)
        and _day < $as_of
),
incidents as (
    select
        flight_date,
        chapter,
        bool_or(is_technical_cancellation) as cancelled
    from hits
    where (flight_date >= $quarter_start and flight_date < $month_after)
        or flight_date >= $week_start
    group by tail, flight_date, chapter, unmerged
),
counted as (
    select
        chapter,
        sum(case when flight_date < $month_after and flight_date >= $quarter_start and not cancelled then 1 else 0 end) as delays_3m,
        sum(case when flight_date < $month_after and flight_date >= $quarter_start and cancelled then 1 else 0 end) as cancellations_3m,
        sum(case when flight_date >= $week_start and not cancelled then 1 else 0 end) as delays_week,
        sum(case when flight_date >= $week_start and cancelled then 1 else 0 end) as cancellations_week
    from incidents
    group by chapter
)
select
    counted.chapter,
    tree.title,
    counted.delays_3m,
    counted.cancellations_3m,
    counted.delays_week,
    counted.cancellations_week
from counted
left join staging.stg_system_tree as tree on tree.ata = counted.chapter
order by
    counted.delays_3m + counted.cancellations_3m desc,
    counted.chapter";

const WEEK: &str = "\
select count(*) as scheduled_departures
from staging.stg_flights
where _day >= $week_start
    and _day < $as_of";

/// Departures and the technical incidents among them.
#[derive(Clone, Debug, Deserialize)]
pub struct Departures {
    pub month: Option<NaiveDate>,
    pub tail: Option<String>,
    pub scheduled_departures: i64,
    pub technical_delays: i64,
    pub technical_cancellations: i64,
    pub diversions: Option<i64>,
    pub air_turnbacks: Option<i64>,
}

impl Departures {
    pub fn incidents(&self) -> i64 {
        self.technical_delays + self.technical_cancellations
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Chapter {
    /// None for delays whose chapter was not given.
    pub chapter: Option<String>,
    pub title: Option<String>,
    pub delays_3m: i64,
    pub cancellations_3m: i64,
    pub delays_week: i64,
    pub cancellations_week: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Scheduled {
    pub scheduled_departures: i64,
}

pub struct Dispatch {
    pub months: Gathered<Departures>,
    pub tails: Gathered<Departures>,
    pub chapters: Gathered<Chapter>,
    pub week: Gathered<Scheduled>,
}

pub async fn gather(reader: &Reader<'_>) -> Result<Dispatch> {
    Ok(Dispatch {
        months: reader.rows("dispatch reliability by month", MONTHS).await?,
        tails: reader.rows("dispatch reliability by aircraft", TAILS).await?,
        chapters: reader.rows("incidents by chapter", CHAPTERS).await?,
        week: reader.rows("departures of the week", WEEK).await?,
    })
}
