//! Removals follow from the lives of parts: what the files say agrees with the truth behind them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::landing::number;
use crate::{Fleet, clean};

struct Truth {
    eta_hours: f64,
    beta: f64,
    nff_probability: f64,
    expected_mtbur_hours: f64,
}

fn truth(fleet: &Fleet) -> BTreeMap<String, Truth> {
    let parts = fleet.landing().truth("parts");
    parts
        .into_iter()
        .map(|part| {
            let truth = Truth {
                eta_hours: number(&part, "eta_hours"),
                beta: number(&part, "beta"),
                nff_probability: number(&part, "nff_probability"),
                expected_mtbur_hours: number(&part, "expected_mtbur_hours"),
            };
            (part["part_number"].clone(), truth)
        })
        .collect()
}

/// Unscheduled removals by part number, the parts with rogue units left out.
fn unscheduled(fleet: &Fleet) -> BTreeMap<String, Vec<Value>> {
    let rogues: BTreeSet<String> =
        fleet.landing().truth("rogue_units").into_iter().map(|unit| unit["part_number"].clone()).collect();
    let mut removals: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for event in fleet.landing().json("events") {
        let part = event["part_number"].as_str().unwrap_or_default();
        if event["reason"] == "UNSCHEDULED" && !rogues.contains(part) {
            removals.entry(part.to_owned()).or_default().push(event);
        }
    }
    removals
}

fn flight_hours(fleet: &Fleet) -> f64 {
    let days = fleet.landing().csv("utilization");
    days.iter().map(|day| number(day, "flight_hours")).sum()
}

fn quantities(fleet: &Fleet) -> BTreeMap<String, f64> {
    let parts = fleet.landing().reference("parts_catalog");
    parts
        .iter()
        .map(|part| {
            let number = part["part_number"].as_str().unwrap().to_owned();
            (number, part["quantity_per_aircraft"].as_f64().unwrap())
        })
        .collect()
}

#[test]
fn removals_come_at_the_expected_rate_and_share_without_fault() {
    let fleet = Fleet::generate(&clean(50, 100));
    let (truth, removals) = (truth(&fleet), unscheduled(&fleet));
    let (hours, quantities) = (flight_hours(&fleet), quantities(&fleet));
    for (part, removals) in &removals {
        let truth = &truth[part];
        // At stationarity counts vary no more than Poisson counts for lives with β ≥ 1, whose renewals are the more
        // regular: 5 standard deviations for some forty parts leave a chance below 1 in 40 000.
        let expected = hours * quantities[part] / truth.expected_mtbur_hours;
        let count = removals.len() as f64;
        assert!(
            (count - expected).abs() < 5.0 * expected.sqrt() + 1.0,
            "{part}: {count} removals, {expected:.1} expected"
        );
        let settled: Vec<_> = removals.iter().filter(|row| row["shop_finding"] != "PENDING").collect();
        let nff = settled.iter().filter(|row| row["shop_finding"] == "NFF").count() as f64;
        let (mean, settled) = (truth.nff_probability, settled.len() as f64);
        let deviation = (settled * mean * (1.0 - mean)).sqrt();
        assert!(
            (nff - settled * mean).abs() < 5.0 * deviation + 1.0,
            "{part}: {nff} of {settled} without fault, {mean} expected"
        );
    }
}

/// What a fleet's files say about its removals, read once.
struct History {
    /// Flight hours of each tail over the window.
    clocks: BTreeMap<String, f64>,
    removals: Vec<Value>,
    first_configurations: Vec<Value>,
}

impl History {
    fn read(fleet: &Fleet) -> Self {
        let mut clocks: BTreeMap<String, f64> = BTreeMap::new();
        for day in fleet.landing().csv("utilization") {
            *clocks.entry(day["tail"].clone()).or_default() += number(&day, "flight_hours");
        }
        let mut removals = fleet.landing().json("events");
        removals.retain(|event| event["kind"] == "REMOVAL");
        removals.sort_by_key(|event| event["occurred_at"].to_string());
        Self { clocks, removals, first_configurations: fleet.landing().json("configurations/2026-01-02") }
    }
}

