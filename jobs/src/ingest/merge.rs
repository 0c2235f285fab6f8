//! The second pass: rows into the partitions they belong to, of rows with one key the last one standing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::view::ViewTable;
use datafusion::common::TableReference;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;

use super::account::logical;
use super::keys::{self, KeyIndex};
use crate::engine::write::{WriteExec, WriteSpec, written_files};
use crate::run::{Runner, named_schemas};
use crate::warehouse::{Commit, DataFile, Replace, Snapshot, TableName};
use crate::{Error, Result};

/// Rows to be put into a table in the place of those with the same key.
pub(super) struct Upsert {
    pub table: TableName,
    pub schema: SchemaRef,
    /// Rows of (at least) the table's columns.
    pub incoming: LogicalPlan,
    pub key: Vec<String>,
    /// Of rows with one key, the one with the greatest values of these stands; of equals, the incoming one.
    pub latest_by: Vec<String>,
    pub partition: Option<String>,
    /// Columns that follow from others, with the SQL that gives them.
    pub derived: BTreeMap<String, String>,
    /// Whether a key may stand in another partition already, and must leave it.
    pub moves: bool,
    /// Whether no key stands already, so that the table only gets further rows.
    pub adds: bool,
    /// Files that were ingested before with other content, whose rows make way for their new ones.
    pub reloaded: Reloaded,
    pub fingerprint: String,
}

impl Upsert {
    fn partition_columns(&self) -> Vec<String> {
        self.partition.iter().cloned().collect()
    }
}

/// Files, and the column that names a row's file.
#[derive(Default)]
pub(super) struct Reloaded {
    pub column: &'static str,
    pub files: Vec<String>,
}

impl Reloaded {
    /// The condition that a row is of one of the files.
    fn condition(&self) -> Option<String> {
        let files: Vec<String> = self.files.iter().map(|file| format!("'{}'", file.replace('\'', "''"))).collect();
        (!files.is_empty()).then(|| format!("\"{}\" in ({})", self.column, files.join(", ")))
    }
}

/// What an upsert wrote, not committed yet.
pub(super) struct Merged {
    pub base: Option<Arc<Snapshot>>,
    /// The files of the base that are replaced: of the touched partitions, or all where it is parted by another column.
    pub before: Snapshot,
    pub after: Snapshot,
    pub touched: Partitions,
    /// None where the table needs none.
    pub keys: Option<KeyIndex>,
}

/// Values of a table's partition column, as Delta writes them.
pub(super) type Partitions = BTreeSet<Option<String>>;

impl Runner {
    /// Computes and writes the merged partitions. `base` is the table as the incoming rows take it to be.
    pub(super) async fn merge(&self, upsert: &Upsert, base: Option<Arc<Snapshot>>) -> Result<Merged> {
        let step = upsert.table.to_string();
        let parted = |base: &&Snapshot| base.partition_columns == upsert.partition_columns();
        let (before, touched) = match base.as_deref().filter(|base| !parted(base)) {
            // All of it is written anew, by the partitions that it is to have.
            Some(base) => (Snapshot { schema: Arc::clone(&upsert.schema), ..base.clone() }, None),
            None => {
                let touched = match upsert.adds {
                    true => Partitions::new(),
                    false => self.touched(upsert, base.as_deref()).await?,
                };
                (self.restricted(upsert, base.as_deref(), &touched), Some(touched))
            }
        };
        let context = self.merge_session(upsert, Some(before.clone()), None).await?;
        let spec = WriteSpec {
            folder: self.warehouse.folder(&upsert.table).to_string(),
            partition_columns: upsert.partition_columns(),
            fingerprints: BTreeMap::new(),
            fingerprint: upsert.fingerprint.clone(),
            short_lived: false,
        };
        let files = match upsert.moves || upsert.partition.is_none() {
            true => self.written(&context, &step, &merge_sql(upsert), spec).await?,
            false => self.written_by_partition(&context, &step, upsert, spec).await?,
        };
        let after = Snapshot { files, partition_columns: upsert.partition_columns(), ..before.clone() };
        let touched = touched.unwrap_or_else(|| after.partitions());
        let keys = match upsert.moves && !touched.is_empty() {
            true => Some(self.index(upsert, base.as_deref().filter(parted), &after, &touched).await?),
            false => None,
        };
        Ok(Merged { base, before, after, touched, keys })
    }

