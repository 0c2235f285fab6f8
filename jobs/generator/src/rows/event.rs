//! Rows of `events`: removals and reports.

use super::identity::DayNumber;
use super::{FlightId, Position, Row, Serial, Tail};
use crate::calendar::{Day, Hours, Timestamp};
use crate::catalog::{Ata, PARTS};
use crate::source::Source;
use crate::text::{Fixed, JsonLine};

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) aircraft: u32,
    pub(crate) day: Day,
    pub(crate) number: u32,
    pub(crate) flight: Option<FlightId>,
    pub(crate) occurred_at: Timestamp,
    pub(crate) text: String,
    pub(crate) detail: Detail,
}

#[derive(Clone, Debug)]
pub(crate) enum Detail {
    Removal(Box<Removal>),
    Report(Report),
}

#[derive(Clone, Debug)]
pub(crate) struct Removal {
    /// Index among the aircraft's installed units.
    pub(crate) slot: usize,
    pub(crate) position: Position,
    /// Filled in once the pool has answered.
    pub(crate) serial_off: Serial,
    pub(crate) serial_on: Serial,
    pub(crate) reason: Reason,
    pub(crate) finding: Option<Finding>,
    pub(crate) hours_since_install: Hours,
    pub(crate) cycles_since_install: i64,
    /// The aircraft's counters at the removal.
    pub(crate) clock: Hours,
    pub(crate) cycles: i64,
    pub(crate) shop_days: i32,
    pub(crate) downtime_hours: f64,
    pub(crate) labor_hours: f64,
}

#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) kind: ReportKind,
    pub(crate) ata: Ata,
    pub(crate) labor_hours: Option<f64>,
    pub(crate) deferred: bool,
    pub(crate) mel_item: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportKind {
    Pirep,
    Marep,
    Ifsd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Unscheduled,
    Scheduled,
    Convenience,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    Confirmed,
    Nff,
    Pending,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::Unscheduled => "UNSCHEDULED",
            Self::Scheduled => "SCHEDULED",
            Self::Convenience => "CONVENIENCE",
        }
    }
}

impl Finding {
    fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "CONFIRMED",
            Self::Nff => "NFF",
            Self::Pending => "PENDING",
        }
    }
}

impl Event {
    fn kind(&self) -> &'static str {
        match &self.detail {
            Detail::Removal(_) => "REMOVAL",
            Detail::Report(report) => match report.kind {
                ReportKind::Pirep => "PIREP",
                ReportKind::Marep => "MAREP",
                ReportKind::Ifsd => "IFSD",
            },
        }
    }
}

impl Removal {
    pub(crate) fn part(&self) -> usize {
        usize::from(self.position.part)
    }

    fn write(&self, line: &mut JsonLine) {
        let part = &PARTS[self.part()];
        line.string("ata", &part.ata)
            .string("position", &self.position)
            .string("part_number", &part.part_number)
            .string("serial_off", &self.serial_off)
            .string("serial_on", &self.serial_on)
            .string("reason", &self.reason.name());
        if let Some(finding) = self.finding {
            line.string("shop_finding", &finding.name());
        }
        line.bare("hours_since_install", &self.hours_since_install)
            .bare("cycles_since_install", &self.cycles_since_install)
            .bare("downtime_hours", &Fixed(self.downtime_hours, 2))
            .bare("labor_hours", &Fixed(self.labor_hours, 2));
    }
}

impl Report {
    fn write(&self, line: &mut JsonLine) {
        line.string("ata", &self.ata);
        if let Some(hours) = self.labor_hours {
            line.bare("labor_hours", &Fixed(hours, 2));
        }
        line.bare("deferred", &self.deferred);
        if let Some(item) = &self.mel_item {
            line.string("mel_item", item);
        }
    }
}

impl Row for Event {
    const SOURCE: Source = Source::Events;

    fn write(&self, out: &mut Vec<u8>) {
        let id = DayNumber { prefix: "EV", aircraft: self.aircraft, day: self.day, number: self.number };
        let mut line = JsonLine::new(out);
        line.string("event_id", &id).string("tail", &Tail(self.aircraft));
        if let Some(flight) = &self.flight {
            line.string("flight_id", flight);
        }
        line.string("occurred_at", &self.occurred_at).string("kind", &self.kind());
        match &self.detail {
            Detail::Removal(removal) => removal.write(&mut line),
            Detail::Report(report) => report.write(&mut line),
        }
        line.escaped("text", &self.text).finish();
    }
}
