//! Accounting: what became of every row of every file, and the commits in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion::common::TableReference;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;

use super::SourceReport;
use super::discover::files_of;
use super::merge::{Merged, Reloaded, Upsert};
use super::stage::{Fate, Staged, StagedFile};
use crate::catalog::{ingested_file_schema, quarantine_schema, source_schema};
use crate::landing::SourceSpec;
use crate::run::{Run, Runner, named_schemas};
use crate::warehouse::{Snapshot, TableName};
use crate::{Error, Result};

/// A source's part of the manifest is written anew when it would have more files than this, and is added to until then.
const FILES_PER_SOURCE: usize = 8;

type Counts = BTreeMap<String, i64>;

/// Files of a source that are merged and accounted for.
#[derive(Default)]
pub(super) struct Accounted {
    pub report: SourceReport,
    /// Of its table; none where that was never committed.
    pub version: Option<u64>,
    pub written_bytes: u64,
    pub written_files: usize,
    /// The files whose rows were merged.
    ingested: BTreeSet<String>,
    /// Rows of files of before that had to make way.
    lost: Counts,
}

impl Accounted {
    /// Adds what came after, which may have taken the place of rows that were kept.
    pub fn add(&mut self, later: Self) {
        let (report, more) = (&mut self.report, later.report);
        let lost =
            later.lost.iter().filter(|(file, _)| self.ingested.contains(*file)).map(|(_, rows)| rows).sum::<i64>();
        report.rows_kept -= lost;
        report.rows_replaced += lost;
        report.source = more.source;
        report.files_ingested += more.files_ingested;
        report.files_skipped += more.files_skipped;
        report.rows_in += more.rows_in;
        report.rows_kept += more.rows_kept;
        report.rows_replaced += more.rows_replaced;
        report.rows_quarantined += more.rows_quarantined;
        report.partitions_rewritten += more.partitions_rewritten;
        self.version = later.version;
        self.written_bytes += later.written_bytes;
        self.written_files += later.written_files;
        self.ingested.extend(later.ingested);
    }
}

impl Runner {
    /// Merges what was staged: rows, then damaged records, then the manifest.
    pub(super) async fn merge_staged(&self, source: &Arc<SourceSpec>, staged: &Staged, run: &Run) -> Result<Accounted> {
        let (merged, context) = self.for_rows_of([&staged.rows]).merge_rows(source, staged).await?;
        let kept = self.rows_by_file(&merged.after, "_file").await?;
        let before = self.rows_by_file(&merged.before, "_file").await?;
        let accepted: Counts = staged.of(Fate::Ingested).map(|file| (file.file.clone(), file.rows_in)).collect();
        let mut lost: Counts = before
            .iter()
            .filter(|(file, _)| !accepted.contains_key(*file))
            .map(|(file, rows)| (file.clone(), rows - kept.get(file).copied().unwrap_or(0)))
            .filter(|(_, rows)| *rows > 0)
            .collect();
        let record = serde_json::json!({ "run_id": run.id, "lost": lost });
        let unaccounted = self.unaccounted(source, merged.base.as_deref()).await?;
        let version = if accepted.is_empty() {
            merged.base.as_ref().map(|base| base.version)
        } else {
            Some(self.commit_merged(&merged, record).await?)
        };
        for (file, rows) in unaccounted {
            *lost.entry(file).or_default() += rows;
        }

        // All sources share these tables.
        let _shared = self.turns.table("ledger.ingested_file").await;
        let quarantined = self.quarantine(source, staged, &context, run).await?;
        let report = report(source, staged, &kept, &quarantined, &merged);
        self.record(source, staged, &kept, &quarantined, &lost, version).await?;
        let (written_bytes, written_files) = (merged.after.size_bytes(), merged.after.files.len());
        let ingested = accepted.into_keys().collect();
        Ok(Accounted { report, version, written_bytes, written_files, ingested, lost })
    }

