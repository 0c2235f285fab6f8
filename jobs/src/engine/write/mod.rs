//! The write operator: each task writes its rows as Parquet straight to the object store, and gives back
//! one row a file. Nothing it writes is visible until the driver commits it.

mod files;
mod statistics;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_datafusion_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{StreamExt, stream};

use super::first_rows::{FirstRows, FirstRowsExec};
use super::partitionwise::{PARTITION_ORDER, is_in_order, is_shared_out, partitionwise};
use crate::engine::ExecutorId;
use crate::storage::Folder;
use crate::warehouse::DataFile;

/// Where and how to write. Travels inside the plan.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct WriteSpec {
    /// URL of the table's folder.
    pub folder: String,
    /// Columns that name sub-folders and are left out of the files.
    pub partition_columns: Vec<String>,
    /// Fingerprint of what each partition is computed from (by the partition's value, empty for none), with
    /// which its files' names begin.
    pub fingerprints: BTreeMap<String, String>,
    /// The fingerprint of partitions not listed.
    pub fingerprint: String,
    /// Whether the files are read once, soon, and removed: written fast rather than small.
    pub short_lived: bool,
}

impl WriteSpec {
    fn fingerprint_of(&self, value: Option<&str>) -> &str {
        self.fingerprints.get(value.unwrap_or_default()).unwrap_or(&self.fingerprint)
    }
}

/// Writes its input's partitions, each on its own, and emits what was written (see [`written_files`]).
#[derive(Debug)]
pub struct WriteExec {
    input: Arc<dyn ExecutionPlan>,
    spec: WriteSpec,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl WriteExec {
    pub fn new(input: Arc<dyn ExecutionPlan>, spec: WriteSpec) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(written_schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { input, spec, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() }
    }

    /// As [`Self::new`], with the rows of one partition value brought together in one task of `tasks`, and there one
    /// value after the other: each partition becomes one file, and a task has one open at a time. Put on top of a
    /// finished plan, because an optimiser would take the exchange away.
    pub fn together(input: Arc<dyn ExecutionPlan>, spec: WriteSpec, tasks: usize) -> Result<Self> {
        let [column] = spec.partition_columns.as_slice() else { return Ok(Self::new(input, spec)) };
        let sorted = brought_together(input, column, tasks, Vec::new())?;
        Ok(Self::new(sorted, spec))
    }

    /// As [`Self::together`], of the first `columns` of a partitioned table's rows: of those with one key, which are of
    /// one partition, the row with the greatest values.
    pub fn latest_together(
        input: Arc<dyn ExecutionPlan>,
        spec: WriteSpec,
        tasks: usize,
        columns: usize,
        key: &[String],
        latest_by: &[&str],
    ) -> Result<Self> {
        let [column] = spec.partition_columns.as_slice() else {
            return Err(internal_datafusion_err!("{} partition columns, expected one", spec.partition_columns.len()));
        };
        let schema = input.schema();
        let latest = SortOptions { descending: true, nulls_first: false };
        let by_key = key.iter().map(|name| (name.as_str(), SortOptions::default()));
        let order = by_key.chain(latest_by.iter().map(|name| (*name, latest))).map(|(name, options)| {
            Ok(PhysicalSortExpr::new(Arc::new(Column::new_with_schema(name, &schema)?), options))
        });
        let sorted = brought_together(input, column, tasks, order.collect::<Result<_>>()?)?;
        let key = key.iter().map(|name| schema.index_of(name)).collect::<Result<_, _>>()?;
        let first = FirstRowsExec::new(sorted, FirstRows { key, number: "_rank".to_owned() });
        let kept = schema.fields().iter().take(columns).enumerate().map(|(place, field)| ProjectionExpr {
            expr: Arc::new(Column::new(field.name(), place)),
            alias: field.name().clone(),
        });
        let kept = ProjectionExec::try_new(kept.collect::<Vec<_>>(), Arc::new(first))?;
        Ok(Self::new(Arc::new(kept), spec))
    }

    pub fn spec(&self) -> &WriteSpec {
        &self.spec
    }
}

impl DisplayAs for WriteExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriteExec: folder={}, partition_by=[{}]", self.spec.folder, self.spec.partition_columns.join(", "))
    }
}

