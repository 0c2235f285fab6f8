//! The functions as SQL calls them: published figures, any spread and order of rows, unfit samples, wrong calls, plans
//! that travel.

mod figures;
mod travel;
mod unfit;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::register_all;

/// A session with our functions that cuts work into so many partitions.
fn session(partitions: usize) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(16);
    let mut state = SessionStateBuilder::new().with_default_features().with_config(config).build();
    register_all(&mut state).unwrap();
    SessionContext::new_with_state(state)
}

async fn rows(context: &SessionContext, sql: &str) -> Vec<RecordBatch> {
    context.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}")).collect().await.unwrap()
}

/// The numbers that a query gives, in its only column; `None` for null.
async fn column(context: &SessionContext, sql: &str) -> Vec<Option<f64>> {
    let numbers = |batch: &RecordBatch| {
        let numbers = datafusion::arrow::compute::cast(batch.column(0), &DataType::Float64).unwrap();
        numbers.as_primitive::<Float64Type>().iter().collect::<Vec<_>>()
    };
    rows(context, sql).await.iter().flat_map(numbers).collect()
}

/// The one number that a query gives; `None` for null.
async fn number(context: &SessionContext, sql: &str) -> Option<f64> {
    let numbers = column(context, sql).await;
    assert_eq!(numbers.len(), 1, "{sql}");
    numbers[0]
}

async fn text(context: &SessionContext, sql: &str) -> String {
    let batches = rows(context, sql).await;
    batches[0].column(0).as_string::<i32>().value(0).to_owned()
}

fn assert_close(found: Option<f64>, expected: f64, relative: f64, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: null, expected {expected}"));
    assert!((found - expected).abs() <= relative * expected.abs(), "{what}: {found}, expected {expected}");
}

/// A table of values for a `from` clause.
fn table(name: &str, columns: &str, rows: &[String]) -> String {
    format!("(values {}) as {name} ({columns})", rows.join(", "))
}

/// Times to failure of ten units of twenty, the others stopped at 500 hours (NIST/SEMATECH e-Handbook, 8.4.1.3).
fn nist() -> String {
    let failures = [54, 187, 216, 240, 244, 335, 361, 373, 375, 386].map(|hours| format!("({hours}, true)"));
    let suspended = [(); 10].map(|()| "(500, false)".to_owned());
    table("lives", "hours, failed", &[failures, suspended].concat())
}
