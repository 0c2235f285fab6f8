//! Which queued runs start next: pure, no database.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::{BackfillId, Origin, Run, RunId};

/// What is to be known of a run to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEntry {
    pub id: RunId,
    pub job: Option<String>,
    pub submitted_by: String,
    pub priority: i32,
    pub submitted_at: DateTime<Utc>,
    pub backfill: Option<BackfillId>,
    /// How many runs of that backfill may run at once. None where there is no backfill, and of a run that runs.
    pub parallelism: Option<u32>,
}

/// How many runs may run at once. Runs without a job, and jobs not named, are limited by `runs_max` only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub runs_max: usize,
    pub job_runs_max: BTreeMap<String, usize>,
}

impl From<&Run> for QueueEntry {
    fn from(run: &Run) -> Self {
        Self {
            id: run.id,
            job: run.job.clone(),
            submitted_by: run.submitted_by.clone(),
            priority: run.priority,
            submitted_at: run.submitted_at,
            backfill: match run.origin {
                Origin::Backfill { id } => Some(id),
                Origin::Submitted | Origin::Scheduled { .. } => None,
            },
            parallelism: None,
        }
    }
}

/// The runs to start now, in this order: higher priority first; then the submitter with the fewest runs that run or
/// were just chosen; then the run that was submitted first, and of a backfill that of the earliest interval. A run
/// whose job or backfill has reached its limit is passed over and holds up nobody.
pub fn choose(queued: &[QueueEntry], running: &[QueueEntry], limits: &Limits) -> Vec<RunId> {
    let mut usage = Usage::default();
    running.iter().for_each(|entry| usage.add(entry));
    let mut waiting: Vec<&QueueEntry> = queued.iter().collect();
    let mut chosen = Vec::new();
    while running.len() + chosen.len() < limits.runs_max {
        waiting.retain(|entry| usage.allows(entry, limits));
        let next = waiting.iter().enumerate().min_by_key(|(_, entry)| {
            (Reverse(entry.priority), usage.of_submitter(entry), entry.submitted_at, entry.id)
        });
        let Some((index, _)) = next else { break };
        let entry = waiting.swap_remove(index);
        usage.add(entry);
        chosen.push(entry.id);
    }
    chosen
}

#[derive(Default)]
struct Usage<'a> {
    submitters: HashMap<&'a str, usize>,
    jobs: HashMap<&'a str, usize>,
    backfills: HashMap<BackfillId, usize>,
}

impl<'a> Usage<'a> {
    fn add(&mut self, entry: &'a QueueEntry) {
        *self.submitters.entry(&entry.submitted_by).or_default() += 1;
        if let Some(job) = &entry.job {
            *self.jobs.entry(job).or_default() += 1;
        }
        if let Some(backfill) = entry.backfill {
            *self.backfills.entry(backfill).or_default() += 1;
        }
    }

    fn of_submitter(&self, entry: &QueueEntry) -> usize {
        self.submitters.get(entry.submitted_by.as_str()).copied().unwrap_or(0)
    }

    fn allows(&self, entry: &QueueEntry, limits: &Limits) -> bool {
        self.backfill_allows(entry) && self.job_allows(entry, limits)
    }

    fn backfill_allows(&self, entry: &QueueEntry) -> bool {
        let Some((backfill, max)) = entry.backfill.zip(entry.parallelism) else { return true };
        self.backfills.get(&backfill).is_none_or(|runs| *runs < max as usize)
    }

    fn job_allows(&self, entry: &QueueEntry, limits: &Limits) -> bool {
        let Some(job) = entry.job.as_deref() else { return true };
        let runs = self.jobs.get(job).copied().unwrap_or(0);
        limits.job_runs_max.get(job).is_none_or(|max| runs < *max)
    }
}
