//! What a terminal shows of a run that goes on: its steps under way with their stages, and the whole. Pure.

use fleet_proto::v1::{Progress, Run, Stage, Step, StepState};
use prost_types::Timestamp;

use super::changes::target;
use crate::client::text;

const BAR: u64 = 20;
/// More than this would not fit a window; the rest is counted.
const STEPS_MAX: usize = 6;
const STAGES_MAX: usize = 3;

/// The lines, from the top down, as of an instant of the scheduler's clock.
pub fn frame(run: &Run, at: Option<&Timestamp>) -> Vec<String> {
    let active = |step: &&Step| matches!(step.state(), StepState::Running | StepState::BackingOff);
    let steps: Vec<&Step> = run.steps.iter().filter(active).collect();
    let mut lines = Vec::new();
    for step in steps.iter().take(STEPS_MAX) {
        lines.push(step_line(step, at));
        let open = step.stages.iter().filter(|stage| stage.started_at.is_some() && stage.ended_at.is_none());
        lines.extend(open.take(STAGES_MAX).map(stage_line));
    }
    if steps.len() > STEPS_MAX {
        lines.push(format!("… and {} more steps", steps.len() - STEPS_MAX));
    }
    lines.push(run_line(run));
    lines
}

fn step_line(step: &Step, at: Option<&Timestamp>) -> String {
    let doing = match (step.state(), step.activity.as_str()) {
        (StepState::BackingOff, _) => "backing off",
        (_, "") => "running",
        (_, activity) => activity,
    };
    let mut parts = vec![doing.to_owned()];
    if step.attempts.len() > 1 {
        parts.push(format!("attempt {}", step.attempts.len()));
    }
    if let Some(progress) = &step.progress {
        parts.push(format!("{} of {} tasks", progress.tasks_done, progress.tasks_total));
        parts.extend(moved(progress));
    }
    parts.extend(text::elapsed(step.started_at.as_ref(), at).map(text::seconds));
    format!("{:<34} {}", step.name, parts.join(", "))
}

/// What went in, and what came out as soon as something does.
fn moved(progress: &Progress) -> Vec<String> {
    let mut parts = Vec::new();
    if progress.rows_read + progress.bytes_read > 0 {
        parts.push(format!("read {} ({})", text::rows(progress.rows_read), text::bytes(progress.bytes_read)));
    }
    if progress.rows_written > 0 {
        parts.push(format!("wrote {} ({})", text::rows(progress.rows_written), text::bytes(progress.bytes_written)));
    }
    parts
}

fn stage_line(stage: &Stage) -> String {
    let mut parts = vec![format!("{} of {} tasks", stage.tasks_done, stage.tasks_total)];
    if stage.tasks_repeated > 0 {
        parts.push(format!("{} repeated", stage.tasks_repeated));
    }
    parts.extend([text::rows(stage.rows), text::bytes(stage.bytes)]);
    let bar = bar(stage.tasks_done.into(), stage.tasks_total.into());
    format!("  stage {:<3} {bar} {}", stage.number, parts.join(", "))
}

fn run_line(run: &Run) -> String {
    let state = text::spoken(&text::run_state(run.state));
    let mut line = format!("{} {state}", target(run));
    if run.cancel_requested {
        line.push_str(", to be cancelled");
    }
    if run.steps_total > 0 {
        let (done, total) = (run.steps_done, run.steps_total);
        line.push_str(&format!(" {} {done} of {total} steps", bar(done.into(), total.into())));
    }
    if let Some(progress) = &run.progress {
        line.push_str(&format!(", {} of {} tasks", progress.tasks_done, progress.tasks_total));
        moved(progress).iter().for_each(|part| line.push_str(&format!(", {part}")));
        if let Some(remaining) = &progress.estimated_remaining {
            line.push_str(&format!(", about {} left", text::seconds(text::span(remaining))));
        }
    }
    let waiting = run.steps.iter().filter(|step| step.state() == StepState::Pending).count();
    if waiting > 0 {
        line.push_str(&format!(", {waiting} waiting"));
    }
    if !run.reason.is_empty() {
        line.push_str(&format!(": {}", run.reason));
    }
    line
}

