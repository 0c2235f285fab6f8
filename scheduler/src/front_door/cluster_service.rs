//! `fleet.v1.ClusterService`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fleet_proto::v1;
use fleet_proto::v1::cluster_service_server::ClusterService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::convert::{duration, timestamp};
use super::job_service::{caller, invalid};
use crate::cluster::{EXECUTOR_TIMEOUT_SECONDS, ExecutorView};
use crate::service::{Error, Service};

const GRACE: Duration = Duration::from_secs(600);
const GRACE_MAX: Duration = Duration::from_secs(24 * 3_600);

pub(super) struct Cluster {
    service: Arc<Service>,
}

impl Cluster {
    pub fn new(service: Arc<Service>) -> Self {
        Self { service }
    }
}

#[tonic::async_trait]
impl ClusterService for Cluster {
    async fn list_executors(
        &self,
        _: Request<v1::ListExecutorsRequest>,
    ) -> Result<Response<v1::ListExecutorsResponse>, Status> {
        let term = self.service.term()?;
        let now = Utc::now();
        let executors = term.plane.executors().await.iter().map(|view| executor(view, now)).collect();
        Ok(Response::new(v1::ListExecutorsResponse { executors }))
    }

    async fn get_cluster_info(
        &self,
        _: Request<v1::GetClusterInfoRequest>,
    ) -> Result<Response<v1::GetClusterInfoResponse>, Status> {
        let service = &self.service;
        let state = service.ledger.queue_state().await.map_err(Error::from)?;
        let term = service.term().ok();
        let now = Utc::now();
        let executors = match &term {
            Some(term) => term.plane.executors().await.iter().map(|view| executor(view, now)).collect(),
            None => Vec::<v1::Executor>::new(),
        };
        let active: Vec<&v1::Executor> =
            executors.iter().filter(|executor| executor.state() == v1::ExecutorState::Active).collect();
        let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let queue = term.as_ref().map(|_| v1::Queue {
            queued: narrow(state.queued),
            queued_max: narrow(service.settings.queue_max),
            held: narrow(state.held),
            running: narrow(state.running),
            running_max: narrow(service.settings.runs_max as u64),
            queued_by_submitter: state
                .queued_by_submitter
                .iter()
                .map(|(who, count)| (who.clone(), narrow(*count)))
                .collect(),
        });
        let leader = service.lease().and_then(|lease| {
            let (instance, address) = lease.holder.split_once('@')?;
            Some(v1::Leader {
                instance_id: instance.to_owned(),
                address: address.to_owned(),
                epoch: lease.token,
                since: term.as_ref().map(|term| timestamp(term.since)),
                lease_ends_at: Some(timestamp(lease.expires_at)),
            })
        });
        Ok(Response::new(v1::GetClusterInfoResponse {
            scheduler: Some(v1::Scheduler {
                instance_id: service.settings.instance.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                components: components(),
                catalog_digest: service.setup.catalog.digest(),
                started_at: Some(timestamp(service.started_at)),
                uptime: Some(duration(service.started.elapsed())),
                clock_at: Some(timestamp(Utc::now())),
            }),
            leader,
            queue,
            ledger: if service.ledger.is_shared() { v1::LedgerKind::Postgresql } else { v1::LedgerKind::Sqlite }.into(),
            warehouse: service.setup.warehouse.root().to_string(),
            executors: narrow(active.len() as u64),
            slots: active.iter().map(|executor| executor.slots).sum(),
            slots_used: active.iter().map(|executor| executor.slots_used).sum(),
        }))
    }

    async fn drain_executor(
        &self,
        request: Request<v1::DrainExecutorRequest>,
    ) -> Result<Response<v1::DrainExecutorResponse>, Status> {
        let by = caller(&request)?;
        let request = request.into_inner();
        let term = self.service.term()?;
        let grace = match request.grace_period {
            None => GRACE,
            Some(grace) => match Duration::try_from(grace) {
                Ok(grace) if grace <= GRACE_MAX => grace,
                _ => return Err(invalid("grace_period", "expected 0 to 24 hours")),
            },
        };
        let id = request.executor_id;
        if !term.plane.drain(&id, grace).await {
            let what = format!("executor `{id}`: the leader knows none of this id; their list tells which it knows");
            return Err(Error::NotFound { what }.into());
        }
        tracing::info!(executor = id, by, reason = request.reason, ?grace, "executor drains");
        let executors = term.plane.executors().await;
        let executor = executors.iter().find(|view| view.id == id).map(|view| executor(view, Utc::now()));
        Ok(Response::new(v1::DrainExecutorResponse { executor }))
    }
}

fn components() -> BTreeMap<String, String> {
    let versions = [("ballista", ballista_core::BALLISTA_VERSION), ("datafusion", datafusion::DATAFUSION_VERSION)];
    versions.map(|(name, version)| (name.to_owned(), version.to_owned())).into()
}

fn executor(view: &ExecutorView, now: DateTime<Utc>) -> v1::Executor {
    let last_heartbeat = DateTime::from_timestamp(i64::try_from(view.last_heartbeat).unwrap_or(0), 0);
    let timeout = i64::try_from(EXECUTOR_TIMEOUT_SECONDS).unwrap_or(i64::MAX);
    let lost = last_heartbeat.is_some_and(|heartbeat| (now - heartbeat).num_seconds() > timeout);
    let state = match (lost, view.drained_by) {
        (true, _) => v1::ExecutorState::Lost,
        (false, Some(_)) => v1::ExecutorState::Draining,
        (false, None) => v1::ExecutorState::Active,
    };
    let (version, started_at) = identity(&view.id);
    v1::Executor {
        id: view.id.clone(),
        host: view.host.clone(),
        flight_port: view.flight_port.into(),
        task_port: view.task_port.into(),
        slots: view.slots,
        slots_used: view.slots_used,
        version,
        memory_bytes_max: 0,
        memory_bytes: view.memory_bytes,
        started_at: started_at.map(timestamp),
        last_heartbeat_at: last_heartbeat.map(timestamp),
        state: state.into(),
        drain_deadline_at: view.drained_by.map(timestamp),
    }
}

/// The version and the start of an executor, from its id: `executor-VERSION-UUID`, whose UUID has its time.
fn identity(id: &str) -> (String, Option<DateTime<Utc>>) {
    let parts = id.strip_prefix("executor-").and_then(|rest| rest.split_once('-'));
    let Some((version, uuid)) = parts else { return (String::new(), None) };
    let time = Uuid::parse_str(uuid).ok().and_then(|uuid| uuid.get_timestamp()).map(|time| time.to_unix());
    let started_at = time.and_then(|(seconds, nanos)| DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos));
    (version.to_owned(), started_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executors_id_tells_its_version_and_start() {
        let (version, started_at) = identity("executor-0.1.0-0198c2b4-7a00-7000-8000-000000000000");
        assert_eq!(version, "0.1.0");
        assert_eq!(started_at.unwrap().timestamp_millis(), 0x0198_c2b4_7a00);
        assert_eq!(identity("embedded-1"), (String::new(), None));
    }
}
