//! What to do next: each step with the figures that call for it, the most pressing first.

use chrono::Months;

use super::SIGNIFICANCE;
use super::alerts::{Candidate, InAlert, Lead};
use super::coverage::Missing;
use super::lives::{PartLives, Pattern};
use super::parts::Versus;
use super::units::Judged;
use crate::chart::{count, fixed, grouped, month_name, number, percent, probability_text};
use crate::gather::Figures;
use crate::gather::repetitive::Defect;
use crate::gather::trends::Trend;

/// How soon something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    Now,
    ThisMonth,
    Watch,
}

impl Urgency {
    pub fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::ThisMonth => "this month",
            Self::Watch => "watch",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Step {
    pub urgency: Urgency,
    pub what: String,
    pub why: String,
    /// The part of the report that has the figures.
    pub section: &'static str,
}

/// What was found, as the steps need it.
pub struct Found<'a> {
    pub in_alert: &'a [InAlert],
    pub units: &'a [Judged<'a>],
    pub below: &'a [Versus<'a>],
    pub lives: &'a [PartLives<'a>],
    pub worse: &'a [&'a Trend],
    pub missing: &'a Missing,
}

pub fn steps(figures: &Figures, found: &Found<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    steps.extend(data_steps(figures, found.missing));
    steps.extend(found.in_alert.iter().map(|chapter| alert_step(chapter, figures, found.units)));
    steps.extend(found.units.iter().filter(|unit| unit.is_beyond_chance()).map(unit_step));
    steps.extend(figures.repetitive.defects.rows.iter().map(|defect| defect_step(defect, figures)));
    steps.extend(guarantee_steps(found.below));
    steps.extend(found.worse.iter().map(|trend| trend_step(trend, tested(figures))));
    steps.extend(found.lives.iter().filter_map(life_step));
    steps.sort_by_key(|step| step.urgency);
    steps
}

/// Data come first: what rests on days that are not there cannot be decided on.
fn data_steps(figures: &Figures, missing: &Missing) -> Vec<Step> {
    let mut steps = Vec::new();
    if missing.missing_week > 0 {
        steps.push(Step {
            urgency: Urgency::Now,
            what: format!(
                "Ask for the utilization of {} aircraft-days of week {}, ingest it and make this report again.",
                count(missing.missing_week),
                figures.week
            ),
            why: format!(
                "{} of {} expected are missing; the figures of the week rest on the rest.",
                count(missing.missing_week),
                count(missing.expected_week)
            ),
            section: "quality",
        });
    }
    for (table, job) in &figures.behind {
        let month = figures.week.full_month().format("%Y-%m");
        steps.push(Step {
            urgency: Urgency::Now,
            what: format!("Run `fleet run {job} --interval {month}`."),
            why: format!("{table} was not computed for {month}, though the fleet flew."),
            section: "quality",
        });
    }
    steps
}

