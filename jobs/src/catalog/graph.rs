//! Which model comes before which.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Catalog, Model};
use crate::warehouse::TableName;
use crate::{Error, Result};

/// Refuses a model that reads an unknown table, a job that names an unknown model, and a cycle.
pub(super) fn check(catalog: &Catalog) -> Result<()> {
    for model in catalog.models.values() {
        if let Some(table) = model.inputs.iter().find(|table| catalog.schema(table).is_none()) {
            return Err(Error::invalid(
                model.name.to_string(),
                format!("reads `{table}`, which no source or model is named"),
            ));
        }
    }
    for job in catalog.jobs.values() {
        for name in &job.models {
            if !catalog.models.contains_key(name) {
                return Err(Error::invalid(
                    format!("job `{}`", job.name),
                    format!("names model `{name}`, which does not exist"),
                ));
            }
        }
    }
    let mut done = BTreeSet::new();
    catalog.models.keys().try_for_each(|name| visit(catalog, name, &mut Vec::new(), &mut done))
}

fn visit<'a>(
    catalog: &'a Catalog,
    name: &'a TableName,
    path: &mut Vec<&'a TableName>,
    done: &mut BTreeSet<&'a TableName>,
) -> Result<()> {
    if done.contains(name) {
        return Ok(());
    }
    if let Some(start) = path.iter().position(|other| *other == name) {
        let cycle: Vec<String> = path[start..].iter().chain([&name]).map(ToString::to_string).collect();
        return Err(Error::invalid(name.to_string(), format!("depends on itself: {}", cycle.join(" → "))));
    }
    if let Some(model) = catalog.models.get(name) {
        path.push(name);
        model.inputs.iter().try_for_each(|input| visit(catalog, input, path, done))?;
        path.pop();
    }
    done.insert(name);
    Ok(())
}

/// The wanted models and all they read, each after what it reads; of equals, by name.
pub(super) fn order(catalog: &Catalog, wanted: &BTreeSet<TableName>) -> Vec<Arc<Model>> {
    let mut placed = BTreeMap::new();
    let mut order = Vec::new();
    for name in wanted {
        place(catalog, name, &mut placed, &mut order);
    }
    order
}

fn place(catalog: &Catalog, name: &TableName, placed: &mut BTreeMap<TableName, ()>, order: &mut Vec<Arc<Model>>) {
    let Some(model) = catalog.models.get(name) else { return };
    if placed.insert(name.clone(), ()).is_some() {
        return;
    }
    model.inputs.iter().for_each(|input| place(catalog, input, placed, order));
    order.push(Arc::clone(model));
}
