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
    /// The last year of those whose keys are in one file.
    shared: Option<i32>,
    pub files: Vec<DataFile>,
}

/// The index of a version that is to be committed.
pub(super) struct KeyIndex {
    pub recorded: Recorded,
    /// The files that were written for it.
    pub written: Snapshot,
}

/// How many of a table's last years have a file of the index each.
const YEARS_APART: usize = 3;

/// Which years share a file: all before the last few in which rows stand, so that few files are looked through however long the
/// history, and late rows, mostly of the last months, do not write that of all years anew.
#[derive(Clone, Copy)]
struct Years {
    /// The last year of those that share one, which is named after it.
    shared: Option<i32>,
}

impl Years {
    /// `with_rows` are the years of the table; those that share a file, up to `shared`, go on so.
    fn of(with_rows: &BTreeSet<i32>, shared: Option<i32>) -> Self {
        Self { shared: shared.max(with_rows.iter().rev().nth(YEARS_APART).copied()) }
    }

    fn file_of(self, year: i32) -> i32 {
        self.shared.map_or(year, |shared| year.max(shared))
    }

    /// The same in SQL.
    fn file_of_sql(self, year: &str) -> String {
        self.shared.map_or_else(|| year.to_owned(), |shared| format!("cast(greatest({year}, {shared}) as int)"))
    }

    /// The files that are written anew: those of the years touched, and those that have come to share one.
    fn anew(self, touched: &BTreeSet<i32>, standing: &BTreeSet<i32>) -> BTreeSet<i32> {
        let moved = standing.iter().filter(|year| self.file_of(**year) != **year);
        touched.iter().chain(moved).map(|year| self.file_of(*year)).collect()
    }
}

/// The year of a day as Delta writes it.
fn year_of(day: &str) -> Option<i32> {
    day.split('-').next()?.parse().ok()
}

fn indexed_year(file: &DataFile) -> Option<i32> {
    file.partition.get("year")?.as_deref()?.parse().ok()
}

impl Runner {
    /// The partitions in which a first key of the incoming rows stands already; none where the table has no index.
    pub(super) async fn partitions_of_keys(
        &self,
        upsert: &Upsert,
        base: &Snapshot,
        partition: &str,
    ) -> Result<Option<Partitions>> {
        let Some(recorded) = recorded(upsert, base) else { return Ok(None) };
        let index = self.index_files(upsert, recorded.files);
        let context = self.merge_session(upsert, None, Some(index)).await?;
        let sql = format!(
            "select distinct k.day from (select distinct \"{}\" as key, \"{partition}\" as day from merge.incoming) i \
             join merge.keys k on k.key = i.key where k.day <> i.day",
            upsert.key[0]
        );
        self.distinct(upsert, &context, &sql).await.map(Some)
    }

    /// Writes the index of the table as it will be: the files whose years are touched anew, and all of them where there was none.
    pub(super) async fn index(
        &self,
        upsert: &Upsert,
        base: Option<&Snapshot>,
        after: &Snapshot,
        touched: &Partitions,
    ) -> Result<KeyIndex> {
        let days: BTreeSet<&str> = touched.iter().flatten().map(String::as_str).collect();
        let before = base.and_then(|base| recorded(upsert, base));
        let files = [Some(after), base].into_iter().flatten().flat_map(|of| &of.files);
        let with_rows = files.filter_map(|file| year_of(&partition_of(upsert, file)?)).collect();
        let standing = before.iter().flat_map(|index| &index.files).filter_map(indexed_year).collect();
        let years = Years::of(&with_rows, before.as_ref().and_then(|index| index.shared));
        let anew = years.anew(&days.iter().filter_map(|day| year_of(day)).collect(), &standing);
        let is_written_anew =
            |file: &DataFile| indexed_year(file).is_none_or(|year| anew.contains(&years.file_of(year)));
        let (mut old, mut kept) = (self.index_files(upsert, Vec::new()), Vec::new());
        let mut rows = after.clone();
        match (before, base) {
            (Some(before), _) => (old.files, kept) = before.files.into_iter().partition(is_written_anew),
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
        let year = years.file_of_sql(&format!("cast(date_part('year', \"{partition}\") as int)"));
        let sql = format!(
            "select distinct \"{}\" as key, \"{partition}\" as day, {year} as year \
             from merge.existing where \"{partition}\" is not null union all select key, day, {} as year from merge.keys {still}",
            upsert.key[0],
            years.file_of_sql("year")
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
        Ok(KeyIndex { recorded: Recorded { column: upsert.key[0].clone(), shared: years.shared, files }, written })
    }

    pub(super) fn index_files(&self, upsert: &Upsert, files: Vec<DataFile>) -> Snapshot {
        let key =
            upsert.schema.field_with_name(&upsert.key[0]).map_or(DataType::Utf8, |field| field.data_type().clone());
        let schema = Schema::new(vec![
            Field::new("key", key, true),
            Field::new("day", DataType::Date32, true),
            Field::new("year", DataType::Int32, true),
        ]);
        let (table, folder) = (TableName::new("merge", "keys"), self.warehouse.folder(&upsert.table).join("_keys"));
        Snapshot { files, ..Snapshot::empty(table, folder, Arc::new(schema), vec!["year".to_owned()]) }
    }
}

/// The index of a version, where it has one of the key as it is now.
fn recorded(upsert: &Upsert, base: &Snapshot) -> Option<Recorded> {
    let recorded: Recorded = serde_json::from_value(base.recorded.get(RECORDED)?.clone()).ok()?;
    (recorded.column == upsert.key[0]).then_some(recorded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn years<const N: usize>(years: [i32; N]) -> BTreeSet<i32> {
        BTreeSet::from(years)
    }

    #[test]
    fn a_year_touched_is_written_anew_and_no_other() {
        let standing = years([2024, 2025, 2026]);
        assert_eq!(Years::of(&standing, None).anew(&years([2025]), &standing), years([2025]));
        assert_eq!(Years::of(&standing, None).anew(&years([2020]), &standing), years([2020]));
    }

    #[test]
    fn years_before_the_last_three_come_to_share_a_file() {
        let standing = years([2020, 2021, 2022, 2023, 2024, 2025, 2026]);
        let index = Years::of(&standing, None);
        assert_eq!(index.anew(&years([2026]), &standing), years([2023, 2026]));
        let files: BTreeSet<_> = standing.iter().map(|year| index.file_of(*year)).collect();
        assert_eq!(files, years([2023, 2024, 2025, 2026]));
        let next = Years::of(&years([2020, 2021, 2022, 2023, 2024, 2025, 2026, 2027]), index.shared);
        assert_eq!(next.anew(&years([2027]), &files), years([2024, 2027]));
    }

    #[test]
    fn years_that_share_a_file_go_on_so_where_years_come_and_go() {
        let with_wrong_dates = Years::of(&years([1970, 2024, 2025, 2026, 2099]), None);
        assert_eq!(with_wrong_dates.shared, Some(2024));
        let mended = Years::of(&years([2024, 2025, 2026]), with_wrong_dates.shared);
        assert_eq!(mended.anew(&years([1970, 2026]), &years([2024, 2025, 2026])), years([2024, 2026]));
    }
}
