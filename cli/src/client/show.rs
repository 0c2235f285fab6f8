//! `fleet runs show`: a run with its steps as a tree.

use fleet_proto::v1::{Attempt, FailureKind, GetRunRequest, Run, Step, TableVersion};

use super::connect::Client;
use super::error::Error;
use super::json;
use super::options::RunsShow;
use super::text::{self, Tree};
use crate::display::{grouped, say};

pub async fn show(client: &mut Client, options: &RunsShow, json: bool) -> Result<(), Error> {
    let run = get(client, &options.run).await?;
    if json {
        say(json::run(&run));
    } else {
        in_full(&run).iter().for_each(say);
    }
    Ok(())
}

pub async fn get(client: &mut Client, run_id: &str) -> Result<Run, Error> {
    let response = client.call(format!("show run {run_id}"), |mut services| {
        let request = GetRunRequest { run_id: run_id.to_owned() };
        async move { services.jobs.get_run(request).await }
    });
    Ok(response.await?.run.unwrap_or_default())
}

fn in_full(run: &Run) -> Vec<String> {
    let mut lines = about(run);
    let mut tree = Tree::new(format!("steps        {} of {} are over", run.steps_done, run.steps_total));
    run.steps.iter().for_each(|step| tree.push(step_tree(step)));
    lines.extend(tree.lines());
    lines
}

fn about(run: &Run) -> Vec<String> {
    let mut state = text::run_state(run.state);
    if run.failure() != FailureKind::Unspecified {
        state.push_str(&format!(" ({})", text::failure(run.failure)));
    }
    if run.cancel_requested {
        state.push_str(", asked to stop");
    }
    if !run.reason.is_empty() {
        state.push_str(&format!(": {}", run.reason));
    }
    let parameters = run.parameters.iter().map(|(name, value)| format!("{name}={value}"));
    let mut by = format!("{} ({})", run.submitted_by, text::origin(run.origin));
    if run.scheduled_for.is_some() {
        by.push_str(&format!(" for {}", text::instant(run.scheduled_for.as_ref())));
    }
    let took = text::elapsed(run.started_at.as_ref(), run.ended_at.as_ref()).map(text::seconds);
    let ended = text::instant(run.ended_at.as_ref());
    let progress = run.progress.as_ref();
    text::fields(&[
        ("run", run.id.clone()),
        ("job", run.job.clone()),
        ("models", run.models.join(", ")),
        ("interval", text::interval(run.interval.as_ref())),
        ("parameters", parameters.collect::<Vec<_>>().join(", ")),
        ("state", state),
        ("by", by),
        ("backfill", run.backfill_id.clone()),
        ("priority", if run.priority == 0 { String::new() } else { run.priority.to_string() }),
        ("verify", if run.verify { "yes".to_owned() } else { String::new() }),
        ("submitted", text::instant(run.submitted_at.as_ref())),
        ("started", text::instant(run.started_at.as_ref())),
        ("ended", took.map(|took| format!("{ended}, after {took}")).unwrap_or(ended)),
        ("retries", if run.retries == 0 { String::new() } else { run.retries.to_string() }),
        ("read", progress.map(|done| amount(done.rows_read, done.bytes_read)).unwrap_or_default()),
        ("written", progress.map(|done| amount(done.rows_written, done.bytes_written)).unwrap_or_default()),
    ])
}

fn amount(rows: u64, bytes: u64) -> String {
    format!("{} ({})", text::rows(rows), text::bytes(bytes))
}

fn step_tree(step: &Step) -> Tree {
    let mut parts = vec![format!("{}, {}", text::step_kind(step.kind), text::spoken(&text::step_state(step.state)))];
    if !step.activity.is_empty() {
        parts.push(step.activity.clone());
    }
    parts.extend(text::elapsed(step.started_at.as_ref(), step.ended_at.as_ref()).map(text::seconds));
    parts.extend(step.verified.then(|| "verified".to_owned()));
    let reason = if step.reason.is_empty() { String::new() } else { format!(": {}", step.reason) };
    let mut tree = Tree::new(format!("{:<34} {}{reason}", step.name, parts.join(", ")));
    if !step.after.is_empty() {
        tree.leaf(format!("after        {}", step.after.join(", ")));
    }
    step.attempts.iter().for_each(|attempt| tree.leaf(attempt_line(attempt)));
    if !step.inputs.is_empty() {
        let inputs: Vec<String> = step.inputs.iter().map(version).collect();
        tree.leaf(format!("inputs       {}", inputs.join(", ")));
    }
    if let Some(progress) = step.progress.as_ref().filter(|progress| progress.rows_read + progress.bytes_read > 0) {
        tree.leaf(format!("read         {}", amount(progress.rows_read, progress.bytes_read)));
    }
    if let Some(progress) = step.progress.as_ref().filter(|progress| progress.rows_written > 0) {
        let (files, partitions) = (grouped(step.files), grouped(step.partitions));
        let amount = amount(progress.rows_written, progress.bytes_written);
        tree.leaf(format!("written      {amount}, files: {files}, partitions: {partitions}"));
    }
    if let Some(rows) = step.published_rows {
        tree.leaf(format!("published    {}", text::rows(rows)));
    }
    if let Some(output) = &step.output {
        tree.leaf(format!("output       {}", version(output)));
    }
    tree
}

