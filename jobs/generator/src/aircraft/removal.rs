//! Units leaving the aircraft: on the flight that ends their life, or overnight when the removal can be planned.

use super::slot::Cause;
use super::{Aircraft, Shift, engine_of};
use crate::calendar::{Day, Timestamp};
use crate::catalog::PARTS;
use crate::rows::{AircraftDay, Degradation, Detail, Event, Finding, FlightId, Flown, Reason, Removal, ReportKind};
use crate::world::World;

/// Planned removals are made the night before they would fall due.
const PLANNED_AHEAD_HOURS: f64 = 12.0;

/// Failures announce themselves by alerts this long before.
pub(super) const WARNING_HOURS: f64 = 30.0;

/// No day has more flight hours.
const LONGEST_DAY_HOURS: f64 = 20.0;

/// Which unit leaves, why and when.
struct Departure {
    slot: usize,
    reason: Reason,
    flight: Option<FlightId>,
    after: Timestamp,
}

impl Aircraft {
    /// The slots whose coming failure may show today, in engine parameters or alerts.
    pub(super) fn failing_today(&self) -> Vec<usize> {
        let shows = |index: &usize| {
            let slot = &self.slots[*index];
            let lead = PARTS[slot.part()].signature.map_or(WARNING_HOURS, |signature| signature.lead_hours);
            slot.cause == Cause::Failure
                && slot.remaining_hours(self.clock) < lead.max(WARNING_HOURS) + LONGEST_DAY_HOURS
        };
        (0..self.slots.len()).filter(shows).collect()
    }

    /// Records, once for each unit, that a degradation has begun to show.
    pub(super) fn note_degradations(&mut self, day: Day, shift: &Shift, log: &mut AircraftDay) {
        for &index in &shift.failing {
            let slot = &self.slots[index];
            let hours_to_failure = slot.remaining_hours(self.clock);
            let begun = PARTS[slot.part()].signature.is_some_and(|signature| hours_to_failure < signature.lead_hours);
            if !begun || slot.degrading {
                continue;
            }
            let engine = engine_of(slot.part(), slot.position.unit);
            log.degradations.push(Degradation {
                engine,
                engine_serial: self.engine_serial(engine),
                part: slot.position.part,
                serial: slot.unit.serial,
                onset: day.midnight(),
                hours_to_failure,
            });
            self.slots[index].degrading = true;
        }
    }

    /// Removes the units whose life ended on the flight just flown.
    pub(super) fn remove_due(
        &mut self,
        world: &World,
        flight: FlightId,
        flown: &Flown,
        shift: &mut Shift,
        log: &mut AircraftDay,
    ) {
        if self.next_due > self.clock {
            return;
        }
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            if slot.due <= self.clock {
                self.announce(index, flight, flown, shift, log);
                let departure =
                    Departure { slot: index, reason: Reason::Unscheduled, flight: Some(flight), after: flown.on_block };
                self.remove(world, &departure, shift, log);
            }
        }
        self.refresh_next_due();
    }

    /// Removes overnight the units due for a planned removal.
    pub(super) fn remove_planned(&mut self, world: &World, at: Timestamp, shift: &mut Shift, log: &mut AircraftDay) {
        for index in 0..self.slots.len() {
            let Some((due, reason)) = self.slots[index].planned else {
                continue;
            };
            if due.minus(self.clock).as_f64() <= PLANNED_AHEAD_HOURS {
                let departure = Departure { slot: index, reason, flight: None, after: at };
                self.remove(world, &departure, shift, log);
            }
        }
        self.refresh_next_due();
    }

    /// What the crew and the aircraft say about a unit that has to leave, and whether it holds the next departure.
    fn announce(&mut self, index: usize, flight: FlightId, flown: &Flown, shift: &mut Shift, log: &mut AircraftDay) {
        let part = self.slots[index].part();
        let failure = self.slots[index].cause == Cause::Failure;
        let noticed = flown.landing.plus_minutes(-6);
        if self.stream.chance(if failure { 0.7 } else { 0.55 }) {
            self.push_alert(part, failure, flight, noticed, log);
        }
        if self.stream.chance(0.75) {
            self.push_report(ReportKind::Pirep, PARTS[part].ata, Some(flight), noticed, log);
        }
        if self.stream.chance(0.3) {
            let minutes = self.stream.lognormal(50.0, 0.8).min(900.0) as i64;
            shift.no_go = Some((PARTS[part].ata, minutes));
        }
    }

    fn remove(&mut self, world: &World, departure: &Departure, shift: &mut Shift, log: &mut AircraftDay) {
        let index = departure.slot;
        // Minutes differ, so that no two configurations of one aircraft take effect at the same time.
        let earliest = departure.after.plus_minutes(self.stream.integer(8, 20));
        let occurred_at = shift.last_removal.map_or(earliest, |last| earliest.max(last.plus_minutes(1)));
        shift.last_removal = Some(occurred_at);
        let removal = self.removal(world, departure, occurred_at);
        shift.downtime_hours += removal.downtime_hours.min(8.0);
        let part = removal.part();
        let text = self.removal_text(part, removal.reason);
        log.events.push(Event {
            aircraft: self.index,
            day: log.day,
            number: log.events.len() as u32 + 1,
            flight: departure.flight,
            occurred_at,
            text,
            detail: Detail::Removal(Box::new(removal)),
        });
        let (clock, cycles) = (self.clock, self.cycles);
        self.slots[index].renew(clock, cycles, &world.catalog.lives[part], &mut self.stream);
        if part == world.catalog.engine {
            let engine = engine_of(part, self.slots[index].position.unit);
            self.renew_engine(engine);
        }
    }

    fn removal(&mut self, world: &World, departure: &Departure, occurred_at: Timestamp) -> Removal {
        let slot = &self.slots[departure.slot];
        let part = slot.part();
        let found = match (departure.reason, slot.cause) {
            (Reason::Unscheduled, Cause::Failure) => Some(Finding::Confirmed),
            (Reason::Unscheduled, Cause::Nff) => Some(Finding::Nff),
            _ => None,
        };
        let rogue = slot.unit.rogue;
        let shop_days = if rogue { self.stream.integer(3, 5) } else { self.stream.integer(5, 14) } as i32;
        let back = occurred_at.day().plus(shop_days);
        let finding = if back > world.last_day { found.map(|_| Finding::Pending) } else { found };
        let heavy = part == world.catalog.engine;
        let downtime_hours = self.stream.lognormal(if heavy { 26.0 } else { 2.2 }, 0.55);
        Removal {
            slot: departure.slot,
            position: slot.position,
            serial_off: slot.unit.serial,
            serial_on: slot.unit.serial,
            reason: departure.reason,
            finding,
            hours_since_install: self.clock.minus(slot.origin),
            cycles_since_install: self.cycles - slot.origin_cycles,
            clock: self.clock,
            cycles: self.cycles,
            shop_days,
            downtime_hours,
            labor_hours: downtime_hours * self.stream.uniform(1.0, 2.5),
        }
    }
}
