//! Whether failures of systems come more or less often, and when they came.

use fleet_jobs::Result;
use serde::Deserialize;

use super::{Gathered, Reader};

const TRENDS: &str = "\
select
    trend.scope,
    trend.tail,
    trend.ata,
    tree.title,
    trend.failures,
    trend.hours,
    trend.beta,
    trend.beta_lower,
    trend.beta_upper,
    trend.lambda,
    trend.mtbf_instantaneous_hours,
    trend.laplace_p,
    trend.mil_hdbk_189_p,
    trend.trend
from reliability.repair_trend as trend
left join staging.stg_system_tree as tree on tree.ata = trend.ata
where trend.as_of = $as_of
order by trend.scope, trend.ata, trend.tail";

/// The chapters that are drawn: those with a trend first, then those with most failures.
const FAILURES: &str = "\
with drawn as (
    select ata
    from reliability.repair_trend
    where as_of = $as_of
        and scope = 'fleet'
        and beta is not null
    order by
        case trend when 'deteriorating' then 0 when 'improving' then 1 else 2 end,
        failures desc,
        ata
    limit 6
)
select
    split_part(removals.ata, '-', 1) as ata,
    removals.tail,
    removals.tail_hours
from reliability.int_removal as removals
inner join drawn on drawn.ata = split_part(removals.ata, '-', 1)
where removals.ended_by = 'FAILURE'
    and removals.tail is not null
    and removals.tail_hours is not null
    and removals.occurred_at < cast($as_of as timestamp)
order by ata, tail, tail_hours";

const HOURS: &str = "\
select
    tail,
    sum(flight_hours) as hours
from staging.stg_utilization
where _day < $as_of
group by tail
having sum(flight_hours) > 0
order by tail";

#[derive(Clone, Debug, Deserialize)]
pub struct Trend {
    pub scope: String,
    pub tail: Option<String>,
    pub ata: String,
    pub title: Option<String>,
    pub failures: i64,
    pub hours: f64,
    pub beta: Option<f64>,
    pub beta_lower: Option<f64>,
    pub beta_upper: Option<f64>,
    pub lambda: Option<f64>,
    pub mtbf_instantaneous_hours: Option<f64>,
    pub laplace_p: Option<f64>,
    pub mil_hdbk_189_p: Option<f64>,
    pub trend: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Failure {
    pub ata: String,
    pub tail: String,
    pub tail_hours: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct TailHours {
    pub tail: String,
    pub hours: f64,
}

pub struct Trends {
    pub trends: Gathered<Trend>,
    pub failures: Gathered<Failure>,
    pub hours: Gathered<TailHours>,
}

pub async fn gather(reader: &Reader<'_>) -> Result<Trends> {
    Ok(Trends {
        trends: reader.rows("trends", TRENDS).await?,
        failures: reader.rows("failures by age", FAILURES).await?,
        hours: reader.rows("hours of aircraft", HOURS).await?,
    })
}
