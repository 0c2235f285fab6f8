//! A table's log, read by the entry: what a commit recorded of itself, what it added, and what changed since a version.
//!
//! Whole tables are loaded by delta-rs. Between two looks at a table, though, mostly nothing or one commit came, and to load
//! years of files for it would be most of the time of a small run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deltalake_core::kernel::{Add, Remove, Version};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde_json::Value;

use super::snapshot::rows_of;
use super::{DataFile, Snapshot};
use crate::storage::{Folder, Stores};
use crate::{Error, Result};

/// So many commits later a table is loaded anew: it has a checkpoint by then.
const ENTRIES_MAX: usize = 20;

/// The folder `_delta_log` of a table.
pub(super) struct Log {
    folder: Folder,
    path: Path,
    store: Arc<dyn ObjectStore>,
}

/// A commit's entry.
pub(super) struct Entry {
    actions: Vec<Value>,
    /// Tells this entry from another one in the same place, of a table that was made anew.
    pub tag: Option<String>,
}

/// A snapshot, and the tag of its version's entry; without one it is loaded at each look.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub snapshot: Arc<Snapshot>,
    pub tag: Option<String>,
}

impl Entry {
    /// What was recorded under the key `fleet`; null where another writer made the commit.
    pub fn recorded(&self) -> Value {
        let recorded =
            self.actions.iter().find_map(|action| action.get("commitInfo")).and_then(|info| info.get("fleet"));
        recorded.cloned().unwrap_or_default()
    }

    /// The paths of the files that were added.
    pub fn added(&self) -> BTreeSet<String> {
        let path = |action: &Value| Some(action.get("add")?.get("path")?.as_str()?.to_owned());
        self.actions.iter().filter_map(path).collect()
    }

    /// The snapshot with this entry's changes; none where they are more than files that come and go.
    fn applied_to(&self, snapshot: &Snapshot) -> Option<Snapshot> {
        let (mut added, mut removed) = (BTreeMap::new(), BTreeSet::new());
        for action in &self.actions {
            let (kind, what) = action.as_object()?.iter().next()?;
            match kind.as_str() {
                "add" => {
                    let file = data_file(serde_json::from_value(what.clone()).ok()?)?;
                    added.insert(file.path.clone(), file);
                }
                "remove" => {
                    let file: Remove = serde_json::from_value(what.clone()).ok()?;
                    removed.insert(file.path);
                }
                "commitInfo" | "txn" => {}
                _ => return None,
            }
        }
        let stays = |file: &&DataFile| !removed.contains(&file.path) && !added.contains_key(&file.path);
        let mut files: Vec<DataFile> = snapshot.files.iter().filter(stays).cloned().collect();
        files.extend(added.into_values());
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Some(Snapshot { version: snapshot.version + 1, files, recorded: self.recorded(), ..snapshot.clone() })
    }
}

/// A file as its commit tells of it; none where rows of it are deleted, which delta-rs is to judge.
fn data_file(add: Add) -> Option<DataFile> {
    if add.deletion_vector.is_some() {
        return None;
    }
    Some(DataFile {
        rows: add.stats.as_deref().map_or(0, rows_of),
        path: add.path,
        size_bytes: u64::try_from(add.size).unwrap_or(0),
        partition: add
            .partition_values
            .into_iter()
            .map(|(name, value)| (name, value.filter(|text| !text.is_empty())))
            .collect(),
        statistics: add.stats,
        modified_ms: add.modification_time,
    })
}

impl Log {
    pub fn new(table: &Folder, stores: &Stores) -> Result<Self> {
        let folder = table.join("_delta_log");
        Ok(Self { path: folder.path()?, store: folder.store(stores)?, folder })
    }

    /// Whether the table was ever committed.
    pub async fn exists(&self) -> Result<bool> {
        let first = self.store.list(Some(&self.path)).try_next().await.map_err(Error::storage(&self.folder))?;
        Ok(first.is_some())
    }

    /// The entry of a version; empty where it is gone, or cannot be read, which delta-rs is to judge.
    pub async fn entry(&self, version: Version) -> Result<Entry> {
        let read = async {
            let found = self.store.get(&self.place(version)).await?;
            let tag = found.meta.e_tag.clone();
            Ok((tag, found.bytes().await?))
        };
        match read.await {
            Ok((tag, bytes)) => {
                let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                Ok(Entry {
                    actions: lines.map(serde_json::from_slice).collect::<Result<_, _>>().unwrap_or_default(),
                    tag,
                })
            }
            Err(object_store::Error::NotFound { .. }) => Ok(Entry { actions: Vec::new(), tag: None }),
            Err(error) => Err(Error::storage(&self.folder)(error)),
        }
    }

