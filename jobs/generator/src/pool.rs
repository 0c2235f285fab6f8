//! The rotable pool that the fleet shares: it takes removed units in, gives serviceable ones out, and so settles which
//! serial is where. It runs between the parallel passes, aircraft by aircraft, so that its answers never depend on
//! threads.

use crate::aircraft::{Aircraft, Installation, ROGUE_MEAN_HOURS, Unit};
use crate::calendar::{Day, Hours};
use crate::catalog::PARTS;
use crate::random::{Purpose, Stream};
use crate::rows::{AircraftDay, Configuration, Detail, Event, Removal, Serial};
use crate::world::World;

pub(crate) struct Pool {
    stream: Stream,
    /// One for each of `PARTS`.
    shelves: Vec<Shelf>,
    engine: usize,
}

/// The units of one part that are not on any aircraft.
struct Shelf {
    /// The next serial to be bought.
    next_number: u32,
    /// Units with the day on which each leaves the shop, in that order.
    units: Vec<(Day, Unit)>,
}

impl Pool {
    pub(crate) fn new(world: &World) -> Self {
        let shelves = PARTS
            .iter()
            .map(|part| Shelf { next_number: world.options.aircraft * part.quantity + 1, units: Vec::new() })
            .collect();
        Self { stream: Stream::new(world.options.seed, Purpose::Pool, 0, 0), shelves, engine: world.catalog.engine }
    }

    /// Gives every removal of the day its serials and writes the configurations that follow.
    pub(crate) fn settle(&mut self, aircraft: &mut Aircraft, log: &mut AircraftDay, first: bool) {
        if first {
            let effective_from = log.day.midnight();
            let components = aircraft.slots.iter().map(|slot| slot.component(Hours(0), 0)).collect();
            log.configurations.push(Configuration {
                aircraft: log.aircraft,
                effective_from,
                components,
                embodiments: aircraft.embodiments.clone(),
            });
        }
        let mut events = std::mem::take(&mut log.events);
        for event in &mut events {
            self.settle_event(aircraft, event, log);
        }
        log.events = events;
    }

    fn settle_event(&mut self, aircraft: &mut Aircraft, event: &mut Event, log: &mut AircraftDay) {
        let occurred_at = event.occurred_at;
        let Detail::Removal(removal) = &mut event.detail else {
            return;
        };
        let slot = &mut aircraft.slots[removal.slot];
        removal.serial_off = slot.unit.serial;
        let off = Unit {
            hours: slot.unit.hours.plus(removal.hours_since_install),
            cycles: slot.unit.cycles + removal.cycles_since_install,
            ..slot.unit
        };
        let on = self.exchange(removal, off, log.day);
        removal.serial_on = on.serial;
        slot.unit = on;
        slot.installed = Installation { at: occurred_at, clock: removal.clock, cycles: removal.cycles };
        if removal.part() == self.engine {
            let sequence = event.flight.map_or(u8::MAX, |flight| flight.sequence);
            for reading in &mut log.readings {
                if reading.engine == removal.position.unit && reading.flight.sequence > sequence {
                    reading.engine_serial = on.serial;
                }
            }
        }
        if on.rogue {
            aircraft.hasten(removal.slot, self.stream.exponential(ROGUE_MEAN_HOURS));
        }
        log.configurations.push(Configuration {
            aircraft: log.aircraft,
            effective_from: occurred_at,
            components: aircraft.slots.iter().map(|slot| slot.component(removal.clock, removal.cycles)).collect(),
            embodiments: aircraft.embodiments.clone(),
        });
    }

    /// Sends a removed unit to the shop and hands out the one that came back last, or a new one.
    fn exchange(&mut self, removal: &Removal, off: Unit, today: Day) -> Unit {
        let part = removal.part();
        let shelf = &mut self.shelves[part];
        let ready = shelf.units.iter().rposition(|(back, _)| *back <= today);
        let on = match ready {
            Some(index) => shelf.units.remove(index).1,
            None => {
                let number = shelf.next_number;
                shelf.next_number += 1;
                Unit { serial: Serial { part: part as u16, number }, hours: Hours(0), cycles: 0, rogue: false }
            }
        };
        if PARTS[part].repairable {
            let back = today.plus(removal.shop_days);
            let place = shelf.units.partition_point(|(other, _)| *other <= back);
            shelf.units.insert(place, (back, off));
        }
        on
    }
}
