//! One aircraft, simulated day by day from a random stream of its own. It draws everything but the serials that come
//! out of the pool, which a later pass fills in; it writes nothing.

mod check;
mod engine;
mod operation;
mod removal;
mod report;
mod schedule;
mod slot;

pub(crate) use slot::{Installation, ROGUE_MEAN_HOURS, Slot, Unit};

use self::check::Checks;
use self::engine::EngineHealth;
use self::report::Chronic;
use crate::calendar::{Day, Hours, Timestamp};
use crate::catalog::{Ata, MODIFICATIONS, PARTS};
use crate::network::{Network, Station};
use crate::random::{Purpose, Stream};
use crate::rows::{AircraftDay, Embodiment, Utilization};
use crate::world::World;

/// The state carried from one day to the next.
pub(crate) struct Aircraft {
    pub(crate) index: u32,
    stream: Stream,
    base: Station,
    at: Station,
    /// When the aircraft can leave again.
    ready_at: Timestamp,
    /// Flight hours and cycles since the first day.
    clock: Hours,
    cycles: i64,
    pub(crate) slots: Vec<Slot>,
    /// The earliest end of life among the slots, by the clock.
    next_due: Hours,
    engines: [EngineHealth; 2],
    checks: Checks,
    chronic: Option<Chronic>,
    pub(crate) embodiments: Vec<Embodiment>,
}

/// What one day has left open between flights.
#[derive(Default)]
struct Shift {
    /// A defect that holds the next departure, and for how many minutes.
    no_go: Option<(Ata, i64)>,
    /// The next leg is cancelled, for a technical cause or another.
    cancel_next: Option<Option<Ata>>,
    /// Slots whose unit fails soon enough to show today.
    failing: Vec<usize>,
    downtime_hours: f64,
    last_removal: Option<Timestamp>,
}

impl Aircraft {
    pub(crate) fn new(world: &World, index: u32) -> Self {
        let mut stream = Stream::new(world.options.seed, Purpose::Aircraft, u64::from(index), 0);
        let base = Network::base(index);
        let slots = slot::initial(world, index, &mut stream);
        let engines = std::array::from_fn(|_| EngineHealth::new(&mut stream));
        let checks = Checks::new(&mut stream);
        let embodiments = embodiments(world.first_day, &mut stream);
        let mut aircraft = Self {
            index,
            stream,
            base,
            at: base,
            ready_at: world.first_day.midnight(),
            clock: Hours(0),
            cycles: 0,
            slots,
            next_due: Hours(0),
            engines,
            checks,
            chronic: None,
            embodiments,
        };
        aircraft.refresh_next_due();
        aircraft
    }

    /// Simulates the flights scheduled on `day` and the maintenance after them.
    pub(crate) fn fly_day(&mut self, world: &World, day: Day) -> AircraftDay {
        let mut log = empty_day(self.index, day);
        if self.checks.grounded(day) {
            return log;
        }
        let mut shift = Shift { failing: self.failing_today(), ..Shift::default() };
        self.note_degradations(day, &shift, &mut log);
        let legs = schedule::plan(world, self.base, self.at, day, &mut self.stream);
        for index in 0..legs.len() {
            self.operate(world, &legs, index, &mut shift, &mut log);
        }
        self.overnight(world, day, &mut shift, &mut log);
        log.utilization = self.utilization(day, &log, &shift);
        log
    }

    fn utilization(&mut self, day: Day, log: &AircraftDay, shift: &Shift) -> Utilization {
        let flown = log.flights.iter().filter(|flight| flight.flown.is_some());
        let (cycles, hours) =
            flown.fold((0, Hours(0)), |(cycles, hours), flight| (cycles + 1, hours.plus(flight.flight_hours())));
        let apu_cycles = (0..cycles).filter(|_| self.stream.chance(0.7)).count() as i64;
        Utilization {
            aircraft: self.index,
            day,
            flight_hours: hours,
            flight_cycles: cycles,
            apu_hours: apu_cycles as f64 * self.stream.uniform(0.4, 0.8),
            apu_cycles,
            available_hours: (24.0 - shift.downtime_hours).clamp(0.0, 24.0),
        }
    }
}

/// A day on which the aircraft stays on the ground.
fn empty_day(aircraft: u32, day: Day) -> AircraftDay {
    AircraftDay {
        aircraft,
        day,
        flights: Vec::new(),
        utilization: Utilization {
            aircraft,
            day,
            flight_hours: Hours(0),
            flight_cycles: 0,
            apu_hours: 0.0,
            apu_cycles: 0,
            available_hours: 0.0,
        },
        work_orders: Vec::new(),
        readings: Vec::new(),
        events: Vec::new(),
        alerts: Vec::new(),
        configurations: Vec::new(),
        anomalies: Vec::new(),
        degradations: Vec::new(),
    }
}

fn embodiments(first_day: Day, stream: &mut Stream) -> Vec<Embodiment> {
    MODIFICATIONS
        .iter()
        .map(|modification| {
            if stream.chance(0.08) {
                Embodiment::NotApplicable
            } else if stream.chance(modification.embodied_share) {
                let ago = stream.integer(1, i64::from(modification.issued_days_before) - 30);
                Embodiment::Embodied(first_day.plus(-(ago as i32)))
            } else {
                Embodiment::Planned
            }
        })
        .collect()
}

/// Which engine, 1 or 2, the unit of a part serves.
fn engine_of(part: usize, unit: u8) -> u8 {
    let quantity = PARTS[part].quantity.max(1) as u8;
    (unit.saturating_sub(1)) * 2 / quantity + 1
}
