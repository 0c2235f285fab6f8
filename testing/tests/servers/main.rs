//! Starts, restarts and kills the real servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod minio;
mod postgres;
mod process;
mod python;
mod timescale;
