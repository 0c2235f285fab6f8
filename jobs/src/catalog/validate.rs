//! Planning every query once over empty tables, which finds its columns and refuses what does not plan.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::datasource::empty::EmptyTable;
use datafusion::prelude::SessionContext;

use super::{Catalog, Materialized, Model};
use crate::run::{model_plan, named_schemas};
use crate::storage::Stores;
use crate::warehouse::TableName;
use crate::{Error, Result, engine};

/// Plans all models in order, `to_the_end` or just so far that their columns are known, and gives each its schema.
pub(super) async fn plan_all(catalog: &mut Catalog, to_the_end: bool) -> Result<()> {
    let runtime = engine::runtime(Stores::new()).map_err(Error::engine("session"))?;
    let state = engine::session_state(engine::session_config(1), runtime).map_err(Error::engine("session"))?;
    let context = SessionContext::new_with_state(state);
    for source in catalog.sources.values() {
        crate::landing::check_expressions(source)?;
        register(&context, &TableName::new("source", &source.name), super::source_schema(source))?;
    }
    for (schema, name) in [("ledger", "ingested_file"), ("ledger", "quarantine")] {
        let table = TableName::new(schema, name);
        if let Some(schema) = catalog.schema(&table) {
            register(&context, &table, schema)?;
        }
    }
    for model in super::graph::order(catalog, &catalog.models.keys().cloned().collect()) {
        let schema = plan(&context, &model, to_the_end).await?;
        register(&context, &model.name, Arc::clone(&schema))?;
        catalog.models.insert(model.name.clone(), Arc::new(Model { schema, ..model.as_ref().clone() }));
    }
    Ok(())
}

fn register(context: &SessionContext, table: &TableName, schema: SchemaRef) -> Result<()> {
    named_schemas(context, [table.schema.as_str()]);
    let registered = context.register_table(table.reference(), Arc::new(EmptyTable::new(schema)));
    registered.map(|_| ()).map_err(Error::engine(table.to_string()))
}

async fn plan(context: &SessionContext, model: &Model, to_the_end: bool) -> Result<SchemaRef> {
    let example = "2026-01".parse()?;
    let interval = (model.header.materialized == Materialized::Partition).then_some(example);
    let plan = model_plan(context, model, interval).await?;
    if to_the_end {
        let state = context.state();
        let optimised = state.optimize(&plan).map_err(Error::engine(model.name.to_string()))?;
        state
            .query_planner()
            .create_physical_plan(&optimised, &state)
            .await
            .map_err(Error::engine(model.name.to_string()))?;
    }
    let schema: SchemaRef = Arc::new(plan.schema().as_arrow().clone());
    columns_match(model, &schema)?;
    Ok(schema)
}

/// The header describes exactly the columns that the query has.
fn columns_match(model: &Model, schema: &SchemaRef) -> Result<()> {
    let refuse = |problem: String| Err(Error::invalid(model.name.to_string(), problem));
    let described = &model.header.columns;
    for field in schema.fields() {
        if !described.iter().any(|column| column.name == *field.name()) {
            return refuse(format!("column `{}` of the query is not described in the header", field.name()));
        }
    }
    for column in described {
        if schema.field_with_name(&column.name).is_err() {
            return refuse(format!("column `{}` of the header is not in the query", column.name));
        }
    }
    if let Some(partition) = &model.header.partition
        && let Ok(field) = schema.field_with_name(partition)
        && field.data_type() != &DataType::Date32
    {
        return refuse(format!("partition column `{partition}` is {}, expected DATE", field.data_type()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::plan_all;

    #[tokio::test]
    async fn what_is_built_in_plans_to_the_end() {
        let mut catalog = crate::catalog::load::read(None).unwrap();
        plan_all(&mut catalog, true).await.unwrap();
    }
}