fn bar(done: u64, total: u64) -> String {
    let full = (done.min(total) * BAR).checked_div(total).unwrap_or(0);
    let (full, empty) = (usize::try_from(full).unwrap_or(0), usize::try_from(BAR - full).unwrap_or(0));
    format!("{}{}", "█".repeat(full), "░".repeat(empty))
}

#[cfg(test)]
mod tests {
    use fleet_proto::v1::{Attempt, RunState};
    use prost_types::Duration;

    use super::*;

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos: 0 })
    }

    fn step(name: &str, state: StepState) -> Step {
        Step { name: name.to_owned(), state: state.into(), ..Step::default() }
    }

    fn stage(number: u32, tasks_done: u32, tasks_total: u32) -> Stage {
        Stage { number, tasks_done, tasks_total, started_at: at(100), ..Stage::default() }
    }

    #[test]
    fn what_goes_on_is_shown_with_its_open_stages() {
        let mut computing = step("reliability.component", StepState::Running);
        computing.activity = "computing".to_owned();
        computing.started_at = at(100);
        computing.attempts = vec![Attempt::default(), Attempt::default()];
        computing.progress = Some(Progress {
            tasks_done: 20,
            tasks_total: 40,
            rows_read: 40_312,
            bytes_read: 3 << 20,
            ..Progress::default()
        });
        let over = Stage { ended_at: at(105), ..stage(1, 8, 8) };
        let open = Stage { rows: 7132, bytes: 1 << 20, tasks_repeated: 1, ..stage(2, 12, 20) };
        computing.stages = vec![over, open, Stage { started_at: None, ..stage(3, 0, 12) }];
        let run = Run {
            job: "weekly".to_owned(),
            state: RunState::Running.into(),
            steps_done: 3,
            steps_total: 12,
            progress: Some(Progress {
                tasks_done: 40,
                tasks_total: 128,
                rows_read: 1204,
                bytes_read: 2048,
                rows_written: 1,
                bytes_written: 10,
                estimated_remaining: Some(Duration { seconds: 125, nanos: 0 }),
            }),
            steps: vec![step("a.over", StepState::Succeeded), computing, step("a.later", StepState::Pending)],
            ..Run::default()
        };
        assert_eq!(
            frame(&run, at(112).as_ref()),
            [
                "reliability.component              computing, attempt 2, 20 of 40 tasks, read 40 312 rows (3.0 MiB), 12.0 s",
                "  stage 2   ████████████░░░░░░░░ 12 of 20 tasks, 1 repeated, 7 132 rows, 1.0 MiB",
                "weekly running █████░░░░░░░░░░░░░░░ 3 of 12 steps, 40 of 128 tasks, read 1 204 rows (2.0 KiB), wrote 1 row \
                 (10 B), about 2 min 05 s left, 1 waiting",
            ]
        );
    }

    #[test]
    fn a_queued_run_says_what_it_waits_for() {
        let run = Run {
            models: vec!["a.b".to_owned()],
            state: RunState::Queued.into(),
            reason: "waits for a place to run".to_owned(),
            ..Run::default()
        };
        assert_eq!(frame(&run, None), ["a.b queued: waits for a place to run"]);
    }

    #[test]
    fn more_than_fits_is_counted() {
        let steps = (0..9).map(|number| Step {
            stages: (1..=9).map(|number| stage(number, 0, 1)).collect(),
            ..step(&format!("a.s{number}"), StepState::BackingOff)
        });
        let lines = frame(&Run { steps: steps.collect(), ..Run::default() }, None);
        assert_eq!(lines.len(), STEPS_MAX * (1 + STAGES_MAX) + 2);
        assert!(lines.contains(&"… and 3 more steps".to_owned()));
        assert!(lines[0].ends_with("backing off"));
    }

    #[test]
    fn a_bar_never_leaves_its_frame() {
        assert_eq!(bar(0, 0), "░".repeat(20));
        assert_eq!(bar(9, 8), "█".repeat(20));
        assert_eq!(bar(u64::from(u32::MAX), u64::from(u32::MAX)), "█".repeat(20));
    }
}
