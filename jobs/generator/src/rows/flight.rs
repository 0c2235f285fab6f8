//! Rows of `flights`.

use super::{FlightId, Row, Tail};
use crate::calendar::{Hours, Timestamp};
use crate::catalog::Ata;
use crate::network::Station;
use crate::source::Source;
use crate::text::{CsvLine, Fixed};

#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) id: FlightId,
    pub(crate) number: u32,
    pub(crate) origin: Station,
    pub(crate) destination: Station,
    pub(crate) scheduled_departure: Timestamp,
    pub(crate) scheduled_arrival: Timestamp,
    /// None if cancelled.
    pub(crate) flown: Option<Flown>,
    pub(crate) delay_minutes: i64,
    pub(crate) delay_code: Option<&'static str>,
    pub(crate) delay_ata: Option<Ata>,
    pub(crate) disruption: Disruption,
    pub(crate) fuel_burn_kg: f64,
    /// Deviation of the fuel burn first reported, should a correction follow.
    pub(crate) fuel_burn_misreported_kg: f64,
    pub(crate) payload_kg: f64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Flown {
    pub(crate) off_block: Timestamp,
    pub(crate) takeoff: Timestamp,
    pub(crate) landing: Timestamp,
    pub(crate) on_block: Timestamp,
}

/// What kept a flight from its plan, delays aside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Disruption {
    None,
    /// With the chapter if the cause is technical.
    Cancelled(Option<Ata>),
    Diverted,
    AirTurnback,
}

impl Flown {
    pub(crate) fn flight_hours(&self) -> Hours {
        Hours::from_minutes(self.landing.minutes_since(self.takeoff))
    }

    pub(crate) fn block_hours(&self) -> Hours {
        Hours::from_minutes(self.on_block.minutes_since(self.off_block))
    }
}

impl Flight {
    pub(crate) fn flight_hours(&self) -> Hours {
        self.flown.as_ref().map_or(Hours(0), Flown::flight_hours)
    }
}

impl Row for Flight {
    const SOURCE: Source = Source::Flights;

    fn write(&self, out: &mut Vec<u8>) {
        let mut number = *b"MC0000";
        for (slot, divisor) in number[2..].iter_mut().zip([1000, 100, 10, 1]) {
            *slot = b'0' + (self.number / divisor % 10) as u8;
        }
        let flown = self.flown.as_ref();
        let cancellation_ata = match &self.disruption {
            Disruption::Cancelled(ata) => ata.as_ref(),
            _ => None,
        };
        CsvLine::new(out)
            .value(&self.id)
            .value(&Tail(self.id.aircraft))
            .value(&String::from_utf8_lossy(&number))
            .value(&self.origin.code())
            .value(&self.destination.code())
            .value(&self.scheduled_departure)
            .value(&self.scheduled_arrival)
            .optional(flown.map(|flown| &flown.off_block))
            .optional(flown.map(|flown| &flown.takeoff))
            .optional(flown.map(|flown| &flown.landing))
            .optional(flown.map(|flown| &flown.on_block))
            .value(&self.flight_hours())
            .value(&flown.map_or(Hours(0), Flown::block_hours))
            .value(&i64::from(flown.is_some()))
            .value(&self.delay_minutes)
            .optional(self.delay_code.as_ref())
            .optional(self.delay_ata.as_ref())
            .value(&matches!(self.disruption, Disruption::Cancelled(_)))
            .optional(cancellation_ata)
            .value(&(self.disruption == Disruption::Diverted))
            .value(&(self.disruption == Disruption::AirTurnback))
            .value(&Fixed(self.fuel_burn_kg, 0))
            .value(&Fixed(self.payload_kg, 0))
            .finish();
    }

    fn provisional(&self) -> Option<Self> {
        self.flown
            .is_some()
            .then(|| Self { fuel_burn_kg: self.fuel_burn_kg + self.fuel_burn_misreported_kg, ..self.clone() })
    }
}
