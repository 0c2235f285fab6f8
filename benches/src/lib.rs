//! What benchmarks measure on: files, lives and sessions, the same in every run.

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;

use datafusion::arrow::array::{BooleanArray, Float64Array, Int64Array, RecordBatch};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use fleet_jobs::catalog::Catalog;
use fleet_jobs::engine::{runtime, session_config, session_state};
use fleet_jobs::landing::{Reader, SourceSpec};
use fleet_jobs::storage::Stores;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

const BATCH_ROWS: usize = 8192;
const READ_BYTES: usize = 1 << 20;

/// Flights in CSV, in the columns of the source `flights`, a damaged row in every `damaged_every` (0 for none).
pub fn flights(rows: usize, damaged_every: usize) -> Result<String> {
    let mut file = String::from(
        "flight_id,tail,flight_number,origin,destination,scheduled_departure,scheduled_arrival,off_block,takeoff,landing,\
         on_block,flight_hours,block_hours,cycles,delay_minutes,delay_code,delay_ata,cancelled,cancellation_ata,diverted,\
         air_turnback,fuel_burn_kg,payload_kg\n",
    );
    for row in 0..rows {
        let damaged = damaged_every > 0 && row % damaged_every == 0;
        let hours = if damaged { "1.2x" } else { "1.3750" };
        let (day, hour) = (row / 2000 % 28 + 1, row % 20);
        writeln!(
            file,
            "MC{row:06}-{day:02},EI-M{:02},MC{:04},DUB,LHR,2026-01-{day:02}T{hour:02}:05:00Z,2026-01-{day:02}T{hour:02}:59:00Z,\
             2026-01-{day:02}T{hour:02}:07:12Z,2026-01-{day:02}T{hour:02}:17:01Z,2026-01-{day:02}T{hour:02}:50:44Z,\
             2026-01-{day:02}T{hour:02}:58:30Z,{hours},1.6420,1,2,93,,false,,false,false,3125.5,9870.0",
            row % 97,
            row % 9000,
        )?;
    }
    Ok(file)
}

/// Recordings of flights in NDJSON, in the fields of the source `telemetry`: ten parameters of so many samples each.
pub fn recordings(flights: usize, samples: usize) -> Result<String> {
    let mut file = String::new();
    let mut unit = uniform();
    for flight in 0..flights {
        write!(
            file,
            "{{\"flight_id\":\"MC{flight:06}\",\"started_at\":\"2026-01-02T08:04:00Z\",\"tail\":\"EI-M{:02}\",\"sample_rate_hz\":0.010,\
             \"parameters\":{{",
            flight % 97
        )?;
        for parameter in 0..10 {
            let separator = if parameter == 0 { "" } else { "," };
            write!(file, "{separator}\"parameter_{parameter}\":[")?;
            for sample in 0..samples {
                let separator = if sample == 0 { "" } else { "," };
                write!(file, "{separator}{:.2}", 100.0 * unit())?;
            }
            file.push(']');
        }
        file.push_str("}}\n");
    }
    Ok(file)
}

/// Weibull lives of shape 1.8, a third of them suspended; the groups' rows lie mixed, as hashes spread them. Columns: `part`
/// (the group), `unit` (one of ten), `hours`, `failed`.
pub fn lives(groups: usize, durations: usize) -> Result<Vec<RecordBatch>> {
    let mut unit = uniform();
    let mut rows: Vec<(i64, i64, f64, bool)> = Vec::with_capacity(groups * durations);
    for duration in 0..durations {
        for group in 0..groups {
            let failure = 1000.0 * (-unit().ln()).powf(1.0 / 1.8);
            let limit = 400.0 + 1600.0 * unit();
            rows.push((group as i64, (duration % 10) as i64, failure.min(limit), failure <= limit));
        }
    }
    let batch = |rows: &[(i64, i64, f64, bool)]| -> Result<RecordBatch> {
        let failed: BooleanArray = rows.iter().map(|row| Some(row.3)).collect();
        Ok(RecordBatch::try_from_iter([
            ("part", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0))) as _),
            ("unit", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))) as _),
            ("hours", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.2))) as _),
            ("failed", Arc::new(failed) as _),
        ])?)
    };
    rows.chunks(BATCH_ROWS).map(batch).collect()
}

/// Numbers between 0 and 1, both left out.
fn uniform() -> impl FnMut() -> f64 {
    let mut state = 42_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

/// A session of so many partitions with the batches as the table `lives`, spread over them.
pub fn session(batches: &[RecordBatch], partitions: usize) -> Result<SessionContext> {
    let state = session_state(session_config(partitions), runtime(Stores::new())?)?;
    let context = SessionContext::new_with_state(state);
    let parts = batches.chunks(batches.len().div_ceil(partitions)).map(<[RecordBatch]>::to_vec).collect();
    context.register_table("lives", Arc::new(MemTable::try_new(batches[0].schema(), parts)?))?;
    Ok(context)
}

/// A source of the built-in catalogue.
pub async fn source(name: &str) -> Result<Arc<SourceSpec>> {
    Ok(Arc::clone(Catalog::load(None).await?.source(name)?))
}

/// Reads a file as ingestion does, and tells how many rows came of it.
pub fn read(source: &Arc<SourceSpec>, file: &str) -> Result<usize> {
    let mut reader = Reader::new(source, None, "file".to_owned(), Some(20_000), BATCH_ROWS);
    let mut rows = 0;
    for chunk in file.as_bytes().chunks(READ_BYTES) {
        reader.feed(chunk);
        while let Some(batches) = reader.drain(false)? {
            rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        }
    }
    while let Some(batches) = reader.drain(true)? {
        rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    }
    Ok(rows)
}
