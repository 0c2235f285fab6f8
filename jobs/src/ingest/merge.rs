//! The second pass: rows into the partitions they belong to, of rows with one key the last one standing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::view::ViewTable;
use datafusion::common::TableReference;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;

use crate::engine::write::{WriteExec, WriteSpec, written_files};
use crate::run::{Runner, named_schemas};
use crate::warehouse::{Commit, Replace, Snapshot, TableName};
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
    /// Whether a key may stand in another partition already, and must leave it.
    pub moves: bool,
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
    pub base: Option<Snapshot>,
    /// The files of the base that are replaced: of the touched partitions, or all where the base has other partition columns.
    pub before: Snapshot,
    pub after: Snapshot,
    pub touched: BTreeSet<Option<String>>,
}

type Partitions = BTreeSet<Option<String>>;

impl Runner {
    /// Computes and writes the merged partitions.
    pub(super) async fn merge(&self, upsert: &Upsert) -> Result<Merged> {
        let base = self.warehouse.snapshot(&upsert.table).await?;
        let step = upsert.table.to_string();
        let touched = self.touched(upsert, base.as_ref()).await?;
        let before = match &base {
            Some(base) if base.partition_columns != upsert.partition_columns() => base.clone(),
            base => self.restricted(upsert, base.as_ref(), &touched),
        };
        let context = self.merge_session(upsert, Some(before.clone())).await?;
        let plan = context.state().create_logical_plan(&merge_sql(upsert)).await.map_err(Error::engine(&step))?;
        let spec = WriteSpec {
            folder: self.warehouse.folder(&upsert.table).to_string(),
            partition_columns: upsert.partition_columns(),
            fingerprints: BTreeMap::new(),
            fingerprint: upsert.fingerprint.clone(),
        };
        let plan = context.state().create_physical_plan(&plan).await.map_err(Error::engine(&step))?;
        let plan = WriteExec::together(plan, spec, self.engine.partitions()).map_err(Error::engine(&step))?;
        let outcome = self.engine.collect(&step, Arc::new(plan)).await?;
        let files = written_files(&outcome.batches).map_err(Error::engine(&step))?;
        let after = Snapshot { files, partition_columns: upsert.partition_columns(), ..before.clone() };
        Ok(Merged { base, before, after, touched })
    }

    /// Commits what was merged; a lost race is an error that another attempt mends.
    pub(super) async fn commit_merged(&self, merged: &Merged, record: serde_json::Value) -> Result<u64> {
        let Merged { before, after, .. } = merged;
        let replace = match after.partition_columns.is_empty() || before.partition_columns != after.partition_columns {
            true => Replace::All,
            false => Replace::Partitions(merged.touched.clone()),
        };
        let commit = Commit {
            table: &after.table,
            base: merged.base.as_ref(),
            schema: Arc::clone(&after.schema),
            partition_columns: after.partition_columns.clone(),
            replace,
            files: after.files.clone(),
            record,
        };
        match self.warehouse.commit(commit).await? {
            Some(version) => Ok(version),
            None => {
                self.discard(after).await;
                Err(Error::Conflict { table: after.table.to_string(), attempts: 1 })
            }
        }
    }

    /// The partitions that the incoming rows belong to, and those that their keys stand in now.
    async fn touched(&self, upsert: &Upsert, base: Option<&Snapshot>) -> Result<Partitions> {
        let (Some(partition), Some(first_key)) = (&upsert.partition, upsert.key.first()) else {
            return Ok(Partitions::new());
        };
        let step = upsert.table.to_string();
        let context = self.merge_session(upsert, base.cloned()).await?;
        let sql = format!(
            "select \"{partition}\", min(\"{first_key}\"), max(\"{first_key}\") from merge.incoming group by 1"
        );
        let mut touched = Partitions::new();
        let mut bounds: Vec<(String, String)> = Vec::new();
        for batch in self.query(&context, &step, &sql).await?.batches {
            let texts = (0..3).map(|column| cast(batch.column(column), &DataType::Utf8)).collect::<Result<Vec<_>, _>>();
            let texts = texts.map_err(|error| Error::engine(&step)(error.into()))?;
            for row in 0..batch.num_rows() {
                let text = |column: usize| {
                    texts[column].is_valid(row).then(|| texts[column].as_string::<i32>().value(row).to_owned())
                };
                touched.insert(text(0));
                bounds.extend(text(1).zip(text(2)));
            }
        }
        let low = bounds.iter().map(|(low, _)| low).min();
        let high = bounds.iter().map(|(_, high)| high).max();
        if let (Some(condition), Some(_)) = (upsert.reloaded.condition(), base) {
            let sql = format!("select distinct \"{partition}\" from merge.existing where {condition}");
            touched.extend(self.distinct(upsert, &context, &sql).await?);
        }
        if let (true, Some(_), Some(low), Some(high)) = (upsert.moves, base, low, high) {
            touched.extend(self.moved_from(upsert, &context, partition, (low, high)).await?);
        }
        Ok(touched)
    }

