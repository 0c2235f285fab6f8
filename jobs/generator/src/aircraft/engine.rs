//! The two engines: what their parameters read in each phase, how they wear, and how failing units show in them.

use super::schedule::Leg;
use super::slot::Cause;
use super::{Aircraft, Shift, engine_of};
use crate::catalog::{PARTS, Signature};
use crate::random::Stream;
use crate::rows::{AircraftDay, Anomaly, FlightId, Flown, PARAMETERS, Parameter, Phase, Reading, Serial};

/// Share of flights on which one parameter of one engine is disturbed.
const ANOMALY_SHARE: f64 = 0.003;

static ANOMALY_KINDS: [&str; 3] = ["spike", "drop", "erratic"];

/// What distinguishes one engine from another.
pub(super) struct EngineHealth {
    /// Exhaust gas temperature margin when new, on the reference day.
    new_margin_c: f64,
    wear_c_per_cycle: f64,
    /// In standard deviations of each parameter's noise.
    offsets: [f64; PARAMETERS.len()],
    vibration_ips: f64,
}

struct Conditions {
    phase: Phase,
    altitude_ft: f64,
    mach: f64,
    tat_c: f64,
    minutes_after_takeoff: i64,
}

/// Shifts of all failing units of one engine together.
#[derive(Default)]
struct Shifts {
    n2_pct: f64,
    egt_c: f64,
    fuel_flow_share: f64,
    oil_pressure_psi: f64,
    oil_temp_c: f64,
    vibration_ips: f64,
}

impl EngineHealth {
    pub(super) fn new(stream: &mut Stream) -> Self {
        Self {
            new_margin_c: stream.normal(88.0, 6.0),
            wear_c_per_cycle: stream.normal(0.004, 0.0007).max(0.001),
            offsets: std::array::from_fn(|_| stream.normal(0.0, 0.8)),
            vibration_ips: stream.uniform(0.35, 0.8),
        }
    }

    /// Readings without noise: one for each of `PARAMETERS`.
    fn expected(&self, conditions: &Conditions, cycles: i64, shifts: &Shifts) -> [f64; 8] {
        let tat = conditions.tat_c;
        let margin = self.new_margin_c - self.wear_c_per_cycle * cycles as f64 - shifts.egt_c;
        let (n1, n2, egt, flow, oil_pressure, oil_temp) = match conditions.phase {
            Phase::Takeoff => (
                91.0 + 0.10 * (tat - 15.0),
                95.6 + 0.06 * (tat - 15.0),
                945.0 - margin - 2.2 * (38.0 - tat),
                3880.0 - 9.0 * (tat - 15.0),
                53.0,
                86.0 + 0.25 * tat,
            ),
            Phase::Climb => (
                88.2 + 0.07 * tat,
                93.4 + 0.05 * tat,
                862.0 - margin + 1.5 * tat,
                2640.0 - 6.0 * tat,
                50.5,
                95.0 + 0.15 * tat,
            ),
            Phase::Cruise => (
                84.1 + 0.08 * (tat + 24.0),
                90.2 + 0.05 * (tat + 24.0),
                735.0 - 0.8 * margin + 1.3 * (tat + 24.0),
                1265.0 - 3.0 * (tat + 24.0),
                47.5,
                92.0 + 0.1 * (tat + 24.0),
            ),
        };
        [
            n1,
            n2 + shifts.n2_pct,
            egt,
            margin,
            flow * (1.0 + shifts.fuel_flow_share),
            oil_pressure + shifts.oil_pressure_psi,
            oil_temp + shifts.oil_temp_c,
            self.vibration_ips + shifts.vibration_ips,
        ]
    }
}

impl Shifts {
    fn add(&mut self, signature: &Signature, remaining_hours: f64) {
        let gone = (1.0 - remaining_hours / signature.lead_hours).clamp(0.0, 1.0);
        let share = gone * gone;
        self.n2_pct += share * signature.n2_pct;
        self.egt_c += share * signature.egt_c;
        self.fuel_flow_share += share * signature.fuel_flow_share;
        self.oil_pressure_psi += share * signature.oil_pressure_psi;
        self.oil_temp_c += share * signature.oil_temp_c;
        self.vibration_ips += share * signature.vibration_ips;
    }
}

