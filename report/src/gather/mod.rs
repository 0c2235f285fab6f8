//! What the report says, as rows: one file a section, with its SQL and the shape of its rows.
//!
//! The queries are constants in which `$as_of` and the like stand for dates; the text that is run, dates filled in, is
//! the text that the report shows. Nothing here judges or draws.

pub mod alerts;
pub mod dispatch;
pub mod lives;
pub mod parts;
pub mod provenance;
pub mod quality;
mod reader;
pub mod repetitive;
pub mod scope;
pub mod trends;
pub mod units;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use fleet_jobs::run::Runner;
use fleet_jobs::{Error, Result};

pub use reader::{Gathered, Reader, Source, Version, Versions};

use crate::Week;

/// The tables that are computed by week; the report needs all of them.
const WEEKLY: [&str; 6] = [
    "reliability.int_life",
    "reliability.life_model",
    "reliability.survival_curve",
    "reliability.repair_trend",
    "reliability.rogue_unit",
    "reliability.repetitive_defect",
];

/// The tables that are computed by month, each with the job that computes it.
const MONTHLY: [(&str, &str); 3] = [
    ("operations.dispatch_reliability", "monthly_fleet_performance"),
    ("reliability.component", "weekly_reliability_analysis"),
    ("reliability.ata_alert", "weekly_reliability_analysis"),
];

/// Everything that a report is made of.
pub struct Figures {
    pub week: Week,
    /// The latest full month of the week that the monthly tables were computed for; the calendar's where there is none.
    pub month: NaiveDate,
    /// Monthly tables that lack the latest full month, with the job that computes them.
    pub behind: Vec<(&'static str, &'static str)>,
    pub scope: scope::Scope,
    pub dispatch: dispatch::Dispatch,
    pub alerts: alerts::Alerts,
    pub parts: Gathered<parts::Part>,
    pub lives: lives::Lives,
    pub trends: trends::Trends,
    pub units: units::Units,
    pub repetitive: repetitive::Repetitive,
    pub quality: quality::Quality,
    pub provenance: provenance::Provenance,
}

/// Gathers the figures of a week, or of the latest that has any.
///
/// # Errors
/// Of a week without figures: what to run. Otherwise what a query meets.
pub async fn gather(runner: &Runner, week: Option<Week>) -> Result<Figures> {
    let mut reader = Reader::open(runner).await?;
    let week = match week {
        Some(week) => week,
        None => latest(&reader.versions)?,
    };
    require(&reader.versions, week)?;
    let full = week.full_month();
    let month = reported_month(&reader.versions, full);
    reader.set(week, month);
    let reader = &reader;
    let has = |table: &str| reader.versions.get(table).is_some_and(|table| table.computed.contains(&full.to_string()));
    let scope = scope::gather(reader).await?;
    let flown = scope.months.rows.iter().any(|covered| covered.month == full);
    let behind = MONTHLY.into_iter().filter(|(table, _)| flown && !has(table)).collect();
    Ok(Figures {
        week,
        month,
        behind,
        dispatch: dispatch::gather(reader).await?,
        alerts: alerts::gather(reader, runner).await?,
        parts: parts::gather(reader).await?,
        lives: lives::gather(reader).await?,
        trends: trends::gather(reader).await?,
        units: units::gather(reader, runner).await?,
        repetitive: repetitive::gather(reader, runner).await?,
        quality: quality::gather(reader).await?,
        provenance: provenance::gather(reader).await?,
        scope,
    })
}

/// The latest week for which every weekly table was computed.
fn latest(versions: &Versions) -> Result<Week> {
    let weeks = |table: &str| versions.get(table).map(|table| table.computed.clone()).unwrap_or_default();
    let common =
        WEEKLY.iter().map(|table| weeks(table)).reduce(|one, other| one.intersection(&other).cloned().collect());
    let days = common.into_iter().flatten().filter_map(|day| day.parse::<NaiveDate>().ok());
    days.max()
        .map(Week::before)
        .ok_or_else(|| Error::invalid("report", "no week has figures yet; run `fleet run weekly_reliability_analysis`"))
}

fn require(versions: &Versions, week: Week) -> Result<()> {
    let as_of = week.as_of().to_string();
    let lacks = |table: &&&str| !versions.get(**table).is_some_and(|table| table.computed.contains(&as_of));
    let missing: Vec<&str> = WEEKLY.iter().filter(lacks).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let tables = if missing.len() == WEEKLY.len() { String::new() } else { format!(" in {}", missing.join(", ")) };
    let advice = format!("has no figures{tables}; run `fleet run weekly_reliability_analysis --interval {week}`");
    Err(Error::invalid(format!("week {week}"), advice))
}

/// The latest month, up to the latest full one, that a monthly table was computed for.
fn reported_month(versions: &Versions, full: NaiveDate) -> NaiveDate {
    let computed: BTreeSet<NaiveDate> = MONTHLY
        .iter()
        .filter_map(|(table, _)| versions.get(*table))
        .flat_map(|table| table.computed.iter().filter_map(|month| month.parse().ok()))
        .collect();
    computed.range(..=full).next_back().copied().unwrap_or(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(computed: &[(&str, &[&str])]) -> Versions {
        let version = |days: &[&str]| Version {
            version: 3,
            rows: 1,
            computed: days.iter().map(|day| (*day).to_owned()).collect(),
        };
        computed.iter().map(|(table, days)| ((*table).to_owned(), version(days))).collect()
    }

    #[test]
    fn the_latest_week_is_the_one_that_all_tables_have() {
        let mut all = versions(&WEEKLY.map(|table| (table, &["2026-03-02", "2026-03-09"][..])));
        assert_eq!(latest(&all).unwrap().to_string(), "2026-W10");
        all.get_mut("reliability.rogue_unit").unwrap().computed.remove("2026-03-09");
        assert_eq!(latest(&all).unwrap().to_string(), "2026-W09");
        assert!(latest(&Versions::new()).unwrap_err().to_string().contains("fleet run weekly_reliability_analysis"));
    }

    #[test]
    fn a_week_without_figures_is_refused_with_what_to_run() {
        let mut all = versions(&WEEKLY.map(|table| (table, &["2026-03-09"][..])));
        let week: Week = "2026-W10".parse().unwrap();
        assert!(require(&all, week).is_ok());
        let refused = require(&all, "2026-W11".parse().unwrap()).unwrap_err().to_string();
        assert!(refused.contains("`fleet run weekly_reliability_analysis --interval 2026-W11`"), "{refused}");
        all.remove("reliability.survival_curve");
        assert!(require(&all, week).unwrap_err().to_string().contains("in reliability.survival_curve;"));
    }

    #[test]
    fn the_month_is_the_latest_full_one_that_was_computed() {
        let all = versions(&[("reliability.component", &["2026-01-01", "2026-03-01"])]);
        let month = |full: &str| reported_month(&all, full.parse().unwrap()).to_string();
        assert_eq!(
            [month("2026-02-01"), month("2026-03-01"), month("2025-06-01")],
            ["2026-01-01", "2026-03-01", "2025-06-01"]
        );
    }
}
