//! Finding files: what lies in `landing/` and `reference/`, and which of it the manifest does not know yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use crate::landing::{Format, LandingFile, SourceSpec};
use crate::run::Runner;
use crate::storage::Folder;
use crate::warehouse::{DataFile, Snapshot, TableName};
use crate::{Error, Result};

/// Where files are delivered: `landing/` for sources, and `reference/` beside it.
#[derive(Clone, Debug)]
pub struct Landing {
    pub root: Folder,
}

/// A file as the manifest knows it.
#[derive(Clone, Debug)]
pub(super) struct KnownFile {
    pub sha256: String,
    pub ingested: bool,
    pub size_bytes: u64,
    pub modified_us: i64,
}

/// What the manifest knows of a source's files.
#[derive(Default)]
pub(super) struct KnownFiles {
    pub files: BTreeMap<String, KnownFile>,
    /// The manifest's own files that say so.
    pub told_by: BTreeSet<String>,
}

/// A file that is to be read.
#[derive(Clone, Debug)]
pub(super) struct NewFile {
    pub file: LandingFile,
    pub modified_at: DateTime<Utc>,
}

impl Landing {
    /// `root` holds the folders `landing` and `reference`.
    pub fn new(root: Folder) -> Self {
        Self { root }
    }

    fn folder(&self, source: &SourceSpec) -> Folder {
        if source.reference { self.root.join("reference") } else { self.root.join(&format!("landing/{}", source.name)) }
    }

    /// What lies in `landing/` that no source will ever read.
    pub(super) async fn strangers(&self, runner: &Runner) -> Result<Vec<String>> {
        let folder = self.root.join("landing");
        let store = folder.store(runner.warehouse.stores())?;
        let listed = store.list_with_delimiter(Some(&folder.path()?)).await.map_err(Error::storage(&folder))?;
        let stranger = |path: &Path| {
            let name = path.filename().unwrap_or_default();
            (!runner.catalog.sources.contains_key(name))
                .then(|| format!("`{name}/` is left alone: no source has this name"))
        };
        let loose = listed.objects.iter().map(|object| {
            format!(
                "`{}` is left alone: expected landing/<source>/<YYYY-MM-DD>/<file>",
                object.location.filename().unwrap_or_default()
            )
        });
        let empty = (listed.common_prefixes.is_empty() && listed.objects.is_empty())
            .then(|| format!("nothing is in {folder}; expected landing/<source>/<YYYY-MM-DD>/<file> (check --data)"));
        Ok(empty.into_iter().chain(listed.common_prefixes.iter().filter_map(stranger)).chain(loose).collect())
    }

    /// The URL of a file as the manifest names it.
    pub fn url_of(&self, file: &str) -> String {
        let folder = if file.starts_with("reference/") { self.root.clone() } else { self.root.join("landing") };
        format!("{folder}{file}")
    }

    /// The source's files that the manifest does not know, or knows with other content, in the order of delivery.
    pub(super) async fn new_files(
        &self,
        runner: &Runner,
        source: &SourceSpec,
        known: &KnownFiles,
    ) -> Result<Vec<NewFile>> {
        let folder = self.folder(source);
        let root = folder.path()?;
        let mut files = Vec::new();
        for object in folder.files(runner.warehouse.stores()).await? {
            let Some(file) = self.recognised(runner, source, &root, &object) else { continue };
            let same = known.files.get(&file.name).is_some_and(|known| {
                known.size_bytes == file.size_bytes && known.modified_us == object.last_modified.timestamp_micros()
            });
            if !same {
                files.push(NewFile { file, modified_at: object.last_modified });
            }
        }
        files.sort_by(|a, b| (a.file.delivered_on, &a.file.name).cmp(&(b.file.delivered_on, &b.file.name)));
        Ok(files)
    }

    /// The object as a file of the source. One that is misplaced is told of, never silently passed over.
    fn recognised(
        &self,
        runner: &Runner,
        source: &SourceSpec,
        root: &Path,
        object: &ObjectMeta,
    ) -> Option<LandingFile> {
        let parts: Vec<String> = object.location.prefix_match(root)?.map(|part| part.as_ref().to_owned()).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let file = |name: String, delivered_on| LandingFile {
            path: object.location.to_string(),
            name,
            delivered_on,
            size_bytes: object.size,
        };
        if parts.last().is_some_and(|name| name.starts_with('.') || name.ends_with(".tmp")) {
            return None;
        }
        if source.reference {
            let [name] = parts.as_slice() else { return None };
            return (name.split('.').next() == Some(&source.name)).then(|| file(format!("reference/{name}"), None));
        }
        let expected = match source.format {
            Format::Csv => "csv",
            Format::Json => "json",
        };
        let placed = match parts.as_slice() {
            [day, .., name] if readable(name, expected) => day.parse::<NaiveDate>().ok(),
            _ => None,
        };
        let name = format!("{}/{}", source.name, parts.join("/"));
        if placed.is_none() {
            let text = format!(
                "`{name}` is left alone: expected landing/{}/<YYYY-MM-DD>/<file>.{expected}, optionally .gz or .zst",
                source.name
            );
            runner
                .progress
                .report(crate::progress::Event::Notice { step: &format!("source.{}", source.name), text: &text });
        }
        placed.map(|day| file(name, Some(day)))
    }
}

fn readable(name: &str, format: &str) -> bool {
    let plain = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
    let extension = plain.rsplit('.').next().unwrap_or_default();
    extension == format || (format == "json" && matches!(extension, "ndjson" | "jsonl"))
}

/// The manifest's files that tell of a source.
pub(super) fn files_of(manifest: &Snapshot, source: &str) -> BTreeSet<String> {
    let tells = |file: &&DataFile| file.partition.get("source").is_some_and(|of| of.as_deref() == Some(source));
    manifest.files.iter().filter(tells).map(|file| file.path.clone()).collect()
}

impl Runner {
    /// What the manifest says of a source's files.
    pub(super) async fn known_files(&self, source: &str) -> Result<KnownFiles> {
        let table = TableName::new("ledger", "ingested_file");
        let mut known = KnownFiles::default();
        let Some(snapshot) = self.warehouse.snapshot(&table).await? else { return Ok(known) };
        known.told_by = files_of(&snapshot, source);
        let context = self.over(BTreeMap::from([(table.clone(), Some(snapshot))])).await?;
        let sql = format!(
            "select file, sha256, state, size_bytes, modified_at from ledger.ingested_file where source = '{source}'"
        );
        for batch in self.query(&context, &table.to_string(), &sql).await?.batches {
            let text = |column: usize| batch.column(column).as_string::<i32>();
            let sizes = batch.column(3).as_primitive::<Int64Type>();
            let times = batch.column(4).as_primitive::<TimestampMicrosecondType>();
            for row in 0..batch.num_rows() {
                let file = KnownFile {
                    sha256: text(1).value(row).to_owned(),
                    ingested: text(2).value(row) == "ingested",
                    size_bytes: u64::try_from(sizes.value(row)).unwrap_or(0),
                    modified_us: times.value(row),
                };
                known.files.insert(text(0).value(row).to_owned(), file);
            }
        }
        Ok(known)
    }

    pub(super) async fn over(
        &self,
        inputs: BTreeMap<TableName, Option<Arc<Snapshot>>>,
    ) -> Result<datafusion::prelude::SessionContext> {
        self.session(self.engine.state().clone(), &inputs, &BTreeSet::new()).await
    }
}
