//! What the fleet flew: in the week, and by month, with the days that were reported.

use chrono::NaiveDate;
use fleet_jobs::Result;
use serde::Deserialize;

use super::{Gathered, Reader};

const WEEK: &str = "\
select
    count(distinct date) as days,
    count(distinct tail) as tails,
    coalesce(sum(flight_hours), 0.0) as flight_hours,
    coalesce(sum(flight_cycles), 0) as flight_cycles
from staging.stg_utilization
where date >= $week_start
    and date < $as_of";

const MONTHS: &str = "\
select
    month,
    count(distinct date) as days,
    count(distinct tail) as tails,
    coalesce(sum(flight_hours), 0.0) as flight_hours
from staging.stg_utilization
where date < $as_of
group by month
order by month";

#[derive(Clone, Debug, Deserialize)]
pub struct Flown {
    pub days: i64,
    pub tails: i64,
    pub flight_hours: f64,
    pub flight_cycles: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Month {
    pub month: NaiveDate,
    /// Days of the month with utilization of at least one aircraft.
    pub days: i64,
    pub tails: i64,
    pub flight_hours: f64,
}

pub struct Scope {
    pub week: Gathered<Flown>,
    pub months: Gathered<Month>,
}

pub async fn gather(reader: &Reader<'_>) -> Result<Scope> {
    Ok(Scope {
        week: reader.rows("the week's flying", WEEK).await?,
        months: reader.rows("months flown", MONTHS).await?,
    })
}