    async fn merge_rows(&self, source: &Arc<SourceSpec>, staged: &Staged) -> Result<(Merged, SessionContext)> {
        let step = format!("source.{}", source.name);
        let inputs = BTreeMap::from([
            (TableName::new("staged", "rows"), Some(Arc::new(staged.rows.clone()))),
            (TableName::new("staged", "quarantined"), Some(Arc::new(staged.quarantined.clone()))),
        ]);
        let context = self.over(inputs).await?;
        named_schemas(&context, ["staged"]);
        let accepted = names(staged.of(Fate::Ingested))?;
        context
            .register_table(TableReference::partial("staged", "accepted"), accepted)
            .map_err(Error::engine(&step))?;
        let dates = source.date_columns();
        let mut columns: Vec<String> = source.columns.iter().map(|column| format!("r.\"{}\"", column.name)).collect();
        columns.extend(["r._file", "r._line", "r._delivered_on"].map(str::to_owned));
        columns.extend(dates.iter().map(|(name, sql)| format!("{sql} as {name}")));
        let sql = format!(
            "select {} from staged.rows r left semi join staged.accepted a on r._file = a.file",
            columns.join(", ")
        );
        let upsert = Upsert {
            table: TableName::new("source", &source.name),
            schema: source_schema(source),
            incoming: logical(&context, &step, &sql).await?,
            key: source.key.clone(),
            latest_by: ["_delivered_on", "_file", "_line"].map(str::to_owned).to_vec(),
            partition: source.partition_column(),
            derived: dates.into_iter().map(|(name, sql)| (name.to_owned(), sql)).collect(),
            // A key that holds the time of the partition tells its partition.
            moves: source.partition.as_ref().is_none_or(|partition| !source.key.contains(partition)),
            adds: false,
            reloaded: reloaded(staged, "_file"),
            fingerprint: "ingested".to_owned(),
        };
        let base = self.warehouse.snapshot(&upsert.table).await?;
        Ok((self.merge(&upsert, base).await?, context))
    }

    /// Puts the damaged records of the accepted files in quarantine, and counts them by file.
    async fn quarantine(
        &self,
        source: &SourceSpec,
        staged: &Staged,
        context: &SessionContext,
        run: &Run,
    ) -> Result<Counts> {
        let step = "ledger.quarantine";
        let reloaded = reloaded(staged, "file");
        if staged.quarantined.files.is_empty() && reloaded.files.is_empty() {
            return Ok(Counts::new());
        }
        let at = run.started_at.format("%Y-%m-%dT%H:%M:%S%.6fZ");
        let sql = format!(
            "select '{}' as source, q._file as file, q._line as line, q._reason as reason, q._column as \"column\", \
             q._detail as detail, q._raw as raw, arrow_cast('{at}', 'Timestamp(Microsecond, Some(\"UTC\"))') as ingested_at, \
             q._delivered_on as delivered_on from staged.quarantined q left semi join staged.accepted a on q._file = a.file",
            source.name
        );
        let incoming = logical(context, step, &sql).await?;
        let upsert = Upsert {
            table: TableName::new("ledger", "quarantine"),
            schema: quarantine_schema(),
            incoming,
            key: ["source", "file", "line"].map(str::to_owned).to_vec(),
            latest_by: vec!["ingested_at".to_owned()],
            partition: Some("delivered_on".to_owned()),
            derived: BTreeMap::new(),
            moves: false,
            adds: false,
            reloaded,
            fingerprint: "ingested".to_owned(),
        };
        let base = self.warehouse.snapshot(&upsert.table).await?;
        let merged = self.for_rows_of([&staged.quarantined]).merge(&upsert, base).await?;
        self.commit_merged(&merged, serde_json::json!({ "run_id": run.id })).await?;
        let counts = "select q._file, count(*) from staged.quarantined q left semi join staged.accepted a on q._file = a.file group by 1";
        counted(&self.query(context, step, counts).await?.batches)
    }

