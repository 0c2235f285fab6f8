//! What a caller may choose about the fleet, and the ranges within which it makes sense. Reads no files.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The settings of one generated fleet. The same options give the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Aircraft in the fleet, 1 to 10000.
    pub aircraft: u32,
    /// Days flown, 1 to 20000.
    pub days: u32,
    /// The first day flown (UTC).
    pub first_day: NaiveDate,
    /// Everything random follows from this number.
    pub seed: u64,
    /// Mean scheduled flights of an aircraft in service on one day, 0.1 to 9; a flight lasts 1.375 h on average.
    pub flights_per_day: f64,
    /// Sampled parameters of each flight; left out unless asked for, because they outweigh all the rest.
    pub telemetry: Option<Telemetry>,
    /// Share of rows damaged on purpose, 0 to 1.
    pub damaged_share: f64,
    /// Share of rows held back for a later delivery, 0 to 0.5; half as many again are corrected later.
    pub late_share: f64,
    /// Share of files delivered again under another name, 0 to 1.
    pub duplicate_share: f64,
}

/// The sampled source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Samples a second of each parameter, 0.001 to 64.
    pub sample_rate_hz: f64,
    /// Names such as `n1_pct`, `egt_c`, `oil_pressure_psi`, `vibration_ips`; 1 to 64 of them.
    pub parameters: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            aircraft: 10,
            days: 90,
            first_day: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap_or_default(),
            seed: 42,
            flights_per_day: 8.0,
            telemetry: None,
            damaged_share: 0.001,
            late_share: 0.01,
            duplicate_share: 0.005,
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            sample_rate_hz: 1.0,
            parameters: ["n1_pct", "egt_c", "oil_pressure_psi", "vibration_ips"].map(String::from).to_vec(),
        }
    }
}

impl Options {
    /// Refuses the first option outside its range.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        integer("aircraft", self.aircraft, 1, 10_000)?;
        integer("days", self.days, 1, 20_000)?;
        decimal("flights_per_day", self.flights_per_day, 0.1, 9.0)?;
        decimal("damaged_share", self.damaged_share, 0.0, 1.0)?;
        decimal("late_share", self.late_share, 0.0, 0.5)?;
        decimal("duplicate_share", self.duplicate_share, 0.0, 1.0)?;
        self.validate_first_day()?;
        self.telemetry.as_ref().map_or(Ok(()), Telemetry::validate)
    }

    fn validate_first_day(&self) -> Result<(), Error> {
        let bounds = (NaiveDate::from_ymd_opt(1980, 1, 1), NaiveDate::from_ymd_opt(2199, 12, 31));
        let last = self.first_day.checked_add_days(chrono::Days::new(u64::from(self.days)));
        match (bounds, last) {
            ((Some(from), Some(to)), Some(last)) if self.first_day >= from && last <= to => Ok(()),
            _ => Err(Error::Option {
                option: "first_day",
                value: self.first_day.to_string(),
                expected: format!("a date from 1980-01-01 on, whose {} days end by 2199-12-31", self.days),
            }),
        }
    }
}

impl Telemetry {
    fn validate(&self) -> Result<(), Error> {
        decimal("telemetry.sample_rate_hz", self.sample_rate_hz, 0.001, 64.0)?;
        let count = u32::try_from(self.parameters.len()).unwrap_or(u32::MAX);
        integer("telemetry.parameters", count, 1, 64)?;
        for (index, name) in self.parameters.iter().enumerate() {
            let well_formed = (1..=64).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if !well_formed || self.parameters[..index].contains(name) {
                return Err(Error::Option {
                    option: "telemetry.parameters",
                    value: format!("{name:?}"),
                    expected: "distinct names of 1 to 64 characters from a-z, 0-9 and _".into(),
                });
            }
        }
        Ok(())
    }
}

fn integer(option: &'static str, value: u32, from: u32, to: u32) -> Result<(), Error> {
    if (from..=to).contains(&value) {
        return Ok(());
    }
    Err(Error::Option { option, value: value.to_string(), expected: format!("{from} to {to}") })
}

fn decimal(option: &'static str, value: f64, from: f64, to: f64) -> Result<(), Error> {
    if (from..=to).contains(&value) {
        return Ok(());
    }
    Err(Error::Option { option, value: value.to_string(), expected: format!("{from} to {to}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut Options)) -> String {
        let mut options = Options::default();
        change(&mut options);
        options.validate().err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn defaults_are_valid() {
        assert_eq!(refusal(|_| ()), "");
    }

    #[test]
    fn a_refusal_names_option_value_and_expectation() {
        assert_eq!(refusal(|options| options.aircraft = 0), "option aircraft is 0, expected 1 to 10000");
        assert_eq!(refusal(|options| options.damaged_share = 1.5), "option damaged_share is 1.5, expected 0 to 1");
        assert!(refusal(|options| options.late_share = f64::NAN).contains("late_share is NaN"));
        assert!(refusal(|options| options.days = 20_001).contains("days is 20001"));
        assert!(refusal(|options| options.flights_per_day = 12.0).contains("expected 0.1 to 9"));
    }

    #[test]
    fn days_beyond_the_calendar_are_refused() {
        let refused = refusal(|options| options.first_day = NaiveDate::from_ymd_opt(2199, 12, 1).unwrap_or_default());
        assert!(refused.starts_with("option first_day is 2199-12-01"), "{refused}");
    }

    #[test]
    fn repeated_telemetry_parameters_are_refused() {
        let refused = refusal(|options| {
            options.telemetry =
                Some(Telemetry { parameters: vec!["egt_c".into(), "egt_c".into()], ..Telemetry::default() });
        });
        assert!(refused.contains("telemetry.parameters is \"egt_c\""), "{refused}");
    }
}
