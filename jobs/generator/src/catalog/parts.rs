//! The table of rotable parts. All part numbers are made up.

use super::Ata;

/// A line replaceable unit and how it lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) part_number: &'static str,
    /// Short name within positions and serials.
    pub(crate) code: &'static str,
    pub(crate) description: &'static str,
    pub(crate) ata: Ata,
    /// Units on each aircraft.
    pub(crate) quantity: u32,
    /// Characteristic life of the Weibull law of failures, in flight hours.
    pub(crate) eta_hours: f64,
    pub(crate) beta: f64,
    /// Share of unscheduled removals in which the shop finds no fault.
    pub(crate) nff_probability: f64,
    /// Convenience removals expected in one characteristic life.
    pub(crate) convenience: f64,
    pub(crate) hard_time_hours: Option<f64>,
    pub(crate) unit_cost_usd: f64,
    pub(crate) repairable: bool,
    /// A few units of these parts are rogues.
    pub(crate) rogue: bool,
    /// What engine parameters show before a failure; none for parts away from the engines.
    pub(crate) signature: Option<Signature>,
}

/// How a failing unit shows in the parameters of its engine: shifts at the moment of failure, which grow with the
/// square of the part of `lead_hours` gone by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signature {
    pub(crate) lead_hours: f64,
    pub(crate) n2_pct: f64,
    pub(crate) egt_c: f64,
    pub(crate) fuel_flow_share: f64,
    pub(crate) oil_pressure_psi: f64,
    pub(crate) oil_temp_c: f64,
    pub(crate) vibration_ips: f64,
}

const QUIET: Signature = Signature {
    lead_hours: 0.0,
    n2_pct: 0.0,
    egt_c: 0.0,
    fuel_flow_share: 0.0,
    oil_pressure_psi: 0.0,
    oil_temp_c: 0.0,
    vibration_ips: 0.0,
};

#[expect(clippy::too_many_arguments, reason = "one row of the table below")]
const fn part(
    part_number: &'static str,
    code: &'static str,
    description: &'static str,
    ata: (u8, u8),
    quantity: u32,
    eta_hours: f64,
    beta: f64,
    nff_probability: f64,
    unit_cost_usd: f64,
) -> Part {
    Part {
        part_number,
        code,
        description,
        ata: Ata::new(ata.0, ata.1),
        quantity,
        eta_hours,
        beta,
        nff_probability,
        convenience: 0.0,
        hard_time_hours: None,
        unit_cost_usd,
        repairable: true,
        rogue: false,
        signature: None,
    }
}

impl Part {
    const fn convenience(self, convenience: f64) -> Self {
        Self { convenience, ..self }
    }

    const fn hard_time(self, hours: f64) -> Self {
        Self { hard_time_hours: Some(hours), ..self }
    }

    const fn consumable(self) -> Self {
        Self { repairable: false, ..self }
    }

    const fn with_rogues(self) -> Self {
        Self { rogue: true, ..self }
    }

    const fn degrades(self, signature: Signature) -> Self {
        Self { signature: Some(signature), ..self }
    }
}

