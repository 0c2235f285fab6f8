//! NDJSON (one object a line), and files that hold one JSON array of objects.

use std::sync::Arc;

use memchr::memchr;
use serde_json::{Map, Value};

use super::rows::Rows;
use super::scalars::{Fault, Reason};
use super::spec::SourceSpec;

/// Parses the bytes of one JSON file as they come.
pub struct JsonParser {
    spec: Arc<SourceSpec>,
    /// The physical line, or the element's ordinal in an array; 1-based.
    line: u64,
    layout: Layout,
    over_long: Option<Vec<u8>>,
    /// The file's names of the columns, and where each is.
    names: Vec<String>,
    explode: Option<(usize, usize)>,
    unknown: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Layout {
    Undecided,
    Lines,
    Array,
    /// After the array's closing bracket.
    Ended,
}

impl JsonParser {
    pub fn new(spec: Arc<SourceSpec>) -> Self {
        let columns: Vec<_> = spec.file_columns().collect();
        let place = |name: &str| columns.iter().position(|column| column.name == name);
        let explode = spec.explode.as_ref().and_then(|explode| Some((place(&explode.name)?, place(&explode.values)?)));
        let names = columns.iter().map(|column| column.file_name().to_owned()).collect();
        Self {
            spec: Arc::clone(&spec),
            line: 1,
            layout: Layout::Undecided,
            over_long: None,
            names,
            explode,
            unknown: Vec::new(),
        }
    }

    pub fn line(&self) -> u64 {
        self.line
    }

    /// As [`super::csv::CsvParser::parse`].
    pub fn parse(&mut self, bytes: &[u8], last: bool, enough: usize, rows: &mut Rows) -> usize {
        let mut used = 0;
        while rows.pending() < enough && used < bytes.len() {
            let rest = &bytes[used..];
            match self.layout {
                Layout::Undecided => {
                    let mark = rest.strip_prefix(b"\xEF\xBB\xBF").map_or(0, |_| 3);
                    let blank = rest[mark..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                    match rest.get(mark + blank) {
                        None if last => return bytes.len(),
                        None => return used,
                        Some(b'[') => {
                            self.layout = Layout::Array;
                            used += mark + blank + 1;
                        }
                        Some(_) => {
                            self.layout = Layout::Lines;
                            used += mark;
                        }
                    }
                }
                Layout::Lines => match self.next_line(rest, last, rows) {
                    0 => return used,
                    more => used += more,
                },
                Layout::Array => match self.next_element(rest, last, rows) {
                    0 => return used,
                    more => used += more,
                },
                Layout::Ended => {
                    if let Some(start) = rest.iter().position(|byte| !byte.is_ascii_whitespace()) {
                        rows.reject(
                            self.line,
                            &rest[start..],
                            Fault::new(Reason::BrokenJson, "expected nothing after the array"),
                        );
                        self.line += 1;
                    }
                    return bytes.len();
                }
            }
        }
        used
    }

    fn next_line(&mut self, rest: &[u8], last: bool, rows: &mut Rows) -> usize {
        let end = match memchr(b'\n', rest) {
            Some(end) => end,
            None if last => rest.len(),
            None if self.over_long.is_some() => return rest.len(),
            None if rest.len() > self.spec.max_record_bytes => {
                self.over_long = Some(rest[..rest.len().min(8192)].to_vec());
                return rest.len();
            }
            None => return 0,
        };
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        if let Some(begun) = self.over_long.take() {
            rows.reject(self.line, &begun, self.too_long());
        } else if line.len() > self.spec.max_record_bytes {
            rows.reject(self.line, line, self.too_long());
        } else if !line.iter().all(u8::is_ascii_whitespace) {
            self.record(line, rows);
        }
        self.line += 1;
        (end + 1).min(rest.len())
    }

    /// An element of the array with what separates it from the next. The element's own damage is its own;
    /// where the array itself is broken, what is left of the file is one damaged record.
    fn next_element(&mut self, rest: &[u8], last: bool, rows: &mut Rows) -> usize {
        let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
        for (place, byte) in rest.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                _ if in_text => {}
                b'{' | b'[' => depth += 1,
                b']' if depth == 0 => {
                    self.element(&rest[..place], rows);
                    self.layout = Layout::Ended;
                    return place + 1;
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                b',' if depth == 0 => {
                    self.element(&rest[..place], rows);
                    return place + 1;
                }
                _ => {}
            }
        }
        if !last && rest.len() <= self.spec.max_record_bytes {
            return 0;
        }
        let fault = if last { Fault::new(Reason::BrokenJson, "the array is not closed") } else { self.too_long() };
        rows.reject(self.line, rest, fault);
        self.line += 1;
        self.layout = if last { Layout::Ended } else { Layout::Array };
        rest.len()
    }

