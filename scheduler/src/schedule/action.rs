//! What a plan asks for.

use std::fmt;

use chrono::{DateTime, Utc};

use super::state::RunId;
use fleet_jobs::catalog::Interval;

/// One thing to record, and to do where it is a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A run starts: for a new firing, or for one that waited.
    Fire { job: String, fire_at: DateTime<Utc>, interval: Interval },
    /// The runs that are under way are cancelled, then one starts.
    Replace { job: String, fire_at: DateTime<Utc>, interval: Interval, cancel: Vec<RunId> },
    /// The firing waits for other jobs to succeed for its interval.
    Await { job: String, fire_at: DateTime<Utc>, interval: Interval, on: Vec<String> },
    /// The firing is given up, as a run of the job is under way.
    SkipRunning { job: String, fire_at: DateTime<Utc> },
    /// The firing, new or waiting, is given up.
    Missed { job: String, fire_at: DateTime<Utc>, reason: Reason },
    /// All new firings from the first to the last are given up.
    MissedRange { job: String, first: DateTime<Utc>, last: DateTime<Utc>, reason: Reason },
}

/// Why a firing is missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It was older than `start_deadline`.
    TooLate,
    /// A later one was due as well, and `catch_up: latest` or `concurrency: replace` leaves the later.
    Superseded,
    /// It came due while no scheduler was up, and `catch_up: skip`.
    Skipped,
    /// More than [`super::CATCH_UP_MAX`] were due.
    TooMany,
    /// These jobs did not succeed for its interval within `wait_limit`.
    WaitedTooLong { on: Vec<String> },
}

impl Action {
    pub fn job(&self) -> &str {
        match self {
            Self::Fire { job, .. }
            | Self::Replace { job, .. }
            | Self::Await { job, .. }
            | Self::SkipRunning { job, .. }
            | Self::Missed { job, .. }
            | Self::MissedRange { job, .. } => job,
        }
    }

    /// The firing's time; of a range, the last one's.
    pub fn fire_at(&self) -> DateTime<Utc> {
        match self {
            Self::Fire { fire_at, .. }
            | Self::Replace { fire_at, .. }
            | Self::Await { fire_at, .. }
            | Self::SkipRunning { fire_at, .. }
            | Self::Missed { fire_at, .. }
            | Self::MissedRange { last: fire_at, .. } => *fire_at,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLate => f.write_str("later than the start deadline"),
            Self::Superseded => f.write_str("a later run was due as well"),
            Self::Skipped => f.write_str("came due while no scheduler was up"),
            Self::TooMany => write!(f, "more than {} runs were due", super::CATCH_UP_MAX),
            Self::WaitedTooLong { on } => write!(f, "waited too long for {}", on.join(", ")),
        }
    }
}
