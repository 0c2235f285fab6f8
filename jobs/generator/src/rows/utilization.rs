//! Rows of `utilization`. Hours and cycles are the sums over the flights whose scheduled departure is on the date.

use super::{Row, Tail};
use crate::calendar::{Day, Hours};
use crate::source::Source;
use crate::text::{CsvLine, Fixed};

#[derive(Clone, Debug)]
pub(crate) struct Utilization {
    pub(crate) aircraft: u32,
    pub(crate) day: Day,
    pub(crate) flight_hours: Hours,
    pub(crate) flight_cycles: i64,
    pub(crate) apu_hours: f64,
    pub(crate) apu_cycles: i64,
    pub(crate) available_hours: f64,
}

impl Row for Utilization {
    const SOURCE: Source = Source::Utilization;

    fn write(&self, out: &mut Vec<u8>) {
        CsvLine::new(out)
            .value(&Tail(self.aircraft))
            .value(&self.day)
            .value(&self.flight_hours)
            .value(&self.flight_cycles)
            .value(&Fixed(self.apu_hours, 2))
            .value(&self.apu_cycles)
            .value(&Fixed(self.available_hours, 2))
            .finish();
    }

    fn provisional(&self) -> Option<Self> {
        Some(Self { apu_hours: self.apu_hours * 0.9, apu_cycles: (self.apu_cycles - 1).max(0), ..self.clone() })
    }
}