    /// The files that the rows of a query were written to.
    pub(super) async fn written(
        &self,
        context: &SessionContext,
        step: &str,
        sql: &str,
        spec: WriteSpec,
    ) -> Result<Vec<DataFile>> {
        let plan = logical(context, step, sql).await?;
        let plan = self.planned_to_write(context, step, &plan, spec).await?;
        self.files_of(step, plan).await
    }

    /// The same of an upsert whose keys stay in their partitions: brought together by these, its rows are sorted once.
    async fn written_by_partition(
        &self,
        context: &SessionContext,
        step: &str,
        upsert: &Upsert,
        spec: WriteSpec,
    ) -> Result<Vec<DataFile>> {
        let rows = logical(context, step, &all_rows_sql(upsert)).await?;
        let rows = self.engine.plan(context, step, &rows).await?;
        let tasks = self.engine.parts(&rows);
        let columns = upsert.schema.fields().len();
        let latest_by: Vec<&str> = upsert.latest_by.iter().map(String::as_str).chain(["_incoming"]).collect();
        let plan = WriteExec::latest_together(rows, spec, tasks, columns, &upsert.key, &latest_by);
        self.files_of(step, Arc::new(plan.map_err(Error::engine(step))?)).await
    }

    async fn files_of(&self, step: &str, plan: Arc<dyn ExecutionPlan>) -> Result<Vec<DataFile>> {
        let outcome = self.engine.collect(step, plan).await?;
        written_files(&outcome.batches).map_err(Error::engine(step))
    }

    /// Commits what was merged; a lost race is an error that another attempt mends.
    pub(super) async fn commit_merged(&self, merged: &Merged, mut record: serde_json::Value) -> Result<u64> {
        let Merged { before, after, keys, .. } = merged;
        if let Some(keys) = keys {
            record[keys::RECORDED] = serde_json::json!(keys.recorded);
        }
        let replace = match after.partition_columns.is_empty() || before.partition_columns != after.partition_columns {
            true => Replace::All,
            false => Replace::Partitions(merged.touched.clone()),
        };
        let commit = Commit {
            table: &after.table,
            base: merged.base.as_deref(),
            schema: Arc::clone(&after.schema),
            partition_columns: after.partition_columns.clone(),
            replace,
            files: after.files.clone(),
            record,
        };
        match self.warehouse.commit(commit).await? {
            Some(version) => {
                if let Some(keys) = keys {
                    let kept = keys.recorded.files.iter().map(|file| file.path.as_str());
                    self.remove_old(&keys.written.folder, kept).await;
                }
                Ok(version)
            }
            None => {
                self.discard(after).await;
                if let Some(keys) = keys {
                    self.discard(&keys.written).await;
                }
                Err(Error::Conflict { table: after.table.to_string(), attempts: 1 })
            }
        }
    }

    /// The partitions that the incoming rows belong to, and those that their keys stand in now.
    async fn touched(&self, upsert: &Upsert, base: Option<&Snapshot>) -> Result<Partitions> {
        let Some(partition) = &upsert.partition else { return Ok(Partitions::new()) };
        let context = self.merge_session(upsert, base.cloned(), None).await?;
        let sql = format!("select distinct \"{partition}\" from merge.incoming");
        let mut touched = self.distinct(upsert, &context, &sql).await?;
        let Some(base) = base else { return Ok(touched) };
        if let Some(condition) = upsert.reloaded.condition() {
            let sql = format!("select distinct \"{partition}\" from merge.existing where {condition}");
            touched.extend(self.distinct(upsert, &context, &sql).await?);
        }
        if upsert.moves {
            touched.extend(self.moved_from(upsert, base, partition, &touched).await?);
        }
        Ok(touched)
    }

    /// The partitions besides `touched` in which an incoming key stands, other than its new one.
    async fn moved_from(
        &self,
        upsert: &Upsert,
        base: &Snapshot,
        partition: &str,
        touched: &Partitions,
    ) -> Result<Partitions> {
        let standing = match self.partitions_of_keys(upsert, base, partition).await? {
            Some(places) => self.restricted(upsert, Some(base), &places.difference(touched).cloned().collect()),
            None => base.clone(),
        };
        if standing.files.is_empty() {
            return Ok(Partitions::new());
        }
        let context = self.merge_session(upsert, Some(standing), None).await?;
        let same_key =
            upsert.key.iter().map(|key| format!("e.\"{key}\" = i.\"{key}\"")).collect::<Vec<_>>().join(" and ");
        let keys = upsert.key.iter().map(|key| format!("\"{key}\"")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "with standing as (select {keys}, \"{partition}\" from merge.existing), \
             incoming as (select {keys}, \"{partition}\" from merge.incoming) \
             select distinct e.\"{partition}\" from standing e join incoming i on {same_key} where e.\"{partition}\" <> i.\"{partition}\""
        );
        self.distinct(upsert, &context, &sql).await
    }

