//! What the figures rest on: files, quarantined rows, days without data, and what is not settled.

use chrono::NaiveDate;
use fleet_jobs::Result;
use serde::Deserialize;

use super::{Gathered, Reader};

/// A day's file is delivered the day after: the week's deliveries end with the Monday after it.
const SOURCES: &str = "\
select
    source,
    count(*) as files,
    sum(case when state = 'skipped' then 1 else 0 end) as skipped,
    sum(rows_in) as rows_in,
    sum(rows_kept) as rows_kept,
    sum(rows_replaced) as rows_replaced,
    sum(rows_quarantined) as rows_quarantined,
    sum(case when delivered_on > $week_start and delivered_on <= $as_of then rows_in else 0 end) as rows_in_week,
    sum(case when delivered_on > $week_start and delivered_on <= $as_of then rows_quarantined else 0 end) as quarantined_week,
    max(delivered_on) as last_delivered_on
from ledger.ingested_file
where delivered_on <= $as_of
    or delivered_on is null
group by source
order by source";

const REASONS: &str = "\
select
    source,
    reason,
    count(*) as rows,
    sum(case when delivered_on > $week_start and delivered_on <= $as_of then 1 else 0 end) as rows_week
from ledger.quarantine
where delivered_on <= $as_of
    or delivered_on is null
group by source, reason
order by rows desc, source, reason";

/// By the Monday of the week of delivery.
const WEEKS: &str = "\
select
    cast(date_trunc('week', delivered_on) as date) as monday,
    sum(rows_in) as rows_in,
    sum(rows_quarantined) as rows_quarantined
from ledger.ingested_file
where delivered_on >= $as_of - interval '84 days'
    and delivered_on < $as_of
group by 1
order by 1";

/// Of each day, the aircraft whose utilization is expected: those between their first and last day, and up to the end
/// of the week those that reported within four weeks of it.
const DAYS: &str = "\
with tails as (
    select
        tail,
        min(date) as first_day,
        case when max(date) >= $four_weeks_before then $last_day else max(date) end as last_day
    from staging.stg_utilization
    where date < $as_of
    group by tail
),
calendar as (
    select cast(unnest(generate_series($coverage_start, $last_day, interval '1 day')) as date) as date
),
expected as (
    select
        calendar.date,
        count(*) as expected
    from calendar
    inner join tails
        on calendar.date >= tails.first_day
        and calendar.date <= tails.last_day
    group by calendar.date
),
reported as (
    select
        date,
        count(distinct tail) as reported
    from staging.stg_utilization
    where date >= $coverage_start
        and date < $as_of
    group by date
),
flown as (
    select
        flight_date as date,
        count(*) as flights
    from staging.stg_flights
    where _day >= $coverage_start
        and _day < $as_of
    group by flight_date
)
select
    expected.date,
    expected.expected,
    coalesce(reported.reported, 0) as reported,
    coalesce(flown.flights, 0) as flights
from expected
left join reported on reported.date = expected.date
left join flown on flown.date = expected.date
order by expected.date";

const UNSETTLED: &str = "\
select
    count(*) as removals,
    coalesce(sum(case when shop_finding is null or shop_finding = 'PENDING' then 1 else 0 end), 0) as pending,
    coalesce(sum(case when parts.part_number is null then 1 else 0 end), 0) as uncatalogued
from staging.stg_events as events
left join staging.stg_parts_catalog as parts on parts.part_number = events.part_number
where events.is_unscheduled_removal
    and events._day >= $year_start
    and events._day < $month_after";

#[derive(Clone, Debug, Deserialize)]
pub struct SourceFiles {
    pub source: String,
    pub files: i64,
    pub skipped: i64,
    pub rows_in: i64,
    pub rows_kept: i64,
    pub rows_replaced: i64,
    pub rows_quarantined: i64,
    pub rows_in_week: i64,
    pub quarantined_week: i64,
    pub last_delivered_on: Option<NaiveDate>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Reason {
    pub source: String,
    pub reason: String,
    pub rows: i64,
    pub rows_week: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Delivered {
    pub monday: NaiveDate,
    pub rows_in: i64,
    pub rows_quarantined: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Day {
    pub date: NaiveDate,
    pub expected: i64,
    pub reported: i64,
    pub flights: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Unsettled {
    pub removals: i64,
    pub pending: i64,
    pub uncatalogued: i64,
}

pub struct Quality {
    pub sources: Gathered<SourceFiles>,
    pub reasons: Gathered<Reason>,
    pub weeks: Gathered<Delivered>,
    pub days: Gathered<Day>,
    pub unsettled: Gathered<Unsettled>,
}

pub async fn gather(reader: &Reader<'_>) -> Result<Quality> {
    Ok(Quality {
        sources: reader.rows("files by source", SOURCES).await?,
        reasons: reader.rows("quarantined rows", REASONS).await?,
        weeks: reader.rows("quarantined rows by week", WEEKS).await?,
        days: reader.rows("days reported", DAYS).await?,
        unsettled: reader.rows("unsettled removals", UNSETTLED).await?,
    })
}