    /// Writes the manifest: the new files, and those of before whose rows had to make way.
    async fn record(
        &self,
        source: &SourceSpec,
        staged: &Staged,
        kept: &Counts,
        quarantined: &Counts,
        lost: &Counts,
        version: Option<u64>,
    ) -> Result<()> {
        let table = TableName::new("ledger", "ingested_file");
        let step = table.to_string();
        let current = self.warehouse.snapshot(&table).await?;
        let mut accounted = current.as_ref().map(|snapshot| snapshot.recorded["accounted"].clone()).unwrap_or_default();
        accounted[&source.name] = version.into();
        let new: Vec<&StagedFile> = staged.files.iter().filter(|file| file.fate != Fate::Unchanged).collect();
        if new.is_empty() {
            return Ok(());
        }
        let is_known_and_small = |manifest: &Snapshot| {
            let files = files_of(manifest, &source.name);
            files == staged.decided_by && (1..FILES_PER_SOURCE).contains(&files.len())
        };
        let adds =
            lost.is_empty() && !new.iter().any(|file| file.known) && current.as_deref().is_some_and(is_known_and_small);
        let context = self.over(BTreeMap::from([(table.clone(), current.clone())])).await?;
        named_schemas(&context, ["account"]);
        let new = memory(manifest_rows(source, &new, kept, quarantined)?)?;
        context.register_table(TableReference::partial("account", "new"), new).map_err(Error::engine(&step))?;
        context
            .register_table(TableReference::partial("account", "lost"), lost_rows(lost)?)
            .map_err(Error::engine(&step))?;
        let columns = |replace: &dyn Fn(&str) -> String| {
            ingested_file_schema().fields().iter().map(|field| replace(field.name())).collect::<Vec<_>>().join(", ")
        };
        let adjusted = columns(&|name| match name {
            "rows_kept" => "m.rows_kept - l.rows as rows_kept".to_owned(),
            "rows_replaced" => "m.rows_replaced + l.rows as rows_replaced".to_owned(),
            name => format!("m.{name}"),
        });
        let mut sql = format!("select {} from account.new", columns(&|name| name.to_owned()));
        if !adds {
            sql += &format!(
                " union all select {adjusted} from ledger.ingested_file m join account.lost l on m.file = l.file \
                 left anti join account.new n on m.file = n.file"
            );
        }
        let upsert = Upsert {
            table,
            schema: ingested_file_schema(),
            incoming: logical(&context, &step, &sql).await?,
            key: vec!["file".to_owned()],
            latest_by: vec!["ingested_at".to_owned()],
            // A run reads all that is known of a source's files: a few of the manifest's, however long the history.
            partition: Some("source".to_owned()),
            derived: BTreeMap::new(),
            moves: false,
            adds,
            reloaded: Reloaded::default(),
            fingerprint: "ingested".to_owned(),
        };
        let merged = self.merge(&upsert, current).await?;
        self.commit_merged(&merged, serde_json::json!({ "accounted": accounted })).await.map(|_| ())
    }

    /// Rows that earlier files lost in commits of which the manifest was never told, their process having died.
    async fn unaccounted(&self, source: &SourceSpec, base: Option<&Snapshot>) -> Result<Counts> {
        let Some(base) = base else { return Ok(Counts::new()) };
        let manifest = self.warehouse.snapshot(&TableName::new("ledger", "ingested_file")).await?;
        let accounted = manifest.and_then(|manifest| manifest.recorded["accounted"][&source.name].as_u64());
        let mut lost = Counts::new();
        for version in accounted.map_or(0, |version| version + 1)..=base.version {
            let recorded = self.warehouse.recorded(&base.table, version).await?;
            let counts: Counts = serde_json::from_value(recorded["lost"].clone()).unwrap_or_default();
            for (file, rows) in counts {
                *lost.entry(file).or_default() += rows;
            }
        }
        Ok(lost)
    }

    async fn rows_by_file(&self, snapshot: &Snapshot, column: &str) -> Result<Counts> {
        if snapshot.files.is_empty() {
            return Ok(Counts::new());
        }
        let context =
            self.over(BTreeMap::from([(TableName::new("account", "rows"), Some(Arc::new(snapshot.clone())))])).await?;
        let sql = format!("select {column}, count(*) from account.rows group by 1");
        counted(&self.query(&context, &snapshot.table.to_string(), &sql).await?.batches)
    }
}

/// The accepted files that were ingested before, under the same name.
fn reloaded(staged: &Staged, column: &'static str) -> Reloaded {
    let files = staged.of(Fate::Ingested).filter(|file| file.known).map(|file| file.file.clone());
    Reloaded { column, files: files.collect() }
}

fn report(source: &SourceSpec, staged: &Staged, kept: &Counts, quarantined: &Counts, merged: &Merged) -> SourceReport {
    let mut report = SourceReport {
        source: source.name.clone(),
        partitions_rewritten: merged.touched.len() as u64,
        ..SourceReport::default()
    };
    for file in staged.of(Fate::Ingested) {
        let (kept, replaced, quarantined) = split(file, kept, quarantined);
        report.files_ingested += 1;
        report.rows_in += file.rows_in;
        report.rows_kept += kept;
        report.rows_replaced += replaced;
        report.rows_quarantined += quarantined;
    }
    report.files_skipped = staged.files.len() as u64 - report.files_ingested;
    report
}

/// A file's rows: kept, replaced by a later delivery of the same key, quarantined.
fn split(file: &StagedFile, kept: &Counts, quarantined: &Counts) -> (i64, i64, i64) {
    if file.fate != Fate::Ingested {
        return (0, 0, 0);
    }
    let count = |counts: &Counts| counts.get(&file.file).copied().unwrap_or(0);
    let (kept, quarantined) = (count(kept), count(quarantined));
    (kept, file.rows_in - kept - quarantined, quarantined)
}

