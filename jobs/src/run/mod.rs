//! Running models: each query a distributed plan, its result checked and committed once.

mod checks;
mod materialise;
mod publishing;
mod session;
mod stale;
mod verify;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};

pub use session::{model_plan, named_schemas};

use crate::catalog::{Catalog, Interval, Materialized, Model};
use crate::engine::Engine;
use crate::progress::{Event, Progress};
use crate::publish::Publisher;
use crate::warehouse::{TableName, Warehouse};
use crate::{Error, Result};

/// How often a step is repeated after losing the cluster or a race.
const ATTEMPTS: usize = 5;

/// Runs models against one warehouse. Cheap to clone.
#[derive(Clone)]
pub struct Runner {
    pub catalog: Arc<Catalog>,
    pub warehouse: Warehouse,
    pub engine: Engine,
    /// Plain DataFusion to compare results with, where that is asked for.
    pub verifier: Option<Engine>,
    pub publisher: Option<Publisher>,
    pub progress: Arc<dyn Progress>,
}

/// One run: its identity goes to every row it writes.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Run {
    pub id: String,
    pub started_at: DateTime<Utc>,
    pub interval: Option<Interval>,
    /// The last day of any source that its models read; known once it runs.
    #[serde(skip)]
    latest_day: Option<NaiveDate>,
}

impl Run {
    pub fn new(interval: Option<Interval>) -> Self {
        Self { id: uuid::Uuid::new_v4().to_string(), started_at: Utc::now(), interval, latest_day: None }
    }

    fn asked(&self) -> stale::Asked {
        stale::Asked { interval: self.interval, latest_day: self.latest_day }
    }
}

/// What a step did.
#[derive(Clone, Debug, serde::Serialize)]
pub struct StepReport {
    pub table: String,
    pub version: Option<u64>,
    pub rows: u64,
    pub partitions: usize,
    pub up_to_date: bool,
    pub verified: bool,
    pub published_rows: Option<u64>,
}

impl Runner {
    /// Runs what `names` ask for (all models, if nothing), each after what it reads.
    pub async fn run(&self, names: &[String], run: &Run) -> Result<Vec<StepReport>> {
        let models = self.catalog.select(names)?;
        let latest_day = match run.interval {
            Some(_) => None,
            None => self.latest_day(&models).await?,
        };
        let run = &Run { latest_day, ..run.clone() };
        let steps: Vec<&Arc<Model>> =
            models.iter().filter(|model| model.header.materialized != Materialized::View).collect();
        self.progress.report(Event::Planned { steps: steps.len() });
        let mut reports = Vec::new();
        for model in steps {
            reports.push(self.step(model, run).await?);
        }
        Ok(reports)
    }

    async fn latest_day(&self, models: &[Arc<Model>]) -> Result<Option<NaiveDate>> {
        let tables: BTreeSet<&TableName> = models.iter().flat_map(|model| &model.inputs).collect();
        let mut snapshots = Vec::new();
        for table in tables.into_iter().filter(|table| table.schema == "source") {
            snapshots.extend(self.warehouse.snapshot(table).await?.map(Arc::new));
        }
        Ok(stale::latest_day(&self.catalog, &snapshots))
    }

    async fn step(&self, model: &Model, run: &Run) -> Result<StepReport> {
        let name = model.name.to_string();
        let started = Instant::now();
        self.progress.report(Event::Started { step: &name, doing: "computing" });
        let mut report = self.attempts(&name, || self.materialise(model, run)).await?;
        if model.header.publish
            && let Some(publisher) = &self.publisher
        {
            report.published_rows = Some(self.attempts(&name, || self.publish(publisher, model, run)).await?);
        }
        if report.up_to_date {
            self.progress.report(Event::UpToDate { step: &name });
        } else {
            let note = if report.verified { "verified" } else { "" };
            let (rows, files) = (report.rows, report.partitions);
            self.progress.report(Event::Done { step: &name, rows, files, elapsed: started.elapsed(), note });
        }
        Ok(report)
    }

    /// Publishes models as they stand, without running them.
    pub async fn publish_only(&self, names: &[String], run: &Run) -> Result<Vec<StepReport>> {
        let Some(publisher) = &self.publisher else {
            return Err(Error::invalid("publish", "no database given; pass --publish postgres://user@host/database"));
        };
        for name in names.iter().filter(|name| name.contains('.')) {
            if !self.catalog.model(&name.parse()?)?.header.publish {
                return Err(Error::invalid(
                    name.as_str(),
                    "is not for publishing; its header would say `publish: true`",
                ));
            }
        }
        let mut reports = Vec::new();
        for model in self.catalog.select(names)?.iter().filter(|model| model.header.publish) {
            let snapshot = self.warehouse.snapshot(&model.name).await?;
            let name = model.name.to_string();
            let rows = self.attempts(&name, || self.publish(publisher, model, run)).await?;
            let report = StepReport {
                table: model.name.to_string(),
                version: snapshot.map(|snapshot| snapshot.version),
                rows,
                partitions: 0,
                up_to_date: false,
                verified: false,
                published_rows: Some(rows),
            };
            self.progress.report(Event::Done {
                step: &report.table,
                rows,
                files: 0,
                elapsed: std::time::Duration::ZERO,
                note: "published",
            });
            reports.push(report);
        }
        Ok(reports)
    }

    /// Repeats what was lost to a dead executor, or to another writer who committed first.
    pub(crate) async fn attempts<T, F>(&self, step: &str, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut tried = 0;
        loop {
            tried += 1;
            match attempt().await {
                Err(error @ (Error::Cluster { .. } | Error::Conflict { .. })) if tried < ATTEMPTS => {
                    self.progress.report(Event::Notice { step, text: &format!("trying again: {error}") });
                    tokio::time::sleep(std::time::Duration::from_millis(200 << tried)).await;
                }
                Err(Error::Conflict { table, .. }) => return Err(Error::Conflict { table, attempts: tried }),
                other => return other,
            }
        }
    }

    /// The table as committed, or an error that says what to run.
    pub(crate) async fn committed(&self, table: &TableName) -> Result<crate::warehouse::Snapshot> {
        let advice = format!("has never been computed; run `fleet run {table}`");
        self.warehouse.snapshot(table).await?.ok_or_else(|| Error::invalid(table.to_string(), advice))
    }
}
