//! `fleet.v1.JobService`.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use fleet_jobs::catalog::{Interval, Unit};
use fleet_proto::v1;
use fleet_proto::v1::job_service_server::JobService;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{convert, lineage, watch};
use crate::ledger::{Run, RunFilter, RunId, RunState};
use crate::service::{BackfillRequest, Error, Service, SubmitRequest, Target, Term};

/// Streams of WatchRun at once.
const WATCHERS_MAX: usize = 2_000;
const PAGE_SIZE: u32 = 50;
const PAGE_SIZE_MAX: u32 = 500;
/// Who calls, where there is no authentication.
const USER: &str = "fleet-user";

pub(super) struct Jobs {
    service: Arc<Service>,
    watchers: Arc<Semaphore>,
}

impl Jobs {
    pub fn new(service: Arc<Service>) -> Self {
        Self { service, watchers: Arc::new(Semaphore::new(WATCHERS_MAX)) }
    }

    async fn job(&self, name: &str) -> Result<v1::Job, Status> {
        let job = self.service.job(name)?;
        let state = self.service.ledger.schedule(name).await.map_err(Error::from)?;
        Ok(convert::job(job, state.as_ref(), self.service.settings.runs_max, Utc::now()))
    }

    async fn run(&self, term: &Term, id: RunId) -> Result<v1::Run, Status> {
        let seen = term.seen(id);
        let whole = self.service.whole(id).await?;
        Ok(convert::run(&whole, term.fence.token, seen.as_ref(), Utc::now()))
    }
}

#[tonic::async_trait]
impl JobService for Jobs {
    async fn list_jobs(&self, _: Request<v1::ListJobsRequest>) -> Result<Response<v1::ListJobsResponse>, Status> {
        self.service.term()?;
        let mut jobs = Vec::new();
        for name in self.service.setup.catalog.jobs.keys() {
            jobs.push(self.job(name).await?);
        }
        Ok(Response::new(v1::ListJobsResponse { jobs }))
    }

    async fn get_job(&self, request: Request<v1::GetJobRequest>) -> Result<Response<v1::GetJobResponse>, Status> {
        self.service.term()?;
        let name = request.into_inner().job;
        let job = self.job(&name).await?;
        let models = self.service.setup.catalog.select(&[name]).map_err(Error::from)?;
        let models = models.iter().map(|model| convert::model(model)).collect();
        Ok(Response::new(v1::GetJobResponse { job: Some(job), models }))
    }

    async fn submit_run(
        &self,
        request: Request<v1::SubmitRunRequest>,
    ) -> Result<Response<v1::SubmitRunResponse>, Status> {
        let _timer = self.service.metrics.call("SubmitRun");
        let submitted_by = caller(&request)?;
        let request = request.into_inner();
        use v1::submit_run_request::Target as Asked;
        let target = match request.target {
            Some(Asked::Job(job)) if !job.is_empty() => Target::Job(job),
            Some(Asked::Models(models)) => Target::Models(models.names),
            Some(Asked::Job(_)) | None => return Err(invalid("target", "expected `job` or `models`")),
        };
        let submitted = self
            .service
            .submit(SubmitRequest {
                target,
                interval: interval(&request.interval)?,
                parameters: finite(request.parameters)?,
                priority: request.priority,
                verify: request.verify,
                idempotency_key: some(request.idempotency_key),
                submitted_by,
            })
            .await?;
        let run = match submitted.existing {
            true => Some(self.run(&*self.service.term()?, submitted.run.id).await?),
            false => Some(convert::summary(&submitted.run)),
        };
        Ok(Response::new(v1::SubmitRunResponse { run, existed: submitted.existing }))
    }

    async fn get_run(&self, request: Request<v1::GetRunRequest>) -> Result<Response<v1::GetRunResponse>, Status> {
        let _timer = self.service.metrics.call("GetRun");
        let term = self.service.term()?;
        let run = self.run(&term, run_id(&request.into_inner().run_id)?).await?;
        Ok(Response::new(v1::GetRunResponse { run: Some(run) }))
    }

