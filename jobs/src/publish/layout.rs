//! A table's description after it was checked, and the statements that follow from it alone.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate};

use super::sql::{NAME_LENGTH_MAX, check_name, identifier, identifiers, literal};
use super::types::ColumnType;
use super::{Column, Error, Replace, Table};

/// Filled by COPY, dropped at commit. It lives in the session's own schema, so its name is nobody else's.
const STAGING: &str = "pg_temp.\"publish_staging\"";
const KEY_SUFFIX: &str = "_key";
/// How much time one chunk of a hypertable holds. Published figures are aggregates, a few thousand rows a day
/// at most: half a year keeps a chunk in memory and ten years in twenty chunks.
const CHUNK: &str = "180 days";

/// A [`Table`] whose names, types and key are known to be fit for PostgreSQL.
#[derive(Debug)]
pub struct Layout<'a> {
    pub table: &'a Table,
    replace: &'a Replace,
    types: Vec<ColumnType>,
}

impl<'a> Layout<'a> {
    pub fn of(table: &'a Table, replace: &'a Replace) -> Result<Self, Error> {
        check_name("schema", &table.schema)?;
        check_name("table", &table.name)?;
        let types = column_types(table)?;
        let layout = Self { table, replace, types };
        layout.check_names()?;
        layout.check_times()?;
        Ok(layout)
    }

    pub fn columns(&self) -> impl Iterator<Item = (&'a Column, &ColumnType)> {
        self.table.columns.iter().zip(&self.types)
    }

    pub fn has_column(&self, name: &str) -> bool {
        self.kind(name).is_some()
    }

    /// Whether TimescaleDB can partition the table: its unique indexes must contain the time column.
    pub fn key_allows_hypertable(&self) -> bool {
        let key = &self.table.key;
        key.is_empty() || self.table.time_column.as_ref().is_some_and(|column| key.contains(column))
    }

    /// The bounds of the replaced range, as PostgreSQL reads dates; none where the whole table is replaced.
    pub fn range(&self) -> (Option<String>, Option<String>) {
        match self.replace {
            Replace::Whole => (None, None),
            Replace::Range { from, to, .. } => (Some(from.to_string()), Some(to.to_string())),
        }
    }

    pub fn key_name(&self) -> String {
        format!("{}{KEY_SUFFIX}", self.table.name)
    }

    fn kind(&self, name: &str) -> Option<&ColumnType> {
        self.columns().find(|(column, _)| column.name == name).map(|(_, kind)| kind)
    }

    fn invalid(&self, problem: String) -> Error {
        Error::Invalid { what: self.table.to_string(), problem }
    }

    fn check_names(&self) -> Result<(), Error> {
        let table = self.table;
        if table.schema == "ledger" && table.name == "publication" {
            return Err(self.invalid("the publisher keeps this table itself".to_owned()));
        }
        if self.key_name().len() > NAME_LENGTH_MAX {
            let length = NAME_LENGTH_MAX - KEY_SUFFIX.len();
            return Err(self.invalid(format!("the name is longer than {length} characters")));
        }
        if table.columns.is_empty() {
            return Err(self.invalid("the table has no columns".to_owned()));
        }
        let mut seen = HashSet::new();
        if let Some(column) = table.columns.iter().find(|column| !seen.insert(&column.name)) {
            return Err(self.invalid(format!("column {} is there twice", column.name)));
        }
        if let Some(name) = table.key.iter().find(|name| !self.has_column(name)) {
            return Err(self.invalid(format!("key column {name} is not a column of the table")));
        }
        let comments = table.columns.iter().map(|column| &column.comment).chain([&table.comment]);
        if comments.into_iter().any(|comment| comment.contains('\0')) {
            return Err(self.invalid("a comment contains the character U+0000".to_owned()));
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), Error> {
        if let Some(name) = &self.table.time_column
            && !self.kind(name).is_some_and(ColumnType::is_time)
        {
            return Err(self.invalid(format!("time column {name} is not a date or timestamp column of the table")));
        }
        let Replace::Range { column, from, to } = self.replace else { return Ok(()) };
        if !self.kind(column).is_some_and(ColumnType::is_date) {
            return Err(self.invalid(format!("the range to replace is on {column}, which is not a date column")));
        }
        let is_written_alike = |date: &NaiveDate| (1..=9999).contains(&date.year());
        if from >= to || !is_written_alike(from) || !is_written_alike(to) {
            return Err(self.invalid(format!(
                "expected a range of dates that begins before it ends, in the years 1 to 9999, found {from} to {to}"
            )));
        }
        Ok(())
    }
}

/// SQL text.
impl Layout<'_> {
    pub fn qualified(&self) -> String {
        format!("{}.{}", identifier(&self.table.schema), identifier(&self.table.name))
    }

