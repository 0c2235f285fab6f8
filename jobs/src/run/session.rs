//! Sessions over snapshots: the tables a query may read, each at one version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, Utc};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
};
use datafusion::common::{DFSchema, ParamValues, ScalarValue, TableReference};
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, col, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;

use super::{Run, Runner};
use crate::catalog::{Interval, Materialized, Model, unknown};
use crate::engine::Outcome;
use crate::warehouse::{Snapshot, SnapshotTable, TableName};
use crate::{Error, Result};

/// The tables that a query reads, views resolved to what they read.
pub(crate) type Inputs = BTreeMap<TableName, Option<Arc<Snapshot>>>;

/// The values of a query's named parameters: its header's, and the interval of a `partition` model.
fn parameters(model: &Model, interval: Option<Interval>) -> ParamValues {
    let instant = |day: chrono::NaiveDate| {
        let micros = day.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
        ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()))
    };
    let ends = interval.map(|interval| [("interval_start", interval.from), ("interval_end", interval.to)]);
    let ends = ends.into_iter().flatten().map(|(name, day)| (name, instant(day)));
    let own = model.header.parameters.iter().map(|(name, value)| (name.as_str(), ScalarValue::from(*value)));
    ParamValues::from(ends.chain(own).collect::<Vec<_>>())
}

/// A catalogue list of its own, so that no two sessions see each other's tables.
fn empty_catalog() -> MemoryCatalogProviderList {
    let list = MemoryCatalogProviderList::new();
    let catalog = MemoryCatalogProvider::new();
    // The in-memory catalogue refuses nothing.
    let _ = catalog.register_schema("public", Arc::new(MemorySchemaProvider::new()));
    list.register_catalog("datafusion".to_owned(), Arc::new(catalog));
    list
}

/// Makes schemas known, so that tables can be registered in them.
pub fn named_schemas<'a>(context: &SessionContext, names: impl IntoIterator<Item = &'a str>) {
    let Some(catalog) = context.catalog("datafusion") else { return };
    for name in names {
        if catalog.schema(name).is_none() {
            // The in-memory catalogue refuses nothing.
            let _ = catalog.register_schema(name, Arc::new(MemorySchemaProvider::new()));
        }
    }
}

/// A model's query as a logical plan, with Delta's types.
pub async fn model_plan(context: &SessionContext, model: &Model, interval: Option<Interval>) -> Result<LogicalPlan> {
    let failed = || Error::engine(model.name.to_string());
    let plan = context.state().create_logical_plan(&model.sql).await.map_err(failed())?;
    let plan = plan.with_param_values(parameters(model, interval)).map_err(failed())?;
    delta_types(plan).map_err(failed())
}

/// Casts the columns that Delta Lake has no type for to one that it has.
fn delta_types(plan: LogicalPlan) -> datafusion::error::Result<LogicalPlan> {
    let columns = stored_columns(plan.schema());
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

fn stored_columns(schema: &DFSchema) -> Vec<Expr> {
    let stored = |(qualifier, field): (
        Option<&datafusion::common::TableReference>,
        &Arc<datafusion::arrow::datatypes::Field>,
    )| {
        let column = Expr::Column(datafusion::common::Column::from((qualifier, field)));
        match stored_type(field.data_type()) {
            Some(stored) => cast(column, stored).alias(field.name()),
            None => column.alias(field.name()),
        }
    };
    schema.iter().map(stored).collect()
}

fn stored_type(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Null => Some(DataType::Utf8),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Some(DataType::Int64),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => Some(DataType::Int64),
        DataType::Float16 | DataType::Float32 | DataType::Decimal128(..) => Some(DataType::Float64),
        DataType::Date64 => Some(DataType::Date32),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC" => None,
        DataType::Timestamp(..) => Some(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        _ => None,
    }
}

/// Adds the reserved columns `run_id` and `computed_at`.
pub(super) fn with_reserved(plan: LogicalPlan, run: &Run) -> datafusion::error::Result<LogicalPlan> {
    let mut columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    columns.push(lit(run.id.as_str()).alias("run_id"));
    columns.push(lit(at(run.started_at)).alias("computed_at"));
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

fn at(instant: DateTime<Utc>) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(instant.timestamp_micros()), Some("UTC".into()))
}

