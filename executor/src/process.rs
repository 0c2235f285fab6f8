//! The executor as a process of its own, to which the scheduler sends tasks.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::error::BallistaError;
use ballista_core::extension::SessionConfigExt;
use ballista_executor::executor_process::{ExecutorProcessConfig, satisfy_dir_ttl, start_executor_process};
use ballista_executor::executor_server::TERMINATING;
use fleet_jobs::engine::{FleetCodec, MESSAGE_BYTES, function_registry, runtime, session_config, session_state};
use fleet_jobs::storage::Stores;
use socket2::{Domain, Socket, Type};

use crate::leader::Leader;
use crate::stages::StageEngine;
use crate::{Error, task_config};

/// Well below the time after which the scheduler takes an executor for dead.
const HEARTBEAT_SECONDS: u64 = 2;
/// How long to wait for a scheduler that is not there yet.
const SCHEDULER_WAIT: Duration = Duration::from_secs(30);
const CONNECT_SECONDS: u16 = 30;
const ABANDONED_JOB_SECONDS: u64 = 6 * 3600;
const CLEAN_UP_INTERVAL: Duration = Duration::from_secs(600);

/// How to run an executor.
#[derive(Clone, Debug)]
pub struct Options {
    pub bind: IpAddr,
    /// The name or address at which others reach this executor.
    pub advertised_host: Option<String>,
    /// Port of the shuffle files (Arrow Flight); 0 picks a free one.
    pub port: u16,
    /// Port at which the scheduler gives tasks; 0 picks a free one.
    pub task_port: u16,
    /// Host and port of each scheduler's cluster plane, of which the one that leads is spoken to.
    pub schedulers: Vec<(String, u16)>,
    pub slots: usize,
    /// Bound of all tasks' memory together; a share of the machine's where it is left out.
    pub memory_bytes: Option<u64>,
    /// Folder of the shuffle files; a temporary one where it is left out.
    pub work_folder: Option<PathBuf>,
}

/// Runs until it is told to stop. `ready` is told the executor's id and its two ports.
pub async fn run(options: Options, ready: impl FnOnce(&str, u16, u16)) -> Result<(), Error> {
    let leader = Leader::find(options.schedulers, SCHEDULER_WAIT, &TERMINATING).await?;
    let (scheduler_host, scheduler_port) = leader.follow().await?;
    let (port, _held) = reserved(options.bind, options.port)?;
    let (task_port, _task_held) = reserved(options.bind, options.task_port)?;
    let executor_id = format!("executor-{}-{}", env!("CARGO_PKG_VERSION"), uuid::Uuid::now_v7());
    let temporary = match options.work_folder {
        Some(_) => None,
        None => Some(tempfile::TempDir::with_prefix("fleet-executor-").map_err(Error::WorkFolder)?),
    };
    let temporary_path = temporary.as_ref().map(|folder| folder.path().to_owned());
    let work_folder = options.work_folder.or(temporary_path).unwrap_or_default();
    std::fs::create_dir_all(&work_folder).map_err(Error::WorkFolder)?;
    let stores = Stores::new();
    let shared = runtime(Arc::clone(&stores)).map_err(Error::Start)?;
    let state = session_state(session_config(1), Arc::clone(&shared)).map_err(Error::Start)?;
    let config = ExecutorProcessConfig {
        executor_id: executor_id.clone(),
        bind_host: options.bind.to_string(),
        external_host: Some(options.advertised_host.unwrap_or_else(|| options.bind.to_string())),
        port,
        grpc_port: task_port,
        scheduler_host,
        scheduler_port,
        scheduler_connect_timeout_seconds: CONNECT_SECONDS,
        vcores: options.slots,
        task_scheduling_policy: TaskSchedulingPolicy::PushStaged,
        work_dir: Some(work_folder.to_string_lossy().into_owned()),
        executor_heartbeat_interval_seconds: HEARTBEAT_SECONDS,
        // Ballista's own cleaning ends with the removal of all there is, which other executors of the folder may still read.
        job_data_clean_up_interval_seconds: 0,
        grpc_max_decoding_message_size: MESSAGE_BYTES,
        grpc_max_encoding_message_size: MESSAGE_BYTES,
        memory_pool_size: options.memory_bytes,
        override_execution_engine: Some(Arc::new(StageEngine::new(None))),
        override_function_registry: Some(function_registry(&state)),
        override_runtime_producer: Some(Arc::new(move |_| Ok(Arc::clone(&shared)))),
        override_config_producer: Some(task_config(&executor_id)),
        override_logical_codec: Some(state.config().ballista_logical_extension_codec()),
        override_physical_codec: Some(Arc::new(FleetCodec::default())),
        ..ExecutorProcessConfig::default()
    };
    ready(&executor_id, port, task_port);
    tokio::select! {
        ended = start_executor_process(Arc::new(config)) => ended.map_err(Error::Stopped),
        () = keep_clean(&work_folder) => Ok(()),
    }
}

