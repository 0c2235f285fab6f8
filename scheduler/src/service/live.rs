//! What is known of a run that goes on beyond what the ledger keeps: what its steps do right now, and how far their
//! stages have come. It is lost with the leader, and nothing depends on it.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Whether nothing can be computed, as no executor is there.
    pub stalled: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepSeen {
    /// In a word or two; empty unless it runs.
    pub activity: String,
    /// Of the jobs that are over in this attempt, then of the one that goes on.
    pub stages: Vec<StageView>,
    /// The jobs that are over: what is seen of them later was looked at before.
    over: BTreeSet<String>,
    ended: bool,
}

impl Live {
    pub fn seen(&self) -> Seen {
        self.locked().clone()
    }

    pub fn expect(&self, expected: Option<Duration>) {
        self.locked().expected = expected;
    }

    /// Whether an executor is there. True if that is news.
    pub fn stalls(&self, stalled: bool) -> bool {
        let mut seen = self.locked();
        let news = seen.stalled != stalled;
        seen.stalled = stalled;
        seen.changes += u64::from(news);
        news
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
        let known = seen.steps.entry(step.to_owned()).or_default();
        if known.ended {
            *known = StepSeen::default();
        }
        activity.clone_into(&mut known.activity);
    }

    /// The stages of one of the step's jobs as they stand. True if that is news.
    pub fn reached(&self, step: &str, job: &str, stages: Vec<StageView>) -> bool {
        let mut seen = self.locked();
        let known = seen.steps.entry(step.to_owned()).or_default();
        if known.ended || known.over.contains(job) || known.of(job).eq(&stages) {
            return false;
        }
        known.replace(job, stages);
        seen.changes += 1;
        true
    }

    /// One of the step's jobs is over, and these are the stages that ran: what was not looked at in time is known by them.
    pub fn ran(&self, step: &str, executed: &[Stage]) {
        let Some(job) = executed.first().map(|stage| stage.job.as_str()) else { return };
        let mut seen = self.locked();
        let known = seen.steps.entry(step.to_owned()).or_default();
        let as_ran = |stage: &Stage| {
            let former = known.of(job).find(|former| former.number == stage.id).cloned();
            let former = former.unwrap_or_else(|| view(stage));
            let mut ran = StageView {
                tasks_total: stage.partitions,
                rows_read: former.rows_read.max(stage.rows_scanned),
                bytes_read: former.bytes_read.max(stage.bytes_scanned),
                ..former
            };
            complete(&mut ran);
            ran
        };
        let stages = executed.iter().map(as_ran).collect();
        known.replace(job, stages);
        known.over.insert(job.to_owned());
        seen.changes += 1;
    }

    /// The step has ended; if it succeeded, so did all its jobs, looked at or not.
    pub fn ends(&self, step: &str, succeeded: bool) {
        let mut seen = self.locked();
        let known = seen.steps.entry(step.to_owned()).or_default();
        known.activity.clear();
        known.ended = true;
        if succeeded {
            known.stages.iter_mut().for_each(complete);
        }
        seen.changes += 1;
    }

    fn locked(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StepSeen {
    fn of(&self, job: &str) -> impl Iterator<Item = &StageView> {
        self.stages.iter().filter(move |stage| stage.job == job)
    }

    fn replace(&mut self, job: &str, stages: Vec<StageView>) {
        self.stages.retain(|stage| stage.job != job);
        self.stages.extend(stages);
    }
}

fn complete(stage: &mut StageView) {
    stage.tasks_done = stage.tasks_total;
    stage.tasks_running = 0;
}

fn view(stage: &Stage) -> StageView {
    let names = stage.operators.iter().filter_map(|(_, operator, _)| operator.split([':', ' ']).next());
    StageView {
        job: stage.job.clone(),
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

    fn stage(job: &str, tasks_done: u32) -> StageView {
        StageView { job: job.to_owned(), number: 1, tasks_total: 4, tasks_done, ..StageView::default() }
    }

    fn executed(job: &str, id: u32) -> Stage {
        Stage { job: job.to_owned(), id, partitions: 4, ..Stage::default() }
    }

    #[test]
    fn stages_of_one_job_after_another_add_up() {
        let live = Live::default();
        live.begins("a.b");
        assert!(live.reached("a.b", "write", vec![stage("write", 1)]));
        assert!(!live.reached("a.b", "write", vec![stage("write", 1)]));
        assert!(live.reached("a.b", "write", vec![stage("write", 4)]));
        assert!(live.reached("a.b", "check", vec![stage("check", 0)]));
        let stages = live.seen().steps["a.b"].stages.clone();
        assert_eq!(stages, [stage("write", 4), stage("check", 0)]);
        live.begins("a.b");
        assert_eq!(live.seen().steps["a.b"].stages, []);
    }

    #[test]
    fn a_job_that_is_over_had_all_its_tasks_done() {
        let live = Live::default();
        live.begins("a.b");
        live.reached("a.b", "write", vec![stage("write", 1)]);
        live.ran("a.b", &[executed("write", 1), executed("write", 2)]);
        let stages = live.seen().steps["a.b"].stages.clone();
        assert_eq!(stages[0], stage("write", 4));
        assert_eq!((stages[1].number, stages[1].tasks_done), (2, 4));
        assert!(!live.reached("a.b", "write", vec![stage("write", 1)]), "looked at before it was over");
    }

    #[test]
    fn jobs_of_a_step_that_succeeded_did_so_too() {
        let live = Live::default();
        live.does("a.b", "computing");
        live.reached("a.b", "check", vec![stage("check", 1)]);
        live.ends("a.b", true);
        assert!(!live.reached("a.b", "check", vec![stage("check", 2)]), "looked at before the step had ended");
        assert_eq!(live.seen().steps["a.b"].stages, [stage("check", 4)]);
        live.does("a.b", "computing");
        assert_eq!(live.seen().steps["a.b"].stages, []);
    }
}
