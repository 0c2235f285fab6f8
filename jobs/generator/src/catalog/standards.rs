//! The targets that the airline holds its reliability to.

pub(crate) struct Standard {
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) threshold: f64,
    pub(crate) unit: &'static str,
}

const fn standard(code: &'static str, title: &'static str, threshold: f64, unit: &'static str) -> Standard {
    Standard { code, title, threshold, unit }
}

#[rustfmt::skip]
pub(crate) static STANDARDS: [Standard; 8] = [
    standard("DISPATCH_RELIABILITY", "Dispatch reliability, at least", 98.5, "pct"),
    standard("AVAILABILITY", "Aircraft availability, at least", 90.0, "pct"),
    standard("TECHNICAL_DELAY", "Technical delay, longer than", 15.0, "min"),
    standard("NFF_RATE", "No-fault-found share of unscheduled removals, at most", 0.35, "share"),
    standard("IFSD_RATE", "In-flight shutdowns, at most", 0.02, "per 1000 engine hours"),
    standard("EGT_MARGIN", "Exhaust gas temperature margin, at least", 10.0, "C"),
    standard("VIBRATION", "Engine vibration, at most", 2.0, "ips"),
    standard("REPETITIVE_DEFECT", "Reports of one section on one aircraft in 15 days, fewer than", 3.0, "reports"),
];