#[rustfmt::skip]
pub(crate) static PARTS: [Part; 46] = [
    part("2131M410-2", "CPC", "Cabin pressure controller", (21, 31), 2, 9_000.0, 1.1, 0.35, 38_000.0),
    part("2151M122-1", "ACM", "Air cycle machine", (21, 51), 2, 12_000.0, 1.8, 0.10, 92_000.0),
    part("2161M036-4", "TCV", "Temperature control valve", (21, 61), 3, 5_200.0, 1.3, 0.20, 11_500.0),
    part("2312M880-1", "VHF", "VHF transceiver", (23, 12), 3, 15_000.0, 1.0, 0.40, 24_000.0),
    part("2331M207-3", "PAA", "Passenger address amplifier", (23, 31), 1, 11_000.0, 1.0, 0.30, 9_800.0),
    part("2411M104-1", "IDG", "Integrated drive generator", (24, 11), 2, 4_200.0, 1.6, 0.08, 145_000.0).convenience(0.03),
    part("2422M311-2", "GCU", "Generator control unit", (24, 22), 2, 12_000.0, 1.0, 0.30, 31_000.0),
    part("2431M052-6", "BAT", "Main battery", (24, 31), 2, 2_600.0, 2.5, 0.05, 8_200.0).hard_time(2_000.0),
    part("2535M615-1", "CFM", "Galley coffee maker", (25, 35), 4, 1_500.0, 1.0, 0.15, 6_400.0).convenience(0.05),
    part("2612M018-1", "FDL", "Fire detection loop", (26, 12), 4, 30_000.0, 1.2, 0.40, 7_900.0),
    part("2751M240-5", "FLA", "Flap actuator", (27, 51), 4, 22_000.0, 2.0, 0.10, 54_000.0),
    part("2793M733-2", "EAC", "Elevator aileron computer", (27, 93), 2, 9_500.0, 1.0, 0.40, 88_000.0),
    part("2822M061-3", "FBP", "Fuel boost pump", (28, 22), 6, 9_000.0, 1.7, 0.10, 13_200.0),
    part("2842M190-1", "FQP", "Fuel quantity processor", (28, 42), 1, 7_000.0, 1.0, 0.45, 41_000.0),
    part("2911M155-2", "EDP", "Engine driven hydraulic pump", (29, 11), 2, 5_500.0, 1.9, 0.08, 36_000.0).convenience(0.05),
    part("2921M156-1", "EMP", "Electric hydraulic pump", (29, 21), 1, 6_500.0, 1.5, 0.10, 28_500.0),
    part("3011M077-4", "WAV", "Wing anti-ice valve", (30, 11), 2, 6_800.0, 1.4, 0.15, 15_700.0),
    part("3042M301-1", "WHC", "Window heat computer", (30, 42), 2, 14_000.0, 1.0, 0.35, 19_900.0),
    part("3161M500-7", "DSU", "Display unit", (31, 61), 6, 12_000.0, 1.1, 0.25, 62_000.0),
    part("3211M001-1", "MLS", "Main gear shock strut", (32, 11), 2, 60_000.0, 3.0, 0.02, 410_000.0).hard_time(30_000.0),
    part("3241M020-3", "MWA", "Main wheel assembly", (32, 41), 4, 1_400.0, 3.0, 0.01, 5_300.0).convenience(0.06),
    part("3242M021-2", "BRK", "Brake assembly", (32, 42), 4, 2_400.0, 3.5, 0.02, 47_000.0).convenience(0.04),
    part("3342M009-1", "LDL", "Landing light", (33, 42), 2, 800.0, 1.8, 0.02, 900.0).consumable(),
    part("3343M014-2", "SPS", "Strobe power supply", (33, 43), 3, 4_500.0, 1.2, 0.10, 4_100.0),
    part("3411M602-3", "ADC", "Air data computer", (34, 11), 3, 9_000.0, 1.0, 0.40, 57_000.0),
    part("3413M088-1", "PTP", "Pitot probe", (34, 13), 3, 10_000.0, 1.5, 0.10, 6_700.0).consumable(),
    part("3426M450-2", "IRU", "Inertial reference unit", (34, 26), 3, 30_000.0, 1.2, 0.30, 118_000.0),
    part("3441M377-1", "WXR", "Weather radar transceiver", (34, 41), 2, 3_200.0, 1.2, 0.35, 83_000.0).with_rogues(),
    part("3453M219-4", "XPD", "ATC transponder", (34, 53), 2, 8_000.0, 1.0, 0.35, 29_000.0),
    part("3611M140-2", "PRV", "Bleed pressure regulating valve", (36, 11), 2, 2_100.0, 1.4, 0.20, 22_000.0).with_rogues(),
    part("3612M141-1", "PCV", "Precooler control valve", (36, 12), 2, 2_900.0, 1.5, 0.15, 18_600.0),
    part("3621M142-5", "BMC", "Bleed monitoring computer", (36, 21), 2, 8_500.0, 1.0, 0.45, 33_000.0),
    part("3831M066-2", "VFV", "Vacuum toilet flush valve", (38, 31), 4, 1_900.0, 1.2, 0.10, 3_600.0),
    part("4911M900-1", "APU", "Auxiliary power unit", (49, 11), 1, 6_000.0, 1.5, 0.03, 690_000.0),
    part("4931M905-2", "AFC", "APU fuel control", (49, 31), 1, 1_600.0, 1.2, 0.20, 26_400.0).with_rogues(),
    part("5273M027-1", "DPS", "Door proximity sensor", (52, 73), 6, 7_000.0, 1.0, 0.30, 2_300.0),
    part("7200M001-9", "ENG", "Engine", (72, 0), 2, 14_000.0, 2.2, 0.0, 9_800_000.0)
        .degrades(Signature { lead_hours: 250.0, egt_c: 32.0, vibration_ips: 1.1, n2_pct: 0.8, ..QUIET }),
    part("7311M210-3", "FMU", "Fuel metering unit", (73, 11), 2, 6_500.0, 1.8, 0.12, 128_000.0)
        .degrades(Signature { lead_hours: 120.0, fuel_flow_share: 0.07, egt_c: 9.0, ..QUIET }),
    part("7321M212-1", "EEC", "Electronic engine control", (73, 21), 2, 20_000.0, 1.0, 0.30, 240_000.0),
    part("7411M033-2", "IGX", "Ignition exciter", (74, 11), 4, 5_200.0, 1.3, 0.15, 9_400.0),
    part("7532M118-1", "VSA", "Variable stator actuator", (75, 32), 4, 9_000.0, 2.0, 0.08, 37_500.0)
        .degrades(Signature { lead_hours: 150.0, n2_pct: -1.4, egt_c: 12.0, ..QUIET }),
    part("7711M300-2", "SPD", "Engine speed sensor", (77, 11), 4, 16_000.0, 1.1, 0.25, 5_900.0),
    part("7721M301-1", "ETH", "EGT thermocouple harness", (77, 21), 2, 4_800.0, 1.6, 0.15, 14_800.0)
        .degrades(Signature { lead_hours: 80.0, egt_c: -26.0, ..QUIET }),
    part("7831M640-2", "TRA", "Thrust reverser actuator", (78, 31), 4, 15_000.0, 1.6, 0.10, 44_000.0),
    part("7921M071-1", "OPU", "Oil pump unit", (79, 21), 2, 9_000.0, 1.9, 0.05, 34_000.0)
        .degrades(Signature { lead_hours: 150.0, oil_pressure_psi: -14.0, oil_temp_c: 13.0, ..QUIET }),
    part("8011M045-3", "STR", "Air turbine starter", (80, 11), 2, 4_000.0, 1.5, 0.06, 42_000.0),
];
