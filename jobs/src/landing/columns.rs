//! A column being filled: typed buffers that can take back the row they were given last, which Arrow's own
//! builders cannot, and a record that turns out damaged in its last field must leave no trace.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::error::ArrowError;
use serde_json::{Number, Value};

use super::scalars::{self, Fault, Reason};
use super::spec::{Column, ColumnType};
use super::timestamps::Timestamps;

pub struct ColumnBuffer {
    pub name: String,
    kind: ColumnType,
    required: bool,
    min: Option<f64>,
    max: Option<f64>,
    values: Vec<String>,
    valid: Vec<bool>,
    data: Data,
}

enum Data {
    Text {
        ends: Vec<i32>,
        bytes: Vec<u8>,
    },
    Integer(Vec<i64>),
    Float(Vec<f64>),
    Boolean(Vec<bool>),
    Date(Vec<i32>),
    Timestamp(Vec<i64>),
    List {
        ends: Vec<i32>,
        items: Box<ColumnBuffer>,
    },
    /// A buffer for each field.
    Struct(Vec<ColumnBuffer>),
}

impl ColumnBuffer {
    pub fn new(column: &Column) -> Self {
        let kind = column.column_type();
        Self {
            name: column.name.clone(),
            data: Data::new(&kind),
            kind,
            required: column.required,
            min: column.min,
            max: column.max,
            values: column.values.clone(),
            valid: Vec::new(),
        }
    }

    /// A buffer inside another, which takes any value of its type.
    fn inner(name: &str, kind: &ColumnType) -> Self {
        Self {
            name: name.to_owned(),
            data: Data::new(kind),
            kind: kind.clone(),
            required: false,
            min: None,
            max: None,
            values: Vec::new(),
            valid: Vec::new(),
        }
    }

    /// Takes the text of a field that is not null. After a fault the buffer is as it was.
    pub fn push_text(&mut self, text: &str, timestamps: &Timestamps) -> Result<(), Fault> {
        match &mut self.data {
            Data::Text { ends, bytes } => {
                if !self.values.is_empty() && !self.values.iter().any(|value| value == text) {
                    return Err(self.unknown_value());
                }
                bytes.extend_from_slice(text.as_bytes());
                ends.push(end(bytes.len())?);
            }
            Data::Integer(data) => {
                data.push(integer_in_range(scalars::integer(text)?, self.min, self.max)?);
            }
            Data::Float(data) => {
                let number = scalars::float(text)?;
                in_range(number, self.min, self.max)?;
                data.push(number);
            }
            Data::Boolean(data) => data.push(scalars::boolean(text)?),
            Data::Date(data) => data.push(scalars::day(text)?),
            Data::Timestamp(data) => data.push(scalars::instant(text, timestamps)?),
            Data::List { .. } | Data::Struct(_) => {
                return Err(Fault::new(Reason::BadType, "expected a list or an object, which text is not"));
            }
        }
        self.valid.push(true);
        Ok(())
    }

    /// Takes a JSON value that is not null. After a fault the buffer is as it was.
    pub fn push_json(&mut self, value: &Value, timestamps: &Timestamps) -> Result<(), Fault> {
        let rows = self.valid.len();
        match (&mut self.data, value) {
            (Data::List { ends, items }, Value::Array(values)) => {
                let begun = items.valid.len();
                let pushed = values.iter().try_for_each(|value| items.push_nullable(value, timestamps));
                if let Err(fault) = pushed.and_then(|()| end(items.valid.len())).map(|end| ends.push(end)) {
                    items.truncate(begun);
                    return Err(fault);
                }
            }
            (Data::List { .. }, _) => return Err(Fault::new(Reason::BadType, "expected a JSON array")),
            (Data::Struct(fields), Value::Object(object)) => {
                let pushed = fields.iter_mut().try_for_each(|field| {
                    let value = object.get(&field.name).unwrap_or(&Value::Null);
                    field
                        .push_nullable(value, timestamps)
                        .map_err(|fault| Fault::new(fault.reason, format!("in `{}`: {}", field.name, fault.detail)))
                });
                if let Err(fault) = pushed {
                    fields.iter_mut().for_each(|field| field.truncate(rows));
                    return Err(fault);
                }
            }
            (Data::Struct(_), _) => return Err(Fault::new(Reason::BadType, "expected a JSON object")),
            (Data::Boolean(data), Value::Bool(value)) => data.push(*value),
            (Data::Integer(_) | Data::Float(_), Value::Number(number)) => return self.push_number(number),
            (Data::Integer(_) | Data::Float(_), _) => {
                return Err(Fault::new(Reason::BadNumber, "expected a JSON number"));
            }
            (Data::Boolean(_), _) => return Err(Fault::new(Reason::BadBoolean, "expected true or false")),
            (Data::Text { .. } | Data::Date(_) | Data::Timestamp(_), Value::String(text)) => {
                return self.push_text(text, timestamps);
            }
            (Data::Date(_), _) => return Err(Fault::new(Reason::BadDate, "expected a date as a JSON string")),
            (Data::Timestamp(_), _) => {
                return Err(Fault::new(Reason::BadTimestamp, "expected a timestamp as a JSON string"));
            }
            (Data::Text { .. }, _) => return Err(Fault::new(Reason::BadType, "expected a JSON string")),
        }
        self.valid.push(true);
        Ok(())
    }

    fn push_nullable(&mut self, value: &Value, timestamps: &Timestamps) -> Result<(), Fault> {
        if value.is_null() { self.push_null() } else { self.push_json(value, timestamps) }
    }

