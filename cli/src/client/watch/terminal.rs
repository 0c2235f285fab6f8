//! A run drawn in place on standard error: what goes on below, what is over left standing above.

use std::time::Duration;

use fleet_proto::v1::{Run, WatchRunResponse};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Watcher;
use super::changes::changes;
use super::frame::frame;

const TICK: Duration = Duration::from_millis(120);

pub struct Terminal {
    drawing: MultiProgress,
    lines: Vec<ProgressBar>,
    shown: Option<Run>,
}

impl Terminal {
    pub fn new() -> Self {
        Self { drawing: MultiProgress::new(), lines: Vec::new(), shown: None }
    }

    fn redraw(&mut self, frame: Vec<String>) {
        while self.lines.len() > frame.len() {
            if let Some(line) = self.lines.pop() {
                line.finish_and_clear();
                self.drawing.remove(&line);
            }
        }
        while self.lines.len() < frame.len() {
            let line = self.drawing.add(ProgressBar::new_spinner());
            line.enable_steady_tick(TICK);
            self.lines.push(line);
        }
        for (line, text) in self.lines.iter().zip(frame) {
            // What is indented belongs to the line above, and does not turn by itself.
            let template = if text.starts_with(' ') { "  {wide_msg}" } else { "{spinner} {wide_msg}" };
            line.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()));
            line.set_message(text);
        }
    }

    /// A line above the drawing. It is lost with the terminal, as the drawing is.
    fn stand(&self, text: &str) {
        self.drawing.suspend(|| eprintln!("{text}"));
    }
}

impl Watcher for Terminal {
    fn message(&mut self, message: &WatchRunResponse) {
        let Some(run) = &message.run else { return };
        for change in changes(self.shown.as_ref(), run).into_iter().filter(|change| change.lasting) {
            self.stand(&change.text);
        }
        self.redraw(frame(run, message.observed_at.as_ref()));
        self.shown = Some(run.clone());
    }

    fn notice(&mut self, text: &str) {
        self.stand(text);
    }

    fn finish(&mut self) {
        self.redraw(Vec::new());
    }
}
