//! Results of several figures: rows of them, and tables.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, StructArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, ScalarValue};

use crate::estimation::survival::Interval;

/// A column of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Figure {
    Number(&'static str),
    Count(&'static str),
    Text(&'static str),
    Flag(&'static str),
}

/// One value of a column; a number that is not finite is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(Option<f64>),
    Count(Option<i64>),
    Text(Option<String>),
    Flag(bool),
}

/// The values of one row, by the names of their figures; a figure that is not named is null.
pub(crate) type Row = Vec<(&'static str, Value)>;

impl Figure {
    pub fn name(self) -> &'static str {
        match self {
            Self::Number(name) | Self::Count(name) | Self::Text(name) | Self::Flag(name) => name,
        }
    }

    pub fn field(self) -> Field {
        let data_type = match self {
            Self::Number(_) => DataType::Float64,
            Self::Count(_) => DataType::Int64,
            Self::Text(_) => DataType::Utf8,
            Self::Flag(_) => DataType::Boolean,
        };
        Field::new(self.name(), data_type, true)
    }

    fn array(self, rows: &[Option<Row>]) -> ArrayRef {
        let value = |row: &Option<Row>| {
            let found = row.as_ref()?.iter().find(|(name, _)| *name == self.name());
            found.map(|(_, value)| value.clone())
        };
        let values = rows.iter().map(value);
        match self {
            Self::Number(_) => Arc::new(Float64Array::from_iter(values.map(|value| match value {
                Some(Value::Number(number)) => number.filter(|number| number.is_finite()),
                _ => None,
            }))),
            Self::Count(_) => Arc::new(Int64Array::from_iter(values.map(|value| match value {
                Some(Value::Count(count)) => count,
                _ => None,
            }))),
            Self::Text(_) => Arc::new(StringArray::from_iter(values.map(|value| match value {
                Some(Value::Text(text)) => text,
                _ => None,
            }))),
            Self::Flag(_) => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
                Some(Value::Flag(flag)) => Some(flag),
                _ => None,
            }))),
        }
    }
}

/// The type of a row of figures.
pub(crate) fn row_type(figures: &[Figure]) -> DataType {
    DataType::Struct(figures.iter().map(|figure| figure.field()).collect())
}

/// The type of a table of figures: a list of rows.
pub(crate) fn table_type(figures: &[Figure]) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(row_type(figures), true)))
}

/// Rows as one array; a row that is `None` is null.
pub(crate) fn rows(figures: &[Figure], rows: Vec<Option<Row>>) -> Result<StructArray> {
    let fields: Fields = figures.iter().map(|figure| figure.field()).collect();
    let columns = figures.iter().map(|figure| figure.array(&rows)).collect();
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect();
    Ok(StructArray::try_new(fields, columns, Some(nulls).filter(|nulls| nulls.null_count() > 0))?)
}

/// One row.
pub(crate) fn row(figures: &[Figure], values: Row) -> Result<ScalarValue> {
    Ok(ScalarValue::Struct(Arc::new(rows(figures, vec![Some(values)])?)))
}

/// A table, as a list of rows.
pub(crate) fn table(figures: &[Figure], values: Vec<Row>) -> Result<ScalarValue> {
    let rows = rows(figures, values.into_iter().map(Some).collect())?;
    Ok(SingleRowListArrayBuilder::new(Arc::new(rows)).with_nullable(true).build_list_scalar())
}

/// The null of a result's type: of a sample that is unfit.
pub(crate) fn none_of(data_type: &DataType) -> Result<ScalarValue> {
    ScalarValue::try_from(data_type)
}

/// Both ends of an interval under their names.
pub(crate) fn bounds(names: [&'static str; 2], bounds: Option<Interval>) -> [(&'static str, Value); 2] {
    [(names[0], bounds.map(|bounds| bounds.lower).into()), (names[1], bounds.map(|bounds| bounds.upper).into())]
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(Some(value))
    }
}

impl From<Option<f64>> for Value {
    fn from(value: Option<f64>) -> Self {
        Self::Number(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Count(i64::try_from(value).ok())
    }
}

impl From<Option<usize>> for Value {
    fn from(value: Option<usize>) -> Self {
        Self::Count(value.and_then(|value| i64::try_from(value).ok()))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}
