//! The lines that a process prints, read by one thread for each stream.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

const LINES_MAX: usize = 20_000;
const TAIL_LINES: usize = 40;

#[derive(Clone, Default)]
pub(super) struct Output {
    shared: Arc<Shared>,
}

pub(super) enum Search {
    Found(String),
    /// Every stream is at its end.
    Closed,
    TimedOut,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<String>,
    dropped: usize,
    streams_open: usize,
}

impl Output {
    pub(super) fn read(&self, stream: impl Read + Send + 'static) {
        self.state().streams_open += 1;
        let output = self.clone();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while matches!(stream.read_until(b'\n', &mut line), Ok(1..)) {
                output.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
            output.state().streams_open -= 1;
            output.shared.changed.notify_all();
        });
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.state().lines.iter().cloned().collect()
    }

    /// The last few lines as one text, for an error.
    pub(super) fn tail(&self) -> String {
        let state = self.state();
        let skipped = state.lines.len().saturating_sub(TAIL_LINES);
        state.lines.iter().skip(skipped).map(|line| format!("  {line}\n")).collect()
    }

    pub(super) fn search(&self, predicate: impl Fn(&str) -> bool, deadline: Instant) -> Search {
        let mut state = self.state();
        // Counted from the first line ever printed, as `dropped` is.
        let mut searched: usize = 0;
        loop {
            let already = searched.saturating_sub(state.dropped);
            if let Some(line) = state.lines.iter().skip(already).find(|line| predicate(line)) {
                return Search::Found(line.clone());
            }
            searched = state.dropped + state.lines.len();
            if state.streams_open == 0 {
                return Search::Closed;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Search::TimedOut;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn push(&self, line: String) {
        let mut state = self.state();
        if state.lines.len() == LINES_MAX {
            state.lines.pop_front();
            state.dropped += 1;
        }
        state.lines.push_back(line);
        self.shared.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let output = Output::default();
        (0..LINES_MAX + 5).for_each(|number| output.push(number.to_string()));
        let lines = output.lines();
        assert_eq!(lines.len(), LINES_MAX);
        assert_eq!(lines[0], "5");
        assert!(output.tail().ends_with(&format!("  {}\n", LINES_MAX + 4)));
    }

    #[test]
    fn a_search_ends_when_the_streams_do() {
        let output = Output::default();
        output.read("first\nlast".as_bytes());
        let deadline = Instant::now() + std::time::Duration::from_secs(60);
        assert!(matches!(output.search(|line| line == "last", deadline), Search::Found(_)));
        assert!(matches!(output.search(|line| line == "none", deadline), Search::Closed));
    }
}
