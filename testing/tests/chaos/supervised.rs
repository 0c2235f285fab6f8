//! A process that is started again after it died, as a supervisor would, with the output of all its lives.

use std::time::Duration;

use fleet_testing::Process;

use crate::kit::{PATIENCE, Place};

pub struct Supervised {
    pub name: &'static str,
    arguments: Vec<String>,
    pub process: Process,
    former: Vec<Vec<String>>,
    /// Whether it is kept from being started again.
    is_held: bool,
}

impl Supervised {
    pub fn start(place: &Place, name: &'static str, arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { name, process: started(place, &arguments), arguments, former: Vec::new(), is_held: false }
    }

    /// Kills it as a crash would. It is down until `start_again`.
    pub fn kill(&mut self) {
        self.is_held = true;
        self.process.kill9();
    }

    /// Asks it to end. It is down after that, until `start_again`.
    pub fn terminate(&mut self) {
        self.is_held = true;
        self.process.terminate().unwrap();
    }

    pub fn start_again(&mut self, place: &Place) {
        self.is_held = false;
        let former = std::mem::replace(&mut self.process, started(place, &self.arguments));
        self.former.push(former.lines());
    }

    /// Starts it again if it ended without being told to; then says how it ended.
    pub fn look_after(&mut self, place: &Place) -> Option<String> {
        if self.is_held || self.process.is_running() {
            return None;
        }
        let status = self.process.wait(Duration::ZERO).unwrap();
        let last = self.process.lines().pop().unwrap_or_default();
        self.start_again(place);
        Some(format!("{} ended by itself ({status}): {last}", self.name))
    }

    /// The value of a word of the first line that has `text`.
    pub fn word(&self, text: &str, place: usize) -> String {
        let line = self.process.wait_for_line(text, PATIENCE).unwrap();
        line.split([' ', ',']).nth(place).unwrap().to_owned()
    }

    /// Everything it printed, life after life.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (life, of_life) in self.former.iter().cloned().chain([self.process.lines()]).enumerate() {
            lines.push(format!("==== {}, life {} ====", self.name, life + 1));
            lines.extend(of_life);
        }
        lines
    }
}

fn started(place: &Place, arguments: &[String]) -> Process {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    place.start(&arguments)
}
