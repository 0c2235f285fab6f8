//! Defects that are reported again and again, with what they say and what was changed.

use maud::{Markup, html};

use super::figure::figure;
use crate::chart::count;
use crate::gather::Figures;
use crate::gather::repetitive::{Defect, Removal};

const TEXTS: usize = 6;

pub fn section(figures: &Figures) -> Markup {
    let repetitive = &figures.repetitive;
    let defects = &repetitive.defects.rows;
    let rule = format!(
        "at least {} pilot and maintenance reports of one ATA section on one aircraft in the {} days before {}",
        repetitive.reports,
        repetitive.days,
        figures.week.as_of()
    );
    let sources = [("Defects", &repetitive.defects.source), ("Removals since", &repetitive.removals.source)];
    let caption = html! {
        @match defects.len() {
            0 => { "No defect meets the rule: " (rule) "." }
            met => { b { (met) @if met == 1 { " defect meets" } @else { " defects meet" } " the rule" } ": " (rule) "." }
        }
    };
    let body = html! {
        @if !defects.is_empty() {
            table {
                thead { tr { th { "Aircraft" } th { "Section" } th class="n" { "Reports" } th { "First and last, UTC" } th { "What they say" } th { "Removed in the chapter since the first" } } }
                tbody { @for defect in defects { (row(defect, &repetitive.removals.rows)) } }
            }
        }
    };
    figure(figures, caption, body, &sources)
}

fn row(defect: &Defect, removals: &[Removal]) -> Markup {
    let own: Vec<&Removal> =
        removals.iter().filter(|removal| removal.tail == defect.tail && removal.ata == defect.ata).collect();
    let texts: Vec<&str> = defect.texts.iter().flatten().map(String::as_str).collect();
    html! {
        tr {
            td class="d" { (defect.tail) }
            td { (defect.ata) " " (defect.title.as_deref().unwrap_or("")) }
            td class="n" { (count(defect.reports)) }
            td class="d" { (defect.first_at.format("%Y-%m-%d %H:%M")) br; (defect.last_at.format("%Y-%m-%d %H:%M")) }
            td {
                @for text in texts.iter().take(TEXTS) { (text) "." br; }
                @if texts.len() > TEXTS { "and " (texts.len() - TEXTS) " more" }
            }
            td {
                @if own.is_empty() { "nothing" }
                @for removal in own { (removed(removal)) br; }
            }
        }
    }
}

fn removed(removal: &Removal) -> String {
    let reason = removal.reason.as_deref().unwrap_or("reason not given").to_lowercase();
    let found = match removal.shop_finding.as_deref() {
        Some("NFF") => ", no fault found",
        Some("CONFIRMED") => ", fault confirmed",
        _ => "",
    };
    let description = removal.description.as_deref().unwrap_or(&removal.part_number);
    let serial = removal.serial_off.as_deref().unwrap_or("serial not given");
    format!("{}: {description} {serial} ({reason}{found})", removal.occurred_at.format("%-d %b"))
}
