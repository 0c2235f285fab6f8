//! A run as lines and as JSON.

use fleet_proto::v1::{Run, WatchRunResponse};
use prost_types::Timestamp;

use super::Watcher;
use super::changes::{changes, run_line};
use super::frame::frame;
use crate::client::follow::ended;
use crate::client::{json, text};
use crate::display::say;

/// So long a run that goes on without a change of state is silent, by the scheduler's clock.
const SILENCE_SECONDS: f64 = 30.0;

/// A line for each change, and one now and then while nothing but numbers change.
pub struct Lines {
    print: fn(&str),
    shown: Option<Run>,
    last: Option<Timestamp>,
}

impl Lines {
    pub fn new(print: fn(&str)) -> Self {
        Self { print, shown: None, last: None }
    }
}

impl Watcher for Lines {
    fn message(&mut self, message: &WatchRunResponse) {
        let Some(run) = &message.run else { return };
        let changes = changes(self.shown.as_ref(), run);
        let news = self.shown.as_ref().is_some_and(|shown| shown.sequence != run.sequence);
        let silent = text::elapsed(self.last.as_ref(), message.observed_at.as_ref());
        if !changes.is_empty() || self.last.is_none() {
            self.last = message.observed_at;
        } else if news && silent.is_some_and(|seconds| seconds >= SILENCE_SECONDS) {
            self.last = message.observed_at;
            frame(run, message.observed_at.as_ref()).iter().for_each(|line| (self.print)(&format!("  {line}")));
        }
        changes.iter().for_each(|change| (self.print)(&change.text));
        self.shown = Some(run.clone());
    }

    fn notice(&mut self, text: &str) {
        eprintln!("{text}");
    }
}

/// An object for each message.
pub struct Json;

impl Watcher for Json {
    fn message(&mut self, message: &WatchRunResponse) {
        say(json::watched(message));
    }

    fn notice(&mut self, text: &str) {
        eprintln!("{text}");
    }
}

/// A line for each run that has ended.
pub struct Summaries {
    ended: usize,
    total: usize,
}

impl Summaries {
    pub fn new(total: usize) -> Self {
        Self { ended: 0, total }
    }
}

impl Watcher for Summaries {
    fn message(&mut self, message: &WatchRunResponse) {
        if let Some(run) = message.run.as_ref().filter(|run| ended(run)) {
            self.ended += 1;
            eprintln!("{}/{} {} {}", self.ended, self.total, text::interval(run.interval.as_ref()), run_line(run));
        }
    }

    fn notice(&mut self, text: &str) {
        eprintln!("{text}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use fleet_proto::v1::{Progress, RunState, Step, StepState};

    use super::*;

    static PRINTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

    fn print(line: &str) {
        PRINTED.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
    }

    fn message(sequence: u64, seconds: i64) -> WatchRunResponse {
        let progress = Progress { tasks_done: sequence, tasks_total: 9, ..Progress::default() };
        let step = Step { name: "a.b".to_owned(), state: StepState::Running.into(), ..Step::default() };
        let run = Run {
            id: "7".to_owned(),
            job: "weekly".to_owned(),
            sequence,
            state: RunState::Running.into(),
            progress: Some(progress),
            steps: vec![step],
            ..Run::default()
        };
        let observed_at = Some(Timestamp { seconds, nanos: 0 });
        WatchRunResponse { run: Some(run), changed_steps: Vec::new(), observed_at }
    }

    #[test]
    fn numbers_are_told_twice_a_minute_and_repetitions_never() {
        let mut lines = Lines::new(print);
        for (sequence, seconds) in [(1, 0), (2, 10), (3, 29), (4, 31), (5, 45), (5, 90), (6, 91)] {
            lines.message(&message(sequence, seconds));
        }
        let numbers = |done| format!("  weekly running, {done} of 9 tasks");
        assert_eq!(
            *PRINTED.lock().unwrap(),
            [
                "run 7 (weekly): running".to_owned(),
                "  a.b                                running".to_owned(),
                "  a.b                                running".to_owned(),
                numbers(4),
                "  a.b                                running".to_owned(),
                numbers(6),
            ]
        );
    }
}
