//! One committed version of a table: its schema, its files, and what its last commit says of itself.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use datafusion::arrow::array::{Array, AsArray, MapArray, RecordBatch};
use datafusion::arrow::datatypes::{Int64Type, SchemaRef};
use deltalake_core::DeltaResult;
use deltalake_core::kernel::engine::arrow_data::EngineDataArrowExt;
use deltalake_core::kernel::{self, Version};
use deltalake_core::logstore::LogStore;
use futures::TryStreamExt;
use object_store::path::Path;

use super::{PartitionValues, TableName};
use crate::catalog::Interval;
use crate::storage::Folder;
use crate::{Error, Result};

/// A table at one version. Cheap to keep: it holds names and sizes of files, not rows.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub table: TableName,
    pub folder: Folder,
    pub version: Version,
    pub schema: SchemaRef,
    pub partition_columns: Vec<String>,
    pub files: Vec<DataFile>,
    /// What the commit of this version recorded under the key `fleet`.
    pub recorded: serde_json::Value,
}

/// A committed Parquet file. `path` is relative to the table's folder.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DataFile {
    pub path: String,
    pub size_bytes: u64,
    pub rows: u64,
    pub partition: PartitionValues,
    /// Minima and maxima as Delta writes them, where known.
    pub statistics: Option<String>,
    pub modified_ms: i64,
}

impl DataFile {
    /// The fingerprint of what the file was computed from, which its name begins with.
    pub fn fingerprint(&self) -> Option<&str> {
        self.path.rsplit('/').next()?.split_once('-').map(|(fingerprint, _)| fingerprint)
    }

    /// From the first date in a DATE column to the last, where its statistics say.
    pub fn dates(&self, column: &str) -> Option<Interval> {
        let statistics: serde_json::Value = serde_json::from_str(self.statistics.as_deref()?).ok()?;
        let bound = |bound: &str| statistics[bound][column].as_str()?.parse::<NaiveDate>().ok();
        Some(Interval { from: bound("minValues")?, to: bound("maxValues")?.succ_opt()? })
    }
}

impl Snapshot {
    /// Loads a table, but for what its commit recorded.
    pub(super) async fn load(
        table: &TableName,
        folder: Folder,
        log: &dyn LogStore,
        version: Option<Version>,
    ) -> Result<Self> {
        let (state, mut files) = read(log, version).await.map_err(Error::delta(table))?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self {
            table: table.clone(),
            folder,
            version: state.version(),
            schema: state.arrow_schema(),
            partition_columns: state.metadata().partition_columns().to_vec(),
            files,
            recorded: serde_json::Value::Null,
        })
    }

    /// A table that was never committed.
    pub fn empty(table: TableName, folder: Folder, schema: SchemaRef, partition_columns: Vec<String>) -> Self {
        let recorded = serde_json::Value::Null;
        Self { table, folder, version: 0, schema, partition_columns, files: Vec::new(), recorded }
    }

    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// The values that the (single) partition column takes, in order.
    pub fn partitions(&self) -> BTreeSet<Option<String>> {
        let Some(column) = self.partition_columns.first() else { return BTreeSet::new() };
        self.files.iter().map(|file| file.partition.get(column).cloned().flatten()).collect()
    }
}

/// A version of a log, and its files with their statistics as they were written: few are ever asked for.
async fn read(log: &dyn LogStore, version: Option<Version>) -> DeltaResult<(kernel::Snapshot, Vec<DataFile>)> {
    let state = kernel::Snapshot::try_new(log, version).await?;
    let mut found = state.scan_builder().build()?.scan_metadata(log.engine(None));
    let mut files = Vec::new();
    while let Some(found) = found.try_next().await? {
        files.extend(data_files(&found.scan_files.apply_selection_vector()?.try_into_record_batch()?));
    }
    Ok((state, files))
}

/// The files of a batch of the log, as delta-kernel lays it out.
fn data_files(batch: &RecordBatch) -> Vec<DataFile> {
    let (path, size, modified, statistics) = (
        batch["path"].as_string::<i32>(),
        batch["size"].as_primitive::<Int64Type>(),
        batch["modificationTime"].as_primitive::<Int64Type>(),
        batch["stats"].as_string::<i32>(),
    );
    let constants = batch["fileConstantValues"].as_struct();
    let partitions = constants["partitionValues"].as_map();
    let file = |row: usize| {
        let statistics = statistics.is_valid(row).then(|| statistics.value(row).to_owned());
        DataFile {
            path: Path::from_url_path(path.value(row)).map_or_else(|_| path.value(row).to_owned(), String::from),
            size_bytes: u64::try_from(size.value(row)).unwrap_or(0),
            rows: statistics.as_deref().map_or(0, rows_of),
            partition: partition_values(partitions, row),
            statistics,
            modified_ms: modified.value(row),
        }
    };
    (0..batch.num_rows()).map(file).collect()
}

fn partition_values(partitions: &MapArray, row: usize) -> PartitionValues {
    let entries = partitions.value(row);
    let (names, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
    let value = |(name, value): (Option<&str>, Option<&str>)| {
        Some((name?.to_owned(), value.filter(|text| !text.is_empty()).map(str::to_owned)))
    };
    names.iter().zip(values).filter_map(value).collect()
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rows {
    num_records: u64,
}

/// How many rows a file has by its statistics; none where they do not say.
pub(super) fn rows_of(statistics: &str) -> u64 {
    serde_json::from_str(statistics).map_or(0, |Rows { num_records }| num_records)
}
