//! How many instructions the hot paths take on fixed inputs. `benches/instructions.sh` counts them with Callgrind, and
//! holds each to its limit; here is what is counted.
//!
//! `instructions CASE` runs one case once.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a case that cannot be set up fails")]

use std::hint::black_box;
use std::sync::Arc;

use datafusion::prelude::SessionContext;
use fleet_benches::{flights, lives, read, recordings, session, source};
use fleet_jobs::landing::SourceSpec;
use tokio::runtime::Runtime;

fn main() {
    // One thread, so that every run takes the same path.
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let case = std::env::args().nth(1).unwrap_or_default();
    let read = |name, file: String| counted_read(&tokio.block_on(source(name)).unwrap(), &file);
    let ask = |sql| counted_query(&tokio, &session(&lives(200, 50).unwrap(), 1).unwrap(), sql);
    match case.as_str() {
        "csv" => read("flights", flights(2000, 10).unwrap()),
        "ndjson" => read("telemetry", recordings(5, 1000).unwrap()),
        "weibull_fit" => ask("select weibull_fit(hours, failed)['eta'] from lives group by part"),
        "summary_statistics" => ask("select summary_statistics(hours)['p95'] from lives group by part"),
        "planning" => ask("select part, count(*) from lives where hours > 5 group by part order by 2 limit 1"),
        _ => panic!("expected csv, ndjson, weibull_fit, summary_statistics or planning, found `{case}`"),
    }
}

/// Callgrind counts from the beginning of these two to their end.
#[inline(never)]
fn counted_read(source: &Arc<SourceSpec>, file: &str) {
    black_box(read(source, file).unwrap());
}

#[inline(never)]
fn counted_query(tokio: &Runtime, context: &SessionContext, sql: &str) {
    black_box(tokio.block_on(async { context.sql(sql).await?.collect().await }).unwrap());
}
