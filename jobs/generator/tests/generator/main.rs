//! Generates small fleets and reads the files back as a consumer would: by header names, from all deliveries.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation is how a test reports"
)]

mod damage;
mod determinism;
mod fleet;
mod landing;
mod lives;
mod measure;
mod refusals;
mod telemetry;

use fleet_generator::{Options, Summary, generate};
use landing::Landing;
use tempfile::TempDir;

/// A generated fleet, removed when dropped.
struct Fleet {
    folder: TempDir,
    summary: Summary,
}

impl Fleet {
    fn generate(options: &Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let summary = generate(options, folder.path(), &|_| ()).unwrap();
        Self { folder, summary }
    }

    fn landing(&self) -> Landing<'_> {
        Landing(self.folder.path())
    }
}

/// A fleet whose every row is delivered once, on time and whole.
fn clean(aircraft: u32, days: u32) -> Options {
    Options { aircraft, days, damaged_share: 0.0, late_share: 0.0, duplicate_share: 0.0, ..Options::default() }
}
