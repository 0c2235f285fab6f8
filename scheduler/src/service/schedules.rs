//! Fires the schedules of the catalogue's jobs, as long as this process leads.

use std::time::Duration;

use chrono::{DateTime, Utc};
use fleet_jobs::catalog::Job;

use super::recorder::patiently;
use super::{Service, Term};
use crate::ledger::{self, Interval, JobDefinition, NewRun, Origin, Recorded};
use crate::schedule::wake_at;

/// Who asks for a run that a schedule starts.
const SUBMITTER: &str = "schedule";
/// The clock may have jumped: it is looked at again after so long.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// Fires until an error of the ledger says that this process no longer leads.
pub(super) async fn fire(service: &Service, term: &Term) -> ledger::Error {
    let definitions = definitions(service);
    // All of them at first, so that new ones are enabled.
    let mut due: Vec<&JobDefinition> = definitions.iter().collect();
    loop {
        for definition in due {
            let recorded = patiently(|| {
                let new_run = |fire_at, interval| new_run(service, &definition.job, fire_at, interval);
                service.ledger.record_firings(&term.fence, definition, new_run, Utc::now())
            });
            match recorded.await {
                Ok(recorded) => tell(service, term, &definition.job, &recorded),
                // A schedule that cannot be recorded keeps no other from firing.
                Err(error @ (ledger::Error::Invalid { .. } | ledger::Error::Conflict { .. })) => {
                    tracing::error!(job = definition.job, %error, "schedule not recorded");
                }
                Err(error) => return error,
            }
        }
        let wait = match patiently(|| service.ledger.job_states(&definitions, Utc::now())).await {
            Ok(states) => {
                let next = wake_at(Utc::now(), &states);
                next.and_then(|next| (next - Utc::now()).to_std().ok()).map_or(LOOK_EVERY, |wait| wait.min(LOOK_EVERY))
            }
            Err(error) => return error,
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = term.schedule_changed.notified() => {}
        }
        let now = Utc::now();
        due = match patiently(|| service.ledger.job_states(&definitions, now)).await {
            Ok(states) => {
                let is_due = |index: &usize| {
                    states.get(*index..=*index).and_then(|state| wake_at(now, state)).is_some_and(|at| at <= now)
                };
                (0..definitions.len()).filter(is_due).map(|index| &definitions[index]).collect()
            }
            Err(error) => return error,
        };
    }
}

fn definitions(service: &Service) -> Vec<JobDefinition> {
    let definition = |(name, job): (&String, &Job)| {
        let schedule = job.schedule.clone()?;
        let text = format!("{schedule:?} {:?}", job.default_interval);
        Some(JobDefinition { job: name.clone(), schedule, default_interval: job.default_interval, text })
    };
    service.setup.catalog.jobs.iter().filter_map(definition).collect()
}

fn new_run(service: &Service, name: &str, fire_at: DateTime<Utc>, interval: Interval) -> NewRun {
    let job = service.setup.catalog.jobs.get(name);
    NewRun {
        job: Some(name.to_owned()),
        models: job.map(Job::model_names).unwrap_or_default(),
        ingest: job.is_some_and(|job| job.ingest),
        interval: Some(interval),
        parameters: Default::default(),
        verify: false,
        priority: 0,
        submitted_by: SUBMITTER.to_owned(),
        idempotency_key: None,
        origin: Origin::Scheduled { job: name.to_owned(), fire_at },
    }
}

fn tell(service: &Service, term: &Term, job: &str, recorded: &Recorded) {
    for run in &recorded.runs {
        tracing::info!(job, run = %run.id, "schedule fired");
        service.metrics.fired(job, "ran");
        service.changes.changed(run.id);
    }
    for note in &recorded.notes {
        tracing::info!(job, fire_at = %note.fire_at, state = note.state.as_str(), reason = note.reason, "firing");
        service.metrics.fired(job, note.state.as_str());
    }
    for run in &recorded.cancel {
        term.cancel(*run);
        service.changes.changed(*run);
    }
    if !recorded.runs.is_empty() || !recorded.cancel.is_empty() {
        term.wake();
    }
}
