//! A source as its YAML file describes it.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};

use super::timestamps::Timestamps;
use crate::catalog::Unit;
use crate::{Error, Result};

/// The UTC date of a row of a source that has one.
pub const DAY: &str = "_day";
/// First day of that date's calendar month.
pub const MONTH: &str = "_month";

/// How files of one kind are read, checked and stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    pub name: String,
    pub description: String,
    pub format: Format,
    /// Field separator of CSV files.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Columns that identify a row; of rows with one key the one delivered last stands.
    pub key: Vec<String>,
    /// The date or timestamp column whose UTC date partitions the table; none for tables replaced whole.
    #[serde(default)]
    pub partition: Option<String>,
    /// What a partition spans: a day, or a month where a day has few rows.
    #[serde(default = "day")]
    pub unit: Unit,
    /// Reference data: one file `reference/<name>.json`, and the table replaced whole when it changes.
    #[serde(default)]
    pub reference: bool,
    /// Texts that stand for null, beside the empty one.
    #[serde(default)]
    pub null_values: Vec<String>,
    #[serde(default)]
    pub timestamps: Timestamps,
    /// A record longer than this is quarantined without being parsed.
    #[serde(default = "mebibyte")]
    pub max_record_bytes: usize,
    pub columns: Vec<Column>,
    /// Fields of the file that only expressions use.
    #[serde(default)]
    pub fields: Vec<Column>,
    #[serde(default)]
    pub explode: Option<Explode>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Csv,
    Json,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default)]
    pub description: String,
    /// The field's name in the file, where it differs.
    #[serde(default)]
    pub from: Option<String>,
    /// DataFusion SQL over the other columns and `fields`, instead of a field of the file.
    #[serde(default)]
    pub expression: Option<String>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub min: Option<f64>,
    #[serde(default)]
    pub max: Option<f64>,
    /// The only texts allowed.
    #[serde(default)]
    pub values: Vec<String>,
    /// Of a list: the type of its elements.
    #[serde(default)]
    pub items: Option<Kind>,
    /// Of a struct, or of a list of structs: its fields.
    #[serde(default)]
    pub fields: Vec<Column>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    String,
    Integer,
    Float,
    Boolean,
    Date,
    Timestamp,
    List,
    Struct,
}

/// Turns one JSON object of lists into a row a list: `parameters: {n1: […], egt: […]}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explode {
    /// The field that holds the object.
    pub field: String,
    /// The column that takes the list's name.
    pub name: String,
    /// The column that takes the list.
    pub values: String,
}

/// A column's type, nested types resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnType {
    String,
    Integer,
    Float,
    Boolean,
    Date,
    Timestamp,
    List(Box<ColumnType>),
    Struct(Vec<(String, ColumnType)>),
}

impl SourceSpec {
    /// Reads and checks a source's YAML. `file` names it in errors.
    pub fn parse(file: &str, yaml: &str) -> Result<Self> {
        let spec: Self = serde_saphyr::from_str(yaml).map_err(|error| Error::invalid(file, error.to_string()))?;
        spec.check().map_err(|problem| Error::invalid(file, problem))?;
        Ok(spec)
    }

    fn check(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for column in self.columns.iter().chain(&self.fields) {
            if !names.insert(column.name.as_str()) {
                return Err(format!("column `{}` is listed twice", column.name));
            }
            column.check()?;
        }
        let known = |name: &str| self.columns.iter().find(|column| column.name == name);
        if self.key.is_empty() {
            return Err("`key` is empty, expected the columns that identify a row".into());
        }
        for name in &self.key {
            match known(name) {
                None => return Err(format!("key column `{name}` is not among `columns`")),
                Some(column) if !column.required => {
                    return Err(format!("key column `{name}` must be `required: true`"));
                }
                Some(_) => {}
            }
        }
        match (&self.partition, self.reference) {
            (None, false) => {
                return Err(
                    "`partition` is missing: name the date or timestamp column that says which day a row belongs to"
                        .into(),
                );
            }
            (Some(_), true) => return Err("reference data is replaced whole and takes no `partition`".into()),
            (Some(name), false) => match known(name) {
                Some(column) if column.required && matches!(column.kind, Kind::Date | Kind::Timestamp) => {}
                Some(_) => return Err(format!("partition column `{name}` must be a required date or timestamp")),
                None => return Err(format!("partition column `{name}` is not among `columns`")),
            },
            (None, true) => {}
        }
        match (self.unit, self.reference) {
            (Unit::Week, _) => return Err("`unit: week` is not for sources, expected `day` or `month`".into()),
            (Unit::Month, true) => return Err("reference data is replaced whole and takes no `unit`".into()),
            _ => {}
        }
        if let Some(explode) = &self.explode {
            if self.format != Format::Json {
                return Err("`explode` works on json sources only".into());
            }
            for name in [&explode.name, &explode.values] {
                if known(name).is_none() {
                    return Err(format!("`explode` fills column `{name}`, which is not among `columns`"));
                }
            }
        }
        if !self.delimiter.is_ascii() || matches!(self.delimiter, '"' | '\n' | '\r') {
            return Err(format!("delimiter {:?} cannot separate fields, expected one ASCII character", self.delimiter));
        }
        Ok(())
    }