impl ExecutionPlan for WriteExec {
    fn name(&self) -> &'static str {
        "WriteExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
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
        let input = children.pop().ok_or_else(|| internal_datafusion_err!("WriteExec needs one input"))?;
        Ok(Arc::new(Self::new(input, self.spec.clone())))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let folder = Folder::parse(&self.spec.folder).map_err(external)?;
        let store = context.runtime_env().object_store(folder.store_url().map_err(external)?)?;
        let executor = context.session_config().get_extension::<ExecutorId>();
        let executor_id = executor.map_or_else(|| "in-process".to_owned(), |id| id.0.clone());
        let mut input = self.input.execute(partition, context)?;
        let spec = self.spec.clone();
        let rows_written = MetricBuilder::new(&self.metrics).output_rows(partition);
        let bytes_written = MetricBuilder::new(&self.metrics).counter("bytes_written", partition);
        let write = async move {
            let mut files = files::OpenFiles::new(store, folder, spec, input.schema(), executor_id)?;
            while let Some(batch) = input.next().await {
                files.write(&batch?).await?;
            }
            let written = files.close().await?;
            for file in &written {
                rows_written.add(usize::try_from(file.rows).unwrap_or(0));
                bytes_written.add(usize::try_from(file.size_bytes).unwrap_or(0));
            }
            written_batch(&written)
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(written_schema(), stream::once(write))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// The rows of one value of a column in one task of `tasks`, one value after the other and those of each in an order.
fn brought_together(
    input: Arc<dyn ExecutionPlan>,
    column: &str,
    tasks: usize,
    order: Vec<PhysicalSortExpr>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let place = input.schema().index_of(column)?;
    let value: Arc<dyn PhysicalExpr> = Arc::new(Column::new(column, place));
    let input = partitionwise(input, place)?;
    let in_tasks = is_shared_out(&input, place) && input.output_partitioning().partition_count() >= tasks;
    if in_tasks && order.is_empty() && is_in_order(&input, place)? {
        return Ok(input);
    }
    let input: Arc<dyn ExecutionPlan> = match in_tasks {
        true => input,
        false => Arc::new(RepartitionExec::try_new(input, Partitioning::Hash(vec![Arc::clone(&value)], tasks))?),
    };
    let by_value = PhysicalSortExpr::new(value, PARTITION_ORDER);
    let order = LexOrdering::new([by_value].into_iter().chain(order));
    let order = order.ok_or_else(|| internal_datafusion_err!("no order"))?;
    Ok(Arc::new(SortExec::new(order, input).with_preserve_partitioning(true)))
}

fn external(error: crate::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn written_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        Arc::new(Schema::new(vec![
            Field::new("path", DataType::Utf8, false),
            Field::new("size_bytes", DataType::Int64, false),
            Field::new("rows", DataType::Int64, false),
            Field::new("partition", DataType::Utf8, false),
            Field::new("statistics", DataType::Utf8, true),
            Field::new("modified_ms", DataType::Int64, false),
        ]))
    });
    Arc::clone(&SCHEMA)
}

fn written_batch(files: &[DataFile]) -> Result<RecordBatch> {
    let integers = |value: fn(&DataFile) -> u64| -> Int64Array {
        files.iter().map(|file| i64::try_from(value(file)).unwrap_or(i64::MAX)).collect::<Vec<_>>().into()
    };
    let partitions = files.iter().map(|file| serde_json::to_string(&file.partition)).collect::<Result<Vec<_>, _>>();
    let columns: Vec<datafusion::arrow::array::ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(files.iter().map(|file| &file.path))),
        Arc::new(integers(|file| file.size_bytes)),
        Arc::new(integers(|file| file.rows)),
        Arc::new(StringArray::from(partitions.map_err(|error| DataFusionError::External(Box::new(error)))?)),
        Arc::new(files.iter().map(|file| file.statistics.as_deref()).collect::<StringArray>()),
        Arc::new(files.iter().map(|file| Some(file.modified_ms)).collect::<Int64Array>()),
    ];
    Ok(RecordBatch::try_new(written_schema(), columns)?)
}

/// Reads back what the tasks of a [`WriteExec`] emitted.
pub fn written_files(batches: &[RecordBatch]) -> Result<Vec<DataFile>> {
    let mut files = Vec::new();
    for batch in batches {
        let text = |column: usize| batch.column(column).as_string::<i32>();
        let integer = |column: usize| batch.column(column).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let partition = serde_json::from_str(text(3).value(row));
            files.push(DataFile {
                path: text(0).value(row).to_owned(),
                size_bytes: u64::try_from(integer(1).value(row)).unwrap_or(0),
                rows: u64::try_from(integer(2).value(row)).unwrap_or(0),
                partition: partition.map_err(|error| DataFusionError::External(Box::new(error)))?,
                statistics: text(4).is_valid(row).then(|| text(4).value(row).to_owned()),
                modified_ms: integer(5).value(row),
            });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::physical_plan::collect;
    use datafusion::prelude::{ParquetReadOptions, SessionContext};

    use super::*;

    #[tokio::test]
    async fn of_rows_with_one_key_the_latest_is_written_to_its_partition() {
        let folder = tempfile::tempdir().unwrap();
        let context = SessionContext::new();
        // 2,000 rows of 301 keys, those of a key all of one day; of each the highest line stands.
        let rows = "select cast(value % 301 % 7 as text) as day, value % 301 as id, value as line, 0 as extra
                    from generate_series(1, 2000)";
        let input = context.sql(rows).await.unwrap().create_physical_plan().await.unwrap();
        let spec = WriteSpec {
            folder: folder.path().to_string_lossy().into_owned(),
            partition_columns: vec!["day".to_owned()],
            fingerprints: BTreeMap::new(),
            fingerprint: "test".to_owned(),
            short_lived: false,
        };
        let plan = WriteExec::latest_together(input, spec, 3, 3, &["id".to_owned()], &["line"]).unwrap();
        let files = written_files(&collect(Arc::new(plan), context.task_ctx()).await.unwrap()).unwrap();
        assert_eq!(files.len(), 7, "one file a day: {files:?}");

        let path = folder.path().to_string_lossy().into_owned();
        context.register_parquet("written", path, ParquetReadOptions::default()).await.unwrap();
        let both = "select count(*), sum(w.line), count(e.id) from written w
             left join (select value % 301 as id, max(value) as line from generate_series(1, 2000) group by 1) e
             on w.id = e.id and w.line = e.line";
        let found = context.sql(both).await.unwrap().collect().await.unwrap();
        let found = pretty_format_batches(&found).unwrap().to_string();
        let sum: i64 = (2000 - 300..=2000).sum();
        assert!(found.contains(&format!("| 301      | {sum}      | 301")), "{found}");
        let columns = context.table("written").await.unwrap().schema().fields().len();
        assert_eq!(columns, 2, "id and line: the day names the folder, what was only for the order is gone");
    }
}
