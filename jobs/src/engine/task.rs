//! A task's plan as its executor runs it. What a join or a sort learns filters the scans beside it, which stages cannot
//! tell each other; a task that nobody waits for ends; and views are written with their own bytes only.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::execution_plan::{
    ChildrenPropertiesMode, ReplaceChildrenOptions, replace_children_if_necessary,
};
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use datafusion::prelude::SessionConfig;
use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::small_files::{KeepSmallFiles, SMALL_FILE_BYTES, SmallFiles};
use super::whole::WholeExec;

/// The plan of a stage, whose root writes, as it is to be run, in the context of [`context`]. It ends when it is cancelled.
pub fn prepared(
    stage: Arc<dyn ExecutionPlan>,
    config: &SessionConfig,
    small_files: &Arc<SmallFiles>,
    cancelled: &CancellationToken,
) -> Result<Arc<dyn ExecutionPlan>> {
    let config = within_a_task(config);
    let ready = |rows| watched(opened(rows, &config, small_files)?, cancelled);
    let written = stage.children().into_iter().map(|rows| {
        let rows = match rows.downcast_ref::<WholeExec>() {
            Some(whole) => {
                let inner =
                    FilterPushdown::new_post_optimization().optimize(Arc::clone(whole.plan()), config.options())?;
                Arc::new(WholeExec::new(ready(inner)?))
            }
            None => ready(filtered(Arc::clone(rows), &config)?)?,
        };
        Ok(Arc::new(WatchedExec::new(rows, cancelled.clone(), true)) as Arc<dyn ExecutionPlan>)
    });
    let written = written.collect::<Result<Vec<_>>>()?;
    replace_children_if_necessary(stage, written)
}

/// What a prepared plan runs in.
pub fn context(context: &TaskContext) -> Arc<TaskContext> {
    Arc::new(TaskContext::new(
        context.task_id(),
        context.session_id(),
        within_a_task(context.session_config()),
        context.scalar_functions().clone(),
        context.higher_order_functions().clone(),
        context.aggregate_functions().clone(),
        context.window_functions().clone(),
        context.runtime_env(),
    ))
}

fn within_a_task(config: &SessionConfig) -> SessionConfig {
    config.clone().set_bool("datafusion.optimizer.enable_dynamic_filter_pushdown", true)
}

/// The plan with what its joins and sorts learn passed to its scans. Its operators stay where they are, as the scheduler knows
/// them.
fn filtered(plan: Arc<dyn ExecutionPlan>, config: &SessionConfig) -> Result<Arc<dyn ExecutionPlan>> {
    let optimized = FilterPushdown::new_post_optimization().optimize(Arc::clone(&plan), config.options())?;
    Ok(if operators(&optimized)? == operators(&plan)? { optimized } else { plan })
}