fn alert_step(chapter: &InAlert, figures: &Figures, units: &[Judged<'_>]) -> Step {
    let name = format!("ATA {} {}", chapter.ata, chapter.title);
    let first_look = first_look(chapter, figures, units);
    let (urgency, what) = if !chapter.exposure_sufficient {
        (Urgency::Watch, format!("{name}: read the reports one by one; {first_look}"))
    } else if chapter.escalated {
        (Urgency::Now, format!("{name}: open an investigation; {first_look}"))
    } else {
        let next = month_name(figures.month + Months::new(1));
        (Urgency::Watch, format!("{name}: watch until {next} is judged; {first_look}"))
    };
    let since = month_name(chapter.since);
    let since = if chapter.or_earlier { format!("{since} or earlier") } else { since };
    let exposure = match chapter.exposure_sufficient {
        true => "",
        false => "; fewer reports are expected in 12 months than rates need, one more or less moves them",
    };
    let rules = chapter.rules.len();
    let why = format!("In alert since {since} under {rules} of 3 rules, {} reports{exposure}.", count(chapter.reports));
    Step { urgency, what, why, section: "alerts" }
}

/// Where to look first in a chapter: at what stands out in it.
fn first_look(chapter: &InAlert, figures: &Figures, units: &[Judged<'_>]) -> String {
    let mut looks = Vec::new();
    let of_chapter = |ata: &str| ata.split('-').next() == Some(chapter.ata.as_str());
    let is_of_chapter = |part_number: &str| {
        figures
            .parts
            .rows
            .iter()
            .any(|part| part.part_number == part_number && part.chapter.as_deref() == Some(chapter.ata.as_str()))
    };
    for unit in units.iter().filter(|unit| unit.is_beyond_chance() && is_of_chapter(&unit.unit.part_number)) {
        looks.push(format!("the rogue unit {} {}", unit.unit.part_number, unit.unit.serial));
    }
    for defect in figures.repetitive.defects.rows.iter().filter(|defect| of_chapter(&defect.ata)) {
        looks.push(format!("the repetitive defect {} on {}", defect.ata, defect.tail));
    }
    let standing = |lead: &Lead, kind: &str| lead.standing_out().map(|found| candidate(found, kind));
    looks.extend(standing(&chapter.aircraft, "aircraft"));
    looks.extend(standing(&chapter.part, "part"));
    looks.extend(standing(&chapter.section, "section"));
    if looks.is_empty() {
        let nearest = match &chapter.section {
            Lead::WithinChance(nearest) => format!("; nearest is section {}", nearest.name),
            _ => String::new(),
        };
        return format!("no aircraft, section or part stands out, so look for what all reports share{nearest}.");
    }
    format!("look first at {}.", looks.join(", "))
}

fn candidate(found: &Candidate, kind: &str) -> String {
    format!(
        "{kind} {} ({} where {} would be expected, {})",
        found.name,
        count(found.count),
        number(found.expected),
        probability_text(found.p)
    )
}

fn unit_step(judged: &Judged<'_>) -> Step {
    let unit = judged.unit;
    let what = format!(
        "{} {} ({}): take it out of circulation at its next removal and send it to the shop with its history.",
        unit.part_number,
        unit.serial,
        unit.description.as_deref().unwrap_or("not in the catalogue"),
    );
    let nff = if unit.nff_12m > 0 { format!(", {} without fault found", count(unit.nff_12m)) } else { String::new() };
    let why = format!(
        "{} unscheduled removals in 12 months from {} aircraft{nff}; at its part's rate its hours would have given {}.",
        count(unit.removals_12m),
        count(unit.tails),
        number(judged.expected),
    );
    Step { urgency: Urgency::Now, what, why, section: "rogue" }
}

fn defect_step(defect: &Defect, figures: &Figures) -> Step {
    let title = defect.title.as_deref().unwrap_or("");
    let removals = figures.repetitive.removals.rows.iter().filter(|removal| {
        removal.tail == defect.tail
            && removal.removed_ata.as_deref() == Some(defect.ata.as_str())
            && removal.occurred_at <= defect.last_at
    });
    let mut changed: Vec<&str> =
        removals.map(|removal| removal.description.as_deref().unwrap_or(&removal.part_number)).collect();
    changed.sort_unstable();
    changed.dedup();
    let action = if changed.is_empty() {
        "no part of the section was changed before the last report: troubleshoot it as one defect, not report by report"
            .to_owned()
    } else {
        format!(
            "reported again after a change of {}: look at wiring, connectors and the unit fitted",
            changed.join(" and ")
        )
    };
    let first = defect.first_at.format("%-d %b");
    let last = defect.last_at.format("%-d %b");
    Step {
        urgency: Urgency::Now,
        what: format!("{}, {} {title}: {action}.", defect.tail, defect.ata),
        why: format!("{} reports from {first} to {last}.", count(defect.reports)),
        section: "repetitive",
    }
}

/// A claim for all parts beyond chance together; the others below by their own interval are watched.
fn guarantee_steps(below: &[Versus<'_>]) -> Vec<Step> {
    let (sure, likely): (Vec<&Versus<'_>>, Vec<&Versus<'_>>) =
        below.iter().partition(|versus| versus.is_beyond_chance());
    let names = |parts: &[&Versus<'_>]| {
        let names: Vec<&str> = parts.iter().take(3).map(|versus| versus.part.part_number.as_str()).collect();
        let more = parts.len().saturating_sub(3);
        if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
    };
    let hours = |versus: &Versus<'_>| {
        let (found, guaranteed) = (grouped(versus.part.mtbur_hours_12m), grouped(versus.guaranteed_hours));
        let removals = count(versus.part.unscheduled_removals_12m);
        format!("{} has {found} of {guaranteed} hours ({removals} removals)", versus.part.part_number)
    };
    let claim = sure.first().map(|worst| Step {
        urgency: Urgency::ThisMonth,
        what: format!("Claim the guarantee of {}.", names(&sure)),
        why: format!("MTBUR below guarantee beyond what chance gives among all parts; {}.", hours(worst)),
        section: "parts",
    });
    let watch = likely.first().map(|worst| Step {
        urgency: Urgency::Watch,
        what: format!("Watch {} against the guarantee; do not claim yet.", names(&likely)),
        why: format!(
            "Below it by the part's own interval, but chance puts some there among so many; {}.",
            hours(worst)
        ),
        section: "parts",
    });
    claim.into_iter().chain(watch).collect()
}

/// Chapters whose trend was tested over the fleet.
fn tested(figures: &Figures) -> usize {
    let trends = figures.trends.trends.rows.iter();
    trends.filter(|trend| trend.scope == "fleet" && trend.trend.is_some()).count()
}

fn trend_step(trend: &Trend, tested: usize) -> Step {
    let name = format!("ATA {} {}", trend.ata, trend.title.as_deref().unwrap_or(""));
    let beyond = trend.mil_hdbk_189_p.is_some_and(|p| p * (tested as f64) < SIGNIFICANCE);
    let (urgency, what, doubt) = if beyond {
        (
            Urgency::ThisMonth,
            format!("{name}: find out what changed; its failures come more and more often."),
            String::new(),
        )
    } else {
        let chance = fixed(0.025 * tested as f64, 1);
        let doubt = format!(" Of {tested} chapters tested, chance alone gives {chance}.");
        (Urgency::Watch, format!("{name}: watch whether its failures go on coming more often."), doubt)
    };
    let why = format!(
        "β {} ({} to {}), {}, {} failures; now one in {} hours of an aircraft.{doubt}",
        fixed(trend.beta, 2),
        fixed(trend.beta_lower, 2),
        fixed(trend.beta_upper, 2),
        trend.mil_hdbk_189_p.map(probability_text).unwrap_or_default(),
        count(trend.failures),
        grouped(trend.mtbf_instantaneous_hours),
    );
    Step { urgency, what, why, section: "trends" }
}

fn life_step(part: &PartLives<'_>) -> Option<Step> {
    let weibull = part.weibull?;
    let shape =
        format!("β {} ({} to {})", fixed(weibull.beta, 2), fixed(weibull.beta_lower, 2), fixed(weibull.beta_upper, 2));
    let (what, why) = match part.pattern {
        Pattern::WearsOut => (
            format!(
                "{} {}: weigh replacement by age; a tenth of units has failed by {} hours.",
                part.part_number,
                part.description,
                grouped(weibull.b10_hours)
            ),
            format!("It wears out: {shape}, {} failures.", count(part.failures)),
        ),
        Pattern::FailsEarly => (
            format!(
                "{} {}: look at installation and shop work; replacement by age would make it worse.",
                part.part_number, part.description
            ),
            format!("It fails early: {shape}, {} failures.", count(part.failures)),
        ),
        Pattern::NoAge | Pattern::Unknown => return None,
    };
    Some(Step { urgency: Urgency::Watch, what, why, section: "lives" })
}

/// How much of what was expected is there, for people.
pub fn coverage_text(missing: &Missing) -> String {
    if missing.expected == 0 {
        return "no utilization".to_owned();
    }
    let there = 1.0 - missing.missing as f64 / missing.expected as f64;
    format!("{} of the aircraft-days expected in 12 months were reported", percent(there, 2))
}
