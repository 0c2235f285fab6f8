//! Where plans run: on Ballista, or in this process for comparison.
//!
//! The driver plans, because only it knows the snapshots to read; the physical plan is submitted, and what is
//! submitted is what runs. The functions, the codec and the object stores are the same in every process.

mod client;
mod codec;
mod first_rows;
mod gathering;
mod joins;
mod partitionwise;
mod semi_joins;
mod session;
mod shipping;
mod small_files;
pub mod task;
mod whole;
pub mod write;

use std::sync::Arc;

use ballista_core::config::BALLISTA_SHUFFLE_SORT_BASED_BATCH_SIZE;
use datafusion::arrow::array::RecordBatch;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

pub use client::{ClusterClient, Stage};
pub use codec::FleetCodec;
use partitionwise::is_partitionwise;
pub use session::{MESSAGE_BYTES, function_registry, runtime, session_config, session_state};
#[cfg(test)]
pub(crate) use shipping::shippable;
pub use small_files::SmallFiles;

use crate::{Error, Result};

/// Names the executor to operators that run on it; set by the executor in its session configuration.
#[derive(Debug)]
pub struct ExecutorId(pub String);

/// What an executor says of a stage that it is asked to run a second time, its input having been lost: the job as a
/// whole must be run again.
pub const RUN_AGAIN: &str = "an executor was lost; the job is run again";

/// The metric in which the root of a stage tells what its shuffle files take.
pub const SHUFFLED_BYTES: &str = "shuffled_bytes";

/// What a batch is to take in Parquet at most; in memory it takes two to four times as much.
const BATCH_STORED_BYTES: u64 = 512 << 10;
const BATCH_ROWS_MIN: usize = 64;
/// What a task is to read of files at most. A stage hands on to each task of the next what it has for it in one piece, and
/// that piece is held whole, outside the bound on memory.
const TASK_STORED_BYTES: u64 = 16 << 20;
/// What a plan is to read of files at most to be one task of an executor that has all cores. Where its memory does not
/// suffice, the plan is cut.
const PROCESS_STORED_BYTES: u64 = 1 << 30;
/// What a plan is to read of files at most to be one task of an executor with one slot, and a query of the driver's own to run in
/// its process: stages cost more than such a plan.
const SLOT_STORED_BYTES: u64 = 1 << 20;
/// However much there is to read: each task of a stage fetches from each of the stage before.
const PARTITIONS_MAX: u64 = 256;
/// Into how many each task is cut that did not find enough memory.
const SMALLER: usize = 4;

/// Runs physical plans.
#[derive(Clone)]
pub struct Engine {
    state: SessionState,
    cluster: Option<ClusterClient>,
    label: String,
    /// Plans that read no more than so many bytes of files are one task.
    whole_bytes: u64,
    /// What a task is to read of files at most, where a plan is cut.
    task_bytes: u64,
}

/// What a plan gave: its rows, and the stages that were executed (none where it ran in this process).
pub struct Outcome {
    pub batches: Vec<RecordBatch>,
    pub stages: Vec<Stage>,
}

impl Engine {
    /// An engine that plans with `state` and runs on the cluster.
    pub fn on_cluster(state: SessionState, cluster: ClusterClient) -> Self {
        let whole_bytes = SLOT_STORED_BYTES;
        Self { state, cluster: Some(cluster), label: String::new(), whole_bytes, task_bytes: TASK_STORED_BYTES }
    }

    /// Plain single-process DataFusion with the same functions: the second opinion of `--verify`.
    pub fn in_process(state: SessionState) -> Self {
        Self { state, cluster: None, label: String::new(), whole_bytes: 0, task_bytes: TASK_STORED_BYTES }
    }

    /// The engine whose jobs on the cluster are named `label/what`, so that a run's can be told from others.
    pub fn labelled(&self, label: &str) -> Self {
        Self { label: label.to_owned(), ..self.clone() }
    }

    /// The engine for a cluster of one executor whose tasks have all cores: it cuts only plans over much data.
    pub fn within_a_process(&self) -> Self {
        Self { whole_bytes: PROCESS_STORED_BYTES, ..self.clone() }
    }

    /// The engine that cuts plans into so many parts.
    pub fn with_partitions(&self, partitions: usize) -> Self {
        let mut engine = self.clone();
        let config = engine.state.config_mut();
        *config = config.clone().with_target_partitions(partitions.max(1));
        engine
    }

