//! Cron expressions: five fields or a name such as `@daily`. Croner reads them and finds the next match on a wall
//! clock without a time zone; what a time zone does to it is the scheduler's to say.
//!
//! Croner's own search in a time zone is not used: it moves a skipped time past the gap only where minute and hour are
//! single numbers, so that `0 2,14 * * *` would lose a run each spring.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime};
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Serialize};

const NAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// What each field may hold: its name, words, signs beside `* , - /`, and range, as told to users.
const FIELDS: [(&str, &[&str], &str, &str); 5] = [
    ("minute", &[], "", "0 to 59"),
    ("hour", &[], "", "0 to 23"),
    ("day of month", &["L"], "", "1 to 31, or L for the last"),
    ("month", &MONTHS, "", "1 to 12, or JAN to DEC"),
    (
        "day of week",
        &WEEKDAYS,
        "#",
        "0 to 7 (0 and 7 are Sunday), SUN to SAT, 1#2 for the second Monday, 5L for the last Friday",
    ),
];

/// A cron expression that matches some time.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    every_hour: bool,
    /// Shared, as it holds a byte for each year up to 5000.
    cron: Arc<croner::Cron>,
}

impl Cron {
    /// The first match after a time of the wall clock, or none before the year 5000.
    pub fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        self.cron.find_next_occurrence(&after, false).ok()
    }

    /// Whether the hour field is `*`, a step of it such as `*/2`, or all 24 hours: then the expression is a rhythm, not
    /// times of day.
    pub fn every_hour(&self) -> bool {
        self.every_hour
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({})", self.text)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Cron {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |problem: &str| {
            format!(
                "cron `{text}`: {problem}; expected minute, hour, day of month, month and day of week, for example \
                 `0 4 * * 1-5`, or @hourly, @daily, @weekly, @monthly or @yearly"
            )
        };
        let trimmed = text.trim();
        let fields = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(trimmed)).map_or(trimmed, |(_, it)| it);
        let fields: Vec<String> = fields.split_whitespace().map(str::to_uppercase).collect();
        if fields.len() != FIELDS.len() {
            return Err(wrong(&format!("has {} fields, not five", fields.len())));
        }
        for (position, field) in fields.iter().enumerate() {
            let (name, _, _, range) = FIELDS[position];
            if !reads(position, field) {
                return Err(wrong(&format!("the {name} `{field}` is not {range}, or a list, range or step of those")));
            }
        }
        let cron = parse(&fields.join(" ")).map_err(|problem| wrong(&problem))?;
        let every_hour = fields[1].starts_with('*') || cron.pattern.hours.values().len() == 24;
        let cron = Self { text: trimmed.to_owned(), every_hour, cron: Arc::new(cron) };
        match cron.next(DateTime::UNIX_EPOCH.naive_utc()) {
            Some(_) => Ok(cron),
            None => Err(wrong("never comes: no such month has such a day")),
        }
    }
}

impl TryFrom<String> for Cron {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

/// Whether a field is sound by itself. Croner replaces names wherever they stand, passes over empty list items and
/// knows more signs than are promised here, so that words and signs are checked first.
fn reads(position: usize, field: &str) -> bool {
    let (_, words, signs, _) = FIELDS[position];
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "*,-/".contains(sign) || signs.contains(sign);
    let known = |word: &str| {
        let last_of = position == 4 && (word == "L" || word.strip_suffix('L').is_some_and(|day| words.contains(&day)));
        words.contains(&word) || last_of
    };
    let whole = field.split(',').all(|item| !item.is_empty());
    let worded = field.split(|sign: char| !sign.is_ascii_alphabetic()).filter(|word| !word.is_empty()).all(known);
    let mut alone = ["*"; 5];
    alone[position] = field;
    whole && worded && field.chars().all(plain) && parse(&alone.join(" ")).is_ok()
}

fn parse(fields: &str) -> Result<croner::Cron, String> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(fields).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_cron_expression_is_refused_with_the_field_and_an_example() {
        for (text, part) in [
            ("", "has 0 fields"),
            ("0 4 * *", "has 4 fields"),
            ("0 0 4 * * *", "has 6 fields"),
            ("60 4 * * *", "the minute `60` is not 0 to 59"),
            ("0 24 * * *", "the hour `24`"),
            ("0 4 0 * *", "the day of month `0`"),
            ("0 4 * 13 *", "the month `13`"),
            ("0 4 * * 8", "the day of week `8`"),
            ("MON 4 * * *", "the minute `MON`"),
            ("0 4 * * JAN", "the day of week `JAN`"),
            ("0 4 * MON *", "the month `MON`"),
            ("0 4 * * MONDAY", "the day of week `MONDAY`"),
            ("0 4,,5 * * *", "the hour `4,,5`"),
            ("0 5-3 * * *", "the hour `5-3`"),
            ("*/0 4 * * *", "the minute `*/0`"),
            ("5/15 4 * * *", "the minute `5/15`"),
            ("0 4 15W * *", "the day of month `15W`"),
            ("0 4 ? * *", "the day of month `?`"),
            ("0 4 1 * +1", "the day of week `+1`"),
            ("0 4 * * 1#6", "the day of week `1#6`"),
            ("0 0 30 2 *", "never comes"),
            ("0 0 31 4,6,9,11 *", "never comes"),
            ("@reboot", "has 1 fields"),
        ] {
            let problem = text.parse::<Cron>().expect_err(text);
            assert!(problem.contains(part) && problem.contains("`0 4 * * 1-5`"), "{text}: {problem}");
        }
    }

    #[test]
    fn steps_of_every_hour_are_a_rhythm_and_named_hours_are_times_of_day() {
        for (text, every_hour) in [
            ("@hourly", true),
            ("*/15 * * * *", true),
            ("0 */2 * * *", true),
            ("0 0-23 * * *", true),
            ("@daily", false),
            ("* 2 * * *", false),
            ("0 2,14 * * *", false),
            ("0 8-18/2 * * *", false),
        ] {
            assert_eq!(text.parse::<Cron>().unwrap().every_hour(), every_hour, "{text}");
        }
    }
}
