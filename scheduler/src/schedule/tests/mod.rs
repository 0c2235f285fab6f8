//! Known cases, and two properties: firings against a walk over every minute, and the record that two schedulers leave
//! behind whatever their clocks do.

mod known_firings;
pub(crate) mod ledger;
mod minute_walk;
mod planned;
mod two_schedulers;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::JobState;
use fleet_jobs::catalog::{Schedule, Unit};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn schedule(yaml: &str) -> Schedule {
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

/// Schedules of all policies that go together.
pub(crate) fn yaml() -> impl Strategy<Value = String> {
    let cron =
        prop::sample::select(vec!["*/15 * * * *", "0 * * * *", "30 1-2 * * *", "@daily", "0 5 * * 1", "7 */3 * * *"]);
    let zone = prop::sample::select(vec!["UTC", "Europe/Paris", "Australia/Lord_Howe"]);
    let policy = prop::sample::select(vec![
        "concurrency: allow\ncatch_up: all",
        "concurrency: allow\ncatch_up: latest",
        "concurrency: allow\ncatch_up: skip",
        "concurrency: forbid\ncatch_up: all",
        "concurrency: forbid\ncatch_up: latest",
        "concurrency: forbid\ncatch_up: skip",
        "concurrency: replace\ncatch_up: latest",
        "concurrency: replace\ncatch_up: skip",
    ]);
    let deadline = prop::sample::select(vec!["", "start_deadline: 2h", "start_deadline: 3d"]);
    (cron, zone, policy, deadline)
        .prop_map(|(cron, zone, policy, deadline)| format!("cron: '{cron}'\ntime_zone: {zone}\n{policy}\n{deadline}"))
}
