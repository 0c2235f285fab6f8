//! The units installed on an aircraft and when each will leave. The serial and the unit's history are filled in by the
//! pool; the rest is the aircraft's own.

use super::Aircraft;
use crate::calendar::{Hours, Timestamp};
use crate::catalog::{Life, PARTS};
use crate::network::MEAN_FLIGHT_MINUTES;
use crate::random::Stream;
use crate::rows::{Component, Position, Reason, Serial};
use crate::world::World;

/// Hours flown each day before the first day generated, to date installations.
const EARLIER_HOURS_PER_DAY: f64 = 11.0;

/// Expected hours to a rogue unit's next removal: about a week.
pub(crate) const ROGUE_MEAN_HOURS: f64 = 75.0;

/// Aircraft for each rogue unit at the start, but two at least.
const AIRCRAFT_PER_ROGUE: u32 = 40;

/// A place for one unit, and the unit in it.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) position: Position,
    /// The aircraft's counters when the unit was installed; negative if before the first day.
    pub(super) origin: Hours,
    pub(super) origin_cycles: i64,
    /// The clock at which the unit has to leave, and why, unless it is taken out before.
    pub(super) due: Hours,
    pub(super) cause: Cause,
    /// The clock by which the unit is taken out as planned.
    pub(super) planned: Option<(Hours, Reason)>,
    /// Its degradation has been recorded.
    pub(super) degrading: bool,
    pub(crate) unit: Unit,
    pub(crate) installed: Installation,
}

/// A unit with its totals when it was last installed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    pub(crate) serial: Serial,
    pub(crate) hours: Hours,
    pub(crate) cycles: i64,
    /// Leaves again and again soon after installation, and no shop finds out why.
    pub(crate) rogue: bool,
}

/// When the unit was installed, by the calendar and by the aircraft's counters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Installation {
    pub(crate) at: Timestamp,
    pub(crate) clock: Hours,
    pub(crate) cycles: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Failure,
    Nff,
}

/// The fate of one installation, in hours from it.
struct Draw {
    unscheduled: f64,
    cause: Cause,
    planned: Option<(f64, Reason)>,
}

impl Slot {
    pub(super) fn part(&self) -> usize {
        usize::from(self.position.part)
    }

    pub(super) fn remaining_hours(&self, clock: Hours) -> f64 {
        self.due.minus(clock).as_f64()
    }

    /// Starts the life of the unit that follows; its serial comes later.
    pub(super) fn renew(&mut self, clock: Hours, cycles: i64, life: &Life, stream: &mut Stream) {
        let drawn = Draw::new(life, stream);
        self.origin = clock;
        self.origin_cycles = cycles;
        self.due = clock.plus(Hours::from_f64(drawn.unscheduled));
        self.cause = drawn.cause;
        self.planned = drawn.planned_from(clock.as_f64());
        self.degrading = false;
    }

    /// The unit as a configuration lists it at the given counters.
    pub(crate) fn component(&self, clock: Hours, cycles: i64) -> Component {
        Component {
            position: self.position,
            serial: self.unit.serial,
            installed_at: self.installed.at,
            hours_at_install: self.unit.hours,
            cycles_at_install: self.unit.cycles,
            hours_since_install: clock.minus(self.installed.clock),
            cycles_since_install: cycles - self.installed.cycles,
        }
    }
}

impl Aircraft {
    /// A rogue unit leaves after `hours` at the latest, found without fault.
    pub(crate) fn hasten(&mut self, slot: usize, hours: f64) {
        let slot = &mut self.slots[slot];
        let due = slot.origin.plus(Hours::from_f64(hours));
        if due < slot.due {
            slot.due = due;
            slot.cause = Cause::Nff;
        }
        self.refresh_next_due();
    }

    pub(super) fn refresh_next_due(&mut self) {
        self.next_due = self.slots.iter().map(|slot| slot.due).min().unwrap_or(Hours(i64::MAX));
    }
}