    fn element(&mut self, text: &[u8], rows: &mut Rows) {
        let text = text.trim_ascii();
        if !text.is_empty() {
            self.record(text, rows);
            self.line += 1;
        }
    }

    fn too_long(&self) -> Fault {
        Fault::new(Reason::OverLong, format!("expected at most {} bytes", self.spec.max_record_bytes))
    }

    fn record(&mut self, text: &[u8], rows: &mut Rows) {
        let Ok(json) = simdutf8::basic::from_utf8(text) else {
            return rows.reject(self.line, text, Fault::new(Reason::InvalidUtf8, "expected UTF-8 text"));
        };
        let object = match serde_json::from_str(json) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return rows.reject(self.line, text, Fault::new(Reason::BrokenJson, "expected a JSON object")),
            Err(error) => return rows.reject(self.line, text, Fault::new(Reason::BrokenJson, error.to_string())),
        };
        self.note_unknown(&object, rows);
        match (&self.spec.explode, self.explode) {
            (Some(explode), Some(places)) => match exploded(&object, &explode.field) {
                Ok(lists) => {
                    let mark = rows.mark();
                    for (name, values) in lists {
                        let filled = self.fill(&object, Some((places, name, values)), rows);
                        let damaged = filled.is_err();
                        if damaged {
                            rows.back_to(mark);
                        }
                        rows.end(self.line, text, filled);
                        if damaged {
                            return;
                        }
                    }
                }
                Err(fault) => rows.reject(self.line, text, fault.in_column(&explode.field)),
            },
            _ => {
                let filled = self.fill(&object, None, rows);
                rows.end(self.line, text, filled);
            }
        }
    }

    fn fill(
        &self,
        object: &Map<String, Value>,
        list: Option<((usize, usize), &str, &Value)>,
        rows: &mut Rows,
    ) -> Result<(), Fault> {
        for (place, name) in self.names.iter().enumerate() {
            let column = &mut rows.columns[place];
            let listed;
            let value = match list {
                Some(((of_name, _), name, _)) if of_name == place => {
                    listed = Value::String(name.to_owned());
                    &listed
                }
                Some(((_, of_values), _, values)) if of_values == place => values,
                _ => object.get(name).unwrap_or(&Value::Null),
            };
            let null = match value {
                Value::Null => true,
                Value::String(text) => text.is_empty() || self.spec.null_values.iter().any(|null| null == text),
                _ => false,
            };
            let pushed = if null { column.push_null() } else { column.push_json(value, &self.spec.timestamps) };
            pushed.map_err(|fault| fault.in_column(&column.name))?;
        }
        Ok(())
    }

    fn note_unknown(&mut self, object: &Map<String, Value>, rows: &mut Rows) {
        let exploded = self.spec.explode.as_ref().map(|explode| &explode.field);
        for name in object.keys() {
            if !self.names.contains(name)
                && Some(name) != exploded
                && !self.unknown.contains(name)
                && self.unknown.len() < 100
            {
                self.unknown.push(name.clone());
                rows.notes.push(format!("unknown column `{name}`"));
            }
        }
    }
}

/// The named lists of a field, all of one length.
fn exploded<'a>(object: &'a Map<String, Value>, field: &str) -> Result<Vec<(&'a str, &'a Value)>, Fault> {
    let Some(Value::Object(lists)) = object.get(field) else {
        return Err(Fault::new(Reason::MissingRequired, "expected an object of lists"));
    };
    let mut length = None;
    for (name, values) in lists {
        let Value::Array(values) = values else {
            return Err(Fault::new(Reason::BadType, format!("`{name}`: expected a JSON array")));
        };
        if *length.get_or_insert(values.len()) != values.len() {
            return Err(Fault::new(
                Reason::UnequalLists,
                format!("`{name}` has {} values, others have {}", values.len(), length.unwrap_or(0)),
            ));
        }
    }
    if lists.is_empty() {
        return Err(Fault::new(Reason::MissingRequired, "expected at least one list"));
    }
    Ok(lists.iter().map(|(name, values)| (name.as_str(), values)).collect())
}
