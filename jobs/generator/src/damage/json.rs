//! Finding and breaking the members of one JSON object on a line, as this crate writes them: no spaces between tokens.

use std::ops::Range;

use crate::random::Stream;

/// A member of the outermost object.
pub(super) struct Member {
    /// From the name's opening quote to the end of the value.
    pub(super) whole: Range<usize>,
    pub(super) value: Range<usize>,
}

/// The member called `name`, if the object has it.
pub(super) fn member(line: &[u8], name: &str) -> Option<Member> {
    let mut start = 1;
    while start < line.len() && line[start] != b'}' {
        let colon = start + name_length(&line[start..]);
        let end = value_end(line, colon + 1);
        let quoted = &line[start..colon];
        if quoted.len() == name.len() + 2 && &quoted[1..quoted.len() - 1] == name.as_bytes() {
            return Some(Member { whole: start..end, value: colon + 1..end });
        }
        start = end + 1;
    }
    None
}

/// Takes a member out, with the comma that set it apart.
pub(super) fn remove(line: &mut Vec<u8>, name: &str) {
    let Some(Member { whole, .. }) = member(line, name) else {
        return;
    };
    if line.get(whole.end) == Some(&b',') {
        line.drain(whole.start..whole.end + 1);
    } else {
        let start = if whole.start > 1 { whole.start - 1 } else { whole.start };
        line.drain(start..whole.end);
    }
}

/// Cuts the object off somewhere in its second half.
pub(super) fn cut(line: &mut Vec<u8>, stream: &mut Stream) {
    let length = line.len() as i64;
    let at = stream.integer(length / 2, length - 1).max(1);
    line.truncate(at as usize);
}

/// Length of a quoted name; names hold no escapes.
fn name_length(text: &[u8]) -> usize {
    let closing = text.iter().skip(1).position(|byte| *byte == b'"');
    closing.map_or(text.len(), |index| index + 2)
}

/// Where the value that begins at `start` ends: at the next comma or brace on its own level.
fn value_end(line: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for (index, byte) in line.iter().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b',' | b'}' if depth == 0 => return index,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] = br#"{"a":"x, \"y\"","b":[{"a":1},2],"c":true}"#;

    fn value(name: &str) -> Option<String> {
        member(LINE, name).map(|member| String::from_utf8_lossy(&LINE[member.value]).into_owned())
    }

    #[test]
    fn members_are_found_on_the_outer_level_only() {
        assert_eq!(value("a").as_deref(), Some(r#""x, \"y\"""#));
        assert_eq!(value("b").as_deref(), Some(r#"[{"a":1},2]"#));
        assert_eq!(value("c").as_deref(), Some("true"));
        assert_eq!(value("d"), None);
    }

    #[test]
    fn removing_a_member_leaves_a_valid_object() {
        for name in ["a", "b", "c"] {
            let mut line = LINE.to_vec();
            remove(&mut line, name);
            let parsed = serde_json::from_slice::<serde_json::Value>(&line);
            assert!(parsed.is_ok_and(|row| row.get(name).is_none()), "{name}");
        }
    }
}
