//! A client as any would be that knows the contract alone: it asks whoever leads, asks again when it may, and goes on
//! watching where it was.

use std::error::Error as _;
use std::time::{Duration, Instant};

use fleet_proto::v1::job_service_client::JobServiceClient;
use fleet_proto::v1::submit_run_request::Target;
use fleet_proto::v1::{
    GetRunRequest, ListRunsRequest, PauseScheduleRequest, Run, RunState, SubmitRunRequest, SubmitRunResponse,
    WatchRunRequest,
};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status, Streaming};

/// Who asks.
pub const USER: &str = "chaos";

/// A server that is there answers within this; a frozen one never does.
const CALL: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(2);
/// The contract has a message every 15 s.
const SILENCE: Duration = Duration::from_secs(20);
/// Longer than anything is away, with the time that a leader then has to come up.
const PATIENCE: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(200);

type Jobs = JobServiceClient<Channel>;

pub struct Client {
    runtime: Runtime,
    link: Link,
}

impl Client {
    /// Of the front doors at these addresses, `host:port`.
    pub fn of(servers: &[String]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let link = Link { servers: servers.to_vec(), asked: servers[0].clone(), jobs: None, repeated: 0 };
        Self { runtime, link }
    }

    pub fn submit(&mut self, job: &str, key: &str) -> SubmitRunResponse {
        let target = Some(Target::Job(job.to_owned()));
        let request = SubmitRunRequest { target, idempotency_key: key.to_owned(), ..SubmitRunRequest::default() };
        self.call(request, async |mut jobs, request| jobs.submit_run(request).await)
    }

    pub fn run(&mut self, id: &str) -> Run {
        let request = GetRunRequest { run_id: id.to_owned() };
        self.call(request, async |mut jobs, request| jobs.get_run(request).await).run.unwrap()
    }

    /// The runs of a job and of a submitter, page by page; an empty name lets all pass.
    pub fn runs(&mut self, job: &str, submitted_by: &str) -> Vec<Run> {
        let mut request = ListRunsRequest {
            job: job.to_owned(),
            submitted_by: submitted_by.to_owned(),
            page_size: 2,
            ..ListRunsRequest::default()
        };
        let mut runs = Vec::new();
        loop {
            let page = self.call(request.clone(), async |mut jobs, request| jobs.list_runs(request).await);
            runs.extend(page.runs);
            if page.next_page_token.is_empty() {
                return runs;
            }
            request.page_token = page.next_page_token;
        }
    }

    pub fn pause(&mut self, job: &str) {
        let request = PauseScheduleRequest { job: job.to_owned(), reason: "the test fires by itself".to_owned() };
        self.call(request, async |mut jobs, request| jobs.pause_schedule(request).await);
    }

    /// Watches a run to its end, over any number of connections and leaders.
    pub fn watch(&mut self, id: &str) -> Run {
        let (mut seen, until) = (0, Instant::now() + PATIENCE);
        loop {
            assert!(Instant::now() < until, "run {id} has not ended for {PATIENCE:?}, at sequence {seen}");
            let request = WatchRunRequest { run_id: id.to_owned(), after_sequence: seen };
            let messages = self.call(request, async |mut jobs, request| jobs.watch_run(request).await);
            match self.runtime.block_on(followed(messages, id, &mut seen, until)) {
                Ok(run) => return run,
                Err(status) => self.runtime.block_on(self.link.turn(&status)),
            }
        }
    }

    /// How often it asked again.
    pub fn repeated(&self) -> u32 {
        self.link.repeated
    }

    /// Asks until somebody answers.
    fn call<M: Clone, T>(
        &mut self,
        message: M,
        rpc: impl AsyncFn(Jobs, Request<M>) -> Result<Response<T>, Status>,
    ) -> T {
        let until = Instant::now() + PATIENCE;
        self.runtime.block_on(async {
            loop {
                let status = match self.link.jobs().await {
                    Ok(jobs) => match timeout(CALL, rpc(jobs, by_me(message.clone()))).await {
                        Ok(Ok(response)) => return response.into_inner(),
                        Ok(Err(status)) => status,
                        Err(_) => Status::unavailable(format!("no answer for {CALL:?}")),
                    },
                    Err(status) => status,
                };
                assert!(Instant::now() < until, "nobody answers for {PATIENCE:?}, at last: {status:?}");
                self.link.turn(&status).await;
            }
        })
    }
}

/// The way to the leader.
struct Link {
    servers: Vec<String>,
    asked: String,
    jobs: Option<Jobs>,
    repeated: u32,
}

impl Link {
    async fn jobs(&mut self) -> Result<Jobs, Status> {
        if let Some(jobs) = &self.jobs {
            return Ok(jobs.clone());
        }
        let endpoint = Endpoint::from_shared(format!("http://{}", self.asked)).unwrap().connect_timeout(CONNECT);
        let channel = endpoint.connect().await.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(self.jobs.insert(JobServiceClient::new(channel)).clone())
    }

    /// Goes to whom the status names, or else to the next server; panics where the status is no reason to.
    async fn turn(&mut self, status: &Status) {
        // A connection that broke has the code of what it broke in, and a cause.
        let is_passing = status.code() == Code::Unavailable || status.source().is_some();
        assert!(is_passing, "{} answers {status:?}", self.asked);
        self.repeated += 1;
        let named = status.metadata().get("fleet-leader").map(|leader| leader.to_str().unwrap().to_owned());
        let next = self.servers.iter().position(|server| *server == self.asked).map_or(0, |index| index + 1);
        self.asked = match named {
            Some(named) if named != self.asked => named,
            _ => self.servers[next % self.servers.len()].clone(),
        };
        self.jobs = None;
        sleep(PAUSE).await;
    }
}

/// Follows one connection until the run's end, or the connection's.
async fn followed(
    mut messages: Streaming<fleet_proto::v1::WatchRunResponse>,
    id: &str,
    seen: &mut u64,
    until: Instant,
) -> Result<Run, Status> {
    while Instant::now() < until {
        let message = timeout(SILENCE, messages.message()).await;
        let message = message.unwrap_or_else(|_| Err(Status::unavailable(format!("no message for {SILENCE:?}"))))?;
        let Some(message) = message else { panic!("the watch of {id} ended with OK before the run did") };
        let run = message.run.unwrap();
        assert!(run.sequence >= *seen, "the sequence of {id} went back from {seen} to {}", run.sequence);
        *seen = run.sequence;
        if is_over(&run) {
            return Ok(run);
        }
    }
    Err(Status::unavailable("too late"))
}

pub fn is_over(run: &Run) -> bool {
    matches!(run.state(), RunState::Succeeded | RunState::Failed | RunState::Cancelled)
}

fn by_me<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("fleet-user", USER.parse().unwrap());
    request
}
