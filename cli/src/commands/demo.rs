//! `fleet demo`: the whole path on a made-up fleet, ending in figures to look at.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use fleet_generator::Options;

use super::{compute, generate, query, report};
use crate::display::{Display, say};
use crate::options::{Common, Demo, Format};
use crate::recorded::{Asked, Recorded};
use crate::session::{Needs, Session};

const DISPATCH: &str = "\
select month, scheduled_departures as departures, technical_delays as delays, technical_cancellations as cancellations,
       round(dispatch_reliability_pct, 3) as dispatch_reliability_pct
from operations.dispatch_reliability where tail is null order by month";

const QUARANTINED: &str = "\
select source, reason, count(*) as rows from quarantine group by source, reason order by rows desc, source, reason limit 20";

pub async fn demo(common: &Common, options: &Demo) -> anyhow::Result<()> {
    let started = Instant::now();
    let common = Common { data: options.dir.to_string_lossy().into_owned(), warehouse: None, ..common.clone() };
    if options.dir.join("landing").exists() {
        tell(&common, format_args!("1. a fleet is in {} already, and is used again", options.dir.display()));
    } else {
        tell(&common, format_args!("1. making a fleet of 10 aircraft and 90 days in {}", options.dir.display()));
        let (common, folder) = (common.clone(), options.dir.clone());
        tokio::task::spawn_blocking(move || make(&common, &folder)).await??;
    }
    let display = Display::new(common.json, false);
    let needs = Needs { verify: true, publish: options.database.publish.as_deref() };
    let session = Session::open(&common, needs, Arc::clone(&display) as _).await?;
    let asked = Asked { names: &[], computes: true, ingests: Some(&[]), interval: None, verify: true };
    let mut runner = session.runner.clone();
    let recorded = Recorded::begin(&common, None, &mut runner, asked).await?;
    tell(&common, format_args!("2. ingesting its files"));
    let steps = async {
        compute::tell_counts(&common, &runner.ingest(&session.landing, &[], &recorded.run).await?);
        tell(&common, format_args!("3. computing the tables on the cluster, and again in one process to compare"));
        runner.run(&[], &recorded.run).await
    };
    let steps = steps.await;
    recorded.end(runner, &steps).await;
    let steps = steps?;
    display.finish();
    tell(&common, "4. what came out");
    let worst = worst_parts(&options.dir)?;
    for (title, sql) in [
        ("Dispatch reliability of the fleet by month", DISPATCH),
        ("The ten worst parts by time between unscheduled removals, beside the truth they were drawn from", &worst),
        ("Rows in quarantine by source and reason", QUARANTINED),
    ] {
        show(&common, &session, title, sql).await?;
    }
    if options.database.publish.is_some() {
        let rows: u64 = steps.iter().filter_map(|step| step.published_rows).sum();
        tell(&common, format_args!("\n{rows} rows published to PostgreSQL"));
    }
    let out = options.dir.join("report.html");
    let week = report::write(&session.runner, None, &out).await?;
    tell(&common, format_args!("\nThe reliability report of week {week} is in {}", out.display()));
    if !common.json {
        next_steps(&options.dir, started);
    }
    Ok(())
}

/// Says something to a person; machines get results only.
fn tell(common: &Common, text: impl std::fmt::Display) {
    if !common.json {
        say(text);
    }
}

/// Makes the fleet aside and moves it into place, so that one that is there is whole.
fn make(common: &Common, folder: &Path) -> anyhow::Result<()> {
    let aside = folder.join(".unfinished");
    if aside.exists() {
        std::fs::remove_dir_all(&aside)?;
    }
    generate::files(common, &Options::default(), &aside)?;
    for part in ["truth", "reference", "landing"] {
        std::fs::rename(aside.join(part), folder.join(part))?;
    }
    Ok(std::fs::remove_dir_all(&aside)?)
}

async fn show(common: &Common, session: &Session, title: &str, sql: &str) -> anyhow::Result<()> {
    tell(common, format_args!("\n{title}"));
    let format = if common.json { Format::Json } else { Format::Table };
    query::print(&query::rows(&session.runner, sql).await?, format)
}

/// The query for the worst parts, with the generator's truth as a table of values.
fn worst_parts(folder: &Path) -> anyhow::Result<String> {
    let truth = std::fs::read_to_string(folder.join("truth/parts.csv"))?;
    let mut lines = truth.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| names.iter().position(|other| *other == name).unwrap_or(0);
    let (part, expected) = (column("part_number"), column("expected_mtbur_hours"));
    let values: Vec<String> = lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|fields| fields.len() == names.len())
        .map(|fields| format!("('{}', {})", fields[part].replace('\'', "''"), fields[expected]))
        .collect();
    Ok(format!(
        "with truth(part_number, expected_mtbur_hours) as (values {}), \
         latest as (select max(month) as month from reliability.component) \
         select c.part_number, p.description, c.unscheduled_removals_12m as removals, round(c.unit_hours_12m, 0) as unit_hours, \
                round(c.mtbur_hours_12m, 0) as mtbur_hours, round(t.expected_mtbur_hours, 0) as true_mtbur_hours \
         from reliability.component c join latest l on c.month = l.month \
         join truth t on c.part_number = t.part_number join staging.stg_parts_catalog p on c.part_number = p.part_number \
         where c.mtbur_hours_12m is not null order by c.mtbur_hours_12m limit 10",
        values.join(", ")
    ))
}

fn next_steps(folder: &Path, started: Instant) {
    let data = folder.display();
    say(format_args!(
        "\nDone in {:.1} s. The tables are Delta Lake tables in {data}/warehouse. Next:",
        started.elapsed().as_secs_f64()
    ));
    say(format_args!("  fleet tables --data {data}"));
    say(format_args!(
        "  fleet query --data {data} \"select * from reliability.component where unscheduled_removals > 2\""
    ));
    say(format_args!("  fleet plan --data {data} reliability.component"));
    say(format_args!("  fleet run --data {data} --publish postgres://user@localhost/database"));
}
