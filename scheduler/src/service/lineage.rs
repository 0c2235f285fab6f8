//! From a table back to the files that it came from. Which steps made it, and from what, the ledger says; what of it is
//! still there the table's own log; and the files the manifest.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use fleet_jobs::catalog::{Interval, Lookback, Materialized};
use fleet_jobs::warehouse::{DataFile, Snapshot, TableName};

use super::{Error, Result, Service};
use crate::ledger::{RunId, TableVersion};

/// Steps looked at of one table.
const PRODUCTIONS_MAX: u32 = 5_000;
/// Tables in versions told at once.
const NODES_MAX: usize = 2_000;
/// What the names of tables begin with that are ingested.
const SOURCES: &str = "source.";

/// What is asked.
#[derive(Clone, Debug)]
pub struct LineageRequest {
    pub table: TableName,
    /// What this run committed; the latest version otherwise.
    pub run: Option<RunId>,
    /// Only what is behind these days of the table.
    pub days: Option<Interval>,
    /// How many steps back to go; all the way for 0.
    pub depth_max: u32,
}

#[derive(Clone, Debug, Default)]
pub struct Lineage {
    /// Each before its inputs.
    pub nodes: Vec<LineageNode>,
    /// By source, day and name.
    pub files: Vec<SourceFile>,
}

/// A table in one version.
#[derive(Clone, Debug)]
pub struct LineageNode {
    pub version: TableVersion,
    /// The steps whose rows are in it, the latest first.
    pub productions: Vec<Made>,
    /// The days of it that are asked for; all if none are given.
    days: Option<Interval>,
}

/// A step's part of a table.
#[derive(Clone, Debug)]
pub struct Made {
    pub run: RunId,
    pub step: String,
    pub version: u64,
    pub committed_at: DateTime<Utc>,
    /// Values of the partition column, in order.
    pub partitions: Vec<String>,
    pub rows: u64,
    /// Delivered files among those that are told of, of a step that ingested.
    pub files: u64,
    pub inputs: Vec<TableVersion>,
}

/// A delivered file.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub url: String,
    pub sha256: String,
    pub source: String,
    pub delivered_on: String,
    pub ingested_at: Option<DateTime<Utc>>,
    pub size_bytes: u64,
    pub rows_kept: u64,
    pub rows_quarantined: u64,
    /// None where the ledger knows no run that did.
    pub run: Option<RunId>,
}

impl Service {
    /// # Errors
    /// `NotFound` if no run, or not the run asked for, committed the table.
    pub async fn lineage(&self, request: &LineageRequest) -> Result<Lineage> {
        let name = request.table.to_string();
        let Some(version) = self.ledger.version_of(&name, request.run).await? else {
            let who =
                request.run.map_or("no run ever committed it".to_owned(), |run| format!("run {run} did not commit it"));
            return Err(Error::NotFound { what: format!("table `{name}`: {who}") });
        };
        let mut nodes = self.walk(TableVersion { table: name, version }, request).await?;
        let files = self.files(&nodes).await?;
        for made in nodes.iter_mut().flat_map(|node| &mut node.productions) {
            let source = made.step.strip_prefix(SOURCES);
            let delivered =
                files.iter().filter(|file| file.run == Some(made.run) && Some(file.source.as_str()) == source);
            made.files = delivered.count() as u64;
        }
        Ok(Lineage { nodes, files })
    }

    /// The table and all behind it, each before its inputs.
    async fn walk(&self, root: TableVersion, request: &LineageRequest) -> Result<Vec<LineageNode>> {
        let mut nodes: BTreeMap<(String, u64), LineageNode> = BTreeMap::new();
        let mut open = vec![(root.clone(), request.days, 0)];
        while let Some((version, days, depth)) = open.pop() {
            let key = (version.table.clone(), version.version);
            let days = match nodes.get(&key) {
                // More of it is asked for than before, or it is told already.
                Some(known) => match union(known.days, days) {
                    days if days == known.days => continue,
                    days => days,
                },
                None if nodes.len() == NODES_MAX => {
                    let problem = format!("there are more than {NODES_MAX} tables behind it; ask for less");
                    return Err(Error::invalid("depth_max", problem));
                }
                None => days,
            };
            let productions = self.productions(&version, days).await?;
            if request.depth_max == 0 || depth < request.depth_max {
                let before = self.days_before(&version.table, days);
                let inputs = productions.iter().flat_map(|made| &made.inputs);
                let inputs: BTreeSet<(&str, u64)> = inputs.map(|it| (it.table.as_str(), it.version)).collect();
                open.extend(
                    inputs
                        .into_iter()
                        .map(|(table, version)| (TableVersion { table: table.to_owned(), version }, before, depth + 1)),
                );
            }
            nodes.insert(key, LineageNode { version, productions, days });
        }
        Ok(ordered(nodes, &root))
    }

