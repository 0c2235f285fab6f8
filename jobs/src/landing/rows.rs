//! What comes out of a file: rows, quarantined records, and one summary.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray, new_null_array,
};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result;

use super::columns::ColumnBuffer;
use super::expressions::Expressions;
use super::scalars::Fault;
use super::spec::SourceSpec;

/// The column that tells the three kinds of output rows apart, and its values.
pub const OUTCOME: &str = "_outcome";
pub const ROW: &str = "row";
pub const QUARANTINED: &str = "quarantined";
pub const FILE: &str = "file";

/// How much of a damaged record's text is kept.
const RAW_BYTES: usize = 4096;

static TAIL: LazyLock<Vec<Field>> = LazyLock::new(|| {
    vec![
        Field::new("_file", DataType::Utf8, true),
        Field::new("_line", DataType::Int64, true),
        Field::new("_delivered_on", DataType::Date32, true),
        Field::new(OUTCOME, DataType::Utf8, true),
        Field::new("_reason", DataType::Utf8, true),
        Field::new("_column", DataType::Utf8, true),
        Field::new("_detail", DataType::Utf8, true),
        Field::new("_raw", DataType::Utf8, true),
        Field::new("_sha256", DataType::Utf8, true),
        Field::new("_rows", DataType::Int64, true),
    ]
});

/// The source's columns, then where each row came from and what became of it.
pub fn landing_schema(spec: &SourceSpec) -> SchemaRef {
    let own = spec.columns.iter().map(super::Column::field);
    Arc::new(Schema::new(own.chain(TAIL.iter().cloned()).collect::<Vec<_>>()))
}

struct Quarantined {
    line: i64,
    fault: Fault,
    raw: String,
}

/// Collects the records of one file.
pub struct Rows {
    spec: Arc<SourceSpec>,
    schema: SchemaRef,
    expressions: Option<Arc<Expressions>>,
    file: String,
    delivered_on: Option<i32>,
    pub columns: Vec<ColumnBuffer>,
    lines: Vec<i64>,
    /// The text of each row, kept only where an expression may still reject it.
    raws: Vec<String>,
    quarantined: Vec<Quarantined>,
    rows_in: i64,
    /// Unknown and missing columns, and other things to tell about the file as a whole.
    pub notes: Vec<String>,
}

impl Rows {
    pub fn new(
        spec: Arc<SourceSpec>,
        expressions: Option<Arc<Expressions>>,
        file: String,
        delivered_on: Option<i32>,
    ) -> Self {
        let columns = spec.file_columns().map(ColumnBuffer::new).collect();
        Self {
            schema: landing_schema(&spec),
            spec,
            expressions,
            file,
            delivered_on,
            columns,
            lines: Vec::new(),
            raws: Vec::new(),
            quarantined: Vec::new(),
            rows_in: 0,
            notes: Vec::new(),
        }
    }

    /// How many rows and records wait to be taken.
    pub fn pending(&self) -> usize {
        self.lines.len() + self.quarantined.len()
    }

    /// A place to go back to.
    pub fn mark(&self) -> usize {
        self.lines.len()
    }

    /// Forgets the rows since the mark: the record that they came from turned out to be damaged.
    pub fn back_to(&mut self, mark: usize) {
        self.rows_in -= i64::try_from(self.lines.len() - mark).unwrap_or(0);
        self.lines.truncate(mark);
        self.raws.truncate(mark);
        self.columns.iter_mut().for_each(|column| column.truncate(mark));
    }

    /// Ends a record: `filled` says whether every column took its value.
    pub fn end(&mut self, line: u64, raw: &[u8], filled: Result<(), Fault>) {
        match filled {
            Ok(()) => {
                self.rows_in += 1;
                self.lines.push(i64::try_from(line).unwrap_or(i64::MAX));
                if self.expressions.is_some() {
                    self.raws.push(readable(raw));
                }
            }
            Err(fault) => {
                self.columns.iter_mut().for_each(|column| column.truncate(self.lines.len()));
                self.reject(line, raw, fault);
            }
        }
    }

    /// Puts a record in quarantine that never got as far as its columns.
    pub fn reject(&mut self, line: u64, raw: &[u8], fault: Fault) {
        self.rows_in += 1;
        self.quarantined.push(Quarantined { line: i64::try_from(line).unwrap_or(i64::MAX), fault, raw: readable(raw) });
    }

