//! Whole documents from few rows: what is said when there is nothing, and what is said of an alert.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::document;
use crate::gather::alerts::{Alerts, Driver, Judged};
use crate::gather::dispatch::Dispatch;
use crate::gather::lives::Lives;
use crate::gather::provenance::{Provenance, Runs};
use crate::gather::quality::Quality;
use crate::gather::repetitive::Repetitive;
use crate::gather::scope::Scope;
use crate::gather::trends::Trends;
use crate::gather::units::Units;
use crate::gather::{Figures, Gathered, Source, Version};

fn gathered<T>(rows: Vec<T>) -> Gathered<T> {
    let tables = BTreeSet::from(["reliability.ata_alert".to_owned()]);
    Gathered { rows, source: Source { sql: "select 1 where 1 < 2".to_owned(), tables } }
}

fn nothing() -> Figures {
    let week: crate::Week = "2026-W10".parse().unwrap();
    let at: DateTime<Utc> = "2026-03-09T05:00:00Z".parse().unwrap();
    let name = "reliability.ata_alert".to_owned();
    let runs = Runs { name: name.clone(), runs: 1, run_id: Some("1234abcd-55".to_owned()), computed_at: Some(at) };
    let version = Version { version: 7, rows: 75, computed: BTreeSet::new() };
    Figures {
        week,
        month: week.full_month(),
        behind: Vec::new(),
        scope: Scope { week: gathered(vec![]), months: gathered(vec![]) },
        dispatch: Dispatch {
            months: gathered(vec![]),
            tails: gathered(vec![]),
            chapters: gathered(vec![]),
            week: gathered(vec![]),
        },
        alerts: Alerts {
            history: gathered(vec![]),
            tails: gathered(vec![]),
            sections: gathered(vec![]),
            parts: gathered(vec![]),
            months_before: 6,
            reports_expected: 5.0,
        },
        parts: gathered(vec![]),
        lives: Lives {
            laws: gathered(vec![]),
            curves: gathered(vec![]),
            lives: gathered(vec![]),
            counts: gathered(vec![]),
        },
        trends: Trends { trends: gathered(vec![]), failures: gathered(vec![]), hours: gathered(vec![]) },
        units: Units { units: gathered(vec![]), watched: gathered(vec![]), removals: 3, nff: 4 },
        repetitive: Repetitive { defects: gathered(vec![]), removals: gathered(vec![]), reports: 3, days: 15 },
        quality: Quality {
            sources: gathered(vec![]),
            reasons: gathered(vec![]),
            weeks: gathered(vec![]),
            days: gathered(vec![]),
            unsettled: gathered(vec![]),
        },
        provenance: Provenance {
            runs: BTreeMap::from([(name.clone(), runs)]),
            versions: BTreeMap::from([(name, version)]),
        },
    }
}

fn made(figures: &Figures) -> String {
    document(figures, "2026-03-09T06:00:00Z".parse().unwrap())
}

fn judged(month: &str, alert_rule: &str, months_in_alert: i64, level: Option<f64>) -> Judged {
    Judged {
        month: month.parse().unwrap(),
        ata: "32".to_owned(),
        title: Some("Landing gear & doors".to_owned()),
        alert_rule: alert_rule.to_owned(),
        pireps: 20,
        mareps: 4,
        flight_hours: 3000.0,
        rate_per_1000_fh: Some(8.0),
        rate_3m: Some(7.0),
        months_before: if level.is_some() { 12 } else { 2 },
        alert_level: level,
        in_alert: level.map(|_| months_in_alert > 0),
        months_in_alert,
        exposure_sufficient: true,
    }
}

/// One chapter, two months under one rule, with all of its reports on one aircraft of three.
fn one_alert() -> Figures {
    let mut figures = nothing();
    for month in ["2026-01-01", "2026-02-01"] {
        let months = if month == "2026-02-01" { 2 } else { 1 };
        figures.alerts.history.rows.extend([
            judged(month, "factor_1_3", 0, Some(9.0)),
            judged(month, "mean_ksd", months, Some(6.0)),
            judged(month, "poisson_upper", 0, Some(30.0)),
        ]);
    }
    let driver = |name: &str, count| Driver {
        ata: "32".to_owned(),
        name: Some(name.to_owned()),
        title: None,
        count,
        hours: 2000.0,
        count_before: None,
        hours_before: None,
        nff: None,
    };
    figures.alerts.tails.rows = vec![driver("EI-AAA", 40), driver("EI-BBB", 4), driver("EI-CCC", 4)];
    figures
}

#[test]
fn where_there_is_nothing_the_report_says_so() {
    let html = made(&nothing());
    for told in [
        "No utilization was reported in this week.",
        "There is no dispatch reliability up to February 2026.",
        "There are no reports by chapter of February 2026.",
        "There are no removals by part of February 2026.",
        "No part has lives under observation",
        "No confirmed failures yet",
        "No unit of 0 watched meets the rule: at least 3 unscheduled removals, or 4 without fault found",
        "No defect meets the rule: at least 3 pilot and maintenance reports",
        "Nothing in the figures calls for a step",
    ] {
        assert!(html.contains(told), "expected `{told}`");
    }
    assert!(!html.contains("NaN") && !html.contains("<svg"), "nothing is drawn of nothing");
}

#[test]
fn too_few_months_are_counted_and_the_first_level_is_dated() {
    let mut figures = nothing();
    figures.alerts.history.rows = vec![judged("2026-02-01", "mean_ksd", 0, None)];
    let html = made(&figures);
    assert!(html.contains("a level needs 6 months before the month judged, and February 2026 has 2."), "{html}");
    assert!(html.contains("The first levels will be those of June 2026"));
}

#[test]
fn an_escalated_chapter_says_since_when_what_drives_it_and_what_to_do() {
    let html = made(&one_alert());
    for told in [
        "In alert since <b>January 2026</b>, <b>escalated</b> (2 months running under one rule)",
        "Mean + 2 SD: 8.00 reports per 1000 FH in the month, above 6.00 (2 months running).",
        "ATA 32 Landing gear &amp; doors: open an investigation; look first at aircraft EI-AAA (40 where 16.0 would be expected",
        "<b>EI-AAA</b> stands out",
    ] {
        assert!(html.contains(told), "expected `{told}` in {html}");
    }
    let card = html.split("id=\"alert-32\"").nth(1).unwrap();
    let chart = card.split("</figure>").next().unwrap();
    assert_eq!(chart.matches("stroke-dasharray=\"6 3\"").count(), 4, "two dashed levels, each drawn and in the legend");
    assert_eq!(chart.matches("<circle").count(), 3, "two months and the legend");
}

#[test]
fn every_figure_names_its_version_and_run_and_its_query_is_escaped() {
    let html = made(&one_alert());
    assert!(html.contains("</a> version 7, run 1234abcd of 2026-03-09 05:00"));
    assert!(html.contains("<pre>select 1 where 1 &lt; 2</pre>"));
    assert!(html.contains("<tr id=\"table-reliability.ata_alert\">"));
    assert!(
        html.matches("<details>").count() > html.matches("<figure>").count(),
        "figures, and what stands in for one"
    );
}

#[test]
fn a_month_that_lacks_days_is_told() {
    let mut figures = one_alert();
    let month: NaiveDate = "2026-02-01".parse().unwrap();
    figures.scope.months.rows = vec![crate::gather::scope::Month { month, days: 24, tails: 3, flight_hours: 6000.0 }];
    assert!(made(&figures).contains("Utilization was reported on 24 of the 28 days of February 2026"));
}
