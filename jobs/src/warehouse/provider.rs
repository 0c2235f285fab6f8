//! A snapshot as a table that DataFusion scans: an ordinary Parquet scan over the snapshot's own file list.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, UInt64Type};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, DataFusionError, Result, ScalarValue, Statistics, ToDFSchema};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};
use datafusion::physical_plan::metrics::Time;
use datafusion::physical_plan::repartition::BatchPartitioner;
use datafusion::physical_plan::{ExecutionPlan, Partitioning};

use super::{DataFile, Snapshot};

/// What the largest group of files takes at most, of the mean, for files to be shared out by their partitions.
const MOST_TO_MEAN_PERCENT: u64 = 150;
/// The number of a file in the batch that shares files out.
const FILE: &str = "file";

/// Reads one version of a table. Files that the filters rule out, by partition or by statistics, are not opened.
pub struct SnapshotTable {
    snapshot: Arc<Snapshot>,
    schema: TableSchema,
}

impl SnapshotTable {
    /// The table with the columns it was committed with.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        let schema = Arc::clone(&snapshot.schema);
        Self::with_schema(snapshot, &schema)
    }

    /// The table with the columns that the catalogue gives it today; one that a file lacks reads as null.
    pub fn with_schema(snapshot: Arc<Snapshot>, schema: &SchemaRef) -> Self {
        let is_partition = |field: &Field| snapshot.partition_columns.contains(field.name());
        let fields = schema.fields();
        let file_fields: Vec<_> = fields.iter().filter(|field| !is_partition(field)).cloned().collect();
        let partition_fields: Vec<_> = fields.iter().filter(|field| is_partition(field)).cloned().collect();
        let schema = TableSchema::builder(Arc::new(Schema::new(file_fields)))
            .with_table_partition_cols(partition_fields)
            .build();
        Self { snapshot, schema }
    }

    fn partitioned_file(&self, file: &DataFile) -> Result<PartitionedFile> {
        let path = self.snapshot.folder.path_of(&file.path);
        let path = path.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let mut values = Vec::new();
        for field in self.schema.table_partition_cols() {
            values.push(partition_value(file, field)?);
        }
        let statistics = Statistics::new_unknown(self.schema.file_schema())
            .with_num_rows(Precision::Exact(usize::try_from(file.rows).unwrap_or(usize::MAX)));
        let mut partitioned = PartitionedFile::new(path.as_ref(), file.size_bytes).with_partition_values(values);
        partitioned.object_meta.location = path;
        Ok(partitioned.with_statistics(Arc::new(statistics)))
    }

    /// Whether the scan reads all partition columns, without which nobody above it can name them.
    fn tells_partitions(&self, projection: Option<&Vec<usize>>) -> bool {
        let (from, columns) = (self.schema.file_schema().fields().len(), self.schema.table_schema().fields().len());
        columns > from && projection.is_none_or(|projection| (from..columns).all(|column| projection.contains(&column)))
    }

    /// The files as an exchange by their partition columns would share out their rows, so that what is grouped or joined by
    /// these needs none; those of a group one partition after the other. None where that is too uneven.
    fn by_partition(&self, files: &[PartitionedFile], count: usize) -> Result<Option<(Vec<FileGroup>, Partitioning)>> {
        let column = |name: &str, place| Arc::new(PhysicalColumn::new(name, place)) as Arc<dyn PhysicalExpr>;
        let (columns, from) = (self.schema.table_partition_cols(), self.schema.file_schema().fields().len());
        let in_table = columns.iter().enumerate().map(|(place, field)| column(field.name(), from + place)).collect();
        let partitioning = Partitioning::Hash(in_table, count);
        if files.is_empty() {
            return Ok(Some((vec![FileGroup::new(Vec::new()); count], partitioning)));
        }
        if count < 2 || files.len() < count {
            return Ok(None);
        }
        let mut files = files.to_vec();
        files.sort_by(|a, b| in_order(&a.partition_values, &b.partition_values));
        let mut fields: Vec<FieldRef> = columns.iter().map(Arc::clone).collect();
        let mut values = Vec::new();
        for place in 0..columns.len() {
            values.push(ScalarValue::iter_to_array(files.iter().map(|file| file.partition_values[place].clone()))?);
        }
        fields.push(Arc::new(Field::new(FILE, DataType::UInt64, false)));
        values.push(Arc::new((0..files.len() as u64).collect::<UInt64Array>()));
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), values)?;
        let in_batch = columns.iter().enumerate().map(|(place, field)| column(field.name(), place)).collect();
        let mut groups = vec![Vec::new(); count];
        BatchPartitioner::new_hash_partitioner(in_batch, count, Time::new())?.partition(batch, |group, rows| {
            let places = rows.column(columns.len()).as_primitive::<UInt64Type>().values().iter();
            groups[group].extend(places.filter_map(|place| files.get(usize::try_from(*place).ok()?).cloned()));
            Ok(())
        })?;
        let bytes = |files: &[PartitionedFile]| files.iter().map(|file| file.object_meta.size).sum::<u64>();
        let most = groups.iter().map(|group| bytes(group)).max().unwrap_or(0);
        if most * count as u64 > bytes(&files) * MOST_TO_MEAN_PERCENT / 100 {
            return Ok(None);
        }
        Ok(Some((groups.into_iter().map(FileGroup::new).collect(), partitioning)))
    }

    fn kept(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<&DataFile>> {
        let files: Vec<&DataFile> = self.snapshot.files.iter().collect();
        let Some(filter) = conjunction(filters.iter().cloned()) else { return Ok(files) };
        let schema = self.schema();
        let predicate = state.create_physical_expr(filter, &Arc::clone(&schema).to_dfschema()?)?;
        let builder = PruningPredicateBuilder::new().with_file_schema(Arc::clone(&schema));
        let Some(predicate) = builder.build(predicate) else { return Ok(files) };
        // Of a long history the partitions leave a few files, and only theirs are statistics to be parsed.
        let files = FileStatistics::of_partitions(files, &schema).kept(&predicate)?;
        FileStatistics::new(files, &schema).kept(&predicate)
    }
}

