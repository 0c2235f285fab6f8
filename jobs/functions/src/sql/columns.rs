//! Columns of a sample while it is gathered: plain vectors, moved out without a copy.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, StringArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::filter;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, internal_err};

/// One column, a value a row. A missing number is held apart from NaN, which is a number that somebody gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Column {
    Numbers {
        values: Vec<f64>,
        /// Which values are there; empty where all are.
        valid: Vec<bool>,
    },
    Flags(Vec<bool>),
    Names(Vec<Option<String>>),
}

/// The gathered columns, all of one length but those that a call leaves out, which stay empty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Columns(Vec<Column>);

impl Columns {
    pub fn new(types: &[DataType]) -> Self {
        let column = |data_type: &DataType| match data_type {
            DataType::Boolean => Column::Flags(Vec::new()),
            DataType::Utf8 => Column::Names(Vec::new()),
            _ => Column::Numbers { values: Vec::new(), valid: Vec::new() },
        };
        Self(types.iter().map(column).collect())
    }

    /// Appends rows: those to keep, or all.
    pub fn append(&mut self, given: &[Option<ArrayRef>], keep: Option<&BooleanArray>) -> Result<()> {
        for (column, array) in self.0.iter_mut().zip(given) {
            match (array, keep) {
                (Some(array), Some(keep)) => {
                    let kept = filter(array, keep)?;
                    column.append(&kept, 0..kept.len())?;
                }
                (Some(array), None) => column.append(array, 0..array.len())?,
                (None, _) => {}
            }
        }
        Ok(())
    }

    /// Appends some of the rows of columns, of which those that a call leaves out are empty.
    pub fn append_rows(&mut self, given: &[ArrayRef], rows: &Range<usize>) -> Result<()> {
        let mut columns = self.0.iter_mut().zip(given).filter(|(_, array)| !array.is_empty());
        columns.try_for_each(|(column, array)| column.append(array, rows.clone()))
    }

    /// Forgets the rows, and keeps the room for others.
    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(Column::clear);
    }

    /// Takes the columns out as arrays, leaving none.
    pub fn take(&mut self) -> Vec<ArrayRef> {
        self.0.iter_mut().map(Column::take).collect()
    }

    pub fn bytes(&self) -> usize {
        self.0.iter().map(Column::bytes).sum()
    }

    /// Moves the numbers of a column out, with another in the place of missing ones. Give them back by
    /// [`Self::give_numbers`].
    pub fn take_numbers(&mut self, index: usize, missing: f64) -> Vec<f64> {
        let Some(Column::Numbers { values, valid }) = self.0.get_mut(index) else { return Vec::new() };
        let gaps = values.iter_mut().zip(&*valid).filter(|(_, valid)| !**valid);
        gaps.for_each(|(value, _)| *value = missing);
        std::mem::take(values)
    }

    pub fn give_numbers(&mut self, index: usize, numbers: Vec<f64>) {
        if let Some(Column::Numbers { values, .. }) = self.0.get_mut(index) {
            *values = numbers;
        }
    }

    /// The numbers of a column, where they are there.
    pub fn numbers(&self, index: usize) -> Vec<Option<f64>> {
        let Some(Column::Numbers { values, valid }) = self.0.get(index) else { return Vec::new() };
        let there = |row: usize| valid.get(row).copied().unwrap_or(true);
        values.iter().enumerate().map(|(row, value)| there(row).then_some(*value)).collect()
    }

    /// Moves the flags of a column out. Give them back by [`Self::give_flags`].
    pub fn take_flags(&mut self, index: usize) -> Vec<bool> {
        match self.0.get_mut(index) {
            Some(Column::Flags(flags)) => std::mem::take(flags),
            _ => Vec::new(),
        }
    }

    pub fn give_flags(&mut self, index: usize, given: Vec<bool>) {
        if let Some(Column::Flags(flags)) = self.0.get_mut(index) {
            *flags = given;
        }
    }

    pub fn names(&self, index: usize) -> &[Option<String>] {
        match self.0.get(index) {
            Some(Column::Names(names)) => names,
            _ => &[],
        }
    }
}

/// Which rows have every required column, as aggregates leave out nulls; `None` where all have.
pub(super) fn complete(given: &[Option<ArrayRef>], required: &[bool]) -> Option<BooleanArray> {
    let needed = given.iter().zip(required).filter(|(_, required)| **required).filter_map(|(array, _)| array.as_ref());
    let nulls = needed.fold(None, |all, array| NullBuffer::union(all.as_ref(), array.logical_nulls().as_ref()))?;
    (nulls.null_count() > 0).then(|| BooleanArray::new(nulls.into_inner(), None))
}

impl Column {
    fn append(&mut self, array: &ArrayRef, rows: Range<usize>) -> Result<()> {
        match (self, array.data_type()) {
            (Self::Numbers { values, valid }, DataType::Float64) => {
                if array.null_count() > 0 && valid.is_empty() {
                    valid.resize(values.len(), true);
                }
                if array.null_count() > 0 || !valid.is_empty() {
                    valid.extend(rows.clone().map(|row| array.is_valid(row)));
                }
                values.extend_from_slice(&array.as_primitive::<Float64Type>().values()[rows]);
            }
            (Self::Flags(flags), DataType::Boolean) => {
                let array = array.as_boolean();
                flags.extend(rows.map(|row| array.is_valid(row) && array.value(row)));
            }
            (Self::Names(names), DataType::Utf8) => {
                let array = array.as_string::<i32>();
                names.extend(rows.map(|row| array.is_valid(row).then(|| array.value(row).to_owned())));
            }
            (column, other) => return internal_err!("a gathered column was given {other}: {column:?}"),
        }
        Ok(())
    }

    fn clear(&mut self) {
        match self {
            Self::Numbers { values, valid } => {
                values.clear();
                valid.clear();
            }
            Self::Flags(flags) => flags.clear(),
            Self::Names(names) => names.clear(),
        }
    }

    fn take(&mut self) -> ArrayRef {
        match self {
            Self::Numbers { values, valid } => {
                let nulls = std::mem::take(valid);
                let nulls = (!nulls.is_empty()).then(|| nulls.into());
                Arc::new(Float64Array::new(std::mem::take(values).into(), nulls))
            }
            Self::Flags(flags) => Arc::new(BooleanArray::from(std::mem::take(flags))),
            Self::Names(names) => Arc::new(StringArray::from(std::mem::take(names))),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Numbers { values, valid } => values.capacity() * size_of::<f64>() + valid.capacity(),
            Self::Flags(flags) => flags.capacity(),
            Self::Names(names) => {
                let texts: usize = names.iter().flatten().map(String::capacity).sum();
                names.capacity() * size_of::<Option<String>>() + texts
            }
        }
    }
}
