//! What changed in a run from one message to a later one, each in a line. Pure.

use fleet_proto::v1::{FailureKind, Progress, Run, RunState, Step, StepState};

use crate::client::follow::ended;
use crate::client::text;
use crate::display::grouped;

/// A line, and whether it is worth to stand when the run has gone on.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    pub text: String,
    pub lasting: bool,
}

/// The changes since `previous`, or all there is to say where there is none. Messages between the two may be missing.
pub fn changes(previous: Option<&Run>, run: &Run) -> Vec<Change> {
    let mut changes = Vec::new();
    let state = |run: &Run| (run.state, run.reason.clone(), run.cancel_requested);
    let changed = previous.map(state).as_ref() != Some(&state(run));
    // A run begins before its steps do, and ends after them.
    let over = ended(run);
    if changed && !over {
        changes.push(Change { text: run_line(run), lasting: false });
    }
    for step in &run.steps {
        let before = previous.and_then(|previous| previous.steps.iter().find(|before| before.name == step.name));
        step_changes(before, step, &mut changes);
    }
    if changed && over {
        // How it failed is the command's error, and would be told twice.
        changes.push(Change { text: run_line(run), lasting: run.state() == RunState::Succeeded });
    }
    changes
}

fn step_changes(before: Option<&Step>, step: &Step, changes: &mut Vec<Change>) {
    let failed =
        |step: &Step| step.attempts.iter().filter(|attempt| attempt.failure() != FailureKind::Unspecified).count();
    for attempt in step
        .attempts
        .iter()
        .filter(|attempt| attempt.failure() != FailureKind::Unspecified)
        .skip(before.map_or(0, failed))
    {
        let (kind, took) = (
            text::failure(attempt.failure),
            took(text::elapsed(attempt.started_at.as_ref(), attempt.ended_at.as_ref())),
        );
        let reason = if attempt.reason.is_empty() { String::new() } else { format!(": {}", attempt.reason) };
        let what = format!("attempt {} failed ({kind}){took}{reason}", attempt.number);
        changes.push(Change { text: line(&step.name, &what), lasting: true });
    }
    let shown = |step: &Step| (step.state, step.activity.clone(), step.attempts.len());
    let pending = step.state() == StepState::Pending && before.is_none();
    if before.map(shown).as_ref() != Some(&shown(step)) && !pending {
        changes.push(Change { text: line(&step.name, &step_state(step)), lasting: step_over(step) });
    }
}

fn line(step: &str, what: &str) -> String {
    format!("  {step:<34} {what}")
}

pub fn step_over(step: &Step) -> bool {
    !matches!(step.state(), StepState::Unspecified | StepState::Pending | StepState::Running | StepState::BackingOff)
}

fn took(seconds: Option<f64>) -> String {
    seconds.map(|seconds| format!(" after {}", text::seconds(seconds))).unwrap_or_default()
}

/// `succeeded, 7 132 rows, 1.1 MiB, 1.3 s, verified`.
fn step_state(step: &Step) -> String {
    let state = text::spoken(&text::step_state(step.state));
    let reason = if step.reason.is_empty() { String::new() } else { format!(": {}", step.reason) };
    match step.state() {
        StepState::Running => {
            let attempt = step.attempts.len().max(1);
            let doing = if step.activity.is_empty() { "running" } else { &step.activity };
            if attempt > 1 { format!("{doing}, attempt {attempt}") } else { doing.to_owned() }
        }
        StepState::Succeeded => {
            let mut parts = vec![state];
            if let Some(progress) = &step.progress {
                parts.extend([text::rows(progress.rows_written), text::bytes(progress.bytes_written)]);
            }
            parts.extend(text::elapsed(step.started_at.as_ref(), step.ended_at.as_ref()).map(text::seconds));
            parts.extend(step.published_rows.map(|rows| format!("{} published", grouped(rows))));
            parts.extend(step.verified.then(|| "verified".to_owned()));
            parts.join(", ")
        }
        StepState::Failed => {
            format!("{state}{}", took(text::elapsed(step.started_at.as_ref(), step.ended_at.as_ref()))) + &reason
        }
        _ => format!("{state}{reason}"),
    }
}

/// `run 0197… weekly: succeeded in 3 min 05 s, 12 of 12 steps, read 1 204 rows (30.1 MiB), wrote 7 rows (1.0 KiB)`.
pub fn run_line(run: &Run) -> String {
    let mut text = format!("run {} ({}): {}", run.id, target(run), text::spoken(&text::run_state(run.state)));
    if ended(run) {
        let took = text::elapsed(run.started_at.as_ref(), run.ended_at.as_ref());
        text.push_str(&took.map(|seconds| format!(" in {}", text::seconds(seconds))).unwrap_or_default());
        text.push_str(&format!(", {} of {} steps", run.steps_done, run.steps_total));
        text.push_str(&run.progress.as_ref().map(amounts).unwrap_or_default());
    } else if run.cancel_requested {
        text.push_str(", to be cancelled");
    }
    if !run.reason.is_empty() {
        text.push_str(&format!(": {}", run.reason));
    }
    text
}

/// What was asked for: a job, or models.
pub fn target(run: &Run) -> String {
    match (run.job.as_str(), run.models.as_slice()) {
        ("", [first, rest @ ..]) if rest.len() > 1 => format!("{first} and {} more", rest.len()),
        ("", models) => models.join(", "),
        (job, _) => job.to_owned(),
    }
}

