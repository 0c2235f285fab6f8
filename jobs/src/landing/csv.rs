//! CSV after RFC 4180, with a header line; column order is free.

use std::borrow::Cow;
use std::sync::Arc;

use super::records::{FieldSpan, Found, find};
use super::rows::Rows;
use super::scalars::{Fault, Reason};
use super::spec::SourceSpec;

/// Parses the bytes of one CSV file as they come.
pub struct CsvParser {
    spec: Arc<SourceSpec>,
    header: Header,
    line: u64,
    /// The beginning of a record too long to keep, while its end is sought.
    over_long: Option<Vec<u8>>,
    fields: Vec<FieldSpan>,
    unquoted: String,
}

enum Header {
    Awaited,
    Known {
        /// For each field of the file, the column that it fills.
        fills: Vec<Option<usize>>,
        /// Columns that no field of the file fills.
        absent: Vec<usize>,
        /// A required column that no field of the file fills.
        missing: Option<String>,
    },
}

impl CsvParser {
    pub fn new(spec: Arc<SourceSpec>) -> Self {
        Self { spec, header: Header::Awaited, line: 1, over_long: None, fields: Vec::new(), unquoted: String::new() }
    }

    pub fn line(&self) -> u64 {
        self.line
    }

    /// Takes records off the front of `bytes` until `enough` wait in `rows` or no whole one is left, and tells
    /// how many bytes were used. `last` says that no bytes follow.
    pub fn parse(&mut self, bytes: &[u8], last: bool, enough: usize, rows: &mut Rows) -> usize {
        let mut used = 0;
        while rows.pending() < enough && used < bytes.len() {
            let rest = &bytes[used..];
            if let Some(begun) = self.over_long.take() {
                match memchr::memchr(b'\n', rest) {
                    Some(end) => {
                        rows.reject(self.line, &begun, self.too_long());
                        self.line += 1;
                        used += end + 1;
                    }
                    None if last => {
                        rows.reject(self.line, &begun, self.too_long());
                        used = bytes.len();
                    }
                    None => {
                        self.over_long = Some(begun);
                        return bytes.len();
                    }
                }
                continue;
            }
            let delimiter = u8::try_from(self.spec.delimiter).unwrap_or(b',');
            match find(rest, delimiter, last, self.spec.max_record_bytes, &mut self.fields) {
                Found::Incomplete => return used,
                Found::OverLong => self.over_long = Some(rest[..rest.len().min(8192)].to_vec()),
                Found::BrokenQuote { bytes, field } => {
                    self.broken_quote(without_break(&rest[..bytes]), field, rows);
                    used += bytes;
                }
                Found::Record { bytes, lines } => {
                    let record = &rest[..bytes];
                    if !without_break(record).is_empty() {
                        self.record(record, rows);
                    }
                    self.line += lines as u64;
                    used += bytes;
                }
            }
        }
        used
    }

    fn too_long(&self) -> Fault {
        Fault::new(Reason::OverLong, format!("expected at most {} bytes", self.spec.max_record_bytes))
    }

    fn broken_quote(&mut self, record: &[u8], field: usize, rows: &mut Rows) {
        let mut fault = Fault::new(Reason::BrokenQuote, "expected a closing quote, followed by a separator");
        match &self.header {
            Header::Known { fills, .. } => {
                if let Some(column) = fills.get(field).copied().flatten() {
                    fault = fault.in_column(&rows.columns[column].name);
                }
            }
            Header::Awaited => self.unusable_header("a quote in the header is not closed", rows),
        }
        rows.reject(self.line, record, fault);
        self.line += 1;
    }

