//! Units that come back, with the hours that they and their part flew.

use chrono::{DateTime, Utc};
use fleet_jobs::Result;
use fleet_jobs::run::Runner;
use serde::Deserialize;

use super::{Gathered, Reader};

/// A unit's hours are all those it was watched for, which is more than those of 12 months where it was watched longer:
/// that can only make its removals look more like chance.
const UNITS: &str = "\
with flown as (
    select
        part_number,
        serial,
        sum(duration_hours - entry_hours) as hours
    from reliability.int_life
    where as_of = $as_of
        and serial is not null
    group by part_number, serial
),
part_totals as (
    select
        part_number,
        sum(hours) as part_hours
    from flown
    group by part_number
),
part_removals as (
    select
        part_number,
        count(*) as part_removals
    from staging.stg_events
    where is_unscheduled_removal
        and _day >= $as_of - interval '12 months'
        and _day < $as_of
    group by part_number
)
select
    rogue.part_number,
    parts.description,
    rogue.serial,
    rogue.rule,
    rogue.removals_12m,
    rogue.nff_12m,
    rogue.tails,
    rogue.last_removed_at,
    flown.hours,
    part_totals.part_hours,
    part_removals.part_removals
from reliability.rogue_unit as rogue
left join flown on flown.part_number = rogue.part_number and flown.serial = rogue.serial
left join part_totals on part_totals.part_number = rogue.part_number
left join part_removals on part_removals.part_number = rogue.part_number
left join staging.stg_parts_catalog as parts on parts.part_number = rogue.part_number
where rogue.as_of = $as_of
order by rogue.removals_12m desc, rogue.nff_12m desc, rogue.part_number, rogue.serial";

const WATCHED: &str = "\
select count(distinct concat_ws(' ', part_number, serial)) as units
from reliability.int_life
where as_of = $as_of
    and serial is not null";

#[derive(Clone, Debug, Deserialize)]
pub struct Unit {
    pub part_number: String,
    pub description: Option<String>,
    pub serial: String,
    pub rule: String,
    pub removals_12m: i64,
    pub nff_12m: i64,
    pub tails: i64,
    pub last_removed_at: Option<DateTime<Utc>>,
    pub hours: Option<f64>,
    pub part_hours: Option<f64>,
    pub part_removals: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Watched {
    pub units: i64,
}

pub struct Units {
    pub units: Gathered<Unit>,
    pub watched: Gathered<Watched>,
    /// The rule: unscheduled removals, and removals without fault, of one unit in 12 months.
    pub removals: i64,
    pub nff: i64,
}

pub async fn gather(reader: &Reader<'_>, runner: &Runner) -> Result<Units> {
    let parameters = &runner.catalog.model(&"reliability.rogue_unit".parse()?)?.header.parameters;
    let parameter = |name: &str, default: f64| parameters.get(name).copied().unwrap_or(default) as i64;
    Ok(Units {
        units: reader.rows("units that come back", UNITS).await?,
        watched: reader.rows("units watched", WATCHED).await?,
        removals: parameter("removals", 3.0),
        nff: parameter("nff", 4.0),
    })
}
