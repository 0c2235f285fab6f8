//! Dispatch reliability by month, what hits departures, and which aircraft.

use chrono::NaiveDate;
use maud::{Markup, html};

use super::figure::{figure, too_little};
use crate::chart::{
    Axis, Bar, FULL, Marker, Range, Reference, Series, Size, bars, colour, count, counted, fixed, intervals,
    month_name, monthly,
};
use crate::findings::chance::share_bounds;
use crate::gather::Figures;
use crate::gather::dispatch::{Chapter, Departures};

const SHOWN: usize = 12;

pub fn section(figures: &Figures) -> Markup {
    let dispatch = &figures.dispatch;
    html! {
        @if dispatch.months.rows.is_empty() {
            (too_little(figures, &format!("There is no dispatch reliability up to {}. A month is reported once it has ended and `fleet run monthly_fleet_performance` has computed it.", month_name(figures.month)), &[("", &figures.dispatch.months.source)]))
        } @else {
            (verdict(&dispatch.months.rows))
            (by_month(figures))
        }
        (by_chapter(figures))
        @if !dispatch.tails.rows.is_empty() { (by_tail(figures)) }
    }
}

fn reliability(row: &Departures) -> f64 {
    100.0 * (1.0 - row.incidents() as f64 / row.scheduled_departures.max(1) as f64)
}

/// Bounds of the reliability in percent, from those of the share of departures hit.
fn bounds(row: &Departures) -> Option<(f64, f64)> {
    let (lower, upper) = share_bounds(row.incidents(), row.scheduled_departures)?;
    Some((100.0 * (1.0 - upper), 100.0 * (1.0 - lower)))
}

/// The latest month against the months before it.
fn verdict(months: &[Departures]) -> Markup {
    let Some((last, before)) = months.split_last() else { return html! {} };
    let name = last.month.map(month_name).unwrap_or_default();
    let departures: i64 = before.iter().map(|row| row.scheduled_departures).sum();
    let incidents: i64 = before.iter().map(Departures::incidents).sum();
    let earlier = 100.0 * (1.0 - incidents as f64 / departures.max(1) as f64);
    html! {
        p {
            (name) ": " b { (fixed(reliability(last), 2)) " %" } " of " (count(last.scheduled_departures))
            " departures without a technical delay of more than 15 minutes or a technical cancellation ("
            (counted(last.technical_delays, "delay")) ", "
            (counted(last.technical_cancellations, "cancellation")) " after merging)"
            @if let Some((lower, upper)) = bounds(last) {
                ", 95 % bounds " (fixed(lower, 2)) " to " (fixed(upper, 2)) " %"
                @if before.is_empty() {
                    ". There is no earlier month to compare with."
                } @else {
                    ". The " (before.len()) " months before: " (fixed(earlier, 2)) " %, "
                    @if earlier > upper { "above these bounds: the month is worse than chance would make it." }
                    @else if earlier < lower { "below these bounds: the month is better than chance would make it." }
                    @else { "within these bounds: no change can be told from chance." }
                }
            }
        }
    }
}

fn by_month(figures: &Figures) -> Markup {
    let rows = &figures.dispatch.months.rows;
    let months: Vec<NaiveDate> = rows.iter().filter_map(|row| row.month).collect();
    let line = Series {
        name: Some("dispatch reliability".to_owned()),
        values: rows.iter().map(|row| Some(reliability(row))).collect(),
        colour: colour::BLUE,
        dash: "",
        marker: Some(Marker::Dot),
    };
    let whiskers = Some(("95 % bounds", rows.iter().map(bounds).collect()));
    let size = Size { width: FULL, height: 210.0 };
    let title = "Dispatch reliability of the fleet by month";
    let chart = monthly(title, "percent of departures", &months, whiskers, &[line], false, size);
    let table = html! {
        table {
            thead { tr {
                th { "Month" } th class="n" { "Departures" } th class="n" { "Delays" } th class="n" { "Cancellations" }
                th class="n" { "Diversions" } th class="n" { "Turnbacks" } th class="n" { "Reliability, %" } th class="n" { "95 % bounds" }
            } }
            tbody { @for row in rows.iter().rev().take(SHOWN + 1) { tr {
                td { (row.month.map(month_name).unwrap_or_default()) }
                td class="n" { (count(row.scheduled_departures)) }
                td class="n" { (count(row.technical_delays)) }
                td class="n" { (count(row.technical_cancellations)) }
                td class="n" { (count(row.diversions.unwrap_or(0))) }
                td class="n" { (count(row.air_turnbacks.unwrap_or(0))) }
                td class="n" { (fixed(reliability(row), 2)) }
                td class="n" { @if let Some((lower, upper)) = bounds(row) { (fixed(lower, 2)) " to " (fixed(upper, 2)) } }
            } } }
        }
    };
    let caption = html! { b { (title) "." } " The bounds are Wilson's, for the month's departures alone. The axis does not begin at 0." };
    figure(figures, caption, html! { (chart) (table) }, &[("", &figures.dispatch.months.source)])
}

