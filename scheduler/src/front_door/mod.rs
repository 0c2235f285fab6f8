//! What clients see: `fleet.v1` over gRPC, with health and reflection. It converts, checks and answers; what is asked
//! for is done by the service.
//!
//! **Invariant:** there is no authentication yet: it listens on loopback unless told otherwise by a flag that says so.

mod cluster_service;
mod convert;
mod http;
mod job_service;
mod lineage;
mod status;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fleet_proto::FILE_DESCRIPTOR_SET;
use fleet_proto::v1::cluster_service_server::{self, ClusterServiceServer};
use fleet_proto::v1::job_service_server::{self, JobServiceServer};
use tokio::net::TcpListener;
use tokio::sync::watch::Receiver;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};

use crate::Error;
use crate::service::Service;
use cluster_service::Cluster;
use job_service::Jobs;

/// A call that takes longer is refused: a proxy in between would have given up.
const CALL: Duration = Duration::from_secs(60);
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Serves until `stop` is true and what is under way has been answered.
pub async fn serve(service: Arc<Service>, listener: TcpListener, mut stop: Receiver<bool>) -> Result<(), Error> {
    let (health, health_service) = health_reporter();
    tokio::spawn(tell_health(Arc::clone(&service), health));
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let reflected = |error: tonic_reflection::server::Error| Error::Reflection(error.to_string());
    let routes = Routes::new(JobServiceServer::new(Jobs::new(Arc::clone(&service))))
        .add_service(ClusterServiceServer::new(Cluster::new(Arc::clone(&service))))
        .add_service(health_service)
        .add_service(reflection().build_v1().map_err(reflected)?)
        .add_service(reflection().build_v1alpha().map_err(reflected)?)
        .into_axum_router()
        .merge(http::routes(service));
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let stopped = async move { _ = stop.wait_for(|stop| *stop).await };
    Server::builder()
        .accept_http1(true)
        .timeout(CALL)
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .add_routes(Routes::from(routes))
        .serve_with_incoming_shutdown(incoming, stopped)
        .await
        .map_err(Error::Serve)
}

/// Binds the front door.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Bind { address, source })
}

/// The process is healthy as long as it serves; its services are while it leads.
async fn tell_health(service: Arc<Service>, health: HealthReporter) {
    let mut leading = service.leading();
    health.set_service_status("", ServingStatus::Serving).await;
    loop {
        let status = match leading.borrow_and_update().is_some() {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        };
        for name in [job_service_server::SERVICE_NAME, cluster_service_server::SERVICE_NAME] {
            health.set_service_status(name, status).await;
        }
        if leading.changed().await.is_err() {
            return;
        }
    }
}
