//! From committed tables to PostgreSQL: each partition that changed, in a transaction of its own.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::session::{scan, within};
use super::{Run, Runner};
use crate::catalog::{Interval, Model, Unit};
use crate::publish::{Column, Publication, Publisher, Replace, Table};
use crate::warehouse::Snapshot;
use crate::{Error, Result};

/// What the reserved columns are, for PostgreSQL's comments.
const RESERVED: [(&str, &str); 2] =
    [("run_id", "The run that computed the row."), ("computed_at", "When that run began, UTC.")];

impl Runner {
    /// Publishes a model as it is committed; gives how many rows were written.
    pub(super) async fn publish(&self, publisher: &Publisher, model: &Model, run: &Run) -> Result<u64> {
        let snapshot = self.committed(&model.name).await?;
        let table = table(model, &snapshot);
        let mut rows = 0;
        for (interval, replace) in parts(model, &snapshot) {
            let publication = Publication {
                run_id: run.id.clone(),
                table_version: i64::try_from(snapshot.version).unwrap_or(i64::MAX),
                fingerprint: fingerprint(model, &snapshot, interval),
            };
            let batches = stream::once(self.rows_of(model, &snapshot, interval))
                .map_ok(|batches| stream::iter(batches.into_iter().map(Ok::<_, Error>)))
                .try_flatten();
            self.warehouse.guard().check(&model.name).await?;
            let published = publisher.publish(&table, &replace, &publication, pin!(batches.boxed())).await?;
            rows += if published.already { 0 } else { published.rows };
        }
        Ok(rows)
    }

    async fn rows_of(
        &self,
        model: &Model,
        snapshot: &Snapshot,
        interval: Option<Interval>,
    ) -> Result<Vec<RecordBatch>> {
        let name = model.name.to_string();
        let mut plan = scan(snapshot.clone()).map_err(Error::engine(&name))?;
        if let Some((interval, partition)) = interval.zip(model.header.partition.as_ref()) {
            let filtered =
                LogicalPlanBuilder::from(plan).filter(within(partition, interval)).and_then(LogicalPlanBuilder::build);
            plan = filtered.map_err(Error::engine(&name))?;
        }
        let context = SessionContext::new_with_state(self.engine.state().clone());
        let plan = self.engine.plan(&context, &name, &plan).await?;
        Ok(self.engine.collect(&name, plan).await?.batches)
    }
}

/// The parts that are published one by one: every unit that has, or had, rows.
fn parts(model: &Model, snapshot: &Snapshot) -> Vec<(Option<Interval>, Replace)> {
    let Some((column, unit)) = model.header.partition.as_ref().zip(model.header.unit) else {
        return vec![(None, Replace::Whole)];
    };
    units(snapshot)
        .into_iter()
        .map(|from| {
            // The values of the partition column are one a unit: the next one is a unit later, whichever end they are.
            let to = Unit::after(unit, from, 1);
            (Some(Interval { from, to }), Replace::Range { column: column.clone(), from, to })
        })
        .collect()
}

fn units(snapshot: &Snapshot) -> BTreeSet<NaiveDate> {
    let empty = snapshot.recorded["empty"].as_object();
    let empty = empty.iter().flat_map(|empty| empty.keys().cloned());
    snapshot.partitions().into_iter().flatten().chain(empty).filter_map(|value| value.parse().ok()).collect()
}

fn fingerprint(model: &Model, snapshot: &Snapshot, interval: Option<Interval>) -> String {
    let mut digest = Sha256::new();
    let value = interval.map(|interval| interval.from.to_string());
    for file in &snapshot.files {
        let inside =
            model.header.partition.as_ref().is_none_or(|column| file.partition.get(column).cloned().flatten() == value);
        if inside {
            digest.update(&file.path);
            digest.update([0]);
        }
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn table(model: &Model, snapshot: &Snapshot) -> Table {
    let comment = |name: &str| {
        let own =
            model.header.columns.iter().find(|column| column.name == name).map(|column| column.description.as_str());
        own.or_else(|| RESERVED.iter().find(|(reserved, _)| *reserved == name).map(|(_, text)| *text))
            .unwrap_or_default()
            .to_owned()
    };
    let column = |field: &Arc<Field>| Column {
        name: field.name().clone(),
        comment: comment(field.name()),
        field: field.as_ref().clone(),
    };
    let is_time = |name: &&String| {
        let field = snapshot.schema.field_with_name(name);
        field.is_ok_and(|field| matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..)))
    };
    Table {
        schema: model.name.schema.clone(),
        name: model.name.name.clone(),
        comment: format!("{} Grain: {}.", model.header.description, model.header.grain.trim_end_matches('.')),
        columns: snapshot.schema.fields().iter().map(column).collect(),
        key: model.header.key.clone(),
        time_column: model.header.partition.clone().or_else(|| model.header.key.iter().find(is_time).cloned()),
    }
}