    /// Everything that waits, as at most two batches.
    pub fn take(&mut self) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        if !self.lines.is_empty() {
            batches.push(self.take_rows()?);
        }
        if !self.quarantined.is_empty() {
            batches.push(self.take_quarantined()?);
        }
        batches.retain(|batch| batch.num_rows() > 0);
        Ok(batches)
    }

    /// The file's summary, its last output.
    pub fn summary(&self, sha256: &str) -> Result<RecordBatch> {
        let notes = (!self.notes.is_empty()).then(|| self.notes.join("; "));
        let text = |text: Option<&str>| Arc::new(StringArray::from(vec![text])) as ArrayRef;
        let tail = vec![
            text(notes.as_deref()),
            text(None),
            text(None),
            text(None),
            text(Some(sha256)),
            Arc::new(Int64Array::from(vec![self.rows_in])) as ArrayRef,
        ];
        self.batch(None, vec![0], FILE, Some(tail))
    }

    fn take_rows(&mut self) -> Result<RecordBatch> {
        let lines = std::mem::take(&mut self.lines);
        let raws = std::mem::take(&mut self.raws);
        let arrays = self.columns.iter_mut().map(ColumnBuffer::finish).collect::<Result<Vec<_>, _>>()?;
        let Some(expressions) = self.expressions.clone() else {
            return self.batch(Some(arrays), lines, ROW, None);
        };
        let options = RecordBatchOptions::new().with_row_count(Some(lines.len()));
        let input = RecordBatch::try_new_with_options(expressions.input(), arrays, &options)?;
        let (columns, faults) = expressions.evaluate(&self.spec, &input)?;
        let kept: BooleanArray = faults.iter().map(|fault| Some(fault.is_none())).collect();
        let batch = self.batch(Some(columns), lines.clone(), ROW, None)?;
        for ((fault, line), raw) in faults.into_iter().zip(lines).zip(raws) {
            if let Some(fault) = fault {
                self.quarantined.push(Quarantined { line, fault, raw });
            }
        }
        Ok(filter_record_batch(&batch, &kept)?)
    }

    fn take_quarantined(&mut self) -> Result<RecordBatch> {
        let records = std::mem::take(&mut self.quarantined);
        let rows = records.len();
        let texts = |text: fn(&Quarantined) -> Option<&str>| {
            Arc::new(records.iter().map(text).collect::<StringArray>()) as ArrayRef
        };
        let tail = vec![
            texts(|record| Some(record.fault.reason.text())),
            texts(|record| record.fault.column.as_deref()),
            texts(|record| Some(&record.fault.detail)),
            texts(|record| Some(&record.raw)),
            new_null_array(&DataType::Utf8, rows),
            new_null_array(&DataType::Int64, rows),
        ];
        let lines = records.iter().map(|record| record.line).collect();
        self.batch(None, lines, QUARANTINED, Some(tail))
    }

    /// One batch: the table's columns (nulls where there are none), where each row stood, and the tail columns
    /// after the outcome.
    fn batch(
        &self,
        columns: Option<Vec<ArrayRef>>,
        lines: Vec<i64>,
        outcome: &str,
        tail: Option<Vec<ArrayRef>>,
    ) -> Result<RecordBatch> {
        let rows = lines.len();
        let nulls = |fields: &[Arc<Field>]| {
            fields.iter().map(|field| new_null_array(field.data_type(), rows)).collect::<Vec<_>>()
        };
        let own = self.spec.columns.len();
        let fields = self.schema.fields();
        let mut arrays = columns.unwrap_or_else(|| nulls(&fields[..own]));
        arrays.push(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&self.file, rows))));
        arrays.push(Arc::new(Int64Array::from(lines)));
        arrays.push(Arc::new(Date32Array::from(vec![self.delivered_on; rows])));
        arrays.push(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(outcome, rows))));
        arrays.extend(tail.unwrap_or_else(|| nulls(&fields[own + 4..])));
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)
    }
}

/// A record's text for a person: bytes that are no UTF-8 as `\xNN`, cut at 4 KiB.
fn readable(raw: &[u8]) -> String {
    let cut = &raw[..raw.len().min(RAW_BYTES)];
    let cut_inside = raw.len() > RAW_BYTES;
    let mut text = String::with_capacity(cut.len());
    let chunks: Vec<_> = cut.utf8_chunks().collect();
    for (number, chunk) in chunks.iter().enumerate() {
        text.push_str(chunk.valid());
        let split_by_cut = cut_inside && number + 1 == chunks.len();
        if !split_by_cut {
            chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02X}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn raw_text_shows_bad_bytes_and_is_cut() {
        assert_eq!(readable(b"a\xFFb"), "a\\xFFb");
        assert_eq!(readable("é".as_bytes()), "é");
        let long = "é".repeat(4000);
        assert_eq!(readable(long.as_bytes()).len(), 4096);
        assert_eq!(readable(format!("x{long}").as_bytes()).len(), 4095);
    }
}