impl fmt::Debug for SnapshotTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SnapshotTable({} v{})", self.snapshot.table, self.snapshot.version)
    }
}

#[async_trait]
impl TableProvider for SnapshotTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut files = Vec::new();
        for file in self.kept(state, filters)? {
            files.push(self.partitioned_file(file)?);
        }
        let count = state.config().target_partitions();
        let shared_out = match self.tells_partitions(projection) {
            true => self.by_partition(&files, count)?,
            false => None,
        };
        let (mut groups, partitioning) = match shared_out {
            Some((groups, partitioning)) => (groups, Some(partitioning)),
            None => (FileGroup::new(files).split_files(count), None),
        };
        if groups.is_empty() {
            // Not an `EmptyExec`: below a union Ballista gives its tasks differing metrics for one, and the job hangs.
            groups.push(FileGroup::new(Vec::new()));
        }
        let store = self.snapshot.folder.store_url().map_err(|error| DataFusionError::External(Box::new(error)))?;
        let mut source = ParquetSource::new(self.schema.clone());
        if let Some(bytes) = state.config_options().execution.parquet.metadata_size_hint {
            source = source.with_metadata_size_hint(bytes);
        }
        let config = FileScanConfigBuilder::new(store, Arc::new(source))
            .with_file_groups(groups)
            .with_output_partitioning(partitioning)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Compares the partitions of two files, nulls last.
fn in_order(one: &[ScalarValue], other: &[ScalarValue]) -> Ordering {
    let by_column = one.iter().zip(other).map(|(one, other)| match (one.is_null(), other.is_null()) {
        (false, false) => one.partial_cmp(other).unwrap_or(Ordering::Equal),
        (one, other) => one.cmp(&other),
    });
    by_column.fold(Ordering::Equal, Ordering::then)
}

