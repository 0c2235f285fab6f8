//! Failures of systems over the age of the aircraft: the fleet's chapters with their mean cumulative functions.

use std::collections::BTreeMap;

use fleet_functions::estimation::recurrence::{History, MeanCumulativeStep, mean_cumulative_function};

use crate::gather::trends::{Failure, TailHours, Trend, Trends};

const CONFIDENCE: f64 = 0.95;

/// A chapter of the fleet that is drawn.
pub struct Drawn<'a> {
    pub trend: &'a Trend,
    pub steps: Vec<MeanCumulativeStep>,
    /// The greatest age of an aircraft.
    pub until: f64,
}

/// The chapters of the fleet for which failures were gathered, those with a trend first.
pub fn drawn(trends: &Trends) -> Vec<Drawn<'_>> {
    let until = trends.hours.rows.iter().map(|tail| tail.hours).fold(0.0, f64::max);
    let order = |trend: &Trend| match trend.trend.as_deref() {
        Some("deteriorating") => 0,
        Some("improving") => 1,
        _ => 2,
    };
    let has_failures = |trend: &&Trend| trends.failures.rows.iter().any(|failure| failure.ata == trend.ata);
    let mut fleet: Vec<&Trend> =
        trends.trends.rows.iter().filter(|trend| trend.scope == "fleet").filter(has_failures).collect();
    fleet.sort_by_key(|trend| (order(trend), std::cmp::Reverse(trend.failures)));
    let steps = |trend: &Trend| {
        let histories = histories(&trend.ata, &trends.failures.rows, &trends.hours.rows);
        mean_cumulative_function(&histories, CONFIDENCE).unwrap_or_default()
    };
    fleet.into_iter().map(|trend| Drawn { steps: steps(trend), trend, until }).collect()
}

/// One history an aircraft, watched from its first day of utilization to its last hour.
fn histories(ata: &str, failures: &[Failure], hours: &[TailHours]) -> Vec<History> {
    let mut events: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for failure in failures.iter().filter(|failure| failure.ata == ata) {
        events.entry(&failure.tail).or_default().push(failure.tail_hours);
    }
    let history = |tail: &TailHours| {
        let events = events.remove(tail.tail.as_str()).unwrap_or_default();
        History { events: events.into_iter().map(|age| age.min(tail.hours)).collect(), end: Some(tail.hours) }
    };
    hours.iter().map(history).collect()
}

/// How many trends were tested on single aircraft, and how many of them deteriorate and improve.
pub fn of_tails(trends: &[Trend]) -> (usize, Vec<&Trend>, usize) {
    let tested = || trends.iter().filter(|trend| trend.scope == "tail" && trend.trend.is_some());
    let worse: Vec<&Trend> = tested().filter(|trend| trend.trend.as_deref() == Some("deteriorating")).collect();
    let better = tested().filter(|trend| trend.trend.as_deref() == Some("improving")).count();
    (tested().count(), worse, better)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aircraft_without_failures_is_watched_too() {
        let failure = |tail: &str, tail_hours| Failure { ata: "32".to_owned(), tail: tail.to_owned(), tail_hours };
        let hours = ["A", "B"].map(|tail| TailHours { tail: tail.to_owned(), hours: 500.0 });
        let histories = histories("32", &[failure("A", 100.0), failure("A", 500.5)], &hours);
        assert_eq!(histories.len(), 2);
        assert_eq!(histories[0].events, [100.0, 500.0], "an event after the last hour is at the last hour");
        let steps = mean_cumulative_function(&histories, CONFIDENCE).unwrap();
        assert!((steps[1].mean - 1.0).abs() < 1e-12);
    }
}
