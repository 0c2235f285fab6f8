//! Simulation studies: how often bounds and alerts are right on data whose truth is known. They are ignored by default;
//! `make studies` runs them and prints the tables of docs/reference/studies.md.
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test reports")]

mod alerts;
mod coverage;
