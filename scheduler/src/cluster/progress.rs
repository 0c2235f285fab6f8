//! How far the jobs of the cluster have come, stage by stage.

use std::collections::HashMap;
use std::sync::Arc;

use ballista_core::JobId;
use ballista_core::serde::protobuf::task_status::Status;
use ballista_scheduler::state::execution_stage::{ExecutionStage, TaskInfo};
use ballista_scheduler::state::task_manager::JobInfoCache;
use chrono::{DateTime, Utc};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;

/// A stage as it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageView {
    /// The id of its job.
    pub job: String,
    pub number: u32,
    /// The operators from the root down, in a line.
    pub description: String,
    pub tasks_total: u32,
    pub tasks_done: u32,
    pub tasks_running: u32,
    pub tasks_repeated: u32,
    /// Put out by the tasks that are done.
    pub rows: u64,
    pub bytes: u64,
    /// Scanned by the tasks that are done.
    pub rows_read: u64,
    pub bytes_read: u64,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// The id of each job, its name, and its stages.
pub(super) async fn stages(jobs: HashMap<JobId, JobInfoCache>) -> Vec<(String, String, Vec<StageView>)> {
    let mut found = Vec::with_capacity(jobs.len());
    for (id, job) in jobs {
        let id = id.to_string();
        let graph = job.execution_graph.read().await;
        let mut stages: Vec<StageView> =
            graph.stages().iter().map(|(number, stage)| view(&id, *number, stage)).collect();
        stages.sort_by_key(|stage| stage.number);
        found.push((id, graph.job_name().to_owned(), stages));
    }
    found
}

fn view(job: &str, number: usize, stage: &ExecutionStage) -> StageView {
    let (plan, partitions, metrics) = match stage {
        ExecutionStage::UnResolved(stage) => (&stage.plan, 0, None),
        ExecutionStage::Resolved(stage) => (&stage.plan, stage.partitions, None),
        ExecutionStage::Running(stage) => (&stage.plan, stage.partitions, stage.stage_metrics.as_deref()),
        ExecutionStage::Successful(stage) => (&stage.plan, stage.partitions, Some(stage.stage_metrics.as_slice())),
        ExecutionStage::Failed(stage) => (&stage.plan, stage.partitions, stage.stage_metrics.as_deref()),
    };
    let tasks = stage.task_infos().unwrap_or_default();
    let count = |is: fn(&Status) -> bool| tasks.iter().filter(|task| is(&task.task_status)).count();
    let done = count(|status| matches!(status, Status::Successful(_)));
    let failed = count(|status| matches!(status, Status::Failed(_)));
    let ended = matches!(stage, ExecutionStage::Successful(_));
    let total = if ended { done } else { partitions.max(tasks.len() - failed) };
    let read = metrics.map(|metrics| scanned(plan, metrics)).unwrap_or_default();
    let put_out = metrics.and_then(committed).unwrap_or_else(|| handed_on(tasks));
    StageView {
        job: job.to_owned(),
        number: narrow(number),
        description: description(plan),
        tasks_total: narrow(total),
        tasks_done: narrow(done),
        tasks_running: narrow(count(|status| matches!(status, Status::Running(_)))),
        tasks_repeated: narrow(failed),
        rows: put_out.0,
        bytes: put_out.1,
        rows_read: read.0,
        bytes_read: read.1,
        started_at: tasks.iter().filter_map(|task| instant(task.start_exec_time)).min(),
        ended_at: if ended { tasks.iter().filter_map(|task| instant(task.end_exec_time)).max() } else { None },
    }
}

fn instant(milliseconds: u128) -> Option<DateTime<Utc>> {
    let milliseconds = i64::try_from(milliseconds).ok().filter(|milliseconds| *milliseconds > 0)?;
    DateTime::from_timestamp_millis(milliseconds)
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn description(plan: &Arc<dyn ExecutionPlan>) -> String {
    let mut names = Vec::new();
    let mut next = Some(plan);
    while let Some(plan) = next {
        names.push(plan.name().trim_end_matches("Exec").to_owned());
        next = plan.children().first().copied();
    }
    names.join(" < ")
}

/// Rows and bytes of the table's files, where the stage writes them.
fn committed(metrics: &[MetricsSet]) -> Option<(u64, u64)> {
    metrics.iter().find_map(|metrics| {
        let bytes = metrics.sum_by_name("bytes_written")?.as_usize() as u64;
        Some((metrics.output_rows().unwrap_or(0) as u64, bytes))
    })
}

/// Rows and bytes of the shuffle files.
fn handed_on(tasks: &[TaskInfo]) -> (u64, u64) {
    let partitions = tasks.iter().filter_map(|task| match &task.task_status {
        Status::Successful(done) => Some(&done.partitions),
        _ => None,
    });
    partitions.flatten().fold((0, 0), |(rows, bytes), part| (rows + part.num_rows, bytes + part.num_bytes))
}

/// Rows and bytes of all operators that read files. Metrics come in the order of a walk of the plan, parents first.
fn scanned(plan: &Arc<dyn ExecutionPlan>, metrics: &[MetricsSet]) -> (u64, u64) {
    let mut operators = Vec::new();
    walk(plan, &mut operators);
    let scans = operators.iter().zip(metrics).filter(|(plan, _)| plan.name() == "DataSourceExec");
    scans.fold((0, 0), |(rows, bytes), (_, metrics)| {
        let read = metrics.sum_by_name("bytes_scanned").map_or(0, |value| value.as_usize() as u64);
        (rows + metrics.output_rows().unwrap_or(0) as u64, bytes + read)
    })
}

fn walk<'a>(plan: &'a Arc<dyn ExecutionPlan>, operators: &mut Vec<&'a Arc<dyn ExecutionPlan>>) {
    operators.push(plan);
    plan.children().into_iter().for_each(|child| walk(child, operators));
}
