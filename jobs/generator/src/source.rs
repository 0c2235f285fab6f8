//! The sources below `landing/`: names, columns and what each column holds. Written as `data.md` lists them; never
//! holds rows.

/// One of the sources delivered as files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Source {
    Flights,
    Utilization,
    ScheduledMaintenance,
    Performance,
    Events,
    Alerts,
    Configurations,
    Telemetry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Json,
}

/// What a column holds, as far as damaging it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Date,
    Time,
    Enumeration,
    Boolean,
    Nested,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// A row without it means nothing: keys, and the tail.
    pub(crate) required: bool,
}

const fn required(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: true }
}

const fn optional(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: false }
}

impl Source {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flights => "flights",
            Self::Utilization => "utilization",
            Self::ScheduledMaintenance => "scheduled_maintenance",
            Self::Performance => "performance",
            Self::Events => "events",
            Self::Alerts => "alerts",
            Self::Configurations => "configurations",
            Self::Telemetry => "telemetry",
        }
    }

    pub(crate) fn format(self) -> Format {
        match self {
            Self::Flights | Self::Utilization | Self::ScheduledMaintenance | Self::Performance => Format::Csv,
            Self::Events | Self::Alerts | Self::Configurations | Self::Telemetry => Format::Json,
        }
    }

    /// The columns, for CSV in the order of the header.
    pub(crate) fn columns(self) -> &'static [Column] {
        match self {
            Self::Flights => &FLIGHTS,
            Self::Utilization => &UTILIZATION,
            Self::ScheduledMaintenance => &SCHEDULED_MAINTENANCE,
            Self::Performance => &PERFORMANCE,
            Self::Events => &EVENTS,
            Self::Alerts => &ALERTS,
            Self::Configurations => &CONFIGURATIONS,
            Self::Telemetry => &TELEMETRY,
        }
    }

    /// The line above the rows: the header of a CSV file, nothing for JSON.
    pub(crate) fn push_header(self, out: &mut Vec<u8>) {
        if self.format() == Format::Json {
            return;
        }
        for (index, column) in self.columns().iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(column.name.as_bytes());
        }
        out.push(b'\n');
    }
}

static FLIGHTS: [Column; 23] = [
    required("flight_id", Kind::Text),
    required("tail", Kind::Text),
    optional("flight_number", Kind::Text),
    optional("origin", Kind::Text),
    optional("destination", Kind::Text),
    required("scheduled_departure", Kind::Time),
    optional("scheduled_arrival", Kind::Time),
    optional("off_block", Kind::Time),
    optional("takeoff", Kind::Time),
    optional("landing", Kind::Time),
    optional("on_block", Kind::Time),
    optional("flight_hours", Kind::Number),
    optional("block_hours", Kind::Number),
    optional("cycles", Kind::Number),
    optional("delay_minutes", Kind::Number),
    optional("delay_code", Kind::Text),
    optional("delay_ata", Kind::Text),
    optional("cancelled", Kind::Boolean),
    optional("cancellation_ata", Kind::Text),
    optional("diverted", Kind::Boolean),
    optional("air_turnback", Kind::Boolean),
    optional("fuel_burn_kg", Kind::Number),
    optional("payload_kg", Kind::Number),
];

static UTILIZATION: [Column; 7] = [
    required("tail", Kind::Text),
    required("date", Kind::Date),
    optional("flight_hours", Kind::Number),
    optional("flight_cycles", Kind::Number),
    optional("apu_hours", Kind::Number),
    optional("apu_cycles", Kind::Number),
    optional("available_hours", Kind::Number),
];

static SCHEDULED_MAINTENANCE: [Column; 13] = [
    required("work_order_id", Kind::Text),
    required("tail", Kind::Text),
    optional("station", Kind::Text),
    optional("task_id", Kind::Text),
    optional("check_type", Kind::Enumeration),
    optional("ata", Kind::Text),
    optional("started_at", Kind::Time),
    optional("completed_at", Kind::Time),
    optional("labor_hours", Kind::Number),
    optional("findings", Kind::Number),
    optional("deferred", Kind::Boolean),
    optional("cost_usd", Kind::Number),
    optional("description", Kind::Text),
];

static PERFORMANCE: [Column; 17] = [
    required("flight_id", Kind::Text),
    required("engine_position", Kind::Number),
    required("phase", Kind::Enumeration),
    required("tail", Kind::Text),
    optional("recorded_at", Kind::Time),
    optional("engine_serial", Kind::Text),
    optional("n1_pct", Kind::Number),
    optional("n2_pct", Kind::Number),
    optional("egt_c", Kind::Number),
    optional("egt_margin_c", Kind::Number),
    optional("fuel_flow_kg_h", Kind::Number),
    optional("oil_pressure_psi", Kind::Number),
    optional("oil_temp_c", Kind::Number),
    optional("vibration_ips", Kind::Number),
    optional("altitude_ft", Kind::Number),
    optional("mach", Kind::Number),
    optional("tat_c", Kind::Number),
];

static EVENTS: [Column; 19] = [
    required("event_id", Kind::Text),
    required("tail", Kind::Text),
    optional("flight_id", Kind::Text),
    required("occurred_at", Kind::Time),
    required("kind", Kind::Enumeration),
    optional("ata", Kind::Text),
    optional("position", Kind::Text),
    optional("part_number", Kind::Text),
    optional("serial_off", Kind::Text),
    optional("serial_on", Kind::Text),
    optional("reason", Kind::Enumeration),
    optional("shop_finding", Kind::Enumeration),
    optional("hours_since_install", Kind::Number),
    optional("cycles_since_install", Kind::Number),
    optional("downtime_hours", Kind::Number),
    optional("labor_hours", Kind::Number),
    optional("deferred", Kind::Boolean),
    optional("mel_item", Kind::Text),
    optional("text", Kind::Text),
];

static ALERTS: [Column; 10] = [
    required("alert_id", Kind::Text),
    required("tail", Kind::Text),
    optional("flight_id", Kind::Text),
    required("raised_at", Kind::Time),
    optional("cleared_at", Kind::Time),
    optional("ata", Kind::Text),
    optional("severity", Kind::Enumeration),
    optional("code", Kind::Text),
    optional("message", Kind::Text),
    optional("failure", Kind::Boolean),
];

static CONFIGURATIONS: [Column; 4] = [
    required("tail", Kind::Text),
    required("effective_from", Kind::Time),
    optional("components", Kind::Nested),
    optional("modifications", Kind::Nested),
];

static TELEMETRY: [Column; 5] = [
    required("flight_id", Kind::Text),
    required("started_at", Kind::Time),
    required("tail", Kind::Text),
    optional("sample_rate_hz", Kind::Number),
    optional("parameters", Kind::Nested),
];