    /// The table as it is now, from what it was; none where it is to be loaded.
    pub async fn since(&self, known: &Known) -> Result<Option<Known>> {
        // Just before the entry, and after the checkpoint of its version.
        let before = self.path.clone().join(format!("{:020}.j", known.snapshot.version));
        let listed = self.store.list_with_offset(Some(&self.path), &before);
        let listed: Vec<ObjectMeta> = listed.try_collect().await.map_err(Error::storage(&self.folder))?;
        let entries: BTreeMap<Version, ObjectMeta> =
            listed.into_iter().filter_map(|object| Some((version_of(&object.location)?, object))).collect();
        let same = entries.get(&known.snapshot.version).is_some_and(|entry| entry.e_tag == known.tag);
        if known.tag.is_none() || !same || entries.len() > ENTRIES_MAX {
            return Ok(None);
        }
        let mut now = known.clone();
        for version in entries.into_keys().skip(1) {
            let entry = self.entry(version).await?;
            if version != now.snapshot.version + 1 || entry.actions.is_empty() {
                return Ok(None);
            }
            let Some(snapshot) = entry.applied_to(&now.snapshot) else { return Ok(None) };
            now = Known { snapshot: Arc::new(snapshot), tag: entry.tag };
        }
        Ok(Some(now))
    }

    fn place(&self, version: Version) -> Path {
        self.path.clone().join(format!("{version:020}.json"))
    }
}

fn version_of(path: &Path) -> Option<Version> {
    path.filename()?.strip_suffix(".json")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
    use serde_json::json;

    use super::*;
    use crate::warehouse::{Commit, Replace, TableName, Warehouse};

    fn schema(columns: &[&str]) -> SchemaRef {
        Arc::new(Schema::new(columns.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect::<Vec<_>>()))
    }

    fn file(name: &str, day: Option<&str>, rows: u64) -> DataFile {
        DataFile {
            path: format!("day={}/{name}.parquet", day.unwrap_or("__HIVE_DEFAULT_PARTITION__")),
            size_bytes: 10 * rows,
            rows,
            partition: BTreeMap::from([("day".to_owned(), day.map(str::to_owned))]),
            statistics: Some(json!({ "numRecords": rows, "minValues": { "value": name } }).to_string()),
            modified_ms: 1_700_000_000_000,
        }
    }

    fn warehouse(folder: &Path) -> Warehouse {
        Warehouse::new(Folder::parse(&folder.to_string_lossy()).unwrap(), Stores::new())
    }

    /// One writer's commit of a file in the place of those of its day.
    async fn commit(warehouse: &Warehouse, table: &TableName, columns: &[&str], file: DataFile) {
        let base = warehouse.snapshot(table).await.unwrap();
        let commit = Commit {
            table,
            base: base.as_deref(),
            schema: schema(columns),
            partition_columns: vec!["day".to_owned()],
            replace: Replace::Partitions(BTreeSet::from([file.partition["day"].clone()])),
            record: json!({ "run_id": file.path }),
            files: vec![file],
        };
        assert!(warehouse.commit(commit).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn what_is_known_of_a_table_is_what_a_newcomer_reads() {
        let folder = tempfile::tempdir().unwrap();
        let table = TableName::new("source", "flights");
        let (known, other) = (warehouse(folder.path()), warehouse(folder.path()));
        let seen = async |what: &str| {
            let read = warehouse(folder.path()).snapshot(&table).await.unwrap();
            let seen = known.snapshot(&table).await.unwrap();
            assert_eq!(format!("{seen:?}"), format!("{read:?}"), "{what}");
            seen
        };
        assert!(seen("never committed").await.is_none());
        commit(&other, &table, &["day", "value"], file("a b%c", Some("2026-01-01"), 3)).await;
        let first = seen("first commit").await.unwrap();
        assert!(Arc::ptr_eq(&first, &seen("nothing new").await.unwrap()));
        commit(&known, &table, &["day", "value"], file("own", Some("2026-01-02"), 4)).await;
        seen("its own commit").await;
        commit(&other, &table, &["day", "value"], file("later", Some("2026-01-01"), 5)).await;
        commit(&other, &table, &["day", "value"], file("null", None, 6)).await;
        seen("two commits of another").await;
        commit(&other, &table, &["day", "value", "more"], file("wider", Some("2026-01-03"), 7)).await;
        assert_eq!(seen("other columns").await.unwrap().schema.fields().len(), 3);
        for day in 10..30 {
            commit(&other, &table, &["day", "value", "more"], file("many", Some(&format!("2026-02-{day}")), 1)).await;
        }
        let last = seen("a checkpoint, and many commits").await.unwrap();

        // Made anew, and committed as often.
        std::fs::remove_dir_all(folder.path().join("source")).unwrap();
        assert!(seen("deleted").await.is_none());
        for day in 0..=last.version {
            commit(&other, &table, &["day", "value", "more"], file("anew", Some(&format!("2025-01-{day}")), 1)).await;
        }
        assert_eq!(seen("made anew").await.unwrap().version, last.version);
    }
}
