//! How fast CSV is read, validated and turned into Arrow: bytes a second on one core, uncompressed and in memory.

use std::fmt::Write;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fleet_jobs::catalog::Catalog;
use fleet_jobs::landing::Reader;

/// 40 000 flights in the columns of the data contract, a damaged row in every `damaged_every` (0 for none).
fn flights(damaged_every: usize) -> String {
    let mut file = String::from(
        "flight_id,tail,flight_number,origin,destination,scheduled_departure,scheduled_arrival,off_block,takeoff,landing,\
         on_block,flight_hours,block_hours,cycles,delay_minutes,delay_code,delay_ata,cancelled,cancellation_ata,diverted,\
         air_turnback,fuel_burn_kg,payload_kg\n",
    );
    for row in 0..40_000 {
        let damaged = damaged_every > 0 && row % damaged_every == 0;
        let hours = if damaged { "1.2x" } else { "1.3750" };
        let (day, hour) = (row / 2000 + 1, row % 20);
        let _ = writeln!(
            file,
            "MC{row:06}-{day:02},EI-M{:02},MC{:04},DUB,LHR,2026-01-{day:02}T{hour:02}:05:00Z,2026-01-{day:02}T{hour:02}:59:00Z,\
             2026-01-{day:02}T{hour:02}:07:12Z,2026-01-{day:02}T{hour:02}:17:01Z,2026-01-{day:02}T{hour:02}:50:44Z,\
             2026-01-{day:02}T{hour:02}:58:30Z,{hours},1.6420,1,2,93,,false,,false,false,3125.5,9870.0",
            row % 97,
            row % 9000,
        );
    }
    file
}

fn read(criterion: &mut Criterion) {
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return };
    let Ok(catalog) = runtime.block_on(Catalog::load(None)) else { return };
    let Ok(spec) = catalog.source("flights").map(Arc::clone) else { return };
    let mut group = criterion.benchmark_group("landing_reader");
    group.sample_size(20);
    for (name, damaged_every) in [("clean", 0), ("one row in ten damaged", 10)] {
        let file = flights(damaged_every);
        group.throughput(Throughput::Bytes(file.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut reader = Reader::new(&spec, None, "flights.csv".to_owned(), Some(20_000), 8192);
                let mut rows = 0;
                for chunk in file.as_bytes().chunks(1 << 20) {
                    reader.feed(chunk);
                    while let Ok(Some(batches)) = reader.drain(false) {
                        rows += batches.iter().map(|batch| batch.num_rows()).sum::<usize>();
                    }
                }
                while let Ok(Some(batches)) = reader.drain(true) {
                    rows += batches.iter().map(|batch| batch.num_rows()).sum::<usize>();
                }
                assert_eq!(rows, 40_000);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
