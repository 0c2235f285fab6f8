//! The control plane: the job service with its ledger and schedules, the front door that clients see, and the cluster
//! plane, which is Ballista's scheduler.

pub mod cluster;
pub mod front_door;
pub mod ledger;
pub mod metrics;
pub mod schedule;
pub mod service;

use std::net::SocketAddr;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen on {address}: {source}; choose another port, 0 picks a free one")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("the scheduler cannot start: {0}")]
    Start(#[source] ballista_core::error::BallistaError),
    #[error("reflection cannot be served: {0}")]
    Reflection(String),
    #[error("the scheduler stopped: {0}")]
    Serve(#[source] tonic::transport::Error),
}