    /// The steps whose rows are in the version, of the days asked for.
    async fn productions(&self, version: &TableVersion, days: Option<Interval>) -> Result<Vec<Made>> {
        let table: TableName = version.table.parse()?;
        let snapshot = self.setup.warehouse.snapshot_at(&table, version.version).await?;
        let mut left = snapshot.as_ref().map(|snapshot| self.within(snapshot, days)).unwrap_or_default();
        let found = self.ledger.productions(&version.table, version.version, PRODUCTIONS_MAX).await?;
        let mut made = Vec::new();
        for production in found {
            let added = self.setup.warehouse.added(&table, production.version).await?;
            let (own, others): (Vec<&DataFile>, Vec<&DataFile>) =
                left.into_iter().partition(|file| added.contains(&file.path));
            // A table without rows is that of its last step.
            if !own.is_empty() || (made.is_empty() && others.is_empty()) {
                let values = own.iter().flat_map(|file| file.partition.values().flatten().cloned());
                made.push(Made {
                    run: production.run,
                    version: production.version,
                    committed_at: production.committed_at,
                    partitions: values.collect::<BTreeSet<String>>().into_iter().collect(),
                    rows: own.iter().map(|file| file.rows).sum(),
                    files: 0,
                    inputs: production.inputs,
                    step: production.step,
                });
            }
            left = others;
            if left.is_empty() {
                break;
            }
        }
        Ok(made)
    }

    /// The files of the partitions that are asked for.
    fn within<'a>(&self, snapshot: &'a Snapshot, days: Option<Interval>) -> Vec<&'a DataFile> {
        let is_asked = |file: &&DataFile| {
            // What has no day may be of any.
            days.zip(self.setup.catalog.days_of(snapshot, file)).is_none_or(|(asked, own)| own.overlaps(asked))
        };
        snapshot.files.iter().filter(is_asked).collect()
    }

    /// The days of a model's inputs that some days of it depend on.
    fn days_before(&self, table: &str, days: Option<Interval>) -> Option<Interval> {
        let (days, table) = (days?, table.parse::<TableName>().ok()?);
        let header = &self.setup.catalog.models.get(&table)?.header;
        match (header.materialized, header.unit, header.lookback) {
            (Materialized::Partition, Some(unit), Lookback::Units(units)) => {
                let last = unit.start(days.to.pred_opt()?);
                Some(Interval { from: unit.before(unit.start(days.from), units), to: unit.after(last, 1) })
            }
            _ => None,
        }
    }

    /// What the manifest says of the files behind the source tables among the nodes.
    async fn files(&self, nodes: &[LineageNode]) -> Result<Vec<SourceFile>> {
        let manifest = TableName::new("ledger", "ingested_file");
        if self.setup.warehouse.snapshot(&manifest).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut files: BTreeMap<(String, String, String), SourceFile> = BTreeMap::new();
        for node in nodes {
            let Some(source) = node.version.table.strip_prefix(SOURCES) else { continue };
            let ingestions = self.ingestions(node).await?;
            let Some(until) = ingestions.iter().map(|ingestion| ingestion.1).max() else { continue };
            let sql = manifest_sql(source, until, self.days_of_rows(source, node.days)?);
            for batch in self.setup.local_runner()?.ask(&sql).await? {
                let found = read(&batch).map_err(fleet_jobs::Error::engine("ledger.ingested_file"))?;
                for mut file in found {
                    let by = |(from, to, _): &&(DateTime<Utc>, DateTime<Utc>, RunId)| {
                        file.ingested_at.is_some_and(|at| *from <= at && at <= *to)
                    };
                    file.run = ingestions.iter().find(by).map(|(_, _, run)| *run);
                    let name = std::mem::take(&mut file.url);
                    file.url = self.setup.landing.url_of(&name);
                    files.insert((file.source.clone(), file.delivered_on.clone(), name), file);
                }
            }
        }
        Ok(files.into_values().collect())
    }

    /// When the runs that ingested a source began and committed, the latest first.
    async fn ingestions(&self, node: &LineageNode) -> Result<Vec<(DateTime<Utc>, DateTime<Utc>, RunId)>> {
        let mut ingestions = Vec::new();
        for made in &node.productions {
            let started_at = self.run(made.run).await?.started_at.unwrap_or(made.committed_at);
            ingestions.push((started_at, made.committed_at, made.run));
        }
        Ok(ingestions)
    }

    /// The days to look for rows of, where the source's rows have days.
    fn days_of_rows(&self, source: &str, days: Option<Interval>) -> Result<Option<Interval>> {
        Ok(days.filter(|_| self.setup.catalog.sources.get(source).is_some_and(|source| source.partition.is_some())))
    }
}