/// Removes, now and then, what abandoned jobs have left.
async fn keep_clean(folder: &Path) {
    let mut times = tokio::time::interval(CLEAN_UP_INTERVAL);
    loop {
        times.tick().await;
        if let Err(error) = remove_abandoned(folder, ABANDONED_JOB_SECONDS).await {
            tracing::warn!(folder = %folder.display(), %error, "shuffle files of abandoned jobs are not removed");
        }
    }
}

/// Removes the folders of jobs in which nothing has changed for so long.
async fn remove_abandoned(folder: &Path, seconds: u64) -> Result<(), BallistaError> {
    let mut jobs = tokio::fs::read_dir(folder).await?;
    while let Some(job) = jobs.next_entry().await? {
        let path = job.path();
        if job.file_type().await?.is_dir() && !satisfy_dir_ttl(job, seconds).await? {
            tokio::fs::remove_dir_all(path).await?;
        }
    }
    Ok(())
}

/// The port asked for, or a free one in the place of 0, and what keeps others from being given it: a socket that is bound and
/// does not listen. Ballista, which takes numbers, can still listen there.
fn reserved(bind: IpAddr, port: u16) -> Result<(u16, Socket), Error> {
    let address = SocketAddr::from((bind, port));
    let reserve = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        let taken = socket.local_addr()?.as_socket().map_or(port, |address| address.port());
        Ok((taken, socket))
    };
    reserve().map_err(|source| Error::Bind { address: address.to_string(), source })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Duration;

    use super::{remove_abandoned, reserved};

    #[test]
    fn a_reserved_port_is_nobody_elses_and_can_be_listened_on() {
        let bind = Ipv4Addr::LOCALHOST.into();
        let held: Vec<_> = (0..50).map(|_| reserved(bind, 0).unwrap()).collect();
        let listeners: Vec<_> = held.iter().map(|(port, _)| TcpListener::bind((bind, *port)).unwrap()).collect();
        assert_eq!(listeners.len(), 50, "no port was given twice");
        let (port, _) = held[0];
        assert!(std::net::TcpStream::connect((bind, port)).is_ok());
        let error = reserved(bind, port).unwrap_err().to_string();
        assert!(error.contains(&port.to_string()), "{error}");
    }

    #[tokio::test]
    async fn jobs_in_which_nothing_changes_are_removed_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        for job in ["abandoned", "running"] {
            let stage = folder.path().join(job).join("1");
            std::fs::create_dir_all(&stage).unwrap();
            let file = std::fs::File::create(stage.join("data.arrow")).unwrap();
            let old = file.metadata().unwrap().modified().unwrap() - Duration::from_secs(3600);
            if job == "abandoned" {
                file.set_modified(old).unwrap();
            }
            for path in [&stage, &folder.path().join(job)] {
                std::fs::File::open(path).unwrap().set_modified(old).unwrap();
            }
        }
        std::fs::write(folder.path().join("note.txt"), "not ours").unwrap();
        remove_abandoned(folder.path(), 60).await.unwrap();
        assert!(!folder.path().join("abandoned").exists());
        assert!(folder.path().join("running/1/data.arrow").exists() && folder.path().join("note.txt").exists());
    }
}