    /// The engine that cuts every plan, and into more parts, so that each takes less memory.
    pub(crate) fn with_smaller_tasks(&self) -> Self {
        let task_bytes = (self.task_bytes / SMALLER as u64).max(1);
        Self { whole_bytes: 0, task_bytes, ..self.with_partitions(self.partitions() * SMALLER) }
    }

    /// The physical plan of a query, cut into parts that a task can hold. One that is computed a partition at a time holds the same
    /// however much it reads, and is cut into no more parts than need no exchange.
    pub(crate) async fn plan(
        &self,
        context: &SessionContext,
        what: &str,
        query: &LogicalPlan,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut state = context.state();
        let plan = state.create_physical_plan(query).await.map_err(Error::engine(what))?;
        let by_partition = is_partitionwise(&plan);
        let mut parts = self.parts(&plan);
        while parts > self.partitions() {
            let config = state.config_mut();
            *config = config.clone().with_target_partitions(parts);
            let cut = state.create_physical_plan(query).await.map_err(Error::engine(what))?;
            if !by_partition || is_partitionwise(&cut) {
                return Ok(cut);
            }
            parts /= 2;
        }
        Ok(plan)
    }

    /// Into how many parts a plan is cut, by what its files take.
    pub(crate) fn parts(&self, plan: &Arc<dyn ExecutionPlan>) -> usize {
        let parts = usize::try_from(self.parts_wanted(plan).min(PARTITIONS_MAX)).unwrap_or(1);
        self.partitions().max(parts)
    }

    /// Whether a plan reads more than fits into the tasks of as many parts as plans are cut into at most.
    pub(crate) fn is_too_large(&self, plan: &Arc<dyn ExecutionPlan>) -> bool {
        self.parts_wanted(plan) > PARTITIONS_MAX
    }

    fn parts_wanted(&self, plan: &Arc<dyn ExecutionPlan>) -> u64 {
        match whole::read_bytes(plan) <= self.whole_bytes {
            true => 1,
            false => whole::file_bytes(plan).div_ceil(self.task_bytes),
        }
    }

    pub fn state(&self) -> &SessionState {
        &self.state
    }

    /// Into how many parts plans are cut.
    pub fn partitions(&self) -> usize {
        self.state.config().target_partitions()
    }

    /// The engine for rows of so many bytes in Parquet. Operators hold whole batches, and a sort two of them: batches of
    /// wide rows have fewer of them.
    pub fn for_rows_of(&self, stored_bytes: u64) -> Self {
        let rows = usize::try_from(BATCH_STORED_BYTES / stored_bytes.max(1)).unwrap_or(usize::MAX);
        let mut engine = self.clone();
        let config = engine.state.config_mut();
        let rows = rows.clamp(BATCH_ROWS_MIN, config.batch_size());
        *config = config.clone().with_batch_size(rows).set_usize(BALLISTA_SHUFFLE_SORT_BASED_BATCH_SIZE, rows);
        engine
    }

    /// Runs a plan to its end. `what` names it in errors.
    pub async fn collect(&self, what: &str, plan: Arc<dyn ExecutionPlan>) -> Result<Outcome> {
        match &self.cluster {
            Some(cluster) => {
                let plan = whole::whole_up_to(self.whole_bytes, plan).map_err(Error::engine(what))?;
                cluster.collect(&format!("{}/{what}", self.label), what, plan, &self.state).await
            }
            None => self.collect_here(what, plan).await,
        }
    }

    /// Runs a query that the driver asks for itself: in this process where it reads little.
    pub(crate) async fn ask(&self, what: &str, plan: Arc<dyn ExecutionPlan>) -> Result<Outcome> {
        match whole::read_bytes(&plan) <= SLOT_STORED_BYTES {
            true => self.collect_here(what, plan).await,
            false => self.collect(what, plan).await,
        }
    }

    async fn collect_here(&self, what: &str, plan: Arc<dyn ExecutionPlan>) -> Result<Outcome> {
        let stream = execute_stream(plan, self.state.task_ctx()).map_err(Error::engine(what))?;
        let batches = stream.try_collect().await.map_err(Error::engine(what))?;
        Ok(Outcome { batches, stages: Vec::new() })
    }
}
