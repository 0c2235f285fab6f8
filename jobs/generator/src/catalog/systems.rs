//! The tree of aircraft systems: ATA chapters and the sections that parts and reports refer to.

use super::Ata;

/// A chapter, or a section under its chapter.
pub(crate) struct System {
    pub(crate) ata: Ata,
    pub(crate) title: &'static str,
}

const fn chapter(chapter: u8, title: &'static str) -> System {
    System { ata: Ata { chapter, section: None }, title }
}

const fn section(chapter: u8, section: u8, title: &'static str) -> System {
    System { ata: Ata::new(chapter, section), title }
}

#[rustfmt::skip]
pub(crate) static SYSTEMS: [System; 71] = [
    chapter(21, "Air conditioning"), section(21, 31, "Pressure control"), section(21, 51, "Air cooling"), section(21, 61, "Temperature control"),
    chapter(23, "Communications"), section(23, 12, "VHF system"), section(23, 31, "Passenger address"),
    chapter(24, "Electrical power"), section(24, 11, "Generator drive"), section(24, 22, "AC generation control"), section(24, 31, "DC generation, battery"),
    chapter(25, "Equipment and furnishings"), section(25, 35, "Galley"),
    chapter(26, "Fire protection"), section(26, 12, "Engine fire detection"),
    chapter(27, "Flight controls"), section(27, 51, "Flap actuation"), section(27, 93, "Elevator aileron computer system"),
    chapter(28, "Fuel"), section(28, 22, "Fuel feed"), section(28, 42, "Quantity indicating"),
    chapter(29, "Hydraulic power"), section(29, 11, "Main hydraulic power"), section(29, 21, "Auxiliary hydraulic power"),
    chapter(30, "Ice and rain protection"), section(30, 11, "Wing anti-ice"), section(30, 42, "Window heating"),
    chapter(31, "Indicating and recording"), section(31, 61, "Display units"),
    chapter(32, "Landing gear"), section(32, 11, "Main gear"), section(32, 41, "Wheels"), section(32, 42, "Brakes"),
    chapter(33, "Lights"), section(33, 42, "Landing lights"), section(33, 43, "Anti-collision lights"),
    chapter(34, "Navigation"), section(34, 11, "Air data"), section(34, 13, "Probes"), section(34, 26, "Inertial reference"), section(34, 41, "Weather radar"), section(34, 53, "ATC transponder"),
    chapter(36, "Pneumatic"), section(36, 11, "Bleed regulation"), section(36, 12, "Bleed temperature"), section(36, 21, "Bleed monitoring"),
    chapter(38, "Water and waste"), section(38, 31, "Toilet system"),
    chapter(49, "Auxiliary power"), section(49, 11, "Power plant"), section(49, 31, "Engine fuel and control"),
    chapter(52, "Doors"), section(52, 73, "Door warning"),
    chapter(72, "Engine"), section(72, 0, "Engine, general"),
    chapter(73, "Engine fuel and control"), section(73, 11, "Fuel distribution"), section(73, 21, "Control"),
    chapter(74, "Ignition"), section(74, 11, "Electrical power supply"),
    chapter(75, "Engine air"), section(75, 32, "Compressor control"),
    chapter(77, "Engine indicating"), section(77, 11, "Power"), section(77, 21, "Temperature"),
    chapter(78, "Exhaust"), section(78, 31, "Thrust reverser"),
    chapter(79, "Oil"), section(79, 21, "Distribution"),
    chapter(80, "Starting"), section(80, 11, "Cranking"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::PARTS;

    #[test]
    fn every_part_belongs_to_a_section_in_the_tree() {
        for part in &PARTS {
            assert!(SYSTEMS.iter().any(|system| system.ata == part.ata), "{}", part.part_number);
        }
    }

    #[test]
    fn every_section_has_its_chapter() {
        for system in &SYSTEMS {
            let parent = system.ata.without_section();
            assert!(SYSTEMS.iter().any(|other| other.ata == parent), "{}", system.title);
        }
    }
}
