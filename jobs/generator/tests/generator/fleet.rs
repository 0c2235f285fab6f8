//! A plausible fleet: rotations, hours, delays, and records that agree with each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::landing::{number, ten_thousandths};
use crate::{Fleet, clean};

#[test]
fn tails_fly_about_eight_flights_and_eleven_hours_a_day() {
    let fleet = Fleet::generate(&clean(10, 60));
    let flights = fleet.landing().csv("flights");
    let utilization = fleet.landing().csv("utilization");
    // Days in service: the rest are C checks, on which nothing is planned.
    let flown = utilization.iter().filter(|day| number(day, "flight_cycles") > 0.0).count() as f64;
    assert_eq!(utilization.len(), 600);
    assert!(flown > 0.93 * 600.0, "{flown}");
    // A day has 8 flights with variance 0.24, so the mean of 600 has a standard error of 0.02. One flight in a
    // hundred days is left out where the day is too short: 0.1 covers both.
    let per_day = flights.len() as f64 / flown;
    assert!((per_day - 8.0).abs() < 0.1, "{per_day}");
    // A leg lasts 1.375 h with a standard deviation below 0.45 h. Pairs share their length: over 4800 legs the
    // standard error of the mean is 0.45·√2/√4800 = 0.009 h, which makes 0.075 h a day. Cancellations take 0.9 % off.
    let hours: f64 = utilization.iter().map(|day| number(day, "flight_hours")).sum();
    assert!((hours / flown - 11.0).abs() < 4.0 * 0.075 + 0.2, "{}", hours / flown);
}

#[test]
fn every_flight_leaves_from_where_the_last_one_went() {
    let fleet = Fleet::generate(&clean(6, 30));
    let mut flights = fleet.landing().csv("flights");
    flights.sort_by(|left, right| {
        (&left["tail"], &left["scheduled_departure"]).cmp(&(&right["tail"], &right["scheduled_departure"]))
    });
    for pair in flights.windows(2).filter(|pair| pair[0]["tail"] == pair[1]["tail"]) {
        assert_eq!(pair[0]["destination"], pair[1]["origin"], "{:?}", pair[1]);
        assert!(pair[0]["scheduled_arrival"] < pair[1]["scheduled_departure"]);
        if !pair[0]["on_block"].is_empty() && !pair[1]["off_block"].is_empty() {
            assert!(pair[0]["on_block"] < pair[1]["off_block"]);
        }
    }
}

#[test]
fn utilization_is_the_sum_of_the_flights_scheduled_that_day() {
    let fleet = Fleet::generate(&clean(6, 30));
    let mut sums: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
    for flight in fleet.landing().csv("flights") {
        let day = flight["scheduled_departure"][..10].to_owned();
        let sum = sums.entry((flight["tail"].clone(), day)).or_default();
        sum.0 += ten_thousandths(&flight, "flight_hours");
        sum.1 += number(&flight, "cycles") as i64;
    }
    for day in fleet.landing().csv("utilization") {
        let key = (day["tail"].clone(), day["date"].clone());
        let expected = sums.remove(&key).unwrap_or_default();
        let found = (ten_thousandths(&day, "flight_hours"), number(&day, "flight_cycles") as i64);
        assert_eq!(found, expected, "{key:?}");
    }
    assert!(sums.is_empty());
}

