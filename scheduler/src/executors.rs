//! Which executors there are, as Ballista keeps it, with one thing added: the jobs of an executor that is lost end at
//! once, and those that no executor is there for end after a while. Their drivers run them again.
//!
//! Ballista would roll the jobs back by itself. What finished tasks of a rolled-back stage had handed on stays linked,
//! which doubles rows; and the slots of its running tasks are never given back, which can leave nothing to run the job
//! on. A cancelled job has neither fault.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use ballista_core::JobId;
use ballista_core::error::Result;
use ballista_core::serde::protobuf::{ExecutorHeartbeat, task_status};
use ballista_core::serde::scheduler::{ExecutorData, ExecutorMetadata};
use ballista_scheduler::cluster::memory::InMemoryClusterState;
use ballista_scheduler::cluster::{BoundTask, ClusterState, ClusterStateEventStream, ExecutorSlot};
use ballista_scheduler::config::TaskDistributionPolicy;
use ballista_scheduler::scheduler_server::SchedulerServer;
use ballista_scheduler::state::execution_stage::TaskInfo;
use ballista_scheduler::state::task_manager::JobInfoCache;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};

/// How long a job waits for a first executor.
const EXECUTOR_WAIT: Duration = Duration::from_secs(30);
const CHECK: Duration = Duration::from_secs(2);

pub(crate) type Server = SchedulerServer<LogicalPlanNode, PhysicalPlanNode>;

#[derive(Default)]
pub(crate) struct Executors {
    inner: InMemoryClusterState,
    /// The server that this is part of, known once it was made.
    server: OnceLock<Server>,
}

impl Executors {
    /// Tells which server's jobs to end, and begins to look for jobs without executors.
    pub(crate) fn serve(self: &Arc<Self>, server: Server) {
        if self.server.set(server).is_ok() {
            tokio::spawn(Arc::clone(self).end_jobs_without_executors());
        }
    }

    async fn end_jobs_without_executors(self: Arc<Self>) {
        let mut without = Duration::ZERO;
        loop {
            tokio::time::sleep(CHECK).await;
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

    fn running(&self) -> HashMap<JobId, JobInfoCache> {
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
        self.cancel(jobs).await;
        Ok(())
    }

    async fn bind_schedulable_tasks(
        &self,
        distribution: TaskDistributionPolicy,
        active_jobs: Arc<HashMap<JobId, JobInfoCache>>,
        executors: Option<HashSet<String>>,
    ) -> Result<Vec<BoundTask>> {
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
        self.inner.registered_executor_metadata().await
    }

    async fn save_executor_heartbeat(&self, heartbeat: ExecutorHeartbeat) -> Result<()> {
        self.inner.save_executor_heartbeat(heartbeat).await
    }

    fn executor_heartbeats(&self) -> HashMap<String, ExecutorHeartbeat> {
        self.inner.executor_heartbeats()
    }

    fn get_executor_heartbeat(&self, executor_id: &str) -> Option<ExecutorHeartbeat> {
        self.inner.get_executor_heartbeat(executor_id)
    }

    async fn cluster_state_events(&self) -> Result<ClusterStateEventStream> {
        self.inner.cluster_state_events().await
    }
}
