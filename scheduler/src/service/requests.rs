//! What clients ask for.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Utc};
use fleet_jobs::catalog::{Interval, Job, Unit};

use super::{Error, Result, Service};
use crate::ledger::{self, Backfilled, NewBackfill, NewRun, Origin, Run, RunId, RunState, Submitted};

const PRIORITY_MAX: i32 = 100;
const KEY_BYTES_MAX: usize = 128;
/// Of one backfill.
const UNITS_MAX: i64 = 4_000;

/// What is to be computed.
#[derive(Clone, Debug)]
pub enum Target {
    Job(String),
    Models(Vec<String>),
}

#[derive(Clone, Debug)]
pub struct SubmitRequest {
    pub target: Target,
    pub interval: Option<Interval>,
    pub parameters: BTreeMap<String, f64>,
    pub priority: i32,
    pub verify: bool,
    pub idempotency_key: Option<String>,
    pub submitted_by: String,
}

#[derive(Clone, Debug)]
pub struct BackfillRequest {
    pub job: String,
    pub start: NaiveDate,
    pub end: NaiveDate,
    pub unit: Option<Unit>,
    pub parallelism: u32,
    pub parameters: BTreeMap<String, f64>,
    pub priority: i32,
    pub idempotency_key: Option<String>,
    pub submitted_by: String,
}

impl Service {
    /// Queues a run.
    pub async fn submit(&self, request: SubmitRequest) -> Result<Submitted> {
        let term = self.term()?;
        check(request.priority, request.idempotency_key.as_deref())?;
        let (job, models, ingest) = self.target(request.target)?;
        self.check_parameters(&models, &request.parameters)?;
        let new = NewRun {
            job,
            models,
            ingest,
            interval: request.interval.map(Into::into),
            parameters: request.parameters,
            verify: request.verify,
            priority: request.priority,
            submitted_by: request.submitted_by,
            idempotency_key: request.idempotency_key,
            origin: Origin::Submitted,
        };
        let submitted = self.ledger.submit(new, self.settings.queue_max, Utc::now()).await?;
        term.wake();
        Ok(submitted)
    }

    /// Queues a run for each unit of a range of days.
    pub async fn backfill(&self, request: BackfillRequest) -> Result<Backfilled> {
        let term = self.term()?;
        check(request.priority, request.idempotency_key.as_deref())?;
        let job = self.job(&request.job)?;
        let unit = request.unit.unwrap_or(job.default_interval);
        let intervals = units(request.start, request.end, unit)?;
        let models = job.model_names();
        self.check_parameters(&models, &request.parameters)?;
        let new = NewBackfill {
            job: request.job,
            models,
            ingest: job.ingest,
            intervals: intervals.into_iter().map(Into::into).collect(),
            parallelism: request.parallelism.max(1),
            parameters: request.parameters,
            priority: request.priority,
            submitted_by: request.submitted_by,
            idempotency_key: request.idempotency_key,
        };
        let backfilled = self.ledger.backfill(new, self.settings.queue_max, Utc::now()).await?;
        term.wake();
        Ok(backfilled)
    }

    /// Asks a run to stop.
    pub async fn cancel(&self, id: RunId, by: &str, reason: &str) -> Result<Run> {
        let term = self.term()?;
        let run = self.ledger.request_cancel(id, by, reason, Utc::now()).await?;
        match run.state {
            RunState::Succeeded | RunState::Failed => {
                return Err(Error::unfit(format!("run {id}"), format!("cannot be cancelled, it has {}", run.state)));
            }
            RunState::Queued | RunState::Running | RunState::Cancelled => {}
        }
        term.cancel(id);
        self.changes.changed(id);
        Ok(run)
    }

    /// Takes a failed or cancelled run up again.
    pub async fn retry(&self, id: RunId) -> Result<Run> {
        let term = self.term()?;
        let run = self.run(id).await?;
        if !matches!(run.state, RunState::Failed | RunState::Cancelled) {
            let problem = format!("cannot be retried, it is {}; only a failed or cancelled run can", run.state);
            return Err(Error::unfit(format!("run {id}"), problem));
        }
        for model in &run.models {
            self.model(model)?;
        }
        let run = self.ledger.requeue(id, run.retries, self.settings.queue_max).await?;
        term.wake();
        self.changes.changed(id);
        Ok(run)
    }

    pub async fn run(&self, id: RunId) -> Result<Run> {
        self.ledger.get(id).await?.ok_or_else(|| no_run(id))
    }

    pub async fn whole(&self, id: RunId) -> Result<ledger::WholeRun> {
        self.ledger.whole(id).await?.ok_or_else(|| no_run(id))
    }

    pub fn job(&self, name: &str) -> Result<&Job> {
        let jobs = &self.setup.catalog.jobs;
        jobs.get(name).ok_or_else(|| {
            let known: Vec<&str> = jobs.keys().map(String::as_str).collect();
            Error::NotFound {
                what: format!("job `{name}`: the catalogue has no such job; known are {}", known.join(", ")),
            }
        })
    }

