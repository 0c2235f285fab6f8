//! The whole path, raw files to published tables, through the `fleet` binary: on a laptop, on a cluster with
//! object storage, and with processes killed underneath it.
//!
//! Nothing here links the jobs: what is judged is what a user of the command line gets. The binary is built
//! first (`cargo build`), or named by `$TEST_FLEET_BINARY`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod again;
mod clients;
mod cluster;
mod damaged;
mod faults;
mod foreign;
mod histories;
mod kit;
mod manners;
mod recomputed;
mod report;
