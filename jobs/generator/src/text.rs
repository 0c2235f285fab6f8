//! How values become bytes: numbers, CSV lines and JSON lines, straight into a buffer. Never flushes or writes files.

use std::borrow::Cow;

/// A value that knows its text, without quotes.
pub(crate) trait AsText {
    fn push_to(&self, out: &mut Vec<u8>);
}

/// A decimal with a fixed number of digits after the point.
pub(crate) struct Fixed(pub(crate) f64, pub(crate) u32);

/// One CSV record being written; `finish` ends the line.
pub(crate) struct CsvLine<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

/// One JSON object being written on a line; `finish` closes it.
pub(crate) struct JsonLine<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> CsvLine<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, first: true }
    }

    /// A value whose text needs no quotes.
    pub(crate) fn value(&mut self, value: &impl AsText) -> &mut Self {
        self.separate();
        value.push_to(self.out);
        self
    }

    pub(crate) fn optional(&mut self, value: Option<&impl AsText>) -> &mut Self {
        match value {
            Some(value) => self.value(value),
            None => self.empty(),
        }
    }

    pub(crate) fn empty(&mut self) -> &mut Self {
        self.separate();
        self
    }

    /// Free text, always in quotes (RFC 4180 §2.5), inner quotes doubled (§2.7).
    pub(crate) fn quoted(&mut self, text: &str) -> &mut Self {
        self.separate();
        self.out.push(b'"');
        for byte in text.bytes() {
            if byte == b'"' {
                self.out.push(b'"');
            }
            self.out.push(byte);
        }
        self.out.push(b'"');
        self
    }

    pub(crate) fn finish(&mut self) {
        self.out.push(b'\n');
    }

    fn separate(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }
}

impl<'a> JsonLine<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// A number, boolean or other value written bare.
    pub(crate) fn bare(&mut self, name: &str, value: &impl AsText) -> &mut Self {
        self.name(name);
        value.push_to(self.out);
        self
    }

    /// A value whose text needs no escapes, in quotes.
    pub(crate) fn string(&mut self, name: &str, value: &impl AsText) -> &mut Self {
        self.name(name);
        self.out.push(b'"');
        value.push_to(self.out);
        self.out.push(b'"');
        self
    }

    /// Free text, escaped.
    pub(crate) fn escaped(&mut self, name: &str, text: &str) -> &mut Self {
        self.name(name);
        self.out.push(b'"');
        for byte in text.bytes() {
            if matches!(byte, b'"' | b'\\') {
                self.out.push(b'\\');
            }
            self.out.push(byte);
        }
        self.out.push(b'"');
        self
    }

    /// A nested value that `write` appends.
    pub(crate) fn nested(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.name(name);
        write(self.out);
        self
    }

    /// Closes the object without ending the line, for objects within arrays.
    pub(crate) fn close(&mut self) {
        self.out.push(b'}');
    }

    pub(crate) fn finish(&mut self) {
        self.out.extend_from_slice(b"}\n");
    }

    fn name(&mut self, name: &str) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

/// Appends `[`, each item by `write`, separated by commas, and `]`.
pub(crate) fn push_array<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// Appends a non-negative integer with leading zeros up to `width` digits.
pub(crate) fn push_padded(out: &mut Vec<u8>, value: i64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut left = value.unsigned_abs();
    let mut start = digits.len();
    while left > 0 || digits.len() - start < width {
        start -= 1;
        digits[start] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    out.extend_from_slice(&digits[start..]);
}

/// The text of a value as a string.
pub(crate) fn text_of(value: &impl AsText) -> String {
    let mut out = Vec::new();
    value.push_to(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

impl AsText for i64 {
    fn push_to(&self, out: &mut Vec<u8>) {
        if *self < 0 {
            out.push(b'-');
        }
        push_padded(out, *self, 1);
    }
}

impl AsText for u32 {
    fn push_to(&self, out: &mut Vec<u8>) {
        push_padded(out, i64::from(*self), 1);
    }
}

impl AsText for bool {
    fn push_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl AsText for &str {
    fn push_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl AsText for String {
    fn push_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl AsText for Cow<'_, str> {
    fn push_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl AsText for Fixed {
    fn push_to(&self, out: &mut Vec<u8>) {
        let scale = 10_i64.pow(self.1);
        let scaled = (self.0 * scale as f64).round() as i64;
        if scaled < 0 {
            out.push(b'-');
        }
        let magnitude = scaled.abs();
        push_padded(out, magnitude / scale, 1);
        if self.1 > 0 {
            out.push(b'.');
            push_padded(out, magnitude % scale, self.1 as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_rounded_and_padded() {
        assert_eq!(text_of(&Fixed(2.345_67, 2)), "2.35");
        assert_eq!(text_of(&Fixed(-0.04, 1)), "0.0");
        assert_eq!(text_of(&Fixed(-12.05, 2)), "-12.05");
        assert_eq!(text_of(&Fixed(7.0, 0)), "7");
    }

    #[test]
    fn csv_text_doubles_its_quotes() {
        let mut out = Vec::new();
        CsvLine::new(&mut out).value(&1_i64).quoted("24\" panel, left").empty().finish();
        assert_eq!(out, b"1,\"24\"\" panel, left\",\n");
    }

    #[test]
    fn json_text_is_escaped() {
        let mut out = Vec::new();
        JsonLine::new(&mut out).escaped("text", "say \"no\"").bare("n", &2_i64).finish();
        assert_eq!(out, b"{\"text\":\"say \\\"no\\\"\",\"n\":2}\n");
    }
}