    pub fn column_definitions(&self) -> String {
        let columns = self.columns().map(|(column, kind)| format!("{} {}", identifier(&column.name), kind.sql));
        columns.collect::<Vec<_>>().join(", ")
    }

    pub fn create_staging(&self) -> String {
        format!("create temporary table {STAGING} ({}) on commit drop", self.column_definitions())
    }

    pub fn copy_into_staging(&self) -> String {
        format!("copy {STAGING} ({}) from stdin with (format binary)", self.names())
    }

    /// The number of staged rows that a range would not replace the next time; no statement where there is no range.
    pub fn count_outside_range(&self) -> Option<String> {
        let condition = self.in_range()?;
        Some(format!("select count(*) from {STAGING} where ({condition}) is not true"))
    }

    /// DELETE and not TRUNCATE: readers of the old rows must not wait, and must not find the table empty.
    pub fn delete_replaced(&self) -> String {
        let condition = self.in_range().map(|condition| format!(" where {condition}"));
        format!("delete from {}{}", self.qualified(), condition.unwrap_or_default())
    }

    pub fn insert_staged(&self) -> String {
        let names = self.names();
        format!("insert into {} ({names}) select {names} from {STAGING}", self.qualified())
    }

    /// `extension` is the schema that TimescaleDB's functions are in.
    pub fn create_hypertable(&self, extension: &str) -> Option<String> {
        let column = literal(self.table.time_column.as_ref()?);
        let extension = identifier(extension);
        Some(format!(
            "select {extension}.create_hypertable({}, {extension}.by_range({column}, interval '{CHUNK}'), \
             if_not_exists => true, migrate_data => true)",
            literal(&self.qualified()),
        ))
    }

    fn names(&self) -> String {
        identifiers(self.table.columns.iter().map(|column| column.name.as_str()))
    }

    fn in_range(&self) -> Option<String> {
        let Replace::Range { column, from, to } = self.replace else { return None };
        let column = identifier(column);
        Some(format!("{column} >= date '{from}' and {column} < date '{to}'"))
    }
}

