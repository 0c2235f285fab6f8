//! What a plan is made from: one job's schedule and what has been recorded of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use fleet_jobs::catalog::{Interval, Schedule, Unit};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobState {
    pub job: String,
    pub schedule: Schedule,
    pub default_interval: Unit,
    /// Nothing is planned for the job, not even the end of waits.
    pub paused: bool,
    /// The latest firing recorded, whatever became of it.
    pub last_fire_at: Option<DateTime<Utc>>,
    /// When the scheduler first saw the job, or its schedule was last changed or resumed: nothing up to then is fired.
    pub enabled_since: DateTime<Utc>,
    pub running: Vec<RunRef>,
    /// By job of `schedule.after`: the intervals for which it succeeded, those that touch [`super::awaited_days`].
    pub succeeded: BTreeMap<String, Vec<Interval>>,
    /// Firings recorded by [`super::Action::Await`] of which nothing else is recorded yet.
    pub waiting: Vec<Waiting>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub String);

/// A run that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRef {
    pub id: RunId,
    pub fire_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub fire_at: DateTime<Utc>,
    /// When the wait was recorded: after downtime, what is waited for is late as well.
    pub since: DateTime<Utc>,
}

impl JobState {
    /// Firings up to then are recorded, or never fired.
    pub(super) fn covered(&self) -> DateTime<Utc> {
        self.last_fire_at.map_or(self.enabled_since, |last| last.max(self.enabled_since))
    }

    /// The jobs that have not succeeded for the whole of an interval. Their own intervals may be of another unit: seven
    /// days make a week.
    pub(super) fn awaited(&self, interval: Interval) -> Vec<String> {
        let lacks = |job: &&String| !self.succeeded.get(*job).is_some_and(|intervals| covers(intervals, interval));
        self.schedule.after.iter().filter(lacks).cloned().collect()
    }
}

fn covers(intervals: &[Interval], wanted: Interval) -> bool {
    let mut sorted: Vec<Interval> = intervals.to_vec();
    sorted.sort_by_key(|interval| interval.from);
    let mut from = wanted.from;
    for interval in sorted {
        if interval.from <= from {
            from = from.max(interval.to);
        }
    }
    from >= wanted.to
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: &str, to: &str) -> Interval {
        Interval { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    #[test]
    fn intervals_of_other_units_cover_one_together() {
        let week = days("2026-03-02", "2026-03-09");
        let each: Vec<Interval> =
            ((2..9).rev()).map(|day| days(&format!("2026-03-0{day}"), &format!("2026-03-{:02}", day + 1))).collect();
        assert!(covers(&each, week));
        assert!(!covers(&each[1..], week));
        assert!(!covers(&each[..6], week));
        assert!(covers(&[days("2026-03-01", "2026-04-01")], week));
        assert!(!covers(&[], week));
    }
}
