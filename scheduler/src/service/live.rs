//! What is known of a run that goes on beyond what the ledger keeps: what its steps do right now, and how far their
//! stages have come. It is lost with the leader, and nothing depends on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleet_jobs::engine::Stage;

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

    /// The step's job is over, and these are the stages that ran: what was not looked at in time is known by them.
    pub fn ran(&self, step: &str, executed: &[Stage]) {
        let mut seen = self.locked();
        let known = seen.steps.entry(step.to_owned()).or_default();
        let looked_at = known.stages.split_off(known.over);
        let as_ran = |stage: &Stage| {
            let former = looked_at.iter().find(|former| former.number == stage.id).cloned();
            let former = former.unwrap_or_else(|| view(stage));
            StageView {
                tasks_done: stage.partitions,
                tasks_total: stage.partitions,
                tasks_running: 0,
                rows_read: former.rows_read.max(stage.rows_scanned),
                bytes_read: former.bytes_read.max(stage.bytes_scanned),
                ..former
            }
        };
        known.stages.extend(executed.iter().map(as_ran));
        known.over = known.stages.len();
        seen.changes += 1;
    }

    fn locked(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn view(stage: &Stage) -> StageView {
    let names = stage.operators.iter().filter_map(|(_, operator, _)| operator.split([':', ' ']).next());
    StageView {
        number: stage.id,
        description: names.map(|name| name.trim_end_matches("Exec")).collect::<Vec<_>>().join(" < "),
        tasks_total: stage.partitions,
        tasks_done: stage.partitions,
        rows_read: stage.rows_scanned,
        bytes_read: stage.bytes_scanned,
        ..StageView::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(description: &str, tasks_done: u32) -> StageView {
        StageView { number: 1, description: description.to_owned(), tasks_total: 4, tasks_done, ..StageView::default() }
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

    #[test]
    fn a_job_that_is_over_had_all_its_tasks_done() {
        let live = Live::default();
        live.begins("a.b");
        live.reached("a.b", vec![stage("write", 1)]);
        let executed = |id| Stage { id, partitions: 4, ..Stage::default() };
        live.ran("a.b", &[executed(1), executed(2)]);
        let stages = live.seen().steps["a.b"].stages.clone();
        assert_eq!(stages[0], stage("write", 4));
        assert_eq!((stages[1].number, stages[1].tasks_done), (2, 4));
    }
}
