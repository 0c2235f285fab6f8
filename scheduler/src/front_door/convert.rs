//! From what the service knows to the messages of the contract.

use std::time::Duration;

use chrono::{DateTime, Utc};
use fleet_jobs::catalog::{CatchUp, Concurrency, Job, Materialized, Model, Schedule, Unit};
use fleet_proto::v1;

use crate::cluster::StageView;
use crate::ledger::{
    Attempt, FailureKind, Origin, Run, RunState, ScheduleState, Step, StepKind, StepState, TableVersion, Tally,
    WholeRun,
};
use crate::schedule;
use crate::service::{Seen, StepSeen};

/// How many of a schedule's next firings are told.
const NEXT_FIRINGS: usize = 5;
/// Bits of a sequence for what changes without the ledger, and for the token of the leader that counts it.
const LIVE_BITS: u32 = 20;
const TOKEN_BITS: u32 = 20;

pub(super) fn timestamp(instant: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: instant.timestamp(),
        nanos: i32::try_from(instant.timestamp_subsec_nanos()).unwrap_or(0),
    }
}

pub(super) fn duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}

fn interval(interval: crate::ledger::Interval) -> v1::Interval {
    v1::Interval { start: Some(timestamp(interval.start)), end: Some(timestamp(interval.end)) }
}

/// A run without its steps.
pub(super) fn summary(run: &Run) -> v1::Run {
    let (origin, scheduled_for, backfill_id) = match &run.origin {
        Origin::Submitted => (v1::RunOrigin::Client, None, String::new()),
        Origin::Scheduled { fire_at, .. } => (v1::RunOrigin::Schedule, Some(timestamp(*fire_at)), String::new()),
        Origin::Backfill { id } => (v1::RunOrigin::Backfill, None, id.to_string()),
    };
    v1::Run {
        id: run.id.to_string(),
        sequence: sequence(run.version, 0, 0),
        job: run.job.clone().unwrap_or_default(),
        models: run.models.clone(),
        interval: run.interval.map(interval),
        parameters: run.parameters.clone(),
        priority: run.priority,
        verify: run.verify,
        submitted_by: run.submitted_by.clone(),
        origin: origin.into(),
        scheduled_for,
        backfill_id,
        state: run_state(run.state).into(),
        cancel_requested: run.cancel_requested,
        reason: reason(run),
        failure: run.failure.map_or(v1::FailureKind::Unspecified, failure).into(),
        submitted_at: Some(timestamp(run.submitted_at)),
        started_at: run.started_at.map(timestamp),
        ended_at: run.ended_at.map(timestamp),
        retries: run.retries,
        steps_done: 0,
        steps_total: 0,
        progress: None,
        steps: Vec::new(),
    }
}

/// A run without its steps, but with what they came to together.
pub(super) fn listed(run: &Run, tally: Option<&Tally>, seen: Option<&Seen>) -> v1::Run {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let tally = tally.cloned().unwrap_or_default();
    let stages: Vec<StageView> =
        seen.iter().flat_map(|seen| seen.steps.values()).flat_map(|step| step.stages.clone()).collect();
    let (rows_written, bytes_written) = (tally.rows, tally.bytes);
    v1::Run {
        steps_done: narrow(tally.steps_ended),
        steps_total: narrow(tally.steps),
        progress: Some(v1::Progress { rows_written, bytes_written, ..of_stages(&stages) }),
        ..summary(run)
    }
}

fn reason(run: &Run) -> String {
    let reason = run.reason.clone().unwrap_or_default();
    let cancelled = || {
        let by = run.cancelled_by.as_deref().map(|by| format!("cancelled by {by}")).unwrap_or_default();
        if reason.is_empty() || by.is_empty() { format!("{by}{reason}") } else { format!("{by}: {reason}") }
    };
    match (run.state, reason.is_empty()) {
        (RunState::Cancelled, _) => cancelled(),
        (RunState::Running, _) if run.cancel_requested => format!("{}; its tasks are being stopped", cancelled()),
        (RunState::Queued, true) => "waits for a place to run".to_owned(),
        _ => reason,
    }
}

/// A run with its steps, and with what the leader of this token knows of it beyond the ledger while it goes on.
pub(super) fn run(whole: &WholeRun, token: u64, seen: Option<&Seen>, now: DateTime<Utc>) -> v1::Run {
    let nothing = StepSeen::default();
    let mut steps: Vec<v1::Step> = whole
        .steps
        .iter()
        .map(|one| step(one, whole, seen.and_then(|seen| seen.steps.get(&one.name)).unwrap_or(&nothing)))
        .collect();
    if seen.is_some_and(|seen| seen.stalled) {
        for step in steps.iter_mut().filter(|step| !step.activity.is_empty()) {
            step.activity += ", but no executor is there";
        }
    }
    let mut run = summary(&whole.run);
    // Nothing but the ledger changes a run that waits or has ended.
    if whole.run.state == RunState::Running {
        run.sequence = sequence(whole.run.version, token, seen.map_or(0, |seen| seen.changes));
    }
    run.steps_total = count(steps.len());
    run.steps_done = count(whole.steps.iter().filter(|step| step.state.is_ended()).count());
    let mut progress = v1::Progress::default();
    for step in steps.iter().filter_map(|step| step.progress.as_ref()) {
        progress.tasks_done += step.tasks_done;
        progress.tasks_total += step.tasks_total;
        progress.rows_read += step.rows_read;
        progress.bytes_read += step.bytes_read;
        progress.rows_written += step.rows_written;
        progress.bytes_written += step.bytes_written;
    }
    progress.estimated_remaining = seen.and_then(|seen| remaining(&whole.run, seen, now)).map(duration);
    run.progress = Some(progress);
    run.steps = steps;
    run
}

