//! The checks of a model's header, run as queries over what was written, before it is committed.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::common::TableReference;
use datafusion::prelude::SessionContext;

use super::Runner;
use super::session::{Inputs, named_schemas};
use crate::catalog::{ColumnRule, Model};
use crate::warehouse::{Snapshot, SnapshotTable, TableName};
use crate::{Error, Result};

/// How many offending rows an error shows.
const EXAMPLES: usize = 5;

struct Check {
    says: String,
    /// Holds for an offending row, where a row can be judged by itself.
    condition: Option<String>,
    /// Gives the offending rows.
    sql: String,
}

impl Runner {
    /// Runs every check of the model over the candidate.
    pub(super) async fn check(&self, model: &Model, candidate: &Snapshot) -> Result<()> {
        let mut checks = vec![unique(model)];
        checks.extend(model.header.columns.iter().flat_map(column_checks));
        let context = self.candidate_session(model, candidate).await?;
        let name = model.name.to_string();
        let offended = self.offended(&context, &name, &checks).await?;
        for check in checks.iter().filter(|check| check.condition.as_ref().is_none_or(|text| offended.contains(text))) {
            let what = format!("{name}: check `{}`", check.says);
            let offending = self.query(&context, &what, &format!("{} limit {EXAMPLES}", check.sql)).await?.batches;
            if offending.iter().any(|batch| batch.num_rows() > 0) {
                return Err(Error::CheckFailed { table: name, report: report(&check.says, &offending) });
            }
        }
        Ok(())
    }

    /// The conditions of checks that hold for any row: all of them are looked at in one pass.
    async fn offended(&self, context: &SessionContext, name: &str, checks: &[Check]) -> Result<BTreeSet<String>> {
        let conditions: Vec<&String> = checks.iter().filter_map(|check| check.condition.as_ref()).collect();
        if conditions.is_empty() {
            return Ok(BTreeSet::new());
        }
        let counts: Vec<String> = conditions
            .iter()
            .enumerate()
            .map(|(place, text)| format!("count(*) filter (where {text}) as c{place}"))
            .collect();
        let sql = format!("select {} from candidate.rows", counts.join(", "));
        let batches = self.query(context, &format!("{name}: checks"), &sql).await?.batches;
        let any = |place: usize| {
            batches
                .iter()
                .any(|batch| batch.column(place).as_primitive::<Int64Type>().values().iter().any(|rows| *rows > 0))
        };
        Ok(conditions.into_iter().enumerate().filter(|(place, _)| any(*place)).map(|(_, text)| text.clone()).collect())
    }

    async fn candidate_session(&self, model: &Model, candidate: &Snapshot) -> Result<SessionContext> {
        let mut inputs = Inputs::new();
        let mut views = BTreeSet::new();
        for reference in model.header.columns.iter().filter_map(|column| column.references.as_deref()) {
            let table = referenced(reference)?.0;
            if self.catalog.models.contains_key(&table) {
                let referenced = self.catalog.model(&table)?;
                inputs.extend(self.inputs(referenced).await?);
            } else {
                let snapshot = self.warehouse.snapshot(&table).await?;
                inputs.insert(table.clone(), snapshot);
            }
            views.insert(table);
        }
        let context = self.session(self.engine.state().clone(), &inputs, &views).await?;
        named_schemas(&context, ["candidate"]);
        let table = Arc::new(SnapshotTable::new(Arc::new(candidate.clone())));
        context
            .register_table(TableReference::partial("candidate", "rows"), table)
            .map_err(Error::engine(model.name.to_string()))?;
        Ok(context)
    }
}

fn unique(model: &Model) -> Check {
    let key = model.header.key.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
    Check {
        says: format!("key ({}) is unique", model.header.key.join(", ")),
        condition: None,
        sql: format!("select {key}, count(*) as rows from candidate.rows group by {key} having count(*) > 1"),
    }
}

fn column_checks(column: &ColumnRule) -> Vec<Check> {
    let name = &column.name;
    let quoted_name = quoted(name);
    let failing = |says: String, condition: String| Check {
        says,
        sql: format!("select * from candidate.rows where {condition}"),
        condition: Some(condition),
    };
    let mut checks = Vec::new();
    if column.not_null {
        checks.push(failing(format!("{name} is not null"), format!("{quoted_name} is null")));
    }
    if let Some(min) = column.min {
        checks.push(failing(format!("{name} ≥ {min}"), format!("{quoted_name} < {min}")));
    }
    if let Some(max) = column.max {
        checks.push(failing(format!("{name} ≤ {max}"), format!("{quoted_name} > {max}")));
    }
    if !column.values.is_empty() {
        let values =
            column.values.iter().map(|value| format!("'{}'", value.replace('\'', "''"))).collect::<Vec<_>>().join(", ");
        checks.push(failing(
            format!("{name} is one of {}", column.values.join(", ")),
            format!("{quoted_name} not in ({values})"),
        ));
    }
    if let Some(reference) = &column.references
        && let Ok((table, other)) = referenced(reference)
    {
        let sql = format!(
            "select r.* from candidate.rows as r left anti join {table} as k on r.{quoted_name} = k.{} where r.{quoted_name} is not null",
            quoted(&other)
        );
        checks.push(Check { says: format!("{name} is found in {reference}"), condition: None, sql });
    }
    checks
}

fn referenced(reference: &str) -> Result<(TableName, String)> {
    let Some((table, column)) = reference.rsplit_once('.') else {
        return Err(Error::invalid(reference, "expected schema.table.column"));
    };
    Ok((table.parse()?, column.to_owned()))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn report(says: &str, offending: &[RecordBatch]) -> String {
    let rows = pretty_format_batches(offending).map(|table| table.to_string()).unwrap_or_default();
    format!("check failed: {says}; the table keeps its previous version. Examples:\n{rows}")
}