fn by_chapter(figures: &Figures) -> Markup {
    let rows = &figures.dispatch.chapters.rows;
    let in_months = |row: &Chapter| row.delays_3m + row.cancellations_3m;
    let in_week = |row: &Chapter| row.delays_week + row.cancellations_week;
    let total: i64 = rows.iter().map(in_months).sum();
    let week: i64 = rows.iter().map(in_week).sum();
    let departures = figures.dispatch.week.rows.first().map_or(0, |week| week.scheduled_departures);
    let worst: Vec<&Chapter> = rows.iter().filter(|row| in_months(row) > 0).take(SHOWN).collect();
    let bar = |row: &&Chapter| Bar {
        label: chapter_name(row),
        segments: vec![row.delays_3m as f64, row.cancellations_3m as f64],
        note: match in_week(row) {
            0 => count(in_months(row)),
            week => format!("{}, {} in the week", count(in_months(row)), count(week)),
        },
    };
    let title = "What hit departures, by ATA chapter";
    let names = [("delays over 15 minutes", colour::SKY), ("cancellations", colour::VERMILLION)];
    let label = "technical incidents after merging, a count";
    let sources =
        [("Incidents", &figures.dispatch.chapters.source), ("Departures of the week", &figures.dispatch.week.source)];
    html! {
        p {
            "In the week: " (counted(week, "technical incident")) " in " (count(departures)) " departures"
            @if departures > 0 { " (dispatch reliability " (fixed(100.0 * (1.0 - week as f64 / departures as f64), 2)) " %)" }
            "."
            @if week > 0 { " By chapter: " (week_by_chapter(rows)) "." }
        }
        @if worst.is_empty() {
            (too_little(figures, "No technical incidents in the full months reported.", &sources))
        } @else {
            (figure(
                figures,
                html! {
                    b { (title) "." } " " (quarter(figures)) ", " (count(total)) " incidents"
                    @if rows.len() > worst.len() { "; the " (worst.len()) " chapters with most" } "."
                },
                bars(title, label, &names, &worst.iter().map(bar).collect::<Vec<_>>(), FULL),
                &sources,
            ))
        }
    }
}

/// The full months, three at most, that chapters and aircraft are counted over.
fn quarter(figures: &Figures) -> String {
    let from = figures.month - chrono::Months::new(2);
    let within = figures.dispatch.months.rows.iter().filter(|row| row.month >= Some(from)).count();
    let end = month_name(figures.month);
    match within {
        0 | 1 => end,
        months => format!("The {months} months to the end of {end}"),
    }
}

fn chapter_name(row: &Chapter) -> String {
    match (&row.chapter, &row.title) {
        (Some(chapter), Some(title)) => format!("{chapter} {title}"),
        (Some(chapter), None) => chapter.clone(),
        (None, _) => "chapter not given".to_owned(),
    }
}

fn week_by_chapter(rows: &[Chapter]) -> String {
    let mut hit: Vec<(i64, String)> = rows
        .iter()
        .map(|row| (row.delays_week + row.cancellations_week, chapter_name(row)))
        .filter(|hit| hit.0 > 0)
        .collect();
    hit.sort_by_key(|(incidents, _)| std::cmp::Reverse(*incidents));
    let shown: Vec<String> =
        hit.iter().take(5).map(|(incidents, name)| format!("{name} {}", count(*incidents))).collect();
    let rest: i64 = hit.iter().skip(5).map(|hit| hit.0).sum();
    if rest > 0 { format!("{}, others {}", shown.join(", "), count(rest)) } else { shown.join(", ") }
}

fn by_tail(figures: &Figures) -> Markup {
    let rows = &figures.dispatch.tails.rows;
    let departures: i64 = rows.iter().map(|row| row.scheduled_departures).sum();
    let incidents: i64 = rows.iter().map(Departures::incidents).sum();
    let fleet = 100.0 * (1.0 - incidents as f64 / departures.max(1) as f64);
    let mut ranges: Vec<Range> = rows
        .iter()
        .map(|row| {
            let bounds = bounds(row);
            Range {
                label: row.tail.clone().unwrap_or_default(),
                value: Some(reliability(row)),
                lower: bounds.map(|bounds| bounds.0),
                upper: bounds.map(|bounds| bounds.1),
                note: format!("{} of {}", count(row.incidents()), count(row.scheduled_departures)),
                stands_out: bounds.is_some_and(|(_, upper)| upper < fleet),
            }
        })
        .collect();
    ranges.sort_by(|one, other| one.value.unwrap_or(0.0).total_cmp(&other.value.unwrap_or(0.0)));
    let tails = ranges.len();
    ranges.truncate(25);
    let least = ranges.iter().filter_map(|range| range.lower).fold(fleet, f64::min);
    let axis = Axis::linear("dispatch reliability, percent of departures", least, 100.0, 6);
    let reference = Reference { value: fleet, text: format!("fleet {} %", fixed(fleet, 2)) };
    let title = "Dispatch reliability by aircraft";
    let out: Vec<&str> = ranges.iter().filter(|range| range.stands_out).map(|range| range.label.as_str()).collect();
    figure(
        figures,
        html! {
            b { (title) "." } " " (quarter(figures)) ", with 95 % bounds; at the right, incidents of departures. "
            @if ranges.len() < tails { "The " (ranges.len()) " lowest of " (tails) " aircraft. " }
            @match out.is_empty() {
                true => "The bounds of every aircraft reach the fleet's figure: none can be told from the rest.",
                false => { "Squares lie below the fleet beyond their bounds: " (out.join(", ")) ". Of " (tails) " aircraft, chance alone gives " (fixed(0.025 * tails as f64, 1)) "." }
            }
        },
        intervals(title, &axis, &reference, &ranges, FULL),
        &[("", &figures.dispatch.tails.source)],
    )
}
