//! One leg as it turns out: flown, late, cancelled, diverted or back where it began. A diverted aircraft is taken on
//! to its destination before the next leg, so that rotations always hold.

use super::schedule::Leg;
use super::{Aircraft, Shift};
use crate::calendar::Timestamp;
use crate::catalog::{Ata, PARTS};
use crate::rows::{AircraftDay, Disruption, Flight, FlightId, Flown, ReportKind};
use crate::world::World;

/// Minutes between arrival and the earliest next departure.
const MINIMUM_TURNAROUND_MINUTES: i64 = 24;

/// Delays below this have no code.
const CODED_DELAY_MINUTES: i64 = 4;

const REACTIONARY_CODE: &str = "93";

/// Technical causes (IATA AHM 730, codes 41-48), and how often.
static TECHNICAL_CODES: [&str; 8] = ["41", "42", "43", "44", "45", "46", "47", "48"];
static TECHNICAL_WEIGHTS: [f64; 8] = [60.0, 9.0, 5.0, 8.0, 2.0, 11.0, 2.0, 3.0];

/// Other causes: passengers, cargo, handling, crew, weather, traffic control, airport.
static OTHER_CODES: [&str; 12] = ["11", "15", "18", "32", "34", "36", "61", "67", "71", "81", "85", "89"];
static OTHER_WEIGHTS: [f64; 12] = [4.0, 12.0, 5.0, 9.0, 4.0, 7.0, 5.0, 9.0, 8.0, 26.0, 5.0, 10.0];

/// A delay that begins with this flight.
struct Primary {
    minutes: i64,
    code: &'static str,
    ata: Option<Ata>,
}

impl Aircraft {
    /// Operates `legs[index]` and logs everything that comes of it.
    pub(super) fn operate(
        &mut self,
        world: &World,
        legs: &[Leg],
        index: usize,
        shift: &mut Shift,
        log: &mut AircraftDay,
    ) {
        let leg = &legs[index];
        let id = FlightId { aircraft: self.index, day: log.day, sequence: index as u8 + 1 };
        // Only an outbound leg with its return is ever given up: the aircraft is then where the plan has it.
        let pair = leg.outbound && index + 1 < legs.len();
        self.at = leg.destination;
        if let Some(cause) = self.cancellation(world, pair, shift) {
            log.flights.push(cancelled(id, leg, cause));
            return;
        }
        let flight = self.fly(world, id, leg, pair, shift, log);
        let Some(flown) = flight.flown else {
            return;
        };
        self.clock = self.clock.plus(flight.flight_hours());
        self.cycles += 1;
        self.ready_at = flown.on_block.plus_minutes(MINIMUM_TURNAROUND_MINUTES);
        self.record_engines(leg, id, &flown, shift, log);
        self.report(world, id, &flown, log);
        self.warn(id, &flown, shift, log);
        self.remove_due(world, id, &flown, shift, log);
        log.flights.push(flight);
    }

    /// Whether the leg is cancelled, and for which chapter if the cause is technical.
    fn cancellation(&mut self, world: &World, pair: bool, shift: &mut Shift) -> Option<Option<Ata>> {
        if let Some(cause) = shift.cancel_next.take() {
            return Some(cause);
        }
        if !pair {
            return None;
        }
        let long_repair = shift.no_go.filter(|(_, minutes)| *minutes > 150);
        let cause = match long_repair {
            Some((ata, _)) if self.stream.chance(0.6) => {
                shift.no_go = None;
                Some(ata)
            }
            _ if self.stream.chance(0.0014) => Some(self.troubled_system(world)),
            _ if self.stream.chance(0.003) => None,
            _ => return None,
        };
        shift.cancel_next = Some(cause);
        Some(cause)
    }

