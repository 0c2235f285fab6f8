//! A small plan as one task: its exchanges go through memory, where stages of a cluster hand rows on in files and each
//! costs a round of scheduling.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::metrics::{Count, Metric, MetricValue, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, SendableRecordBatchStream,
};
use datafusion::prelude::SessionConfig;
use futures::StreamExt;

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
        let context = TaskContext::new(
            context.task_id(),
            context.session_id(),
            within_a_process(context.session_config()),
            context.scalar_functions().clone(),
            context.higher_order_functions().clone(),
            context.aggregate_functions().clone(),
            context.window_functions().clone(),
            context.runtime_env(),
        );
        let rows = self.plan.execute(partition, Arc::new(context))?.map(|batch| without_what_views_left(&batch?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
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

/// The batch with views of their own bytes only: a column of views holds on to all it was cut from, and all of that would
/// be sent with it.
fn without_what_views_left(batch: &RecordBatch) -> Result<RecordBatch> {
    let compact = |column: &ArrayRef| -> ArrayRef {
        match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => Arc::clone(column),
        }
    };
    let columns = batch.columns().iter().map(compact).collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(batch.schema(), columns, &rows)?)
}

/// The plan as one task, if it reads no more than so many bytes; else the plan.
pub(super) fn whole_up_to(
    bytes: u64,
    plan: Arc<dyn ExecutionPlan>,
    config: &SessionConfig,
) -> Result<Arc<dyn ExecutionPlan>> {
    if bytes == 0 || stored_bytes(&plan) > bytes {
        return Ok(plan);
    }
    let plan = FilterPushdown::new_post_optimization().optimize(plan, within_a_process(config).options())?;
    Ok(Arc::new(WholeExec::new(shippable(plan)?)))
}

/// What a join learns of its smaller side filters the scan of the other one, which stages cannot tell each other.
fn within_a_process(config: &SessionConfig) -> SessionConfig {
    config.clone().set_bool("datafusion.optimizer.enable_dynamic_filter_pushdown", true)
}

/// What the columns take, roughly, that a plan reads of files: as if all columns were equally wide.
fn stored_bytes(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    let mut bytes = 0;
    let visited = plan.apply(|node| {
        let source: Option<&dyn Any> =
            node.downcast_ref::<DataSourceExec>().map(|scan| scan.data_source().as_ref() as _);
        if let Some(scan) = source.and_then(|source| source.downcast_ref::<FileScanConfig>()) {
            let all = scan.file_source.table_schema().table_schema().fields().len() as u64;
            let read = node.schema().fields().len() as u64;
            let files: u64 =
                scan.file_groups.iter().flat_map(FileGroup::iter).map(PartitionedFile::effective_size).sum();
            bytes += files / all.max(1) * read.clamp(1, all.max(1));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    visited.map_or(u64::MAX, |_| bytes)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::physical_plan::{collect, displayable};
    use datafusion::prelude::SessionContext;
    use datafusion_proto::physical_plan::AsExecutionPlan;
    use datafusion_proto::protobuf::PhysicalPlanNode;

    use super::*;
    use crate::engine::{FleetCodec, runtime, session_config, session_state};
    use crate::storage::Stores;

    const SQL: &str = "select orders.id, sum(items.price) as total from items join orders on items.id = orders.id
        where orders.kind = 3 group by orders.id order by orders.id";

    async fn context(folder: &std::path::Path) -> SessionContext {
        let config = session_config(3);
        let context = SessionContext::new_with_state(session_state(config, runtime(Stores::new()).unwrap()).unwrap());
        for (table, columns) in [
            ("orders", "value as id, value % 100 as kind from generate_series(1, 2000)"),
            ("items", "value % 2000 as id, value as price from generate_series(1, 100000)"),
        ] {
            let path = folder.join(table).to_string_lossy().into_owned() + "/";
            let copy = format!("copy (select {columns}) to '{path}' stored as parquet");
            context.sql(&copy).await.unwrap().collect().await.unwrap();
            let create = format!("create external table {table} stored as parquet location '{path}'");
            context.sql(&create).await.unwrap();
        }
        context
    }

    #[tokio::test]
    async fn a_plan_of_one_task_travels_with_its_filters_and_gives_the_same_rows() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path()).await;
        let plan = context.sql(SQL).await.unwrap().create_physical_plan().await.unwrap();
        let expected = collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();

        let whole = whole_up_to(1 << 30, plan, context.state().config()).unwrap();
        assert!(whole.children().is_empty() && whole.output_partitioning().partition_count() == 1);
        let codec = FleetCodec::default();
        let mut bytes = Vec::new();
        PhysicalPlanNode::try_from_physical_plan(whole, &codec).unwrap().try_encode(&mut bytes).unwrap();
        let node = PhysicalPlanNode::try_decode(&bytes).unwrap();
        let arrived = node.try_into_physical_plan(&context.task_ctx(), &codec).unwrap();
        let rows = collect(Arc::clone(&arrived), context.task_ctx()).await.unwrap();

        let text = |batches: &[_]| pretty_format_batches(batches).unwrap().to_string();
        assert_eq!(text(&rows), text(&expected));
        let arrived = arrived.downcast_ref::<WholeExec>().unwrap();
        let inside = displayable(arrived.plan().as_ref()).indent(true).to_string();
        // The scan has been told what the join learnt: that it must be among the orders of that kind.
        let told = inside.lines().any(|line| line.contains("DataSourceExec") && line.contains("DynamicFilter [ id"));
        assert!(told, "{inside}");
        let metrics = arrived.metrics().unwrap();
        assert!(metrics.sum_by_name("bytes_scanned").unwrap().as_usize() > 0);
    }

    #[tokio::test]
    async fn a_plan_over_more_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path()).await;
        let plan = context.sql(SQL).await.unwrap().create_physical_plan().await.unwrap();
        let bytes = stored_bytes(&plan);
        assert!(bytes > 0);
        let config = context.state().config().clone();
        assert!(!whole_up_to(bytes - 1, Arc::clone(&plan), &config).unwrap().is::<WholeExec>());
        assert!(whole_up_to(bytes, plan, &config).unwrap().is::<WholeExec>());
    }
}
