//! What a model says of itself, in the YAML comment that its file begins with.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use super::duration;
use super::interval::Interval;
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
    /// Which end of its unit a value of the partition column is.
    #[serde(default)]
    pub label: Label,
    /// How many earlier units of input a row depends on.
    #[serde(default)]
    pub lookback: Lookback,
    /// Numbers that the query names, as `$factor`; they are here to be seen and changed.
    #[serde(default)]
    pub parameters: BTreeMap<String, f64>,
    /// How long one attempt at computing the table, or at publishing it, may take.
    #[serde(default, deserialize_with = "duration::time_limit", skip_serializing)]
    pub time_limit: Option<TimeDelta>,
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

/// Which day stands for a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// Its first.
    #[default]
    Start,
    /// The one after its last. Each unit is computed by a query of its own, as of that day, and only the latest one
    /// where no interval is asked for.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Lookback {
    Units(u32),
    All(All),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum All {
    All,
}

impl Default for Lookback {
    fn default() -> Self {
        Self::Units(0)
    }
}

impl Label {
    /// The value of the partition column that stands for the unit from `start`.
    pub fn of(self, unit: Unit, start: NaiveDate) -> NaiveDate {
        match self {
            Self::Start => start,
            Self::End => unit.after(start, 1),
        }
    }

    /// The unit that a value stands for.
    pub fn unit_of(self, unit: Unit, value: NaiveDate) -> Interval {
        let from = match self {
            Self::Start => value,
            Self::End => unit.before(value, 1),
        };
        Interval { from, to: unit.after(from, 1) }
    }
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
            (Materialized::Partition, Some(_), Some(_)) => {}
            (Materialized::Partition, _, _) => {
                return Err(
                    "`materialized: partition` needs `partition: <DATE column>` and `unit: day`, `week` or `month`"
                        .into(),
                );
            }
            (_, None, None) if self.lookback == Lookback::default() && self.label == Label::default() => {}
            _ => return Err("`partition`, `unit`, `label` and `lookback` are for `materialized: partition`".into()),
        }
        if let Some(name) = self.parameters.keys().find(|name| name.starts_with("interval_")) {
            return Err(format!("parameter `{name}`: names that begin with interval_ are taken"));
        }
        if self.materialized == Materialized::View && self.publish {
            return Err("a view is not stored and cannot be published; materialise it".into());
        }
        if self.materialized == Materialized::View && self.time_limit.is_some() {
            return Err("a view is computed by the models that read it; give `time_limit` to these".into());
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
