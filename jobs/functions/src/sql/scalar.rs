//! Functions of one row: a formula over numbers, whose result is a number or a row of figures.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::Argument;
use super::argument::{assigned, coerced, usage};
use super::figures::{Figure, Value, row_type, rows};

/// One scalar function.
pub(crate) trait Formula: fmt::Debug + Send + Sync + 'static {
    const NAME: &'static str;
    /// All of them numbers.
    const ARGUMENTS: &'static [Argument];
    /// What it computes, what it does not know, the formula's source.
    const ABOUT: &'static str;
    const EXAMPLE: &'static str;
    /// One figure for a number; several for a struct.
    const FIGURES: &'static [Figure];

    /// From the arguments in their order, `None` where a call leaves one out. Rows with a null never get here: their
    /// result is null.
    fn compute(numbers: &[Option<f64>]) -> Vec<(&'static str, Value)>;
}

/// The DataFusion function of a formula.
pub(crate) struct Scalar<F> {
    signature: Signature,
    documentation: Documentation,
    formula: PhantomData<F>,
}

impl<F: Formula> Scalar<F> {
    pub fn function() -> Arc<ScalarUDF> {
        let documentation = F::ARGUMENTS.iter().fold(
            Documentation::builder(DocSection::default(), F::ABOUT, usage(F::NAME, F::ARGUMENTS))
                .with_sql_example(F::EXAMPLE),
            |builder, argument| builder.with_argument(argument.name, argument.about),
        );
        Arc::new(ScalarUDF::from(Self {
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: documentation.build(),
            formula: PhantomData,
        }))
    }
}

impl<F: Formula> fmt::Debug for Scalar<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(F::NAME)
    }
}

impl<F: Formula> PartialEq for Scalar<F> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<F: Formula> Eq for Scalar<F> {}

impl<F: Formula> Hash for Scalar<F> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        F::NAME.hash(state);
    }
}

impl<F: Formula> ScalarUDFImpl for Scalar<F> {
    fn name(&self) -> &str {
        F::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        coerced(F::NAME, F::ARGUMENTS, given)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match F::FIGURES {
            [figure] => figure.field().data_type().clone(),
            figures => row_type(figures),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let positions = assigned(F::NAME, F::ARGUMENTS, &types)?;
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = args
            .args
            .iter()
            .map(|arg| arg.to_array(if constant { 1 } else { args.number_rows }))
            .collect::<Result<Vec<_>>>()?;
        let length = arrays.first().map_or(args.number_rows, |array| array.len());
        let values = (0..length).map(|row| Ok(of_row::<F>(&arrays, &positions, row)));
        let result = rows(F::FIGURES, values)?;
        let result = if F::FIGURES.len() == 1 { Arc::clone(result.column(0)) } else { Arc::new(result) };
        if constant { Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)) } else { Ok(result.into()) }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn of_row<F: Formula>(
    arrays: &[ArrayRef],
    positions: &[Option<usize>],
    row: usize,
) -> Option<Vec<(&'static str, Value)>> {
    let mut numbers = Vec::with_capacity(positions.len());
    for position in positions {
        let array: Option<&Float64Array> = position.map(|position| arrays[position].as_primitive::<Float64Type>());
        if array.is_some_and(|array| array.is_null(row)) {
            return None;
        }
        numbers.push(array.map(|array| array.value(row)));
    }
    Some(F::compute(&numbers))
}
