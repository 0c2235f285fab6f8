//! What is known of a run that goes on beyond what the ledger keeps: what its steps do right now, and how far their
//! stages have come. It is lost with the leader, and nothing depends on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cluster::StageView;

#[derive(Debug, Default)]
pub struct Live {
    seen: Mutex<Seen>,
}

/// As of one moment.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Grows with each change.
    pub changes: u64,
    pub steps: BTreeMap<String, StepSeen>,
    /// What earlier runs of the same job took.
    pub expected: Option<Duration>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepSeen {
    /// In a word or two; empty unless it runs.
    pub activity: String,
    /// Of the jobs that are over in this attempt, then of the one that goes on.
    pub stages: Vec<StageView>,
    /// How many of them are of jobs that are over.
    over: usize,
}

impl Live {
    pub fn seen(&self) -> Seen {
        self.locked().clone()
    }

    pub fn expect(&self, expected: Option<Duration>) {
        self.locked().expected = expected;
    }

    /// An attempt begins, and everything of the one before is forgotten.
    pub fn begins(&self, step: &str) {
        let mut seen = self.locked();
        seen.changes += 1;
        seen.steps.insert(step.to_owned(), StepSeen::default());
    }

    pub fn does(&self, step: &str, activity: &str) {
        let mut seen = self.locked();
        seen.changes += 1;
        activity.clone_into(&mut seen.steps.entry(step.to_owned()).or_default().activity);
    }

    /// The stages of the step's job as they stand. True if that is news.
    pub fn reached(&self, step: &str, stages: Vec<StageView>) -> bool {
        let mut seen = self.locked();
        let known = seen.steps.entry(step.to_owned()).or_default();
        if known.stages[known.over..] == stages[..] {
            return false;
        }
        // Another job than before has other stages, or the same ones from the beginning.
        let is_another = |former: &[StageView]| {
            former.len() != stages.len()
                || former
                    .iter()
                    .zip(&stages)
                    .any(|(former, now)| former.description != now.description || former.tasks_done > now.tasks_done)
        };
        if is_another(&known.stages[known.over..]) {
            known.over = known.stages.len();
        }
        known.stages.truncate(known.over);
        known.stages.extend(stages);
        seen.changes += 1;
        true
    }

    fn locked(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(description: &str, tasks_done: u32) -> StageView {
        StageView {
            number: 1,
            description: description.to_owned(),
            tasks_total: 4,
            tasks_done,
            tasks_running: 0,
            tasks_repeated: 0,
            rows: 0,
            bytes: 0,
            rows_read: 0,
            bytes_read: 0,
            started_at: None,
            ended_at: None,
        }
    }

    #[test]
    fn stages_of_one_job_after_another_add_up() {
        let live = Live::default();
        live.begins("a.b");
        assert!(live.reached("a.b", vec![stage("write", 1)]));
        assert!(!live.reached("a.b", vec![stage("write", 1)]));
        assert!(live.reached("a.b", vec![stage("write", 4)]));
        assert!(live.reached("a.b", vec![stage("check", 0)]));
        let stages = live.seen().steps["a.b"].stages.clone();
        assert_eq!(stages, [stage("write", 4), stage("check", 0)]);
        live.begins("a.b");
        assert_eq!(live.seen().steps["a.b"].stages, []);
    }
}
