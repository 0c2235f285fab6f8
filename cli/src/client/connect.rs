//! One call to the leader, whichever server that is: connects, follows hints, asks again while nobody leads.

use std::error::Error as _;
use std::time::Duration;

use fleet_proto::v1::cluster_service_client::ClusterServiceClient;
use fleet_proto::v1::job_service_client::JobServiceClient;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep, timeout};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::error::Error;
use super::options::Connection;
use super::route::Route;

const LEADER: &str = "fleet-leader";
const USER: &str = "fleet-user";
/// A dead peer is found out within these two, as neither call nor stream has a time-out of its own.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// A run of hundreds of steps with all their stages and attempts.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// How long to try.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For an answer, and as long again for somebody to lead.
    pub call: Duration,
    /// For a stream to go on, once it had begun.
    pub stream: Duration,
    /// For a message of a stream; the server repeats itself every 15 s.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(5), call: seconds(30), stream: seconds(300), silence: seconds(30) }
    }
}

/// The services of one server.
#[derive(Clone)]
pub struct Services {
    pub jobs: JobServiceClient<InterceptedService<Channel, User>>,
    pub cluster: ClusterServiceClient<InterceptedService<Channel, User>>,
}

/// Says who asks.
#[derive(Clone)]
pub struct User(Option<MetadataValue<Ascii>>);

impl Interceptor for User {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(user) = &self.0 {
            request.metadata_mut().insert(USER, user.clone());
        }
        Ok(request)
    }
}

/// Why an attempt came to nothing.
pub enum Failure {
    /// The server decided. Asking again gives the same.
    Refused(Status),
    /// Nobody decided: the server is away, or does not lead.
    Away { why: String, leader: Option<String> },
}

/// The way to the leader.
pub struct Link {
    route: Route,
    user: User,
    services: Option<Services>,
    pub patience: Patience,
}

/// What a command asks by.
pub struct Client {
    link: Link,
    interrupt: Signal,
}

impl Client {
    /// Reads who asks; connects with the first call. From here on an interrupt ends calls, not the process.
    pub fn new(connection: &Connection, patience: Patience) -> Result<Self, Error> {
        let user = match &connection.user {
            Some(user) => Some(user.clone()),
            None => {
                ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|user| !user.is_empty())
            }
        };
        let user = user.map(|user| {
            user.parse().map_err(|_| Error::WrongUse(format!("user `{user}`: expected printable ASCII; pass --user")))
        });
        let interrupt = signal(SignalKind::interrupt())
            .map_err(|error| Error::Failed(format!("cannot listen for interrupts: {error}")))?;
        let seed = Uuid::new_v4().as_u64_pair().0 | 1;
        let route = Route::new(&connection.server, seed);
        Ok(Self { link: Link { route, user: User(user.transpose()?), services: None, patience }, interrupt })
    }

    /// Asks the leader, for as long as there is patience. `asked` names it in errors. It must be harmless to repeat.
    pub async fn call<T, R, F>(&mut self, asked: impl Into<String>, rpc: R) -> Result<T, Error>
    where
        R: Fn(Services) -> F,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let asked = asked.into();
        match unless_interrupted(&mut self.interrupt, self.link.call(&asked, rpc)).await {
            Some(answer) => answer,
            None => Err(Error::Interrupted(format!("interrupted; {asked}: whether it was done is not known"))),
        }
    }

    /// Asks the server at an address, and from now on no other, once; none where it does not answer.
    pub async fn call_at<T, R, F>(&mut self, address: &str, rpc: R) -> Option<T>
    where
        R: FnOnce(Services) -> F,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        self.link.services = None;
        self.link.route = Route::new(&[url(address)], 1);
        self.interruptible(|link| link.attempt(rpc)).await?.ok()
    }

    /// Runs something that uses the link; none where the user interrupts it.
    pub async fn interruptible<'a, T, F>(&'a mut self, run: impl FnOnce(&'a mut Link) -> F) -> Option<T>
    where
        F: Future<Output = T>,
    {
        unless_interrupted(&mut self.interrupt, run(&mut self.link)).await
    }
}

