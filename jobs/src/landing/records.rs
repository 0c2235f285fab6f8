//! Cutting CSV bytes into records, so that a damaged one is lost alone and its neighbours are kept.
//!
//! A record ends at a line break outside quotes. A quote is broken when a quoted field is not closed before the
//! file or the record's limit ends, or is followed by anything but a separator: then only the physical line
//! that it began on is given up, and reading goes on at the next line.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2};

/// A field of a record: where its text is, and whether doubled quotes must be folded first.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldSpan {
    pub range: Range<usize>,
    pub escaped: bool,
}

/// What was found at the beginning of the bytes.
#[derive(Debug, PartialEq)]
pub enum Found {
    /// A record of this many bytes (line break included), on this many lines; its fields are in the buffer given.
    Record { bytes: usize, lines: usize },
    /// A line of this many bytes with a broken quote in this field.
    BrokenQuote { bytes: usize, field: usize },
    /// No end within the limit: what follows, to the next line break, belongs to a record too long to keep.
    OverLong,
    /// The end is not among the bytes yet.
    Incomplete,
}

/// Finds the first record of `bytes`. `last` says that no bytes follow.
pub fn find(bytes: &[u8], delimiter: u8, last: bool, limit: usize, fields: &mut Vec<FieldSpan>) -> Found {
    fields.clear();
    let line_end = match memchr(b'\n', bytes) {
        Some(end) if end > limit => return Found::OverLong,
        Some(end) => end,
        None if bytes.len() > limit => return Found::OverLong,
        None if last && !bytes.is_empty() => bytes.len(),
        None => return Found::Incomplete,
    };
    let line = &bytes[..line_end];
    if memchr(b'"', line).is_none() {
        let text_end = without_return(line, line_end);
        let mut start = 0;
        for end in memchr_iter(delimiter, &bytes[..text_end]) {
            fields.push(FieldSpan { range: start..end, escaped: false });
            start = end + 1;
        }
        fields.push(FieldSpan { range: start..text_end, escaped: false });
        return Found::Record { bytes: past_break(bytes, line_end), lines: 1 };
    }
    quoted(bytes, delimiter, last, limit, line_end, fields)
}

fn quoted(
    bytes: &[u8],
    delimiter: u8,
    last: bool,
    limit: usize,
    line_end: usize,
    fields: &mut Vec<FieldSpan>,
) -> Found {
    let broken = |field: usize| Found::BrokenQuote { bytes: past_break(bytes, line_end), field };
    let mut start = 0;
    loop {
        let after;
        if bytes.get(start) == Some(&b'"') {
            let (end, escaped) = match closing_quote(bytes, start + 1, limit) {
                Some(found) => found,
                None if last || bytes.len() > limit => return broken(fields.len()),
                None => return Found::Incomplete,
            };
            fields.push(FieldSpan { range: start + 1..end, escaped });
            after = end + 1;
            let rest = &bytes[after..];
            let separated = match rest.first() {
                None if !last => return Found::Incomplete,
                Some(b'\r') if rest.len() == 1 && !last => return Found::Incomplete,
                None | Some(b'\n') => true,
                Some(b'\r') => rest.get(1).is_none_or(|byte| *byte == b'\n'),
                Some(byte) => *byte == delimiter,
            };
            if !separated {
                return broken(fields.len() - 1);
            }
        } else {
            let end = match memchr2(delimiter, b'\n', &bytes[start..]) {
                Some(offset) => start + offset,
                None if last => bytes.len(),
                None if bytes.len() > limit => return Found::OverLong,
                None => return Found::Incomplete,
            };
            let text_end =
                if bytes.get(end) == Some(&delimiter) { end } else { without_return(&bytes[..end], end).max(start) };
            if memchr(b'"', &bytes[start..text_end]).is_some() {
                return broken(fields.len());
            }
            fields.push(FieldSpan { range: start..text_end, escaped: false });
            after = end;
        }
        match bytes.get(after) {
            Some(byte) if *byte == delimiter => start = after + 1,
            _ => {
                let end = if bytes.get(after) == Some(&b'\r') { after + 1 } else { after };
                let lines = 1 + memchr_iter(b'\n', &bytes[..end.min(bytes.len())]).count();
                return Found::Record { bytes: past_break(bytes, end), lines };
            }
        }
    }
}

/// Where the quoted field that begins at `start` ends, and whether it holds doubled quotes.
fn closing_quote(bytes: &[u8], start: usize, limit: usize) -> Option<(usize, bool)> {
    let (mut from, mut escaped) = (start, false);
    let within = &bytes[..bytes.len().min(limit)];
    loop {
        let quote = from + memchr(b'"', within.get(from..)?)?;
        if within.get(quote + 1) != Some(&b'"') {
            return Some((quote, escaped));
        }
        escaped = true;
        from = quote + 2;
    }
}

fn without_return(line: &[u8], end: usize) -> usize {
    if line.last() == Some(&b'\r') { end - 1 } else { end }
}

fn past_break(bytes: &[u8], end: usize) -> usize {
    if bytes.get(end) == Some(&b'\n') { end + 1 } else { end.min(bytes.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(bytes: &str, last: bool) -> (Found, Vec<String>) {
        let mut fields = Vec::new();
        let found = find(bytes.as_bytes(), b',', last, 1000, &mut fields);
        (found, fields.iter().map(|field| bytes[field.range.clone()].to_owned()).collect())
    }

    #[test]
    fn plain_quoted_and_empty_fields_are_told_apart() {
        assert_eq!(
            texts("a,,c\r\nx", false),
            (Found::Record { bytes: 6, lines: 1 }, vec!["a".into(), String::new(), "c".into()])
        );
        assert_eq!(texts("\"a,1\",\"b\"\"\"\n", false).1, ["a,1", "b\"\""]);
        assert_eq!(
            texts("\"two\nlines\",b\n", false),
            (Found::Record { bytes: 14, lines: 2 }, vec!["two\nlines".into(), "b".into()])
        );
        assert_eq!(texts("a,\"b\"", true), (Found::Record { bytes: 5, lines: 1 }, vec!["a".into(), "b".into()]));
        assert_eq!(texts("a,\"b\"\r\nc", false).0, Found::Record { bytes: 7, lines: 1 });
    }

    #[test]
    fn a_record_that_may_go_on_is_awaited() {
        for text in ["a,b", "a,\"b", "a,\"b\"", "a,\"b\"\r"] {
            assert_eq!(texts(text, false).0, Found::Incomplete, "{text:?}");
        }
    }

    #[test]
    fn a_broken_quote_gives_up_one_line() {
        for text in ["a,\"b,c\nd,e,f\n", "a,\"b\"x,c\nd,e\n", "a,b\"c,d\ne,f\n", "a,\"b\nd,\"e\",f\n"] {
            let bytes = text.find('\n').unwrap() + 1;
            assert_eq!(texts(text, true).0, Found::BrokenQuote { bytes, field: 1 }, "{text:?}");
        }
    }

    #[test]
    fn a_line_over_the_limit_is_over_long() {
        let long = "x".repeat(2000);
        assert_eq!(texts(&long, false).0, Found::OverLong);
        assert_eq!(texts(&format!("{long}\nshort\n"), false).0, Found::OverLong);
    }
}
