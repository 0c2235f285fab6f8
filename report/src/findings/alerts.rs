//! Chapters in alert: since when, by which rules, and whether an aircraft, a section or a part stands behind it.

use chrono::{Months, NaiveDate};

use super::SIGNIFICANCE;
use super::chance::upper_tail;
use crate::gather::alerts::{Alerts, Driver, Judged};

/// The model counts months in alert up to this.
const MONTHS_COUNTED: i64 = 12;

/// A chapter that some rule has in alert in the month reported.
#[derive(Clone, Debug)]
pub struct InAlert {
    pub ata: String,
    pub title: String,
    pub since: NaiveDate,
    /// Whether it began then or earlier, where the count of months ends.
    pub or_earlier: bool,
    pub months: i64,
    pub rules: Vec<Judged>,
    pub escalated: bool,
    pub exposure_sufficient: bool,
    /// The first month whose reports the alert is about.
    pub reports_from: NaiveDate,
    /// Reports from then to the end of the month reported.
    pub reports: i64,
    pub aircraft: Lead,
    pub section: Lead,
    pub part: Lead,
}

/// What most stands out among aircraft, sections or parts.
#[derive(Clone, Debug)]
pub enum Lead {
    /// There was nothing to compare.
    Nothing,
    /// It has more than its share; chance would give so much to one of them with probability `p`.
    StandsOut(Candidate),
    /// None has; the one that comes nearest.
    WithinChance(Candidate),
}

/// One that was compared, with the others' number taken into account in `p` (Bonferroni).
#[derive(Clone, Debug)]
pub struct Candidate {
    pub name: String,
    pub title: Option<String>,
    pub count: i64,
    pub expected: f64,
    pub nff: Option<i64>,
    pub p: f64,
    pub compared: usize,
}

impl Lead {
    pub fn standing_out(&self) -> Option<&Candidate> {
        match self {
            Self::StandsOut(candidate) => Some(candidate),
            _ => None,
        }
    }
}

/// How far judgement has come for the chapters.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// No figures of the month.
    NotComputed,
    /// No chapter has a level yet; the first month that can have one.
    TooFewMonths { before: i64, first_level: NaiveDate },
    /// This many chapters have a level.
    Judged { chapters: usize },
}

pub fn judgement(alerts: &Alerts, month: NaiveDate) -> Judgement {
    let of_month = || alerts.history.rows.iter().filter(|row| row.month == month);
    if of_month().next().is_none() {
        return Judgement::NotComputed;
    }
    let chapters = of_month().filter(|row| row.alert_rule == "mean_ksd" && row.alert_level.is_some()).count();
    if chapters > 0 {
        return Judgement::Judged { chapters };
    }
    let before = of_month().map(|row| row.months_before).max().unwrap_or(0);
    let lacking = u32::try_from(alerts.months_before - before).unwrap_or(0);
    Judgement::TooFewMonths { before, first_level: month + Months::new(lacking) }
}

/// The chapters in alert, the longest first.
pub fn in_alert(alerts: &Alerts, month: NaiveDate) -> Vec<InAlert> {
    let of_month = alerts.history.rows.iter().filter(|row| row.month == month && row.in_alert == Some(true));
    let rules: Vec<Judged> = of_month.cloned().collect();
    let mut chapters: Vec<InAlert> =
        rules.chunk_by(|one, other| one.ata == other.ata).map(|rules| chapter(alerts, rules, month)).collect();
    chapters.sort_by_key(|chapter| (std::cmp::Reverse((chapter.months, chapter.rules.len())), chapter.ata.clone()));
    chapters
}

fn chapter(alerts: &Alerts, rules: &[Judged], month: NaiveDate) -> InAlert {
    let ata = rules[0].ata.clone();
    let begun = |months: i64| month - Months::new(u32::try_from(months - 1).unwrap_or(0));
    let months = rules.iter().map(|rule| rule.months_in_alert).max().unwrap_or(1);
    let reports_from = rules.iter().map(|rule| {
        let counted_before = if rule.alert_rule == "factor_1_3" { 2 } else { 0 };
        begun(rule.months_in_alert) - Months::new(counted_before)
    });
    let of = |drivers: &[Driver]| drivers.iter().filter(|driver| driver.ata == ata).cloned().collect::<Vec<_>>();
    let tails = of(&alerts.tails.rows);
    InAlert {
        title: rules[0].title.clone().unwrap_or_default(),
        since: begun(months),
        or_earlier: months >= MONTHS_COUNTED,
        months,
        rules: rules.to_vec(),
        escalated: rules.iter().any(|rule| rule.months_in_alert >= 2),
        exposure_sufficient: rules.iter().all(|rule| rule.exposure_sufficient),
        reports_from: reports_from.min().unwrap_or(month),
        reports: tails.iter().map(|tail| tail.count).sum(),
        aircraft: among(&tails),
        section: against_before(&of(&alerts.sections.rows)),
        part: against_before(&of(&alerts.parts.rows)),
        ata,
    }
}

