//! Rows of `performance`: one engine in one phase of one flight.

use super::{FlightId, Row, Serial, Tail};
use crate::calendar::Timestamp;
use crate::source::Source;
use crate::text::{CsvLine, Fixed};

#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) flight: FlightId,
    /// 1 or 2.
    pub(crate) engine: u8,
    pub(crate) phase: Phase,
    pub(crate) recorded_at: Timestamp,
    pub(crate) engine_serial: Serial,
    /// One for each of `PARAMETERS`.
    pub(crate) values: [f64; PARAMETERS.len()],
    pub(crate) altitude_ft: f64,
    pub(crate) mach: f64,
    pub(crate) tat_c: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Takeoff,
    Climb,
    Cruise,
}

/// A parameter of an engine, its index in `Reading::values`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    N1,
    N2,
    Egt,
    EgtMargin,
    FuelFlow,
    OilPressure,
    OilTemp,
    Vibration,
}

/// All parameters, in the order of the file.
pub(crate) static PARAMETERS: [Parameter; 8] = [
    Parameter::N1,
    Parameter::N2,
    Parameter::Egt,
    Parameter::EgtMargin,
    Parameter::FuelFlow,
    Parameter::OilPressure,
    Parameter::OilTemp,
    Parameter::Vibration,
];

impl Parameter {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::N1 => "n1_pct",
            Self::N2 => "n2_pct",
            Self::Egt => "egt_c",
            Self::EgtMargin => "egt_margin_c",
            Self::FuelFlow => "fuel_flow_kg_h",
            Self::OilPressure => "oil_pressure_psi",
            Self::OilTemp => "oil_temp_c",
            Self::Vibration => "vibration_ips",
        }
    }

    /// Standard deviation from one flight to the next, all else equal.
    pub(crate) fn noise(self) -> f64 {
        match self {
            Self::N1 | Self::N2 => 0.35,
            Self::Egt => 4.5,
            Self::EgtMargin => 2.5,
            Self::FuelFlow => 22.0,
            Self::OilPressure => 1.2,
            Self::OilTemp => 1.6,
            Self::Vibration => 0.05,
        }
    }

    fn decimals(self) -> u32 {
        match self {
            Self::Vibration => 3,
            Self::FuelFlow => 1,
            _ => 2,
        }
    }
}

impl Phase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Takeoff => "TAKEOFF",
            Self::Climb => "CLIMB",
            Self::Cruise => "CRUISE",
        }
    }
}

impl Row for Reading {
    const SOURCE: Source = Source::Performance;

    fn write(&self, out: &mut Vec<u8>) {
        let mut line = CsvLine::new(out);
        line.value(&self.flight)
            .value(&i64::from(self.engine))
            .value(&self.phase.name())
            .value(&Tail(self.flight.aircraft))
            .value(&self.recorded_at)
            .value(&self.engine_serial);
        for (parameter, value) in PARAMETERS.iter().zip(self.values) {
            line.value(&Fixed(value, parameter.decimals()));
        }
        line.value(&Fixed(self.altitude_ft, 0)).value(&Fixed(self.mach, 3)).value(&Fixed(self.tat_c, 1)).finish();
    }
}
