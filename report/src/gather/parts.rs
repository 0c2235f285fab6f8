//! Removals of parts, and what was guaranteed for them.

use fleet_jobs::Result;
use serde::Deserialize;

use super::{Gathered, Reader};

const PARTS: &str = "\
select
    component.part_number,
    parts.description,
    parts.chapter,
    parts.quantity_per_aircraft,
    parts.mtbur_guaranteed_hours,
    component.months_12m,
    component.unit_hours_12m,
    component.unscheduled_removals,
    component.unscheduled_removals_12m,
    component.confirmed_failures_12m,
    component.nff_12m,
    component.mtbur_hours_12m,
    component.mtbur_lower_bound_hours_12m,
    component.removals_per_1000_unit_hours_12m_lower,
    component.removals_per_1000_unit_hours_12m_upper
from reliability.component
inner join staging.stg_parts_catalog as parts on parts.part_number = component.part_number
where component.month = $month
order by
    component.unscheduled_removals_12m desc,
    component.part_number";

#[derive(Clone, Debug, Deserialize)]
pub struct Part {
    pub part_number: String,
    pub description: Option<String>,
    pub chapter: Option<String>,
    pub quantity_per_aircraft: Option<i64>,
    pub mtbur_guaranteed_hours: Option<f64>,
    pub months_12m: i64,
    pub unit_hours_12m: Option<f64>,
    pub unscheduled_removals: i64,
    pub unscheduled_removals_12m: i64,
    pub confirmed_failures_12m: i64,
    pub nff_12m: i64,
    pub mtbur_hours_12m: Option<f64>,
    pub mtbur_lower_bound_hours_12m: Option<f64>,
    pub removals_per_1000_unit_hours_12m_lower: Option<f64>,
    pub removals_per_1000_unit_hours_12m_upper: Option<f64>,
}

pub async fn gather(reader: &Reader<'_>) -> Result<Gathered<Part>> {
    reader.rows("removals of parts", PARTS).await
}
