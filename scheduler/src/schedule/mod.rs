//! What the scheduler must do now, by its clock, the schedules and what has been recorded.
//!
//! It owns the meaning of schedules: which instants a cron expression names in a time zone, which of them run, wait or
//! are missed. It reads no clock, performs nothing and remembers nothing: [`plan`] is a function, a loop elsewhere
//! records and executes what it returns.
//!
//! **Invariant:** of each instant that a schedule names after [`JobState::enabled_since`], one thing is recorded: it
//! ran, was skipped or was missed; whatever clocks do and however many schedulers plan. For that, who records keeps
//! to this:
//!
//! - The actions of one job are recorded in the order of the plan. If one cannot be, the job's later ones are dropped.
//! - A firing is recorded only if it is later than `last_fire_at`, which becomes its time, in one transaction. Of
//!   [`Action::MissedRange`] the part up to `last_fire_at` is left out.
//! - A firing that waits leaves that state once (compare and set).
//!
//! Loading a job's state, planning for that job and recording in one transaction that locks the job's row gives all
//! three, and keeps two schedulers from starting two runs where `concurrency: forbid` allows one. That is
//! `Ledger::record_firings`.

mod action;
mod firings;
mod interval;
mod plan;
mod state;
mod wake;
mod wall_clock;

#[cfg(test)]
pub(crate) mod tests;

pub use action::{Action, Reason};
pub use firings::{firings, next};
pub use interval::interval_of;
pub use plan::{awaited_days, plan};
pub use state::{JobState, RunId, RunRef, Waiting};
pub use wake::wake_at;

use chrono::TimeDelta;

/// No more firings than these are looked at in one plan, the newest; the older are missed, in one action.
pub const CATCH_UP_MAX: usize = 1_000;

/// Up to this age a firing is on time for `catch_up: skip`: a scheduler that takes over, or is restarted, loses none.
pub const ON_TIME: TimeDelta = TimeDelta::minutes(5);