    fn record(&mut self, record: &[u8], rows: &mut Rows) {
        let Header::Known { fills, absent, missing } = &self.header else {
            return self.header(record, rows);
        };
        let filled = 'fill: {
            if let Some(column) = missing {
                let fault = Fault::new(Reason::MissingColumn, "the file's header does not name it");
                break 'fill Err(fault.in_column(column));
            }
            let text = match simdutf8::basic::from_utf8(record) {
                Ok(text) => text,
                Err(_) => break 'fill Err(invalid_utf8(record, &self.fields, fills, rows)),
            };
            if self.fields.len() != fills.len() {
                let detail = format!("expected {} fields, found {}", fills.len(), self.fields.len());
                break 'fill Err(Fault::new(Reason::FieldCount, detail));
            }
            for (field, column) in self.fields.iter().zip(fills) {
                let Some(column) = *column else { continue };
                let text = unescaped(&text[field.range.clone()], field.escaped, &mut self.unquoted);
                let column = &mut rows.columns[column];
                let null = text.is_empty() || self.spec.null_values.iter().any(|null| null == text);
                let pushed = if null { column.push_null() } else { column.push_text(text, &self.spec.timestamps) };
                if let Err(fault) = pushed {
                    break 'fill Err(fault.in_column(&column.name));
                }
            }
            absent.iter().try_for_each(|column| rows.columns[*column].push_null())
        };
        rows.end(self.line, without_break(record), filled);
    }

    fn header(&mut self, record: &[u8], rows: &mut Rows) {
        let record =
            record.strip_prefix(b"\xEF\xBB\xBF").map_or(Cow::Borrowed(record), |rest| Cow::Owned(rest.to_vec()));
        let delimiter = u8::try_from(self.spec.delimiter).unwrap_or(b',');
        find(&record, delimiter, true, self.spec.max_record_bytes, &mut self.fields);
        let mut names = Vec::new();
        for field in &self.fields {
            let text = String::from_utf8_lossy(&record[field.range.clone()]).replace("\"\"", "\"");
            names.push(text.trim().to_owned());
        }
        let columns: Vec<_> = self.spec.file_columns().collect();
        let fills: Vec<Option<usize>> =
            names.iter().map(|name| columns.iter().position(|column| column.file_name() == name)).collect();
        for (place, name) in names.iter().enumerate() {
            if names[..place].contains(name) {
                return self.unusable_header(&format!("column `{name}` is named twice in the header"), rows);
            }
            if fills[place].is_none() {
                rows.notes.push(format!("unknown column `{name}`"));
            }
        }
        let absent: Vec<usize> = (0..columns.len()).filter(|column| !fills.contains(&Some(*column))).collect();
        rows.notes.extend(absent.iter().map(|column| format!("missing column `{}`", columns[*column].file_name())));
        let missing = absent.iter().map(|column| columns[*column]).find(|column| column.required);
        self.header = Header::Known { missing: missing.map(|column| column.name.clone()), fills, absent };
    }

    /// No field can be told from another: every record of the file goes to quarantine.
    fn unusable_header(&mut self, problem: &str, rows: &mut Rows) {
        rows.notes.push(format!("unusable header: {problem}"));
        let missing = Some(self.spec.key.first().cloned().unwrap_or_default());
        self.header = Header::Known { fills: Vec::new(), absent: Vec::new(), missing };
    }
}

fn unescaped<'a>(text: &'a str, escaped: bool, buffer: &'a mut String) -> &'a str {
    if !escaped {
        return text;
    }
    buffer.clear();
    let mut parts = text.split("\"\"");
    buffer.push_str(parts.next().unwrap_or_default());
    for part in parts {
        buffer.push('"');
        buffer.push_str(part);
    }
    buffer
}

fn invalid_utf8(record: &[u8], fields: &[FieldSpan], fills: &[Option<usize>], rows: &Rows) -> Fault {
    let fault = Fault::new(Reason::InvalidUtf8, "expected UTF-8 text");
    let place = fields.iter().position(|field| std::str::from_utf8(&record[field.range.clone()]).is_err());
    match place.and_then(|place| fills.get(place).copied().flatten()) {
        Some(column) => fault.in_column(&rows.columns[column].name),
        None => fault,
    }
}

fn without_break(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}
