//! One step: decide, compute, check, commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;

use super::session::{model_plan, with_reserved};
use super::stale::{self, Asked, Work};
use super::{Run, Runner, StepReport};
use crate::catalog::{Interval, Lookback, Model};
use crate::engine::write::{WriteExec, WriteSpec, written_files};
use crate::progress::Event;
use crate::warehouse::{Commit, DataFile, Replace, Snapshot};
use crate::{Error, Result};

impl Runner {
    /// Brings a table up to date. A lost race is an error that another attempt mends.
    pub(super) async fn materialise(&self, model: &Model, run: &Run) -> Result<StepReport> {
        let inputs = self.inputs(model).await?;
        let current = self.warehouse.snapshot(&model.name).await?;
        let work = stale::work(&self.catalog, model, &inputs, current.as_deref(), &run.asked());
        let versions =
            inputs.iter().filter_map(|(table, snapshot)| Some((table.to_string(), snapshot.as_ref()?.version)));
        let versions: BTreeMap<String, u64> = versions.collect();
        if work.is_none() {
            if current.is_none() {
                let text = "has no input yet; run `fleet ingest` first, and check --data";
                self.progress.report(Event::Notice { step: &model.name.to_string(), text });
            }
            return Ok(StepReport {
                version: current.as_deref().map(|snapshot| snapshot.version),
                rows: current.as_deref().map_or(0, Snapshot::rows),
                bytes: current.as_deref().map_or(0, Snapshot::size_bytes),
                up_to_date: true,
                inputs: versions,
                ..StepReport::of(&model.name)
            });
        }
        let sized = self.for_rows_of(inputs.values().flatten().map(AsRef::as_ref));
        let context = sized.session(sized.engine.state().clone(), &inputs, &model.inputs).await?;
        let mut files = Vec::new();
        let mut schema = Arc::new(Schema::empty());
        let mut ranges: Vec<_> = work.ranges.iter().rev().copied().collect();
        while let Some(range) = ranges.pop() {
            let plan = sized.planned(&context, model, range, run).await?;
            schema = Arc::new(plan.schema().as_arrow().clone());
            let plan = sized.writing_plan(&context, model, plan, &work.fingerprints).await?;
            match halves(model, range) {
                Some([first, second]) if sized.engine.is_too_large(&plan) => ranges.extend([Some(second), Some(first)]),
                _ => files.extend(sized.write(&model.name.to_string(), plan).await?),
            }
        }
        let candidate = self.candidate(model, &schema, files);
        self.examine(model, &candidate, &work, &inputs).await?;
        let version = self.commit_step(model, run, current.as_deref(), candidate.clone(), &work).await?;
        Ok(StepReport {
            version: Some(version),
            inputs: versions,
            rows: candidate.rows(),
            bytes: candidate.size_bytes(),
            files: candidate.files.len(),
            partitions: work.fingerprints.len(),
            verified: self.verifier.is_some(),
            ..StepReport::of(&model.name)
        })
    }

    /// Everything that must hold before a commit; what was written is removed where it does not.
    async fn examine(
        &self,
        model: &Model,
        candidate: &Snapshot,
        work: &Work,
        inputs: &super::session::Inputs,
    ) -> Result<()> {
        let examined = async {
            self.inside_its_interval(model, candidate, work)?;
            self.check(model, candidate).await?;
            match &self.verifier {
                Some(verifier) => self.verify(verifier, model, candidate, work, inputs).await,
                None => Ok(()),
            }
        };
        let result = examined.await;
        if result.is_err() {
            self.discard(candidate).await;
        }
        result
    }

    /// The model's query over a range, with the reserved columns.
    pub(super) async fn planned(
        &self,
        context: &SessionContext,
        model: &Model,
        range: Option<Interval>,
        run: &Run,
    ) -> Result<LogicalPlan> {
        let plan = model_plan(context, model, range).await?;
        with_reserved(plan, run).map_err(Error::engine(model.name.to_string()))
    }

    async fn write(&self, name: &str, plan: Arc<dyn ExecutionPlan>) -> Result<Vec<DataFile>> {
        let outcome = self.engine.collect(name, plan).await?;
        self.progress.report(Event::Stages { step: name, stages: &outcome.stages });
        written_files(&outcome.batches).map_err(Error::engine(name))
    }

    /// A query's physical plan with the write operator on top.
    pub(super) async fn writing_plan(
        &self,
        context: &SessionContext,
        model: &Model,
        plan: LogicalPlan,
        fingerprints: &BTreeMap<String, String>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let name = model.name.to_string();
        let spec = WriteSpec {
            folder: self.warehouse.folder(&model.name).to_string(),
            partition_columns: model.header.partition.iter().cloned().collect(),
            fingerprint: fingerprints.get("").cloned().unwrap_or_default(),
            fingerprints: fingerprints.clone(),
            short_lived: false,
        };
        self.planned_to_write(context, &name, &plan, spec).await
    }

    /// As [`Self::writing_plan`], for any query and place.
    pub(crate) async fn planned_to_write(
        &self,
        context: &SessionContext,
        what: &str,
        query: &LogicalPlan,
        spec: WriteSpec,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = self.engine.plan(context, what, query).await?;
        let tasks = self.engine.parts(&plan);
        Ok(Arc::new(WriteExec::together(plan, spec, tasks).map_err(Error::engine(what))?))
    }

