//! A made-up fleet with known answers: the files of every source, the reference data beside them, and the truth behind
//! them, in the layout of the data contract. From a seed: the same options give the same bytes, whatever the number of
//! threads.
//!
//! What makes it plausible:
//!
//! - Tails rotate between stations; a flight hour is 1/11 of an aircraft's day in the air. Flights, utilization and
//!   components count the same ten-thousandths of an hour, so that their sums agree to the digit. `utilization` counts
//!   a flight on the UTC date of its scheduled departure.
//! - Every unit's life is drawn when it is installed, from its part's Weibull law in competition with no-fault-found
//!   returns, convenience removals and hard times (`catalog::life` has the formulas). The fleet begins in the
//!   stationary state of these renewals. Rogue units leave early again and again, found without fault each time, so
//!   that the life data of their parts stay what the truth says.
//! - Engine parameters follow phase and air temperature, wear with cycles, and degrade before the failure of certain
//!   parts. Failures announce themselves by alerts and pilot reports, and delay departures.
//!
//! It never reads its own output, and draws from no other source of randomness than the seed.

mod aircraft;
mod calendar;
mod catalog;
mod damage;
mod delivery;
mod error;
mod network;
mod options;
mod output;
mod pool;
mod random;
mod reference;
mod rows;
mod run;
mod source;
mod telemetry;
mod text;
mod truth;
mod world;

pub use error::Error;
pub use options::{Options, Telemetry};
pub use run::generate;

/// How far a run has come, after each day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub days_done: u32,
    pub days_total: u32,
    /// Rows delivered so far.
    pub rows: u64,
    /// Bytes written below `landing/` so far.
    pub bytes: u64,
}

/// What a run left below `landing/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// All files, late and duplicate ones included.
    pub files: u64,
    /// Rows in all files but the duplicates: damaged, late and correcting rows included.
    pub rows: u64,
    /// Bytes of all files.
    pub bytes: u64,
    pub damaged_rows: u64,
    /// Files with rows held back, or with corrections of earlier rows.
    pub late_files: u64,
    /// Files delivered again under another name.
    pub duplicate_files: u64,
}