fn column_types(table: &Table) -> Result<Vec<ColumnType>, Error> {
    let types = table.columns.iter().map(|column| {
        check_name(&format!("{table}: column"), &column.name)?;
        ColumnType::of(column.field.data_type()).ok_or_else(|| Error::Encode {
            table: table.to_string(),
            column: column.name.clone(),
            problem: format!("PostgreSQL has no type for {}; cast it in the model", column.field.data_type()),
        })
    });
    types.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::{DataType, Field};

    fn table() -> Table {
        let column = |(name, data_type): (&str, DataType)| Column {
            name: name.to_owned(),
            comment: String::new(),
            field: Field::new(name, data_type, true),
        };
        Table {
            schema: "reliability".into(),
            name: "component".into(),
            comment: String::new(),
            columns: [("month", DataType::Date32), ("part_number", DataType::Utf8View)].map(column).into(),
            key: vec!["month".into(), "part_number".into()],
            time_column: Some("month".into()),
        }
    }

    fn march() -> Replace {
        let day = |month| NaiveDate::from_ymd_opt(2026, month, 1).unwrap();
        Replace::Range { column: "month".into(), from: day(3), to: day(4) }
    }

    #[test]
    fn statements_quote_every_name() {
        let (table, march) = (table(), march());
        let layout = Layout::of(&table, &march).unwrap();
        assert_eq!(
            layout.create_staging(),
            r#"create temporary table pg_temp."publish_staging" ("month" date, "part_number" text) on commit drop"#
        );
        assert_eq!(
            layout.copy_into_staging(),
            r#"copy pg_temp."publish_staging" ("month", "part_number") from stdin with (format binary)"#
        );
        assert_eq!(
            layout.delete_replaced(),
            r#"delete from "reliability"."component" where "month" >= date '2026-03-01' and "month" < date '2026-04-01'"#
        );
        assert_eq!(
            layout.insert_staged(),
            r#"insert into "reliability"."component" ("month", "part_number") select "month", "part_number" from pg_temp."publish_staging""#
        );
        assert_eq!(
            layout.create_hypertable("public").unwrap(),
            r#"select "public".create_hypertable(E'"reliability"."component"', "public".by_range(E'month', interval '180 days'), if_not_exists => true, migrate_data => true)"#
        );
        assert_eq!(layout.range(), (Some("2026-03-01".into()), Some("2026-04-01".into())));
    }

    #[test]
    fn a_whole_table_has_no_range() {
        let table = table();
        let layout = Layout::of(&table, &Replace::Whole).unwrap();
        assert_eq!(layout.delete_replaced(), r#"delete from "reliability"."component""#);
        assert_eq!(layout.count_outside_range(), None);
        assert_eq!(layout.range(), (None, None));
    }

    #[test]
    fn a_description_that_cannot_be_published_is_refused() {
        type Change = fn(&mut Table);
        let cases: [(&str, Change); 9] = [
            ("schema \"Reliability\"", |table| table.schema = "Reliability".into()),
            ("table \"a;b\"", |table| table.name = "a;b".into()),
            ("longer than 59", |table| table.name = "x".repeat(60)),
            ("no columns", |table| table.columns.clear()),
            ("month is there twice", |table| table.columns[1].name = "month".into()),
            ("key column tail", |table| table.key = vec!["tail".into()]),
            ("time column part_number", |table| table.time_column = Some("part_number".into())),
            ("U+0000", |table| table.columns[0].comment = "\0".into()),
            ("keeps this table itself", |table| (table.schema, table.name) = ("ledger".into(), "publication".into())),
        ];
        for (message, change) in cases {
            let mut table = table();
            change(&mut table);
            let error = Layout::of(&table, &Replace::Whole).unwrap_err();
            assert!(matches!(error, Error::Invalid { .. }) && error.to_string().contains(message), "{error}");
        }
        let mut table = table();
        table.columns[1].field = Field::new("part_number", DataType::Null, true);
        let error = Layout::of(&table, &Replace::Whole).unwrap_err();
        assert_eq!(
            error.to_string(),
            "reliability.component.part_number: PostgreSQL has no type for Null; cast it in the model"
        );
    }

    #[test]
    fn a_range_is_on_a_date_column_and_not_empty() {
        let table = table();
        let Replace::Range { from, to, .. } = march() else { unreachable!() };
        let range = |column: &str, from, to| Replace::Range { column: column.into(), from, to };
        for replace in [range("part_number", from, to), range("tail", from, to), range("month", to, from)] {
            assert!(matches!(Layout::of(&table, &replace), Err(Error::Invalid { .. })), "{replace:?}");
        }
    }

    #[test]
    fn a_hypertable_needs_its_time_column_in_the_key() {
        let mut table = table();
        assert!(Layout::of(&table, &Replace::Whole).unwrap().key_allows_hypertable());
        table.key = vec!["part_number".into()];
        assert!(!Layout::of(&table, &Replace::Whole).unwrap().key_allows_hypertable());
        table.key = vec![];
        assert!(Layout::of(&table, &Replace::Whole).unwrap().key_allows_hypertable());
    }
}
