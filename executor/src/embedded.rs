//! The executor inside the driver's process. It speaks to its scheduler over loopback sockets like any other, but is
//! woken instead of waiting for its next poll.

use std::net::SocketAddr;
use std::sync::Arc;

use arrow_flight::flight_service_server::FlightServiceServer;
use ballista_core::BALLISTA_PROTOCOL_VERSION;
use ballista_core::extension::SessionConfigExt;
use ballista_core::serde::BallistaCodec;
use ballista_core::serde::protobuf::ExecutorRegistration;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::scheduler::{ExecutorOperatingSystemSpecification, ExecutorSpecification};
use ballista_core::utils::{GrpcServerConfig, create_grpc_server};
use ballista_executor::execution_loop::poll_loop;
use ballista_executor::executor::Executor;
use ballista_executor::flight_service::BallistaFlightService;
use ballista_executor::health::ExecutorHealth;
use ballista_executor::metrics::LoggingMetricsCollector;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use fleet_jobs::engine::{FleetCodec, MESSAGE_BYTES, function_registry, runtime, session_config, session_state};
use fleet_jobs::storage::Stores;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tonic::transport::server::TcpIncoming;

use crate::stages::StageEngine;
use crate::{Error, task_config};

/// The running executor. Its shuffle files go when it is dropped.
pub struct Embedded {
    pub executor_id: String,
    _work_folder: TempDir,
}

/// Starts an executor with `slots` task slots for the scheduler at `scheduler`; `wake` is what that scheduler calls.
pub async fn start_embedded(
    scheduler: SocketAddr,
    slots: usize,
    stores: Arc<Stores>,
    wake: Arc<Notify>,
) -> Result<Embedded, Error> {
    let work_folder = TempDir::with_prefix("fleet-executor-").map_err(Error::WorkFolder)?;
    let work_path = work_folder.path().to_string_lossy().into_owned();
    let flight = serve_shuffle_files(&work_path).await?;
    let executor_id = format!("embedded-{}", uuid::Uuid::new_v4());
    let registration = ExecutorRegistration {
        id: executor_id.clone(),
        host: Some(flight.ip().to_string()),
        port: u32::from(flight.port()),
        grpc_port: 0,
        specification: Some(ExecutorSpecification::default().with_vcores(u32::try_from(slots).unwrap_or(1)).into()),
        os_info: Some(ExecutorOperatingSystemSpecification::default().into()),
        ballista_protocol_version: BALLISTA_PROTOCOL_VERSION,
    };
    let unbounded = runtime(stores).map_err(Error::Start)?;
    let shared = bounded(&unbounded).map_err(Error::Start)?;
    let state = session_state(session_config(1), Arc::clone(&shared)).map_err(Error::Start)?;
    let executor = Executor::new(
        registration,
        &work_path,
        Arc::new(move |_| Ok(Arc::clone(&shared))),
        task_config(&executor_id),
        function_registry(&state),
        Arc::new(LoggingMetricsCollector::default()),
        slots,
        Arc::new(StageEngine::new(Some(Arc::clone(&wake)))),
    );
    let url = format!("http://{scheduler}");
    let channel =
        tonic::transport::Endpoint::from_shared(url.clone()).map(|endpoint| endpoint.tcp_nodelay(true).connect_lazy());
    let channel = channel.map_err(|error| Error::Scheduler { url, problem: error.to_string() })?;
    let client = SchedulerGrpcClient::new(channel)
        .max_decoding_message_size(MESSAGE_BYTES as usize)
        .max_encoding_message_size(MESSAGE_BYTES as usize);
    let codec: BallistaCodec<LogicalPlanNode, PhysicalPlanNode> =
        BallistaCodec::new(state.config().ballista_logical_extension_codec(), Arc::new(FleetCodec::default()));
    tokio::spawn(async move {
        let ended = poll_loop(client, Arc::new(executor), codec, Some(wake), None, ExecutorHealth::new()).await;
        if let Err(error) = ended {
            tracing::error!(%error, "the embedded executor stopped");
        }
    });
    Ok(Embedded { executor_id, _work_folder: work_folder })
}

/// The runtime with the bound on memory that executor processes have: 70 % of the container's or the machine's.
fn bounded(base: &RuntimeEnv) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    let system =
        System::new_with_specifics(RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()));
    let limit = system.cgroup_limits().map_or(system.total_memory(), |limits| limits.total_memory);
    let bytes = usize::try_from(limit / 10 * 7).unwrap_or(usize::MAX);
    let builder = RuntimeEnvBuilder::from_runtime_env(base);
    match bytes {
        0 => builder.build_arc(),
        bytes => builder.with_memory_pool(Arc::new(FairSpillPool::new(bytes))).build_arc(),
    }
}

async fn serve_shuffle_files(work_path: &str) -> Result<SocketAddr, Error> {
    let bind = |source| Error::Bind { address: "127.0.0.1:0".to_owned(), source };
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let service = FlightServiceServer::new(BallistaFlightService::new(work_path.to_owned()))
        .max_decoding_message_size(MESSAGE_BYTES as usize)
        .max_encoding_message_size(MESSAGE_BYTES as usize);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = create_grpc_server(&GrpcServerConfig::default()).add_service(service);
    tokio::spawn(async move {
        if let Err(error) = server.serve_with_incoming(incoming).await {
            tracing::error!(%error, "shuffle files are no longer served");
        }
    });
    Ok(address)
}
