//! Benchmarks: `make bench` runs them in release. This crate has no code of its own.
