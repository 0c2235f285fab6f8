//! Names and literals inside SQL text. Every statement of the publisher that is not a constant is put
//! together from these two, and from nothing else that comes from outside.

use super::Error;

/// PostgreSQL cuts longer identifiers silently (`NAMEDATALEN` − 1).
pub const NAME_LENGTH_MAX: usize = 63;

/// Refuses a name that would need quoting to be typed in a query: what is published is read by hand, too.
pub fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let goes_on = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if begins && goes_on && name.len() <= NAME_LENGTH_MAX {
        return Ok(());
    }
    Err(Error::Invalid {
        what: format!("{what} {name:?}"),
        problem: format!(
            "expected a name of lowercase letters, digits and _, not beginning with a digit, \
             of at most {NAME_LENGTH_MAX} characters"
        ),
    })
}

/// A quoted identifier.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quoted identifiers, separated by commas.
pub fn identifiers<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(identifier).collect::<Vec<_>>().join(", ")
}

/// A string literal. The `E` form reads the same whatever `standard_conforming_strings` says.
pub fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_need_quoting_is_refused() {
        for name in ["component", "_line", "stg_flights", "p05"] {
            assert!(check_name("column", name).is_ok(), "{name}");
        }
        for name in ["", "5p", "Component", "a-b", "a b", "a\"b", "é", &"x".repeat(64)] {
            let error = check_name("column", name).unwrap_err();
            assert!(error.to_string().contains(&format!("column {name:?}")), "{error}");
            assert!(!error.is_retriable());
        }
    }

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(identifier("a\"b"), r#""a""b""#);
        assert_eq!(identifiers(["a", "b"]), r#""a", "b""#);
        assert_eq!(literal("MTBUR's \\ level"), r"E'MTBUR''s \\ level'");
    }
}
