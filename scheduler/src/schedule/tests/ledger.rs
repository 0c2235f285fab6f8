//! A ledger in memory that keeps to what `schedule/mod.rs` asks of who records, and no more: it takes stale plans.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::{Action, JobState, RunId, RunRef, Waiting, firings, interval_of};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Fired,
    Skipped,
    Missed,
}

pub struct Ledger {
    pub jobs: Vec<JobState>,
    /// By job and time of firing. What is recorded once is never overwritten.
    outcomes: BTreeMap<(String, DateTime<Utc>), Outcome>,
    /// Job, and the stretch later than the first and up to the second.
    ranges: Vec<(String, DateTime<Utc>, DateTime<Utc>)>,
    runs: usize,
}

impl Ledger {
    pub fn new(jobs: Vec<JobState>) -> Self {
        Self { jobs, outcomes: BTreeMap::new(), ranges: Vec::new(), runs: 0 }
    }

    /// Whether the action was taken.
    pub fn record(&mut self, now: DateTime<Utc>, action: &Action) -> bool {
        let Some(index) = self.jobs.iter().position(|state| state.job == action.job()) else { return false };
        let fire_at = action.fire_at();
        let state = &mut self.jobs[index];
        let waiting = state.waiting.iter().position(|waiting| waiting.fire_at == fire_at);
        let new = fire_at > covered(state);
        match (action, waiting) {
            (Action::Fire { .. } | Action::Replace { .. } | Action::Missed { .. }, Some(place)) => {
                state.waiting.remove(place);
            }
            _ if !new => return false,
            (Action::MissedRange { job, last, .. }, _) => {
                self.ranges.push((job.clone(), covered(state), *last));
                state.last_fire_at = Some(fire_at);
                return true;
            }
            _ => state.last_fire_at = Some(fire_at),
        }
        let outcome = match action {
            Action::Await { .. } => {
                state.waiting.push(Waiting { fire_at, since: now });
                return true;
            }
            Action::Fire { .. } => self.start(index, fire_at, &[]),
            Action::Replace { cancel, .. } => self.start(index, fire_at, cancel),
            Action::SkipRunning { .. } => Outcome::Skipped,
            Action::Missed { .. } | Action::MissedRange { .. } => Outcome::Missed,
        };
        let before = self.outcomes.insert((action.job().to_owned(), fire_at), outcome);
        assert_eq!(before, None, "recorded twice: {action:?}");
        true
    }

    fn start(&mut self, index: usize, fire_at: DateTime<Utc>, cancel: &[RunId]) -> Outcome {
        self.runs += 1;
        let running = &mut self.jobs[index].running;
        running.retain(|run| !cancel.contains(&run.id));
        running.push(RunRef { id: RunId(self.runs.to_string()), fire_at });
        Outcome::Fired
    }

    /// The oldest run of a job ends.
    pub fn end_run(&mut self, index: usize, succeeds: bool) {
        let state = &mut self.jobs[index];
        if state.running.is_empty() {
            return;
        }
        let run = state.running.remove(0);
        let interval = interval_of(&state.schedule, state.default_interval, run.fire_at);
        let name = state.job.clone();
        if succeeds {
            for state in self.jobs.iter_mut().filter(|state| state.schedule.after.contains(&name)) {
                state.succeeded.entry(name.clone()).or_default().push(interval);
            }
        }
    }

    /// Asserts that each firing up to a time was recorded once, and nothing else was.
    pub fn assert_complete(&self, until: DateTime<Utc>) {
        for state in &self.jobs {
            assert_eq!(state.waiting, [], "{}", state.job);
            let ranges = || self.ranges.iter().filter(|(job, ..)| *job == state.job);
            let times = |fire_at: &DateTime<Utc>| {
                let alone = self.outcomes.contains_key(&(state.job.clone(), *fire_at));
                usize::from(alone) + ranges().filter(|(_, after, last)| after < fire_at && fire_at <= last).count()
            };
            let due = firings(&state.schedule, state.enabled_since, until, usize::MAX);
            for fire_at in &due {
                assert_eq!(times(fire_at), 1, "{} {fire_at}", state.job);
            }
            let others =
                self.outcomes.keys().filter(|(job, fire_at)| *job == state.job && due.binary_search(fire_at).is_err());
            assert_eq!(others.count(), 0, "{}: recorded what was not due", state.job);
            assert!(ranges().all(|(_, after, last)| after < last && *last <= until));
        }
    }

    pub fn is_at_rest(&self) -> bool {
        self.jobs.iter().all(|state| state.running.is_empty() && state.waiting.is_empty())
    }

    /// The longest that a firing waits.
    pub fn wait_limit(&self) -> TimeDelta {
        self.jobs.iter().map(|state| state.schedule.wait_limit()).max().unwrap_or_default()
    }
}

fn covered(state: &JobState) -> DateTime<Utc> {
    state.last_fire_at.unwrap_or(state.enabled_since).max(state.enabled_since)
}
