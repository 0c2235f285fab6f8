//! Keeps what this process computes in the ledger beside its data, like any run of the job service.

use std::collections::{BTreeMap, BTreeSet};

use fleet_jobs::catalog::{Catalog, Interval};
use fleet_jobs::run::{PlannedStep, Run, Runner};
use fleet_jobs::storage::Folder;
use fleet_jobs::warehouse::Warehouse;
use fleet_scheduler::ledger::{Ledger, NewRun, Origin};
use fleet_scheduler::service::LocalRun;

use crate::options::Common;

/// What this process is to compute.
pub struct Asked<'a> {
    /// Jobs or models; all models if none is named.
    pub names: &'a [String],
    /// Whether models are computed at all.
    pub computes: bool,
    /// The sources to ingest; none if nothing is ingested, all if none is named.
    pub ingests: Option<&'a [String]>,
    pub interval: Option<Interval>,
    pub verify: bool,
}

/// A run, and its place in the ledger where there is one.
pub struct Recorded {
    pub run: Run,
    local: Option<LocalRun>,
}

impl Recorded {
    /// Begins, and lets the runner tell the ledger.
    pub async fn begin(
        common: &Common,
        ledger: Option<&str>,
        runner: &mut Runner,
        asked: Asked<'_>,
    ) -> anyhow::Result<Self> {
        let Some(url) = ledger.map(str::to_owned).or(beside_data(common)?) else {
            return Ok(Self { run: Run::new(asked.interval), local: None });
        };
        let steps = steps(runner, &asked)?;
        let ledger = ledger_of(&url, &runner.warehouse).await?;
        let local = LocalRun::begin(ledger, new_run(&runner.catalog, &asked), steps, runner).await?;
        Ok(Self { run: local.as_run(asked.interval), local: Some(local) })
    }

    /// Ends as the result says. That the ledger cannot be written spoils nothing that was computed.
    pub async fn end<T>(self, runner: Runner, result: &fleet_jobs::Result<T>) {
        let Some(local) = self.local else { return };
        if let Err(error) = local.end(runner, result.as_ref().err()).await {
            eprintln!("the run is not in the ledger as it was: {error}");
        }
    }
}

/// The ledger that keeps the runs of a warehouse. One beside its data goes where these go.
pub async fn ledger_of(url: &str, warehouse: &Warehouse) -> anyhow::Result<Ledger> {
    let ledger = Ledger::open(url).await?;
    if ledger.is_shared() {
        ledger.belong_to(warehouse.root().url().as_str()).await?;
    }
    Ok(ledger)
}

/// The ledger beside the data, where that is a folder of this machine.
pub fn beside_data(common: &Common) -> anyhow::Result<Option<String>> {
    let data = Folder::parse(&common.data)?;
    let path = data.url().to_file_path().ok().filter(|_| data.url().scheme() == "file");
    Ok(path.map(|path| format!("sqlite://{}", path.join("ledger.sqlite").display())))
}

fn steps(runner: &Runner, asked: &Asked<'_>) -> fleet_jobs::Result<Vec<PlannedStep>> {
    let mut steps = runner.planned_steps(asked.names, asked.ingests.is_some())?;
    let is_asked = |step: &PlannedStep| match (step.ingests, asked.ingests) {
        (true, Some([])) => true,
        (true, sources) => {
            sources.is_some_and(|sources| sources.iter().any(|source| step.name == format!("source.{source}")))
        }
        (false, _) => asked.computes,
    };
    steps.retain(is_asked);
    Ok(steps)
}

fn new_run(catalog: &Catalog, asked: &Asked<'_>) -> NewRun {
    let mut models: BTreeSet<String> = BTreeSet::new();
    for name in asked.names {
        match catalog.jobs.get(name) {
            Some(job) => models.extend(job.model_names()),
            None => _ = models.insert(name.clone()),
        }
    }
    if asked.names.is_empty() && asked.computes {
        models.extend(catalog.models.keys().map(ToString::to_string));
    }
    let job = match asked.names {
        [name] if catalog.jobs.contains_key(name) => Some(name.clone()),
        _ => None,
    };
    NewRun {
        job,
        models: models.into_iter().collect(),
        ingest: asked.ingests.is_some(),
        interval: asked.interval.map(Into::into),
        parameters: BTreeMap::new(),
        verify: asked.verify,
        priority: 0,
        submitted_by: std::env::var("USER").ok().filter(|user| !user.is_empty()).unwrap_or_else(|| "local".to_owned()),
        idempotency_key: None,
        origin: Origin::Submitted,
    }
}
