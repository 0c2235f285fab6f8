//! Reading landing files: from bytes to typed rows, losing nothing.
//!
//! **Invariant:** every record of a file comes out exactly once, as a row or as a quarantined record with file, line,
//! column, reason and raw text; and one summary a file tells how many there were.
//!
//! Parsing is synchronous and knows nothing of stores or plans ([`reader`]); [`scan`] wraps it into a scan that
//! Ballista distributes, one file being the smallest unit of work.

mod columns;
mod csv;
mod expressions;
mod json;
mod reader;
mod records;
mod rows;
mod scalars;
mod scan;
mod spec;
#[cfg(test)]
mod tests;
mod timestamps;

pub use reader::Reader;
pub use rows::{FILE, OUTCOME, QUARANTINED, ROW, landing_schema};
pub use scan::{LandingFile, LandingScan};
pub use spec::{Column, ColumnType, DAY, Explode, Format, MONTH, SourceSpec};

/// Refuses a source whose expressions do not plan.
pub fn check_expressions(source: &SourceSpec) -> crate::Result<()> {
    expressions::Expressions::of(source).map(|_| ())
}
