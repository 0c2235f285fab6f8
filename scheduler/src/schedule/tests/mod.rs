//! Known cases, and two properties: firings against a walk over every minute, and the record that two schedulers leave
//! behind whatever their clocks do.

mod known_firings;
mod ledger;
mod minute_walk;
mod planned;
mod two_schedulers;

use chrono::{DateTime, Utc};

use super::JobState;
use fleet_jobs::catalog::{Schedule, Unit};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn schedule(yaml: &str) -> Schedule {
    serde_saphyr::from_str(yaml).unwrap()
}

fn zoned(cron: &str, zone: &str) -> Schedule {
    schedule(&format!("cron: '{cron}'\ntime_zone: {zone}"))
}

fn job(name: &str, yaml: &str, enabled_since: &str) -> JobState {
    JobState {
        job: name.into(),
        schedule: schedule(yaml),
        default_interval: Unit::Day,
        paused: false,
        last_fire_at: None,
        enabled_since: at(enabled_since),
        running: Vec::new(),
        succeeded: Default::default(),
        waiting: Vec::new(),
    }
}
