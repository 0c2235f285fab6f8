//! What crews, mechanics and the aircraft itself report. Texts are made from templates and name no one.

use super::removal::WARNING_HOURS;
use super::slot::Cause;
use super::{Aircraft, Shift};
use crate::calendar::{Day, Timestamp};
use crate::catalog::{Ata, PARTS, SYSTEMS};
use crate::rows::{AircraftDay, Alert, Detail, Event, FlightId, Flown, Reason, Report, ReportKind, Severity};
use crate::text::text_of;
use crate::world::World;

/// Reports and messages of one flight, beyond those that removals and delays cause.
const PIREP_SHARE: f64 = 0.026;
const MAREP_SHARE: f64 = 0.006;
const NUISANCE_ALERT_SHARE: f64 = 0.04;

/// Share of flights with an alert while a failure is near.
const PRECURSOR_SHARE: f64 = 0.07;

/// Share of days on which a defect that comes back begins, and of flights that report it.
const CHRONIC_START_SHARE: f64 = 0.004;
const CHRONIC_REPORT_SHARE: f64 = 0.06;

static PIREP_TEXTS: [&str; 6] = [
    "{} fault message in cruise, reset tried, came back",
    "Crew reports \"{} FAULT\" on the display, no effect on flight",
    "{} inoperative during climb, checklist done",
    "{} indication unsteady, checked on ground, please inspect",
    "Message \"{} DEGRADED\", cleared by itself after descent",
    "{} noisy, smell in cabin, no smoke",
];

static MAREP_TEXTS: [&str; 4] = [
    "{} found leaking within limits, cleaned, to be monitored",
    "Wiring of {} chafed, repaired and protected",
    "Connector of {} found loose, tightened, test good",
    "{} panel: 2 fasteners missing, \"oversize\" ones fitted",
];

/// A defect that repairs do not cure for some days.
pub(super) struct Chronic {
    ata: Ata,
    until: Day,
}

impl Aircraft {
    /// Logs what is reported about an ordinary flight.
    pub(super) fn report(&mut self, world: &World, flight: FlightId, flown: &Flown, log: &mut AircraftDay) {
        let minutes = flown.landing.minutes_since(flown.takeoff);
        let within = flown.takeoff.plus_minutes(self.stream.integer(2, minutes - 1));
        if self.stream.chance(PIREP_SHARE) {
            let ata = self.troubled_system(world);
            self.push_report(ReportKind::Pirep, ata, Some(flight), within, log);
        }
        if let Some(ata) = self.chronic_defect(world, log.day) {
            self.push_report(ReportKind::Pirep, ata, Some(flight), within, log);
        }
        if self.stream.chance(MAREP_SHARE) {
            let ata = self.troubled_system(world);
            let found = flown.on_block.plus_minutes(10);
            self.push_report(ReportKind::Marep, ata, Some(flight), found, log);
        }
        if self.stream.chance(NUISANCE_ALERT_SHARE) {
            let part = self.stream.weighted(&world.catalog.trouble);
            self.push_alert(part, false, flight, within, log);
        }
    }

    /// Logs the alerts by which coming failures announce themselves on a flight.
    pub(super) fn warn(&mut self, flight: FlightId, flown: &Flown, shift: &Shift, log: &mut AircraftDay) {
        for &index in &shift.failing {
            let slot = &self.slots[index];
            let remaining = slot.remaining_hours(self.clock);
            let near = slot.cause == Cause::Failure && (0.0..WARNING_HOURS).contains(&remaining);
            if near && self.stream.chance(PRECURSOR_SHARE) {
                let part = slot.part();
                self.push_alert(part, true, flight, flown.takeoff.plus_minutes(7), log);
            }
        }
    }

    /// The section of the lasting defect, if there is one and this flight reports it.
    fn chronic_defect(&mut self, world: &World, day: Day) -> Option<Ata> {
        if self.chronic.as_ref().is_some_and(|defect| defect.until < day) {
            self.chronic = None;
        }
        let start = CHRONIC_START_SHARE / world.options.flights_per_day.max(1.0);
        if self.chronic.is_none() && self.stream.chance(start) {
            let part = self.stream.weighted(&world.catalog.trouble);
            self.chronic = Some(Chronic { ata: PARTS[part].ata, until: day.plus(self.stream.integer(8, 20) as i32) });
        }
        let ata = self.chronic.as_ref()?.ata;
        self.stream.chance(CHRONIC_REPORT_SHARE).then_some(ata)
    }

    pub(super) fn push_report(
        &mut self,
        kind: ReportKind,
        ata: Ata,
        flight: Option<FlightId>,
        occurred_at: Timestamp,
        log: &mut AircraftDay,
    ) {
        let subject = subject(ata);
        let template = match kind {
            ReportKind::Pirep => *self.stream.pick(&PIREP_TEXTS),
            ReportKind::Marep => *self.stream.pick(&MAREP_TEXTS),
            ReportKind::Ifsd => "{} shut down in flight, landed with one engine",
        };
        let deferred = kind != ReportKind::Ifsd && self.stream.chance(0.18);
        let labor_hours = self.stream.chance(0.7).then(|| self.stream.lognormal(0.9, 0.6));
        let item = self.stream.integer(1, 9);
        log.events.push(Event {
            aircraft: self.index,
            day: log.day,
            number: log.events.len() as u32 + 1,
            flight,
            occurred_at,
            text: template.replace("{}", subject),
            detail: Detail::Report(Report {
                kind,
                ata,
                labor_hours,
                deferred,
                mel_item: deferred.then(|| format!("{}-{item:02}", text_of(&ata))),
            }),
        });
    }

    pub(super) fn push_alert(
        &mut self,
        part: usize,
        failure: bool,
        flight: FlightId,
        raised_at: Timestamp,
        log: &mut AircraftDay,
    ) {
        let part = &PARTS[part];
        let section = part.ata.section.unwrap_or_default();
        let (severity, code) = match self.stream.unit() {
            draw if draw < 0.06 => (Severity::Warning, 1),
            draw if draw < 0.5 => (Severity::Caution, 2),
            _ => (Severity::Advisory, 3),
        };
        let cleared = !failure || self.stream.chance(0.4);
        let minutes = self.stream.integer(1, 45);
        log.alerts.push(Alert {
            aircraft: self.index,
            day: log.day,
            number: log.alerts.len() as u32 + 1,
            flight,
            raised_at,
            cleared_at: cleared.then(|| raised_at.plus_minutes(minutes)),
            ata: part.ata,
            severity,
            code: format!("{:02}{section:02}-{code:02}", part.ata.chapter),
            message: format!("{} {} FAULT", part.code, part.description.to_uppercase()),
            failure,
        });
    }

    pub(super) fn removal_text(&mut self, part: usize, reason: Reason) -> String {
        let name = PARTS[part].description;
        match reason {
            Reason::Scheduled => format!("{name} removed at its time limit, replaced"),
            Reason::Convenience => format!("{name} removed for convenience, access open"),
            Reason::Unscheduled => {
                let test = *self.stream.pick(&["test good", "functional test done", "leak check good"]);
                format!("{name} replaced after \"{} FAULT\", {test}", PARTS[part].code)
            }
        }
    }
}

/// The title of a section, or of its chapter.
fn subject(ata: Ata) -> &'static str {
    SYSTEMS.iter().find(|system| system.ata == ata).map_or("System", |system| system.title)
}
