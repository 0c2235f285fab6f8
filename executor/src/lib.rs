//! The worker: a Ballista executor with our functions, our operators and our object stores. Stateless.

mod embedded;
mod leader;
mod process;
mod stages;

use std::sync::Arc;

use ballista_core::config::{
    BALLISTA_CLIENT_GRPC_HTTP2_KEEPALIVE_INTERVAL_SECONDS, BALLISTA_CLIENT_GRPC_TIMEOUT_SECONDS,
};
use fleet_jobs::engine::{ExecutorId, session_config};

pub use embedded::{Embedded, start_embedded};
pub use process::{Options, run};

/// How long a heartbeat waits for a scheduler that leads. After the fifth in vain the executor ends.
const LEADERLESS_SECONDS: usize = 24 * 3600;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen on {address}: {source}; choose another port, 0 picks a free one")]
    Bind { address: String, source: std::io::Error },
    #[error("scheduler {url}: {problem}; is `fleet scheduler` running there?")]
    Scheduler { url: String, problem: String },
    #[error("the executor cannot keep its files: {0}")]
    WorkFolder(#[source] std::io::Error),
    #[error("the executor cannot start: {0}")]
    Start(#[source] datafusion::error::DataFusionError),
    #[error("the executor stopped: {0}")]
    Stopped(#[source] ballista_core::error::BallistaError),
}

/// The session of a task: the shared settings, and the executor's name for the operators that ask for it.
fn task_config(executor_id: &str) -> ballista_core::ConfigProducer {
    let id = Arc::new(ExecutorId(executor_id.to_owned()));
    Arc::new(move || {
        // Of calls to the scheduler, which may have no leader for long; a connection that is dead is found out below.
        session_config(1)
            .with_extension(Arc::clone(&id))
            .set_usize(BALLISTA_CLIENT_GRPC_TIMEOUT_SECONDS, LEADERLESS_SECONDS)
            .set_usize(BALLISTA_CLIENT_GRPC_HTTP2_KEEPALIVE_INTERVAL_SECONDS, LEADERLESS_SECONDS)
    })
}
