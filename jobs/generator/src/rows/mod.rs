//! The rows of every source as values, and how each is written. Draws nothing and keeps no state.

mod alert;
mod configuration;
mod event;
mod flight;
mod identity;
mod performance;
mod utilization;
mod work_order;

pub(crate) use alert::{Alert, Severity};
pub(crate) use configuration::{Component, Configuration, Embodiment};
pub(crate) use event::{Detail, Event, Finding, Reason, Removal, Report, ReportKind};
pub(crate) use flight::{Disruption, Flight, Flown};
pub(crate) use identity::{FlightId, Position, Serial, Tail};
pub(crate) use performance::{PARAMETERS, Parameter, Phase, Reading};
pub(crate) use utilization::Utilization;
pub(crate) use work_order::{Check, WorkOrder};

use crate::calendar::{Day, Timestamp};
use crate::source::Source;

/// A record of one source.
pub(crate) trait Row: Sync + Sized {
    const SOURCE: Source;

    /// Appends the record and its line feed; the record holds no line feed of its own.
    fn write(&self, out: &mut Vec<u8>);

    /// The record as first delivered when a correction follows, if this source sees corrections.
    fn provisional(&self) -> Option<Self> {
        None
    }
}

/// Everything one aircraft leaves behind on one day.
pub(crate) struct AircraftDay {
    pub(crate) aircraft: u32,
    pub(crate) day: Day,
    pub(crate) flights: Vec<Flight>,
    pub(crate) utilization: Utilization,
    pub(crate) work_orders: Vec<WorkOrder>,
    pub(crate) readings: Vec<Reading>,
    pub(crate) events: Vec<Event>,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) configurations: Vec<Configuration>,
    pub(crate) anomalies: Vec<Anomaly>,
    pub(crate) degradations: Vec<Degradation>,
}

/// A disturbance injected into one parameter of one engine on one flight.
pub(crate) struct Anomaly {
    pub(crate) flight: FlightId,
    pub(crate) engine: u8,
    pub(crate) parameter: Parameter,
    pub(crate) kind: &'static str,
    /// In standard deviations of the parameter's noise.
    pub(crate) magnitude: f64,
}

/// The start of a degradation that shows in engine parameters.
pub(crate) struct Degradation {
    pub(crate) engine: u8,
    pub(crate) engine_serial: Serial,
    pub(crate) part: u16,
    pub(crate) serial: Serial,
    pub(crate) onset: Timestamp,
    pub(crate) hours_to_failure: f64,
}
