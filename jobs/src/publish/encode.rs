//! From record batches to the bytes of a binary COPY. No input or output happens here.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringViewArray, StringViewBuilder};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use bytes::BytesMut;
use pgpq::ArrowToPostgresBinaryEncoder;
use pgpq::encoders::{EncoderBuilder, StringViewEncoderBuilder};
use pgpq::error::ErrorKind;
use pgpq::pg_schema::PostgresType;

use super::Error;
use super::layout::Layout;
use super::types::ColumnType;

/// Bounds what is held in memory of one batch, however many rows it brings.
const ROWS_AT_ONCE: usize = 8192;

/// Encodes the batches of one publication: a header, any number of batches, a footer.
pub struct Encoder<'a> {
    layout: &'a Layout<'a>,
    schema: SchemaRef,
    rows: ArrowToPostgresBinaryEncoder,
}

impl<'a> Encoder<'a> {
    pub fn try_new(layout: &'a Layout<'a>) -> Result<Self, Error> {
        let fields = layout.columns().map(|(column, kind)| Field::new(&column.name, kind.wire.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let builders: HashMap<String, EncoderBuilder> = layout
            .columns()
            .zip(schema.fields())
            .map(|((column, kind), field)| Ok((column.name.clone(), builder(kind, field.clone())?)))
            .collect::<Result<_, ErrorKind>>()
            .map_err(|error| table_error(layout, error))?;
        let rows = ArrowToPostgresBinaryEncoder::try_new_with_encoders(&schema, &builders)
            .map_err(|error| table_error(layout, error))?;
        Ok(Self { layout, schema, rows })
    }

    pub fn header(&mut self, out: &mut BytesMut) -> Result<(), Error> {
        self.rows.write_header(out).map_err(|error| table_error(self.layout, error))
    }

    pub fn batch(&mut self, batch: &RecordBatch, out: &mut BytesMut) -> Result<(), Error> {
        let batch = self.converted(batch)?;
        self.rows.write_batch(&batch, out).map_err(|error| table_error(self.layout, error))
    }

    pub fn footer(&mut self, out: &mut BytesMut) -> Result<(), Error> {
        self.rows.write_footer(out).map_err(|error| table_error(self.layout, error))
    }

    /// The batch with the table's columns, in the table's order, in the types that the encoder was made for.
    fn converted(&self, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        let schema = batch.schema_ref();
        if let Some(field) = schema.fields().iter().find(|field| !self.layout.has_column(field.name())) {
            return Err(self.error(field.name(), "the rows have a column that the table's description does not"));
        }
        let columns = self.layout.columns().map(|(column, kind)| {
            let (index, field) = schema
                .column_with_name(&column.name)
                .ok_or_else(|| self.error(&column.name, "the rows do not have the column"))?;
            if !kind.takes(field.data_type()) {
                let problem = format!("expected {}, found rows of {}", kind.sql, field.data_type());
                return Err(self.error(&column.name, problem));
            }
            wire_values(batch.column(index), kind).map_err(|error| self.error(&column.name, error.to_string()))
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(|error| table_error(self.layout, error))
    }

    fn error(&self, column: &str, problem: impl Into<String>) -> Error {
        Error::Encode { table: self.layout.table.to_string(), column: column.to_owned(), problem: problem.into() }
    }
}

/// The batch in parts of a bounded number of rows.
pub fn parts(batch: &RecordBatch) -> impl Iterator<Item = RecordBatch> + Send {
    let rows = batch.num_rows();
    let batch = batch.clone();
    (0..rows).step_by(ROWS_AT_ONCE).map(move |from| batch.slice(from, ROWS_AT_ONCE.min(rows - from)))
}

fn builder(kind: &ColumnType, field: Arc<Field>) -> Result<EncoderBuilder, ErrorKind> {
    if !kind.json {
        return EncoderBuilder::try_new(field);
    }
    StringViewEncoderBuilder::new_with_output(field, PostgresType::Jsonb).map(EncoderBuilder::StringView)
}

fn table_error(layout: &Layout, error: impl std::fmt::Display) -> Error {
    Error::Refused { table: layout.table.to_string(), problem: format!("cannot encode the rows: {error}") }
}

fn wire_values(values: &ArrayRef, kind: &ColumnType) -> Result<ArrayRef, ArrowError> {
    if kind.json {
        return json_texts(values);
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    without_nul(cast_with_options(values, &kind.wire, &strict)?)
}

/// PostgreSQL's text cannot hold U+0000. It is written as `\x00`, as quarantine writes invalid bytes.
fn without_nul(values: ArrayRef) -> Result<ArrayRef, ArrowError> {
    match values.data_type() {
        DataType::Utf8View => {
            let texts = values.as_string_view();
            if !texts.iter().flatten().any(|text| text.as_bytes().contains(&0)) {
                return Ok(values);
            }
            let texts = texts.iter().map(|text| text.map(|text| text.replace('\0', "\\x00")));
            Ok(Arc::new(texts.collect::<StringViewArray>()))
        }
        DataType::List(element) if element.data_type() == &DataType::Utf8View => {
            let lists = values.as_list::<i32>();
            let texts = without_nul(lists.values().clone())?;
            let nulls = lists.nulls().cloned();
            Ok(Arc::new(ListArray::try_new(element.clone(), lists.offsets().clone(), texts, nulls)?))
        }
        _ => Ok(values),
    }
}

fn json_texts(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let field = Arc::new(Field::new("value", values.data_type().clone(), true));
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(&field, values, &options)?;
    let mut texts = StringViewBuilder::with_capacity(values.len());
    let mut bytes = Vec::new();
    for row in 0..values.len() {
        if encoder.is_null(row) {
            texts.append_null();
            continue;
        }
        bytes.clear();
        encoder.encode(row, &mut bytes);
        let text = std::str::from_utf8(&bytes).map_err(|error| ArrowError::JsonError(error.to_string()))?;
        match text.contains("\\u0000") {
            true => texts.try_append_value(json_without_nul(text))?,
            false => texts.try_append_value(text)?,
        }
    }
    Ok(Arc::new(texts.finish()))
}

/// Escapes are taken one at a time: in `\\u0000` a backslash is what is escaped.
fn json_without_nul(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (escape, length) = match rest[at..].starts_with("\\u0000") {
            true => ("\\\\x00", 6),
            false => (&rest[at..at + 2], 2),
        };
        out.push_str(escape);
        rest = &rest[at + length..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::super::{Column, Replace, Table};
    use super::*;
    use arrow::array::{Float64Array, Int64Array, StringArray, StructArray, UInt64Array};
    use arrow::datatypes::{Float64Type, Int32Type};

    fn table(columns: &[(&str, DataType)]) -> Table {
        let column = |(name, data_type): &(&str, DataType)| Column {
            name: (*name).to_owned(),
            comment: String::new(),
            field: Field::new(*name, data_type.clone(), true),
        };
        Table {
            schema: "reliability".into(),
            name: "component".into(),
            comment: String::new(),
            columns: columns.iter().map(column).collect(),
            key: vec![],
            time_column: None,
        }
    }

    fn encoded(table: &Table, columns: Vec<(&str, ArrayRef)>) -> Result<BytesMut, Error> {
        let layout = Layout::of(table, &Replace::Whole)?;
        let mut encoder = Encoder::try_new(&layout)?;
        let mut out = BytesMut::new();
        encoder.header(&mut out)?;
        let body = out.len();
        encoder
            .batch(&RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(nullable)).unwrap(), &mut out)?;
        Ok(out.split_off(body))
    }

    fn nullable((name, values): (&str, ArrayRef)) -> (&str, ArrayRef, bool) {
        (name, values, true)
    }

    fn texts(values: &ArrayRef) -> Vec<Option<&str>> {
        values.as_string_view().iter().collect()
    }

    #[test]
    fn columns_go_by_name_and_not_by_position() {
        let table = table(&[("a", DataType::Int64), ("b", DataType::Float64)]);
        let a: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let b: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN]));
        let straight = encoded(&table, vec![("a", a.clone()), ("b", b.clone())]).unwrap();
        assert_eq!(encoded(&table, vec![("b", b), ("a", a)]).unwrap(), straight);
    }

    #[test]
    fn a_batch_that_is_not_the_tables_is_refused_by_column() {
        let table = table(&[("a", DataType::UInt64)]);
        let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
        let large: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
        let cases = [
            (vec![("b", number.clone())], "reliability.component.b: the rows have a column"),
            (vec![], "reliability.component.a: the rows do not have"),
            (vec![("a", text)], "reliability.component.a: expected bigint, found rows of Utf8"),
            (vec![("a", large)], "reliability.component.a: "),
        ];
        for (columns, message) in cases {
            let error = match columns.is_empty() {
                false => encoded(&table, columns).unwrap_err(),
                true => {
                    let layout = Layout::of(&table, &Replace::Whole).unwrap();
                    let empty = RecordBatch::new_empty(Arc::new(Schema::empty()));
                    Encoder::try_new(&layout).unwrap().converted(&empty).unwrap_err()
                }
            };
            assert!(error.to_string().starts_with(message), "{error}");
            assert!(matches!(error, Error::Encode { .. }));
        }
    }

    #[test]
    fn nested_values_become_json_with_their_nulls() {
        let part: ArrayRef = Arc::new(StringArray::from(vec![Some("3214\u{0}\\u0000"), None]));
        let share: ArrayRef = Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(0.5)]));
        let values: ArrayRef = Arc::new(StructArray::try_from(vec![("part", part), ("share", share)]).unwrap());
        let json = json_texts(&values).unwrap();
        let expected = [r#"{"part":"3214\\x00\\u0000","share":null}"#, r#"{"part":null,"share":0.5}"#];
        assert_eq!(texts(&json), expected.map(Some));
    }

