//! What has to change before a table can take a model's rows. A plan is a list of changes, made from what is
//! there and what is wanted; it is carried out elsewhere.

use super::Error;
use super::layout::Layout;
use super::sql::{identifier, identifiers, literal};
use super::types::{ColumnType, widens};

/// A table as it is published now.
#[derive(Clone, Debug, PartialEq)]
pub struct Existing {
    /// PostgreSQL's number for the table; a table dropped and made again has another.
    pub oid: i64,
    pub comment: String,
    pub columns: Vec<ExistingColumn>,
    /// The columns of the unique index that the publisher made, in order; empty without one.
    pub key: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExistingColumn {
    pub name: String,
    /// As `format_type` prints it.
    pub sql: String,
    pub comment: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    CreateTable,
    AddColumn { name: String, sql: String },
    Widen { name: String, sql: String },
    CommentOnTable { comment: String },
    CommentOnColumn { name: String, comment: String },
    DropKey,
    CreateKey,
}

impl Change {
    /// A unique index is made when the new rows are in: it may be one that the replaced rows would break.
    pub fn is_after_rows(&self) -> bool {
        matches!(self, Self::CreateKey)
    }

    pub fn sql(&self, layout: &Layout) -> String {
        let table = layout.qualified();
        match self {
            Self::CreateTable => format!("create table {table} ({})", layout.column_definitions()),
            Self::AddColumn { name, sql } => format!("alter table {table} add column {} {sql}", identifier(name)),
            Self::Widen { name, sql } => format!("alter table {table} alter column {} type {sql}", identifier(name)),
            Self::CommentOnTable { comment } => format!("comment on table {table} is {}", literal(comment)),
            Self::CommentOnColumn { name, comment } => {
                format!("comment on column {table}.{} is {}", identifier(name), literal(comment))
            }
            Self::DropKey => {
                format!("drop index {}.{}", identifier(&layout.table.schema), identifier(&layout.key_name()))
            }
            // A key may hold nulls (a null tail is the whole fleet), which a primary key cannot.
            Self::CreateKey => format!(
                "create unique index {} on {table} ({}) nulls not distinct",
                identifier(&layout.key_name()),
                identifiers(layout.table.key.iter().map(String::as_str))
            ),
        }
    }
}

/// The changes in the order in which they are made. Columns that left the model stay and are filled with null.
pub fn plan(layout: &Layout, existing: Option<&Existing>) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    match existing {
        None => changes.push(Change::CreateTable),
        Some(existing) => {
            if !existing.key.is_empty() && existing.key != layout.table.key {
                changes.push(Change::DropKey);
            }
            for (column, kind) in layout.columns() {
                changes.extend(column_change(layout, &column.name, kind, existing)?);
            }
        }
    }
    changes.extend(comments(layout, existing));
    let key = existing.map(|existing| existing.key.as_slice()).unwrap_or_default();
    if !layout.table.key.is_empty() && key != layout.table.key {
        changes.push(Change::CreateKey);
    }
    Ok(changes)
}

fn column_change(layout: &Layout, name: &str, kind: &ColumnType, existing: &Existing) -> Result<Option<Change>, Error> {
    let (name, sql) = (name.to_owned(), kind.sql.clone());
    match existing.columns.iter().find(|column| column.name == name) {
        None => Ok(Some(Change::AddColumn { name, sql })),
        Some(column) if column.sql == sql || widens(&sql, &column.sql) => Ok(None),
        Some(column) if widens(&column.sql, &sql) => Ok(Some(Change::Widen { name, sql })),
        Some(column) => Err(Error::Incompatible {
            table: layout.table.to_string(),
            column: name,
            published: column.sql.clone(),
            model: sql,
        }),
    }
}

