//! PostgreSQL 17 with TimescaleDB's Apache edition, run in a Debian root of its own.

use std::ops::{Deref, DerefMut};

use super::Postgres;
use super::installation::Installation;
use crate::Error;

/// Used like `Postgres`. The library is loaded; a database still needs `create extension timescaledb`.
///
/// The Apache edition has hypertables, `time_bucket` and `drop_chunks`, but neither compression nor
/// continuous aggregates.
pub struct Timescale(Postgres);

impl Timescale {
    /// # Errors
    /// `NeedsRoot` when not root, since the server is run by `chroot`.
    pub fn start() -> Result<Self, Error> {
        Postgres::start_installed(Installation::timescale()?).map(Self)
    }
}

impl Deref for Timescale {
    type Target = Postgres;

    fn deref(&self) -> &Postgres {
        &self.0
    }
}

impl DerefMut for Timescale {
    fn deref_mut(&mut self) -> &mut Postgres {
        &mut self.0
    }
}