fn operators(plan: &Arc<dyn ExecutionPlan>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    plan.apply(|node| {
        names.push(node.name().to_owned());
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(names)
}

/// The plan with its scans opening their files at less cost. A file's metadata is read in one request: how much of its end to ask
/// for is lost where a plan is sent, and without it there are three. And small files are read whole, and kept: to work out for
/// each what a filter of its rows leaves out takes longer than to read it, and they are filtered after anyway.
fn opened(
    plan: Arc<dyn ExecutionPlan>,
    config: &SessionConfig,
    small_files: &Arc<SmallFiles>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let parquet = &config.options().execution.parquet;
    let opened = |node: Arc<dyn ExecutionPlan>| {
        let scan = node.downcast_ref::<DataSourceExec>();
        let Some((scan, source)) = scan.and_then(DataSourceExec::downcast_to_file_source::<ParquetSource>) else {
            return Ok(Transformed::no(node));
        };
        let filters_rows = parquet.pushdown_filters || source.table_parquet_options().global.pushdown_filters;
        let is_worked_out = filters_rows || source.filter().is_none_or(|filter| !is_of_rows(&filter, scan));
        let mut source = match is_worked_out || !has_small_files(scan) {
            true => source.clone(),
            false => without_filter(source)?,
        };
        if let Some(bytes) = parquet.metadata_size_hint {
            source = source.with_metadata_size_hint(bytes);
        }
        if let Some(inner) = source.parquet_file_reader_factory().cloned() {
            let kept = Arc::clone(small_files);
            source = source.with_parquet_file_reader_factory(Arc::new(KeepSmallFiles { inner, kept }));
        }
        let scan = FileScanConfigBuilder::from(scan.clone()).with_source(Arc::new(source)).build();
        Ok(Transformed::yes(DataSourceExec::from_data_source(scan) as _))
    };
    Ok(plan.transform_up(opened)?.data)
}

/// The source without its filter, with the same way to open files, which knows the footers that the process keeps.
fn without_filter(source: &ParquetSource) -> Result<ParquetSource> {
    let mut bare = ParquetSource::new(source.table_schema().clone())
        .with_table_parquet_options(source.table_parquet_options().clone());
    if let Some(readers) = source.parquet_file_reader_factory() {
        bare = bare.with_parquet_file_reader_factory(Arc::clone(readers));
    }
    let Some(projection) = source.projection() else { return Ok(bare) };
    let projected = bare.try_pushdown_projection(projection)?;
    let projected = projected.as_deref().and_then(|source| (source as &dyn Any).downcast_ref::<ParquetSource>());
    projected.cloned().ok_or_else(|| DataFusionError::Internal("a scan does not take back its columns".to_owned()))
}

/// Whether a filter says nothing of the values that a file's place tells, for which it need not be opened.
fn is_of_rows(filter: &Arc<dyn PhysicalExpr>, scan: &FileScanConfig) -> bool {
    let columns = collect_columns(filter);
    !scan.table_partition_cols().iter().any(|told| columns.iter().any(|column| column.name() == told.name()))
}

/// Whether a scan's files are small: the mean counts.
fn has_small_files(scan: &FileScanConfig) -> bool {
    let files = || scan.file_groups.iter().flat_map(FileGroup::iter);
    files().map(|file| file.object_meta.size).sum::<u64>() <= SMALL_FILE_BYTES * files().count() as u64
}

/// The plan with its joins watched, which may give many batches for one that they read.
fn watched(plan: Arc<dyn ExecutionPlan>, cancelled: &CancellationToken) -> Result<Arc<dyn ExecutionPlan>> {
    let watch = |node: Arc<dyn ExecutionPlan>| {
        if !(node.is::<HashJoinExec>() || node.is::<CrossJoinExec>() || node.is::<NestedLoopJoinExec>()) {
            return Ok(Transformed::no(node));
        }
        Ok(Transformed::yes(Arc::new(WatchedExec::new(node, cancelled.clone(), false)) as _))
    };
    Ok(plan.transform_up(watch)?.data)
}

/// Passes rows on until the task is cancelled, and lets others have the thread now and then. It keeps no metrics, of which
/// the scheduler takes a list that fits the plan it knows.
#[derive(Debug)]
struct WatchedExec {
    input: Arc<dyn ExecutionPlan>,
    cancelled: CancellationToken,
    /// Whether the rows are written, which takes views with all that they were cut from.
    compact: bool,
}

impl WatchedExec {
    fn new(input: Arc<dyn ExecutionPlan>, cancelled: CancellationToken, written: bool) -> Self {
        let compact = written && has_views(&input.schema());
        Self { input, cancelled, compact }
    }
}

impl DisplayAs for WatchedExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WatchedExec")
    }
}

impl ExecutionPlan for WatchedExec {
    fn name(&self) -> &'static str {
        "WatchedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| DataFusionError::Internal("WatchedExec has no input".to_owned()))?;
        Ok(Arc::new(Self { input, cancelled: self.cancelled.clone(), compact: self.compact }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (cancelled, compact) = (self.cancelled.clone(), self.compact);
        let rows = self.input.execute(partition, context)?.take_until(self.cancelled.clone().cancelled_owned());
        let end = stream::once(async move { cancelled.is_cancelled() }).filter_map(|cancelled| {
            std::future::ready(cancelled.then(|| Err(DataFusionError::Execution("the task was cancelled".to_owned()))))
        });
        let rows = rows.chain(end).map(move |batch| if compact { compacted(&batch?) } else { batch });
        Ok(Box::pin(cooperative(RecordBatchStreamAdapter::new(self.schema(), Box::pin(rows)))))
    }
}

fn has_views(schema: &Schema) -> bool {
    schema.fields().iter().any(|field| matches!(field.data_type(), DataType::Utf8View | DataType::BinaryView))
}

/// The batch with views of their own bytes only.
fn compacted(batch: &RecordBatch) -> Result<RecordBatch> {
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use datafusion::arrow::array::StringViewArray;
    use datafusion::arrow::datatypes::Field;
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::datasource::memory::MemorySourceConfig;
    use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
    use datafusion::physical_plan::{ExecutionPlanProperties, collect, displayable};
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

    async fn plan(context: &SessionContext, sql: &str) -> Arc<dyn ExecutionPlan> {
        context.sql(sql).await.unwrap().create_physical_plan().await.unwrap()
    }

    /// The plan as the root of a stage has it, which this one stands for.
    fn prepared_below(
        rows: Arc<dyn ExecutionPlan>,
        context: &SessionContext,
        cancelled: &CancellationToken,
    ) -> Arc<dyn ExecutionPlan> {
        prepared(Arc::new(CoalescePartitionsExec::new(rows)), context.state().config(), &SmallFiles::new(), cancelled)
            .unwrap()
    }

    #[tokio::test]
    async fn a_plan_of_one_task_gives_the_same_rows_and_what_its_joins_learn_filters_its_scans() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path()).await;
        let plan = plan(&context, SQL).await;
        let expected = collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();

