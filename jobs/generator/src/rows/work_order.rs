//! Rows of `scheduled_maintenance`. Task identifiers and descriptions are quoted, as exports of such systems do.

use super::identity::DayNumber;
use super::{Row, Tail};
use crate::calendar::{Day, Timestamp};
use crate::catalog::Ata;
use crate::network::Station;
use crate::source::Source;
use crate::text::{CsvLine, Fixed};

#[derive(Clone, Debug)]
pub(crate) struct WorkOrder {
    pub(crate) aircraft: u32,
    pub(crate) day: Day,
    pub(crate) number: u32,
    pub(crate) station: Station,
    pub(crate) task_id: String,
    pub(crate) check: Check,
    pub(crate) ata: Ata,
    pub(crate) started_at: Timestamp,
    pub(crate) completed_at: Timestamp,
    pub(crate) labor_hours: f64,
    pub(crate) findings: u32,
    pub(crate) deferred: bool,
    pub(crate) cost_usd: f64,
    pub(crate) description: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Line,
    A,
    C,
}

impl Check {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Line => "LINE",
            Self::A => "A",
            Self::C => "C",
        }
    }
}

impl Row for WorkOrder {
    const SOURCE: Source = Source::ScheduledMaintenance;

    fn write(&self, out: &mut Vec<u8>) {
        let id = DayNumber { prefix: "WO", aircraft: self.aircraft, day: self.day, number: self.number };
        CsvLine::new(out)
            .value(&id)
            .value(&Tail(self.aircraft))
            .value(&self.station.code())
            .quoted(&self.task_id)
            .value(&self.check.name())
            .value(&self.ata)
            .value(&self.started_at)
            .value(&self.completed_at)
            .value(&Fixed(self.labor_hours, 2))
            .value(&self.findings)
            .value(&self.deferred)
            .value(&Fixed(self.cost_usd, 2))
            .quoted(&self.description)
            .finish();
    }

    fn provisional(&self) -> Option<Self> {
        Some(Self { cost_usd: self.cost_usd * 0.8, ..self.clone() })
    }
}
