//! A file's row count, minima, maxima and null counts, as Delta's `stats` text.

use datafusion::arrow::array::{Array, UInt64Array};
use datafusion::arrow::compute::sum;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{Result, ScalarValue};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;
use serde_json::{Map, Value, json};

/// Longer texts are left out: a bound must not be cut.
const TEXT_BYTES: usize = 64;

pub(super) fn of_file(metadata: &ParquetMetaData, schema: &SchemaRef) -> Result<String> {
    let (mut minima, mut maxima, mut nulls) = (Map::new(), Map::new(), Map::new());
    for field in schema.fields().iter().filter(|field| is_bounded(field.data_type())) {
        let converter = StatisticsConverter::try_new(field.name(), schema, metadata.file_metadata().schema_descr())?;
        let groups = metadata.row_groups();
        let null_counts: UInt64Array = converter.row_group_null_counts(groups.iter())?;
        let null_count = sum(&null_counts).unwrap_or(0);
        nulls.insert(field.name().clone(), null_count.into());
        let low = extreme(&converter.row_group_mins(groups.iter())?, std::cmp::Ordering::Less)?;
        let high = extreme(&converter.row_group_maxes(groups.iter())?, std::cmp::Ordering::Greater)?;
        if let (Some(low), Some(high)) = (low, high) {
            minima.insert(field.name().clone(), low);
            maxima.insert(field.name().clone(), high);
        }
    }
    let rows = metadata.file_metadata().num_rows();
    Ok(json!({ "numRecords": rows, "minValues": minima, "maxValues": maxima, "nullCount": nulls }).to_string())
}

fn is_bounded(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(data_type, DataType::Float64 | DataType::Utf8 | DataType::Date32 | DataType::Timestamp(_, _))
}

/// The extreme of the row groups' bounds, or none where a row group has none.
fn extreme(bounds: &dyn Array, keep: std::cmp::Ordering) -> Result<Option<Value>> {
    let mut best: Option<ScalarValue> = None;
    for row in 0..bounds.len() {
        let bound = ScalarValue::try_from_array(bounds, row)?;
        if bound.is_null() {
            return Ok(None);
        }
        if best.as_ref().is_none_or(|best| bound.partial_cmp(best) == Some(keep)) {
            best = Some(bound);
        }
    }
    Ok(best.and_then(|bound| as_json(&bound)))
}

fn as_json(bound: &ScalarValue) -> Option<Value> {
    match bound {
        ScalarValue::Float64(Some(value)) => serde_json::Number::from_f64(*value).map(Value::Number),
        ScalarValue::Utf8(Some(text)) => (text.len() <= TEXT_BYTES).then(|| text.as_str().into()),
        ScalarValue::TimestampMicrosecond(Some(micros), _) => {
            let time = chrono::DateTime::from_timestamp_micros(*micros)?;
            Some(time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string().into())
        }
        ScalarValue::Date32(_) => Some(bound.to_string().into()),
        other => other.to_string().parse::<i64>().ok().map(Value::from),
    }
}