fn partition_value(file: &DataFile, field: &Field) -> Result<ScalarValue> {
    match file.partition.get(field.name()).cloned().flatten() {
        Some(text) => ScalarValue::try_from_string(text, field.data_type()),
        None => ScalarValue::try_from(field.data_type()),
    }
}

/// What is known of each file without opening it, in the shape that pruning asks for.
struct FileStatistics<'a> {
    files: Vec<&'a DataFile>,
    parsed: Vec<serde_json::Value>,
    schema: SchemaRef,
}

impl<'a> FileStatistics<'a> {
    fn new(files: Vec<&'a DataFile>, schema: &SchemaRef) -> Self {
        let parse = |file: &&DataFile| {
            file.statistics.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
        };
        Self { parsed: files.iter().map(parse).collect(), files, schema: Arc::clone(schema) }
    }

    /// Without what is known of other columns.
    fn of_partitions(files: Vec<&'a DataFile>, schema: &SchemaRef) -> Self {
        Self { parsed: vec![serde_json::Value::Null; files.len()], files, schema: Arc::clone(schema) }
    }

    fn kept(self, predicate: &PruningPredicate) -> Result<Vec<&'a DataFile>> {
        let keep = predicate.prune(&self)?;
        Ok(self.files.into_iter().zip(keep).filter_map(|(file, keep)| keep.then_some(file)).collect())
    }

    fn values(&self, column: &Column, bound: &str) -> Option<ArrayRef> {
        let field = self.schema.field_with_name(&column.name).ok()?;
        let null = ScalarValue::try_from(field.data_type()).ok()?;
        let scalars = self.files.iter().zip(&self.parsed).map(|(file, parsed)| {
            if file.partition.contains_key(&column.name) {
                return partition_value(file, field).unwrap_or_else(|_| null.clone());
            }
            let text = match parsed.get(bound).and_then(|bounds| bounds.get(&column.name)) {
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(serde_json::Value::Null) | None => return null.clone(),
                Some(other) => other.to_string(),
            };
            ScalarValue::try_from_string(text, field.data_type()).unwrap_or_else(|_| null.clone())
        });
        ScalarValue::iter_to_array(scalars).ok().filter(|array| array.data_type() != &DataType::Null)
    }
}

