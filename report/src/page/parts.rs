//! Parts by removals, and against their guarantee.

use maud::{Markup, html};

use super::Findings;
use super::figure::{figure, too_little};
use crate::chart::{
    Axis, Bar, FULL, Range, Reference, bars, colour, count, fixed, grouped, intervals, month_name, percent,
};
use crate::findings::parts::Versus;
use crate::gather::Figures;
use crate::gather::parts::Part;

const SHOWN: usize = 10;

pub fn section(figures: &Figures, findings: &Findings<'_>) -> Markup {
    let parts = &figures.parts.rows;
    let removed = parts.iter().filter(|part| part.unscheduled_removals_12m > 0).count();
    let months = parts.first().map_or(0, |part| part.months_12m);
    html! {
        @if parts.is_empty() {
            (too_little(figures, &format!("There are no removals by part of {}. A month is reported once it has ended and `fleet run weekly_reliability_analysis` has computed it.", month_name(figures.month)), &[("", &figures.parts.source)]))
        } @else if removed == 0 {
            (too_little(figures, &format!("No part of the catalogue had an unscheduled removal in the {} to the end of {}.", months_text(months), month_name(figures.month)), &[("", &figures.parts.source)]))
        } @else {
            (by_removals(figures, months))
            (by_guarantee(figures, &findings.versus, months))
        }
    }
}

fn name(part: &Part) -> String {
    format!("{} {}", part.part_number, part.description.as_deref().unwrap_or(""))
}

fn months_text(months: i64) -> String {
    if months == 1 { "1 month".to_owned() } else { format!("{months} months") }
}

fn by_removals(figures: &Figures, months: i64) -> Markup {
    let parts = &figures.parts.rows;
    let total: i64 = parts.iter().map(|part| part.unscheduled_removals_12m).sum();
    let worst: Vec<&Part> = parts.iter().filter(|part| part.unscheduled_removals_12m > 0).take(SHOWN).collect();
    let shown: i64 = worst.iter().map(|part| part.unscheduled_removals_12m).sum();
    let bar = |part: &&Part| Bar {
        label: name(part),
        segments: vec![part.confirmed_failures_12m as f64, part.nff_12m as f64],
        note: format!("{}, NFF {}", count(part.unscheduled_removals_12m), percent(nff_rate(part), 0)),
    };
    let title = "The parts with most unscheduled removals";
    let names = [("confirmed or not yet known", colour::BLUE), ("no fault found (NFF)", colour::ORANGE)];
    let body = html! {
        (bars(title, "unscheduled removals, a count", &names, &worst.iter().map(bar).collect::<Vec<_>>(), FULL))
        (removals_table(&worst))
    };
    let caption = html! {
        b { (title) "." } " " (months_text(months)) " to the end of " (month_name(figures.month)) "; these " (worst.len())
        " have " (count(shown)) " of the " (count(total)) " of all " (parts.len()) " parts. They weigh most on the line and the shop; many removals may only mean many units and hours, which MTBUR counts in."
    };
    figure(figures, caption, body, &[("", &figures.parts.source)])
}

fn nff_rate(part: &Part) -> Option<f64> {
    (part.unscheduled_removals_12m > 0).then(|| part.nff_12m as f64 / part.unscheduled_removals_12m as f64)
}

fn removals_table(parts: &[&Part]) -> Markup {
    html! {
        table {
            thead { tr {
                th { "Part" } th class="n" { "ATA" } th class="n" { "On each aircraft" } th class="n" { "Unit hours" }
                th class="n" { "Unscheduled" } th class="n" { "In the month" } th class="n" { "NFF" } th class="n" { "MTBUR, h" } th class="n" { "Exceeds with 90 %, h" }
            } }
            tbody { @for part in parts { tr {
                td { (name(part)) }
                td class="n" { (part.chapter.as_deref().unwrap_or("–")) }
                td class="n" { (part.quantity_per_aircraft.map_or("–".to_owned(), count)) }
                td class="n" { (grouped(part.unit_hours_12m)) }
                td class="n" { (count(part.unscheduled_removals_12m)) }
                td class="n" { (count(part.unscheduled_removals)) }
                td class="n" { (count(part.nff_12m)) }
                td class="n" { (grouped(part.mtbur_hours_12m)) }
                td class="n" { (grouped(part.mtbur_lower_bound_hours_12m)) }
            } } }
        }
    }
}

fn by_guarantee(figures: &Figures, versus: &[Versus<'_>], months: i64) -> Markup {
    let below = versus.iter().filter(|versus| versus.is_below()).count();
    let beyond: Vec<&str> = versus
        .iter()
        .filter(|versus| versus.is_beyond_chance())
        .map(|versus| versus.part.part_number.as_str())
        .collect();
    let worst = &versus[..versus.len().min(SHOWN)];
    let range = |versus: &Versus<'_>| Range {
        label: name(versus.part),
        value: Some(versus.ratio),
        lower: versus.lower,
        upper: versus.upper,
        note: format!(
            "{} of {} h, n = {}",
            grouped(versus.part.mtbur_hours_12m),
            grouped(versus.guaranteed_hours),
            count(versus.part.unscheduled_removals_12m)
        ),
        stands_out: versus.is_below(),
    };
    let ranges: Vec<Range> = worst.iter().map(range).collect();
    let least = ranges.iter().filter_map(|range| range.lower).fold(1.0, f64::min);
    let most = ranges.iter().filter_map(|range| range.upper.or(range.value)).fold(1.2, f64::max);
    let axis = Axis::log("MTBUR as a multiple of the guarantee (logarithmic)", least, most.min(20.0));
    let reference = Reference { value: 1.0, text: "guarantee".to_owned() };
    let title = "MTBUR against guarantee";
    let caption = html! {
        b { (title) "." } " " (months_text(months)) " to the end of " (month_name(figures.month))
        ", exact Poisson bounds of 95 %, the parts most surely below their guarantee first; at the right, MTBUR of the guarantee, and removals. "
        (below) " of " (versus.len()) " parts with a guarantee and a removal lie below it with their whole interval (squares), where chance would put "
        (fixed(0.025 * versus.len() as f64, 1)) " if all were just at their guarantee. Allowing for the number compared, "
        @if beyond.is_empty() { "none can be said to miss its guarantee." } @else { b { "beyond chance: " (beyond.join(", ")) "." } }
    };
    figure(figures, caption, intervals(title, &axis, &reference, &ranges, FULL), &[("", &figures.parts.source)])
}