        let codec = FleetCodec::default();
        let mut bytes = Vec::new();
        let whole = Arc::new(WholeExec::new(plan));
        PhysicalPlanNode::try_from_physical_plan(whole, &codec).unwrap().try_encode(&mut bytes).unwrap();
        let node = PhysicalPlanNode::try_decode(&bytes).unwrap();
        let arrived = node.try_into_physical_plan(&context.task_ctx(), &codec).unwrap();
        let prepared = prepared_below(arrived, &context, &CancellationToken::new());
        let rows = collect(Arc::clone(&prepared), super::context(&context.task_ctx())).await.unwrap();

        let text = |batches: &[_]| pretty_format_batches(batches).unwrap().to_string();
        assert_eq!(text(&rows), text(&expected));
        let watched = Arc::clone(prepared.children()[0]);
        let whole = Arc::clone(watched.children()[0]);
        let inside = whole.downcast_ref::<WholeExec>().unwrap();
        let inside = displayable(inside.plan().as_ref()).indent(true).to_string();
        // The scan has been told what the join learnt: that it must be among the orders of that kind.
        let told = inside.lines().any(|line| line.contains("DataSourceExec") && line.contains("DynamicFilter [ id"));
        assert!(told, "{inside}");
        assert!(whole.metrics().unwrap().sum_by_name("bytes_scanned").unwrap().as_usize() > 0);
    }

    #[tokio::test]
    async fn small_files_are_read_whole_unless_their_place_tells_what_a_filter_asks_for() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path()).await;
        let path = folder.path().join("by_kind").to_string_lossy().into_owned() + "/";
        for sql in [
            format!("copy (select id, kind from orders) to '{path}' stored as parquet partitioned by (kind)"),
            format!(
                "create external table by_kind (id bigint, kind bigint) stored as parquet partitioned by (kind) location '{path}'"
            ),
        ] {
            context.sql(&sql).await.unwrap().collect().await.unwrap();
        }
        let footers = context.runtime_env().cache_manager.get_file_metadata_cache();
        let looked_up = || footers.list_entries().values().map(|entry| entry.hits).sum::<usize>();
        let read = async |sql: &str| {
            let plan = plan(&context, sql).await;
            let expected = collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
            let whole = prepared_below(Arc::new(WholeExec::new(plan)), &context, &CancellationToken::new());
            let before = looked_up();
            let rows = collect(Arc::clone(&whole), super::context(&context.task_ctx())).await.unwrap();
            let count = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
            assert_eq!(count(&rows), count(&expected), "{sql}");
            assert!(looked_up() > before, "{sql}: footers were read again");
            let whole = Arc::clone(whole.children()[0].children()[0]);
            displayable(whole.downcast_ref::<WholeExec>().unwrap().plan().as_ref()).indent(true).to_string()
        };
        let filtered = read("select id from orders where kind = 3").await;
        assert!(filtered.contains("FilterExec: kind") && !filtered.contains("predicate="), "{filtered}");
        let large = read("select id from items where price = 3").await;
        assert!(large.contains("predicate=price"), "{large}");
        let told =
            read("select by_kind.id from orders join by_kind on orders.kind = by_kind.kind where orders.id = 7").await;
        assert!(told.contains("DynamicFilter [ kind"), "{told}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_cancelled_ends_in_the_midst_of_a_join() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path()).await;
        let sql = "with numbers as (select unnest(range(1, 1000)) as number)
            select count(*) from numbers one cross join numbers other cross join numbers third
            where sin(one.number + other.number * third.number) > 0.5";
        let plan = plan(&context, sql).await;
        let cancelled = CancellationToken::new();
        let prepared = prepared_below(Arc::new(WholeExec::new(plan)), &context, &cancelled);
        let running = tokio::spawn(collect(prepared, super::context(&context.task_ctx())));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!running.is_finished());
        let asked = Instant::now();
        cancelled.cancel();
        let error = running.await.unwrap().unwrap_err().to_string();
        assert!(error.contains("cancelled"), "{error}");
        assert!(asked.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn views_are_handed_on_with_their_own_bytes_only() {
        let long = "x".repeat(1000);
        let texts = StringViewArray::from_iter_values((0..1000).map(|_| long.as_str())).slice(0, 1);
        let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8View, false)]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(texts)]).unwrap();
        let before = batch.get_array_memory_size();
        let rows = MemorySourceConfig::try_new_exec(&[vec![batch]], schema, None).unwrap();
        let context = SessionContext::new();
        let prepared = prepared_below(rows, &context, &CancellationToken::new());
        assert_eq!(prepared.output_partitioning().partition_count(), 1);
        let rows = collect(prepared, super::context(&context.task_ctx())).await.unwrap();
        assert_eq!(rows[0].num_rows(), 1);
        assert!(rows[0].get_array_memory_size() * 10 < before);
    }
}