impl PruningStatistics for FileStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, "minValues")
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, "maxValues")
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, _column: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        None
    }

    fn contained(&self, _column: &Column, _values: &std::collections::HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::physical_plan::{ExecutionPlanProperties, displayable};
    use datafusion::prelude::SessionContext;
    use datafusion_proto::bytes::{
        physical_plan_from_bytes_with_extension_codec, physical_plan_to_bytes_with_extension_codec,
    };

    use super::*;
    use crate::engine::write::{WriteExec, WriteSpec, written_files};
    use crate::engine::{Engine, FleetCodec, runtime, session_config, session_state, shippable};
    use crate::storage::{Folder, Stores};

    /// A session of three parts, in which both sides of a join are shared out.
    fn context() -> SessionContext {
        let config = session_config(3)
            .set_usize("datafusion.optimizer.hash_join_single_partition_threshold", 0)
            .set_usize("datafusion.optimizer.hash_join_single_partition_threshold_rows", 0);
        SessionContext::new_with_state(session_state(config, runtime(Stores::new()).unwrap()).unwrap())
    }

    /// Writes a file of each day.
    fn by_day(folder: &str) -> WriteSpec {
        WriteSpec {
            folder: folder.to_owned(),
            partition_columns: vec!["day".to_owned()],
            fingerprints: BTreeMap::new(),
            fingerprint: "test".to_owned(),
            short_lived: false,
        }
    }

    /// Registers a table of rows (day, tail, value), of which each day is a file.
    async fn register(context: &SessionContext, folder: &std::path::Path, name: &str, rows: &str) {
        let place = folder.join(name).to_string_lossy().into_owned();
        let plan = context.sql(rows).await.unwrap().create_physical_plan().await.unwrap();
        let schema = plan.schema();
        let write = WriteExec::together(plan, by_day(&place), 3).unwrap();
        let written = datafusion::physical_plan::collect(Arc::new(write), context.task_ctx()).await.unwrap();
        let snapshot = Snapshot {
            table: format!("test.{name}").parse().unwrap(),
            folder: Folder::parse(&place).unwrap(),
            version: 0,
            schema,
            partition_columns: vec!["day".to_owned()],
            files: written_files(&written).unwrap(),
            recorded: serde_json::Value::Null,
        };
        context.register_table(name, Arc::new(SnapshotTable::new(Arc::new(snapshot)))).unwrap();
    }

    /// The query's plan, and the sums of its columns.
    async fn asked(context: &SessionContext, sql: &str) -> (String, Vec<i64>) {
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let text = displayable(plan.as_ref()).indent(false).to_string();
        let batches = datafusion::physical_plan::collect(plan, context.task_ctx()).await.unwrap();
        let sum = |column: usize| -> i64 {
            batches.iter().flat_map(|batch| batch.column(column).as_primitive::<Int64Type>().iter().flatten()).sum()
        };
        (text, (0..batches[0].num_columns()).map(sum).collect())
    }

    #[tokio::test]
    async fn what_is_grouped_or_joined_by_partition_needs_no_exchange() {
        let folder = tempfile::tempdir().unwrap();
        let context = context();
        // 90 days and one that is null; of each, rows of 10 tails.
        let rows = "select nullif(cast('2026-01-01' as date) + cast(value % 91 as int), date '2026-01-05') as day,
                    value % 10 as tail, value from generate_series(0, 9099)";
        register(&context, folder.path(), "flights", rows).await;
        register(&context, folder.path(), "events", rows).await;
        let grouped =
            "select count(*), sum(rows) from (select day, tail, count(*) as rows from flights group by day, tail)";
        let (plan, sums) = asked(&context, grouped).await;
        assert_eq!(sums, [910, 9100]);
        assert!(!plan.contains("RepartitionExec"), "{plan}");
        assert!(plan.contains("output_partitioning=Hash([day@"), "{plan}");

        let joined = "select count(*), sum(f.value - e.value) from flights f join events e on f.day = e.day";
        let (plan, sums) = asked(&context, joined).await;
        assert_eq!(sums, [90 * 100 * 100, 0], "all but the rows of no day");
        assert!(plan.contains("mode=Partitioned") && !plan.contains("RepartitionExec"), "{plan}");
        // Shared out by an exchange, a day's rows are where its files are.
        let counted = "select count(*), sum(f.rows) from (select day, count(*) as rows from flights group by day) f
                       join (select date '2026-01-01' + cast(value as int) as day from generate_series(0, 90)) d on f.day = d.day";
        let (plan, sums) = asked(&context, counted).await;
        assert_eq!(sums, [90, 9000]);
        assert!(plan.contains("mode=Partitioned") && plan.contains("RepartitionExec"), "{plan}");
        // Without the day in its rows, a scan says nothing of it.
        let (plan, sums) = asked(
            &context,
            "select count(*), sum(rows) from (select tail, count(*) as rows from flights group by tail)",
        )
        .await;
        assert_eq!(sums, [10, 9100]);
        assert!(!plan.contains("output_partitioning=Hash"), "{plan}");
    }

    #[tokio::test]
    async fn what_is_grouped_by_partition_is_written_a_partition_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let context = context();
        let rows = "select nullif(cast('2026-01-01' as date) + cast(value % 91 as int), date '2026-01-05') as day,
                    value % 10 as tail, value from generate_series(0, 9099)";
        register(&context, folder.path(), "flights", rows).await;
        register(&context, folder.path(), "events", rows).await;
        register(&context, folder.path(), "samples", &format!("select * from ({rows}) where value < 0")).await;
        let of = |table| format!("select day, tail, count(*) as rows from {table} group by day, tail");
        let one = format!("{} union all {}", of("flights"), of("samples"));
        let both = format!("{} union all {}", of("flights"), of("events"));
        let all_days = format!("{} union all select null, 1, 1", of("flights"));
        for (name, sql, is_exchanged, rows) in [
            ("flights", of("flights"), false, 910),
            ("one", one, false, 910),
            ("both", both, false, 1820),
            ("all_days", all_days, true, 911),
        ] {
            let plan = context.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
            let spec = by_day(&folder.path().join("written").join(name).to_string_lossy());
            let plan: Arc<dyn ExecutionPlan> = Arc::new(WriteExec::together(plan, spec, 3).unwrap());
            // As an executor sees it, which knows of the files only what travels with the plan.
            let codec = FleetCodec::default();
            let plan = shippable(plan).unwrap();
            let bytes = physical_plan_to_bytes_with_extension_codec(plan, &codec).unwrap();
            let plan = physical_plan_from_bytes_with_extension_codec(&bytes, &context.task_ctx(), &codec).unwrap();
            let text = displayable(plan.as_ref()).indent(false).to_string();
            assert_eq!(text.contains("RepartitionExec"), is_exchanged, "{text}");
            assert_eq!(text.contains("SortExec"), is_exchanged, "{text}");
            assert!(text.contains("ordering_mode=PartiallySorted([0])"), "{text}");
            let written = datafusion::physical_plan::collect(plan, context.task_ctx()).await.unwrap();
            let files = written_files(&written).unwrap();
            assert_eq!((files.len(), files.iter().map(|file| file.rows).sum::<u64>()), (91, rows), "one file a day");
        }
    }

    #[tokio::test]
    async fn what_is_computed_a_partition_at_a_time_is_cut_into_as_many_parts_as_need_no_exchange() {
        let folder = tempfile::tempdir().unwrap();
        let context = context();
        let rows = "select date '2026-01-01' + cast(value % 91 as int) as day, value % 10 as tail, value
                    from generate_series(0, 9099)";
        register(&context, folder.path(), "flights", rows).await;
        // Tasks so small that there are as many as there can be.
        let smallest = (0..12).fold(Engine::in_process(context.state()), |engine, _| engine.with_smaller_tasks());
        let engine = smallest.with_partitions(2);
        let cut = async |columns: &str| {
            let sql = format!("select {columns}, count(*) as rows from flights group by {columns}");
            let query = context.state().create_logical_plan(&sql).await.unwrap();
            let plan = engine.plan(&context, "test", &query).await.unwrap();
            let text = displayable(plan.as_ref()).indent(false).to_string();
            (plan.output_partitioning().partition_count(), text)
        };
        let (parts, plan) = cut("day, tail").await;
        assert!((3..91).contains(&parts) && !plan.contains("RepartitionExec"), "{plan}");
        let (parts, plan) = cut("tail").await;
        assert!(parts == 256 && plan.contains("RepartitionExec"), "{plan}");
    }

    #[tokio::test]
    async fn few_or_uneven_partitions_are_read_as_they_come() {
        let folder = tempfile::tempdir().unwrap();
        let context = context();
        register(
            &context,
            folder.path(),
            "two",
            "select value % 2 as day, value % 10 as tail, value from generate_series(1, 1000)",
        )
        .await;
        let uneven = "select case when value < 90000 then 0 else value % 50 end as day, value % 10 as tail, value * 7919 % 100000 as value
                      from generate_series(1, 100000)";
        register(&context, folder.path(), "uneven", uneven).await;
        for (table, groups) in [("two", 20), ("uneven", 60)] {
            let sql =
                format!("select count(*) from (select day, tail, count(*) as rows from {table} group by day, tail)");
            let (plan, sums) = asked(&context, &sql).await;
            assert!(!plan.contains("output_partitioning=Hash"), "{plan}");
            assert!(sums[0] > 1 && sums[0] <= groups, "{table}: {sums:?}");
        }
    }
}