pub fn amounts(progress: &Progress) -> String {
    let (read, written) = (text::rows(progress.rows_read), text::rows(progress.rows_written));
    let (bytes_read, bytes_written) = (text::bytes(progress.bytes_read), text::bytes(progress.bytes_written));
    format!(", read {read} ({bytes_read}), wrote {written} ({bytes_written})")
}

#[cfg(test)]
mod tests {
    use fleet_proto::v1::Attempt;
    use prost_types::Timestamp;

    use super::*;

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos: 0 })
    }

    fn run(state: RunState, steps: Vec<Step>) -> Run {
        Run {
            id: "7".to_owned(),
            job: "weekly".to_owned(),
            state: state.into(),
            steps,
            steps_total: 2,
            ..Run::default()
        }
    }

    fn step(name: &str, state: StepState) -> Step {
        Step { name: name.to_owned(), state: state.into(), ..Step::default() }
    }

    fn texts(changes: &[Change]) -> Vec<&str> {
        changes.iter().map(|change| change.text.as_str()).collect()
    }

    #[test]
    fn the_first_message_tells_what_is_not_pending() {
        let first =
            run(RunState::Running, vec![step("a.done", StepState::UpToDate), step("a.later", StepState::Pending)]);
        let changes = changes(None, &first);
        assert_eq!(texts(&changes), ["run 7 (weekly): running", "  a.done                             up to date"]);
        assert_eq!(changes.iter().map(|change| change.lasting).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn nothing_is_told_of_numbers_alone() {
        let before = run(RunState::Running, vec![step("a.b", StepState::Running)]);
        let mut after = before.clone();
        after.sequence = 9;
        after.steps[0].progress = Some(Progress { tasks_done: 3, ..Progress::default() });
        assert_eq!(changes(Some(&before), &after), []);
    }

    #[test]
    fn a_failed_attempt_is_told_with_its_reason_even_where_the_next_one_runs() {
        let before = run(RunState::Running, vec![step("a.b", StepState::Running)]);
        let mut again = step("a.b", StepState::Running);
        again.activity = "computing".to_owned();
        let failed = Attempt {
            number: 1,
            started_at: at(10),
            ended_at: at(13),
            failure: FailureKind::Cluster.into(),
            reason: "executor e1 was lost".to_owned(),
            ..Attempt::default()
        };
        again.attempts = vec![failed, Attempt { number: 2, ..Attempt::default() }];
        assert_eq!(
            texts(&changes(Some(&before), &run(RunState::Running, vec![again]))),
            [
                "  a.b                                attempt 1 failed (cluster) after 3.0 s: executor e1 was lost",
                "  a.b                                computing, attempt 2",
            ]
        );
    }

    #[test]
    fn the_end_of_a_step_comes_before_that_of_its_run() {
        let before = run(RunState::Running, vec![step("a.b", StepState::Running)]);
        let mut ended = step("a.b", StepState::Succeeded);
        (ended.started_at, ended.ended_at, ended.verified, ended.published_rows) = (at(10), at(12), true, Some(7132));
        ended.progress = Some(Progress { rows_written: 7132, bytes_written: 2 << 20, ..Progress::default() });
        let mut after = run(RunState::Succeeded, vec![ended, step("a.c", StepState::UpToDate)]);
        (after.started_at, after.ended_at, after.steps_done) = (at(10), at(195), 2);
        after.progress =
            Some(Progress { rows_read: 1204, bytes_read: 3 << 20, rows_written: 1, ..Progress::default() });
        let changes = changes(Some(&before), &after);
        assert_eq!(
            texts(&changes),
            [
                "  a.b                                succeeded, 7 132 rows, 2.0 MiB, 2.0 s, 7 132 published, verified",
                "  a.c                                up to date",
                "run 7 (weekly): succeeded in 3 min 05 s, 2 of 2 steps, read 1 204 rows (3.0 MiB), wrote 1 row (0 B)",
            ]
        );
        assert!(changes.iter().all(|change| change.lasting));
    }

    #[test]
    fn a_queued_run_says_what_it_waits_for_and_a_cancelled_one_by_whom() {
        let mut queued = run(RunState::Queued, Vec::new());
        queued.reason = "waits for a place to run".to_owned();
        assert_eq!(texts(&changes(None, &queued)), ["run 7 (weekly): queued: waits for a place to run"]);
        let mut running = run(RunState::Running, Vec::new());
        running.cancel_requested = true;
        assert_eq!(texts(&changes(Some(&queued), &running)), ["run 7 (weekly): running, to be cancelled"]);
        let mut cancelled = run(RunState::Cancelled, vec![step("a.b", StepState::Cancelled)]);
        cancelled.reason = "cancelled by ann".to_owned();
        assert_eq!(
            texts(&changes(Some(&running), &cancelled)),
            [
                "  a.b                                cancelled",
                "run 7 (weekly): cancelled, 0 of 2 steps: cancelled by ann",
            ]
        );
    }

    #[test]
    fn a_run_is_named_for_its_job_or_its_models() {
        let models = |names: &[&str]| {
            target(&Run { models: names.iter().map(|&name| name.to_owned()).collect(), ..Run::default() })
        };
        assert_eq!(models(&["a.b"]), "a.b");
        assert_eq!(models(&["a.b", "c.d"]), "a.b, c.d");
        assert_eq!(models(&["a.b", "c.d", "e.f"]), "a.b and 2 more");
        assert_eq!(target(&run(RunState::Queued, Vec::new())), "weekly");
    }
}
