//! The lives of the parts that matter most: the laws fitted to them, their survival, and the lives themselves.

use fleet_jobs::Result;
use serde::Deserialize;

use super::{Gathered, Reader};

/// With fewer failures a law's shape is hardly determined.
pub const FAILURES_MIN: i64 = 5;

/// The parts with most unscheduled removals among those with enough failures for a law. The 5 is `FAILURES_MIN`.
macro_rules! worst {
    () => {
        "\
with worst as (
    select
        model.part_number,
        coalesce(component.unscheduled_removals_12m, 0) as removals
    from reliability.life_model as model
    left join reliability.component
        on component.part_number = model.part_number
        and component.month = $month
    where model.as_of = $as_of
        and model.distribution = 'weibull2'
        and model.failures >= 5
    order by
        coalesce(component.unscheduled_removals_12m, 0) desc,
        model.failures desc,
        model.part_number
    limit 6
)"
    };
}

const LAWS: &str = concat!(
    worst!(),
    "
select
    model.part_number,
    parts.description,
    worst.removals,
    model.distribution,
    model.failures,
    model.suspensions,
    model.outcome,
    model.eta_hours,
    model.eta_hours_lower,
    model.eta_hours_upper,
    model.beta,
    model.beta_lower,
    model.beta_upper,
    model.gamma_hours,
    model.mu,
    model.sigma,
    model.rate_per_hour,
    model.aic,
    model.best,
    model.b10_hours,
    model.b10_hours_lower,
    model.b10_hours_upper,
    model.mean_hours,
    model.correlation
from reliability.life_model as model
inner join worst on worst.part_number = model.part_number
left join staging.stg_parts_catalog as parts on parts.part_number = model.part_number
where model.as_of = $as_of
order by worst.removals desc, model.failures desc, model.part_number, model.distribution"
);

const CURVES: &str = concat!(
    worst!(),
    "
select
    curve.part_number,
    curve.hours,
    curve.at_risk,
    curve.survival,
    curve.survival_lower,
    curve.survival_upper
from reliability.survival_curve as curve
inner join worst on worst.part_number = curve.part_number
where curve.as_of = $as_of
order by curve.part_number, curve.hours"
);

const LIVES: &str = concat!(
    worst!(),
    "
select
    life.part_number,
    life.entry_hours,
    life.duration_hours,
    life.observed
from reliability.int_life as life
inner join worst on worst.part_number = life.part_number
where life.as_of = $as_of
order by life.part_number, life.duration_hours, life.entry_hours"
);

const COUNTS: &str = "\
select
    count(distinct part_number) as parts,
    max(failures) as most_failures
from reliability.life_model
where as_of = $as_of";

#[derive(Clone, Debug, Deserialize)]
pub struct Law {
    pub part_number: String,
    pub description: Option<String>,
    pub removals: i64,
    pub distribution: String,
    pub failures: i64,
    pub suspensions: i64,
    pub outcome: String,
    pub eta_hours: Option<f64>,
    pub eta_hours_lower: Option<f64>,
    pub eta_hours_upper: Option<f64>,
    pub beta: Option<f64>,
    pub beta_lower: Option<f64>,
    pub beta_upper: Option<f64>,
    pub gamma_hours: Option<f64>,
    pub mu: Option<f64>,
    pub sigma: Option<f64>,
    pub rate_per_hour: Option<f64>,
    pub aic: Option<f64>,
    pub best: bool,
    pub b10_hours: Option<f64>,
    pub b10_hours_lower: Option<f64>,
    pub b10_hours_upper: Option<f64>,
    pub mean_hours: Option<f64>,
    pub correlation: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    pub part_number: String,
    pub hours: f64,
    pub at_risk: i64,
    pub survival: f64,
    pub survival_lower: Option<f64>,
    pub survival_upper: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Life {
    pub part_number: String,
    pub entry_hours: f64,
    pub duration_hours: f64,
    pub observed: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Counts {
    pub parts: i64,
    pub most_failures: Option<i64>,
}

pub struct Lives {
    pub laws: Gathered<Law>,
    pub curves: Gathered<Step>,
    pub lives: Gathered<Life>,
    pub counts: Gathered<Counts>,
}

pub async fn gather(reader: &Reader<'_>) -> Result<Lives> {
    Ok(Lives {
        laws: reader.rows("laws of lives", LAWS).await?,
        curves: reader.rows("survival", CURVES).await?,
        lives: reader.rows("lives", LIVES).await?,
        counts: reader.rows("parts with lives", COUNTS).await?,
    })
}
