//! The first pass: every new file read once, by the executors, into a staging folder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::Int64Type;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};

use super::discover::{KnownFiles, Landing, NewFile};
use crate::engine::write::{WriteExec, WriteSpec, written_files};
use crate::landing::{FILE, LandingFile, LandingScan, OUTCOME, QUARANTINED, ROW, SourceSpec, landing_schema};
use crate::progress::Event;
use crate::run::Runner;
use crate::storage::Folder;
use crate::warehouse::{DataFile, Snapshot, TableName};
use crate::{Error, Result};

/// What a dead process left, or a commit has replaced, is removed after this time.
const ABANDONED_HOURS: i64 = 24;

/// What the first pass found.
pub(super) struct Staged {
    pub folder: Folder,
    pub rows: Snapshot,
    pub quarantined: Snapshot,
    pub files: Vec<StagedFile>,
    /// The manifest's files by which their fates were decided.
    pub decided_by: BTreeSet<String>,
}

/// A file as it was read.
#[derive(Clone, Debug)]
pub(super) struct StagedFile {
    pub file: String,
    pub sha256: String,
    pub rows_in: i64,
    pub notes: Option<String>,
    pub size_bytes: u64,
    pub modified_at: DateTime<Utc>,
    pub delivered_on: Option<NaiveDate>,
    pub fate: Fate,
    /// Whether a file of this name was ingested before.
    pub known: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its rows are merged.
    Ingested,
    /// The same content came in another file before.
    Skipped,
    /// The same content in the same file: only its modification time changed.
    Unchanged,
}

impl Staged {
    /// Of files with one content the first delivered is ingested, unless the content is known already.
    pub fn decide(&mut self, known: &KnownFiles) {
        let mut seen: BTreeSet<&str> =
            known.files.values().filter(|file| file.ingested).map(|file| file.sha256.as_str()).collect();
        for file in &mut self.files {
            file.known = known.files.contains_key(&file.file);
            file.fate = if known.files.get(&file.file).is_some_and(|known| known.sha256 == file.sha256) {
                Fate::Unchanged
            } else if seen.insert(&file.sha256) {
                Fate::Ingested
            } else {
                Fate::Skipped
            };
        }
        self.decided_by.clone_from(&known.told_by);
    }

    pub fn of(&self, fate: Fate) -> impl Iterator<Item = &StagedFile> {
        self.files.iter().filter(move |file| file.fate == fate)
    }
}

impl Runner {
    pub(super) async fn stage(&self, landing: &Landing, source: &Arc<SourceSpec>, new: Vec<NewFile>) -> Result<Staged> {
        let table = TableName::new("source", &source.name);
        let step = table.to_string();
        let folder = self.warehouse.root().join(&format!("_staging/{}-{}", source.name, uuid::Uuid::new_v4()));
        let scan = LandingScan {
            store: landing.root.store_url()?.as_str().to_owned(),
            source: source.as_ref().clone(),
            groups: balanced(new.iter().map(|file| file.file.clone()).collect(), self.engine.partitions()),
        };
        let spec = WriteSpec {
            folder: folder.to_string(),
            partition_columns: vec![OUTCOME.to_owned()],
            fingerprints: BTreeMap::new(),
            fingerprint: "staged".to_owned(),
            short_lived: true,
        };
        let plan = scan.into_plan().map_err(Error::engine(&step))?;
        let outcome = self.engine.collect(&step, Arc::new(WriteExec::new(plan, spec))).await?;
        self.progress.report(Event::Stages { step: &step, stages: &outcome.stages });
        let written = written_files(&outcome.batches).map_err(Error::engine(&step))?;
        let part = |outcome: &str| Snapshot {
            table: table.clone(),
            folder: folder.clone(),
            version: 0,
            schema: landing_schema(source),
            partition_columns: vec![OUTCOME.to_owned()],
            files: of_outcome(&written, outcome),
            recorded: serde_json::Value::Null,
        };
        let files = self.summaries(part(FILE), &new).await?;
        Ok(Staged { rows: part(ROW), quarantined: part(QUARANTINED), folder, files, decided_by: BTreeSet::new() })
    }