    fn push_number(&mut self, number: &Number) -> Result<(), Fault> {
        match &mut self.data {
            Data::Integer(data) => {
                let number = number.as_i64().ok_or_else(|| Fault::new(Reason::BadNumber, "expected a whole number"))?;
                data.push(integer_in_range(number, self.min, self.max)?);
            }
            Data::Float(data) => {
                let number = number.as_f64().ok_or_else(|| Fault::new(Reason::BadNumber, "expected a number"))?;
                in_range(number, self.min, self.max)?;
                data.push(number);
            }
            _ => return Err(Fault::new(Reason::BadType, "expected no number")),
        }
        self.valid.push(true);
        Ok(())
    }

    pub fn push_null(&mut self) -> Result<(), Fault> {
        if self.required {
            return Err(Fault::new(Reason::MissingRequired, "expected a value"));
        }
        self.data.push_default();
        self.valid.push(false);
        Ok(())
    }

    /// Forgets all but the first `rows` rows.
    pub fn truncate(&mut self, rows: usize) {
        self.valid.truncate(rows);
        match &mut self.data {
            Data::Text { ends, bytes } => {
                ends.truncate(rows + 1);
                bytes.truncate(ends.last().map_or(0, |end| usize::try_from(*end).unwrap_or(0)));
            }
            Data::Integer(data) | Data::Timestamp(data) => data.truncate(rows),
            Data::Float(data) => data.truncate(rows),
            Data::Boolean(data) => data.truncate(rows),
            Data::Date(data) => data.truncate(rows),
            Data::List { ends, items } => {
                ends.truncate(rows + 1);
                items.truncate(ends.last().map_or(0, |end| usize::try_from(*end).unwrap_or(0)));
            }
            Data::Struct(fields) => fields.iter_mut().for_each(|field| field.truncate(rows)),
        }
    }

    /// The rows so far as an array; the buffer is empty after.
    pub fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let valid = std::mem::take(&mut self.valid);
        let rows = valid.len();
        let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
        let data = std::mem::replace(&mut self.data, Data::new(&self.kind));
        Ok(match data {
            Data::Text { ends, bytes } => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
                Arc::new(StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls)?)
            }
            Data::Integer(data) => Arc::new(Int64Array::try_new(data.into(), nulls)?),
            Data::Float(data) => Arc::new(Float64Array::try_new(data.into(), nulls)?),
            Data::Boolean(data) => Arc::new(BooleanArray::new(BooleanBuffer::from(data), nulls)),
            Data::Date(data) => Arc::new(Date32Array::try_new(data.into(), nulls)?),
            Data::Timestamp(data) => {
                Arc::new(TimestampMicrosecondArray::try_new(data.into(), nulls)?.with_timezone("UTC"))
            }
            Data::List { ends, mut items } => {
                let DataType::List(item) = self.kind.data_type() else {
                    return Err(ArrowError::SchemaError(format!("`{}` is no list", self.name)));
                };
                let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
                Arc::new(ListArray::try_new(item, offsets, items.finish()?, nulls)?)
            }
            Data::Struct(mut fields) => {
                let DataType::Struct(kinds) = self.kind.data_type() else {
                    return Err(ArrowError::SchemaError(format!("`{}` is no struct", self.name)));
                };
                let arrays = fields.iter_mut().map(Self::finish).collect::<Result<Vec<_>, _>>()?;
                Arc::new(StructArray::try_new_with_length(kinds, arrays, nulls, rows)?)
            }
        })
    }

    fn unknown_value(&self) -> Fault {
        Fault::new(Reason::UnknownValue, format!("expected one of {}", self.values.join(", ")))
    }
}

impl Data {
    fn new(kind: &ColumnType) -> Self {
        match kind {
            ColumnType::String => Self::Text { ends: vec![0], bytes: Vec::new() },
            ColumnType::Integer => Self::Integer(Vec::new()),
            ColumnType::Float => Self::Float(Vec::new()),
            ColumnType::Boolean => Self::Boolean(Vec::new()),
            ColumnType::Date => Self::Date(Vec::new()),
            ColumnType::Timestamp => Self::Timestamp(Vec::new()),
            ColumnType::List(item) => {
                Self::List { ends: vec![0], items: Box::new(ColumnBuffer::inner("element", item)) }
            }
            ColumnType::Struct(fields) => {
                Self::Struct(fields.iter().map(|(name, kind)| ColumnBuffer::inner(name, kind)).collect())
            }
        }
    }

    fn push_default(&mut self) {
        match self {
            Self::Text { ends, .. } | Self::List { ends, .. } => ends.push(ends.last().copied().unwrap_or(0)),
            Self::Integer(data) | Self::Timestamp(data) => data.push(0),
            Self::Float(data) => data.push(0.0),
            Self::Boolean(data) => data.push(false),
            Self::Date(data) => data.push(0),
            Self::Struct(fields) => fields.iter_mut().for_each(|field| {
                field.data.push_default();
                field.valid.push(false);
            }),
        }
    }
}

fn end(length: usize) -> Result<i32, Fault> {
    i32::try_from(length).map_err(|_| Fault::new(Reason::OverLong, "too much in one batch"))
}

fn integer_in_range(number: i64, min: Option<f64>, max: Option<f64>) -> Result<i64, Fault> {
    #[expect(clippy::cast_precision_loss, reason = "bounds are given as floats")]
    in_range(number as f64, min, max)?;
    Ok(number)
}

fn in_range(number: f64, min: Option<f64>, max: Option<f64>) -> Result<(), Fault> {
    let below = min.is_some_and(|min| number < min);
    let above = max.is_some_and(|max| number > max);
    if !below && !above {
        return Ok(());
    }
    let bound = |bound: Option<f64>| bound.map_or_else(|| "…".to_owned(), |bound| bound.to_string());
    Err(Fault::new(Reason::OutOfRange, format!("expected {} to {}", bound(min), bound(max))))
}