impl Aircraft {
    /// Logs the readings of both engines, and now and then an anomaly in one of them.
    pub(super) fn record_engines(
        &mut self,
        leg: &Leg,
        flight: FlightId,
        flown: &Flown,
        shift: &Shift,
        log: &mut AircraftDay,
    ) {
        let conditions = conditions(leg, flown, &mut self.stream);
        let anomaly = self.anomaly(flight);
        for engine in [1, 2] {
            let shifts = self.shifts(engine, shift);
            let (serial, cycles) = self.engine_age(engine);
            for conditions in &conditions {
                let health = &self.engines[usize::from(engine) - 1];
                let mut values = health.expected(conditions, cycles, &shifts);
                for (index, parameter) in PARAMETERS.iter().enumerate() {
                    let draw = health.offsets[index] + self.stream.standard_normal();
                    values[index] += draw * parameter.noise();
                }
                if let Some(anomaly) = anomaly.as_ref().filter(|found| found.engine == engine) {
                    disturb(&mut values, anomaly, conditions.phase);
                }
                let vibration = &mut values[Parameter::Vibration as usize];
                *vibration = vibration.max(0.02);
                log.readings.push(Reading {
                    flight,
                    engine,
                    phase: conditions.phase,
                    recorded_at: flown.takeoff.plus_minutes(conditions.minutes_after_takeoff),
                    engine_serial: serial,
                    values,
                    altitude_ft: conditions.altitude_ft,
                    mach: conditions.mach,
                    tat_c: conditions.tat_c,
                });
            }
        }
        log.anomalies.extend(anomaly);
    }

    pub(super) fn renew_engine(&mut self, engine: u8) {
        self.engines[usize::from(engine) - 1] = EngineHealth::new(&mut self.stream);
    }

    pub(super) fn engine_serial(&self, engine: u8) -> Serial {
        self.engine_age(engine).0
    }

    /// The serial as the pool last knew it, and the cycles since installation.
    fn engine_age(&self, engine: u8) -> (Serial, i64) {
        let slot = self
            .slots
            .iter()
            .find(|slot| PARTS[slot.part()].code == crate::catalog::ENGINE_CODE && slot.position.unit == engine);
        slot.map_or((Serial { part: 0, number: 0 }, 0), |slot| (slot.unit.serial, self.cycles - slot.origin_cycles))
    }

    fn shifts(&self, engine: u8, shift: &Shift) -> Shifts {
        let mut shifts = Shifts::default();
        for slot in shift.failing.iter().map(|index| &self.slots[*index]) {
            let signature = PARTS[slot.part()].signature;
            let here = engine_of(slot.part(), slot.position.unit) == engine;
            if let (Some(signature), true, Cause::Failure) = (signature, here, slot.cause) {
                shifts.add(&signature, slot.remaining_hours(self.clock));
            }
        }
        shifts
    }

    fn anomaly(&mut self, flight: FlightId) -> Option<Anomaly> {
        self.stream.chance(ANOMALY_SHARE).then(|| Anomaly {
            flight,
            engine: self.stream.integer(1, 2) as u8,
            parameter: *self.stream.pick(&PARAMETERS),
            kind: self.stream.pick::<&str>(&ANOMALY_KINDS),
            magnitude: self.stream.uniform(7.0, 12.0),
        })
    }
}

fn disturb(values: &mut [f64; 8], anomaly: &Anomaly, phase: Phase) {
    let sign = match (anomaly.kind, phase) {
        ("drop", _) | ("erratic", Phase::Climb) => -1.0,
        _ => 1.0,
    };
    values[anomaly.parameter as usize] += sign * anomaly.magnitude * anomaly.parameter.noise();
}

fn conditions(leg: &Leg, flown: &Flown, stream: &mut Stream) -> [Conditions; 3] {
    let outside = outside_temperature_c(leg, flown, stream);
    let minutes = flown.landing.minutes_since(flown.takeoff);
    let cruise_level = *stream.pick(&[31_000.0, 33_000.0, 35_000.0, 37_000.0]);
    [
        Conditions {
            phase: Phase::Takeoff,
            altitude_ft: stream.normal(1500.0, 120.0),
            mach: stream.normal(0.245, 0.008),
            tat_c: outside + 3.0,
            minutes_after_takeoff: 1,
        },
        Conditions {
            phase: Phase::Climb,
            altitude_ft: stream.normal(18_000.0, 900.0),
            mach: stream.normal(0.63, 0.015),
            tat_c: outside - 17.0 + stream.normal(0.0, 1.5),
            minutes_after_takeoff: 8.min(minutes),
        },
        Conditions {
            phase: Phase::Cruise,
            altitude_ft: cruise_level + stream.normal(0.0, 25.0),
            mach: stream.normal(0.775, 0.006),
            tat_c: -24.0 - (cruise_level - 34_000.0) / 1000.0 + 0.15 * (outside - 11.0) + stream.normal(0.0, 2.0),
            minutes_after_takeoff: minutes * 11 / 20,
        },
    ]
}

/// Air temperature at the origin: by latitude, season and time of day.
fn outside_temperature_c(leg: &Leg, flown: &Flown, stream: &mut Stream) -> f64 {
    let (_, month, day) = flown.takeoff.day().civil();
    let year_share = (month as f64 - 1.0) / 12.0 + day as f64 / 365.0;
    // Warmest in late July, and at 15:00.
    let season = (std::f64::consts::TAU * (year_share - 0.56)).cos();
    let hour = (std::f64::consts::TAU * (flown.takeoff.hour_of_day() - 15.0) / 24.0).cos();
    let mean = 11.0 - 0.5 * (leg.origin.latitude() - 50.0);
    mean + 7.5 * season + 3.5 * hour + stream.normal(0.0, 2.5)
}
