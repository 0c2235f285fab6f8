//! What a model says of itself, in the YAML comment that its file begins with.

use serde::{Deserialize, Serialize};

use crate::warehouse::TableName;
use crate::{Error, Result};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Repeats `schema.table`, which the file's path says; refused if they differ.
    #[serde(default)]
    pub name: Option<TableName>,
    pub description: String,
    /// What one row is, in words.
    pub grain: String,
    /// Columns that tell rows apart; checked after every run.
    pub key: Vec<String>,
    pub materialized: Materialized,
    /// The DATE column whose values are replaced one by one.
    #[serde(default)]
    pub partition: Option<String>,
    /// What one value of the partition column spans.
    #[serde(default)]
    pub unit: Option<Unit>,
    /// How many earlier units of input a row depends on.
    #[serde(default)]
    pub lookback: u32,
    /// Whether the table goes to PostgreSQL.
    #[serde(default)]
    pub publish: bool,
    pub columns: Vec<ColumnRule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Materialized {
    /// Nothing is stored: the query becomes part of the queries that read it.
    View,
    /// The table is replaced whole.
    Whole,
    /// Only the partitions that changed input touches are replaced.
    Partition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Day,
    Week,
    Month,
}

/// A column's meaning and the checks on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRule {
    pub name: String,
    pub description: String,
    #[serde(default)]
    pub not_null: bool,
    #[serde(default)]
    pub min: Option<f64>,
    #[serde(default)]
    pub max: Option<f64>,
    /// The only texts allowed.
    #[serde(default)]
    pub values: Vec<String>,
    /// `schema.table.column` in which every value must be found.
    #[serde(default)]
    pub references: Option<String>,
}

impl Header {
    /// Splits a model's file into header and query.
    pub fn split<'a>(file: &str, text: &'a str) -> Result<(Self, &'a str)> {
        let body = text.trim_start();
        let Some((yaml, sql)) = body.strip_prefix("/*").and_then(|rest| rest.split_once("*/")) else {
            return Err(Error::invalid(file, "expected a YAML header in a comment, /* … */, before the query"));
        };
        let header: Self =
            serde_saphyr::from_str(yaml).map_err(|error| Error::invalid(file, format!("header: {error}")))?;
        header.check().map_err(|problem| Error::invalid(file, format!("header: {problem}")))?;
        Ok((header, sql.trim().trim_end_matches(';')))
    }

    fn check(&self) -> Result<(), String> {
        let known = |name: &String| self.columns.iter().any(|column| column.name == *name);
        if self.key.is_empty() {
            return Err("`key` is empty, expected the columns that tell rows apart".into());
        }
        if let Some(name) = self.key.iter().chain(&self.partition).find(|name| !known(name)) {
            return Err(format!("`{name}` is named in `key` or `partition` but not in `columns`"));
        }
        match (self.materialized, &self.partition, self.unit) {
            (Materialized::Partition, Some(_), Some(Unit::Day | Unit::Month)) => {}
            (Materialized::Partition, _, _) => {
                return Err(
                    "`materialized: partition` needs `partition: <DATE column>` and `unit: day` or `unit: month`"
                        .into(),
                );
            }
            (_, None, None) if self.lookback == 0 => {}
            _ => return Err("`partition`, `unit` and `lookback` are for `materialized: partition`".into()),
        }
        if self.publish && self.materialized == Materialized::View {
            return Err("a view is not stored and cannot be published; materialise it".into());
        }
        for column in &self.columns {
            if let Some(reference) = &column.references
                && reference.split('.').count() != 3
            {
                return Err(format!(
                    "column `{}`: references `{reference}`, expected schema.table.column",
                    column.name
                ));
            }
        }
        Ok(())
    }
}
