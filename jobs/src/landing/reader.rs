//! One file from its first byte to its last, in bounded memory.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::error::Result;

use super::csv::CsvParser;
use super::expressions::Expressions;
use super::json::JsonParser;
use super::rows::Rows;
use super::scalars::{Fault, Reason};
use super::spec::{Format, SourceSpec};

/// A batch ends at so many bytes of the file, though it has not all the rows that it may have: rows can be wide.
const BATCH_BYTES: usize = 4 << 20;

/// Turns the decompressed bytes of one file into batches. Feed it, drain it, and finish it.
pub struct Reader {
    parser: Parser,
    rows: Rows,
    batch_rows: usize,
    /// How many bytes the rows that wait were read from.
    batch_bytes: usize,
    buffer: Vec<u8>,
    start: usize,
}

enum Parser {
    Csv(CsvParser),
    Json(JsonParser),
}

impl Reader {
    /// `file` and `delivered_on` (days since 1970) go to every row.
    pub fn new(
        spec: &Arc<SourceSpec>,
        expressions: Option<Arc<Expressions>>,
        file: String,
        delivered_on: Option<i32>,
        batch_rows: usize,
    ) -> Self {
        let parser = match spec.format {
            Format::Csv => Parser::Csv(CsvParser::new(Arc::clone(spec))),
            Format::Json => Parser::Json(JsonParser::new(Arc::clone(spec))),
        };
        let rows = Rows::new(Arc::clone(spec), expressions, file, delivered_on);
        Self { parser, rows, batch_rows, batch_bytes: 0, buffer: Vec::new(), start: 0 }
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next batches, or none if more bytes are needed (or, with `last`, if all is read).
    pub fn drain(&mut self, last: bool) -> Result<Option<Vec<RecordBatch>>> {
        let bytes = &self.buffer[self.start..];
        let used = match &mut self.parser {
            Parser::Csv(parser) => parser.parse(bytes, last, self.batch_rows, &mut self.rows),
            Parser::Json(parser) => parser.parse(bytes, last, self.batch_rows, &mut self.rows),
        };
        self.start += used;
        self.batch_bytes += used;
        let waiting = self.rows.pending();
        let full = waiting >= self.batch_rows || self.batch_bytes >= BATCH_BYTES;
        if waiting > 0 && (full || last) {
            self.batch_bytes = 0;
            return self.rows.take().map(Some);
        }
        Ok(None)
    }

    /// Records that the rest of the file cannot be read.
    pub fn unreadable(&mut self, problem: &str) {
        let line = match &self.parser {
            Parser::Csv(parser) => parser.line(),
            Parser::Json(parser) => parser.line(),
        };
        let rest = self.buffer.split_off(self.start);
        self.start = self.buffer.len();
        self.rows.reject(line, &rest, Fault::new(Reason::Unreadable, problem.to_owned()));
        self.rows.notes.push(format!("unreadable from line {line}: {problem}"));
    }

    pub fn summary(&self, sha256: &str) -> Result<RecordBatch> {
        self.rows.summary(sha256)
    }
}