    async fn list_runs(&self, request: Request<v1::ListRunsRequest>) -> Result<Response<v1::ListRunsResponse>, Status> {
        let _timer = self.service.metrics.call("ListRuns");
        let term = self.service.term()?;
        let request = request.into_inner();
        let filter = filter(&request)?;
        let digest = digest(&filter);
        let after = match request.page_token.split_once('-') {
            None if request.page_token.is_empty() => Ok(None),
            Some((of, token)) if of == digest => token.parse().map(Some).map_err(|_| ()),
            _ => Err(()),
        };
        let after =
            after.map_err(|()| invalid("page_token", "is not of a list with these filters; begin without one"))?;
        let size = if request.page_size == 0 { PAGE_SIZE } else { request.page_size.min(PAGE_SIZE_MAX) };
        let page = self.service.ledger.list(&filter, size, after).await.map_err(Error::from)?;
        let ids: Vec<RunId> = page.runs.iter().map(|run| run.id).collect();
        let tallies = self.service.ledger.tallies(&ids).await.map_err(Error::from)?;
        let listed = |run: &Run| convert::listed(run, tallies.get(&run.id), term.seen(run.id).as_ref());
        Ok(Response::new(v1::ListRunsResponse {
            runs: page.runs.iter().map(listed).collect(),
            next_page_token: page.next.map(|token| format!("{digest}-{token}")).unwrap_or_default(),
        }))
    }

    type WatchRunStream = ReceiverStream<watch::Answer>;

