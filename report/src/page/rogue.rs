//! Units that come back: which are beyond chance, and which only belong to a part that fails often.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::Findings;
use super::figure::figure;
use crate::chart::{count, fixed, number};
use crate::findings::units::Judged;
use crate::gather::Figures;

const SHOWN: usize = 15;

pub fn section(figures: &Figures, findings: &Findings<'_>) -> Markup {
    let units = &figures.units;
    let watched = units.watched.rows.first().map_or(0, |watched| watched.units);
    let rule = format!(
        "at least {} unscheduled removals, or {} without fault found, of one serial number in the 12 months before {}",
        units.removals,
        units.nff,
        figures.week.as_of()
    );
    let beyond = findings.units.iter().filter(|unit| unit.is_beyond_chance()).count();
    let sources = [("Units", &units.units.source), ("Units watched", &units.watched.source)];
    let body = html! {
        @if !findings.units.is_empty() {
            (table(&findings.units[..findings.units.len().min(SHOWN.max(beyond))]))
            (rest(&findings.units, SHOWN.max(beyond)))
        }
    };
    let caption = html! {
        @match findings.units.len() {
            0 => { "No unit of " (count(watched)) " watched meets the rule: " (rule) "." }
            met => {
                b { (met) " of " (count(watched)) " units meet the rule" } ": " (rule) ". "
                "A unit of a part that fails often meets it without being rogue: expected are the removals that its own hours give at the rate of all units of the part, and \"by chance\" is how many of all units watched would be expected to reach so many. "
                b { (beyond) " " @if beyond == 1 { "is" } @else { "are" } " beyond chance" } " (below 0.05, shaded)."
            }
        }
    };
    figure(figures, caption, body, &sources)
}

fn table(units: &[Judged<'_>]) -> Markup {
    html! {
        table {
            thead { tr {
                th { "Part" } th { "Serial" } th class="n" { "Removals" } th class="n" { "NFF" } th class="n" { "Aircraft" }
                th class="n" { "Expected" } th class="n" { "By chance" } th { "Last removed" } th { "Rule" }
            } }
            tbody { @for judged in units {
                @let unit = judged.unit;
                tr class=[judged.is_beyond_chance().then_some("out")] {
                    td { (unit.part_number) " " (unit.description.as_deref().unwrap_or("")) }
                    td class="d" { (unit.serial) }
                    td class="n" { (count(unit.removals_12m)) }
                    td class="n" { (count(unit.nff_12m)) }
                    td class="n" { (count(unit.tails)) }
                    td class="n" { (number(judged.expected)) }
                    td class="n" { (by_chance(judged.by_chance)) }
                    td class="d" { (unit.last_removed_at.map(|at| at.format("%Y-%m-%d").to_string()).unwrap_or_default()) }
                    td { (unit.rule.replace('_', " ")) }
                }
            } }
        }
    }
}

fn by_chance(value: Option<f64>) -> String {
    match value {
        None => "not known".to_owned(),
        Some(value) if value < 0.001 => "< 0.001".to_owned(),
        Some(value) if value >= 10.0 => fixed(value, 0),
        Some(value) => fixed(value, 3),
    }
}

/// The units that are not in the table, by part: for these the part is the matter, not the unit.
fn rest(units: &[Judged<'_>], shown: usize) -> Markup {
    let mut parts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for judged in units.iter().skip(shown) {
        let description = judged.unit.description.as_deref().unwrap_or("");
        *parts.entry((&judged.unit.part_number, description)).or_default() += 1;
    }
    let mut parts: Vec<((&str, &str), usize)> = parts.into_iter().collect();
    parts.sort_by_key(|((part, _), units)| (std::cmp::Reverse(*units), *part));
    let total: usize = parts.iter().map(|(_, units)| units).sum();
    html! {
        @if total > 0 {
            p {
                (total) " more meet the rule as their part's rate explains; there the part is the matter, not the unit: "
                @for (place, ((part, description), units)) in parts.iter().take(8).enumerate() {
                    @if place > 0 { ", " } (part) " " (description) " (" (units) ")"
                }
                @if parts.len() > 8 { " and " (parts.len() - 8) " other parts" }
                "."
            }
        }
    }
}
