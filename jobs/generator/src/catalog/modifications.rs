//! The table of service bulletins whose embodiment a configuration states.

use super::Ata;

pub(crate) struct Modification {
    pub(crate) bulletin: &'static str,
    pub(crate) title: &'static str,
    pub(crate) ata: Ata,
    /// Days before the first day generated.
    pub(crate) issued_days_before: i32,
    pub(crate) supersedes: Option<&'static str>,
    /// Share of the fleet that has it.
    pub(crate) embodied_share: f64,
}

const fn modification(
    bulletin: &'static str,
    title: &'static str,
    ata: (u8, u8),
    issued_days_before: i32,
    supersedes: Option<&'static str>,
    embodied_share: f64,
) -> Modification {
    Modification { bulletin, title, ata: Ata::new(ata.0, ata.1), issued_days_before, supersedes, embodied_share }
}

#[rustfmt::skip]
pub(crate) static MODIFICATIONS: [Modification; 12] = [
    modification("SB-21-1031", "Cabin pressure controller software update", (21, 31), 900, None, 0.8),
    modification("SB-24-1007", "Integrated drive generator oil seal", (24, 11), 1400, None, 0.9),
    modification("SB-24-1019", "Integrated drive generator oil seal, improved", (24, 11), 420, Some("SB-24-1007"), 0.5),
    modification("SB-27-1044", "Flap actuator drain hole", (27, 51), 760, None, 0.7),
    modification("SB-29-1012", "Hydraulic pump case drain filter", (29, 11), 310, None, 0.4),
    modification("SB-32-1060", "Brake wear pin of greater length", (32, 42), 1100, None, 0.85),
    modification("SB-34-1093", "Weather radar connector sealing", (34, 41), 150, None, 0.25),
    modification("SB-36-1021", "Bleed valve sense line routing", (36, 11), 640, None, 0.6),
    modification("SB-36-1028", "Bleed valve sense line insulation", (36, 11), 200, Some("SB-36-1021"), 0.3),
    modification("SB-49-1005", "APU fuel control filter screen", (49, 31), 520, None, 0.55),
    modification("SB-73-1015", "Fuel metering unit servo valve", (73, 11), 860, None, 0.75),
    modification("SB-79-1002", "Oil pump drive shaft inspection", (79, 21), 95, None, 0.2),
];
