//! The alert chart: which chapters are in alert and since when, the levels, and what stands behind it.

use chrono::NaiveDate;
use maud::{Markup, html};

use super::Findings;
use super::figure::{figure, notice, too_little};
use crate::chart::{
    Cell, FULL, Marker, MatrixRow, Series, Size, colour, count, counted, fixed, matrix, month_name, monthly, number,
    probability_text,
};
use crate::findings::alerts::{Candidate, InAlert, Judgement, Lead};
use crate::gather::Figures;
use crate::gather::alerts::Judged;

const SMALL: Size = Size { width: 246.0, height: 118.0 };
const LARGE: Size = Size { width: FULL, height: 180.0 };

pub fn section(figures: &Figures, findings: &Findings<'_>) -> Markup {
    let month = month_name(figures.month);
    html! {
        @match &findings.judgement {
            Judgement::NotComputed => (too_little(figures, &format!("There are no reports by chapter of {month}. A month is judged once it has ended and `fleet run weekly_reliability_analysis` has computed it."), &[("", &figures.alerts.history.source)])),
            Judgement::TooFewMonths { before, first_level } => {
                (notice(format!(
                    "No alert levels yet: a level needs {} months before the month judged, and {month} has {before}. The first levels will be those of {}, if the fleet flies every month until then. Below are the rates without levels; no chapter can be called in alert, or clear.",
                    figures.alerts.months_before, month_name(*first_level)
                )))
                (small_charts(figures, &[]))
            }
            Judgement::Judged { chapters } => {
                (intro(figures, findings, *chapters))
                (overview(figures))
                @for chapter in &findings.in_alert { (one(figures, chapter)) }
                (small_charts(figures, &findings.in_alert))
            }
        }
    }
}

fn intro(figures: &Figures, findings: &Findings<'_>, chapters: usize) -> Markup {
    let flown: i64 =
        figures.scope.months.rows.iter().filter(|month| month.month == figures.month).map(|month| month.days).sum();
    let days = days_of(figures.month);
    let of_month = figures.alerts.history.rows.iter().filter(|row| row.month == figures.month);
    let before = of_month.map(|row| row.months_before).max().unwrap_or(0);
    html! {
        p {
            "Pilot and maintenance reports of " (month_name(figures.month)) ", judged against the " (before) " months before: "
            (findings.in_alert.len()) " of " (chapters) " chapters are in alert under at least one rule. Chance alone puts about "
            (fixed(0.05 * chapters as f64, 1)) " there under the Poisson rule, and as many or more under the others: one month in alert is a reason to look, not a finding. "
            "A chapter is escalated when one rule has it in alert two months running."
        }
        @if flown < days {
            (notice(format!("Utilization was reported on {flown} of the {days} days of {}: rates are by hours flown, counts are of those days.", month_name(figures.month))))
        }
    }
}

fn days_of(month: NaiveDate) -> i64 {
    (month + chrono::Months::new(1)).signed_duration_since(month).num_days()
}

fn chapters(figures: &Figures) -> Vec<&[Judged]> {
    figures.alerts.history.rows.chunk_by(|one, other| one.ata == other.ata).collect()
}

fn months(rows: &[Judged]) -> Vec<NaiveDate> {
    rows.chunk_by(|one, other| one.month == other.month).map(|rules| rules[0].month).collect()
}

fn name(row: &Judged) -> String {
    format!("{} {}", row.ata, row.title.as_deref().unwrap_or(""))
}

/// Chapters against months: under how many rules each was in alert.
fn overview(figures: &Figures) -> Markup {
    let all = chapters(figures);
    let months = all.iter().map(|rows| months(rows)).max_by_key(Vec::len).unwrap_or_default();
    let row = |rows: &&[Judged]| {
        let cell = |month: &NaiveDate| {
            let rules: Vec<&Judged> = rows.iter().filter(|row| row.month == *month).collect();
            match rules.iter().any(|rule| rule.in_alert.is_some()) {
                true => Cell::Of3(rules.iter().filter(|rule| rule.in_alert == Some(true)).count()),
                false => Cell::Unknown,
            }
        };
        let last: Vec<&Judged> = rows.iter().filter(|row| row.month == figures.month).collect();
        let running = last.iter().map(|rule| rule.months_in_alert).max().unwrap_or(0);
        let note = match running {
            0 => String::new(),
            1 => "new".to_owned(),
            12.. => "12 months or more".to_owned(),
            running => format!("{running} months"),
        };
        MatrixRow { label: name(&rows[0]), cells: months.iter().map(cell).collect(), note }
    };
    let rows: Vec<MatrixRow> = all.iter().map(row).collect();
    let title = "Chapters in alert by month";
    let caption = html! {
        b { (title) "." } " The number of the three rules that have the chapter in alert; a point for none, a dash where there is no level yet. At the right, how long it has been in alert under one rule without a break."
    };
    figure(figures, caption, matrix(title, &months, &rows, FULL), &[("", &figures.alerts.history.source)])
}

