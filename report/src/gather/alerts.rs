//! The alert chart's figures, and what the reports of chapters in alert have in common.

use chrono::NaiveDate;
use fleet_jobs::Result;
use fleet_jobs::run::Runner;
use serde::Deserialize;

use super::{Gathered, Reader};

const HISTORY: &str = "\
select
    alert.month,
    alert.ata,
    tree.title,
    alert.alert_rule,
    alert.pireps,
    alert.mareps,
    alert.flight_hours,
    alert.rate_per_1000_fh,
    alert.rate_3m,
    alert.months_before,
    alert.alert_level,
    alert.in_alert,
    alert.months_in_alert,
    alert.escalated,
    alert.exposure_sufficient
from reliability.ata_alert as alert
left join staging.stg_system_tree as tree on tree.ata = alert.ata
where alert.month >= $history_start
    and alert.month <= $month
order by
    alert.ata,
    alert.month,
    alert.alert_rule";

/// The reports that a chapter's alert is about: those since the first month in alert without a break, and for
/// `factor_1_3` those of the two months before it too, which its rate of three months counts; beside them the 12 months
/// before.
macro_rules! windows {
    () => {
        "\
with runs as (
    select
        ata,
        date_part('year', $month) * 12 + date_part('month', $month) - 1 - (months_in_alert - 1)
            - case when alert_rule = 'factor_1_3' then 2 else 0 end as first_month
    from reliability.ata_alert
    where month = $month
        and in_alert
),
windows as (
    select
        ata,
        make_date(cast(min(first_month) / 12 as int), cast(min(first_month) % 12 + 1 as int), 1) as from_month,
        make_date(cast(min(first_month) / 12 - 1 as int), cast(min(first_month) % 12 + 1 as int), 1) as before_from
    from runs
    group by ata
),
fleet_hours as (
    select
        windows.ata,
        sum(case when use.month >= windows.from_month then use.flight_hours else 0.0 end) as hours,
        sum(case when use.month < windows.from_month then use.flight_hours else 0.0 end) as hours_before
    from windows
    inner join staging.stg_utilization as use
        on use.month >= windows.before_from
        and use.month <= $month
    group by windows.ata
)"
    };
}

const TAILS: &str = concat!(
    windows!(),
    ",
flown as (
    select
        windows.ata,
        use.tail,
        sum(use.flight_hours) as hours
    from windows
    inner join staging.stg_utilization as use
        on use.month >= windows.from_month
        and use.month <= $month
    group by windows.ata, use.tail
),
reported as (
    select
        windows.ata,
        events.tail,
        count(*) as reports
    from windows
    inner join staging.stg_events as events
        on events.chapter = windows.ata
        and events.month >= windows.from_month
        and events.month <= $month
    where events.kind in ('PIREP', 'MAREP')
    group by windows.ata, events.tail
)
select
    flown.ata,
    flown.tail as name,
    coalesce(reported.reports, 0) as count,
    flown.hours
from flown
left join reported
    on reported.ata = flown.ata
    and reported.tail = flown.tail
order by flown.ata, count desc, name"
);

const SECTIONS: &str = concat!(
    windows!(),
    ",
reported as (
    select
        windows.ata,
        events.ata as section,
        sum(case when events.month >= windows.from_month then 1 else 0 end) as reports,
        sum(case when events.month < windows.from_month then 1 else 0 end) as reports_before
    from windows
    inner join staging.stg_events as events
        on events.chapter = windows.ata
        and events.month >= windows.before_from
        and events.month <= $month
    where events.kind in ('PIREP', 'MAREP')
    group by windows.ata, events.ata
)
select
    reported.ata,
    reported.section as name,
    tree.title,
    reported.reports as count,
    reported.reports_before as count_before,
    fleet_hours.hours,
    fleet_hours.hours_before
from reported
inner join fleet_hours on fleet_hours.ata = reported.ata
left join staging.stg_system_tree as tree on tree.ata = reported.section
order by reported.ata, count desc, name"
);

const PARTS: &str = concat!(
    windows!(),
    ",
removed as (
    select
        windows.ata,
        events.part_number,
        sum(case when events.month >= windows.from_month then 1 else 0 end) as removals,
        sum(case when events.month < windows.from_month then 1 else 0 end) as removals_before,
        sum(case when events.month >= windows.from_month and events.is_nff then 1 else 0 end) as nff
    from windows
    inner join staging.stg_events as events
        on events.chapter = windows.ata
        and events.month >= windows.before_from
        and events.month <= $month
    where events.is_unscheduled_removal
    group by windows.ata, events.part_number
)
select
    removed.ata,
    removed.part_number as name,
    parts.description as title,
    removed.removals as count,
    removed.removals_before as count_before,
    removed.nff,
    fleet_hours.hours,
    fleet_hours.hours_before
from removed
inner join fleet_hours on fleet_hours.ata = removed.ata
left join staging.stg_parts_catalog as parts on parts.part_number = removed.part_number
order by removed.ata, count desc, name"
);

/// One chapter, month and rule.
#[derive(Clone, Debug, Deserialize)]
pub struct Judged {
    pub month: NaiveDate,
    pub ata: String,
    pub title: Option<String>,
    pub alert_rule: String,
    pub pireps: i64,
    pub mareps: i64,
    pub flight_hours: f64,
    pub rate_per_1000_fh: Option<f64>,
    pub rate_3m: Option<f64>,
    pub months_before: i64,
    pub alert_level: Option<f64>,
    pub in_alert: Option<bool>,
    pub months_in_alert: i64,
    pub exposure_sufficient: bool,
}

/// An aircraft, a section or a part of a chapter in alert: what it counted since the alert began, and before.
#[derive(Clone, Debug, Deserialize)]
pub struct Driver {
    pub ata: String,
    pub name: Option<String>,
    pub title: Option<String>,
    pub count: i64,
    pub hours: f64,
    pub count_before: Option<i64>,
    pub hours_before: Option<f64>,
    pub nff: Option<i64>,
}

pub struct Alerts {
    pub history: Gathered<Judged>,
    pub tails: Gathered<Driver>,
    pub sections: Gathered<Driver>,
    pub parts: Gathered<Driver>,
    /// Months before the one judged without which there is no level.
    pub months_before: i64,
    /// Reports expected in 12 months below which figures are called unsteady.
    pub reports_expected: f64,
}

pub async fn gather(reader: &Reader<'_>, runner: &Runner) -> Result<Alerts> {
    let parameters = &runner.catalog.model(&"reliability.ata_alert".parse()?)?.header.parameters;
    let parameter = |name: &str, default: f64| parameters.get(name).copied().unwrap_or(default);
    Ok(Alerts {
        history: reader.rows("alerts", HISTORY).await?,
        tails: reader.rows("alerts by aircraft", TAILS).await?,
        sections: reader.rows("alerts by section", SECTIONS).await?,
        parts: reader.rows("alerts by part", PARTS).await?,
        months_before: parameter("months_before", 6.0) as i64,
        reports_expected: parameter("reports_expected", 5.0),
    })
}
