//! Showing a run while it goes on: drawn in place on a terminal, a line for each change elsewhere, JSON for machines.

mod changes;
mod frame;
mod plain;
mod terminal;

use std::io::IsTerminal;

use fleet_proto::v1::WatchRunResponse;

pub use self::changes::target;
use self::plain::{Json, Lines, Summaries};
use self::terminal::Terminal;
use super::connect::Client;
use super::error::{Error, outcome};
use super::follow::follow;
use super::options::Watch;
use crate::display::say;

/// Is told of runs, one after the other.
pub trait Watcher: Send {
    /// A message of the run that is followed now; it may be one that was seen before.
    fn message(&mut self, message: &WatchRunResponse);
    /// Something about the connection.
    fn notice(&mut self, text: &str);
    /// Nothing more is coming.
    fn finish(&mut self) {}
}

/// What the watching is to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Its result, which goes to standard output.
    Result,
    /// Its progress, which goes to standard error.
    Progress,
}

/// The way to show one run that fits who looks.
pub fn watcher(json: bool, purpose: Purpose) -> Box<dyn Watcher> {
    let terminal = std::io::stderr().is_terminal() && (purpose == Purpose::Progress || std::io::stdout().is_terminal());
    match purpose {
        _ if json => Box::new(Json),
        _ if terminal => Box::new(Terminal::new()),
        Purpose::Result => Box::new(Lines::new(|line| say(line))),
        Purpose::Progress => Box::new(Lines::new(|line| eprintln!("{line}"))),
    }
}

/// The way to show `total` runs one after the other, in a line each.
pub fn summaries(json: bool, total: usize) -> Box<dyn Watcher> {
    if json { Box::new(Json) } else { Box::new(Summaries::new(total)) }
}

pub async fn watch(client: &mut Client, options: &Watch, json: bool) -> Result<(), Error> {
    let mut watcher = watcher(json, Purpose::Result);
    let ended = follow(client, &options.run, 0, watcher.as_mut()).await;
    watcher.finish();
    outcome(&ended?)
}

/// Waits for the end of a run that was seen with this sequence, showing its progress.
pub async fn wait(client: &mut Client, run_id: &str, seen: u64, json: bool) -> Result<(), Error> {
    let mut watcher = watcher(json, Purpose::Progress);
    let ended = follow(client, run_id, seen, watcher.as_mut()).await;
    watcher.finish();
    outcome(&ended?)
}
