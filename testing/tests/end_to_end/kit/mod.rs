//! What the tests share: a place with its files and tables, the state of it, a cluster, and the made-up fleet.

mod place;
mod reference;
mod rows;
mod servers;
mod state;

pub use place::{Place, Ran, copy_folder};
pub use reference::{made_fleet, reference, small_reference};
pub use rows::{Row, assert_same_rows, number, text};
pub use servers::{Cluster, S3};
pub use state::State;

use std::time::Duration;

/// Generous: the machine may be building or running other tests meanwhile.
pub const PATIENCE: Duration = Duration::from_secs(300);
