//! When a job runs by itself, as its YAML says.

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer};

use super::cron::Cron;
use super::duration;

/// What `wait_limit` is where it is not given.
const WAIT_LIMIT: TimeDelta = TimeDelta::hours(24);

/// When a job runs by itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five fields (minute, hour, day of month, month, day of week), or @hourly, @daily, @weekly, @monthly, @yearly.
    pub cron: Cron,
    /// IANA name.
    #[serde(default, deserialize_with = "time_zone")]
    pub time_zone: Tz,
    #[serde(default)]
    pub concurrency: Concurrency,
    #[serde(default)]
    pub catch_up: CatchUp,
    /// How late a run may start; later it is missed.
    #[serde(default, deserialize_with = "duration::start_deadline")]
    pub start_deadline: Option<TimeDelta>,
    /// Jobs that must have succeeded for the days of a run before it starts.
    #[serde(default)]
    pub after: Vec<String>,
    /// How long a run waits for them; then it is missed.
    #[serde(default, deserialize_with = "duration::wait_limit")]
    pub wait_limit: Option<TimeDelta>,
}

/// What happens when a run is due while one of the same job is running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Concurrency {
    /// Both run.
    Allow,
    /// It is skipped; with `catch_up: all` it waits for its turn.
    #[default]
    Forbid,
    /// The one that is running is cancelled.
    Replace,
}

/// What happens to runs that came due while no scheduler was up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum CatchUp {
    /// Each runs.
    All,
    /// The last of them runs.
    #[default]
    Latest,
    /// None runs.
    Skip,
}

impl Schedule {
    pub fn wait_limit(&self) -> TimeDelta {
        self.wait_limit.unwrap_or(WAIT_LIMIT)
    }

    /// What its keys cannot say one by one.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.concurrency == Concurrency::Replace && self.catch_up == CatchUp::All {
            return Err("catch_up `all` with concurrency `replace`: each run would cancel the one before; expected \
                        `catch_up: latest`, or `concurrency: forbid`, which runs them one after another"
                .into());
        }
        if self.wait_limit.is_some() && self.after.is_empty() {
            return Err("wait_limit is given, but no job to wait for; expected jobs in `after`, for example `after: \
                        [daily_data_ingestion]`"
                .into());
        }
        Ok(())
    }
}

impl TryFrom<String> for Concurrency {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "allow" => Ok(Self::Allow),
            "forbid" => Ok(Self::Forbid),
            "replace" => Ok(Self::Replace),
            _ => Err(format!(
                "concurrency `{text}`: expected allow, forbid or replace, for example `concurrency: forbid`"
            )),
        }
    }
}

impl TryFrom<String> for CatchUp {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "all" => Ok(Self::All),
            "latest" => Ok(Self::Latest),
            "skip" => Ok(Self::Skip),
            _ => Err(format!("catch_up `{text}`: expected all, latest or skip, for example `catch_up: latest`")),
        }
    }
}

fn time_zone<'de, D: Deserializer<'de>>(from: D) -> Result<Tz, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|_| {
        serde::de::Error::custom(format!(
            "time_zone `{text}`: expected an IANA name, for example `time_zone: Europe/Paris`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Schedule, String> {
        let schedule: Schedule = serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
        schedule.check().map(|()| schedule)
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let schedule = read("cron: \"0 4 * * *\"").unwrap();
        assert_eq!(schedule.time_zone, Tz::UTC);
        assert_eq!(schedule.concurrency, Concurrency::Forbid);
        assert_eq!(schedule.catch_up, CatchUp::Latest);
        assert_eq!(schedule.start_deadline, None);
        assert_eq!((schedule.after.len(), schedule.wait_limit()), (0, TimeDelta::hours(24)));
    }

    #[test]
    fn every_key_is_read() {
        let schedule = read(
            "cron: '@daily'\ntime_zone: Europe/Paris\nconcurrency: allow\ncatch_up: all\nstart_deadline: 6h\n\
             after: [daily_data_ingestion]\nwait_limit: 90m",
        )
        .unwrap();
        assert_eq!(schedule.cron.as_str(), "@daily");
        assert_eq!(schedule.time_zone, Tz::Europe__Paris);
        assert_eq!(schedule.concurrency, Concurrency::Allow);
        assert_eq!(schedule.catch_up, CatchUp::All);
        assert_eq!(schedule.start_deadline, Some(TimeDelta::hours(6)));
        assert_eq!(schedule.after, ["daily_data_ingestion"]);
        assert_eq!(schedule.wait_limit(), TimeDelta::minutes(90));
    }

    #[test]
    fn a_wrong_value_is_refused_by_name_with_what_was_expected_and_an_example() {
        for (line, parts) in [
            ("cron: '0 25 * * *'", &["cron `0 25 * * *`", "hour", "`0 4 * * 1-5`"][..]),
            ("cron: 5", &["cron `5`", "has 1 fields"]),
            ("time_zone: Mars/Olympus", &["time_zone `Mars/Olympus`", "IANA", "Europe/Paris"]),
            ("concurrency: Forbid", &["concurrency `Forbid`", "allow, forbid or replace", "concurrency: forbid"]),
            ("catch_up: yes", &["catch_up `yes`", "all, latest or skip", "catch_up: latest"]),
            ("start_deadline: 6", &["start_deadline `6`", "s, m, h or d", "start_deadline: 6h"]),
            ("wait_limit: soon", &["wait_limit `soon`", "wait_limit: 12h"]),
            ("wait_limit: 1h", &["wait_limit is given", "after: [daily_data_ingestion]"]),
            ("concurrency: replace\ncatch_up: all", &["catch_up `all` with concurrency `replace`"]),
            ("timezone: UTC", &["timezone", "time_zone"]),
        ] {
            let yaml = if line.starts_with("cron") { line.to_owned() } else { format!("cron: '@daily'\n{line}") };
            let problem = read(&yaml).expect_err(line);
            for part in parts {
                assert!(problem.contains(part), "{line}: {problem}");
            }
        }
    }
}