/// A chapter's rates with the levels of the three rules, all as rates of 1000 flight hours.
fn chart(rows: &[Judged], size: Size, named: bool) -> Markup {
    let months = months(rows);
    let of_rule = |rule: &str| rows.iter().filter(move |row| row.alert_rule == rule).collect::<Vec<_>>();
    let series = |label: &str, values: Vec<Option<f64>>, colour, dash, marker| Series {
        name: named.then(|| label.to_owned()),
        values,
        colour,
        dash,
        marker,
    };
    let (mean, factor, poisson) = (of_rule("mean_ksd"), of_rule("factor_1_3"), of_rule("poisson_upper"));
    let level = |rows: &[&Judged]| rows.iter().map(|row| row.alert_level).collect();
    let as_rate = |row: &&Judged| row.alert_level.map(|level| 1000.0 * level / row.flight_hours);
    let lines = [
        series("3 months", factor.iter().map(|row| row.rate_3m).collect(), colour::GREEN, "", None),
        series("its level, 1.3 × mean", level(&factor), colour::GREEN, "6 3", None),
        series("level, mean + 2 SD", level(&mean), colour::VERMILLION, "6 3", None),
        series("level, Poisson 95 %", poisson.iter().map(as_rate).collect(), colour::BLUE, "2 3", None),
        series("month", mean.iter().map(|row| row.rate_per_1000_fh).collect(), colour::BLACK, "", Some(Marker::Dot)),
    ];
    let label = if named { "reports per 1000 FH" } else { "" };
    let title = format!("Reports per 1000 flight hours, {}", rows.first().map(name).unwrap_or_default());
    monthly(&title, label, &months, None, &lines, true, size)
}

fn one(figures: &Figures, chapter: &InAlert) -> Markup {
    let rows: Vec<Judged> = figures.alerts.history.rows.iter().filter(|row| row.ata == chapter.ata).cloned().collect();
    let alerts = &figures.alerts;
    let sources = [
        ("Rates and levels", &alerts.history.source),
        ("By aircraft", &alerts.tails.source),
        ("By section", &alerts.sections.source),
        ("By part", &alerts.parts.source),
    ];
    let since = month_name(chapter.since);
    html! {
        div class="card" id={ "alert-" (chapter.ata) } {
            h3 { "ATA " (chapter.ata) " " (chapter.title) }
            p {
                "In alert since " b { (since) @if chapter.or_earlier { " or earlier" } } ", "
                @match chapter.escalated {
                    true => { b { "escalated" } " (" (chapter.months) " months running under one rule)" }
                    false => "for the first month, not escalated",
                }
                "; exposure "
                @match chapter.exposure_sufficient {
                    true => "sufficient.",
                    false => { "insufficient: fewer than " (number(alerts.reports_expected)) " reports expected in 12 months." }
                }
            }
            ul { @for rule in &chapter.rules { li { (rule_text(rule)) } } }
            (easing(chapter))
            (figure(figures, html! { b { "Rates and levels." } " " (sample(figures, chapter)) }, chart(&rows, LARGE, true), &sources))
            p { b { "What drives it. " } (drivers(chapter)) }
        }
    }
}

fn rule_text(rule: &Judged) -> Markup {
    let reports = rule.pireps + rule.mareps;
    let months = match rule.months_in_alert {
        1 => "first month".to_owned(),
        months => format!("{months} months running"),
    };
    html! {
        @match rule.alert_rule.as_str() {
            "mean_ksd" => { "Mean + 2 SD: " (fixed(rule.rate_per_1000_fh, 2)) " reports per 1000 FH in the month, above " (fixed(rule.alert_level, 2)) }
            "factor_1_3" => { "1.3 × mean of 3-month rates: " (fixed(rule.rate_3m, 2)) " per 1000 FH over 3 months, above " (fixed(rule.alert_level, 2)) }
            _ => { "Poisson 95 %: " (count(reports)) " reports in the month (" (count(rule.pireps)) " pilot, " (count(rule.mareps)) " maintenance), above " (fixed(rule.alert_level, 0)) }
        }
        " (" (months) ")."
    }
}

