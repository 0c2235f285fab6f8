//! A second opinion: the same query on plain single-process DataFusion, compared row by row.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::logical_expr::LogicalPlan;

use super::session::{Inputs, scan, without_reserved};
use super::stale::Work;
use super::{Run, Runner};
use crate::catalog::Model;
use crate::engine::Engine;
use crate::warehouse::Snapshot;
use crate::{Error, Result};

/// How far two floats may differ, relative to the larger one.
const TOLERANCE: f64 = 1e-9;

impl Runner {
    pub(super) async fn verify(
        &self,
        verifier: &Engine,
        model: &Model,
        candidate: &Snapshot,
        work: &Work,
        inputs: &Inputs,
    ) -> Result<()> {
        let name = model.name.to_string();
        let context = self.session(verifier.state().clone(), inputs, &model.inputs).await?;
        let mut expected = Vec::new();
        for range in &work.ranges {
            let plan = self.planned(&context, model, *range, &Run::new(None)).await?;
            expected.extend(rows(verifier, &context, &name, plan).await?);
        }
        let written = scan(candidate.clone()).map_err(Error::engine(&name))?;
        let found = rows(verifier, &context, &name, written).await?;
        let difference =
            compare(&model.header.key, &found, &expected).map_err(|error| Error::engine(&name)(error.into()))?;
        match difference {
            None => Ok(()),
            Some(difference) => {
                let report = format!(
                    "the cluster's rows differ from those of single-process DataFusion: {difference}; nothing was committed"
                );
                Err(Error::VerifyFailed { table: name, report })
            }
        }
    }
}

async fn rows(
    engine: &Engine,
    context: &datafusion::prelude::SessionContext,
    name: &str,
    plan: LogicalPlan,
) -> Result<Vec<RecordBatch>> {
    let plan = without_reserved(plan).map_err(Error::engine(name))?;
    let plan = context.state().create_physical_plan(&plan).await.map_err(Error::engine(name))?;
    Ok(engine.collect(name, plan).await?.batches)
}

/// The first difference between two sets of rows, both put in the order of the key.
fn compare(
    key: &[String],
    found: &[RecordBatch],
    expected: &[RecordBatch],
) -> Result<Option<String>, datafusion::arrow::error::ArrowError> {
    let count = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    if count(found) != count(expected) {
        return Ok(Some(format!("{} rows, expected {}", count(found), count(expected))));
    }
    let (Some(found_first), Some(expected_first)) = (found.first(), expected.first()) else { return Ok(None) };
    let found = sorted(key, &concat_batches(&found_first.schema(), found)?)?;
    let expected = sorted(key, &concat_batches(&expected_first.schema(), expected)?)?;
    for field in expected.schema().fields() {
        let (Some(left), Some(right)) = (found.column_by_name(field.name()), expected.column_by_name(field.name()))
        else {
            return Ok(Some(format!("column `{}` is missing", field.name())));
        };
        if let Some(row) = first_difference(left, right)? {
            let options = FormatOptions::default().with_null("null");
            let left = ArrayFormatter::try_new(left, &options)?.value(row).to_string();
            let right = ArrayFormatter::try_new(right, &options)?.value(row).to_string();
            return Ok(Some(format!(
                "column `{}` of row {row} in key order is {left}, expected {right}",
                field.name()
            )));
        }
    }
    Ok(None)
}

fn sorted(key: &[String], batch: &RecordBatch) -> Result<RecordBatch, datafusion::arrow::error::ArrowError> {
    let columns: Vec<SortColumn> = key
        .iter()
        .filter_map(|name| batch.column_by_name(name))
        .map(|column| SortColumn { values: Arc::clone(column), options: None })
        .collect();
    take_record_batch(batch, &lexsort_to_indices(&columns, None)?)
}

fn first_difference(
    left: &dyn Array,
    right: &dyn Array,
) -> Result<Option<usize>, datafusion::arrow::error::ArrowError> {
    if left.data_type() == &DataType::Float64 && right.data_type() == &DataType::Float64 {
        let (left, right) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
        return Ok((0..left.len()).find(|row| match (left.is_valid(*row), right.is_valid(*row)) {
            (true, true) => !close(left.value(*row), right.value(*row)),
            (left, right) => left != right,
        }));
    }
    let rows = left.len();
    let options = FormatOptions::default().with_null("null");
    let (left, right) = (ArrayFormatter::try_new(left, &options)?, ArrayFormatter::try_new(right, &options)?);
    Ok((0..rows).find(|row| left.value(*row).to_string() != right.value(*row).to_string()))
}

fn close(left: f64, right: f64) -> bool {
    left == right
        || (left - right).abs() <= TOLERANCE * left.abs().max(right.abs())
        || (left.is_nan() && right.is_nan())
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Float64Array, StringArray};

    use super::*;

    fn batch(keys: &[&str], values: &[f64]) -> RecordBatch {
        let keys: ArrayRef = Arc::new(StringArray::from(keys.to_vec()));
        let values: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
        RecordBatch::try_from_iter([("key", keys), ("value", values)]).unwrap()
    }

    #[test]
    fn rows_are_compared_whatever_their_order() {
        let key = ["key".to_owned()];
        let expected = [batch(&["a", "b"], &[1.0, 2.0])];
        assert_eq!(compare(&key, &[batch(&["b", "a"], &[2.0, 1.0 + 1e-12])], &expected).unwrap(), None);
        let difference = compare(&key, &[batch(&["b", "a"], &[2.1, 1.0])], &expected).unwrap().unwrap();
        assert!(difference.contains("`value` of row 1") && difference.contains("2.1"), "{difference}");
        let difference = compare(&key, &[batch(&["c", "a"], &[2.0, 1.0])], &expected).unwrap().unwrap();
        assert!(difference.contains("`key`"), "{difference}");
        assert!(compare(&key, &[batch(&["a"], &[1.0])], &expected).unwrap().unwrap().contains("1 rows"));
    }
}
