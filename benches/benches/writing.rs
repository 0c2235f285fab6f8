//! Writing: rows into Parquet files by the operator that tasks end in, and into PostgreSQL by the publisher.
//!
//! `testing/install.sh postgres && cargo bench --workspace --bench writing`
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use datafusion::arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::collect;
use fleet_benches::{lives, session};
use fleet_jobs::engine::write::{WriteExec, WriteSpec};
use fleet_jobs::publish::{Column, Publication, Publisher, Replace, Table};
use fleet_testing::Postgres;

const ROWS: usize = 200_000;

/// Into one large file, and into a file for each of a thousand partition values.
fn parquet_writer(c: &mut Criterion) {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let context = session(&lives(1000, ROWS / 1000).unwrap(), 1).unwrap();
    let mut group = c.benchmark_group("parquet_writer");
    group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
    for (name, partition_columns) in [("one file", vec![]), ("1000 partitions", vec!["part".to_owned()])] {
        let spec = WriteSpec {
            folder: format!("file://{}/", folder.path().display()),
            partition_columns,
            fingerprints: BTreeMap::new(),
            fingerprint: "bench".to_owned(),
            short_lived: false,
        };
        let plan = || {
            let rows = tokio.block_on(async { context.sql("select * from lives").await?.create_physical_plan().await });
            Arc::new(WriteExec::together(rows.unwrap(), spec.clone(), 1).unwrap())
        };
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                plan,
                |plan| tokio.block_on(collect(plan, context.task_ctx())).unwrap(),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// A whole publication: staged by binary COPY, and put in the place of what was published before, in one transaction.
fn publisher(c: &mut Criterion) {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let server = Postgres::start().unwrap();
    let batches = lives(1000, ROWS / 1000).unwrap();
    let schema = batches[0].schema();
    let columns = schema.fields().iter().map(|field| Column {
        name: field.name().clone(),
        comment: String::new(),
        field: field.as_ref().clone(),
    });
    let table = Table {
        schema: "bench".to_owned(),
        name: "lives".to_owned(),
        comment: String::new(),
        columns: columns.collect(),
        key: Vec::new(),
        time_column: None,
    };
    let publisher = tokio.block_on(Publisher::connect(&server.url())).unwrap();
    let mut run = 0;
    let mut publish = |batches: &[RecordBatch]| {
        run += 1;
        let publication = Publication { run_id: run.to_string(), table_version: run, fingerprint: run.to_string() };
        let rows = futures::stream::iter(batches.iter().cloned().map(Ok::<_, DataFusionError>));
        tokio.block_on(publisher.publish(&table, &Replace::Whole, &publication, rows)).unwrap()
    };
    let mut group = c.benchmark_group("publisher");
    group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("table replaced", |bencher| {
        bencher.iter(|| assert_eq!(publish(&batches).rows, ROWS as u64));
    });
    group.finish();
}

criterion_group!(benches, parquet_writer, publisher);
criterion_main!(benches);
