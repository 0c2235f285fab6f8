//! A small plan as one task: its exchanges go through memory, where stages of a cluster hand rows on in files and each
//! costs a round of scheduling.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::metrics::{Count, Metric, MetricValue, MetricsSet};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, SendableRecordBatchStream,
};

use super::shipping::shippable;

/// Runs a plan within one task. It shows no children, so that nobody cuts it into stages.
#[derive(Debug)]
pub struct WholeExec {
    plan: Arc<dyn ExecutionPlan>,
}

impl WholeExec {
    pub fn new(plan: Arc<dyn ExecutionPlan>) -> Self {
        let one = plan.output_partitioning().partition_count() == 1;
        Self { plan: if one { plan } else { Arc::new(CoalescePartitionsExec::new(plan)) } }
    }

    pub fn plan(&self) -> &Arc<dyn ExecutionPlan> {
        &self.plan
    }
}

impl DisplayAs for WholeExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WholeExec: {}", self.plan.name())
    }
}

impl ExecutionPlan for WholeExec {
    fn name(&self) -> &'static str {
        "WholeExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plan.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.plan.execute(partition, context)
    }

    /// What its scans read, all together.
    fn metrics(&self) -> Option<MetricsSet> {
        let (mut rows, mut bytes) = (0, 0);
        let visited = self.plan.apply(|node| {
            if let Some(metrics) = node.metrics().filter(|_| node.is::<DataSourceExec>()) {
                rows += metrics.output_rows().unwrap_or(0);
                bytes += metrics.sum_by_name("bytes_scanned").map_or(0, |value| value.as_usize());
            }
            Ok(TreeNodeRecursion::Continue)
        });
        visited.ok()?;
        let count = |value| {
            let count = Count::new();
            count.add(value);
            count
        };
        let mut metrics = MetricsSet::new();
        metrics.push(Arc::new(Metric::new(MetricValue::OutputRows(count(rows)), Some(0))));
        let scanned = MetricValue::Count { name: "bytes_scanned".into(), count: count(bytes) };
        metrics.push(Arc::new(Metric::new(scanned, Some(0))));
        Some(metrics)
    }
}

/// The plan as one task, if it reads no more than so many bytes; else the plan.
pub(super) fn whole_up_to(bytes: u64, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    if bytes == 0 || read_bytes(&plan) > bytes {
        return Ok(plan);
    }
    Ok(Arc::new(WholeExec::new(shippable(plan)?)))
}

/// What the columns take, roughly, that a plan reads of files: as if all columns were equally wide.
pub(super) fn read_bytes(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    let mut bytes = 0;
    each_scan(plan, &mut |node, scan| {
        let all = (scan.file_source.table_schema().table_schema().fields().len() as u64).max(1);
        let read = (node.schema().fields().len() as u64).clamp(1, all);
        bytes += files_of(scan).map(PartitionedFile::effective_size).sum::<u64>() / all * read;
    });
    bytes
}

/// What the files that a plan reads take, each once and with all its columns.
pub(super) fn file_bytes(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    let mut files = HashMap::new();
    each_scan(plan, &mut |_, scan| {
        files.extend(files_of(scan).map(|file| (&file.object_meta.location, file.object_meta.size)));
    });
    files.values().sum()
}

fn each_scan<'a>(plan: &'a Arc<dyn ExecutionPlan>, of: &mut dyn FnMut(&'a Arc<dyn ExecutionPlan>, &'a FileScanConfig)) {
    let source: Option<&dyn Any> = plan.downcast_ref::<DataSourceExec>().map(|scan| scan.data_source().as_ref() as _);
    if let Some(scan) = source.and_then(|source| source.downcast_ref::<FileScanConfig>()) {
        of(plan, scan);
    }
    for child in plan.children() {
        each_scan(child, of);
    }
}

fn files_of(scan: &FileScanConfig) -> impl Iterator<Item = &PartitionedFile> {
    scan.file_groups.iter().flat_map(FileGroup::iter)
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::engine::{runtime, session_config, session_state};
    use crate::storage::Stores;

    #[tokio::test]
    async fn a_plan_is_one_task_up_to_a_size() {
        let folder = tempfile::tempdir().unwrap();
        let state = session_state(session_config(3), runtime(Stores::new()).unwrap()).unwrap();
        let context = SessionContext::new_with_state(state);
        let path = folder.path().join("numbers").to_string_lossy().into_owned() + "/";
        let copy = format!("copy (select value from generate_series(1, 100000)) to '{path}' stored as parquet");
        context.sql(&copy).await.unwrap().collect().await.unwrap();
        let create = format!("create external table numbers stored as parquet location '{path}'");
        context.sql(&create).await.unwrap();
        let sql = "select value % 10, count(*) from numbers group by 1 order by 1";
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let bytes = read_bytes(&plan);
        assert!(bytes > 0);
        assert!(!whole_up_to(bytes - 1, Arc::clone(&plan)).unwrap().is::<WholeExec>());
        let whole = whole_up_to(bytes, plan).unwrap();
        assert!(whole.is::<WholeExec>() && whole.children().is_empty());
        assert_eq!(whole.output_partitioning().partition_count(), 1);
    }
}