    fn fly(
        &mut self,
        world: &World,
        id: FlightId,
        leg: &Leg,
        pair: bool,
        shift: &mut Shift,
        log: &mut AircraftDay,
    ) -> Flight {
        let knock_on = self.ready_at.minutes_since(leg.departure).max(0);
        let primary = self.primary_delay(world, shift);
        let own = primary.as_ref().map_or(0, |delay| delay.minutes);
        let delay_minutes = knock_on + own;
        let cause = primary.filter(|delay| delay.minutes >= knock_on);
        let coded = delay_minutes >= CODED_DELAY_MINUTES;
        let delay_code = coded.then(|| cause.as_ref().map_or(REACTIONARY_CODE, |delay| delay.code));
        let delay_ata = cause.filter(|_| coded).and_then(|delay| delay.ata);
        let off_block = leg.departure.plus_minutes(delay_minutes);
        if let Some(ata) = delay_ata.filter(|_| self.stream.chance(0.7)) {
            self.push_report(ReportKind::Pirep, ata, Some(id), off_block, log);
        }
        let disruption = self.disruption(world, id, pair, off_block, shift, log);
        let flown = self.times(leg, off_block, disruption);
        Flight {
            id,
            number: leg.number,
            origin: leg.origin,
            destination: leg.destination,
            scheduled_departure: leg.departure,
            scheduled_arrival: leg.arrival,
            fuel_burn_kg: 380.0 + flown.flight_hours().as_f64() * self.stream.normal(2350.0, 90.0),
            fuel_burn_misreported_kg: self.stream.uniform(-400.0, 400.0),
            payload_kg: self.stream.normal(14_800.0, 1900.0).clamp(4000.0, 19_500.0),
            flown: Some(flown),
            delay_minutes,
            delay_code,
            delay_ata,
            disruption,
        }
    }

    fn primary_delay(&mut self, world: &World, shift: &mut Shift) -> Option<Primary> {
        let held = shift.no_go.take();
        if held.is_some() || self.stream.chance(0.011) {
            let code = TECHNICAL_CODES[self.stream.weighted(&TECHNICAL_WEIGHTS)];
            let (ata, minutes) = held.unwrap_or_else(|| {
                let minutes = self.stream.lognormal(26.0, 0.8).min(600.0) as i64;
                (self.troubled_system(world), minutes)
            });
            let known = self.stream.chance(0.95);
            return Some(Primary { minutes, code, ata: known.then_some(ata) });
        }
        self.stream.chance(0.13).then(|| Primary {
            minutes: self.stream.lognormal(10.0, 0.9).min(300.0) as i64,
            code: OTHER_CODES[self.stream.weighted(&OTHER_WEIGHTS)],
            ata: None,
        })
    }

    fn disruption(
        &mut self,
        world: &World,
        id: FlightId,
        pair: bool,
        off_block: Timestamp,
        shift: &mut Shift,
        log: &mut AircraftDay,
    ) -> Disruption {
        if pair && self.stream.chance(0.0004) {
            let shutdown = self.stream.chance(0.15);
            let (kind, ata) = if shutdown {
                (ReportKind::Ifsd, PARTS[world.catalog.engine].ata)
            } else {
                (ReportKind::Pirep, self.troubled_system(world))
            };
            self.push_report(kind, ata, Some(id), off_block.plus_minutes(25), log);
            shift.cancel_next = Some(Some(ata));
            return Disruption::AirTurnback;
        }
        if self.stream.chance(0.0012) {
            return Disruption::Diverted;
        }
        Disruption::None
    }

    fn times(&mut self, leg: &Leg, off_block: Timestamp, disruption: Disruption) -> Flown {
        let planned = leg.flight_minutes * self.stream.normal(1.0, 0.03);
        let (flight, arrival_taxi) = match disruption {
            Disruption::AirTurnback => (self.stream.uniform(20.0, 45.0), 6),
            Disruption::Diverted => (planned + self.stream.uniform(5.0, 35.0), 60),
            _ => (planned, self.stream.integer(3, 8)),
        };
        let takeoff = off_block.plus_minutes(self.stream.integer(8, 15));
        let landing = takeoff.plus_minutes(flight.round().max(10.0) as i64);
        Flown { off_block, takeoff, landing, on_block: landing.plus_minutes(arrival_taxi) }
    }

    /// A system with a defect, in proportion to how often its parts are removed.
    pub(super) fn troubled_system(&mut self, world: &World) -> Ata {
        let ata = PARTS[self.stream.weighted(&world.catalog.trouble)].ata;
        if self.stream.chance(0.2) { ata.without_section() } else { ata }
    }
}

fn cancelled(id: FlightId, leg: &Leg, cause: Option<Ata>) -> Flight {
    Flight {
        id,
        number: leg.number,
        origin: leg.origin,
        destination: leg.destination,
        scheduled_departure: leg.departure,
        scheduled_arrival: leg.arrival,
        flown: None,
        delay_minutes: 0,
        delay_code: None,
        delay_ata: None,
        disruption: Disruption::Cancelled(cause),
        fuel_burn_kg: 0.0,
        fuel_burn_misreported_kg: 0.0,
        payload_kg: 0.0,
    }
}