/// Grows with what the ledger counted, then with the leader, and then with what the leader counted, which is forgotten
/// with it. A number stays at its highest where it has no more bits.
fn sequence(version: u64, token: u64, changes: u64) -> u64 {
    let low = |number: u64, bits: u32| number.min((1 << bits) - 1);
    version << (TOKEN_BITS + LIVE_BITS) | low(token, TOKEN_BITS) << LIVE_BITS | low(changes, LIVE_BITS)
}

/// What is left of the time that earlier runs took.
fn remaining(run: &Run, seen: &Seen, now: DateTime<Utc>) -> Option<Duration> {
    let expected = seen.expected.filter(|_| run.state == RunState::Running)?;
    expected.checked_sub((now - run.started_at?).to_std().ok()?)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn step(step: &Step, whole: &WholeRun, seen: &StepSeen) -> v1::Step {
    let stages: Vec<v1::Stage> = seen.stages.iter().zip(1..).map(|(view, number)| stage(view, number)).collect();
    let progress = v1::Progress {
        rows_written: if step.state == StepState::Succeeded { step.rows } else { 0 },
        bytes_written: if step.state == StepState::Succeeded { step.bytes } else { 0 },
        ..of_stages(&seen.stages)
    };
    let inputs = whole.inputs.iter().filter(|(name, _)| *name == step.name);
    v1::Step {
        name: step.name.clone(),
        kind: match step.kind {
            StepKind::Ingest => v1::StepKind::Ingest,
            StepKind::Model => v1::StepKind::Model,
        }
        .into(),
        state: step_state(step.state).into(),
        after: step.after.clone(),
        activity: if step.state == StepState::Running { seen.activity.clone() } else { String::new() },
        reason: step.reason.clone().unwrap_or_default(),
        attempts: whole.attempts.iter().filter(|attempt| attempt.step == step.name).map(attempt).collect(),
        started_at: step.started_at.map(timestamp),
        ended_at: step.ended_at.map(timestamp),
        progress: Some(progress),
        partitions: step.partitions,
        files: step.files,
        inputs: inputs.map(|(_, version)| table_version(version)).collect(),
        output: step.output.as_ref().map(table_version),
        verified: step.verified,
        published_rows: step.published_rows,
        stages,
    }
}

fn of_stages(stages: &[StageView]) -> v1::Progress {
    let sum = |of: fn(&StageView) -> u64| stages.iter().map(of).sum();
    v1::Progress {
        tasks_done: sum(|stage| stage.tasks_done.into()),
        tasks_total: sum(|stage| stage.tasks_total.into()),
        rows_read: sum(|stage| stage.rows_read),
        bytes_read: sum(|stage| stage.bytes_read),
        ..v1::Progress::default()
    }
}

fn attempt(attempt: &Attempt) -> v1::Attempt {
    v1::Attempt {
        number: u32::try_from(attempt.number).unwrap_or(u32::MAX),
        started_at: Some(timestamp(attempt.started_at)),
        ended_at: attempt.ended_at.map(timestamp),
        failure: attempt.failure.map_or(v1::FailureKind::Unspecified, failure).into(),
        reason: attempt.reason.clone().unwrap_or_default(),
        instance_id: attempt.instance.clone(),
    }
}

fn stage(stage: &StageView, number: u32) -> v1::Stage {
    v1::Stage {
        number,
        description: stage.description.clone(),
        tasks_total: stage.tasks_total,
        tasks_done: stage.tasks_done,
        tasks_running: stage.tasks_running,
        tasks_repeated: stage.tasks_repeated,
        rows: stage.rows,
        bytes: stage.bytes,
        started_at: stage.started_at.map(timestamp),
        ended_at: stage.ended_at.map(timestamp),
    }
}

pub(super) fn table_version(version: &TableVersion) -> v1::TableVersion {
    v1::TableVersion { table: version.table.clone(), version: version.version }
}

pub(super) fn run_state(state: RunState) -> v1::RunState {
    match state {
        RunState::Queued => v1::RunState::Queued,
        RunState::Running => v1::RunState::Running,
        RunState::Succeeded => v1::RunState::Succeeded,
        RunState::Failed => v1::RunState::Failed,
        RunState::Cancelled => v1::RunState::Cancelled,
    }
}

fn step_state(state: StepState) -> v1::StepState {
    match state {
        StepState::Pending => v1::StepState::Pending,
        StepState::Running => v1::StepState::Running,
        StepState::BackingOff => v1::StepState::BackingOff,
        StepState::Succeeded => v1::StepState::Succeeded,
        StepState::UpToDate => v1::StepState::UpToDate,
        StepState::Failed => v1::StepState::Failed,
        StepState::Cancelled => v1::StepState::Cancelled,
        StepState::Skipped => v1::StepState::Skipped,
    }
}

fn failure(kind: FailureKind) -> v1::FailureKind {
    match kind {
        FailureKind::Invalid => v1::FailureKind::Invalid,
        FailureKind::Check => v1::FailureKind::Check,
        FailureKind::Verify => v1::FailureKind::Verify,
        FailureKind::Query => v1::FailureKind::Query,
        FailureKind::Conflict => v1::FailureKind::Conflict,
        FailureKind::Cluster => v1::FailureKind::Cluster,
        FailureKind::Storage => v1::FailureKind::Storage,
        FailureKind::Database => v1::FailureKind::Database,
        FailureKind::Memory => v1::FailureKind::Memory,
        FailureKind::Timeout => v1::FailureKind::Timeout,
        FailureKind::Leader => v1::FailureKind::Leader,
        FailureKind::Internal => v1::FailureKind::Internal,
    }
}

pub(super) fn job(job: &Job, state: Option<&ScheduleState>, runs_max: usize, now: DateTime<Utc>) -> v1::Job {
    v1::Job {
        name: job.name.clone(),
        description: job.description.clone(),
        models: job.model_names(),
        ingest: job.ingest,
        default_interval: unit(job.default_interval).into(),
        schedule: job.schedule.as_ref().map(|schedule| scheduled(schedule, state, now)),
        running_max: count(job.running_max.map_or(runs_max, |max| max.get().min(runs_max))),
    }
}

fn scheduled(schedule: &Schedule, state: Option<&ScheduleState>, now: DateTime<Utc>) -> v1::Schedule {
    let paused = state.is_some_and(|state| state.paused);
    let pause = state.filter(|state| state.paused);
    let next = if paused { Vec::new() } else { schedule::next(schedule, now, NEXT_FIRINGS) };
    v1::Schedule {
        cron: schedule.cron.as_str().to_owned(),
        time_zone: schedule.time_zone.name().to_owned(),
        overlap: match schedule.concurrency {
            Concurrency::Allow => v1::OverlapPolicy::Allow,
            Concurrency::Forbid => v1::OverlapPolicy::Forbid,
            Concurrency::Replace => v1::OverlapPolicy::Replace,
        }
        .into(),
        catch_up: match schedule.catch_up {
            CatchUp::All => v1::CatchUpPolicy::All,
            CatchUp::Latest => v1::CatchUpPolicy::Latest,
            CatchUp::Skip => v1::CatchUpPolicy::Skip,
        }
        .into(),
        start_deadline: schedule.start_deadline.and_then(|deadline| deadline.to_std().ok()).map(duration),
        after_jobs: schedule.after.clone(),
        paused,
        paused_by: pause.and_then(|state| state.paused_by.clone()).unwrap_or_default(),
        paused_at: pause.and_then(|state| state.paused_at).map(timestamp),
        pause_reason: pause.and_then(|state| state.pause_reason.clone()).unwrap_or_default(),
        last_firing: state.and_then(|state| state.last_fire_at).map(timestamp),
        next_firings: next.into_iter().map(timestamp).collect(),
    }
}

fn unit(unit: Unit) -> v1::IntervalUnit {
    match unit {
        Unit::Day => v1::IntervalUnit::Day,
        Unit::Week => v1::IntervalUnit::Week,
        Unit::Month => v1::IntervalUnit::Month,
    }
}

pub(super) fn model(model: &Model) -> v1::Model {
    let header = &model.header;
    v1::Model {
        name: model.name.to_string(),
        description: header.description.clone(),
        grain: header.grain.clone(),
        key: header.key.clone(),
        materialisation: match header.materialized {
            Materialized::View => v1::Materialisation::View,
            Materialized::Whole => v1::Materialisation::Whole,
            Materialized::Partition => v1::Materialisation::Partition,
        }
        .into(),
        partition: header.partition.clone().unwrap_or_default(),
        unit: header.unit.map_or(v1::IntervalUnit::Unspecified, unit).into(),
        inputs: model.inputs.iter().map(ToString::to_string).collect(),
        parameters: header
            .parameters
            .iter()
            .map(|(name, value)| v1::ModelParameter { name: name.clone(), default_value: *value })
            .collect(),
        publish: header.publish,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_does_not_go_back_with_a_new_leader() {
        let counted = sequence(35, 4, 91);
        assert!(sequence(35, 4, 92) > counted);
        assert!(sequence(35, 5, 0) > counted, "the next leader knows nothing of what this one counted");
        assert!(sequence(36, 0, 0) > sequence(35, u64::MAX, u64::MAX), "the run waits or has ended");
    }
}