/// Hours from installation to failure or suspension, from units installed within the window.
fn durations(history: &History, part: &str) -> Vec<(f64, bool)> {
    let mut durations = Vec::new();
    // Hours of the window gone by, at each position, when its present unit was installed.
    let mut used: BTreeMap<(String, String), f64> = BTreeMap::new();
    let entry = entry_ages(history, part);
    for event in history.removals.iter().filter(|event| event["part_number"] == part) {
        let tail = event["tail"].as_str().unwrap().to_owned();
        let key = (tail, event["position"].as_str().unwrap().to_owned());
        let hours = event["hours_since_install"].as_f64().unwrap();
        let failure = event["reason"] == "UNSCHEDULED" && event["shop_finding"] != "NFF";
        match used.get_mut(&key) {
            Some(clock) => {
                durations.push((hours, failure));
                *clock += hours;
            }
            None => {
                used.insert(key.clone(), hours - entry[&key]);
            }
        }
    }
    for ((tail, _), clock) in used {
        durations.push((history.clocks[&tail] - clock, false));
    }
    durations
}

/// Age of each unit of a part when first seen, by tail and position.
fn entry_ages(history: &History, part: &str) -> BTreeMap<(String, String), f64> {
    let mut ages = BTreeMap::new();
    for row in &history.first_configurations {
        if row["effective_from"] != "2026-01-01T00:00:00Z" {
            continue;
        }
        for component in row["components"].as_array().unwrap() {
            if component["part_number"] == part {
                let key =
                    (row["tail"].as_str().unwrap().to_owned(), component["position"].as_str().unwrap().to_owned());
                ages.insert(key, component["hours_since_install"].as_f64().unwrap());
            }
        }
    }
    ages
}

#[test]
fn complete_lives_follow_the_weibull_law_of_the_truth() {
    let fleet = Fleet::generate(&clean(36, 340));
    let (truth, history) = (truth(&fleet), History::read(&fleet));
    for part in ["3342M009-1", "3241M020-3", "3831M066-2", "2535M615-1"] {
        let truth = &truth[part];
        let mut durations = durations(&history, part);
        durations.sort_by(|left, right| left.0.total_cmp(&right.0));
        // Each failure's cumulative hazard (Nelson-Aalen) against (t/η)^β. At the true parameters the failures are a
        // martingale minus its compensator: their number differs from the summed hazards of all durations by no
        // more than its standard deviation, √failures, times 4 (a chance of 1 in 16 000 for each of the twelve checks).
        for (from, to) in [(0.0, 0.5), (0.5, 1.0), (1.0, 9.0)] {
            let hazard = |hours: f64| {
                let within = (hours / truth.eta_hours).clamp(from, to);
                within.powf(truth.beta) - f64::powf(from, truth.beta)
            };
            let expected: f64 = durations.iter().map(|(hours, _)| hazard(*hours)).sum();
            let failures = durations
                .iter()
                .filter(|(hours, failure)| *failure && (from..to).contains(&(hours / truth.eta_hours)))
                .count() as f64;
            assert!(expected > 10.0, "{part}: {expected:.1}");
            assert!(
                (failures - expected).abs() < 4.0 * expected.sqrt() + 1.0,
                "{part} from {from} η: {failures} failures, {expected:.1} expected"
            );
        }
    }
}

#[test]
fn a_demo_fleet_has_parts_worth_ranking() {
    let fleet = Fleet::generate(&clean(10, 90));
    let removals = unscheduled(&fleet);
    let busy = removals.values().filter(|rows| rows.len() >= 5).count();
    assert!(busy >= 10, "{busy}");
    let most = removals.values().map(Vec::len).max().unwrap();
    assert!(most <= 60, "{most}");
}

#[test]
fn rogue_units_return_again_and_again_without_fault() {
    let fleet = Fleet::generate(&clean(20, 120));
    let rogues = fleet.landing().truth("rogue_units");
    assert!(rogues.len() >= 2);
    let events = fleet.landing().json("events");
    for rogue in &rogues {
        let removals: Vec<_> = events
            .iter()
            .filter(|event| event["serial_off"] == rogue["serial"] && event["part_number"] == rogue["part_number"])
            .collect();
        assert!(removals.len() >= 3, "{rogue:?}: {}", removals.len());
        let nff = removals.iter().filter(|row| row["shop_finding"] == "NFF").count();
        assert!(nff * 2 > removals.len(), "{rogue:?}");
    }
}

#[test]
fn engines_degrade_before_the_failures_that_the_truth_names() {
    let fleet = Fleet::generate(&clean(30, 120));
    let degrading = fleet.landing().truth("degrading_engines");
    assert!(degrading.len() >= 5, "{}", degrading.len());
    let events = fleet.landing().json("events");
    let failed = degrading.iter().filter(|row| number(row, "hours_to_failure") < 600.0).filter(|row| {
        events.iter().any(|event| event["serial_off"] == row["serial"] && event["part_number"] == row["part_number"])
    });
    // Some are still running at the end of the window.
    assert!(failed.count() * 2 > degrading.len());
}
