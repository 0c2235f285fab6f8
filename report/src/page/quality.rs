//! What the figures rest on: deliveries, quarantined rows, missing days, and what is not settled.

use maud::{Markup, html};

use super::Findings;
use super::figure::{figure, too_little};
use crate::chart::{Axis, FULL, HALF, Size, colour, columns, count, percent};
use crate::findings::coverage::{silent, stretches};
use crate::gather::Figures;

const REASONS: usize = 12;
const STRETCHES: usize = 8;

pub fn section(figures: &Figures, findings: &Findings<'_>) -> Markup {
    html! {
        (days(figures, findings))
        (sources(figures))
        (quarantine(figures))
        (unsettled(figures))
    }
}

fn days(figures: &Figures, findings: &Findings<'_>) -> Markup {
    let missing = &findings.missing;
    let rows = &figures.quality.days.rows;
    if rows.is_empty() {
        let why = "No utilization was reported in the 12 months before the date: there are no hours, and no rates.";
        return too_little(figures, why, &[("", &figures.quality.days.source)]);
    }
    let span = |days: &[chrono::NaiveDate]| {
        let all = stretches(days);
        let text = |(first, last): &(chrono::NaiveDate, chrono::NaiveDate)| match first == last {
            true => first.to_string(),
            false => format!("{first} to {last}"),
        };
        let shown: Vec<String> = all.iter().take(STRETCHES).map(text).collect();
        let more = all.len().saturating_sub(STRETCHES);
        if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
    };
    let last: Vec<_> = rows.iter().skip(rows.len().saturating_sub(56)).collect();
    let share = |day: &crate::gather::quality::Day| 100.0 * day.reported as f64 / day.expected.max(1) as f64;
    let values: Vec<(f64, f64)> = last.iter().enumerate().map(|(place, day)| (place as f64, share(day))).collect();
    let dates: Vec<chrono::NaiveDate> = last.iter().map(|day| day.date).collect();
    let size = Size { width: FULL, height: 120.0 };
    let chart = columns(
        "Share of aircraft reported by day",
        "% of aircraft",
        Axis::days(&dates, 10),
        &values,
        colour::BLUE,
        size,
    );
    let caption = html! {
        b { "Days reported." } " Share of the aircraft whose utilization is expected, in the " (values.len()) " days to the end of the week. In 12 months "
        (count(missing.missing)) " of " (count(missing.expected)) " aircraft-days are missing"
        @if missing.expected > 0 { " (" (percent(missing.missing as f64 / missing.expected as f64, 2)) ")" } "; in the week "
        (count(missing.missing_week)) " of " (count(missing.expected_week)) ". "
        @match missing.blank.is_empty() {
            true => "Every day has at least one aircraft.",
            false => { b { "No aircraft at all on " (span(&missing.blank)) "." } }
        }
        @if !missing.without_flights.is_empty() { " Utilization but no flights on " (span(&missing.without_flights)) "." }
        " Missing days lower counts; rates are by the hours that were reported."
    };
    figure(figures, caption, chart, &[("", &figures.quality.days.source)])
}