    async fn summaries(&self, summaries: Snapshot, new: &[NewFile]) -> Result<Vec<StagedFile>> {
        let context =
            self.over(BTreeMap::from([(TableName::new("staged", "files"), Some(Arc::new(summaries)))])).await?;
        let sql = "select _file, _sha256, _rows, _reason from staged.files";
        let by_name: BTreeMap<&str, &NewFile> = new.iter().map(|file| (file.file.name.as_str(), file)).collect();
        let mut files = Vec::new();
        for batch in self.query(&context, "staging", sql).await?.batches {
            let text = |column: usize| batch.column(column).as_string::<i32>();
            for row in 0..batch.num_rows() {
                let Some(file) = by_name.get(text(0).value(row)) else { continue };
                files.push(StagedFile {
                    file: file.file.name.clone(),
                    sha256: text(1).value(row).to_owned(),
                    rows_in: batch.column(2).as_primitive::<Int64Type>().value(row),
                    notes: text(3).is_valid(row).then(|| text(3).value(row).to_owned()),
                    size_bytes: file.file.size_bytes,
                    modified_at: file.modified_at,
                    delivered_on: file.file.delivered_on,
                    fate: Fate::Ingested,
                    known: false,
                });
            }
        }
        if files.len() != new.len() {
            return Err(Error::invalid(
                "staging",
                format!("{} files were given out, and {} came back", new.len(), files.len()),
            ));
        }
        files.sort_by(|a, b| (a.delivered_on, &a.file).cmp(&(b.delivered_on, &b.file)));
        Ok(files)
    }

    /// Removes what is below a folder. What stays is never read, so a failure only wastes space.
    pub(super) async fn remove_folder(&self, folder: &Folder) {
        if let Err(error) = self.remove(folder, |_| true).await {
            tracing::warn!(%folder, %error, "staging folder not removed");
        } else if folder.url().scheme() == "file"
            && let Ok(path) = folder.url().to_file_path()
        {
            // Empty folders are all that is left; object stores have none.
            let _ = std::fs::remove_dir_all(path);
        }
    }

    /// Removes what is below a folder and so old that nobody can be reading it, but for files of these names.
    pub(super) async fn remove_old(&self, folder: &Folder, kept: impl Iterator<Item = &str>) {
        let before = Utc::now() - chrono::Duration::hours(ABANDONED_HOURS);
        let removed = async {
            let kept = kept.map(|name| folder.path_of(name)).collect::<Result<BTreeSet<Path>>>()?;
            self.remove(folder, |file| file.last_modified < before && !kept.contains(&file.location)).await
        };
        if let Err(error) = removed.await {
            tracing::debug!(%folder, %error, "old files not removed");
        }
    }

    async fn remove(&self, folder: &Folder, which: impl Fn(&ObjectMeta) -> bool) -> Result<()> {
        let store = folder.store(self.warehouse.stores())?;
        let objects = folder.files(self.warehouse.stores()).await?;
        for object in objects.iter().filter(|object| which(object)) {
            store.delete(&object.location).await.map_err(Error::storage(folder))?;
        }
        Ok(())
    }
}

/// Files in as many groups as tasks, the largest first, each to the group that has least.
fn balanced(mut files: Vec<LandingFile>, groups: usize) -> Vec<Vec<LandingFile>> {
    files.sort_by_key(|file| std::cmp::Reverse(file.size_bytes));
    let mut loads: Vec<(u64, Vec<LandingFile>)> = vec![(0, Vec::new()); groups.clamp(1, files.len().max(1))];
    for file in files {
        if let Some(least) = loads.iter_mut().min_by_key(|(bytes, files)| (*bytes, files.len())) {
            least.0 += file.size_bytes;
            least.1.push(file);
        }
    }
    loads.into_iter().map(|(_, files)| files).collect()
}

fn of_outcome(written: &[DataFile], outcome: &str) -> Vec<DataFile> {
    let matches = |file: &&DataFile| file.partition.get(OUTCOME).and_then(Option::as_deref) == Some(outcome);
    written.iter().filter(matches).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_spread_by_size() {
        let file = |size_bytes: u64| LandingFile {
            path: String::new(),
            name: size_bytes.to_string(),
            delivered_on: None,
            size_bytes,
        };
        let groups = balanced([5, 1, 4, 3, 3].map(file).to_vec(), 2);
        let loads: Vec<u64> = groups.iter().map(|group| group.iter().map(|file| file.size_bytes).sum()).collect();
        assert_eq!(loads, [8, 8]);
        assert_eq!(balanced(vec![file(1)], 8).len(), 1);
    }
}
