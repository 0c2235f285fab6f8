//! Results of several figures: rows of them, and tables.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, ListArray, NullBufferBuilder, StringBuilder,
    StructArray, make_builder,
};
use datafusion::arrow::buffer::OffsetBuffer;
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
    Flag(Option<bool>),
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

    fn nothing(self) -> Value {
        match self {
            Self::Number(_) => Value::Number(None),
            Self::Count(_) => Value::Count(None),
            Self::Text(_) => Value::Text(None),
            Self::Flag(_) => Value::Flag(None),
        }
    }
}

/// Rows by column, while they are appended.
struct Cells {
    figures: &'static [Figure],
    columns: Vec<Box<dyn ArrayBuilder>>,
    valid: NullBufferBuilder,
}

impl Cells {
    fn new(figures: &'static [Figure], rows: usize) -> Self {
        let columns = figures.iter().map(|figure| make_builder(figure.field().data_type(), rows)).collect();
        Self { figures, columns, valid: NullBufferBuilder::new(rows) }
    }

    fn push(&mut self, row: Option<Row>) {
        let place = self.valid.len();
        self.valid.append(row.is_some());
        // A figure is mostly found after the one before.
        let mut next = 0;
        for (name, value) in row.into_iter().flatten() {
            let mut places = (next..self.figures.len()).chain(0..next);
            let Some(found) = places.find(|place| self.figures[*place].name() == name) else { continue };
            let column = &mut self.columns[found];
            if column.len() == place {
                value.append(column);
                next = found + 1;
            }
        }
        for (column, figure) in self.columns.iter_mut().zip(self.figures) {
            if column.len() == place {
                figure.nothing().append(column);
            }
        }
    }

    fn finish(mut self) -> Result<StructArray> {
        let fields: Fields = self.figures.iter().map(|figure| figure.field()).collect();
        let columns = self.columns.iter_mut().map(|column| column.finish()).collect();
        Ok(StructArray::try_new(fields, columns, self.valid.finish())?)
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
    pub fn array(self, results: impl ExactSizeIterator<Item = Result<Option<Vec<Row>>>>) -> Result<ArrayRef> {
        let samples = results.len();
        match self {
            Self::Row(figures) => {
                let first = |result: Option<Vec<Row>>| result.and_then(|rows| rows.into_iter().next());
                Ok(Arc::new(rows(figures, results.map(|result| result.map(first)))?))
            }
            Self::Table(figures) => {
                let mut nulls = NullBufferBuilder::new(samples);
                let mut lengths = Vec::with_capacity(samples);
                let mut cells = Cells::new(figures, samples);
                for result in results {
                    let result = result?;
                    nulls.append(result.is_some());
                    let table = result.unwrap_or_default();
                    lengths.push(table.len());
                    table.into_iter().for_each(|row| cells.push(Some(row)));
                }
                let offsets = OffsetBuffer::from_lengths(lengths);
                let values = Arc::new(cells.finish()?);
                Ok(Arc::new(ListArray::try_new(item(figures), offsets, values, nulls.finish())?))
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
pub(crate) fn rows(
    figures: &'static [Figure],
    rows: impl ExactSizeIterator<Item = Result<Option<Row>>>,
) -> Result<StructArray> {
    let mut cells = Cells::new(figures, rows.len());
    for row in rows {
        cells.push(row?);
    }
    cells.finish()
}

/// Both ends of an interval under their names.
pub(crate) fn bounds(names: [&'static str; 2], bounds: Option<Interval>) -> [(&'static str, Value); 2] {
    [(names[0], bounds.map(|bounds| bounds.lower).into()), (names[1], bounds.map(|bounds| bounds.upper).into())]
}

impl Value {
    /// Appends to a column of its kind. A number that is not finite is none.
    fn append(self, column: &mut Box<dyn ArrayBuilder>) {
        let column = column.as_any_mut();
        match self {
            Self::Number(number) => {
                let number = number.filter(|number| number.is_finite());
                column.downcast_mut::<Float64Builder>().into_iter().for_each(|column| column.append_option(number));
            }
            Self::Count(count) => {
                column.downcast_mut::<Int64Builder>().into_iter().for_each(|column| column.append_option(count));
            }
            Self::Text(text) => {
                let column = column.downcast_mut::<StringBuilder>().into_iter();
                column.for_each(|column| column.append_option(text.as_deref()));
            }
            Self::Flag(flag) => {
                column.downcast_mut::<BooleanBuilder>().into_iter().for_each(|column| column.append_option(flag));
            }
        }
    }
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
        Self::Flag(Some(value))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}
