//! The answers behind the made-up fleet, for checks only: jobs never read them.

use crate::Error;
use crate::aircraft::Aircraft;
use crate::catalog::PARTS;
use crate::delivery::DamagedRow;
use crate::output::{Growing, Output};
use crate::rows::{AircraftDay, Anomaly, Degradation, Tail};
use crate::text::{CsvLine, Fixed};
use crate::world::World;

/// The files that grow day by day.
pub(crate) struct Truth {
    anomalies: Growing,
    degrading_engines: Growing,
    damaged_rows: Growing,
}

impl Truth {
    /// Writes what is known beforehand and opens the rest.
    pub(crate) fn open(world: &World, fleet: &[Aircraft], output: &Output) -> Result<Self, Error> {
        output.put("truth/parts.csv", &parts(world))?;
        output.put("truth/rogue_units.csv", &rogue_units(fleet))?;
        let mut truth = Self {
            anomalies: output.grow("truth/anomalies.csv")?,
            degrading_engines: output.grow("truth/degrading_engines.csv")?,
            damaged_rows: output.grow("truth/damaged_rows.csv")?,
        };
        truth.anomalies.append(b"flight_id,parameter,kind,tail,engine_position,magnitude_sigma\n")?;
        truth
            .degrading_engines
            .append(b"tail,engine_position,engine_serial,part_number,serial,onset_at,hours_to_failure\n")?;
        truth.damaged_rows.append(b"file,line,column,damage\n")?;
        Ok(truth)
    }

    pub(crate) fn record_day(&mut self, log: &AircraftDay) -> Result<(), Error> {
        let mut lines = Vec::new();
        for anomaly in &log.anomalies {
            push_anomaly(anomaly, &mut lines);
        }
        self.anomalies.append(&lines)?;
        lines.clear();
        for degradation in &log.degradations {
            push_degradation(log.aircraft, degradation, &mut lines);
        }
        self.degrading_engines.append(&lines)
    }

    pub(crate) fn record_damage(&mut self, rows: &[DamagedRow]) -> Result<(), Error> {
        let mut lines = Vec::new();
        for row in rows {
            CsvLine::new(&mut lines)
                .value(&row.file)
                .value(&(row.line as i64))
                .value(&row.damage.column)
                .value(&row.damage.kind)
                .finish();
        }
        self.damaged_rows.append(&lines)
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        self.anomalies.finish()?;
        self.degrading_engines.finish()?;
        self.damaged_rows.finish()
    }
}

fn parts(world: &World) -> Vec<u8> {
    let mut out =
        b"part_number,distribution,eta_hours,beta,gamma_hours,nff_probability,expected_mtbur_hours\n".to_vec();
    for (part, life) in PARTS.iter().zip(&world.catalog.lives) {
        CsvLine::new(&mut out)
            .value(&part.part_number)
            .value(&"weibull2")
            .value(&Fixed(life.eta_hours, 1))
            .value(&Fixed(life.beta, 3))
            .value(&Fixed(0.0, 1))
            .value(&Fixed(part.nff_probability, 3))
            .value(&Fixed(life.expected_mtbur_hours, 2))
            .finish();
    }
    out
}

fn rogue_units(fleet: &[Aircraft]) -> Vec<u8> {
    let mut out = b"part_number,serial\n".to_vec();
    let slots = fleet.iter().flat_map(|aircraft| &aircraft.slots);
    for slot in slots.filter(|slot| slot.unit.rogue) {
        CsvLine::new(&mut out)
            .value(&PARTS[usize::from(slot.position.part)].part_number)
            .value(&slot.unit.serial)
            .finish();
    }
    out
}

fn push_anomaly(anomaly: &Anomaly, out: &mut Vec<u8>) {
    CsvLine::new(out)
        .value(&anomaly.flight)
        .value(&anomaly.parameter.name())
        .value(&anomaly.kind)
        .value(&Tail(anomaly.flight.aircraft))
        .value(&i64::from(anomaly.engine))
        .value(&Fixed(anomaly.magnitude, 2))
        .finish();
}

fn push_degradation(aircraft: u32, degradation: &Degradation, out: &mut Vec<u8>) {
    CsvLine::new(out)
        .value(&Tail(aircraft))
        .value(&i64::from(degradation.engine))
        .value(&degradation.engine_serial)
        .value(&PARTS[usize::from(degradation.part)].part_number)
        .value(&degradation.serial)
        .value(&degradation.onset)
        .value(&Fixed(degradation.hours_to_failure, 2))
        .finish();
}