async fn unless_interrupted<T>(interrupt: &mut Signal, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = future => Some(done),
        _ = interrupt.recv() => None,
    }
}

impl Link {
    async fn call<T, R, F>(&mut self, asked: &str, rpc: R) -> Result<T, Error>
    where
        R: Fn(Services) -> F,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let give_up = Instant::now() + self.patience.call;
        loop {
            let failure = match self.attempt(&rpc).await {
                Ok(answer) => {
                    self.answered();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            let (why, leader) = match failure {
                Failure::Refused(status) => return Err(Error::Refused { asked: asked.to_owned(), status }),
                Failure::Away { why, leader } => (why, leader),
            };
            let pause = self.turn(leader.as_deref());
            if Instant::now() + pause >= give_up {
                return Err(Error::Unreachable { asked: asked.to_owned(), why });
            }
            sleep(pause).await;
        }
    }

    /// Asks the server of this moment, once.
    pub async fn attempt<T, R, F>(&mut self, rpc: R) -> Result<T, Failure>
    where
        R: FnOnce(Services) -> F,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let services = self.services().await?;
        match timeout(self.patience.call, rpc(services)).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(self.failure(status)),
            Err(_) => {
                let why =
                    format!("{} did not answer within {} s", self.route.current(), self.patience.call.as_secs_f64());
                Err(Failure::Away { why, leader: None })
            }
        }
    }

    /// Turns to the server to ask next, and says how long to wait before.
    pub fn turn(&mut self, leader: Option<&str>) -> Duration {
        self.services = None;
        self.route.failed(leader)
    }

    /// The server of this moment leads.
    pub fn answered(&mut self) {
        self.route.answered();
    }

    pub fn server(&self) -> &str {
        self.route.current()
    }

    /// The connection, made where there is none.
    async fn services(&mut self) -> Result<Services, Failure> {
        if let Some(services) = &self.services {
            return Ok(services.clone());
        }
        let server = self.route.current();
        let away = |why: String| Failure::Away { why, leader: None };
        let endpoint = Endpoint::from_shared(server.to_owned())
            .map_err(|error| away(format!("{server} is no address: {}", cause(&error))))?
            .connect_timeout(self.patience.connect)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        let channel = match timeout(self.patience.connect, endpoint.connect()).await {
            Ok(Ok(channel)) => channel,
            Ok(Err(error)) => return Err(away(format!("{server} cannot be reached: {}", cause(&error)))),
            Err(_) => {
                let seconds = self.patience.connect.as_secs_f64();
                return Err(away(format!("{server} cannot be reached: no connection within {seconds} s")));
            }
        };
        let jobs = JobServiceClient::with_interceptor(channel.clone(), self.user.clone());
        let cluster = ClusterServiceClient::with_interceptor(channel, self.user.clone());
        let services = Services {
            jobs: jobs.max_decoding_message_size(MESSAGE_BYTES_MAX),
            cluster: cluster.max_decoding_message_size(MESSAGE_BYTES_MAX),
        };
        self.services = Some(services.clone());
        Ok(services)
    }

    /// Tells a decision of the server from a server that is away.
    pub fn failure(&self, status: Status) -> Failure {
        let broken =
            matches!(status.code(), Code::Unknown | Code::Internal | Code::Cancelled) && status.source().is_some();
        if status.code() != Code::Unavailable && !broken {
            return Failure::Refused(status);
        }
        let leader = status.metadata().get(LEADER).and_then(|leader| leader.to_str().ok());
        let leader = leader.filter(|leader| !leader.is_empty());
        let why = match status.source() {
            Some(source) => format!("the connection to {} broke: {}", self.server(), cause(source)),
            None => format!("{} does not serve now: {}", self.server(), status.message()),
        };
        Failure::Away { why, leader: leader.map(url) }
    }
}

/// The URL of an address, `host:port`.
fn url(address: &str) -> String {
    if address.contains("://") { address.to_owned() } else { format!("http://{address}") }
}

/// The innermost cause, which says most.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
