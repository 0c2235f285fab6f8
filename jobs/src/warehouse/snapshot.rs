//! One committed version of a table: its schema, its files, and what its last commit says of itself.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use datafusion::arrow::datatypes::SchemaRef;
use deltalake_core::kernel::{EagerSnapshot, Version};
use deltalake_core::logstore::LogStore;

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
            recorded: serde_json::Value::Null,
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