    /// The values of a query's only column, as Delta writes them.
    pub(super) async fn distinct(&self, upsert: &Upsert, context: &SessionContext, sql: &str) -> Result<Partitions> {
        let step = upsert.table.to_string();
        let mut partitions = Partitions::new();
        for batch in self.query(context, &step, sql).await?.batches {
            let texts = cast(batch.column(0), &DataType::Utf8).map_err(|error| Error::engine(&step)(error.into()))?;
            partitions.extend(texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned)));
        }
        Ok(partitions)
    }

    /// The base with only the touched partitions' files.
    fn restricted(&self, upsert: &Upsert, base: Option<&Snapshot>, touched: &Partitions) -> Snapshot {
        let inside = |file: &&DataFile| upsert.partition.is_none() || touched.contains(&partition_of(upsert, file));
        Snapshot {
            table: upsert.table.clone(),
            folder: self.warehouse.folder(&upsert.table),
            version: base.map_or(0, |base| base.version),
            schema: Arc::clone(&upsert.schema),
            partition_columns: upsert.partition_columns(),
            files: base.map(|base| base.files.iter().filter(inside).cloned().collect()).unwrap_or_default(),
            recorded: serde_json::Value::Null,
        }
    }

    /// A session with the tables `merge.existing`, `merge.incoming` and `merge.keys`, of which those left out are empty.
    pub(super) async fn merge_session(
        &self,
        upsert: &Upsert,
        existing: Option<Snapshot>,
        keys: Option<Snapshot>,
    ) -> Result<SessionContext> {
        let existing = existing.map(|snapshot| Snapshot { schema: Arc::clone(&upsert.schema), ..snapshot });
        let existing = existing.unwrap_or_else(|| self.restricted(upsert, None, &Partitions::new()));
        let keys = keys.unwrap_or_else(|| self.index_files(upsert, Vec::new()));
        let tables = BTreeMap::from([("existing", existing), ("keys", keys)]);
        let tables = tables.into_iter().map(|(name, table)| (TableName::new("merge", name), Some(Arc::new(table))));
        let context = self.over(tables.collect()).await?;
        named_schemas(&context, ["merge"]);
        let incoming = Arc::new(ViewTable::new(upsert.incoming.clone(), None));
        context
            .register_table(TableReference::partial("merge", "incoming"), incoming)
            .map_err(Error::engine(upsert.table.to_string()))?;
        Ok(context)
    }
}

/// The value of a file's partition.
pub(super) fn partition_of(upsert: &Upsert, file: &DataFile) -> Option<String> {
    upsert.partition.as_ref().and_then(|column| file.partition.get(column).cloned().flatten())
}

/// All rows that may stand, and which of them are incoming.
fn all_rows_sql(upsert: &Upsert) -> String {
    let columns = columns_of(upsert);
    // A table of other partitions may lack them.
    let existing = names(upsert.schema.fields().iter().map(|field| match upsert.derived.get(field.name()) {
        Some(sql) => format!("{sql} as \"{}\"", field.name()),
        None => format!("\"{}\"", field.name()),
    }));
    let kept = upsert.reloaded.condition().map(|condition| format!("where not ({condition})")).unwrap_or_default();
    format!(
        "select {existing}, 0 as _incoming from merge.existing {kept} \
         union all select {columns}, 1 as _incoming from merge.incoming"
    )
}

/// Of these, for each key, the one that stands.
fn merge_sql(upsert: &Upsert) -> String {
    let columns = columns_of(upsert);
    let key = names(upsert.key.iter().map(|name| format!("\"{name}\"")));
    let order = names(upsert.latest_by.iter().map(|name| format!("\"{name}\" desc nulls last")));
    format!(
        "with all_rows as ({}), ranked as (\
           select *, row_number() over (partition by {key} order by {order}, _incoming desc) as _rank from all_rows\
         ) select {columns} from ranked where _rank = 1",
        all_rows_sql(upsert)
    )
}

fn columns_of(upsert: &Upsert) -> String {
    names(upsert.schema.fields().iter().map(|field| format!("\"{}\"", field.name())))
}

fn names(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
