//! The tables: one Delta Lake table per source and model, below one root folder.
//!
//! **Invariant:** a table changes only by [`Warehouse::commit`], once a step, against the snapshot that the step read.
//! Files are named for the fingerprint of what they were computed from, so that a snapshot alone says whether
//! a partition is up to date.

mod commit;
mod log;
mod provider;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datafusion::common::TableReference;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use object_store::prefix::PrefixStore;

pub use commit::{Commit, Replace};
pub use provider::SnapshotTable;
pub use snapshot::{DataFile, Snapshot};

use log::{Entry, Known, Log};

use crate::storage::{Folder, Stores};
use crate::{Error, Result};

/// A table's schema and name: `reliability.component`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TableName {
    pub schema: String,
    pub name: String,
}

impl TableName {
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// The name as DataFusion takes it.
    pub fn reference(&self) -> TableReference {
        TableReference::partial(self.schema.as_str(), self.name.as_str())
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

impl From<TableName> for String {
    fn from(name: TableName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for TableName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let word = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        match text.split_once('.') {
            Some((schema, name)) if word(schema) && word(name) => Ok(Self::new(schema, name)),
            _ => Err(format!("`{text}` is not a table name, expected schema.table in lowercase")),
        }
    }
}

impl std::str::FromStr for TableName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::try_from(text.to_owned()).map_err(|problem| Error::invalid("table", problem))
    }
}

/// The values of the partition columns, as Delta writes them (text, or null).
pub type PartitionValues = BTreeMap<String, Option<String>>;

/// All tables under one root folder.
#[derive(Clone, Debug)]
pub struct Warehouse {
    root: Folder,
    stores: Arc<Stores>,
    guard: Guard,
    /// The tables as they were last seen.
    known: Arc<Mutex<HashMap<TableName, Known>>>,
}

/// Asked before each commit whether this process may still change tables.
#[derive(Clone)]
pub struct Guard(Arc<dyn Fn() -> Leave + Send + Sync>);

/// What a guard says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    Given,
    /// It will be given or refused soon.
    Undecided,
    Refused,
}

/// How often a guard that is undecided is asked.
const GUARD_EVERY: Duration = Duration::from_millis(100);

impl Guard {
    pub fn new(leave: impl Fn() -> Leave + Send + Sync + 'static) -> Self {
        Self(Arc::new(leave))
    }

    /// Waits for leave. An error where it is refused; `what` is not committed then.
    pub async fn check(&self, what: impl fmt::Display) -> Result<()> {
        loop {
            match (self.0)() {
                Leave::Given => return Ok(()),
                Leave::Undecided => tokio::time::sleep(GUARD_EVERY).await,
                Leave::Refused => return Err(Error::Superseded { what: what.to_string() }),
            }
        }
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self::new(|| Leave::Given)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl Warehouse {
    pub fn new(root: Folder, stores: Arc<Stores>) -> Self {
        Self { root, stores, guard: Guard::default(), known: Arc::default() }
    }

    /// The same tables, committed to only while the guard allows it.
    pub fn guarded(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    pub fn root(&self) -> &Folder {
        &self.root
    }

    pub fn stores(&self) -> &Arc<Stores> {
        &self.stores
    }

    /// The table's folder: `<root>/<schema>/<table>/`.
    pub fn folder(&self, table: &TableName) -> Folder {
        self.root.join(&format!("{}/{}", table.schema, table.name))
    }

    /// The names of all tables that exist, in order.
    pub async fn tables(&self) -> Result<Vec<TableName>> {
        let store = self.root.store(&self.stores)?;
        let root = self.root.path()?;
        let listed = |path: object_store::path::Path| {
            let store = Arc::clone(&store);
            async move { store.list_with_delimiter(Some(&path)).await.map_err(Error::storage(&self.root)) }
        };
        let mut tables = Vec::new();
        for schema in listed(root).await?.common_prefixes {
            for table in listed(schema.clone()).await?.common_prefixes {
                let (Some(schema), Some(name)) = (schema.filename(), table.filename()) else { continue };
                let table = TableName::new(schema, name);
                if self.exists(&table).await? {
                    tables.push(table);
                }
            }
        }
        tables.sort();
        Ok(tables)
    }

    /// The latest committed state of a table, or none if it was never committed.
    pub async fn snapshot(&self, table: &TableName) -> Result<Option<Arc<Snapshot>>> {
        let log = self.entries(table)?;
        let known = self.known().get(table).cloned();
        let mut now = match &known {
            Some(known) => log.since(known).await?,
            None => None,
        };
        if now.is_none() {
            let loaded = self.load(table, &log, None).await?;
            now = loaded.map(|(snapshot, entry)| Known { snapshot: Arc::new(snapshot), tag: entry.tag });
        }
        let Some(now) = now else { return Ok(None) };
        let snapshot = Arc::clone(&now.snapshot);
        self.known().insert(table.clone(), now);
        Ok(Some(snapshot))
    }

    /// A table as it was at a version; none if it never was.
    pub async fn snapshot_at(&self, table: &TableName, version: u64) -> Result<Option<Snapshot>> {
        let loaded = self.load(table, &self.entries(table)?, Some(version)).await?;
        Ok(loaded.map(|(snapshot, _)| snapshot))
    }

    async fn load(&self, table: &TableName, log: &Log, version: Option<u64>) -> Result<Option<(Snapshot, Entry)>> {
        if !log.exists().await? {
            return Ok(None);
        }
        let mut snapshot = Snapshot::load(table, self.folder(table), &*self.log(table)?, version).await?;
        let entry = log.entry(snapshot.version).await?;
        snapshot.recorded = entry.recorded();
        Ok(Some((snapshot, entry)))
    }

    /// The latest version of a table, or none if it was never committed. Its files are not looked at.
    pub async fn version(&self, table: &TableName) -> Result<Option<u64>> {
        if !self.exists(table).await? {
            return Ok(None);
        }
        self.log(table)?.get_latest_version(0).await.map(Some).map_err(Error::delta(table))
    }

    /// The files that the commit of a version added, by path; none where its entry is gone.
    pub async fn added(&self, table: &TableName, version: u64) -> Result<BTreeSet<String>> {
        Ok(self.entries(table)?.entry(version).await?.added())
    }

    /// What the commit of a version recorded under the key `fleet`.
    pub async fn recorded(&self, table: &TableName, version: u64) -> Result<serde_json::Value> {
        Ok(self.entries(table)?.entry(version).await?.recorded())
    }

    async fn exists(&self, table: &TableName) -> Result<bool> {
        self.entries(table)?.exists().await
    }

    fn entries(&self, table: &TableName) -> Result<Log> {
        Log::new(&self.folder(table), &self.stores)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<TableName, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, table: &TableName) -> Result<LogStoreRef> {
        let folder = self.folder(table);
        let store = folder.store(&self.stores)?;
        let prefixed = Arc::new(PrefixStore::new(Arc::clone(&store), folder.path()?));
        Ok(default_logstore(prefixed, store, folder.url(), &StorageConfig::default()))
    }
}
