//! A snapshot as a table that DataFusion scans: an ordinary Parquet scan over the snapshot's own file list.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
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
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};
use datafusion::physical_plan::ExecutionPlan;

use super::{DataFile, Snapshot};

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
        let mut groups: Vec<FileGroup> = FileGroup::new(files).split_files(state.config().target_partitions());
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
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
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
