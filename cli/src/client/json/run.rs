//! Runs with all that is in them.

use fleet_proto::v1::{
    Attempt, BackfillResponse, Interval, Progress, Run, Stage, Step, SubmitRunResponse, TableVersion, WatchRunResponse,
};
use serde_json::{Value, json};

use super::{instant, list, optional, seconds};
use crate::client::text;

pub fn submitted(response: &SubmitRunResponse) -> Value {
    json!({ "run": optional(response.run.as_ref(), run), "existed": response.existed })
}

pub fn backfilled(response: &BackfillResponse) -> Value {
    json!({ "backfill_id": response.backfill_id, "run_ids": response.run_ids, "existed": response.existed })
}

pub fn watched(message: &WatchRunResponse) -> Value {
    json!({
        "run": optional(message.run.as_ref(), run),
        "changed_steps": message.changed_steps,
        "observed_at": instant(message.observed_at.as_ref()),
    })
}

pub fn run(run: &Run) -> Value {
    json!({
        "id": run.id,
        "sequence": run.sequence,
        "job": run.job,
        "models": run.models,
        "interval": optional(run.interval.as_ref(), interval),
        "parameters": run.parameters,
        "priority": run.priority,
        "verify": run.verify,
        "submitted_by": run.submitted_by,
        "origin": text::origin(run.origin),
        "scheduled_for": instant(run.scheduled_for.as_ref()),
        "backfill_id": run.backfill_id,
        "state": text::run_state(run.state),
        "cancel_requested": run.cancel_requested,
        "reason": run.reason,
        "failure": text::failure(run.failure),
        "submitted_at": instant(run.submitted_at.as_ref()),
        "started_at": instant(run.started_at.as_ref()),
        "ended_at": instant(run.ended_at.as_ref()),
        "retries": run.retries,
        "steps_done": run.steps_done,
        "steps_total": run.steps_total,
        "progress": optional(run.progress.as_ref(), progress),
        "steps": list(&run.steps, step),
    })
}

fn interval(interval: &Interval) -> Value {
    json!({ "start": instant(interval.start.as_ref()), "end": instant(interval.end.as_ref()) })
}

fn progress(progress: &Progress) -> Value {
    json!({
        "tasks_done": progress.tasks_done,
        "tasks_total": progress.tasks_total,
        "rows_read": progress.rows_read,
        "bytes_read": progress.bytes_read,
        "rows_written": progress.rows_written,
        "bytes_written": progress.bytes_written,
        "estimated_remaining": seconds(progress.estimated_remaining.as_ref()),
    })
}

fn step(step: &Step) -> Value {
    json!({
        "name": step.name,
        "kind": text::step_kind(step.kind),
        "state": text::step_state(step.state),
        "after": step.after,
        "activity": step.activity,
        "reason": step.reason,
        "attempts": list(&step.attempts, attempt),
        "started_at": instant(step.started_at.as_ref()),
        "ended_at": instant(step.ended_at.as_ref()),
        "progress": optional(step.progress.as_ref(), progress),
        "partitions": step.partitions,
        "files": step.files,
        "inputs": list(&step.inputs, table_version),
        "output": optional(step.output.as_ref(), table_version),
        "verified": step.verified,
        "published_rows": step.published_rows,
        "stages": list(&step.stages, stage),
    })
}

fn attempt(attempt: &Attempt) -> Value {
    json!({
        "number": attempt.number,
        "started_at": instant(attempt.started_at.as_ref()),
        "ended_at": instant(attempt.ended_at.as_ref()),
        "failure": text::failure(attempt.failure),
        "reason": attempt.reason,
        "instance_id": attempt.instance_id,
    })
}

fn stage(stage: &Stage) -> Value {
    json!({
        "number": stage.number,
        "description": stage.description,
        "tasks_total": stage.tasks_total,
        "tasks_done": stage.tasks_done,
        "tasks_running": stage.tasks_running,
        "tasks_repeated": stage.tasks_repeated,
        "rows": stage.rows,
        "bytes": stage.bytes,
        "started_at": instant(stage.started_at.as_ref()),
        "ended_at": instant(stage.ended_at.as_ref()),
    })
}

pub fn table_version(version: &TableVersion) -> Value {
    json!({ "table": version.table, "version": version.version })
}

#[cfg(test)]
mod tests {
    use prost_types::{Duration, Timestamp};

    use super::*;

    #[test]
    fn a_run_has_words_instants_seconds_and_nulls() {
        let told = run(&Run {
            id: "7".to_owned(),
            state: 2,
            failure: 0,
            submitted_at: Some(Timestamp { seconds: 1_772_409_600, nanos: 500_000_000 }),
            parameters: [("confidence".to_owned(), 0.9)].into(),
            progress: Some(Progress {
                tasks_done: 3,
                estimated_remaining: Some(Duration { seconds: 90, nanos: 500_000_000 }),
                ..Progress::default()
            }),
            steps: vec![Step {
                state: 5,
                output: Some(TableVersion { table: "a.b".to_owned(), version: 4 }),
                ..Step::default()
            }],
            ..Run::default()
        });
        assert_eq!(told["state"], "running");
        assert_eq!(told["submitted_at"], "2026-03-02T00:00:00.500Z");
        assert_eq!(told["ended_at"], Value::Null);
        assert_eq!(told["progress"]["estimated_remaining"], 90.5);
        assert_eq!(told["parameters"], json!({ "confidence": 0.9 }));
        assert_eq!(told["steps"][0]["state"], "up_to_date");
        assert_eq!(told["steps"][0]["output"], json!({ "table": "a.b", "version": 4 }));
        assert_eq!(told["steps"][0]["published_rows"], Value::Null);
    }
}
