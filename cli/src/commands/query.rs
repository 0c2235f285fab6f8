//! `fleet query`, `fleet tables` and `fleet plan`.

use std::sync::Arc;

use anyhow::Context;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::csv;
use datafusion::arrow::json::ArrayWriter;
use datafusion::arrow::util::pretty::pretty_format_batches;
use fleet_jobs::Error;
use fleet_jobs::catalog::Materialized;
use fleet_jobs::run::Runner;

use crate::display::{Display, grouped, say};
use crate::options::{self, Common, Format};
use crate::session::{Needs, Session};

pub async fn query(common: &Common, options: &options::Query) -> anyhow::Result<()> {
    let session = Session::open(common, Needs::default(), Arc::new(fleet_jobs::progress::Silent)).await?;
    let format = if common.json { Format::Json } else { options.format };
    let batches = rows(&session.runner, &options.sql).await?;
    print(&batches, format)
}

/// The rows of a query over every table and view.
pub async fn rows(runner: &Runner, sql: &str) -> anyhow::Result<Vec<RecordBatch>> {
    Ok(runner.ask(sql).await?)
}

pub fn print(batches: &[RecordBatch], format: Format) -> anyhow::Result<()> {
    let mut out = Vec::new();
    match format {
        Format::Table => say(format_args!("{}", pretty_format_batches(batches)?)),
        Format::Csv => {
            let mut writer = csv::WriterBuilder::new().with_header(true).build(&mut out);
            batches.iter().try_for_each(|batch| writer.write(batch))?;
            drop(writer);
            if !out.is_empty() {
                say(String::from_utf8_lossy(&out).trim_end());
            }
        }
        Format::Json => {
            let mut writer = ArrayWriter::new(&mut out);
            batches.iter().try_for_each(|batch| writer.write(batch))?;
            writer.finish()?;
            say(String::from_utf8_lossy(&out));
        }
    }
    Ok(())
}

pub async fn tables(common: &Common) -> anyhow::Result<()> {
    let session = Session::open(common, Needs::default(), Arc::new(fleet_jobs::progress::Silent)).await?;
    let runner = &session.runner;
    let mut listed = Vec::new();
    for table in runner.warehouse.tables().await? {
        if let Some(snapshot) = runner.warehouse.snapshot(&table).await? {
            listed.push(snapshot);
        }
    }
    if common.json {
        for table in &listed {
            say(format_args!(
                "{}",
                serde_json::json!({
                    "table": table.table, "version": table.version, "rows": table.rows(), "files": table.files.len(),
                    "bytes": table.size_bytes(), "folder": table.folder.to_string(),
                })
            ));
        }
        return Ok(());
    }
    say(format_args!("{:<36} {:>7} {:>13} {:>6} {:>9}", "table", "version", "rows", "files", "size"));
    for table in &listed {
        let kilobytes = table.size_bytes().div_ceil(1000);
        let (name, rows) = (table.table.to_string(), grouped(table.rows()));
        say(format_args!("{name:<36} {:>7} {rows:>13} {:>6} {kilobytes:>6} kB", table.version, table.files.len()));
    }
    let views = runner.catalog.models.values().filter(|model| model.header.materialized == Materialized::View);
    say(format_args!("views: {}", views.map(|model| model.name.to_string()).collect::<Vec<_>>().join(", ")));
    say(format_args!("in {}", runner.warehouse.root()));
    Ok(())
}

pub async fn plan(common: &Common, options: &options::Plan) -> anyhow::Result<()> {
    let display = Display::new(common.json, false);
    let session = Session::open(common, Needs::default(), Arc::clone(&display) as _).await?;
    display.finish();
    let model = options.model.parse()?;
    let plan = session.runner.physical_plan(&model, options.interval).await?;
    let state = session.runner.engine.state();
    let stages = fleet_scheduler::cluster::planned_stages(plan, state.config()).context(options.model.clone())?;
    for (number, stage) in stages.iter().enumerate() {
        if common.json {
            say(format_args!("{}", serde_json::json!({ "stage": number + 1, "plan": stage })));
        } else {
            say(format_args!("stage {}\n{stage}", number + 1));
        }
    }
    if stages.is_empty() {
        return Err(Error::invalid(options.model.clone(), "has no stages").into());
    }
    Ok(())
}