    /// The columns that the file itself fills, expressions left out.
    pub fn file_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().chain(&self.fields).filter(|column| column.expression.is_none())
    }

    pub fn has_expressions(&self) -> bool {
        self.columns.iter().any(|column| column.expression.is_some())
    }

    /// The columns that say when a row was, each with the SQL that gives it. There is none in tables replaced whole.
    pub fn date_columns(&self) -> Vec<(&'static str, String)> {
        let Some(partition) = &self.partition else { return Vec::new() };
        let day = format!("cast(\"{partition}\" as date)");
        match self.unit {
            Unit::Month => {
                let month = format!("cast(date_trunc('month', {day}) as date)");
                vec![(DAY, day), (MONTH, month)]
            }
            Unit::Day | Unit::Week => vec![(DAY, day)],
        }
    }

    /// The column that partitions the table: the coarsest of those that say when a row was.
    pub fn partition_column(&self) -> Option<String> {
        self.date_columns().last().map(|(name, _)| (*name).to_owned())
    }

    /// The table's own columns as Arrow has them.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(Column::field).collect::<Vec<_>>()))
    }
}

impl Column {
    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if name.starts_with('_') {
            return Err(format!("column `{name}`: names that begin with _ are reserved"));
        }
        if self.from.is_some() && self.expression.is_some() {
            return Err(format!("column `{name}` has both `from` and `expression`, expected one of them"));
        }
        if (self.min.is_some() || self.max.is_some()) && !matches!(self.kind, Kind::Integer | Kind::Float) {
            return Err(format!("column `{name}`: `min` and `max` are for numbers"));
        }
        if !self.values.is_empty() && self.kind != Kind::String {
            return Err(format!("column `{name}`: `values` is for strings"));
        }
        match self.kind {
            Kind::List if self.items.is_some() != self.fields.is_empty() => {
                Err(format!("list column `{name}` needs either `items` (a type) or `fields` (of structs)"))
            }
            Kind::List if matches!(self.items, Some(Kind::List | Kind::Struct)) => {
                Err(format!("list column `{name}`: `items` must be a plain type; for structs give `fields`"))
            }
            Kind::Struct if self.fields.is_empty() => Err(format!("struct column `{name}` needs `fields`")),
            _ => self.fields.iter().try_for_each(Self::check),
        }
    }

    /// The field's name in the file.
    pub fn file_name(&self) -> &str {
        self.from.as_deref().unwrap_or(&self.name)
    }

    pub fn column_type(&self) -> ColumnType {
        let structure =
            || ColumnType::Struct(self.fields.iter().map(|field| (field.name.clone(), field.column_type())).collect());
        match (self.kind, self.items) {
            (Kind::List, Some(items)) => ColumnType::List(Box::new(plain(items))),
            (Kind::List, None) => ColumnType::List(Box::new(structure())),
            (Kind::Struct, _) => structure(),
            (kind, _) => plain(kind),
        }
    }

    pub fn field(&self) -> Field {
        Field::new(&self.name, self.column_type().data_type(), true)
    }
}

/// The type of a kind that is not nested; a nested one reads as text, which the checks rule out.
fn plain(kind: Kind) -> ColumnType {
    match kind {
        Kind::Integer => ColumnType::Integer,
        Kind::Float => ColumnType::Float,
        Kind::Boolean => ColumnType::Boolean,
        Kind::Date => ColumnType::Date,
        Kind::Timestamp => ColumnType::Timestamp,
        Kind::String | Kind::List | Kind::Struct => ColumnType::String,
    }
}

impl ColumnType {
    pub fn data_type(&self) -> DataType {
        match self {
            Self::String => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::List(item) => DataType::List(Arc::new(Field::new("element", item.data_type(), true))),
            Self::Struct(fields) => {
                let fields = fields.iter().map(|(name, field)| Field::new(name, field.data_type(), true));
                DataType::Struct(Fields::from_iter(fields))
            }
        }
    }

    pub fn is_nested(&self) -> bool {
        matches!(self, Self::List(_) | Self::Struct(_))
    }
}

fn day() -> Unit {
    Unit::Day
}

fn comma() -> char {
    ','
}

fn mebibyte() -> usize {
    1 << 20
}
