//! The catalogue: sources, models and jobs, built in or from a folder of the user's, checked before anything runs.
//!
//! **Invariant:** a [`Catalog`] that exists is sound: every table that a model reads is known, there is no cycle, and
//! every query plans.

mod cron;
mod dependencies;
mod duration;
mod graph;
mod header;
mod interval;
mod load;
mod parameters;
mod schedule;
mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::Deserialize;
use sha2::{Digest, Sha256};

pub use cron::Cron;
pub use header::{ColumnRule, Header, Label, Lookback, Materialized, Unit};
pub use interval::Interval;
pub use schedule::{CatchUp, Concurrency, Schedule};

use crate::landing::{DAY, MONTH, SourceSpec};
use crate::warehouse::{DataFile, Snapshot, TableName};
use crate::{Error, Result};

/// Everything that can be ingested and computed.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub sources: BTreeMap<String, Arc<SourceSpec>>,
    pub models: BTreeMap<TableName, Arc<Model>>,
    pub jobs: BTreeMap<String, Job>,
}

/// A query whose result is a table (or, materialised as a view, is computed where it is read).
#[derive(Clone, Debug)]
pub struct Model {
    pub name: TableName,
    pub header: Header,
    pub sql: String,
    /// The tables that the query names.
    pub inputs: BTreeSet<TableName>,
    /// The query's columns, as found when it was planned at load.
    pub schema: SchemaRef,
}

/// An ordered set of models with a schedule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    pub name: String,
    pub description: String,
    pub models: Vec<TableName>,
    /// Whether new landing files are ingested first.
    #[serde(default)]
    pub ingest: bool,
    pub default_interval: Unit,
    /// When it runs by itself; never where it is left out.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// How many runs of it may go on at once; as many as the scheduler allows where it is left out.
    #[serde(default)]
    pub running_max: Option<NonZeroUsize>,
    /// How long a run of it may take; then it fails.
    #[serde(default, deserialize_with = "duration::time_limit")]
    pub time_limit: Option<TimeDelta>,
}

impl Job {
    /// Its models, each as `schema.table`.
    pub fn model_names(&self) -> Vec<String> {
        self.models.iter().map(ToString::to_string).collect()
    }
}

impl Catalog {
    /// The built-in catalogue, with the files of `overlay` added, or put in the place of those of the same name.
    pub async fn load(overlay: Option<&Path>) -> Result<Self> {
        let mut catalog = load::read(overlay)?;
        let schedules =
            catalog.jobs.iter().filter_map(|(name, job)| Some((name.as_str(), job.schedule.as_ref()?))).collect();
        dependencies::check_schedules(&schedules)
            .map_err(|(job, problem)| Error::invalid(format!("job `{job}`"), problem))?;
        graph::check(&catalog)?;
        // What is built in was planned to the end by a test.
        validate::plan_all(&mut catalog, overlay.is_some()).await?;
        Ok(catalog)
    }

    /// Tells catalogues apart, in hexadecimal: two that differ compute differently.
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(format!("{:?} {:?} {:?}", self.sources, self.models, self.jobs));
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn source(&self, name: &str) -> Result<&Arc<SourceSpec>> {
        self.sources
            .get(name)
            .ok_or_else(|| Error::invalid(format!("source `{name}`"), unknown("source", self.sources.keys())))
    }

    pub fn model(&self, name: &TableName) -> Result<&Arc<Model>> {
        self.models
            .get(name)
            .ok_or_else(|| Error::invalid(format!("model `{name}`"), unknown("model", self.models.keys())))
    }

    /// The models that `names` (of jobs or models) ask for, with all they depend on, in an order that runs.
    pub fn select(&self, names: &[String]) -> Result<Vec<Arc<Model>>> {
        let mut wanted = BTreeSet::new();
        for name in names {
            match self.jobs.get(name) {
                Some(job) => wanted.extend(job.models.iter().cloned()),
                None if name.contains('.') => {
                    wanted.insert(self.model(&name.parse()?)?.name.clone());
                }
                None => return Err(Error::invalid(format!("job `{name}`"), unknown("job", self.jobs.keys()))),
            }
        }
        if names.is_empty() {
            wanted.extend(self.models.keys().cloned());
        }
        Ok(self.ordered(&wanted))
    }

