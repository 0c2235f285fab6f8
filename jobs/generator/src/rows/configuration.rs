//! Rows of `configurations`: every unit of one aircraft and its modifications, as of one instant.
//!
//! Beside the columns agreed upon, a component states `hours_since_install` and `cycles_since_install` as of
//! `effective_from`: the age at which a unit first seen enters observation.

use super::{Position, Row, Serial, Tail};
use crate::calendar::{Day, Hours, Timestamp};
use crate::catalog::{MODIFICATIONS, PARTS};
use crate::source::Source;
use crate::text::{JsonLine, push_array};

pub(crate) struct Configuration {
    pub(crate) aircraft: u32,
    pub(crate) effective_from: Timestamp,
    pub(crate) components: Vec<Component>,
    /// One for each of `MODIFICATIONS`.
    pub(crate) embodiments: Vec<Embodiment>,
}

#[derive(Clone, Copy)]
pub(crate) struct Component {
    pub(crate) position: Position,
    pub(crate) serial: Serial,
    pub(crate) installed_at: Timestamp,
    /// The unit's own total when it was installed.
    pub(crate) hours_at_install: Hours,
    pub(crate) cycles_at_install: i64,
    pub(crate) hours_since_install: Hours,
    pub(crate) cycles_since_install: i64,
}

#[derive(Clone, Copy)]
pub(crate) enum Embodiment {
    Embodied(Day),
    Planned,
    NotApplicable,
}

impl Component {
    fn write(&self, out: &mut Vec<u8>) {
        let part = &PARTS[usize::from(self.position.part)];
        JsonLine::new(out)
            .string("position", &self.position)
            .string("ata", &part.ata)
            .string("part_number", &part.part_number)
            .string("serial", &self.serial)
            .string("installed_at", &self.installed_at)
            .bare("hours_at_install", &self.hours_at_install)
            .bare("cycles_at_install", &self.cycles_at_install)
            .bare("hours_since_install", &self.hours_since_install)
            .bare("cycles_since_install", &self.cycles_since_install)
            .close();
    }
}

impl Embodiment {
    fn write(self, bulletin: &'static str, out: &mut Vec<u8>) {
        let status = match self {
            Self::Embodied(_) => "EMBODIED",
            Self::Planned => "PLANNED",
            Self::NotApplicable => "NOT_APPLICABLE",
        };
        let mut line = JsonLine::new(out);
        line.string("bulletin", &bulletin).string("status", &status);
        if let Self::Embodied(day) = self {
            line.string("embodied_at", &day.midnight());
        }
        line.close();
    }
}

impl Row for Configuration {
    const SOURCE: Source = Source::Configurations;

    fn write(&self, out: &mut Vec<u8>) {
        JsonLine::new(out)
            .string("tail", &Tail(self.aircraft))
            .string("effective_from", &self.effective_from)
            .nested("components", |out| {
                push_array(out, &self.components, |out, component| component.write(out));
            })
            .nested("modifications", |out| {
                push_array(out, MODIFICATIONS.iter().zip(&self.embodiments), |out, (modification, embodiment)| {
                    embodiment.write(modification.bulletin, out)
                });
            })
            .finish();
    }
}
