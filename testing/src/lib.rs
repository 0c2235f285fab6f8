//! Real servers and processes for tests: PostgreSQL, TimescaleDB, MinIO and the `fleet` binary itself.
//!
//! Each is a guard: started on a free loopback port with its data in a temporary directory, stopped when
//! dropped, and killed too if the test process dies without dropping it. This crate never installs
//! anything (`testing/install.sh` does) and never skips: a server that is missing is an error.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on has failed"))]

mod binary;
mod error;
mod installed;
mod minio;
mod ports;
mod postgres;
mod process;

pub use binary::fleet_binary;
pub use error::Error;
pub use installed::{buf, grpcurl, python};
pub use minio::Minio;
pub use ports::free_port;
pub use postgres::{Postgres, Shutdown, Timescale};
pub use process::Process;
