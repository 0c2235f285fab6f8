//! Whether failures of systems come more or less often: Crow-AMSAA plots and the table of all chapters.

use maud::{Markup, html};

use super::Findings;
use super::figure::{figure, notice, too_little};
use crate::chart::{HALF, Size, Step, count, fixed, grouped, growth, probability_text};
use crate::findings::trends::{Drawn, of_tails};
use crate::gather::Figures;
use crate::gather::trends::Trend;

const SIZE: Size = Size { width: HALF, height: 240.0 };

pub fn section(figures: &Figures, findings: &Findings<'_>) -> Markup {
    let trends = &figures.trends.trends.rows;
    let fleet: Vec<&Trend> = trends.iter().filter(|trend| trend.scope == "fleet").collect();
    let tested = fleet.iter().filter(|trend| trend.trend.is_some()).count();
    html! {
        @if fleet.is_empty() {
            (too_little(figures, "No confirmed failures yet: there is no trend to test.", &[("", &figures.trends.trends.source)]))
        } @else if tested == 0 {
            (notice(format!("No trend can be tested yet: the chapter with most failures has {}, and a power law needs 3.", fleet.iter().map(|trend| trend.failures).max().unwrap_or(0))))
        } @else {
            (verdict(&fleet, tested))
            (tails(trends))
            (plots(figures, findings))
        }
        @if !fleet.is_empty() { (table(figures, &fleet)) }
    }
}

fn verdict(fleet: &[&Trend], tested: usize) -> Markup {
    let named = |word: &str| {
        let found = fleet.iter().filter(|trend| trend.trend.as_deref() == Some(word));
        found
            .map(|trend| format!("{} {}", trend.ata, trend.title.as_deref().unwrap_or("")))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (worse, better) = (named("deteriorating"), named("improving"));
    html! {
        p {
            "Of " (tested) " chapters tested over the fleet, "
            @if worse.is_empty() { "none deteriorates" } @else { b { "deteriorating: " (worse) } }
            "; " @if better.is_empty() { "none improves" } @else { "improving: " (better) }
            ". The test of MIL-HDBK-189 rejects at 5 %, so that " (fixed(0.05 * tested as f64, 1)) " would be rejected where there is no trend."
        }
    }
}

fn tails(trends: &[Trend]) -> Markup {
    let (tested, worse, better) = of_tails(trends);
    let mut named: Vec<&&Trend> = worse.iter().collect();
    named.sort_by(|one, other| one.mil_hdbk_189_p.unwrap_or(1.0).total_cmp(&other.mil_hdbk_189_p.unwrap_or(1.0)));
    html! {
        p {
            "On single aircraft, " (count(tested as i64)) " chapters were tested: " (worse.len()) " deteriorate and " (better)
            " improve, where chance alone would give about " (fixed(0.025 * tested as f64, 0)) " of each. "
            @if !named.is_empty() {
                "The strongest: "
                @for (place, trend) in named.iter().take(3).enumerate() {
                    @if place > 0 { ", " }
                    (trend.tail.as_deref().unwrap_or("")) " ATA " (trend.ata) " (" (count(trend.failures)) " failures, "
                    (trend.mil_hdbk_189_p.map(probability_text).unwrap_or_default()) ")"
                }
                "."
            }
        }
    }
}

fn plots(figures: &Figures, findings: &Findings<'_>) -> Markup {
    let trends = &figures.trends;
    let sources =
        [("Trends", &trends.trends.source), ("Failures", &trends.failures.source), ("Hours", &trends.hours.source)];
    let aircraft = trends.hours.rows.len();
    let caption = html! {
        b { "Crow-AMSAA plots." } " Failures of one aircraft on average over " (aircraft) " aircraft, by its flight hours since its first day of data; bands of 95 % hold where only aircraft are independent. "
        "A line steeper than the dotted one (β above 1) means failures come more and more often. Chapters with a trend come first, then those with most failures."
    };
    let body = html! {
        @for drawn in findings.drawn.iter().filter(|drawn| events(drawn) != drawn.trend.failures) {
            (notice(format!(
                "ATA {}: the table counts {} failures, the removals have {}. They were not computed from the same data or by the same query: run `fleet run` and make the report again.",
                drawn.trend.ata, drawn.trend.failures, events(drawn)
            )))
        }
        div class="pair" { @for drawn in &findings.drawn { (plot(drawn)) } }
    };
    figure(figures, caption, body, &sources)
}

/// Failures that the points stand for.
fn events(drawn: &Drawn<'_>) -> i64 {
    i64::try_from(drawn.steps.iter().map(|step| step.events).sum::<usize>()).unwrap_or(i64::MAX)
}

fn plot(drawn: &Drawn<'_>) -> Markup {
    let trend = drawn.trend;
    let title = format!("ATA {} {}", trend.ata, trend.title.as_deref().unwrap_or(""));
    let steps: Vec<Step> = drawn
        .steps
        .iter()
        .map(|step| (step.time, step.mean, step.bounds_robust.map(|bounds| (bounds.lower, bounds.upper))))
        .collect();
    html! {
        div {
            h4 { (title) ": " (trend.trend.as_deref().unwrap_or("not tested")) ", β " (fixed(trend.beta, 2)) ", n = " (count(trend.failures)) }
            (growth(&format!("Failures by age, {title}"), &steps, trend.lambda.zip(trend.beta), drawn.until, SIZE))
        }
    }
}

fn table(figures: &Figures, fleet: &[&Trend]) -> Markup {
    let caption = html! { b { "All chapters, over the fleet." } " Confirmed failures; MTBF is that of one aircraft, now by the power law, and on average." };
    let aircraft = figures.trends.hours.rows.len();
    let body = html! {
        table {
            thead { tr {
                th { "Chapter" } th class="n" { "Failures" } th class="n" { "Fleet hours" } th class="n" { "β" } th class="n" { "95 % bounds" }
                th class="n" { "MIL-HDBK-189 p" } th class="n" { "Laplace p" } th class="n" { "MTBF now, h" } th class="n" { "Mean, h" } th { "Trend" }
            } }
            tbody { @for trend in fleet {
                tr class=[(trend.trend.as_deref() == Some("deteriorating")).then_some("out")] {
                    td { (trend.ata) " " (trend.title.as_deref().unwrap_or("")) }
                    td class="n" { (count(trend.failures)) }
                    td class="n" { (grouped(trend.hours)) }
                    td class="n" { (fixed(trend.beta, 2)) }
                    td class="n" { (fixed(trend.beta_lower, 2)) " to " (fixed(trend.beta_upper, 2)) }
                    td class="n" { (fixed(trend.mil_hdbk_189_p, 3)) }
                    td class="n" { (fixed(trend.laplace_p, 3)) }
                    td class="n" { (grouped(trend.mtbf_instantaneous_hours)) }
                    td class="n" { (grouped((trend.failures > 0).then(|| trend.hours / trend.failures as f64))) }
                    td { (trend.trend.as_deref().unwrap_or("too few failures")) }
                }
            } }
        }
        @if aircraft == 0 { p { "No aircraft has hours." } }
    };
    figure(figures, caption, body, &[("", &figures.trends.trends.source)])
}