/// A plan without the columns that differ between two runs of one query.
pub(super) fn without_reserved(plan: LogicalPlan) -> datafusion::error::Result<LogicalPlan> {
    let kept = |name: &str| !matches!(name, "run_id" | "computed_at" | "ingested_at");
    let columns: Vec<Expr> =
        plan.schema().columns().into_iter().filter(|column| kept(&column.name)).map(Expr::Column).collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// One table as a plan that reads all its columns.
pub(crate) fn scan(snapshot: Snapshot) -> datafusion::error::Result<LogicalPlan> {
    let name = snapshot.table.clone();
    let table = Arc::new(SnapshotTable::new(Arc::new(snapshot)));
    let source = datafusion::datasource::provider_as_source(table);
    LogicalPlanBuilder::scan(name.reference(), source, None)?.build()
}

/// A filter `from <= column < to` on a DATE column.
pub(crate) fn within(column: &str, interval: Interval) -> Expr {
    let day = |day: chrono::NaiveDate| lit(ScalarValue::Date32(Some(day.to_epoch_days())));
    col(column).gt_eq(day(interval.from)).and(col(column).lt(day(interval.to)))
}

impl Runner {
    /// The tables that a model reads, each at its latest version.
    pub(super) async fn inputs(&self, model: &Model) -> Result<Inputs> {
        let mut inputs = Inputs::new();
        for table in self.stored_inputs(&model.inputs) {
            let snapshot = self.warehouse.snapshot(&table).await?;
            inputs.insert(table, snapshot);
        }
        Ok(inputs)
    }

    pub(super) fn stored_inputs(&self, tables: &BTreeSet<TableName>) -> BTreeSet<TableName> {
        let mut stored = BTreeSet::new();
        for table in tables {
            match self.catalog.models.get(table) {
                Some(model) if model.header.materialized == Materialized::View => {
                    stored.extend(self.stored_inputs(&model.inputs))
                }
                _ => {
                    stored.insert(table.clone());
                }
            }
        }
        stored
    }

    /// A session in which the given snapshots, and the views over them, can be queried.
    pub(crate) async fn session(
        &self,
        state: datafusion::execution::SessionState,
        inputs: &Inputs,
        views: &BTreeSet<TableName>,
    ) -> Result<SessionContext> {
        let context = SessionContext::new_with_state(
            datafusion::execution::SessionStateBuilder::new_from_existing(state)
                .with_session_id(uuid::Uuid::new_v4().to_string())
                .with_catalog_list(Arc::new(empty_catalog()))
                .build(),
        );
        for (table, snapshot) in inputs {
            self.register(&context, table, snapshot.clone())?;
        }
        self.register_views(&context, views).await?;
        Ok(context)
    }

    fn register(&self, context: &SessionContext, table: &TableName, snapshot: Option<Arc<Snapshot>>) -> Result<()> {
        named_schemas(context, [table.schema.as_str()]);
        let reference = table.reference();
        let schema = self.catalog.schema(table);
        let registered = match (snapshot, schema) {
            (Some(snapshot), Some(schema)) if table.schema == "source" => {
                context.register_table(reference, Arc::new(SnapshotTable::with_schema(snapshot, &schema)))
            }
            (Some(snapshot), _) => context.register_table(reference, Arc::new(SnapshotTable::new(snapshot))),
            (None, Some(schema)) => {
                // Partitioned as it will be, so that nothing is exchanged beside it which would not be then.
                let partition_columns = self.catalog.partition(table).into_iter().collect();
                let empty = Snapshot::empty(table.clone(), self.warehouse.folder(table), schema, partition_columns);
                context.register_table(reference, Arc::new(SnapshotTable::new(Arc::new(empty))))
            }
            (None, None) => return Ok(()),
        };
        registered.map(|_| ()).map_err(Error::engine(table.to_string()))
    }

    /// The views among tables, and those that these are made of; not those behind a stored table.
    fn views(&self, tables: &BTreeSet<TableName>) -> BTreeSet<TableName> {
        let mut views = BTreeSet::new();
        for table in tables {
            if let Some(model) = self.catalog.models.get(table)
                && model.header.materialized == Materialized::View
            {
                views.extend(self.views(&model.inputs));
                views.insert(table.clone());
            }
        }
        views
    }

    async fn register_views(&self, context: &SessionContext, tables: &BTreeSet<TableName>) -> Result<()> {
        let views = self.views(tables);
        for model in self.catalog.ordered(&views).iter().filter(|model| views.contains(&model.name)) {
            named_schemas(context, [model.name.schema.as_str()]);
            let plan = model_plan(context, model, None).await?;
            let view = datafusion::catalog::view::ViewTable::new(plan, None);
            context
                .register_table(model.name.reference(), Arc::new(view))
                .map_err(Error::engine(model.name.to_string()))?;
        }
        Ok(())
    }

    /// Runs a user's query over every table and view.
    pub async fn ask(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        self.attempts("query", "computing", |runner| async move { runner.ask_once(sql).await }).await
    }

    async fn ask_once(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        let state = self.engine.state();
        let dialect = state.config_options().sql_parser.dialect;
        let statement = state.sql_to_statement(sql, &dialect).map_err(Error::engine("query"))?;
        let named = state.resolve_table_references(&statement).map_err(Error::engine("query"))?;
        let context = self.reading(&named).await?;
        let statement = context.state().statement_to_plan(statement).await.map_err(Error::engine("query"))?;
        let reads_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        reads_only.verify_plan(&statement).map_err(Error::engine("query"))?;
        let plan = context.state().create_physical_plan(&statement).await.map_err(Error::engine("query"))?;
        let schema = plan.schema();
        let mut batches = self.engine.collect("query", plan).await?.batches;
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(schema));
        }
        Ok(batches)
    }

    /// The plan by which a model would be written, over a range or its latest unit.
    pub async fn physical_plan(&self, name: &TableName, interval: Option<Interval>) -> Result<Arc<dyn ExecutionPlan>> {
        let model = Arc::clone(self.catalog.model(name)?);
        let inputs = self.inputs(&model).await?;
        let context = self.session(self.engine.state().clone(), &inputs, &model.inputs).await?;
        let range = self.range_to_plan(&model, &inputs, interval);
        let plan = self.planned(&context, &model, range, &Run::new(interval)).await?;
        self.writing_plan(&context, &model, plan, &BTreeMap::new()).await
    }

    /// Runs a query of the driver's own.
    pub(crate) async fn query(&self, context: &SessionContext, what: &str, sql: &str) -> Result<Outcome> {
        let plan = context.state().create_logical_plan(sql).await.map_err(Error::engine(what))?;
        let plan = self.engine.plan(context, what, &plan).await?;
        self.engine.ask(what, plan).await
    }

    /// A session in which the tables and views that a query names can be read.
    async fn reading(&self, named: &[TableReference]) -> Result<SessionContext> {
        let quarantine = TableName::new("ledger", "quarantine");
        let is_quarantine = |table: &TableReference| table.schema().is_none() && table.table() == quarantine.name;
        let mut tables = BTreeSet::new();
        for reference in named {
            match reference.schema() {
                Some(schema) => tables.insert(format!("{schema}.{}", reference.table()).parse()?),
                None if is_quarantine(reference) => tables.insert(quarantine.clone()),
                None if self.engine.state().table_functions().contains_key(reference.table()) => false,
                None => return Err(self.unknown_table(reference.table()).await?),
            };
        }
        let context = self.session_over(&tables).await?;
        if named.iter().any(is_quarantine) {
            let provider = context.table_provider(quarantine.reference()).await.map_err(Error::engine("query"))?;
            context.register_table(quarantine.name.as_str(), provider).map_err(Error::engine("query"))?;
        }
        Ok(context)
    }

    /// A session over every table of the warehouse and every view of the catalogue.
    pub async fn browse(&self) -> Result<SessionContext> {
        let mut tables: BTreeSet<TableName> = self.catalog.models.keys().cloned().collect();
        tables.extend(self.warehouse.tables().await?);
        self.session_over(&tables).await
    }

    async fn session_over(&self, tables: &BTreeSet<TableName>) -> Result<SessionContext> {
        let mut inputs = Inputs::new();
        for table in self.stored_inputs(tables) {
            let snapshot = self.warehouse.snapshot(&table).await?;
            if snapshot.is_none() && self.catalog.schema(&table).is_none() {
                return Err(self.unknown_table(&table.to_string()).await?);
            }
            inputs.insert(table, snapshot);
        }
        self.session(self.engine.state().clone(), &inputs, tables).await
    }

    async fn unknown_table(&self, table: &str) -> Result<Error> {
        let mut known: BTreeSet<TableName> = self.warehouse.tables().await?.into_iter().collect();
        known.extend(self.catalog.models.keys().cloned());
        known.extend(self.catalog.sources.keys().map(|name| TableName::new("source", name)));
        Ok(Error::invalid(format!("table `{table}`"), unknown("table", known.iter())))
    }
}
