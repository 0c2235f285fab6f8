//! Reads generated files back: finds, decompresses and splits them. Knows as little of the generator as a consumer.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The output folder of a run.
pub(crate) struct Landing<'a>(pub(crate) &'a Path);

/// A CSV row by column name.
pub(crate) type Record = BTreeMap<String, String>;

impl Landing<'_> {
    /// Every file below a folder of the output, sorted by path.
    pub(crate) fn files(&self, below: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.0.join(below)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files.sort();
        files
    }

    pub(crate) fn csv(&self, source: &str) -> Vec<Record> {
        let files = self.files(&format!("landing/{source}"));
        files.iter().flat_map(|file| records(&text(file))).collect()
    }

    pub(crate) fn json(&self, source: &str) -> Vec<Value> {
        let files = self.files(&format!("landing/{source}"));
        files.iter().flat_map(|file| objects(&text(file))).collect()
    }

    pub(crate) fn truth(&self, name: &str) -> Vec<Record> {
        records(&text(&self.0.join(format!("truth/{name}.csv"))))
    }

    pub(crate) fn reference(&self, name: &str) -> Vec<Value> {
        objects(&text(&self.0.join(format!("reference/{name}.json"))))
    }
}

/// The decompressed content of a file.
pub(crate) fn content(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
            plain
        }
        Some("zst") => zstd::decode_all(bytes.as_slice()).unwrap(),
        _ => bytes,
    }
}

fn text(path: &Path) -> String {
    String::from_utf8(content(path)).unwrap()
}

fn records(text: &str) -> Vec<Record> {
    let mut lines = text.lines().map(fields);
    let header = lines.next().unwrap_or_default();
    lines
        .map(|fields| {
            assert_eq!(fields.len(), header.len());
            header.iter().cloned().zip(fields).collect()
        })
        .collect()
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The fields of a line (RFC 4180).
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                fields.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

pub(crate) fn number(record: &Record, column: &str) -> f64 {
    record[column].parse().unwrap()
}

/// Decimal hours as ten-thousandths, to add them up exactly.
pub(crate) fn ten_thousandths(record: &Record, column: &str) -> i64 {
    (number(record, column) * 10_000.0).round() as i64
}
