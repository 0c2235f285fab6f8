//! What the fleet is made of: parts with their true lives, system titles, modifications and standards. Draws nothing:
//! tables and the arithmetic over them only.

mod life;
mod modifications;
mod parts;
mod standards;
mod systems;

pub(crate) use life::Life;
pub(crate) use modifications::MODIFICATIONS;
pub(crate) use parts::{PARTS, Part, Signature};
pub(crate) use standards::STANDARDS;
pub(crate) use systems::SYSTEMS;

use crate::text::{AsText, push_padded};

/// The part whose serial is the engine's own.
pub(crate) const ENGINE_CODE: &str = "ENG";

/// An ATA iSpec 2200 chapter, or chapter and section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ata {
    pub(crate) chapter: u8,
    pub(crate) section: Option<u8>,
}

/// The parts with what follows from their parameters, computed once.
pub(crate) struct Catalog {
    /// One for each of `PARTS`, in its order.
    pub(crate) lives: Vec<Life>,
    /// Removals a flight hour of an aircraft, one for each part: how often its system gives trouble.
    pub(crate) trouble: Vec<f64>,
    pub(crate) engine: usize,
}

impl Ata {
    pub(crate) const fn new(chapter: u8, section: u8) -> Self {
        Self { chapter, section: Some(section) }
    }

    pub(crate) fn without_section(self) -> Self {
        Self { section: None, ..self }
    }
}

impl Catalog {
    pub(crate) fn new() -> Self {
        let lives: Vec<Life> = PARTS.iter().map(Life::of).collect();
        let trouble =
            PARTS.iter().zip(&lives).map(|(part, life)| f64::from(part.quantity) / life.expected_mtbur_hours).collect();
        Self { lives, trouble, engine: PARTS.iter().position(|part| part.code == ENGINE_CODE).unwrap_or_default() }
    }
}

impl AsText for Ata {
    fn push_to(&self, out: &mut Vec<u8>) {
        push_padded(out, i64::from(self.chapter), 2);
        if let Some(section) = self.section {
            out.push(b'-');
            push_padded(out, i64::from(section), 2);
        }
    }
}
