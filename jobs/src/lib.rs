//! What the system computes: the catalogue of sources, models and jobs, and everything needed to load it,
//! order it, plan it, run it on Ballista, commit it to Delta Lake and publish it to PostgreSQL.
//!
//! The crate is a library: it never parses a command line, never prints, and never decides where it runs.

pub mod catalog;
pub mod engine;
mod error;
pub mod ingest;
pub mod landing;
pub mod progress;
pub mod publish;
pub mod run;
pub mod storage;
pub mod warehouse;

pub use error::{Error, FailureKind, Result};
