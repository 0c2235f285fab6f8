//! `fleet ingest`, `fleet run` and `fleet publish`.

use std::sync::Arc;

use fleet_jobs::ingest::SourceReport;
use fleet_jobs::run::Run;

use crate::display::{Display, grouped, say};
use crate::options::{self, Common};
use crate::recorded::{Asked, Recorded};
use crate::session::{Needs, Session};

pub async fn ingest(common: &Common, options: &options::Ingest) -> anyhow::Result<()> {
    let display = Display::new(common.json, false);
    let mut session = Session::open(common, Needs::default(), Arc::clone(&display) as _).await?;
    for source in &options.sources {
        session.runner.catalog.source(source)?;
    }
    let asked = Asked { names: &[], computes: false, ingests: Some(&options.sources), interval: None, verify: false };
    let recorded = Recorded::begin(common, options.ledger.ledger.as_deref(), &mut session.runner, asked).await?;
    let reports = session.runner.ingest(&session.landing, &options.sources, &recorded.run).await;
    recorded.end(session.runner, &reports).await;
    display.finish();
    tell_counts(common, &reports?);
    Ok(())
}

/// Rows in = rows kept + rows replaced + rows quarantined, over all sources.
pub fn tell_counts(common: &Common, reports: &[SourceReport]) {
    if common.json {
        say(format_args!("{}", serde_json::json!({ "event": "ingested", "sources": reports })));
        return;
    }
    let sum = |count: fn(&SourceReport) -> i64| u64::try_from(reports.iter().map(count).sum::<i64>()).unwrap_or(0);
    let files: u64 = reports.iter().map(|report| report.files_ingested).sum();
    let skipped: u64 = reports.iter().map(|report| report.files_skipped).sum();
    say(format_args!(
        "{} rows in = {} kept + {} replaced by key + {} quarantined, from {} files ({} delivered before and skipped)",
        grouped(sum(|report| report.rows_in)),
        grouped(sum(|report| report.rows_kept)),
        grouped(sum(|report| report.rows_replaced)),
        grouped(sum(|report| report.rows_quarantined)),
        grouped(files),
        grouped(skipped),
    ));
}

pub async fn run(common: &Common, options: &options::Run) -> anyhow::Result<()> {
    let display = Display::new(common.json, options.stages);
    let needs = Needs { verify: options.verify, publish: options.database.publish.as_deref() };
    let mut session = Session::open(common, needs, Arc::clone(&display) as _).await?;
    let jobs = &session.runner.catalog.jobs;
    let ingests = options.names.iter().any(|name| jobs.get(name).is_some_and(|job| job.ingest));
    let asked = Asked {
        names: &options.names,
        computes: true,
        ingests: ingests.then_some(&[]),
        interval: options.interval,
        verify: options.verify,
    };
    let recorded = Recorded::begin(common, options.ledger.ledger.as_deref(), &mut session.runner, asked).await?;
    let reports = async {
        if ingests {
            tell_counts(common, &session.runner.ingest(&session.landing, &[], &recorded.run).await?);
        }
        session.runner.run(&options.names, &recorded.run).await
    };
    let reports = reports.await;
    recorded.end(session.runner, &reports).await;
    display.finish();
    let reports = reports?;
    if common.json {
        say(format_args!("{}", serde_json::json!({ "event": "ran", "steps": reports })));
    } else {
        let computed = reports.iter().filter(|report| !report.up_to_date).count();
        let published: u64 = reports.iter().filter_map(|report| report.published_rows).sum();
        let published = if options.database.publish.is_some() {
            format!(", {} rows published", grouped(published))
        } else {
            String::new()
        };
        say(format_args!(
            "{} tables: {computed} computed, {} up to date{published}",
            reports.len(),
            reports.len() - computed
        ));
    }
    Ok(())
}

pub async fn publish(common: &Common, options: &options::Publish) -> anyhow::Result<()> {
    let display = Display::new(common.json, false);
    let needs = Needs { verify: false, publish: options.database.publish.as_deref() };
    let session = Session::open(common, needs, Arc::clone(&display) as _).await?;
    let reports = session.runner.publish_only(&options.names, &Run::new(None)).await;
    display.finish();
    let reports = reports?;
    if common.json {
        say(format_args!("{}", serde_json::json!({ "event": "published", "steps": reports })));
    } else {
        let rows: u64 = reports.iter().filter_map(|report| report.published_rows).sum();
        say(format_args!("{} tables published, {} rows changed", reports.len(), grouped(rows)));
    }
    Ok(())
}
