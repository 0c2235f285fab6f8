//! Committing: one atomic Delta commit of what the executors wrote.

use std::collections::{BTreeSet, HashMap};

use datafusion::arrow::datatypes::SchemaRef;
use deltalake_core::DeltaTable;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitData, TransactionError};
use deltalake_core::kernel::{Action, Add, Protocol, Remove, StructType, Transaction, Version, new_metadata};
use deltalake_core::logstore::{CommitOrBytes, LogStore};
use deltalake_core::protocol::{DeltaOperation, SaveMode, checkpoints};

use super::{DataFile, Snapshot, TableName, Warehouse};
use crate::{Error, Result};

/// A checkpoint is written after this many commits, and after one of many files, so that loading a table stays one read.
const COMMITS_PER_CHECKPOINT: Version = 20;
const FILES_PER_CHECKPOINT: usize = 500;

/// One change of a table.
pub struct Commit<'a> {
    pub table: &'a TableName,
    /// What the change was computed against. The commit goes through only if it is still the latest.
    pub base: Option<&'a Snapshot>,
    pub schema: SchemaRef,
    pub partition_columns: Vec<String>,
    pub replace: Replace,
    pub files: Vec<DataFile>,
    /// Kept in the commit info under the key `fleet`.
    pub record: serde_json::Value,
}

/// Which committed files the new ones take the place of.
pub enum Replace {
    All,
    /// The partitions with these values of the (single) partition column.
    Partitions(BTreeSet<Option<String>>),
    None,
}

impl Warehouse {
    /// Commits, and gives the new version; none if another writer committed first.
    ///
    /// A change that neither adds nor removes anything is not written: the version stays what it was.
    pub async fn commit(&self, commit: Commit<'_>) -> Result<Option<Version>> {
        let removed = commit.removed();
        if let Some(base) = commit.base
            && commit.files.is_empty()
            && removed.is_empty()
            && base.schema == commit.schema
            && ["empty", "fingerprint"].iter().all(|key| base.recorded[key] == commit.record[key])
        {
            return Ok(Some(base.version));
        }
        let table = commit.table;
        self.guard.check(table).await?;
        let log = self.log(table)?;
        let version = commit.base.map_or(0, |base| base.version + 1);
        let many = removed.len() + commit.files.len() >= FILES_PER_CHECKPOINT;
        let actions = commit.actions(removed, version)?;
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: (!commit.partition_columns.is_empty()).then(|| commit.partition_columns.clone()),
            predicate: None,
        };
        let info = HashMap::from([("fleet".to_owned(), commit.record)]);
        let data = CommitData::new(actions, operation, info, Vec::new());
        let bytes = data.get_bytes().map_err(|error| Error::delta(table)(error.into()))?;
        match log.write_commit_entry(version, CommitOrBytes::LogBytes(bytes), uuid::Uuid::new_v4()).await {
            Ok(()) => {}
            Err(TransactionError::VersionAlreadyExists(_)) => return Ok(None),
            Err(error) => return Err(Error::delta(table)(error.into())),
        }
        if many || (version > 0 && version.is_multiple_of(COMMITS_PER_CHECKPOINT)) {
            checkpoint(log, version, table).await;
        }
        Ok(Some(version))
    }
}

impl Commit<'_> {
    fn removed(&self) -> Vec<&DataFile> {
        let files = self.base.map_or(&[][..], |base| &base.files);
        match &self.replace {
            Replace::None => Vec::new(),
            Replace::All => files.iter().collect(),
            Replace::Partitions(values) => {
                let column = self.partition_columns.first();
                let value = |file: &DataFile| column.and_then(|column| file.partition.get(column).cloned().flatten());
                files.iter().filter(|file| values.contains(&value(file))).collect()
            }
        }
    }

    fn actions(&self, removed: Vec<&DataFile>, version: Version) -> Result<Vec<Action>> {
        let now = chrono::Utc::now().timestamp_millis();
        let mut actions = Vec::with_capacity(self.files.len() + removed.len() + 3);
        if self.base.is_none() {
            actions.push(Action::Protocol(protocol(self.table)?));
        }
        let is_as_before =
            |base: &Snapshot| base.schema == self.schema && base.partition_columns == self.partition_columns;
        if !self.base.is_some_and(is_as_before) {
            let schema: StructType =
                self.schema.as_ref().try_into_kernel().map_err(|error: datafusion::arrow::error::ArrowError| {
                    Error::invalid(self.table.to_string(), error.to_string())
                })?;
            let metadata = new_metadata(&schema, self.partition_columns.iter(), std::iter::empty::<(String, String)>())
                .map_err(|error| Error::delta(self.table)(error.into()))?;
            actions.push(Action::Metadata(metadata));
        }
        let app_id = format!("fleet/{}", self.table);
        let transaction = i64::try_from(version).unwrap_or(i64::MAX);
        actions.push(Action::Txn(Transaction::new_with_last_update(app_id, transaction, Some(now))));
        actions.extend(removed.into_iter().map(|file| Action::Remove(remove(file, now))));
        actions.extend(self.files.iter().map(|file| Action::Add(add(file))));
        Ok(actions)
    }
}

fn protocol(table: &TableName) -> Result<Protocol> {
    let value = serde_json::json!({ "minReaderVersion": 1, "minWriterVersion": 2 });
    serde_json::from_value(value).map_err(|error| Error::delta(table)(error.into()))
}

fn add(file: &DataFile) -> Add {
    Add {
        path: file.path.clone(),
        partition_values: file.partition.clone().into_iter().collect(),
        size: i64::try_from(file.size_bytes).unwrap_or(i64::MAX),
        modification_time: file.modified_ms,
        data_change: true,
        stats: file.statistics.clone(),
        ..Add::default()
    }
}

fn remove(file: &DataFile, now: i64) -> Remove {
    Remove {
        path: file.path.clone(),
        data_change: true,
        deletion_timestamp: Some(now),
        extended_file_metadata: Some(true),
        partition_values: Some(file.partition.clone().into_iter().collect()),
        size: i64::try_from(file.size_bytes).ok(),
        ..Remove::default()
    }
}

/// A checkpoint only speeds up reading: one that fails is logged, and the commit stands.
async fn checkpoint(log: deltalake_core::logstore::LogStoreRef, version: Version, table: &TableName) {
    let mut state = DeltaTable::new(log);
    let made = match state.load_version(version).await {
        Ok(()) => checkpoints::create_checkpoint(&state, None).await,
        Err(error) => Err(error),
    };
    if let Err(error) = made {
        tracing::warn!(%table, version, %error, "no checkpoint written");
    }
}