    #[test]
    fn nul_characters_are_spelled_out_in_texts_and_in_lists_of_them() {
        let values: ArrayRef = Arc::new(StringArray::from(vec![Some("a\u{0}b"), None, Some("c")]));
        let kind = ColumnType::of(&DataType::Utf8).unwrap();
        assert_eq!(texts(&wire_values(&values, &kind).unwrap()), [Some("a\\x00b"), None, Some("c")]);

        let field = Arc::new(Field::new_list_field(DataType::Utf8, true));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([2, 1]);
        let lists: ArrayRef = Arc::new(ListArray::new(field, offsets, values, None));
        let kind = ColumnType::of(lists.data_type()).unwrap();
        let lists = wire_values(&lists, &kind).unwrap();
        assert_eq!(texts(&lists.as_list::<i32>().value(0)), [Some("a\\x00b"), None]);
    }

    #[test]
    fn a_large_batch_is_cut_and_nothing_of_it_is_lost() {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..20_000));
        let batch = RecordBatch::try_from_iter([("a", values)]).unwrap();
        let rows: Vec<_> = parts(&batch).map(|part| part.num_rows()).collect();
        assert_eq!(rows, [8192, 8192, 3616]);
        assert_eq!(parts(&batch.slice(0, 0)).count(), 0);
    }

    #[test]
    fn lists_keep_their_nulls() {
        let table =
            table(&[("a", ListArray::from_iter_primitive::<Float64Type, _, _>([None::<Vec<_>>]).data_type().clone())]);
        let lists = |values: Vec<Option<Vec<Option<f64>>>>| -> ArrayRef {
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(values))
        };
        // A row is its column count, then the value's length: −1 is null.
        let null = encoded(&table, vec![("a", lists(vec![None]))]).unwrap();
        assert_eq!(null.as_ref(), [0, 1, 255, 255, 255, 255]);
        let empty = encoded(&table, vec![("a", lists(vec![Some(vec![])]))]).unwrap();
        assert_eq!(empty.len(), 2 + 4 + 20);
        let ints: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)])]));
        assert!(encoded(&table, vec![("a", ints)]).is_err());
    }
}
