//! The key index of a source's table: in which partitions, by days or months, a value of its first key column stands.
//!
//! A row that comes again may belong to another partition than before, and must leave its old one. Without the index every file of a
//! long history would be opened to look for it. It is one Parquet file a year, below `_keys/` in the table's folder,
//! named in the record of the commit that it belongs to: whoever reads a version finds its index, or that it has none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};

use super::merge::{Partitions, Upsert, partition_of};
use crate::Result;
use crate::engine::write::WriteSpec;
use crate::run::Runner;
use crate::warehouse::{DataFile, Snapshot, TableName};

/// Its name in the record of a commit.
pub(super) const RECORDED: &str = "keys";

/// What a commit records of its index.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Recorded {
    /// The first key column when it was made.
    column: String,
    pub files: Vec<DataFile>,
}

/// The index of a version that is to be committed.
pub(super) struct KeyIndex {
    pub recorded: Recorded,
    /// The files that were written for it.
    pub written: Snapshot,
}

impl Runner {
    /// The partitions in which a first key of the incoming rows stands already; none where the table has no index.
    pub(super) async fn partitions_of_keys(
        &self,
        upsert: &Upsert,
        base: &Snapshot,
        partition: &str,
    ) -> Result<Option<Partitions>> {
        let Some(index) = self.index_of(upsert, base) else { return Ok(None) };
        let context = self.merge_session(upsert, None, Some(index)).await?;
        let sql = format!(
            "select distinct k.day from (select distinct \"{}\" as key, \"{partition}\" as day from merge.incoming) i \
             join merge.keys k on k.key = i.key where k.day <> i.day",
            upsert.key[0]
        );
        self.distinct(upsert, &context, &sql).await.map(Some)
    }

    /// Writes the index of the table as it will be: the years that are touched anew, and all of them where there was none.
    pub(super) async fn index(
        &self,
        upsert: &Upsert,
        base: Option<&Snapshot>,
        after: &Snapshot,
        touched: &Partitions,
    ) -> Result<KeyIndex> {
        let days: BTreeSet<&str> = touched.iter().flatten().map(String::as_str).collect();
        let years: BTreeSet<&str> = days.iter().filter_map(|day| day.split('-').next()).collect();
        let of_touched_year = |file: &DataFile| {
            file.partition.get("year").and_then(Option::as_deref).is_some_and(|year| years.contains(year))
        };
        let before = base.and_then(|base| self.index_of(upsert, base));
        let (mut old, mut kept) = (self.index_files(upsert, Vec::new()), Vec::new());
        let mut rows = after.clone();
        match (before, base) {
            (Some(before), _) => (old.files, kept) = before.files.into_iter().partition(of_touched_year),
            (None, Some(base)) => {
                let stays = |file: &&DataFile| !touched.contains(&partition_of(upsert, file));
                rows.files.extend(base.files.iter().filter(stays).cloned());
            }
            (None, None) => {}
        }
        let still = match days.is_empty() {
            true => String::new(),
            false => format!("where day not in ('{}')", Vec::from_iter(days.iter().copied()).join("', '")),
        };
        let partition = upsert.partition.as_deref().unwrap_or_default();
        let sql = format!(
            "select distinct \"{}\" as key, \"{partition}\" as day, cast(date_part('year', \"{partition}\") as int) as year \
             from merge.existing where \"{partition}\" is not null union all select key, day, year from merge.keys {still}",
            upsert.key[0]
        );
        let step = upsert.table.to_string();
        let context = self.merge_session(upsert, Some(rows), Some(old.clone())).await?;
        let spec = WriteSpec {
            folder: old.folder.to_string(),
            partition_columns: old.partition_columns.clone(),
            fingerprints: BTreeMap::new(),
            fingerprint: RECORDED.to_owned(),
            short_lived: false,
        };
        let written = Snapshot { files: self.written(&context, &step, &sql, spec).await?, ..old };
        let all = kept.into_iter().chain(written.files.iter().cloned());
        let files: Vec<DataFile> = all.map(|file| DataFile { statistics: None, ..file }).collect();
        Ok(KeyIndex { recorded: Recorded { column: upsert.key[0].clone(), files }, written })
    }

    fn index_of(&self, upsert: &Upsert, base: &Snapshot) -> Option<Snapshot> {
        let recorded: Recorded = serde_json::from_value(base.recorded.get(RECORDED)?.clone()).ok()?;
        (recorded.column == upsert.key[0]).then(|| self.index_files(upsert, recorded.files))
    }

    pub(super) fn index_files(&self, upsert: &Upsert, files: Vec<DataFile>) -> Snapshot {
        let key =
            upsert.schema.field_with_name(&upsert.key[0]).map_or(DataType::Utf8, |field| field.data_type().clone());
        let schema = Schema::new(vec![
            Field::new("key", key, true),
            Field::new("day", DataType::Date32, true),
            Field::new("year", DataType::Int32, true),
        ]);
        Snapshot {
            files,
            partition_columns: vec!["year".to_owned()],
            ..Snapshot::empty(
                TableName::new("merge", "keys"),
                self.warehouse.folder(&upsert.table).join("_keys"),
                Arc::new(schema),
            )
        }
    }
}
