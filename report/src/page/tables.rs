//! The tables that were read, by version and run.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::chart::count;
use crate::gather::{Figures, Source};

pub fn section(figures: &Figures) -> Markup {
    let provenance = &figures.provenance;
    let read: BTreeSet<&String> = sources(figures).into_iter().flat_map(|source| &source.tables).collect();
    html! {
        h3 { "Tables read" }
        table {
            thead { tr { th { "Table" } th class="n" { "Version" } th class="n" { "Rows" } th { "Latest run of the rows used" } th { "Computed, UTC" } th class="n" { "Runs" } } }
            tbody { @for table in read {
                @let runs = provenance.runs.get(table.as_str());
                tr id={ "table-" (table) } {
                    td { (table) }
                    @match provenance.versions.get(table.as_str()) {
                        Some(version) => { td class="n" { (version.version) } td class="n" { (count(i64::try_from(version.rows).unwrap_or(i64::MAX))) } }
                        None => { td class="n" { "–" } td class="n" { "0" } }
                    }
                    td { (runs.and_then(|runs| runs.run_id.clone()).unwrap_or_else(|| "–".to_owned())) }
                    td { (runs.and_then(|runs| runs.computed_at).map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()) }
                    td class="n" { @if let Some(runs) = runs { (count(runs.runs)) } }
                }
            } }
        }
        p { "Tables of sources and the ledger are written by ingestion and carry no run. A table of the week that has no rows of it names no run either: nothing met its rule." }
    }
}

/// Every query of the report.
fn sources(figures: &Figures) -> Vec<&Source> {
    let Figures { scope, dispatch, alerts, parts, lives, trends, units, repetitive, quality, .. } = figures;
    vec![
        &scope.week.source,
        &scope.months.source,
        &dispatch.months.source,
        &dispatch.tails.source,
        &dispatch.chapters.source,
        &dispatch.week.source,
        &alerts.history.source,
        &alerts.tails.source,
        &alerts.sections.source,
        &alerts.parts.source,
        &parts.source,
        &lives.laws.source,
        &lives.curves.source,
        &lives.lives.source,
        &lives.counts.source,
        &trends.trends.source,
        &trends.failures.source,
        &trends.hours.source,
        &units.units.source,
        &units.watched.source,
        &repetitive.defects.source,
        &repetitive.removals.source,
        &quality.sources.source,
        &quality.reasons.source,
        &quality.weeks.source,
        &quality.days.source,
        &quality.unsettled.source,
    ]
}
