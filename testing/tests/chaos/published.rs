//! The tables that the runs published, for comparing two databases.

use std::collections::BTreeMap;

use crate::airline::Airline;
use crate::kit::{Row, assert_same_rows};

const TABLES: &str = "select table_schema || '.' || table_name from information_schema.tables \
                      where table_schema in ('operations', 'reliability', 'statistics');";

pub struct Published(BTreeMap<String, Vec<Row>>);

impl Published {
    pub fn of(airline: &Airline, database: &str) -> Self {
        let tables = airline.ask(database, TABLES);
        let rows = |table: &str| -> Vec<Row> {
            let rows = airline.ask(database, &format!("select row_to_json(row) from {table} as row;"));
            rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect()
        };
        Self(tables.lines().map(|table| (table.to_owned(), rows(table))).collect())
    }

    pub fn assert_same(&self, expected: &Self) {
        assert_eq!(self.0.keys().collect::<Vec<_>>(), expected.0.keys().collect::<Vec<_>>(), "published tables");
        for (table, rows) in &expected.0 {
            assert_same_rows(&format!("published {table}"), rows, &self.0[table]);
        }
    }

    /// Rows of all tables.
    pub fn rows(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}
