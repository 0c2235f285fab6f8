//! One committed version of a table: its schema, its files, and what its last commit says of itself.

use std::collections::BTreeSet;

use datafusion::arrow::datatypes::SchemaRef;
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::{EagerSnapshot, Version};
use deltalake_core::logstore::LogStore;

use super::{PartitionValues, TableName};
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
}

impl Snapshot {
    pub(super) async fn load(
        table: &TableName,
        folder: Folder,
        log: &dyn LogStore,
        version: Option<Version>,
    ) -> Result<Self> {
        let state = EagerSnapshot::try_new(log, version).await.map_err(Error::delta(table))?;
        let files = state.log_data().into_iter().map(|view| DataFile {
            path: view.path().into_owned(),
            size_bytes: u64::try_from(view.size()).unwrap_or(0),
            rows: view.num_records().unwrap_or(0) as u64,
            partition: view.partition_values_map().into_iter().collect(),
            statistics: view.stats(),
            modified_ms: view.modification_time(),
        });
        let mut files: Vec<DataFile> = files.collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self {
            table: table.clone(),
            folder,
            version: state.version(),
            schema: state.arrow_schema(),
            partition_columns: state.metadata().partition_columns().to_vec(),
            files,
            recorded: recorded(log, state.version()).await.map_err(Error::delta(table))?,
        })
    }

    /// A table that was never committed.
    pub fn empty(table: TableName, folder: Folder, schema: SchemaRef) -> Self {
        let recorded = serde_json::Value::Null;
        Self { table, folder, version: 0, schema, partition_columns: Vec::new(), files: Vec::new(), recorded }
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

/// The `fleet` entry of the commit info of a version; null where another writer made the commit.
pub(super) async fn recorded(log: &dyn LogStore, version: Version) -> Result<serde_json::Value, DeltaTableError> {
    let mut actions = actions(log, version).await?.into_iter();
    let info = actions.find_map(|mut action| action.get_mut("commitInfo").map(serde_json::Value::take));
    Ok(info.and_then(|mut info| info.get_mut("fleet").map(serde_json::Value::take)).unwrap_or_default())
}

/// The paths of the files that a version added.
pub(super) async fn added(log: &dyn LogStore, version: Version) -> Result<BTreeSet<String>, DeltaTableError> {
    let actions = actions(log, version).await?;
    let path = |action: &serde_json::Value| Some(action.get("add")?.get("path")?.as_str()?.to_owned());
    Ok(actions.iter().filter_map(path).collect())
}

async fn actions(log: &dyn LogStore, version: Version) -> Result<Vec<serde_json::Value>, DeltaTableError> {
    let Some(bytes) = log.read_commit_entry(version).await? else { return Ok(Vec::new()) };
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
}