fn sources(figures: &Figures) -> Markup {
    let rows = &figures.quality.sources.rows;
    let late = silent(rows, figures.week);
    let caption = html! {
        b { "Deliveries by source." } " Files delivered up to " (figures.week.as_of()) "; the week's are those of "
        (figures.week.first_day().succ_opt().unwrap_or(figures.week.first_day())) " to " (figures.week.as_of())
        ". Rows in = kept + replaced by a later delivery + quarantined."
        @if !late.is_empty() {
            " " b { "Nothing came of " @for (place, source) in late.iter().enumerate() { @if place > 0 { ", " } (source.source) } " in the week." }
        }
    };
    let body = html! {
        table {
            thead { tr {
                th { "Source" } th class="n" { "Files" } th class="n" { "Twice, skipped" } th class="n" { "Rows in" } th class="n" { "Kept" } th class="n" { "Replaced" }
                th class="n" { "Quarantined" } th class="n" { "Share" } th class="n" { "Rows in, week" } th class="n" { "Quarantined, week" } th { "Last delivery" }
            } }
            tbody { @for row in rows { tr {
                td { (row.source) }
                td class="n" { (count(row.files)) }
                td class="n" { (count(row.skipped)) }
                td class="n" { (count(row.rows_in)) }
                td class="n" { (count(row.rows_kept)) }
                td class="n" { (count(row.rows_replaced)) }
                td class="n" { (count(row.rows_quarantined)) }
                td class="n" { (percent((row.rows_in > 0).then(|| row.rows_quarantined as f64 / row.rows_in as f64), 2)) }
                td class="n" { (count(row.rows_in_week)) }
                td class="n" { (count(row.quarantined_week)) }
                td class="d" { (row.last_delivered_on.map_or("–".to_owned(), |day| day.to_string())) }
            } } }
        }
    };
    figure(figures, caption, body, &[("", &figures.quality.sources.source)])
}

fn quarantine(figures: &Figures) -> Markup {
    let reasons = &figures.quality.reasons.rows;
    if reasons.is_empty() {
        return html! { p { "No row is in quarantine." } };
    }
    let weeks = &figures.quality.weeks.rows;
    let total: i64 = reasons.iter().map(|reason| reason.rows).sum();
    let share = |rows: i64, of: i64| if of > 0 { 1e6 * rows as f64 / of as f64 } else { 0.0 };
    let values: Vec<(f64, f64)> = weeks
        .iter()
        .enumerate()
        .map(|(place, week)| (place as f64, share(week.rows_quarantined, week.rows_in)))
        .collect();
    let mondays: Vec<chrono::NaiveDate> = weeks.iter().map(|week| week.monday).collect();
    let size = Size { width: HALF, height: 230.0 };
    let title = "Quarantined of a million rows, by week of delivery";
    let body = html! {
        div class="pair" {
            div {
                h4 { (title) }
                (columns(title, "rows of a million", Axis::days(&mondays, 5), &values, colour::ORANGE, size))
            }
            div {
                table {
                    thead { tr { th { "Source" } th { "Reason" } th class="n" { "Rows" } th class="n" { "In the week" } } }
                    tbody { @for reason in reasons.iter().take(REASONS) { tr {
                        td { (reason.source) } td { (reason.reason) } td class="n" { (count(reason.rows)) } td class="n" { (count(reason.rows_week)) }
                    } } }
                }
                @if reasons.len() > REASONS {
                    p { (reasons.len() - REASONS) " more pairs with " (count(reasons.iter().skip(REASONS).map(|reason| reason.rows).sum())) " rows." }
                }
            }
        }
    };
    let caption = html! {
        b { "Rows in quarantine." } " " (count(total)) " in all, each with its file, line and reason in " code { "ledger.quarantine" } "; they count in no figure."
    };
    let sources = [("Reasons", &figures.quality.reasons.source), ("By week", &figures.quality.weeks.source)];
    figure(figures, caption, body, &sources)
}

fn unsettled(figures: &Figures) -> Markup {
    let Some(row) = figures.quality.unsettled.rows.first() else { return html! {} };
    let share = (row.removals > 0).then(|| row.pending as f64 / row.removals as f64);
    let caption = html! {
        b { "Not settled." } " Of " (count(row.removals)) " unscheduled removals in the 12 months reported, "
        (count(row.pending)) " (" (percent(share, 1)) ") await the shop's finding and count as confirmed failures until it has spoken; "
        (count(row.uncatalogued)) " are of parts that the catalogue does not have and are in no rate."
        @if row.uncatalogued == 0 { " Every part removed is known." }
    };
    figure(figures, caption, html! {}, &[("", &figures.quality.unsettled.source)])
}
