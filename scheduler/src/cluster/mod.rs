//! The cluster plane: the Ballista scheduler that executors and the driver of runs speak to, with the settings that an
//! engine of short and long jobs needs.
//!
//! **Invariant:** the cluster plane has no authentication of its own. It listens on loopback unless told otherwise.

mod executors;
mod jobs;
mod progress;
mod stages;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use ballista_core::utils::{GrpcServerConfig, create_grpc_server};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::create_scheduler;
use fleet_jobs::engine::{FleetCodec, MESSAGE_BYTES, runtime, session_config, session_state};
use fleet_jobs::storage::Stores;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpIncoming;

pub use executors::ExecutorView;
pub use progress::StageView;
pub use stages::planned_stages;

use executors::{Executors, Server};
use jobs::{JobIds, Jobs};

use crate::Error;

/// An executor that has not been heard of for so long is dead, and its jobs are run again.
pub(crate) const EXECUTOR_TIMEOUT_SECONDS: u64 = 20;
const EXECUTOR_CHECK_SECONDS: u64 = 2;
/// Shuffle files are kept for so long after a job ended, for whoever reads its rows.
const FINISHED_JOB_DATA_SECONDS: u64 = 60;
/// And its plan and metrics, which name every file that it read, for so long: who submitted it asks at once.
const FINISHED_JOB_STATE_SECONDS: u64 = 5;

/// How long calls that are under way may take when the plane stops.
const STOPPING: Duration = Duration::from_secs(1);

/// How executors get their tasks.
pub enum Tasks {
    /// The scheduler sends tasks to executors, which are other processes.
    Pushed,
    /// The one executor of this process asks for them, woken by this.
    Pulled(Arc<Notify>),
}

/// Whether this process leads, by now.
pub type Leads = Arc<dyn Fn() -> bool + Send + Sync>;

/// A cluster plane that serves.
pub struct ClusterPlane {
    pub address: SocketAddr,
    executors: Arc<Executors>,
    stop: Arc<Notify>,
    /// Done when it serves no longer.
    ended: CancellationToken,
    serving: AbortHandle,
}

impl ClusterPlane {
    /// Binds the address and begins to serve. Port 0 picks a free one. `host` is how executors reach it.
    /// While `leads` says no, no executor is spoken to.
    pub async fn start(address: SocketAddr, host: &str, tasks: Tasks, leads: Leads) -> Result<Self, Error> {
        let bind = |source| Error::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let config = Arc::new(config(address, host, tasks));
        let inner = BallistaCluster::new_from_config(&config).await.map_err(Error::Start)?.job_state();
        let executors = Arc::new(Executors::new(leads));
        let cluster = BallistaCluster::new(executors.clone(), Arc::new(Jobs { inner }));
        let scheduler: Server = create_scheduler(cluster, config).await.map_err(Error::Start)?;
        executors.serve(scheduler.clone());
        let service = SchedulerGrpcServer::new(scheduler)
            .max_decoding_message_size(MESSAGE_BYTES as usize)
            .max_encoding_message_size(MESSAGE_BYTES as usize);
        // Ballista's own server leaves Nagle's algorithm on, which costs 40 ms a call.
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = create_grpc_server(&GrpcServerConfig::default()).add_service(service);
        let (stop, ended) = (Arc::new(Notify::new()), CancellationToken::new());
        let (stopped, served) = (Arc::clone(&stop), ended.clone().drop_guard());
        let serving = tokio::spawn(async move {
            let _served = served;
            let stopped = async move { stopped.notified().await };
            if let Err(error) = server.serve_with_incoming_shutdown(incoming, stopped).await {
                tracing::error!(%error, "the cluster plane failed");
            }
        });
        Ok(Self { address, executors, stop, ended, serving: serving.abort_handle() })
    }

    /// All executors that are registered.
    pub async fn executors(&self) -> Vec<ExecutorView> {
        self.executors.views().await
    }

    /// Gives an executor no more tasks, and stops it when nothing that runs needs it any more, or after the grace period.
    /// False if it is not known.
    pub async fn drain(&self, executor_id: &str, grace: Duration) -> bool {
        self.executors.drain(executor_id, grace).await
    }

    /// Of each job that is under way its id, its name, and its stages.
    pub async fn stages(&self) -> Vec<(String, String, Vec<StageView>)> {
        progress::stages(self.executors.running()).await
    }

    /// Ends when it serves no longer.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Stops serving: executors look for another scheduler.
    pub async fn stop(&self) {
        self.executors.retire();
        self.stop.notify_one();
        if tokio::time::timeout(STOPPING, self.ended.cancelled()).await.is_err() {
            self.serving.abort();
        }
    }
}

fn config(address: SocketAddr, host: &str, tasks: Tasks) -> SchedulerConfig {
    let mut config = SchedulerConfig::default()
        .with_hostname(host)
        .with_port(address.port())
        .with_job_id_generator(Arc::new(JobIds));
    match tasks {
        Tasks::Pushed => config = config.with_scheduler_policy(TaskSchedulingPolicy::PushStaged),
        Tasks::Pulled(wake) => {
            config = config
                .with_scheduler_policy(TaskSchedulingPolicy::PullStaged)
                .with_on_work_available(Arc::new(move |_| wake.notify_one()));
        }
    }
    config.bind_host = address.ip().to_string();
    config.executor_timeout_seconds = EXECUTOR_TIMEOUT_SECONDS;
    config.no_executors_grace_period_seconds = EXECUTOR_TIMEOUT_SECONDS;
    config.expire_dead_executor_interval_seconds = EXECUTOR_CHECK_SECONDS;
    config.finished_job_data_clean_up_interval_seconds = FINISHED_JOB_DATA_SECONDS;
    config.finished_job_state_clean_up_interval_seconds = FINISHED_JOB_STATE_SECONDS;
    config.grpc_server_max_decoding_message_size = MESSAGE_BYTES;
    config.grpc_server_max_encoding_message_size = MESSAGE_BYTES;
    config.grpc_client_max_message_size = MESSAGE_BYTES;
    config.override_physical_codec = Some(Arc::new(FleetCodec::default()));
    config.override_config_producer = Some(Arc::new(|| session_config(1)));
    let stores = Stores::new();
    config.override_session_builder =
        Some(Arc::new(move |config| session_state(config, runtime(Arc::clone(&stores))?)));
    config
}
