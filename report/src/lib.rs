//! The weekly reliability report: one HTML file for the board, from the tables as they stand.
//!
//! `gather` asks, `findings` judges, `chart` draws, `page` writes. The crate never computes a table, and never reads a
//! clock or writes a file: its caller does.

mod chart;
mod findings;
mod gather;
mod page;
mod week;

use chrono::{DateTime, Utc};
use fleet_jobs::Result;
use fleet_jobs::run::Runner;

pub use week::Week;

/// A report, ready to be written to a file.
pub struct Report {
    pub week: Week,
    pub html: String,
}

/// Makes the report of a week, or of the latest week that has figures.
///
/// # Errors
/// Of a week without figures: which command computes them.
pub async fn report(runner: &Runner, week: Option<Week>, made_at: DateTime<Utc>) -> Result<Report> {
    let figures = gather::gather(runner, week).await?;
    Ok(Report { week: figures.week, html: page::document(&figures, made_at) })
}
