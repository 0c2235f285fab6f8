//! Queries over tables that stand still: one session over one version of each table, and a record of what each query
//! read.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, Months, NaiveDate};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::json::ArrayWriter;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use fleet_jobs::run::Runner;
use fleet_jobs::{Error, Result};
use serde::de::DeserializeOwned;

use crate::Week;

/// A committed table as it was read.
#[derive(Clone, Debug)]
pub struct Version {
    pub version: u64,
    pub rows: u64,
    /// The values of its partition column that were computed, those without rows too.
    pub computed: BTreeSet<String>,
}

pub type Versions = BTreeMap<String, Version>;

/// Rows with the query that gave them, as the reader can run it, and the tables it read.
#[derive(Clone, Debug, Default)]
pub struct Gathered<T> {
    pub rows: Vec<T>,
    pub source: Source,
}

#[derive(Clone, Debug, Default)]
pub struct Source {
    pub sql: String,
    pub tables: BTreeSet<String>,
}

/// How often versions are looked at again while another process commits.
const ATTEMPTS: u32 = 5;

pub struct Reader<'a> {
    runner: &'a Runner,
    context: SessionContext,
    pub versions: Versions,
    /// What `$name` in a query stands for, longer names first.
    values: Vec<(&'static str, String)>,
}

impl<'a> Reader<'a> {
    /// Fixes the version of every table.
    pub async fn open(runner: &'a Runner) -> Result<Self> {
        for _ in 0..ATTEMPTS {
            let before = versions(runner).await?;
            let context = runner.browse().await?;
            let after = versions(runner).await?;
            if numbers(&before) == numbers(&after) {
                return Ok(Self { runner, context, versions: after, values: Vec::new() });
            }
        }
        Err(Error::Conflict { table: "report".to_owned(), attempts: ATTEMPTS })
    }

    /// Takes the week and the month that queries name.
    pub fn set(&mut self, week: Week, month: NaiveDate) {
        let date = |day: NaiveDate| format!("date '{day}'");
        let after = month + Months::new(1);
        self.values = vec![
            ("$month_after", date(after)),
            ("$quarter_start", date(month - Months::new(2))),
            ("$year_start", date(month - Months::new(11))),
            ("$history_start", date(month - Months::new(12))),
            ("$four_weeks_before", date(week.as_of() - Days::new(28))),
            ("$coverage_start", date((week.as_of() - Months::new(12)).with_day(1).unwrap_or(month))),
            ("$week_start", date(week.first_day())),
            ("$last_day", date(week.last_day())),
            ("$as_of", date(week.as_of())),
            ("$month", date(month)),
        ];
        self.values.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    }

    /// The rows of a query. `what` names it in errors.
    pub async fn rows<T: DeserializeOwned>(&self, what: &str, sql: &str) -> Result<Gathered<T>> {
        let sql = self.values.iter().fold(sql.trim().to_owned(), |sql, (name, value)| sql.replace(name, value));
        let failed = || Error::engine(format!("report: {what}"));
        let plan = self.context.state().create_logical_plan(&sql).await.map_err(failed())?;
        let tables = self.stored(&plan).map_err(failed())?;
        let plan = self.context.state().create_physical_plan(&plan).await.map_err(failed())?;
        let batches = self.runner.engine.collect(what, plan).await?.batches;
        Ok(Gathered { rows: typed(what, &batches)?, source: Source { sql, tables } })
    }

    /// The tables that a plan reads, behind the views too.
    fn stored(&self, plan: &LogicalPlan) -> datafusion::error::Result<BTreeSet<String>> {
        let mut tables = BTreeSet::new();
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                let name = match scan.table_name.schema() {
                    Some(schema) => format!("{schema}.{}", scan.table_name.table()),
                    None => format!("ledger.{}", scan.table_name.table()),
                };
                tables.insert(name);
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(tables)
    }
}

async fn versions(runner: &Runner) -> Result<Versions> {
    let mut versions = Versions::new();
    for table in runner.warehouse.tables().await? {
        if let Some(snapshot) = runner.warehouse.snapshot(&table).await? {
            let empty = snapshot.recorded["empty"].as_object().into_iter().flat_map(|empty| empty.keys().cloned());
            let computed = snapshot.partitions().into_iter().flatten().chain(empty).collect();
            versions.insert(table.to_string(), Version { version: snapshot.version, rows: snapshot.rows(), computed });
        }
    }
    Ok(versions)
}

fn numbers(versions: &Versions) -> BTreeMap<&str, u64> {
    versions.iter().map(|(table, version)| (table.as_str(), version.version)).collect()
}

/// Rows by the names of their columns.
fn typed<T: DeserializeOwned>(what: &str, batches: &[RecordBatch]) -> Result<Vec<T>> {
    let unreadable = |problem: String| Error::invalid(format!("report: {what}"), problem);
    let mut writer = ArrayWriter::new(Vec::new());
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        writer.write(batch).map_err(|error| unreadable(error.to_string()))?;
    }
    writer.finish().map_err(|error| unreadable(error.to_string()))?;
    let text = writer.into_inner();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))
}
