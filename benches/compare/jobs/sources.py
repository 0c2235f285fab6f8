"""What is delivered: the columns of each source, what identifies a row, and which files of `landing/` count.

The same facts as in `jobs/catalog/sources/`, in the form in which a team without that catalogue keeps them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = {"csv": (".csv",), "json": (".json", ".ndjson", ".jsonl")}
COMPRESSED = (".gz", ".zst")

NESTED = ("components", "modifications", "parameters", "samples")
"""Types of JSON fields that are no scalars."""


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    """`string`, `integer`, `float`, `boolean`, `date`, `timestamp`, or one of `NESTED`."""
    required: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    name: str
    format: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    max_record_bytes: int = 1 << 20

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def fields(self) -> tuple[Column, ...]:
        """What a delivered record holds. A recording holds the samples of all its parameters, which the table has in
        a row each."""
        if self.is_exploded:
            return (*self.columns[:-2], Column("parameters", "parameters", required=True))
        return self.columns

    @property
    def is_exploded(self) -> bool:
        return self.columns[-1].type == "samples"

    @property
    def header(self) -> str:
        """The first line of a CSV file. A file with its columns in another order ends in quarantine, row by row."""
        return ",".join(self.names)


def files(source: Source, landing: str) -> list[str]:
    """The files of a source, in order of delivery, without those that repeat another's bytes.

    Suppliers resend files. A copy counts once, at its first delivery: otherwise a late copy of a file would undo the
    corrections that came in between. Only files of equal size are hashed, which is next to none.
    """
    suffixes = SUFFIXES[source.format]
    found = [path for path in sorted(Path(landing, source.name).glob("*/*")) if readable(path.name, suffixes)]
    by_size = defaultdict(list)
    for path in found:
        by_size[path.stat().st_size].append(path)
    repeated: set[Path] = set()
    for paths in by_size.values():
        seen: set[bytes] = set()
        for path in paths if len(paths) > 1 else ():
            digest = hashlib.sha256(path.read_bytes()).digest()
            if digest in seen:
                repeated.add(path)
            seen.add(digest)
    return [str(path) for path in found if path not in repeated]


def readable(name: str, suffixes: tuple[str, ...]) -> bool:
    for compressed in COMPRESSED:
        name = name.removesuffix(compressed)
    return name.endswith(suffixes) and not name.startswith(".")


FLIGHTS = Source(
    name="flights",
    format="csv",
    key=("flight_id",),
    columns=(
        Column("flight_id", "string", required=True),
        Column("tail", "string", required=True),
        Column("flight_number", "string"),
        Column("origin", "string"),
        Column("destination", "string"),
        Column("scheduled_departure", "timestamp", required=True),
        Column("scheduled_arrival", "timestamp"),
        Column("off_block", "timestamp"),
        Column("takeoff", "timestamp"),
        Column("landing", "timestamp"),
        Column("on_block", "timestamp"),
        Column("flight_hours", "float", low=0),
        Column("block_hours", "float", low=0),
        Column("cycles", "integer", low=0),
        Column("delay_minutes", "float", low=0),
        Column("delay_code", "string"),
        Column("delay_ata", "string"),
        Column("cancelled", "boolean"),
        Column("cancellation_ata", "string"),
        Column("diverted", "boolean"),
        Column("air_turnback", "boolean"),
        Column("fuel_burn_kg", "float", low=0),
        Column("payload_kg", "float", low=0),
    ),
)
UTILIZATION = Source(
    name="utilization",
    format="csv",
    key=("tail", "date"),
    columns=(
        Column("tail", "string", required=True),
        Column("date", "date", required=True),
        Column("flight_hours", "float", low=0),
        Column("flight_cycles", "integer", low=0),
        Column("apu_hours", "float", low=0),
        Column("apu_cycles", "integer", low=0),
        Column("available_hours", "float", low=0, high=24),
    ),
)
SCHEDULED_MAINTENANCE = Source(
    name="scheduled_maintenance",
    format="csv",
    key=("work_order_id",),
    columns=(
        Column("work_order_id", "string", required=True),
        Column("tail", "string", required=True),
        Column("station", "string"),
        Column("task_id", "string"),
        Column("check_type", "string", values=("LINE", "A", "C")),
        Column("ata", "string"),
        Column("started_at", "timestamp", required=True),
        Column("completed_at", "timestamp"),
        Column("labor_hours", "float", low=0),
        Column("findings", "integer", low=0),
        Column("deferred", "boolean"),
        Column("cost_usd", "float", low=0),
        Column("description", "string"),
    ),
)
PERFORMANCE = Source(
    name="performance",
    format="csv",
    key=("flight_id", "engine_position", "phase"),
    columns=(
        Column("flight_id", "string", required=True),
        Column("engine_position", "integer", required=True, low=1),
        Column("phase", "string", required=True, values=("TAKEOFF", "CLIMB", "CRUISE")),
        Column("tail", "string", required=True),
        Column("recorded_at", "timestamp", required=True),
        Column("engine_serial", "string"),
        Column("n1_pct", "float", low=0),
        Column("n2_pct", "float", low=0),
        Column("egt_c", "float"),
        Column("egt_margin_c", "float"),
        Column("fuel_flow_kg_h", "float", low=0),
        Column("oil_pressure_psi", "float", low=0),
        Column("oil_temp_c", "float"),
        Column("vibration_ips", "float", low=0),
        Column("altitude_ft", "float"),
        Column("mach", "float", low=0),
        Column("tat_c", "float"),
    ),
)
EVENTS = Source(
    name="events",
    format="json",
    key=("event_id",),
    columns=(
        Column("event_id", "string", required=True),
        Column("tail", "string", required=True),
        Column("flight_id", "string"),
        Column("occurred_at", "timestamp", required=True),
        Column("kind", "string", required=True, values=("REMOVAL", "PIREP", "MAREP", "IFSD")),
        Column("ata", "string"),
        Column("position", "string"),
        Column("part_number", "string"),
        Column("serial_off", "string"),
        Column("serial_on", "string"),
        Column("reason", "string", values=("UNSCHEDULED", "SCHEDULED", "CONVENIENCE")),
        Column("shop_finding", "string", values=("CONFIRMED", "NFF", "PENDING")),
        Column("hours_since_install", "float", low=0),
        Column("cycles_since_install", "integer", low=0),
        Column("downtime_hours", "float", low=0),
        Column("labor_hours", "float", low=0),
        Column("deferred", "boolean"),
        Column("mel_item", "string"),
        Column("text", "string"),
    ),
)
ALERTS = Source(
    name="alerts",
    format="json",
    key=("alert_id",),
    columns=(
        Column("alert_id", "string", required=True),
        Column("tail", "string", required=True),
        Column("flight_id", "string"),
        Column("raised_at", "timestamp", required=True),
        Column("cleared_at", "timestamp"),
        Column("ata", "string"),
        Column("severity", "string", values=("WARNING", "CAUTION", "ADVISORY")),
        Column("code", "string"),
        Column("message", "string"),
        Column("failure", "boolean"),
    ),
)
CONFIGURATIONS = Source(
    name="configurations",
    format="json",
    key=("tail", "effective_from"),
    columns=(
        Column("tail", "string", required=True),
        Column("effective_from", "timestamp", required=True),
        Column("components", "components"),
        Column("modifications", "modifications"),
    ),
)
TELEMETRY = Source(
    name="telemetry",
    format="json",
    key=("flight_id", "started_at", "parameter"),
    columns=(
        Column("flight_id", "string", required=True),
        Column("started_at", "timestamp", required=True),
        Column("tail", "string", required=True),
        Column("sample_rate_hz", "float", low=0),
        Column("parameter", "string", required=True),
        Column("samples", "samples"),
    ),
    max_record_bytes=64 << 20,
)
PARTS_CATALOG = Source(
    name="parts_catalog",
    format="json",
    key=("part_number",),
    columns=(
        Column("part_number", "string", required=True),
        Column("description", "string"),
        Column("ata", "string"),
        Column("quantity_per_aircraft", "integer", low=0),
        Column("mtbur_guaranteed_hours", "float", low=0),
        Column("unit_cost_usd", "float", low=0),
        Column("repairable", "boolean"),
    ),
)
SYSTEM_TREE = Source(
    name="system_tree",
    format="json",
    key=("ata",),
    columns=(
        Column("ata", "string", required=True),
        Column("title", "string"),
        Column("parent", "string"),
    ),
)

DELIVERED = (
    FLIGHTS,
    UTILIZATION,
    SCHEDULED_MAINTENANCE,
    PERFORMANCE,
    EVENTS,
    ALERTS,
    CONFIGURATIONS,
    TELEMETRY,
)
"""The sources below `landing/`."""

REFERENCE = (PARTS_CATALOG, SYSTEM_TREE)
"""The sources below `reference/`, a file each."""

MEASURED = (
    "n1_pct",
    "n2_pct",
    "egt_c",
    "egt_margin_c",
    "fuel_flow_kg_h",
    "oil_pressure_psi",
    "oil_temp_c",
    "vibration_ips",
    "altitude_ft",
    "mach",
    "tat_c",
)
"""The columns of `performance` that are measurements."""
