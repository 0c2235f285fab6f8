//! The first page: the key figures, and what to do next.

use maud::{Markup, html};

use super::Findings;
use super::figure::{notice, origin};
use crate::chart::{count, fixed, grouped, month_name};
use crate::findings::alerts::Judgement;
use crate::findings::steps::{Found, Urgency, coverage_text, steps};
use crate::gather::Figures;

pub fn section(figures: &Figures, findings: &Findings<'_>) -> Markup {
    html! {
        (flown(figures))
        div class="tiles" {
            @for tile in tiles(figures, findings) {
                div class={ "tile" @if tile.bad { " bad" } } { b { (tile.figure) } span { (tile.about) } }
            }
        }
        (warnings(figures, findings))
        (next_steps(figures, findings))
        (origin(&figures.provenance, &[("Flown", &figures.scope.week.source), ("Flown by month", &figures.scope.months.source)]))
    }
}

fn flown(figures: &Figures) -> Markup {
    let week = figures.scope.week.rows.first();
    let month = figures.scope.months.rows.iter().find(|month| month.month == figures.month);
    html! {
        @match week.filter(|week| week.tails > 0) {
            Some(week) => p {
                "In the week " (count(week.tails)) " aircraft flew " (grouped(week.flight_hours)) " hours and "
                (count(week.flight_cycles)) " cycles on " (count(week.days)) " of 7 days."
                @if let Some(month) = month {
                    " In " (month_name(month.month)) ": " (count(month.tails)) " aircraft, "
                    (grouped(month.flight_hours)) " hours, " (count(month.days)) " days reported."
                }
            },
            None => (notice("No utilization was reported in this week.")),
        }
    }
}

struct Tile {
    figure: String,
    about: String,
    bad: bool,
}

fn tile(figure: String, about: impl Into<String>, bad: bool) -> Tile {
    Tile { figure, about: about.into(), bad }
}

fn tiles(figures: &Figures, findings: &Findings<'_>) -> Vec<Tile> {
    let month = month_name(figures.month);
    let dispatch = figures.dispatch.months.rows.iter().find(|row| row.month == Some(figures.month));
    let dispatch = match dispatch {
        Some(row) => {
            let share = 1.0 - row.incidents() as f64 / row.scheduled_departures.max(1) as f64;
            let about = format!("dispatch reliability in {month}, {} departures", count(row.scheduled_departures));
            tile(format!("{} %", fixed(100.0 * share, 2)), about, false)
        }
        None => tile("–".to_owned(), format!("dispatch reliability: no figures of {month}"), false),
    };
    let escalated = findings.in_alert.iter().filter(|chapter| chapter.escalated).count();
    let alerts = match &findings.judgement {
        Judgement::Judged { chapters } => tile(
            findings.in_alert.len().to_string(),
            format!("of {chapters} chapters in alert, {escalated} of them escalated"),
            escalated > 0,
        ),
        Judgement::TooFewMonths { first_level, .. } => {
            tile("–".to_owned(), format!("no alert levels yet; the first in {}", month_name(*first_level)), false)
        }
        Judgement::NotComputed => tile("–".to_owned(), format!("alerts: no figures of {month}"), false),
    };
    let beyond = findings.units.iter().filter(|unit| unit.is_beyond_chance()).count();
    let below = findings.versus.iter().filter(|versus| versus.is_beyond_chance()).count();
    let quarantined: i64 = figures.quality.sources.rows.iter().map(|source| source.quarantined_week).sum();
    let defects = figures.repetitive.defects.rows.len();
    let worse = findings.worse.len();
    vec![
        dispatch,
        alerts,
        tile(
            below.to_string(),
            format!("of {} parts below their guarantee beyond chance", findings.versus.len()),
            below > 0,
        ),
        tile(
            beyond.to_string(),
            format!("rogue units beyond chance, of {} that meet the rule", findings.units.len()),
            beyond > 0,
        ),
        tile(defects.to_string(), format!("repetitive defects in {} days", figures.repetitive.days), defects > 0),
        tile(worse.to_string(), "chapters whose failures come more and more often", worse > 0),
        tile(count(quarantined), "rows of the week's deliveries in quarantine", false),
        tile(
            count(findings.missing.missing_week),
            format!("of {} aircraft-days of the week missing", count(findings.missing.expected_week)),
            findings.missing.missing_week > 0,
        ),
    ]
}

/// What the reader must know before trusting any figure.
fn warnings(figures: &Figures, findings: &Findings<'_>) -> Markup {
    let months = figures.scope.months.rows.iter().filter(|month| month.month <= figures.month).count();
    html! {
        @if months == 0 {
            (notice(format!("No calendar month had ended when the week had, or none was flown: there are no monthly figures before {}.", month_name(figures.month + chrono::Months::new(1)))))
        } @else if months < 12 {
            (notice(format!(
                "The fleet has {months} full {} of data: figures of 12 months rest on {months}, and comparisons with earlier months are weak or not possible yet.",
                if months == 1 { "month" } else { "months" }
            )))
        }
        @for (table, job) in &figures.behind {
            (notice(format!("{table} was not computed for {}: `fleet run {job}` does it.", figures.week.full_month().format("%Y-%m"))))
        }
        p { "Data: " (coverage_text(&findings.missing)) "; details are in " a href="#quality" { "data quality" } "." }
    }
}

fn next_steps(figures: &Figures, findings: &Findings<'_>) -> Markup {
    let below = findings.below();
    let found = Found {
        in_alert: &findings.in_alert,
        units: &findings.units,
        below: &below,
        lives: &findings.lives,
        worse: &findings.worse,
        missing: &findings.missing,
    };
    let steps = steps(figures, &found);
    html! {
        h3 { "What to do next" }
        @if steps.is_empty() {
            p { "Nothing in the figures calls for a step: no chapter is in alert, no unit or defect comes back, no part is below its guarantee, no trend is rejected and no aircraft-day of the week is missing." }
        } @else {
            ol class="steps" {
                @for step in &steps {
                    li {
                        span class={ "due " @match step.urgency { Urgency::Now => "now", Urgency::ThisMonth => "month", Urgency::Watch => "watch" } } { (step.urgency.name()) }
                        " " (step.what) " "
                        span class="why" { (step.why) " " a class="jump" href={ "#" (step.section) } { "Figures" } }
                    }
                }
            }
        }
    }
}