/// Where only the rate of three months is in alert, and the month itself is lower than it.
fn easing(chapter: &InAlert) -> Markup {
    let only_trailing = chapter.rules.iter().all(|rule| rule.alert_rule == "factor_1_3");
    let lower = chapter.rules.iter().any(|rule| rule.rate_per_1000_fh < rule.rate_3m);
    html! {
        @if only_trailing && lower {
            p { "The month's own rate, " (fixed(chapter.rules[0].rate_per_1000_fh, 2)) ", is below that of three months: the alert comes from earlier months, and eases." }
        }
    }
}

fn sample(figures: &Figures, chapter: &InAlert) -> Markup {
    html! {
        "The month has " (fixed(chapter.rules[0].flight_hours, 0)) " flight hours. "
        @let begins = month_name(chapter.reports_from);
        "The alert is about " (count(chapter.reports)) " reports "
        @if chapter.reports_from == figures.month { "of " (begins) "." } @else { "from " (begins) " on." }
    }
}

fn drivers(chapter: &InAlert) -> Markup {
    html! {
        (lead(&chapter.aircraft, "aircraft", "report", "by its hours"))
        " " (lead(&chapter.section, "section", "report", "from the 12 months before"))
        " " (lead(&chapter.part, "part", "unscheduled removal", "from the 12 months before"))
    }
}

/// What stands out of its kind; `by` is what the expected number of events follows from.
fn lead(lead: &Lead, kind: &str, event: &str, by: &str) -> Markup {
    html! {
        @match lead {
            Lead::Nothing => { "There is no " (kind) " to compare." }
            Lead::StandsOut(found) => {
                "The " (kind) " " b { (found.name) @if let Some(title) = &found.title { " " (title) } } " stands out: "
                (numbers(found, event, by)) "."
            }
            Lead::WithinChance(nearest) => {
                "No " (kind) " stands out; nearest is " (nearest.name)
                @if let Some(title) = &nearest.title { " " (title) } " with " (numbers(nearest, event, by)) "."
            }
        }
    }
}

fn numbers(found: &Candidate, event: &str, by: &str) -> Markup {
    html! {
        (counted(found.count, event))
        @if let Some(nff) = found.nff { @if nff > 0 { " (" (count(nff)) " without fault found)" } }
        " where " (number(found.expected)) " would be expected " (by)
        " (" (probability_text(found.p)) @if found.compared > 1 { ", " (found.compared) " compared" } ")"
    }
}

/// Every chapter that is not in alert, small.
fn small_charts(figures: &Figures, in_alert: &[InAlert]) -> Markup {
    let all = chapters(figures);
    let calm: Vec<&&[Judged]> =
        all.iter().filter(|rows| !in_alert.iter().any(|chapter| chapter.ata == rows[0].ata)).collect();
    let reports = |rows: &[Judged]| -> i64 {
        rows.iter().filter(|row| row.alert_rule == "mean_ksd").map(|row| row.pireps + row.mareps).sum()
    };
    let body = html! {
        div class="many" {
            @for rows in &calm {
                div {
                    h4 { (name(&rows[0])) ", n = " (count(reports(rows))) }
                    (chart(rows, SMALL, false))
                }
            }
        }
    };
    let caption = html! {
        b { @if in_alert.is_empty() { "Reports by chapter." } @else { "Chapters not in alert." } }
        " Reports per 1000 flight hours by month, each chart on its own scale; n is the reports of the months shown. Black with dots: the month. Green: three months. "
        @if all.iter().flat_map(|rows| rows.iter()).any(|row| row.alert_level.is_some()) {
            "Levels, where there are " (figures.alerts.months_before) " months before: dashed green of 1.3 × mean (for the green line), dashed orange-red of mean + 2 SD, dotted blue of Poisson 95 %."
        }
    };
    figure(figures, caption, body, &[("", &figures.alerts.history.source)])
}
