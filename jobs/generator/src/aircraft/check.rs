//! Scheduled maintenance: line checks at night, A checks every few weeks, C checks that ground the aircraft for days.

use super::{Aircraft, Shift};
use crate::calendar::{Day, Hours, Timestamp};
use crate::catalog::{Ata, SYSTEMS};
use crate::random::Stream;
use crate::rows::{AircraftDay, Check, ReportKind, WorkOrder};
use crate::world::World;

const A_CHECK_HOURS: f64 = 750.0;
const C_CHECK_HOURS: f64 = 7500.0;
const C_CHECK_DAYS: i32 = 4;
const LINE_CHECK_SHARE: f64 = 0.5;

const LABOR_USD_PER_HOUR: f64 = 92.0;

static DESCRIPTIONS: [&str; 5] = [
    "General visual inspection, left and right",
    "Functional check, \"BITE\" read out",
    "Lubrication and wear measurement",
    "Replace filter element, check 24\" duct for chafing",
    "Detailed inspection of attachments, record findings",
];

/// The counters at the last checks.
pub(super) struct Checks {
    last_a: Hours,
    last_c: Hours,
    /// First day on which the aircraft flies again.
    back_in_service: Option<Day>,
}

impl Checks {
    /// An aircraft somewhere between two checks.
    pub(super) fn new(stream: &mut Stream) -> Self {
        Self {
            last_a: Hours::from_f64(-stream.uniform(0.0, A_CHECK_HOURS)),
            last_c: Hours::from_f64(-stream.uniform(0.0, C_CHECK_HOURS)),
            back_in_service: None,
        }
    }

    pub(super) fn grounded(&self, day: Day) -> bool {
        self.back_in_service.is_some_and(|back| day < back)
    }

    /// The check due at the counter, heaviest first.
    fn due(&self, clock: Hours) -> Option<Check> {
        if clock.minus(self.last_c).as_f64() >= C_CHECK_HOURS {
            Some(Check::C)
        } else if clock.minus(self.last_a).as_f64() >= A_CHECK_HOURS {
            Some(Check::A)
        } else {
            None
        }
    }
}

impl Aircraft {
    /// Planned removals and checks after the day's last flight.
    pub(super) fn overnight(&mut self, world: &World, day: Day, shift: &mut Shift, log: &mut AircraftDay) {
        let started_at = self.ready_at.max(day.at_minute(20 * 60));
        self.remove_planned(world, started_at, shift, log);
        match self.checks.due(self.clock) {
            Some(Check::C) => {
                self.checks.last_c = self.clock;
                self.checks.last_a = self.clock;
                self.checks.back_in_service = Some(day.plus(C_CHECK_DAYS + 1));
                let days = f64::from(C_CHECK_DAYS) * 24.0;
                self.check(Check::C, 40, started_at, days, log);
            }
            Some(check) => {
                self.checks.last_a = self.clock;
                self.check(check, 11, started_at, 5.0, log);
                shift.downtime_hours += 4.0;
            }
            None if self.stream.chance(LINE_CHECK_SHARE) => {
                let hours = self.stream.uniform(0.7, 2.5);
                self.check(Check::Line, 1, started_at, hours, log);
                shift.downtime_hours += hours;
            }
            None => {}
        }
    }

    fn check(&mut self, check: Check, tasks: u32, started_at: Timestamp, hours: f64, log: &mut AircraftDay) {
        for number in 1..=tasks {
            let ata = SYSTEMS[self.stream.index(SYSTEMS.len())].ata;
            let findings = self.stream.poisson(if check == Check::Line { 0.15 } else { 0.4 });
            let completed_at = started_at.plus_hours(hours * self.stream.uniform(0.5, 1.0));
            let labor_hours = match check {
                Check::Line => hours * self.stream.uniform(0.8, 1.6),
                _ => self.stream.lognormal(3.0, 0.5),
            };
            let order = self.work_order(log.day, number, check, ata);
            let material_usd = self.stream.lognormal(180.0, 0.8);
            log.work_orders.push(WorkOrder {
                started_at,
                completed_at,
                labor_hours,
                findings,
                deferred: findings > 0 && self.stream.chance(0.12),
                cost_usd: labor_hours * LABOR_USD_PER_HOUR + material_usd,
                ..order
            });
            if findings > 0 && self.stream.chance(0.5) {
                self.push_report(ReportKind::Marep, ata, None, completed_at, log);
            }
        }
    }

    /// A work order whose course is still open.
    fn work_order(&mut self, day: Day, number: u32, check: Check, ata: Ata) -> WorkOrder {
        WorkOrder {
            aircraft: self.index,
            day,
            number,
            station: self.at,
            task_id: format!(
                "{:02}-{:02}-{:02}-{}",
                ata.chapter,
                ata.section.unwrap_or_default(),
                self.stream.integer(1, 20),
                check.name()
            ),
            check,
            ata,
            started_at: day.midnight(),
            completed_at: day.midnight(),
            labor_hours: 0.0,
            findings: 0,
            deferred: false,
            cost_usd: 0.0,
            description: (*self.stream.pick(&DESCRIPTIONS)).to_owned(),
        }
    }
}
