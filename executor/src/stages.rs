//! Ballista's execution engine with four things added.
//!
//! A task wakes the poll loop when it ends: left alone, the loop would find out at its next idle tick, up to a second
//! later. And what would make Ballista run a stage again ends the job instead, so that its driver runs it anew: a stage
//! that is attempted again, and input that cannot be fetched. Ballista rolls a running stage back but leaves what its
//! finished tasks had already handed on, and the next stage reads those rows twice. A task tells how many bytes of
//! shuffle files it wrote, which Ballista keeps to itself. And its plan is prepared: see `fleet_jobs::engine::task`.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ballista_core::JobId;
use ballista_core::error::BallistaError;
use ballista_core::serde::protobuf::{RuntimeStatsReport, ShuffleWritePartition, TaskColumnStats, WindowStateReport};
use ballista_executor::execution_engine::{DefaultExecutionEngine, ExecutionEngine, QueryStageExecutor};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::{Count, Metric, MetricValue, MetricsSet};
use datafusion::prelude::SessionConfig;
use fleet_jobs::engine::{RUN_AGAIN, SHUFFLED_BYTES, SmallFiles, task};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Ballista's own engine, whose stages run once, and whose tasks wake whoever waits as the last thing they do.
pub struct StageEngine {
    inner: DefaultExecutionEngine,
    small_files: Arc<SmallFiles>,
    wake: Option<Arc<Notify>>,
}

impl StageEngine {
    /// The engine whose tasks wake this one, if any.
    pub fn new(wake: Option<Arc<Notify>>) -> Self {
        Self { inner: DefaultExecutionEngine::new(), small_files: SmallFiles::new(), wake }
    }
}

impl ExecutionEngine for StageEngine {
    fn create_query_stage_exec(
        &self,
        job_id: JobId,
        stage_id: usize,
        task_id: usize,
        global_output_partition_ids: Vec<usize>,
        plan: Arc<dyn ExecutionPlan>,
        work_dir: &str,
        config: &SessionConfig,
    ) -> Result<Arc<dyn QueryStageExecutor>> {
        let cancelled = CancellationToken::new();
        let plan = task::prepared(plan, config, &self.small_files, &cancelled)?;
        let inner = self.inner.create_query_stage_exec(
            job_id,
            stage_id,
            task_id,
            global_output_partition_ids,
            plan,
            work_dir,
            config,
        )?;
        Ok(Arc::new(Stage { inner, cancelled, shuffled: Count::new(), wake: Wake(self.wake.clone()) }))
    }
}

/// The poll loop holds a stage until the task's status is sent and its slot is free: its drop is the moment to wake.
#[derive(Debug)]
struct Stage {
    inner: Arc<dyn QueryStageExecutor>,
    cancelled: CancellationToken,
    /// Bytes of the shuffle files that the task wrote.
    shuffled: Count,
    #[expect(dead_code, reason = "held for its drop")]
    wake: Wake,
}

#[derive(Debug)]
struct Wake(Option<Arc<Notify>>);

impl Drop for Wake {
    fn drop(&mut self) {
        if let Some(wake) = &self.0 {
            wake.notify_one();
        }
    }
}

#[async_trait]
impl QueryStageExecutor for Stage {
    async fn execute_query_stage(
        &self,
        task_id: usize,
        context: Arc<TaskContext>,
    ) -> Result<Vec<ShuffleWritePartition>> {
        if context.task_id().is_some_and(|task| stage_attempt(&task) > 0) {
            return Err(DataFusionError::Execution(RUN_AGAIN.to_owned()));
        }
        // Ballista drops this future of a task that is cancelled, and leaves what it has spawned to run on.
        let _ended = self.cancelled.clone().drop_guard();
        let written = self.inner.execute_query_stage(task_id, task::context(&context)).await;
        let written = written.map_err(|error| match error.find_root() {
            DataFusionError::External(cause) if is_lost_input(cause.as_ref()) => {
                tracing::warn!(%error, "input of a task is lost");
                DataFusionError::Execution(RUN_AGAIN.to_owned())
            }
            _ => error,
        })?;
        self.shuffled.add(written.iter().map(|part| usize::try_from(part.num_bytes).unwrap_or(0)).sum());
        Ok(written)
    }

    /// The stage's root writes the shuffle files.
    fn collect_plan_metrics(&self) -> Vec<MetricsSet> {
        let mut metrics = self.inner.collect_plan_metrics();
        if let Some(root) = metrics.first_mut() {
            let value = MetricValue::Count { name: SHUFFLED_BYTES.into(), count: self.shuffled.clone() };
            root.push(Arc::new(Metric::new(value, Some(0))));
        }
        metrics
    }

    fn collect_runtime_stats_reports(&self) -> Vec<RuntimeStatsReport> {
        self.inner.collect_runtime_stats_reports()
    }

    fn collect_window_state_reports(&self) -> Result<Vec<WindowStateReport>> {
        self.inner.collect_window_state_reports()
    }

    fn collect_column_stats(&self) -> Vec<TaskColumnStats> {
        self.inner.collect_column_stats()
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner, f)
    }
}

fn is_lost_input(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(BallistaError::FetchFailed(..) | BallistaError::GrpcConnectionError(_)))
}

/// The stage's attempt, from what Ballista calls a task: `TID job/stage.attempt/task.attempt`.
fn stage_attempt(task: &str) -> usize {
    let stage = task.split('/').nth(1).and_then(|stage| stage.split_once('.'));
    stage.and_then(|(_, attempt)| attempt.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use ballista_core::error::BallistaError;

    use super::{is_lost_input, stage_attempt};

    #[test]
    fn the_attempt_of_a_stage_is_read_from_its_task() {
        assert_eq!(stage_attempt("TID 038GAX35J8000/4.0/2.1"), 0);
        assert_eq!(stage_attempt("TID 038GAX35J8000/12.3/0.0"), 3);
        assert_eq!(stage_attempt("something else"), 0);
    }

    #[test]
    fn only_failing_to_fetch_is_lost_input() {
        assert!(is_lost_input(&BallistaError::FetchFailed("executor".to_owned(), 1, 2, "refused".to_owned())));
        assert!(!is_lost_input(&BallistaError::Internal("bug".to_owned())));
    }
}