    /// Stops a job's schedule.
    pub async fn pause(&self, job: &str, by: &str, reason: &str) -> Result<()> {
        let term = self.term()?;
        self.scheduled(job)?;
        self.ledger.pause_schedule(job, by, reason, Utc::now()).await?;
        term.schedule_changed.notify_one();
        Ok(())
    }

    /// Lets a job's schedule fire again.
    pub async fn resume(&self, job: &str, by: &str) -> Result<()> {
        let term = self.term()?;
        self.scheduled(job)?;
        self.ledger.resume_schedule(job, by, Utc::now()).await?;
        term.schedule_changed.notify_one();
        Ok(())
    }

    fn scheduled(&self, job: &str) -> Result<()> {
        match self.job(job)?.schedule {
            Some(_) => Ok(()),
            None => Err(Error::unfit(format!("job `{job}`"), "has no schedule")),
        }
    }

    fn target(&self, target: Target) -> Result<(Option<String>, Vec<String>, bool)> {
        match target {
            Target::Job(name) => {
                let job = self.job(&name)?;
                Ok((Some(name), job.model_names(), job.ingest))
            }
            Target::Models(models) if models.is_empty() => Err(Error::invalid("models", "expected at least one")),
            Target::Models(models) => {
                models.iter().try_for_each(|model| self.model(model))?;
                Ok((None, models, false))
            }
        }
    }

    fn model(&self, name: &str) -> Result<()> {
        let table = name.parse().map_err(|error: fleet_jobs::Error| Error::invalid("models", error.to_string()))?;
        match self.setup.catalog.model(&table) {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::NotFound { what: error.to_string() }),
        }
    }

    fn check_parameters(&self, models: &[String], parameters: &BTreeMap<String, f64>) -> Result<()> {
        if parameters.is_empty() {
            return Ok(());
        }
        let set = self.setup.catalog.with_parameters(models, parameters);
        set.map(|_| ()).map_err(|error| Error::invalid("parameters", error.to_string()))
    }
}

fn no_run(id: RunId) -> Error {
    Error::NotFound { what: format!("run {id}: the ledger has no such run") }
}

fn check(priority: i32, key: Option<&str>) -> Result<()> {
    if !(-PRIORITY_MAX..=PRIORITY_MAX).contains(&priority) {
        let problem = format!("is {priority}, expected -{PRIORITY_MAX} to {PRIORITY_MAX}");
        return Err(Error::invalid("priority", problem));
    }
    match key {
        Some(key) if key.len() > KEY_BYTES_MAX => {
            let problem = format!("has {} bytes, expected at most {KEY_BYTES_MAX}", key.len());
            Err(Error::invalid("idempotency_key", problem))
        }
        _ => Ok(()),
    }
}

/// Whole units from the first day to the day after the last.
fn units(start: NaiveDate, end: NaiveDate, unit: Unit) -> Result<Vec<Interval>> {
    if start >= end {
        return Err(Error::invalid("end", format!("is {end}, expected a day after the start, {start}")));
    }
    let range = Interval { from: start, to: end };
    for (field, day) in [("start", start), ("end", end)] {
        if unit.start(day) != day {
            let problem = format!("is {day}, expected the first day of a {unit:?}, such as {}", unit.start(day));
            return Err(Error::invalid(field, problem.to_lowercase()));
        }
    }
    // Counted before they are listed: the range may be of any length.
    let months = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month());
    let count = match unit {
        Unit::Day => (end - start).num_days(),
        Unit::Week => (end - start).num_weeks(),
        Unit::Month => months(end) - months(start),
    };
    if count > UNITS_MAX {
        let problem = format!("{range} has more than {UNITS_MAX} units of a {unit:?}; ask for less at once");
        return Err(Error::invalid("end", problem.to_lowercase()));
    }
    Ok(range.units(unit).into_iter().map(|from| Interval { from, to: unit.after(from, 1) }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_is_cut_into_whole_units() {
        let months = units(day("2026-01-01"), day("2026-03-01"), Unit::Month).unwrap();
        let texts: Vec<String> = months.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["2026-01-01..2026-02-01", "2026-02-01..2026-03-01"]);
        for (start, end, field) in [
            ("2026-01-02", "2026-03-01", "start"),
            ("2026-01-01", "2026-03-02", "end"),
            ("2026-01-01", "2026-01-01", "end"),
        ] {
            match units(day(start), day(end), Unit::Month) {
                Err(Error::Invalid { field: found, .. }) => assert_eq!(found, field),
                other => panic!("{start} {end}: {other:?}"),
            }
        }
        assert!(units(day("0001-01-01"), day("9999-01-01"), Unit::Day).is_err());
        assert_eq!(units(day("1600-01-01"), day("1933-05-01"), Unit::Month).unwrap().len(), 4_000);
        assert!(units(day("1600-01-01"), day("1933-06-01"), Unit::Month).is_err());
    }
}
