//! Showing progress and results: bars on a terminal, plain lines elsewhere, JSON for machines.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fleet_jobs::engine::Stage;
use fleet_jobs::progress::{Ended, Event, Progress};
use fleet_jobs::run::StepReport;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

/// Prints events; one for each process.
pub struct Display {
    json: bool,
    stages: bool,
    bar: Option<ProgressBar>,
    notices: Mutex<usize>,
    /// How many stages each step that goes on has run.
    executed: Mutex<BTreeMap<String, usize>>,
}

/// More notices than this of one run are counted, not shown.
const NOTICES: usize = 20;

impl Display {
    pub fn new(json: bool, stages: bool) -> Arc<Self> {
        let bar = (!json && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style)
        });
        if let Some(bar) = &bar {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Arc::new(Self { json, stages, bar, notices: Mutex::new(0), executed: Mutex::default() })
    }

    /// A line for a person, above the bar where there is one.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None if self.json => {}
            None => eprintln!("{text}"),
        }
    }

    /// Takes the bar away, and tells what was left out.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let notices = *self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices > NOTICES && !self.json {
            eprintln!("  … and {} more notices (all of them with --json)", notices - NOTICES);
        }
    }

    fn ended(&self, line: &str) {
        self.bar.iter().for_each(|bar| bar.inc(1));
        self.line(line);
    }

    fn notice(&self, step: &str, text: &str) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        *notices += 1;
        if *notices <= NOTICES {
            self.line(&format!("  {step}: {text}"));
        }
    }
}

impl Progress for Display {
    fn report(&self, event: Event<'_>) {
        if self.json {
            say(as_json(&event));
            return;
        }
        match event {
            Event::Planned { steps } => {
                if let Some(bar) = &self.bar {
                    bar.set_length(steps.len() as u64);
                    bar.set_position(0);
                }
            }
            Event::Started { step, doing } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("{step}: {doing}"));
                }
            }
            Event::Retrying { step, error, .. } => self.notice(step, &format!("trying again: {error}")),
            Event::Ended(Ended { report, .. }) if report.up_to_date => {
                self.ended(&format!("  {:<34} up to date", report.table));
            }
            Event::Ended(Ended { report, elapsed, note }) => {
                let StepReport { table: step, rows, .. } = report;
                let stages = self.executed.lock().unwrap_or_else(PoisonError::into_inner).remove(step);
                let stages = stages.map(|stages| format!("{stages:>3} stages")).unwrap_or_default();
                let (rows, seconds) = (grouped(*rows), elapsed.as_secs_f64());
                self.ended(&format!("  {step:<34} {rows:>12} rows {seconds:>7.2} s {stages}  {note}"));
            }
            Event::Failed { step, .. } => self.ended(&format!("  {step:<34} failed")),
            Event::Skipped { step, because } => self.ended(&format!("  {step:<34} skipped, as {because} failed")),
            Event::Notice { step, text } => self.notice(step, text),
            Event::Stages { step, stages } => {
                let mut executed = self.executed.lock().unwrap_or_else(PoisonError::into_inner);
                *executed.entry(step.to_owned()).or_default() += stages.len();
                if self.stages {
                    self.line(&format!("{step}: executed\n{}", stages_text(stages)));
                }
            }
        }
    }
}

fn as_json(event: &Event<'_>) -> serde_json::Value {
    match event {
        Event::Planned { steps } => json!({ "event": "planned", "steps": steps }),
        Event::Started { step, doing } => json!({ "event": "started", "step": step, "doing": doing }),
        Event::Retrying { step, error, wait } => {
            json!({ "event": "retrying", "step": step, "error": error.to_string(), "wait_seconds": wait.as_secs_f64() })
        }
        Event::Ended(Ended { report, .. }) if report.up_to_date => {
            json!({ "event": "up_to_date", "step": report.table })
        }
        Event::Ended(Ended { report, elapsed, note }) => {
            let StepReport { table: step, rows, files, .. } = report;
            json!({ "event": "done", "step": step, "rows": rows, "files": files, "seconds": elapsed.as_secs_f64(), "note": note })
        }
        Event::Failed { step, error } => json!({ "event": "failed", "step": step, "error": error.to_string() }),
        Event::Skipped { step, because } => json!({ "event": "skipped", "step": step, "because": because }),
        Event::Notice { step, text } => json!({ "event": "notice", "step": step, "text": text }),
        Event::Stages { step, stages } => json!({ "event": "stages", "step": step, "stages": stages }),
    }
}

fn stages_text(stages: &[Stage]) -> String {
    let mut text = String::new();
    for stage in stages {
        text.push_str(&format!("  stage {} ({} partitions)\n", stage.id, stage.partitions));
        for (depth, operator, metrics) in &stage.operators {
            let indent = "  ".repeat(*depth as usize + 2);
            text.push_str(&format!("{indent}{operator}  [{metrics}]\n"));
        }
    }
    text
}

/// Prints a line to standard output. Whoever read it may have left, as `head` does: then there is nothing to say to.
pub fn say(text: impl std::fmt::Display) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}")
        && error.kind() == std::io::ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}

/// A number with its thousands apart: 1 234 567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1 000", "1 234 567"]);
    }
}