    /// The partitions in which an incoming key stands, other than its new one. Bounds on the first key column, where
    /// it is text, spare files that cannot hold any.
    async fn moved_from(
        &self,
        upsert: &Upsert,
        context: &SessionContext,
        partition: &str,
        (low, high): (&str, &str),
    ) -> Result<Partitions> {
        let first_key = &upsert.key[0];
        let is_text = upsert.schema.field_with_name(first_key).is_ok_and(|field| field.data_type() == &DataType::Utf8);
        let quoted = |text: &str| text.replace('\'', "''");
        let bounds = if is_text {
            format!("where \"{first_key}\" >= '{}' and \"{first_key}\" <= '{}'", quoted(low), quoted(high))
        } else {
            String::new()
        };
        let same_key =
            upsert.key.iter().map(|key| format!("e.\"{key}\" = i.\"{key}\"")).collect::<Vec<_>>().join(" and ");
        let keys = upsert.key.iter().map(|key| format!("\"{key}\"")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "with standing as (select {keys}, \"{partition}\" from merge.existing {bounds}), \
             incoming as (select {keys}, \"{partition}\" from merge.incoming) \
             select distinct e.\"{partition}\" from standing e join incoming i on {same_key} where e.\"{partition}\" <> i.\"{partition}\""
        );
        self.distinct(upsert, context, &sql).await
    }

    /// The values of a query's only column, as Delta writes them.
    async fn distinct(&self, upsert: &Upsert, context: &SessionContext, sql: &str) -> Result<Partitions> {
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
        let value = |file: &crate::warehouse::DataFile| {
            upsert.partition.as_ref().and_then(|column| file.partition.get(column).cloned().flatten())
        };
        let inside = |file: &&crate::warehouse::DataFile| upsert.partition.is_none() || touched.contains(&value(file));
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

    async fn merge_session(&self, upsert: &Upsert, existing: Option<Snapshot>) -> Result<SessionContext> {
        let existing = existing.map(|snapshot| Arc::new(Snapshot { schema: Arc::clone(&upsert.schema), ..snapshot }));
        let existing = existing.unwrap_or_else(|| Arc::new(self.restricted(upsert, None, &Partitions::new())));
        let context = self.over(BTreeMap::from([(TableName::new("merge", "existing"), Some(existing))])).await?;
        named_schemas(&context, ["merge"]);
        let incoming = Arc::new(ViewTable::new(upsert.incoming.clone(), None));
        context
            .register_table(TableReference::partial("merge", "incoming"), incoming)
            .map_err(Error::engine(upsert.table.to_string()))?;
        Ok(context)
    }
}

fn merge_sql(upsert: &Upsert) -> String {
    let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
    let columns = list(&mut upsert.schema.fields().iter().map(|field| format!("\"{}\"", field.name())));
    let key = list(&mut upsert.key.iter().map(|name| format!("\"{name}\"")));
    let order = list(&mut upsert.latest_by.iter().map(|name| format!("\"{name}\" desc nulls last")));
    let kept = upsert.reloaded.condition().map(|condition| format!("where not ({condition})")).unwrap_or_default();
    format!(
        "with all_rows as (\
           select {columns}, 0 as _incoming from merge.existing {kept} union all select {columns}, 1 as _incoming from merge.incoming\
         ), ranked as (\
           select *, row_number() over (partition by {key} order by {order}, _incoming desc) as _rank from all_rows\
         ) select {columns} from ranked where _rank = 1"
    )
}