    /// The models among `tables` and all that they read, each after what it reads.
    pub fn ordered(&self, tables: &BTreeSet<TableName>) -> Vec<Arc<Model>> {
        graph::order(self, tables)
    }

    /// The days that the rows of a table's file belong to, where they are known.
    pub fn days_of(&self, snapshot: &Snapshot, file: &DataFile) -> Option<Interval> {
        let column = snapshot.partition_columns.first()?;
        let value = file.partition.get(column)?.as_deref()?.parse().ok()?;
        let (label, unit) = match self.models.get(&snapshot.table) {
            Some(model) => (model.header.label, model.header.unit.unwrap_or(Unit::Day)),
            None if column == MONTH => return file.dates(DAY).or(Some(Label::Start.unit_of(Unit::Month, value))),
            None => (Label::Start, Unit::Day),
        };
        Some(label.unit_of(unit, value))
    }

    /// The column by which a table of a source or a model is partitioned.
    pub fn partition(&self, table: &TableName) -> Option<String> {
        match self.models.get(table) {
            Some(model) => model.header.partition.clone(),
            None if table.schema == "source" => self.sources.get(&table.name)?.partition_column(),
            None => None,
        }
    }

    /// The columns of a table that the catalogue knows.
    pub fn schema(&self, table: &TableName) -> Option<SchemaRef> {
        if let Some(model) = self.models.get(table) {
            return Some(Arc::clone(&model.schema));
        }
        match (table.schema.as_str(), table.name.as_str()) {
            ("source", name) => self.sources.get(name).map(|source| source_schema(source)),
            ("ledger", "ingested_file") => Some(ingested_file_schema()),
            ("ledger", "quarantine") => Some(quarantine_schema()),
            _ => None,
        }
    }
}

/// What is wrong with a name that none of the known ones is.
pub(crate) fn unknown<T: std::fmt::Display>(kind: &str, known: impl Iterator<Item = T>) -> String {
    let known: Vec<String> = known.map(|name| name.to_string()).collect();
    format!("no such {kind}; known are {}", known.join(", "))
}

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect::<Vec<_>>()))
}

/// A source table: the source's columns, where each row came from, and its day (and month) where there is one.
pub fn source_schema(source: &SourceSpec) -> SchemaRef {
    let mut fields: Vec<Field> = source.columns.iter().map(crate::landing::Column::field).collect();
    fields.push(Field::new("_file", DataType::Utf8, true));
    fields.push(Field::new("_line", DataType::Int64, true));
    fields.push(Field::new("_delivered_on", DataType::Date32, true));
    fields.extend(source.date_columns().iter().map(|(name, _)| Field::new(*name, DataType::Date32, true)));
    Arc::new(Schema::new(fields))
}

/// The manifest: what became of every file ever delivered.
pub fn ingested_file_schema() -> SchemaRef {
    schema(&[
        ("file", DataType::Utf8),
        ("sha256", DataType::Utf8),
        ("source", DataType::Utf8),
        ("rows_in", DataType::Int64),
        ("rows_kept", DataType::Int64),
        ("rows_replaced", DataType::Int64),
        ("rows_quarantined", DataType::Int64),
        ("state", DataType::Utf8),
        ("notes", DataType::Utf8),
        ("size_bytes", DataType::Int64),
        ("modified_at", utc()),
        ("ingested_at", utc()),
        ("delivered_on", DataType::Date32),
    ])
}

/// Records that could not be read, with all it takes to mend them.
pub fn quarantine_schema() -> SchemaRef {
    schema(&[
        ("source", DataType::Utf8),
        ("file", DataType::Utf8),
        ("line", DataType::Int64),
        ("reason", DataType::Utf8),
        ("column", DataType::Utf8),
        ("detail", DataType::Utf8),
        ("raw", DataType::Utf8),
        ("ingested_at", utc()),
        ("delivered_on", DataType::Date32),
    ])
}
