//! The sampled source: only if asked for, arrays of equal lengths, no line too long to read.

use crate::landing::content;
use crate::{Fleet, clean};
use fleet_generator::{Options, Telemetry};

#[test]
fn telemetry_is_left_out_unless_asked_for() {
    let fleet = Fleet::generate(&clean(1, 2));
    assert!(!fleet.folder.path().join("landing/telemetry").exists());
}

#[test]
fn every_parameter_has_one_sample_for_each_moment() {
    let fleet = Fleet::generate(&Options {
        telemetry: Some(Telemetry { sample_rate_hz: 0.1, ..Telemetry::default() }),
        ..clean(2, 2)
    });
    let flights = fleet.landing().csv("flights");
    let rows = fleet.landing().json("telemetry");
    assert_eq!(rows.len(), flights.iter().filter(|row| row["cancelled"] == "false").count());
    for row in &rows {
        let flight = flights.iter().find(|flight| row["flight_id"] == flight["flight_id"].as_str()).unwrap();
        assert_eq!(row["started_at"], flight["takeoff"].as_str());
        let seconds = flight["flight_hours"].parse::<f64>().unwrap() * 3600.0;
        for samples in row["parameters"].as_object().unwrap().values() {
            let length = samples.as_array().unwrap().len() as f64;
            assert!((length - seconds * 0.1).abs() <= 1.0, "{length} samples in {seconds} s");
        }
    }
}

#[test]
fn a_long_recording_is_split_into_lines_that_can_be_read() {
    let fleet = Fleet::generate(&Options {
        telemetry: Some(Telemetry { sample_rate_hz: 16.0, ..Telemetry::default() }),
        ..clean(1, 1)
    });
    let files = fleet.landing().files("landing/telemetry");
    let longest =
        files.iter().map(|file| content(file).split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap_or_default());
    assert!(longest.max().unwrap() < 1 << 20);
    let rows = fleet.landing().json("telemetry");
    let mut keys: Vec<_> =
        rows.iter().map(|row| (row["flight_id"].to_string(), row["started_at"].to_string())).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), rows.len());
    assert!(rows.len() > fleet.landing().csv("flights").len());
}
