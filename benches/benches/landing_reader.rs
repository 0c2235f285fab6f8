//! Reading landing files into Arrow: how many bytes a second a core parses and validates.
//!
//! `cargo bench --workspace --bench landing_reader`
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up fails")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fleet_benches::{flights, read, recordings, source};

fn landing_reader(c: &mut Criterion) {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let mut group = c.benchmark_group("landing_reader");
    group.sample_size(20);
    for (name, source_name, file, rows) in [
        ("clean", "flights", flights(40_000, 0).unwrap(), 40_000),
        ("one row in ten damaged", "flights", flights(40_000, 10).unwrap(), 40_000),
        ("lists in NDJSON", "telemetry", recordings(100, 1000).unwrap(), 1000),
    ] {
        let source = tokio.block_on(source(source_name)).unwrap();
        group.throughput(Throughput::Bytes(file.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert_eq!(read(&source, &file).unwrap(), rows));
        });
    }
    group.finish();
}

criterion_group!(benches, landing_reader);
criterion_main!(benches);
