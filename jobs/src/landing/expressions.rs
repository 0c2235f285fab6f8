//! Columns that a source computes from others, in DataFusion SQL.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::compute::{cast, concat};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::ToDFSchema;
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;

use super::columns::ColumnBuffer;
use super::scalars::{Fault, Reason};
use super::spec::{Column, SourceSpec};
use super::timestamps::Timestamps;
use crate::Error;

/// A source's expressions, ready to be evaluated.
pub struct Expressions {
    input: SchemaRef,
    /// For each column of the table: its place among the file's columns, or how it is computed.
    columns: Vec<Computed>,
}

enum Computed {
    FromFile(usize),
    By(Arc<dyn PhysicalExpr>),
}

impl Expressions {
    /// Plans the expressions of a source; none if it has none. A faulty one is refused by its column's name.
    pub fn of(spec: &SourceSpec) -> crate::Result<Option<Arc<Self>>> {
        if !spec.has_expressions() && spec.fields.is_empty() {
            return Ok(None);
        }
        let file_columns: Vec<&Column> = spec.file_columns().collect();
        let input: SchemaRef =
            Arc::new(Schema::new(file_columns.iter().map(|column| column.field()).collect::<Vec<_>>()));
        let mut state = SessionStateBuilder::new().with_default_features().build();
        fleet_functions::register_all(&mut state).map_err(crate::Error::engine("expressions"))?;
        let mut columns = Vec::new();
        for column in &spec.columns {
            let place = file_columns.iter().position(|other| other.name == column.name);
            columns.push(match (&column.expression, place) {
                (Some(sql), _) => {
                    let planned = Arc::clone(&input).to_dfschema().and_then(|schema| {
                        let expression = state.create_logical_expr(sql, &schema)?;
                        let schema = Arc::new(schema);
                        let context = SimplifyContext::builder().with_schema(Arc::clone(&schema)).build();
                        let simplifier = ExprSimplifier::new(context);
                        // Some functions (`arrow_cast` is one) exist only until they are simplified.
                        let expression = simplifier.simplify(simplifier.coerce(expression, &schema)?)?;
                        state.create_physical_expr(expression, &schema)
                    });
                    let what = format!("source `{}`, column `{}`: expression", spec.name, column.name);
                    Computed::By(planned.map_err(Error::engine(what))?)
                }
                (None, Some(place)) => Computed::FromFile(place),
                (None, None) => {
                    return Err(Error::invalid(
                        format!("source `{}`", spec.name),
                        format!("column `{}` has no field", column.name),
                    ));
                }
            });
        }
        Ok(Some(Arc::new(Self { input, columns })))
    }

    pub fn input(&self) -> SchemaRef {
        Arc::clone(&self.input)
    }

    /// The table's columns, and for each row what is wrong with it, if anything.
    pub fn evaluate(&self, spec: &SourceSpec, input: &RecordBatch) -> Result<(Vec<ArrayRef>, Vec<Option<Fault>>)> {
        let mut faults = vec![None; input.num_rows()];
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (column, computed) in spec.columns.iter().zip(&self.columns) {
            arrays.push(match computed {
                Computed::FromFile(place) => Arc::clone(input.column(*place)),
                Computed::By(expression) => {
                    let values = evaluate_rows(&column.name, expression, input, &mut faults)?;
                    checked(column, &spec.timestamps, &values, &mut faults)?
                }
            });
        }
        Ok((arrays, faults))
    }
}

/// The expression's values as texts. Where the batch as a whole fails, each row is tried alone.
fn evaluate_rows(
    column: &str,
    expression: &Arc<dyn PhysicalExpr>,
    input: &RecordBatch,
    faults: &mut [Option<Fault>],
) -> Result<(ArrayRef, DataType)> {
    let evaluate = |input: &RecordBatch| -> Result<(ArrayRef, DataType)> {
        let values = expression.evaluate(input)?.into_array(input.num_rows())?;
        Ok((cast(&values, &DataType::Utf8)?, values.data_type().clone()))
    };
    if let Ok(values) = evaluate(input) {
        return Ok(values);
    }
    let mut rows = Vec::with_capacity(input.num_rows());
    let mut data_type = DataType::Utf8;
    for (row, fault) in faults.iter_mut().enumerate() {
        match evaluate(&input.slice(row, 1)) {
            Ok((value, kind)) => {
                data_type = kind;
                rows.push(value);
            }
            Err(error) => {
                fault.get_or_insert_with(|| Fault::new(Reason::Expression, error.strip_backtrace()).in_column(column));
                rows.push(Arc::new(StringArray::new_null(1)));
            }
        }
    }
    let rows: Vec<&dyn Array> = rows.iter().map(AsRef::as_ref).collect();
    Ok((concat(&rows)?, data_type))
}

/// Puts computed texts through the same checks as a file's own.
fn checked(
    column: &Column,
    timestamps: &Timestamps,
    values: &(ArrayRef, DataType),
    faults: &mut [Option<Fault>],
) -> Result<ArrayRef> {
    let iso = Timestamps { formats: Vec::new(), ..timestamps.clone() };
    let timestamps = if matches!(values.1, DataType::Timestamp(..)) { &iso } else { timestamps };
    let relaxed = Column { required: false, ..column.clone() };
    let mut strict = ColumnBuffer::new(column);
    let mut buffer = ColumnBuffer::new(&relaxed);
    let texts = values.0.as_string::<i32>();
    for (row, fault) in faults.iter_mut().enumerate() {
        let pushed = if texts.is_valid(row) && !texts.value(row).is_empty() {
            buffer.push_text(texts.value(row), timestamps)
        } else {
            let allowed = strict.push_null();
            if allowed.is_ok() { buffer.push_null() } else { allowed }
        };
        if let Err(problem) = pushed {
            buffer.push_null().ok();
            if fault.is_none() {
                *fault = Some(problem.in_column(&column.name));
            }
        }
    }
    Ok(buffer.finish()?)
}