#[test]
fn delays_have_codes_chapters_and_knock_on_effects() {
    let fleet = Fleet::generate(&clean(10, 60));
    let flights = fleet.landing().csv("flights");
    let count = |test: &dyn Fn(&crate::landing::Record) -> bool| {
        flights.iter().filter(|flight| test(flight)).count() as f64 / flights.len() as f64
    };
    let technical = |code: &str| ("41"..="48").contains(&code);
    for flight in &flights {
        assert_eq!(flight["cancelled"] == "true", flight["off_block"].is_empty());
        assert!(flight["delay_ata"].is_empty() || technical(&flight["delay_code"]));
    }
    // An airline's dispatch reliability is some 98 to 99.5 %.
    let delayed = count(&|flight| technical(&flight["delay_code"]) && number(flight, "delay_minutes") > 15.0);
    assert!((0.004..0.025).contains(&delayed), "{delayed}");
    assert!(count(&|flight| flight["delay_code"] == "93") > 0.005);
    let cancelled = count(&|flight| flight["cancelled"] == "true");
    assert!((0.002..0.02).contains(&cancelled), "{cancelled}");
    assert!(flights.iter().any(|flight| flight["diverted"] == "true"));
}

#[test]
fn identifiers_are_unique_and_refer_to_flights() {
    let fleet = Fleet::generate(&clean(4, 30));
    let flights: BTreeSet<String> =
        fleet.landing().csv("flights").into_iter().map(|flight| flight["flight_id"].clone()).collect();
    let performance = fleet.landing().csv("performance");
    let keys: BTreeSet<_> =
        performance.iter().map(|row| (&row["flight_id"], &row["engine_position"], &row["phase"])).collect();
    assert_eq!(keys.len(), performance.len());
    assert!(performance.iter().all(|row| flights.contains(&row["flight_id"])));
    let events = fleet.landing().json("events");
    let ids: BTreeSet<&str> = events.iter().filter_map(|event| event["event_id"].as_str()).collect();
    assert_eq!(ids.len(), events.len());
    let named = events.iter().filter_map(|event| event["flight_id"].as_str());
    assert!(named.into_iter().all(|flight| flights.contains(flight)));
    let configurations = fleet.landing().json("configurations");
    let instants: BTreeSet<_> =
        configurations.iter().map(|row| (row["tail"].as_str(), row["effective_from"].as_str())).collect();
    assert_eq!(instants.len(), configurations.len());
}

#[test]
fn a_removal_takes_out_what_the_last_configuration_lists() {
    let fleet = Fleet::generate(&clean(4, 60));
    let mut installed: HashMap<(String, String), String> = HashMap::new();
    let mut configurations = fleet.landing().json("configurations");
    configurations.sort_by_key(|row| row["effective_from"].to_string());
    let mut removals = fleet.landing().json("events");
    removals.retain(|event| event["kind"] == "REMOVAL");
    removals.sort_by_key(|row| row["occurred_at"].to_string());
    for row in configurations.iter().filter(|row| row["effective_from"] == "2026-01-01T00:00:00Z") {
        for component in row["components"].as_array().unwrap() {
            let key = (row["tail"].to_string(), component["position"].to_string());
            installed.insert(key, component["serial"].to_string());
        }
    }
    assert!(removals.len() > 20, "{}", removals.len());
    for removal in &removals {
        let key = (removal["tail"].to_string(), removal["position"].to_string());
        let off = installed.insert(key, removal["serial_on"].to_string());
        assert_eq!(off, Some(removal["serial_off"].to_string()), "{removal}");
        assert!(
            configurations
                .iter()
                .any(|row| row["tail"] == removal["tail"] && row["effective_from"] == removal["occurred_at"])
        );
    }
}

#[test]
fn reference_data_covers_the_parts_removed() {
    let fleet = Fleet::generate(&clean(2, 20));
    let parts = fleet.landing().reference("parts_catalog");
    let systems = fleet.landing().reference("system_tree");
    assert_eq!(parts.len(), fleet.landing().truth("parts").len());
    assert!(parts.iter().all(|part| systems.iter().any(|system| system["ata"] == part["ata"])));
    assert!(!fleet.landing().reference("modifications").is_empty());
    assert!(!fleet.landing().reference("standards").is_empty());
    for event in fleet.landing().json("events") {
        let number = &event["part_number"];
        assert!(number.is_null() || parts.iter().any(|part| part["part_number"] == *number));
    }
}
