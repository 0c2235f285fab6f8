//! Which run computed what the report shows, and from which version of each table it was read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use fleet_jobs::Result;
use serde::Deserialize;

use super::{Reader, Version, Versions};

/// The tables that the report reads, each with the rows of it that the report is about.
const TABLES: [(&str, &str); 11] = [
    ("operations.dispatch_reliability", "month <= $month and month >= $history_start"),
    ("reliability.ata_alert", "month <= $month and month >= $history_start"),
    ("reliability.component", "month = $month"),
    ("reliability.int_life", "as_of = $as_of"),
    ("reliability.int_removal", "true"),
    ("reliability.life_model", "as_of = $as_of"),
    ("reliability.repair_trend", "as_of = $as_of"),
    ("reliability.repetitive_defect", "as_of = $as_of"),
    ("reliability.rogue_unit", "as_of = $as_of"),
    ("reliability.survival_curve", "as_of = $as_of"),
    ("reliability.int_installation", "true"),
];

/// The runs behind the rows of a table that the report is about.
#[derive(Clone, Debug, Deserialize)]
pub struct Runs {
    pub name: String,
    pub runs: i64,
    /// The latest of them.
    pub run_id: Option<String>,
    pub computed_at: Option<DateTime<Utc>>,
}

pub struct Provenance {
    pub runs: BTreeMap<String, Runs>,
    pub versions: BTreeMap<String, Version>,
}

pub async fn gather(reader: &Reader<'_>) -> Result<Provenance> {
    let queries: Vec<String> = TABLES
        .iter()
        .filter(|(table, _)| reader.versions.contains_key(*table))
        .map(|(table, rows)| query(table, rows))
        .collect();
    let runs: Vec<Runs> = match queries.is_empty() {
        true => Vec::new(),
        false => reader.rows("runs", &queries.join("\nunion all\n")).await?.rows,
    };
    let versions: Versions = reader.versions.clone();
    Ok(Provenance { runs: runs.into_iter().map(|runs| (runs.name.clone(), runs)).collect(), versions })
}

fn query(table: &str, rows: &str) -> String {
    format!(
        "select '{table}' as name, count(distinct run_id) as runs, first_value(run_id order by computed_at desc) as run_id, \
         max(computed_at) as computed_at from {table} where {rows}"
    )
}