/// Every slot of a new aircraft, its unit in the midst of its life.
pub(super) fn initial(world: &World, aircraft: u32, stream: &mut Stream) -> Vec<Slot> {
    let mut slots = Vec::new();
    for (part, (description, life)) in PARTS.iter().zip(&world.catalog.lives).enumerate() {
        for unit in 1..=description.quantity {
            let mut slot = aged(world, life, stream);
            slot.position = Position { part: part as u16, unit: unit as u8 };
            slot.unit.serial = Serial { part: part as u16, number: aircraft * description.quantity + unit };
            if unit == 1 && starts_with_rogue(world, aircraft, part) {
                slot.unit.rogue = true;
                slot.due = Hours::from_f64(stream.exponential(ROGUE_MEAN_HOURS)).min(slot.due);
                slot.cause = Cause::Nff;
            }
            slots.push(slot);
        }
    }
    slots
}

/// A unit whose renewals began long ago at a random moment: in service its age has the stationary law, so that
/// removals come at the expected rate from the first day on.
fn aged(world: &World, life: &Life, stream: &mut Stream) -> Slot {
    let mut start = -life.expected_hours * stream.uniform(5.0, 10.0);
    let mut drawn = Draw::new(life, stream);
    while start + drawn.end() <= 0.0 {
        start += drawn.end();
        drawn = Draw::new(life, stream);
    }
    let cycles_per_hour = 60.0 / MEAN_FLIGHT_MINUTES;
    let earlier_life = if stream.chance(0.4) { 0.0 } else { life.expected_hours * stream.uniform(0.1, 1.6) };
    let origin = Hours::from_f64(start);
    let origin_cycles = (start * cycles_per_hour).round() as i64;
    let placeholder = Serial { part: 0, number: 0 };
    Slot {
        position: Position { part: 0, unit: 0 },
        origin,
        origin_cycles,
        due: Hours::from_f64(start + drawn.unscheduled),
        cause: drawn.cause,
        planned: drawn.planned_from(start),
        degrading: false,
        unit: Unit {
            serial: placeholder,
            hours: Hours::from_f64(earlier_life),
            cycles: (earlier_life * cycles_per_hour).round() as i64,
            rogue: false,
        },
        installed: Installation {
            at: world.first_day.midnight().plus_hours(start / EARLIER_HOURS_PER_DAY * 24.0),
            clock: origin,
            cycles: origin_cycles,
        },
    }
}

/// The first rogues are spread over the fleet, the parts prone to them in turn.
fn starts_with_rogue(world: &World, aircraft: u32, part: usize) -> bool {
    let prone: Vec<usize> = (0..PARTS.len()).filter(|index| PARTS[*index].rogue).collect();
    let fleet = world.options.aircraft;
    let rogues = (fleet / AIRCRAFT_PER_ROGUE).max(2);
    (0..rogues).any(|rogue| {
        let home = (u64::from(rogue) * u64::from(fleet) / u64::from(rogues)) as u32;
        home == aircraft && prone[rogue as usize % prone.len()] == part
    })
}

impl Draw {
    /// Lets the competing causes draw their hours.
    fn new(life: &Life, stream: &mut Stream) -> Self {
        let failure = life.eta_hours * stream.exponential(1.0).powf(life.beta.recip());
        let nff = rated(life.nff_rate, stream).filter(|hours| *hours < failure);
        let hard_time = life.hard_time_hours.map(|hours| (hours, Reason::Scheduled));
        let convenience = rated(life.convenience_rate, stream)
            .filter(|hours| hard_time.is_none_or(|(limit, _)| *hours < limit))
            .map(|hours| (hours, Reason::Convenience));
        Self {
            unscheduled: nff.unwrap_or(failure),
            cause: if nff.is_some() { Cause::Nff } else { Cause::Failure },
            planned: convenience.or(hard_time),
        }
    }

    fn end(&self) -> f64 {
        self.planned.map_or(self.unscheduled, |(hours, _)| hours.min(self.unscheduled))
    }

    fn planned_from(&self, start: f64) -> Option<(Hours, Reason)> {
        self.planned.map(|(hours, reason)| (Hours::from_f64(start + hours), reason))
    }
}

/// Hours to an event of a constant rate; none if the rate is zero.
fn rated(rate: f64, stream: &mut Stream) -> Option<f64> {
    (rate > 1e-12).then(|| stream.exponential(rate.recip()))
}
