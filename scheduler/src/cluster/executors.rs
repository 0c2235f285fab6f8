//! Which executors there are, as Ballista keeps it, with one thing added: the jobs of an executor that is lost end at
//! once, and those that no executor is there for end after a while. Their drivers run them again.
//!
//! Ballista would roll the jobs back by itself. What finished tasks of a rolled-back stage had handed on stays linked,
//! which doubles rows; and the slots of its running tasks are never given back, which can leave nothing to run the job
//! on. A cancelled job has neither fault.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ballista_core::JobId;
use ballista_core::error::Result;
use ballista_core::serde::protobuf::executor_metric::Metric;
use ballista_core::serde::protobuf::{ExecutorHeartbeat, task_status};
use ballista_core::serde::scheduler::{ExecutorData, ExecutorMetadata};
use ballista_scheduler::cluster::memory::InMemoryClusterState;
use ballista_scheduler::cluster::{BoundTask, ClusterState, ClusterStateEventStream, ExecutorSlot};
use ballista_scheduler::config::TaskDistributionPolicy;
use ballista_scheduler::scheduler_server::SchedulerServer;
use ballista_scheduler::state::execution_stage::TaskInfo;
use ballista_scheduler::state::task_manager::JobInfoCache;
use chrono::{DateTime, TimeDelta, Utc};
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};

use super::Leads;

/// How long a job waits for a first executor.
const EXECUTOR_WAIT: Duration = Duration::from_secs(30);
const CHECK: Duration = Duration::from_secs(2);

pub(super) type Server = SchedulerServer<LogicalPlanNode, PhysicalPlanNode>;

/// An executor as the scheduler knows it.
#[derive(Clone, Debug)]
pub struct ExecutorView {
    pub id: String,
    pub host: String,
    pub flight_port: u16,
    pub task_port: u16,
    pub slots: u32,
    pub slots_used: u32,
    /// Resident memory of the process, bytes; 0 while it is not known.
    pub memory_bytes: u64,
    /// Seconds since 1970 by the scheduler's clock.
    pub last_heartbeat: u64,
    /// When what still runs on it is begun again elsewhere, where it is to stop.
    pub drained_by: Option<DateTime<Utc>>,
}

pub(super) struct Executors {
    inner: InMemoryClusterState,
    /// Those that get no more tasks, and until when they may go on with those that they have.
    draining: Mutex<HashMap<String, DateTime<Utc>>>,
    /// Whether the plane has stopped: its executors are another scheduler's by now. Ballista's own tasks outlive it, and
    /// would stop each executor that they no longer hear of. So would a process that was asleep.
    retired: AtomicBool,
    leads: Leads,
    /// The server that this is part of, known once it was made.
    server: OnceLock<Server>,
}

impl Executors {
    pub(super) fn new(leads: Leads) -> Self {
        Self {
            inner: InMemoryClusterState::default(),
            draining: Mutex::default(),
            retired: AtomicBool::new(false),
            leads,
            server: OnceLock::new(),
        }
    }

    /// Tells which server's jobs to end, and begins to look for jobs without executors.
    pub(super) fn serve(self: &Arc<Self>, server: Server) {
        if self.server.set(server).is_ok() {
            tokio::spawn(Arc::clone(self).look_after_jobs());
        }
    }

    /// Forgets all executors for good.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire) || !(self.leads)()
    }

    async fn look_after_jobs(self: Arc<Self>) {
        let mut without = Duration::ZERO;
        while !self.retired.load(Ordering::Acquire) {
            tokio::time::sleep(CHECK).await;
            if self.is_retired() {
                continue;
            }
            self.stop_drained().await;
            let jobs = self.running();
            if jobs.is_empty() || !self.inner.registered_executor_metadata().await.is_empty() {
                without = Duration::ZERO;
                continue;
            }
            without += CHECK;
            if without >= EXECUTOR_WAIT {
                tracing::warn!(jobs = jobs.len(), "no executor is registered, the jobs waiting for one are given up");
                self.cancel(jobs.into_keys()).await;
                without = Duration::ZERO;
            }
        }
    }

    pub(super) async fn drain(&self, executor_id: &str, grace: Duration) -> bool {
        if self.inner.get_executor_metadata(executor_id).await.is_err() {
            return false;
        }
        let until = TimeDelta::from_std(grace).ok().and_then(|grace| Utc::now().checked_add_signed(grace));
        self.draining().insert(executor_id.to_owned(), until.unwrap_or(DateTime::<Utc>::MAX_UTC));
        true
    }

    async fn stop_drained(&self) {
        let draining = self.draining().clone();
        for (id, until) in draining {
            let done = Utc::now() >= until || self.jobs_on(&id).await.is_empty();
            if let (true, Some(server)) = (done, self.server.get()) {
                tracing::info!(executor_id = id, "executor drained, it is told to stop");
                server.state.executor_manager.stop_executor(&id, "drained".to_owned()).await;
                if let Err(error) = self.remove_executor(&id).await {
                    tracing::warn!(executor_id = id, %error, "drained executor not forgotten");
                }
            }
        }
    }

    fn draining(&self) -> MutexGuard<'_, HashMap<String, DateTime<Utc>>> {
        self.draining.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn views(&self) -> Vec<ExecutorView> {
        let used = self.slots_used().await;
        let (heartbeats, draining) = (self.inner.executor_heartbeats(), self.draining().clone());
        let registered = self.inner.registered_executor_metadata().await;
        let mut views: Vec<ExecutorView> = registered
            .into_iter()
            .map(|executor| {
                let heartbeat = heartbeats.get(&executor.id);
                ExecutorView {
                    slots: executor.specification.vcores,
                    slots_used: used.get(&executor.id).copied().unwrap_or(0),
                    memory_bytes: heartbeat.and_then(resident).unwrap_or(0),
                    last_heartbeat: heartbeat.map_or(0, |heartbeat| heartbeat.timestamp),
                    drained_by: draining.get(&executor.id).copied(),
                    id: executor.id,
                    host: executor.host,
                    flight_port: executor.port,
                    task_port: executor.grpc_port,
                }
            })
            .collect();
        views.sort_by(|one, other| (&one.host, &one.id).cmp(&(&other.host, &other.id)));
        views
    }

    async fn slots_used(&self) -> HashMap<String, u32> {
        let mut used = HashMap::new();
        for job in self.running().into_values() {
            let graph = job.execution_graph.read().await;
            for task in graph.stages().values().flat_map(|stage| stage.task_infos().unwrap_or_default()) {
                if let task_status::Status::Running(running) = &task.task_status {
                    *used.entry(running.executor_id.clone()).or_default() += task.vcores_consumed;
                }
            }
        }
        used
    }

    pub(super) fn running(&self) -> HashMap<JobId, JobInfoCache> {
        let running = self.server.get().map(|server| server.state.task_manager.get_running_job_cache());
        running.map(Arc::unwrap_or_clone).unwrap_or_default()
    }

    /// The running jobs that have a task on an executor, or what a task left there.
    async fn jobs_on(&self, executor_id: &str) -> Vec<JobId> {
        let mut jobs = Vec::new();
        for (id, job) in self.running() {
            let graph = job.execution_graph.read().await;
            let mut tasks = graph.stages().values().flat_map(|stage| stage.task_infos().unwrap_or_default());
            if tasks.any(|task| ran_on(task) == Some(executor_id)) {
                jobs.push(id);
            }
        }
        jobs
    }

    async fn cancel(&self, jobs: impl IntoIterator<Item = JobId>) {
        let Some(server) = self.server.get() else { return };
        for job in jobs {
            if let Err(error) = server.cancel_job(job.clone()).await {
                tracing::error!(%job, %error, "job not cancelled");
            }
        }
    }
}

