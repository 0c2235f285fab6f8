//! A run's own numbers in place of those in the models' headers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Catalog, Model};
use crate::warehouse::TableName;
use crate::{Error, Result};

impl Catalog {
    /// The catalogue as a run of `names` sees it with these parameters: each by its `name`, for every model of the run
    /// that has it, or by `schema.table.name` for one, which goes first.
    ///
    /// Their values are part of what tables are fingerprinted by: other values make a table stale.
    ///
    /// # Errors
    /// `Invalid` for a parameter that no model of the run has, or that is not finite.
    pub fn with_parameters(&self, names: &[String], parameters: &BTreeMap<String, f64>) -> Result<Self> {
        let models = self.select(names)?;
        let mut catalog = self.clone();
        // Those for all before those for one.
        for (key, value) in parameters.iter().filter(|(key, _)| !key.contains('.')) {
            catalog.set(&models, key, key, *value)?;
        }
        for (key, value) in parameters.iter().filter(|(key, _)| key.contains('.')) {
            let Some((table, name)) = key.rsplit_once('.') else { continue };
            let table: TableName = table
                .parse()
                .map_err(|_| Error::invalid(format!("parameter `{key}`"), "expected `name` or `schema.table.name`"))?;
            let model: Vec<_> = models.iter().filter(|model| model.name == table).cloned().collect();
            catalog.set(&model, key, name, *value)?;
        }
        Ok(catalog)
    }

    fn set(&mut self, models: &[Arc<Model>], key: &str, name: &str, value: f64) -> Result<()> {
        let what = || format!("parameter `{key}`");
        if !value.is_finite() {
            return Err(Error::invalid(what(), format!("is {value}, expected a finite number")));
        }
        let mut found = false;
        for model in models.iter().filter(|model| model.header.parameters.contains_key(name)) {
            if let Some(model) = self.models.get_mut(&model.name) {
                Arc::make_mut(model).header.parameters.insert(name.to_owned(), value);
                found = true;
            }
        }
        if found {
            return Ok(());
        }
        let mut known: Vec<&str> =
            models.iter().flat_map(|model| model.header.parameters.keys().map(String::as_str)).collect();
        known.sort_unstable();
        known.dedup();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(Error::invalid(what(), format!("no model of the run has it; those that there are: {known}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "reliability.ata_alert";

    fn parameter(catalog: &Catalog, name: &str) -> f64 {
        catalog.models[&MODEL.parse().unwrap()].header.parameters[name]
    }

    #[tokio::test]
    async fn a_parameter_is_set_for_all_models_or_for_one() {
        let catalog = Catalog::load(None).await.unwrap();
        let names = [MODEL.to_owned()];
        let (name, value) = {
            let parameters = &catalog.models[&MODEL.parse().unwrap()].header.parameters;
            parameters.iter().next().map(|(name, value)| (name.clone(), *value)).unwrap()
        };
        let set = |pairs: &[(&str, f64)]| {
            catalog.with_parameters(&names, &pairs.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect())
        };
        assert_eq!(parameter(&set(&[(&name, value + 1.0)]).unwrap(), &name), value + 1.0);
        let own = format!("{MODEL}.{name}");
        assert_eq!(parameter(&set(&[(&name, value + 1.0), (&own, value + 2.0)]).unwrap(), &name), value + 2.0);
        assert_eq!(parameter(&catalog, &name), value);
        for (key, number) in [("speed", 1.0), (&name, f64::NAN), ("reliability.component.speed", 1.0), ("a.b", 1.0)] {
            let problem = set(&[(key, number)]).unwrap_err().to_string();
            assert!(problem.contains(&format!("`{key}`")), "{problem}");
        }
    }
}