    async fn watch_run(&self, request: Request<v1::WatchRunRequest>) -> Result<Response<Self::WatchRunStream>, Status> {
        self.service.term()?;
        let request = request.into_inner();
        let run = run_id(&request.run_id)?;
        self.service.run(run).await?;
        let Ok(place) = Arc::clone(&self.watchers).try_acquire_owned() else {
            let message = format!("{WATCHERS_MAX} streams are open already; ask GetRun now and then instead");
            return Err(Status::resource_exhausted(message));
        };
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        tokio::spawn(watch::tell(Arc::clone(&self.service), run, request.after_sequence, sender, place));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn cancel_run(
        &self,
        request: Request<v1::CancelRunRequest>,
    ) -> Result<Response<v1::CancelRunResponse>, Status> {
        let by = caller(&request)?;
        let request = request.into_inner();
        let id = run_id(&request.run_id)?;
        self.service.cancel(id, &by, &request.reason).await?;
        let run = self.run(&*self.service.term()?, id).await?;
        Ok(Response::new(v1::CancelRunResponse { run: Some(run) }))
    }

    async fn retry_run(&self, request: Request<v1::RetryRunRequest>) -> Result<Response<v1::RetryRunResponse>, Status> {
        let id = run_id(&request.into_inner().run_id)?;
        self.service.retry(id).await?;
        let run = self.run(&*self.service.term()?, id).await?;
        Ok(Response::new(v1::RetryRunResponse { run: Some(run) }))
    }

    async fn backfill(&self, request: Request<v1::BackfillRequest>) -> Result<Response<v1::BackfillResponse>, Status> {
        let submitted_by = caller(&request)?;
        let request = request.into_inner();
        let unit = match v1::IntervalUnit::try_from(request.unit) {
            Ok(v1::IntervalUnit::Unspecified) => None,
            Ok(v1::IntervalUnit::Day) => Some(Unit::Day),
            Ok(v1::IntervalUnit::Week) => Some(Unit::Week),
            Ok(v1::IntervalUnit::Month) => Some(Unit::Month),
            Err(_) => return Err(invalid("unit", format!("{} is no IntervalUnit", request.unit))),
        };
        let backfilled = self
            .service
            .backfill(BackfillRequest {
                start: day("start", &request.start)?,
                end: day("end", &request.end)?,
                job: request.job,
                unit,
                parallelism: request.parallelism,
                parameters: finite(request.parameters)?,
                priority: request.priority,
                idempotency_key: some(request.idempotency_key),
                submitted_by,
            })
            .await?;
        Ok(Response::new(v1::BackfillResponse {
            backfill_id: backfilled.id.to_string(),
            run_ids: backfilled.runs.iter().map(ToString::to_string).collect(),
            existed: backfilled.existing,
        }))
    }

    async fn pause_schedule(
        &self,
        request: Request<v1::PauseScheduleRequest>,
    ) -> Result<Response<v1::PauseScheduleResponse>, Status> {
        let by = caller(&request)?;
        let request = request.into_inner();
        self.service.pause(&request.job, &by, &request.reason).await?;
        Ok(Response::new(v1::PauseScheduleResponse { job: Some(self.job(&request.job).await?) }))
    }

    async fn resume_schedule(
        &self,
        request: Request<v1::ResumeScheduleRequest>,
    ) -> Result<Response<v1::ResumeScheduleResponse>, Status> {
        let by = caller(&request)?;
        let request = request.into_inner();
        self.service.resume(&request.job, &by).await?;
        Ok(Response::new(v1::ResumeScheduleResponse { job: Some(self.job(&request.job).await?) }))
    }

    async fn get_lineage(
        &self,
        request: Request<v1::GetLineageRequest>,
    ) -> Result<Response<v1::GetLineageResponse>, Status> {
        self.service.term()?;
        lineage::answer(&self.service, request.into_inner()).await.map(Response::new)
    }
}

pub(super) fn invalid(field: &str, problem: impl Into<String>) -> Status {
    Error::invalid(field, problem).into()
}

/// Who asks.
pub(super) fn caller<T>(request: &Request<T>) -> Result<String, Status> {
    match request.metadata().get(USER) {
        Some(user) => match user.to_str() {
            Ok(user) if !user.trim().is_empty() => Ok(user.trim().to_owned()),
            _ => Err(invalid(USER, "is empty, or has other characters than printable ASCII")),
        },
        None => Ok(request.remote_addr().map_or_else(|| "unknown".to_owned(), |address| address.ip().to_string())),
    }
}

pub(super) fn run_id(text: &str) -> Result<RunId, Status> {
    text.parse().map_err(|_| invalid("run_id", format!("`{text}` is no UUID, as SubmitRun answers it")))
}

pub(super) fn interval(text: &str) -> Result<Option<Interval>, Status> {
    let parsed = some(text.to_owned()).map(|text| text.parse()).transpose();
    parsed.map_err(|error: fleet_jobs::Error| invalid("interval", error.to_string()))
}

fn day(field: &str, text: &str) -> Result<NaiveDate, Status> {
    text.parse().map_err(|_| invalid(field, format!("`{text}` is no day, expected one such as 2026-01-01")))
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn finite(parameters: BTreeMap<String, f64>) -> Result<BTreeMap<String, f64>, Status> {
    match parameters.iter().find(|(_, value)| !value.is_finite()) {
        Some((name, value)) => Err(invalid("parameters", format!("`{name}` is {value}, expected a finite number"))),
        None => Ok(parameters),
    }
}

fn filter(request: &v1::ListRunsRequest) -> Result<RunFilter, Status> {
    let state = |state: &i32| match v1::RunState::try_from(*state) {
        Ok(v1::RunState::Queued) => Ok(RunState::Queued),
        Ok(v1::RunState::Running) => Ok(RunState::Running),
        Ok(v1::RunState::Succeeded) => Ok(RunState::Succeeded),
        Ok(v1::RunState::Failed) => Ok(RunState::Failed),
        Ok(v1::RunState::Cancelled) => Ok(RunState::Cancelled),
        Ok(v1::RunState::Unspecified) | Err(_) => Err(invalid("states", format!("{state} is no state of a run"))),
    };
    let instant = |field: &str, instant: &Option<prost_types::Timestamp>| -> Result<Option<DateTime<Utc>>, Status> {
        let Some(instant) = instant else { return Ok(None) };
        let nanos = u32::try_from(instant.nanos).ok();
        match nanos.and_then(|nanos| DateTime::from_timestamp(instant.seconds, nanos)) {
            Some(instant) => Ok(Some(instant)),
            None => Err(invalid(field, "is no instant")),
        }
    };
    let since = instant("submitted_after", &request.submitted_after)?;
    let until = instant("submitted_before", &request.submitted_before)?;
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        return Err(invalid("submitted_before", "expected an instant later than submitted_after"));
    }
    let backfill = some(request.backfill_id.clone())
        .map(|id| id.parse().map_err(|_| invalid("backfill_id", format!("`{id}` is no UUID, as Backfill answers it"))));
    Ok(RunFilter {
        job: some(request.job.clone()),
        states: request.states.iter().map(state).collect::<Result<_, _>>()?,
        submitted_by: some(request.submitted_by.clone()),
        since,
        until,
        backfill: backfill.transpose()?,
    })
}

/// What a page token of this request begins with.
pub(super) fn digest(asked: &impl Debug) -> String {
    let digest = Sha256::digest(format!("{asked:?}"));
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