fn attempt_line(attempt: &Attempt) -> String {
    let began = text::instant(attempt.started_at.as_ref());
    let how = match (attempt.failure(), attempt.ended_at.is_some()) {
        (FailureKind::Unspecified, true) => "done".to_owned(),
        (FailureKind::Unspecified, false) => "under way".to_owned(),
        _ => format!("failed ({})", text::failure(attempt.failure)),
    };
    let took = text::elapsed(attempt.started_at.as_ref(), attempt.ended_at.as_ref()).map(text::seconds);
    let took = took.map(|took| format!(" after {took}")).unwrap_or_default();
    let reason = if attempt.reason.is_empty() { String::new() } else { format!(": {}", attempt.reason) };
    format!("attempt {:<4} {began} {how}{took}, led by {}{reason}", attempt.number, attempt.instance_id)
}

fn version(version: &TableVersion) -> String {
    format!("{} version {}", version.table, version.version)
}

#[cfg(test)]
mod tests {
    use fleet_proto::v1::{Interval, Progress, RunOrigin, RunState, StepKind, StepState};
    use prost_types::Timestamp;

    use super::*;

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds: 1_773_014_400 + seconds, nanos: 0 })
    }

    fn table(table: &str, version: u64) -> TableVersion {
        TableVersion { table: table.to_owned(), version }
    }

    fn attempt(number: u32, failure: FailureKind, reason: &str) -> Attempt {
        let (started_at, ended_at) = (at(i64::from(number) * 10), at(i64::from(number) * 10 + 3));
        let (reason, instance_id) = (reason.to_owned(), "s1".to_owned());
        Attempt { number, started_at, ended_at, failure: failure.into(), reason, instance_id }
    }

    fn failed_run() -> Run {
        let progress = Progress {
            rows_read: 1022,
            bytes_read: 4096,
            rows_written: 1019,
            bytes_written: 2048,
            ..Progress::default()
        };
        let ingested = Step {
            name: "source.events".to_owned(),
            kind: StepKind::Ingest.into(),
            state: StepState::Succeeded.into(),
            attempts: vec![
                attempt(1, FailureKind::Storage, "s3://airline: refused, expected 200"),
                attempt(2, FailureKind::Unspecified, ""),
            ],
            started_at: at(10),
            ended_at: at(23),
            progress: Some(progress),
            partitions: 7,
            files: 7,
            output: Some(table("source.events", 12)),
            ..Step::default()
        };
        let checked = Step {
            name: "reliability.component".to_owned(),
            kind: StepKind::Model.into(),
            state: StepState::Failed.into(),
            after: vec!["source.events".to_owned()],
            reason: "3 rows without part_number, expected none".to_owned(),
            attempts: vec![attempt(3, FailureKind::Check, "3 rows without part_number, expected none")],
            inputs: vec![table("source.events", 12), table("source.flights", 4)],
            ..Step::default()
        };
        Run {
            id: "7".to_owned(),
            job: "weekly".to_owned(),
            models: vec!["reliability.component".to_owned()],
            interval: Some(Interval { start: at(0), end: at(7 * 86_400) }),
            parameters: [("confidence".to_owned(), 0.9)].into(),
            priority: 5,
            submitted_by: "ann".to_owned(),
            origin: RunOrigin::Client.into(),
            state: RunState::Failed.into(),
            failure: FailureKind::Check.into(),
            reason: "reliability.component broke a check".to_owned(),
            submitted_at: at(0),
            started_at: at(10),
            ended_at: at(195),
            steps_done: 2,
            steps_total: 2,
            steps: vec![ingested, checked],
            ..Run::default()
        }
    }

    #[test]
    fn a_run_is_shown_with_all_that_its_steps_did() {
        assert_eq!(
            in_full(&failed_run()).join("\n"),
            "\
run          7
job          weekly
models       reliability.component
interval     2026-03-09..2026-03-16
parameters   confidence=0.9
state        failed (check): reliability.component broke a check
by           ann (client)
priority     5
submitted    2026-03-09T00:00:00Z
started      2026-03-09T00:00:10Z
ended        2026-03-09T00:03:15Z, after 3 min 05 s
steps        2 of 2 are over
├─ source.events                      ingest, succeeded, 13.0 s
│  ├─ attempt 1    2026-03-09T00:00:10Z failed (storage) after 3.0 s, led by s1: s3://airline: refused, expected 200
│  ├─ attempt 2    2026-03-09T00:00:20Z done after 3.0 s, led by s1
│  ├─ read         1 022 rows (4.0 KiB)
│  ├─ written      1 019 rows (2.0 KiB), files: 7, partitions: 7
│  └─ output       source.events version 12
└─ reliability.component              model, failed: 3 rows without part_number, expected none
   ├─ after        source.events
   ├─ attempt 3    2026-03-09T00:00:30Z failed (check) after 3.0 s, led by s1: 3 rows without part_number, expected none
   └─ inputs       source.events version 12, source.flights version 4"
        );
    }
}