    /// The range that a plan is shown for: what is asked, or the latest unit there is input for.
    pub(super) fn range_to_plan(
        &self,
        model: &Model,
        inputs: &super::session::Inputs,
        interval: Option<Interval>,
    ) -> Option<Interval> {
        let unit = model.header.unit?;
        let asked = Asked { interval, latest_day: None };
        let ranges = stale::work(&self.catalog, model, inputs, None, &asked).ranges;
        let last = ranges.last().copied().flatten();
        let whole = |range: Interval| Interval { from: unit.start(range.from), to: range.to };
        match interval {
            Some(_) => last,
            None => last.map(|range| whole(Interval { from: unit.before(range.to, 1), to: range.to })),
        }
        .or_else(|| "2026-01".parse().ok())
    }

    /// What was written, as the table would be if it were committed.
    fn candidate(&self, model: &Model, schema: &SchemaRef, files: Vec<DataFile>) -> Snapshot {
        Snapshot {
            table: model.name.clone(),
            folder: self.warehouse.folder(&model.name),
            version: 0,
            schema: Arc::clone(schema),
            partition_columns: model.header.partition.iter().cloned().collect(),
            files,
            recorded: serde_json::Value::Null,
        }
    }

    fn inside_its_interval(&self, model: &Model, candidate: &Snapshot, work: &Work) -> Result<()> {
        if model.header.partition.is_none() {
            return Ok(());
        }
        let asked = |value: &Option<String>| value.as_ref().is_some_and(|value| work.fingerprints.contains_key(value));
        match candidate.partitions().iter().find(|value| !asked(value)) {
            None => Ok(()),
            Some(value) => {
                let value = value.as_deref().unwrap_or("null");
                let problem = format!(
                    "the query gave rows of `{value}`, which it was not asked for; restrict it by $interval_start and $interval_end"
                );
                Err(Error::invalid(model.name.to_string(), problem))
            }
        }
    }

    async fn commit_step(
        &self,
        model: &Model,
        run: &Run,
        current: Option<&Snapshot>,
        candidate: Snapshot,
        work: &Work,
    ) -> Result<u64> {
        let written = candidate.partitions();
        let values = || work.fingerprints.keys().map(|value| Some(value.clone()));
        let mut empty: BTreeMap<String, String> = current
            .and_then(|snapshot| serde_json::from_value(snapshot.recorded["empty"].clone()).ok())
            .unwrap_or_default();
        for (value, fingerprint) in &work.fingerprints {
            empty.remove(value);
            if model.header.partition.is_some() && !written.contains(&Some(value.clone())) {
                empty.insert(value.clone(), fingerprint.clone());
            }
        }
        let record = serde_json::json!({
            "run_id": run.id,
            "fingerprint": work.fingerprints.get(""),
            "empty": empty,
        });
        let replace = match model.header.partition {
            Some(_) => Replace::Partitions(values().collect::<BTreeSet<_>>()),
            None => Replace::All,
        };
        let commit = Commit {
            table: &model.name,
            base: current,
            schema: Arc::clone(&candidate.schema),
            partition_columns: candidate.partition_columns.clone(),
            replace,
            files: candidate.files.clone(),
            record,
        };
        match self.warehouse.commit(commit).await? {
            Some(version) => Ok(version),
            None => {
                self.discard(&candidate).await;
                Err(Error::Conflict { table: model.name.to_string(), attempts: 1 })
            }
        }
    }

    /// Removes files that were never committed. One that stays is invisible, so a failure only wastes space.
    pub(crate) async fn discard(&self, candidate: &Snapshot) {
        let Ok(store) = candidate.folder.store(self.warehouse.stores()) else { return };
        for file in &candidate.files {
            let Ok(path) = candidate.folder.path_of(&file.path) else { continue };
            if let Err(error) = object_store::ObjectStoreExt::delete(&store, &path).await {
                tracing::debug!(%path, %error, "uncommitted file not removed");
            }
        }
    }
}

/// A range in two that read about half of it each; none where they would not.
fn halves(model: &Model, range: Option<Interval>) -> Option<[Interval; 2]> {
    let (range, unit) = range.zip(model.header.unit)?;
    let units = range.units(unit);
    let Lookback::Units(lookback) = model.header.lookback else { return None };
    if units.len() <= 2 * lookback as usize + 1 {
        return None;
    }
    let middle = units[units.len() / 2];
    Some([Interval { from: range.from, to: middle }, Interval { from: middle, to: range.to }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[tokio::test]
    async fn a_range_is_halved_while_its_halves_read_less() {
        let catalog = Catalog::load(None).await.unwrap();
        let model = |name: &str| Arc::clone(catalog.model(&name.parse().unwrap()).unwrap());
        let halves = |name: &str, range: &str| {
            let halves = super::halves(&model(name), Some(range.parse().unwrap()));
            halves.map(|halves| halves.map(|half| half.to_string()))
        };
        let daily = halves("statistics.parameter_daily", "2026-01-01..2026-01-04").unwrap();
        assert_eq!(daily, ["2026-01-01..2026-01-02", "2026-01-02..2026-01-04"]);
        assert_eq!(halves("statistics.parameter_daily", "2026-01-01"), None);
        // It looks back over eleven months.
        assert_eq!(halves("reliability.component", "2024-01-01..2025-12-01"), None);
        let monthly = halves("reliability.component", "2024-01-01..2026-01-01").unwrap();
        assert_eq!(monthly, ["2024-01-01..2025-01-01", "2025-01-01..2026-01-01"]);
        assert!(super::halves(&model("reliability.int_removal"), None).is_none());
    }
}