fn comments(layout: &Layout, existing: Option<&Existing>) -> Vec<Change> {
    let mut changes = Vec::new();
    let comment = &layout.table.comment;
    if existing.map(|existing| existing.comment.as_str()).unwrap_or_default() != comment {
        changes.push(Change::CommentOnTable { comment: comment.clone() });
    }
    for (column, _) in layout.columns() {
        let there = existing.and_then(|existing| existing.columns.iter().find(|there| there.name == column.name));
        if there.map(|there| there.comment.as_str()).unwrap_or_default() != column.comment {
            changes.push(Change::CommentOnColumn { name: column.name.clone(), comment: column.comment.clone() });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::super::{Column, Replace, Table};
    use super::*;
    use datafusion::arrow::datatypes::{DataType, Field};

    fn table() -> Table {
        let column = |(name, data_type, comment): (&str, DataType, &str)| Column {
            name: name.to_owned(),
            comment: comment.to_owned(),
            field: Field::new(name, data_type, true),
        };
        let columns = [("month", DataType::Date32, "first day"), ("removals", DataType::Int64, "tail's removals")];
        Table {
            schema: "reliability".into(),
            name: "component".into(),
            comment: "a part's month".into(),
            columns: columns.map(column).into(),
            key: vec!["month".into()],
            time_column: None,
        }
    }

    fn existing() -> Existing {
        let column = |(name, sql, comment): (&str, &str, &str)| ExistingColumn {
            name: name.into(),
            sql: sql.into(),
            comment: comment.into(),
        };
        let columns = [("month", "date", "first day"), ("removals", "bigint", "tail's removals")];
        Existing {
            oid: 1,
            comment: "a part's month".into(),
            columns: columns.map(column).into(),
            key: vec!["month".into()],
        }
    }

    fn statements(table: &Table, existing: Option<&Existing>) -> Vec<String> {
        let layout = Layout::of(table, &Replace::Whole).unwrap();
        plan(&layout, existing).unwrap().iter().map(|change| change.sql(&layout)).collect()
    }

    #[test]
    fn a_new_table_is_created_with_comments_and_gets_its_key_last() {
        assert_eq!(
            statements(&table(), None),
            [
                r#"create table "reliability"."component" ("month" date, "removals" bigint)"#,
                r#"comment on table "reliability"."component" is E'a part''s month'"#,
                r#"comment on column "reliability"."component"."month" is E'first day'"#,
                r#"comment on column "reliability"."component"."removals" is E'tail''s removals'"#,
                r#"create unique index "component_key" on "reliability"."component" ("month") nulls not distinct"#,
            ]
        );
    }

    #[test]
    fn a_table_that_fits_is_left_alone() {
        assert_eq!(statements(&table(), Some(&existing())), [""; 0]);
        let mut wider_and_with_a_retired_column = existing();
        wider_and_with_a_retired_column.columns.push(ExistingColumn {
            name: "mtbr".into(),
            sql: "text".into(),
            comment: "retired".into(),
        });
        let mut table = table();
        table.columns[1].field = Field::new("removals", DataType::Int32, true);
        assert_eq!(statements(&table, Some(&wider_and_with_a_retired_column)), [""; 0]);
    }

    #[test]
    fn columns_are_added_and_widened() {
        let mut existing = existing();
        existing.columns.remove(0);
        existing.columns[0].sql = "integer".into();
        existing.comment = "old".into();
        assert_eq!(
            statements(&table(), Some(&existing)),
            [
                r#"alter table "reliability"."component" add column "month" date"#,
                r#"alter table "reliability"."component" alter column "removals" type bigint"#,
                r#"comment on table "reliability"."component" is E'a part''s month'"#,
                r#"comment on column "reliability"."component"."month" is E'first day'"#,
            ]
        );
    }

    #[test]
    fn another_key_replaces_the_unique_index() {
        let mut existing = existing();
        existing.key = vec!["removals".into()];
        let statements = statements(&table(), Some(&existing));
        assert_eq!(statements[0], r#"drop index "reliability"."component_key""#);
        assert!(statements[1].starts_with(r#"create unique index "component_key""#), "{statements:?}");

        let mut keyless = table();
        keyless.key.clear();
        let layout = Layout::of(&keyless, &Replace::Whole).unwrap();
        assert_eq!(plan(&layout, Some(&existing)).unwrap(), [Change::DropKey]);
    }

    #[test]
    fn an_incompatible_type_names_both_and_says_what_to_do() {
        let mut existing = existing();
        existing.columns[1].sql = "text".into();
        let table = table();
        let error = plan(&Layout::of(&table, &Replace::Whole).unwrap(), Some(&existing)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "reliability.component.removals: published as text, but the model now makes it bigint; give the model's \
             column another name, or drop reliability.component and publish all its intervals again"
        );
    }
}