fn manifest_sql(source: &str, until: DateTime<Utc>, days: Option<Interval>) -> String {
    let (name, until) = (source.replace('\'', "''"), until.format("%Y-%m-%dT%H:%M:%S%.6fZ"));
    let within = days.map(|days| {
        format!(
            " and file in (select _file from source.{source} where _day >= '{}' and _day < '{}')",
            days.from, days.to
        )
    });
    format!(
        "select file, sha256, source, delivered_on, ingested_at, size_bytes, rows_kept, rows_quarantined \
         from ledger.ingested_file where source = '{name}' and state = 'ingested' and ingested_at <= '{until}'{} order by delivered_on, file",
        within.unwrap_or_default()
    )
}

fn read(batch: &RecordBatch) -> datafusion::error::Result<Vec<SourceFile>> {
    let text = |column: usize| cast(batch.column(column), &DataType::Utf8);
    let (url, sha256, source, delivered_on) = (text(0)?, text(1)?, text(2)?, text(3)?);
    let instants = batch.column(4).as_primitive::<TimestampMicrosecondType>();
    let number = |row: usize, column: usize| {
        let numbers = batch.column(column).as_primitive::<Int64Type>();
        if numbers.is_null(row) { 0 } else { u64::try_from(numbers.value(row)).unwrap_or(0) }
    };
    let word = |column: &ArrayRef, row: usize| {
        if column.is_null(row) { String::new() } else { column.as_string::<i32>().value(row).to_owned() }
    };
    let one = |row: usize| SourceFile {
        url: word(&url, row),
        sha256: word(&sha256, row),
        source: word(&source, row),
        delivered_on: word(&delivered_on, row),
        ingested_at: DateTime::from_timestamp_micros(instants.value(row)),
        size_bytes: number(row, 5),
        rows_kept: number(row, 6),
        rows_quarantined: number(row, 7),
        run: None,
    };
    Ok((0..batch.num_rows()).map(one).collect())
}

/// Days that hold both; all days if one of them is all.
fn union(one: Option<Interval>, other: Option<Interval>) -> Option<Interval> {
    let (one, other) = (one?, other?);
    Some(Interval { from: one.from.min(other.from), to: one.to.max(other.to) })
}

/// By depth first, ended nodes last to first: each comes before what it was made from.
fn ordered(mut nodes: BTreeMap<(String, u64), LineageNode>, root: &TableVersion) -> Vec<LineageNode> {
    let mut ended = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![((root.table.clone(), root.version), false)];
    while let Some((key, inputs_done)) = open.pop() {
        if inputs_done {
            ended.extend(nodes.remove(&key));
        } else if let Some(node) = nodes.get(&key)
            && seen.insert(key.clone())
        {
            open.push((key, true));
            let inputs = node.productions.iter().flat_map(|made| &made.inputs);
            open.extend(inputs.map(|input| ((input.table.clone(), input.version), false)));
        }
    }
    ended.reverse();
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(table: &str, inputs: &[&str]) -> ((String, u64), LineageNode) {
        let version = |table: &str| TableVersion { table: table.to_owned(), version: 0 };
        let made = Made {
            run: RunId::new(DateTime::UNIX_EPOCH),
            step: table.to_owned(),
            version: 0,
            committed_at: DateTime::UNIX_EPOCH,
            partitions: Vec::new(),
            rows: 0,
            files: 0,
            inputs: inputs.iter().map(|input| version(input)).collect(),
        };
        let node = LineageNode { version: version(table), productions: vec![made], days: None };
        ((table.to_owned(), 0), node)
    }

    #[test]
    fn each_table_comes_before_its_inputs_and_once() {
        let nodes =
            [node("a.a", &["a.b", "a.c"]), node("a.b", &["a.c", "a.d"]), node("a.c", &["a.d"]), node("a.d", &[])];
        let root = TableVersion { table: "a.a".to_owned(), version: 0 };
        let order: Vec<String> = ordered(nodes.into(), &root).into_iter().map(|node| node.version.table).collect();
        assert_eq!(order, ["a.a", "a.b", "a.c", "a.d"]);
    }

    #[test]
    fn all_days_and_some_days_are_all_days() {
        let days = |text: &str| text.parse::<Interval>().ok();
        assert_eq!(union(None, days("2026-01")), None);
        assert_eq!(union(days("2026-01"), days("2026-03")), days("2026-01-01..2026-04-01"));
    }
}
