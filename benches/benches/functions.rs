//! Functions over many groups and over one large one, each as one SQL statement in this process.
//!
//! `cargo bench --workspace --bench functions`

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use datafusion::arrow::array::{BooleanArray, Float64Array, Int64Array, RecordBatch};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use fleet_jobs::engine::{runtime, session_config, session_state};
use fleet_jobs::storage::Stores;

const GROUPS: usize = 100_000;
const DURATIONS: usize = 50;
const BATCH: usize = 8192;

/// Weibull lives of shape 1.8, a third of them suspended; the groups' rows lie mixed, as hashes spread them.
fn lives(groups: usize, durations: usize) -> Vec<RecordBatch> {
    let mut state = 42_u64;
    let mut unit = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    let mut rows: Vec<(i64, f64, bool)> = Vec::with_capacity(groups * durations);
    for _ in 0..durations {
        for group in 0..groups {
            let failure = 1000.0 * (-unit().ln()).powf(1.0 / 1.8);
            let limit = 400.0 + 1600.0 * unit();
            rows.push((group as i64, failure.min(limit), failure <= limit));
        }
    }
    let batch = |rows: &[(i64, f64, bool)]| {
        let group = Int64Array::from_iter_values(rows.iter().map(|row| row.0));
        let hours = Float64Array::from_iter_values(rows.iter().map(|row| row.1));
        let failed: BooleanArray = rows.iter().map(|row| Some(row.2)).collect();
        RecordBatch::try_from_iter([
            ("part", Arc::new(group) as _),
            ("hours", Arc::new(hours) as _),
            ("failed", Arc::new(failed) as _),
        ])
    };
    rows.chunks(BATCH).filter_map(|rows| batch(rows).ok()).collect()
}

/// A session of two partitions with a table of lives.
fn session(batches: Vec<RecordBatch>) -> Option<SessionContext> {
    let context = SessionContext::new_with_state(session_state(session_config(2), runtime(Stores::new()).ok()?).ok()?);
    let (one, other) = batches.split_at(batches.len() / 2);
    let table = MemTable::try_new(batches[0].schema(), vec![one.to_vec(), other.to_vec()]).ok()?;
    context.register_table("lives", Arc::new(table)).ok()?;
    Some(context)
}

fn functions(c: &mut Criterion) {
    let Ok(tokio) = tokio::runtime::Runtime::new() else { return };
    let many = session(lives(GROUPS, DURATIONS));
    let large = session(lives(1, 10_000_000));
    let mut group = c.benchmark_group("functions");
    group.sample_size(10);
    for (name, context, sql) in [
        (
            "weibull_fit_of_100_000_groups_of_50",
            &many,
            "select count(fit['eta']) from (select part, weibull_fit(hours, failed) as fit from lives group by part)",
        ),
        (
            "weibull_fit_of_100_000_groups_of_50_profile",
            &many,
            "select count(fit['eta']) from (select part, weibull_fit(hours, failed, 'profile') as fit from lives group by part)",
        ),
        ("weibull_fit_of_10_million", &large, "select weibull_fit(hours, failed)['eta'] from lives"),
    ] {
        let Some(context) = context else { continue };
        group.bench_function(name, |bencher| {
            bencher.iter(|| tokio.block_on(async { black_box(context.sql(sql).await.ok()?.collect().await.ok()) }));
        });
    }
    group.finish();
}

criterion_group!(benches, functions);
criterion_main!(benches);
