//! A column being filled: typed buffers that can take back the row they were given last, which Arrow's own
//! builders cannot, and a record that turns out damaged in its last field must leave no trace.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::ReaderBuilder;
use serde_json::Value;

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
    Text { ends: Vec<i32>, bytes: Vec<u8> },
    Integer(Vec<i64>),
    Float(Vec<f64>),
    Boolean(Vec<bool>),
    Date(Vec<i32>),
    Timestamp(Vec<i64>),
    Nested(Vec<Value>),
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

    /// Takes the text of a field that is not null. After a fault the buffer is as it was.
    pub fn push_text(&mut self, text: &str, timestamps: &Timestamps) -> Result<(), Fault> {
        match &mut self.data {
            Data::Text { ends, bytes } => {
                if !self.values.is_empty() && !self.values.iter().any(|value| value == text) {
                    return Err(self.unknown_value());
                }
                bytes.extend_from_slice(text.as_bytes());
                ends.push(
                    i32::try_from(bytes.len())
                        .map_err(|_| Fault::new(Reason::OverLong, "too much text in one batch"))?,
                );
            }
            Data::Integer(data) => {
                let number = scalars::integer(text)?;
                #[expect(clippy::cast_precision_loss, reason = "bounds are given as floats")]
                in_range(number as f64, self.min, self.max)?;
                data.push(number);
            }
            Data::Float(data) => {
                let number = scalars::float(text)?;
                in_range(number, self.min, self.max)?;
                data.push(number);
            }
            Data::Boolean(data) => data.push(scalars::boolean(text)?),
            Data::Date(data) => data.push(scalars::day(text)?),
            Data::Timestamp(data) => data.push(scalars::instant(text, timestamps)?),
            Data::Nested(_) => {
                return Err(Fault::new(Reason::BadType, "expected a list or an object, which text is not"));
            }
        }
        self.valid.push(true);
        Ok(())
    }

    /// Takes a JSON value that is not null. After a fault the buffer is as it was.
    pub fn push_json(&mut self, value: &Value, timestamps: &Timestamps) -> Result<(), Fault> {
        match (&mut self.data, value) {
            (Data::Nested(data), value) => {
                fits(value, &self.kind)?;
                data.push(value.clone());
                self.valid.push(true);
                Ok(())
            }
            (Data::Boolean(data), Value::Bool(value)) => {
                data.push(*value);
                self.valid.push(true);
                Ok(())
            }
            (Data::Integer(_) | Data::Float(_), Value::Number(number)) => {
                self.push_text(&number.to_string(), timestamps)
            }
            (Data::Integer(_) | Data::Float(_), _) => Err(Fault::new(Reason::BadNumber, "expected a JSON number")),
            (Data::Boolean(_), _) => Err(Fault::new(Reason::BadBoolean, "expected true or false")),
            (Data::Text { .. } | Data::Date(_) | Data::Timestamp(_), Value::String(text)) => {
                self.push_text(text, timestamps)
            }
            (Data::Date(_), _) => Err(Fault::new(Reason::BadDate, "expected a date as a JSON string")),
            (Data::Timestamp(_), _) => Err(Fault::new(Reason::BadTimestamp, "expected a timestamp as a JSON string")),
            (Data::Text { .. }, _) => Err(Fault::new(Reason::BadType, "expected a JSON string")),
        }
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
            Data::Nested(data) => data.truncate(rows),
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
            Data::Nested(data) => nested(&self.kind, data, rows)?,
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
            ColumnType::List(_) | ColumnType::Struct(_) => Self::Nested(Vec::new()),
        }
    }

    fn push_default(&mut self) {
        match self {
            Self::Text { ends, .. } => ends.push(ends.last().copied().unwrap_or(0)),
            Self::Integer(data) | Self::Timestamp(data) => data.push(0),
            Self::Float(data) => data.push(0.0),
            Self::Boolean(data) => data.push(false),
            Self::Date(data) => data.push(0),
            Self::Nested(data) => data.push(Value::Null),
        }
    }
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

/// Whether a nested JSON value has the column's type all the way down.
fn fits(value: &Value, kind: &ColumnType) -> Result<(), Fault> {
    match (kind, value) {
        (_, Value::Null) => Ok(()),
        (ColumnType::List(item), Value::Array(values)) => values.iter().try_for_each(|value| fits(value, item)),
        (ColumnType::List(_), _) => Err(Fault::new(Reason::BadType, "expected a JSON array")),
        (ColumnType::Struct(fields), Value::Object(object)) => fields.iter().try_for_each(|(name, kind)| {
            let value = object.get(name).unwrap_or(&Value::Null);
            fits(value, kind).map_err(|fault| Fault::new(fault.reason, format!("in `{name}`: {}", fault.detail)))
        }),
        (ColumnType::Struct(_), _) => Err(Fault::new(Reason::BadType, "expected a JSON object")),
        (ColumnType::Float, Value::Number(_))
        | (ColumnType::Boolean, Value::Bool(_))
        | (ColumnType::String, Value::String(_)) => Ok(()),
        (ColumnType::Integer, Value::Number(number)) if number.is_i64() => Ok(()),
        (ColumnType::Integer | ColumnType::Float, _) => Err(Fault::new(Reason::BadNumber, "expected a JSON number")),
        (ColumnType::Boolean, _) => Err(Fault::new(Reason::BadBoolean, "expected true or false")),
        (ColumnType::Date, Value::String(text)) => scalars::day(text).map(|_| ()),
        (ColumnType::Timestamp, Value::String(text)) => {
            Timestamps::default().parse(text).map(|_| ()).map_err(|problem| Fault::new(Reason::BadTimestamp, problem))
        }
        (ColumnType::Date, _) => Err(Fault::new(Reason::BadDate, "expected a date as a JSON string")),
        (ColumnType::Timestamp, _) => Err(Fault::new(Reason::BadTimestamp, "expected a timestamp as a JSON string")),
        (ColumnType::String, _) => Err(Fault::new(Reason::BadType, "expected a JSON string")),
    }
}

fn nested(kind: &ColumnType, values: Vec<Value>, rows: usize) -> Result<ArrayRef, ArrowError> {
    let schema = Arc::new(Schema::new(vec![Field::new("value", kind.data_type(), true)]));
    if rows == 0 {
        return Ok(datafusion::arrow::array::new_empty_array(&kind.data_type()));
    }
    let mut decoder = ReaderBuilder::new(schema).with_batch_size(rows).build_decoder()?;
    let values: Vec<Value> = values.into_iter().map(|value| serde_json::json!({ "value": value })).collect();
    decoder.serialize(&values)?;
    let batch = decoder.flush()?.ok_or_else(|| ArrowError::JsonError("no rows decoded".into()))?;
    Ok(Arc::clone(batch.column(0)))
}
