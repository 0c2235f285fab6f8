//! All that a place's tables say, for comparing two places, and the invariants that hold at any time.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread;

use super::{Place, Row, assert_same_rows, number, text};

/// The computed tables.
pub const FIGURES: [&str; 14] = [
    "operations.dispatch_reliability",
    "operations.utilization",
    "reliability.ata_alert",
    "reliability.component",
    "reliability.int_installation",
    "reliability.int_life",
    "reliability.int_removal",
    "reliability.life_model",
    "reliability.repair_trend",
    "reliability.repetitive_defect",
    "reliability.rogue_unit",
    "reliability.survival_curve",
    "reliability.uncatalogued_removal",
    "statistics.parameter_daily",
];

/// The source tables that a made-up fleet fills, with their keys.
const SOURCES: [(&str, &str); 11] = [
    ("alerts", "alert_id"),
    ("configurations", "concat_ws(' ', tail, effective_from)"),
    ("events", "event_id"),
    ("flights", "flight_id"),
    ("modifications", "bulletin"),
    ("parts_catalog", "part_number"),
    ("performance", "concat_ws(' ', flight_id, engine_position, phase)"),
    ("scheduled_maintenance", "work_order_id"),
    ("standards", "code"),
    ("system_tree", "ata"),
    ("utilization", "concat_ws(' ', tail, date)"),
];

pub struct State {
    pub figures: BTreeMap<&'static str, Vec<Row>>,
    /// Of each source table: rows, distinct keys, and sums that tell which delivered lines stand.
    pub sources: Vec<Row>,
    pub ledger: Vec<Row>,
    pub quarantine: Vec<Row>,
}

impl State {
    /// Reads everything, and asserts what must hold of it whatever happened before.
    pub fn of(place: &Place) -> Self {
        // Two commands at a time: most of each is its start.
        let state = thread::scope(|scope| {
            let (one, other) = FIGURES.split_at(FIGURES.len() * 2 / 3);
            let one = scope.spawn(|| figures(place, one));
            let (sources, ledger) = (place.rows(&sources_sql()), place.rows("select * from ledger.ingested_file"));
            let quarantine = place.rows("select * from quarantine");
            let mut figures = figures(place, other);
            figures.extend(one.join().unwrap_or_else(|panic| resume_unwind(panic)));
            Self { figures, sources, ledger, quarantine }
        });
        state.assert_accounted();
        state
    }

    /// Every row is where the manifest says, and no key is there twice.
    pub fn assert_accounted(&self) {
        for file in &self.ledger {
            let out = number(file, "rows_kept") + number(file, "rows_replaced") + number(file, "rows_quarantined");
            assert_eq!(number(file, "rows_in"), out, "rows in = kept + replaced + quarantined: {file:?}");
            let skipped_adds = if text(file, "state") == "skipped" { number(file, "rows_kept") } else { 0 };
            assert_eq!(skipped_adds, 0, "a skipped file adds nothing: {file:?}");
        }
        let mut files: Vec<&str> = self.ledger.iter().map(|file| text(file, "file")).collect();
        files.sort_unstable();
        let count = files.len();
        files.dedup();
        assert_eq!(files.len(), count, "a file is in the manifest twice");
        for source in &self.sources {
            let name = text(source, "source");
            assert_eq!(number(source, "rows"), number(source, "keys"), "source.{name} holds a key twice");
            let of_source = |rows: &[Row], column: &str| -> i64 {
                rows.iter().filter(|row| text(row, "source") == name).map(|row| number(row, column)).sum()
            };
            assert_eq!(of_source(&self.ledger, "rows_kept"), number(source, "rows"), "rows kept of {name}");
            let quarantined = self.quarantine.iter().filter(|row| text(row, "source") == name).count();
            let counted = of_source(&self.ledger, "rows_quarantined");
            assert_eq!(usize::try_from(counted).unwrap(), quarantined, "rows quarantined of {name}");
        }
    }

    pub fn assert_same(&self, expected: &Self, when: &str) {
        for (table, rows) in &expected.figures {
            assert_same_rows(&format!("{when}: {table}"), rows, &self.figures[table]);
        }
        assert_same_rows(&format!("{when}: source tables"), &expected.sources, &self.sources);
        assert_same_rows(&format!("{when}: ledger.ingested_file"), &expected.ledger, &self.ledger);
        assert_same_rows(&format!("{when}: quarantine"), &expected.quarantine, &self.quarantine);
    }
}

fn figures(place: &Place, tables: &[&'static str]) -> BTreeMap<&'static str, Vec<Row>> {
    tables.iter().map(|table| (*table, place.rows(&format!("select * from {table}")))).collect()
}

fn sources_sql() -> String {
    let each = SOURCES.map(|(name, key)| {
        format!(
            "select '{name}' as source, count(*) as rows, count(distinct {key}) as keys, \
             coalesce(sum(_line), 0) as lines, count(distinct concat_ws(' ', _file, _line)) as places, \
             coalesce(sum(length(_file)), 0) as names from source.{name}"
        )
    });
    each.join(" union all ")
}
