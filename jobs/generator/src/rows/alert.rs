//! Rows of `alerts`: messages that the aircraft sends about itself.

use super::identity::DayNumber;
use super::{FlightId, Row, Tail};
use crate::calendar::{Day, Timestamp};
use crate::catalog::Ata;
use crate::source::Source;
use crate::text::JsonLine;

#[derive(Clone, Debug)]
pub(crate) struct Alert {
    pub(crate) aircraft: u32,
    pub(crate) day: Day,
    pub(crate) number: u32,
    pub(crate) flight: FlightId,
    pub(crate) raised_at: Timestamp,
    pub(crate) cleared_at: Option<Timestamp>,
    pub(crate) ata: Ata,
    pub(crate) severity: Severity,
    pub(crate) code: String,
    pub(crate) message: String,
    /// A unit really is failing.
    pub(crate) failure: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Warning,
    Caution,
    Advisory,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Self::Warning => "WARNING",
            Self::Caution => "CAUTION",
            Self::Advisory => "ADVISORY",
        }
    }
}

impl Row for Alert {
    const SOURCE: Source = Source::Alerts;

    fn write(&self, out: &mut Vec<u8>) {
        let id = DayNumber { prefix: "AL", aircraft: self.aircraft, day: self.day, number: self.number };
        let mut line = JsonLine::new(out);
        line.string("alert_id", &id)
            .string("tail", &Tail(self.aircraft))
            .string("flight_id", &self.flight)
            .string("raised_at", &self.raised_at);
        if let Some(cleared_at) = &self.cleared_at {
            line.string("cleared_at", cleared_at);
        }
        line.string("ata", &self.ata)
            .string("severity", &self.severity.name())
            .string("code", &self.code)
            .escaped("message", &self.message)
            .bare("failure", &self.failure)
            .finish();
    }
}
