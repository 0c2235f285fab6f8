//! Results of several figures: rows of them, and tables.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringArray, StructArray};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::Result;

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

/// What a function gives of a sample: a row of figures, or a table of them, which is a list of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Row(&'static [Figure]),
    Table(&'static [Figure]),
}

impl Shape {
    pub fn data_type(self) -> DataType {
        match self {
            Self::Row(figures) => row_type(figures),
            Self::Table(figures) => DataType::List(item(figures)),
        }
    }

    /// The results of some samples; one that is `None` is null.
    pub fn array(self, results: Vec<Option<Vec<Row>>>) -> Result<ArrayRef> {
        match self {
            Self::Row(figures) => {
                let first = |result: Option<Vec<Row>>| result.and_then(|rows| rows.into_iter().next());
                Ok(Arc::new(rows(figures, results.into_iter().map(first).collect())?))
            }
            Self::Table(figures) => {
                let nulls: NullBuffer = results.iter().map(Option::is_some).collect();
                let lengths = results.iter().map(|result| result.as_ref().map_or(0, Vec::len));
                let offsets = OffsetBuffer::from_lengths(lengths);
                let values = rows(figures, results.into_iter().flatten().flatten().map(Some).collect())?;
                let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
                Ok(Arc::new(ListArray::try_new(item(figures), offsets, Arc::new(values), nulls)?))
            }
        }
    }
}

pub(crate) fn row_type(figures: &[Figure]) -> DataType {
    DataType::Struct(figures.iter().map(|figure| figure.field()).collect())
}

fn item(figures: &[Figure]) -> FieldRef {
    Arc::new(Field::new_list_field(row_type(figures), true))
}

/// Rows as one array; a row that is `None` is null.
pub(crate) fn rows(figures: &[Figure], rows: Vec<Option<Row>>) -> Result<StructArray> {
    let fields: Fields = figures.iter().map(|figure| figure.field()).collect();
    let columns = figures.iter().map(|figure| figure.array(&rows)).collect();
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect();
    Ok(StructArray::try_new(fields, columns, Some(nulls).filter(|nulls| nulls.null_count() > 0))?)
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
