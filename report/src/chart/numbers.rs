//! Numbers as people read them: few digits, thousands apart, a dash for what is not known.

use chrono::NaiveDate;

/// Narrow, and not broken at the end of a line.
const THOUSANDS: char = '\u{202f}';
const NONE: &str = "–";

/// A count with its thousands apart.
pub fn count(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = if value < 0 { "−".to_owned() } else { String::new() };
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(THOUSANDS);
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 delay`, `2 delays`.
pub fn counted(value: i64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(value))
}

/// A number with this many decimals, its thousands apart.
pub fn fixed(value: impl Into<Option<f64>>, decimals: usize) -> String {
    let Some(value) = value.into().filter(|value| value.is_finite()) else { return NONE.to_owned() };
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.'));
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    match fraction {
        Some(fraction) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{whole}"),
    }
}

/// A number without decimals.
pub fn grouped(value: impl Into<Option<f64>>) -> String {
    fixed(value, 0)
}

/// A number with three significant digits.
pub fn number(value: impl Into<Option<f64>>) -> String {
    let Some(value) = value.into().filter(|value| value.is_finite()) else { return NONE.to_owned() };
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if magnitude < -4.0 {
        return format!("{value:.1e}").replace('-', "−");
    }
    fixed(value, (2.0 - magnitude).clamp(0.0, 6.0) as usize)
}

/// A share as percent.
pub fn percent(share: impl Into<Option<f64>>, decimals: usize) -> String {
    match share.into() {
        Some(share) => format!("{} %", fixed(100.0 * share, decimals)),
        None => NONE.to_owned(),
    }
}

/// A probability of a test: `p = 0.031`, `p < 0.001`.
pub fn probability_text(p: f64) -> String {
    match p {
        p if p < 0.001 => "p < 0.001".to_owned(),
        p if p < 0.1 => format!("p = {p:.3}"),
        p => format!("p = {p:.2}"),
    }
}

/// `March 2026`.
pub fn month_name(month: NaiveDate) -> String {
    month.format("%B %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart_and_digits_few() {
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!([fixed(1234.56, 1), fixed(-0.04, 1), fixed(-2.0, 0)], ["1\u{202f}234.6", "0.0", "−2"]);
        let numbers = [0.0, 0.01234, 1.0, 98.13, 12_345.6].map(number);
        assert_eq!(numbers, ["0", "0.0123", "1.00", "98.1", "12\u{202f}346"]);
        assert_eq!(number(0.000_012), "1.2e−5");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!([0, 1, 2].map(|value| counted(value, "delay")), ["0 delays", "1 delay", "2 delays"]);
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        assert_eq!([number(None), fixed(f64::NAN, 1), percent(None, 1)], ["–", "–", "–"]);
    }

    #[test]
    fn a_probability_is_never_zero() {
        assert_eq!([0.0, 0.0312, 0.5].map(probability_text), ["p < 0.001", "p = 0.031", "p = 0.50"]);
    }
}
