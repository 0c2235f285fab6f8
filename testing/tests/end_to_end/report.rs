//! The weekly report: one file that needs nothing else, names what it rests on, and refuses a week without figures.

use std::fs;

use serde_json::Value;

use crate::kit::{Place, small_reference, text};

/// The one element of the report that HTML does not close.
const WITHOUT_END: &str = "br";

fn written(place: &Place, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report.html");
    place.done(&[&["report", "--out", out.to_str().unwrap()], arguments].concat());
    fs::read_to_string(out).unwrap()
}

/// Every tag that is opened is closed, in its order.
fn assert_balanced(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    let body = html.split_once("<body>").unwrap().1.split_once("</body>").unwrap().0;
    for tag in body.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let name = tag.split([' ', '\n']).next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "closed out of order: <{tag}>"),
            None if name == WITHOUT_END => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
}

#[test]
fn a_report_is_one_file_that_fetches_nothing() {
    let html = written(&small_reference().place, &[]);
    for outside in ["http://", "https://", "src=", "url(", "@import", "<script", "<link"] {
        assert!(!html.contains(outside), "refers to the outside: {outside}");
    }
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("@media print"));
    assert_balanced(&html);
    assert!(html.matches("<svg class=\"chart\"").count() >= 5, "charts are drawn");
    for number in ["NaN", "inf\"", "-inf"] {
        assert!(!html.contains(number), "a chart has a place that is no number: {number}");
    }
}

#[test]
fn a_report_names_the_versions_and_runs_of_its_tables_and_shows_its_queries() {
    let place = &small_reference().place;
    let html = written(place, &[]);
    let tables = place.tables();
    for table in
        ["operations.dispatch_reliability", "reliability.component", "reliability.life_model", "ledger.ingested_file"]
    {
        let version = tables[table]["version"].as_u64().unwrap();
        let named = format!("<a href=\"#table-{table}\">{table}</a> version {version}");
        assert!(html.contains(&named), "expected `{named}`");
    }
    let rows = place.rows("select distinct run_id from reliability.life_model");
    assert!(html.contains(text(&rows[0], "run_id")));

    let queries: Vec<String> =
        html.split("<pre>").skip(1).map(|rest| unescaped(rest.split("</pre>").next().unwrap())).collect();
    assert!(queries.len() > 15 && queries.iter().all(|sql| !sql.contains('$')), "dates are filled in");
    let shown = queries.iter().find(|sql| sql.contains("from reliability.component")).unwrap();
    assert!(!place.rows(shown).is_empty(), "a query that is shown can be run: {shown}");
}

#[test]
fn few_data_are_said_to_be_few() {
    let html = written(&small_reference().place, &[]);
    for told in ["No alert levels yet", "The first levels will be those of", "No law can be drawn yet"] {
        assert!(html.contains(told), "{told}");
    }
}

#[test]
fn a_week_is_named_or_the_latest_is_taken() {
    let place = &small_reference().place;
    let rows = place.rows("select max(as_of) as as_of from reliability.life_model");
    assert_eq!(text(&rows[0], "as_of"), "2026-02-09");
    for arguments in [&[][..], &["--week", "2026-W06"]] {
        assert!(written(place, arguments).contains("<h1>Reliability report, week 2026-W06</h1>"));
    }
    let ran = place.run(&["report", "--json", "--out", place.folder().join("w.html").to_str().unwrap()]);
    let told: Value = serde_json::from_str(ran.stdout.trim()).unwrap();
    assert_eq!((told["event"].as_str(), told["week"].as_str()), (Some("reported"), Some("2026-W06")));
}

#[test]
fn a_week_without_figures_is_refused_with_what_to_run() {
    let place = &small_reference().place;
    let out = place.folder().join("absent.html");
    let ran = place.run(&["report", "--week", "2026-W10", "--out", out.to_str().unwrap()]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("`fleet run weekly_reliability_analysis --interval 2026-W10`"), "{ran:?}");
    assert!(!out.exists());
    for wrong in ["2026-03", "2026-03-02", "W10", "2026-W60"] {
        let ran = place.run(&["report", "--week", wrong]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(wrong), "{ran:?}");
    }
    assert!(place.done(&["report", "--help"]).stdout.contains("Example: fleet report --week 2026-W10"));
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