/// Compares aircraft with each other: each by its share of the hours.
fn among(drivers: &[Driver]) -> Lead {
    let total: i64 = drivers.iter().map(|driver| driver.count).sum();
    let hours: f64 = drivers.iter().map(|driver| driver.hours).sum();
    let share = |driver: &Driver| (driver.hours / hours, total);
    lead(drivers, share)
}

/// Compares each with itself in the 12 months before: by the share that the alert's hours are of all its hours.
fn against_before(drivers: &[Driver]) -> Lead {
    let share = |driver: &Driver| {
        let before = driver.hours_before.unwrap_or(0.0);
        (driver.hours / (driver.hours + before), driver.count + driver.count_before.unwrap_or(0))
    };
    let compared: Vec<Driver> = drivers.iter().filter(|driver| driver.hours_before > Some(0.0)).cloned().collect();
    lead(&compared, share)
}

fn lead(drivers: &[Driver], share: impl Fn(&Driver) -> (f64, i64)) -> Lead {
    let candidates = drivers.iter().filter(|driver| driver.count > 0).map(|driver| {
        let (share, total) = share(driver);
        let tail = upper_tail(driver.count.unsigned_abs(), total.unsigned_abs(), share);
        let expected = match (driver.count_before, driver.hours_before) {
            (Some(count), Some(hours)) => count as f64 / hours * driver.hours,
            _ => share * total as f64,
        };
        Candidate {
            name: driver.name.clone().unwrap_or_else(|| "not given".to_owned()),
            title: driver.title.clone(),
            count: driver.count,
            expected,
            nff: driver.nff,
            p: (tail * drivers.len() as f64).min(1.0),
            compared: drivers.len(),
        }
    });
    let best = candidates.min_by(|one, other| one.p.total_cmp(&other.p).then(other.count.cmp(&one.count)));
    match best {
        None => Lead::Nothing,
        Some(best) if best.compared < 2 && best.expected == 0.0 => Lead::Nothing,
        Some(best) if best.p < SIGNIFICANCE => Lead::StandsOut(best),
        Some(best) => Lead::WithinChance(best),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driver(name: &str, count: i64, hours: f64, before: Option<(i64, f64)>) -> Driver {
        Driver {
            ata: "32".to_owned(),
            name: Some(name.to_owned()),
            title: None,
            count,
            hours,
            count_before: before.map(|before| before.0),
            hours_before: before.map(|before| before.1),
            nff: None,
        }
    }

    #[test]
    fn an_aircraft_with_most_of_the_reports_stands_out() {
        let mut fleet: Vec<Driver> = (0..19).map(|n| driver(&format!("T{n}"), 1, 100.0, None)).collect();
        fleet.push(driver("T19", 10, 100.0, None));
        let lead = among(&fleet);
        let found = lead.standing_out().unwrap();
        assert_eq!((found.name.as_str(), found.count, found.compared), ("T19", 10, 20));
        assert!((found.expected - 29.0 / 20.0).abs() < 1e-12);
    }

    #[test]
    fn even_reports_leave_nobody_standing_out() {
        let fleet: Vec<Driver> = (0..10).map(|n| driver(&format!("T{n}"), 1 + n % 3, 100.0, None)).collect();
        assert!(matches!(among(&fleet), Lead::WithinChance(_)));
        assert!(matches!(among(&[]), Lead::Nothing));
    }

    #[test]
    fn a_section_is_compared_with_its_own_past() {
        let sections = [driver("32-41", 12, 500.0, Some((20, 6000.0))), driver("32-11", 2, 500.0, Some((25, 6000.0)))];
        let lead = against_before(&sections);
        let found = lead.standing_out().unwrap();
        assert_eq!(found.name, "32-41");
        assert!((found.expected - 20.0 / 12.0).abs() < 1e-12 && found.p < 1e-4);
    }

    #[test]
    fn without_a_past_there_is_nothing_to_compare() {
        assert!(matches!(against_before(&[driver("32-41", 12, 500.0, Some((0, 0.0)))]), Lead::Nothing));
    }
}