fn resident(heartbeat: &ExecutorHeartbeat) -> Option<u64> {
    heartbeat.metrics.iter().find_map(|metric| match metric.metric {
        Some(Metric::ProcPhysicalMemory(bytes)) => Some(bytes),
        _ => None,
    })
}

fn ran_on(task: &TaskInfo) -> Option<&str> {
    match &task.task_status {
        task_status::Status::Running(running) => Some(&running.executor_id),
        task_status::Status::Successful(done) => Some(&done.executor_id),
        task_status::Status::Failed(_) => None,
    }
}

#[async_trait]
impl ClusterState for Executors {
    /// Jobs are cancelled before Ballista, told of the loss after this, rolls them back.
    async fn remove_executor(&self, executor_id: &str) -> Result<()> {
        let jobs = self.jobs_on(executor_id).await;
        tracing::warn!(executor_id, jobs = jobs.len(), "executor lost, its jobs are run again");
        self.inner.remove_executor(executor_id).await?;
        self.draining().remove(executor_id);
        self.cancel(jobs).await;
        Ok(())
    }

    async fn bind_schedulable_tasks(
        &self,
        distribution: TaskDistributionPolicy,
        active_jobs: Arc<HashMap<JobId, JobInfoCache>>,
        executors: Option<HashSet<String>>,
    ) -> Result<Vec<BoundTask>> {
        let draining: HashSet<String> = self.draining().keys().cloned().collect();
        let executors = match executors {
            executors if draining.is_empty() => executors,
            Some(alive) => Some(alive.difference(&draining).cloned().collect()),
            None => {
                let registered =
                    self.inner.registered_executor_metadata().await.into_iter().map(|executor| executor.id);
                Some(registered.filter(|id| !draining.contains(id)).collect())
            }
        };
        self.inner.bind_schedulable_tasks(distribution, active_jobs, executors).await
    }

    async fn unbind_tasks(&self, executor_slots: Vec<ExecutorSlot>) -> Result<()> {
        self.inner.unbind_tasks(executor_slots).await
    }

    async fn register_executor(&self, metadata: ExecutorMetadata, spec: ExecutorData) -> Result<()> {
        self.inner.register_executor(metadata, spec).await
    }

    async fn save_executor_metadata(&self, metadata: ExecutorMetadata) -> Result<()> {
        self.inner.save_executor_metadata(metadata).await
    }

    async fn get_executor_metadata(&self, executor_id: &str) -> Result<ExecutorMetadata> {
        self.inner.get_executor_metadata(executor_id).await
    }

    async fn registered_executor_metadata(&self) -> Vec<ExecutorMetadata> {
        if self.is_retired() {
            return Vec::new();
        }
        self.inner.registered_executor_metadata().await
    }

    async fn save_executor_heartbeat(&self, heartbeat: ExecutorHeartbeat) -> Result<()> {
        self.inner.save_executor_heartbeat(heartbeat).await
    }

    fn executor_heartbeats(&self) -> HashMap<String, ExecutorHeartbeat> {
        if self.is_retired() {
            return HashMap::new();
        }
        self.inner.executor_heartbeats()
    }

    fn get_executor_heartbeat(&self, executor_id: &str) -> Option<ExecutorHeartbeat> {
        self.inner.get_executor_heartbeat(executor_id)
    }

    async fn cluster_state_events(&self) -> Result<ClusterStateEventStream> {
        self.inner.cluster_state_events().await
    }
}
