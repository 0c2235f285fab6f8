//! The report as one HTML file: no script, and nothing that is fetched. Escaping is maud's.
//!
//! A file a section. Each says what its figures show, and where there are too few it says so.

mod alerts;
mod dispatch;
mod figure;
mod lives;
mod method;
mod parts;
mod quality;
mod repetitive;
mod rogue;
mod summary;
mod tables;
mod trends;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::findings::alerts::{InAlert, Judgement};
use crate::findings::coverage::Missing;
use crate::findings::lives::PartLives;
use crate::findings::parts::Versus;
use crate::findings::trends::Drawn;
use crate::findings::units::Judged;
use crate::findings::{alerts as in_alert, coverage, lives as by_part, parts as versus, trends as drawn, units};
use crate::gather::Figures;
use crate::gather::trends::Trend;

const STYLE: &str = include_str!("style.css");

/// All that was found in the figures, once for all sections.
pub struct Findings<'a> {
    pub judgement: Judgement,
    pub in_alert: Vec<InAlert>,
    pub versus: Vec<Versus<'a>>,
    pub lives: Vec<PartLives<'a>>,
    pub drawn: Vec<Drawn<'a>>,
    /// Chapters of the fleet whose failures come more and more often.
    pub worse: Vec<&'a Trend>,
    pub units: Vec<Judged<'a>>,
    pub missing: Missing,
}

impl<'a> Findings<'a> {
    pub fn of(figures: &'a Figures) -> Self {
        let lives = &figures.lives;
        let is_worse = |trend: &&Trend| trend.scope == "fleet" && trend.trend.as_deref() == Some("deteriorating");
        Self {
            judgement: in_alert::judgement(&figures.alerts, figures.month),
            in_alert: in_alert::in_alert(&figures.alerts, figures.month),
            versus: versus::versus_guarantee(&figures.parts.rows),
            lives: by_part::by_part(&lives.laws.rows, &lives.curves.rows, &lives.lives.rows),
            drawn: drawn::drawn(&figures.trends),
            worse: figures.trends.trends.rows.iter().filter(is_worse).collect(),
            units: units::judged(&figures.units),
            missing: coverage::missing(&figures.quality.days.rows, figures.week),
        }
    }

    /// Parts whose whole interval lies below the guarantee.
    pub fn below(&self) -> Vec<Versus<'a>> {
        self.versus.iter().filter(|versus| versus.is_below()).cloned().collect()
    }
}

const SECTIONS: [(&str, &str); 10] = [
    ("summary", "Summary and next steps"),
    ("dispatch", "Dispatch reliability"),
    ("alerts", "Alerts by chapter"),
    ("parts", "Parts"),
    ("lives", "Lives of parts"),
    ("trends", "Trends of systems"),
    ("rogue", "Rogue units"),
    ("repetitive", "Repetitive defects"),
    ("quality", "Data quality"),
    ("method", "Definitions and tables"),
];

/// The whole document.
pub fn document(figures: &Figures, made_at: DateTime<Utc>) -> String {
    let findings = Findings::of(figures);
    let week = figures.week;
    let days = format!("{} to {}", week.first_day().format("%-d %B"), week.last_day().format("%-d %B %Y"));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Reliability report, week " (week) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Reliability report, week " (week) }
                p class="under" {
                    (days) ", UTC. Monthly figures to the end of " (crate::chart::month_name(figures.month))
                    ". Made " (made_at.format("%Y-%m-%d %H:%M")) " UTC by fleet " (env!("CARGO_PKG_VERSION")) "."
                }
                nav { @for (id, name) in SECTIONS { a href={ "#" (id) } { (name) } " " } }
                (section("summary", summary::section(figures, &findings)))
                (section("dispatch", dispatch::section(figures)))
                (section("alerts", alerts::section(figures, &findings)))
                (section("parts", parts::section(figures, &findings)))
                (section("lives", lives::section(figures, &findings)))
                (section("trends", trends::section(figures, &findings)))
                (section("rogue", rogue::section(figures, &findings)))
                (section("repetitive", repetitive::section(figures)))
                (section("quality", quality::section(figures, &findings)))
                (section("method", html! { (method::section(figures)) (tables::section(figures)) }))
            }
        }
    };
    page.into_string()
}

fn section(id: &str, body: Markup) -> Markup {
    let name = SECTIONS.iter().find(|(known, _)| *known == id).map_or(id, |(_, name)| name);
    html! { section id=(id) { h2 { (name) } (body) } }
}
