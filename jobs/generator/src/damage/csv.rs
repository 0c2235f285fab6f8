//! Finding and breaking the fields of one CSV record.

use std::ops::Range;

use crate::random::Stream;

/// Where each field stands, its quotes included.
pub(super) fn fields(line: &[u8]) -> Vec<Range<usize>> {
    let mut fields = Vec::new();
    let mut start = 0;
    let mut quoted = false;
    for (index, byte) in line.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                fields.push(start..index);
                start = index + 1;
            }
            _ => {}
        }
    }
    fields.push(start..line.len());
    fields
}

/// Leaves out the last field, or adds one.
pub(super) fn change_field_count(line: &mut Vec<u8>, stream: &mut Stream) {
    let last = fields(line).last().map_or(0, |range| range.start);
    if stream.chance(0.5) && last > 0 {
        line.truncate(last - 1);
    } else {
        line.extend_from_slice(b",0");
    }
}

/// Leaves a quote open to the end of the line: the closing one of a quoted last field is lost, or an opening one
/// appears in a field with no quotes after it.
pub(super) fn break_quote(line: &mut Vec<u8>, stream: &mut Stream) {
    if line.last() == Some(&b'"') {
        line.pop();
        return;
    }
    let after = line.iter().rposition(|byte| *byte == b'"').map_or(0, |quote| quote + 1);
    let mut candidates = fields(line);
    candidates.retain(|range| range.start >= after);
    if !candidates.is_empty() {
        let start = stream.pick(&candidates).start;
        line.insert(start, b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    #[test]
    fn commas_within_quotes_do_not_separate() {
        let line = br#"1,"24"" panel, left",,x"#;
        let texts: Vec<&[u8]> = fields(line).into_iter().map(|range| &line[range]).collect();
        let expected: [&[u8]; 4] = [b"1", br#""24"" panel, left""#, b"", b"x"];
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_broken_quote_stays_open() {
        for row in ["a,b,c", "a,\"b, c\",d", "a,\"say \"\"x\"\" now\""] {
            for seed in 0..20 {
                let mut line = row.as_bytes().to_vec();
                break_quote(&mut line, &mut Stream::new(seed, Purpose::Delivery, 0, 0));
                let quotes = line.iter().filter(|byte| **byte == b'"').count();
                assert_eq!(quotes % 2, 1, "{}", String::from_utf8_lossy(&line));
            }
        }
    }
}