fn manifest_rows(
    source: &SourceSpec,
    files: &[&StagedFile],
    kept: &Counts,
    quarantined: &Counts,
) -> Result<RecordBatch> {
    let text = |value: &dyn Fn(&StagedFile) -> Option<String>| {
        Arc::new(files.iter().map(|file| value(file)).collect::<StringArray>()) as ArrayRef
    };
    let number = |value: &dyn Fn(&StagedFile) -> i64| {
        Arc::new(files.iter().map(|file| Some(value(file))).collect::<Int64Array>()) as ArrayRef
    };
    let time = |value: &dyn Fn(&StagedFile) -> i64| {
        let times: TimestampMicrosecondArray = files.iter().map(|file| Some(value(file))).collect();
        Arc::new(times.with_timezone("UTC")) as ArrayRef
    };
    let now = chrono::Utc::now().timestamp_micros();
    let ingested = |file: &StagedFile| file.fate == Fate::Ingested;
    let columns = vec![
        text(&|file| Some(file.file.clone())),
        text(&|file| Some(file.sha256.clone())),
        text(&|_| Some(source.name.clone())),
        number(&|file| if ingested(file) { file.rows_in } else { 0 }),
        number(&|file| split(file, kept, quarantined).0),
        number(&|file| split(file, kept, quarantined).1),
        number(&|file| split(file, kept, quarantined).2),
        text(&|file| Some(if ingested(file) { "ingested" } else { "skipped" }.to_owned())),
        text(&|file| file.notes.clone()),
        number(&|file| i64::try_from(file.size_bytes).unwrap_or(i64::MAX)),
        time(&|file| file.modified_at.timestamp_micros()),
        time(&|_| now),
        Arc::new(files.iter().map(|file| file.delivered_on.map(|day| day.to_epoch_days())).collect::<Date32Array>())
            as ArrayRef,
    ];
    RecordBatch::try_new(ingested_file_schema(), columns)
        .map_err(|error| Error::engine("ledger.ingested_file")(error.into()))
}

fn names<'a>(files: impl Iterator<Item = &'a StagedFile>) -> Result<Arc<MemTable>> {
    let files: ArrayRef = Arc::new(StringArray::from_iter_values(files.map(|file| &file.file)));
    memory(RecordBatch::try_from_iter([("file", files)]).map_err(|error| Error::engine("staging")(error.into()))?)
}

fn lost_rows(lost: &Counts) -> Result<Arc<MemTable>> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("file", DataType::Utf8, false),
        Field::new("rows", DataType::Int64, false),
    ]));
    let files: ArrayRef = Arc::new(StringArray::from_iter_values(lost.keys()));
    let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(lost.values().copied()));
    memory(
        RecordBatch::try_new(schema, vec![files, rows])
            .map_err(|error| Error::engine("ledger.ingested_file")(error.into()))?,
    )
}

fn memory(batch: RecordBatch) -> Result<Arc<MemTable>> {
    MemTable::try_new(batch.schema(), vec![vec![batch]]).map(Arc::new).map_err(Error::engine("ingest"))
}

pub(super) async fn logical(context: &SessionContext, step: &str, sql: &str) -> Result<LogicalPlan> {
    context.state().create_logical_plan(sql).await.map_err(Error::engine(step))
}

fn counted(batches: &[RecordBatch]) -> Result<Counts> {
    let mut counts = Counts::new();
    for batch in batches {
        let (files, rows) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
        for row in 0..batch.num_rows() {
            counts.insert(files.value(row).to_owned(), rows.value(row));
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounted(file: &str, kept: i64, lost: &[(&str, i64)]) -> Accounted {
        let report = SourceReport { rows_in: kept, rows_kept: kept, ..SourceReport::default() };
        let lost = lost.iter().map(|(file, rows)| ((*file).to_owned(), *rows)).collect();
        Accounted { report, ingested: BTreeSet::from([file.to_owned()]), lost, ..Accounted::default() }
    }

    #[test]
    fn rows_that_later_files_replace_are_told_as_replaced() {
        let mut sum = Accounted::default();
        sum.add(accounted("first", 10, &[("before", 4)]));
        sum.add(accounted("second", 5, &[("first", 3), ("before", 1)]));
        let report = &sum.report;
        assert_eq!((report.rows_in, report.rows_kept, report.rows_replaced), (15, 12, 3));
        assert!(report.adds_up());
    }
}
