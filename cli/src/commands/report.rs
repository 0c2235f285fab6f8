//! `fleet report`: the weekly reliability report, one HTML file.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use chrono::Utc;
use fleet_jobs::run::Runner;
use fleet_report::Week;

use crate::display::say;
use crate::options::{self, Common};
use crate::session::{Needs, Session};

pub async fn report(common: &Common, options: &options::Report) -> anyhow::Result<()> {
    let session = Session::open(common, Needs::default(), Arc::new(fleet_jobs::progress::Silent)).await?;
    let week = write(&session.runner, options.week, &options.out).await?;
    let out = options.out.display();
    if common.json {
        say(format_args!(
            "{}",
            serde_json::json!({ "event": "reported", "week": week.to_string(), "out": out.to_string() })
        ));
    } else {
        say(format_args!("report of week {week} written to {out}"));
    }
    Ok(())
}

/// Makes the report and writes it to a file.
pub async fn write(runner: &Runner, week: Option<Week>, out: &Path) -> anyhow::Result<Week> {
    let report = fleet_report::report(runner, week, Utc::now()).await?;
    tokio::fs::write(out, report.html).await.with_context(|| format!("cannot write {}", out.display()))?;
    Ok(report.week)
}
