"""What the results of each workload are compared with: our tables, row by row, before any time is shown."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow
import pyarrow.compute
import pyarrow.parquet

from compare.jobs.sources import DELIVERED, REFERENCE

RELATIVE = 1e-9
"""How far two figures may differ, in parts of the larger one."""

NEGLIGIBLE = 1e-12
"""Differences below this share of the largest figure of a column count as none: a standard deviation of equal values
is zero in one order of summation and a rounding error in another."""


@dataclass(frozen=True)
class Table:
    """A result folder, and our table with the same rows."""

    folder: str
    ours: str
    """`schema.table` of the warehouse, or the name of the result of `weibull.sql`."""
    key: tuple[str, ...]
    columns: tuple[str, ...]
    """Compared, by their names in the result folder."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Our name of a column that has another in the result folder."""
    distinct: bool = False
    """Ours repeats rows, over a column that is not compared."""


COUNTED = ("unscheduled_removals", "removals", "confirmed_failures", "nff")
ESTIMATED = (
    "mtbur_hours",
    "mtbur_lower_bound_hours",
    "mtbr_hours",
    "mtbf_hours",
    "removals_per_1000_unit_hours",
    "nff_rate",
    "mttr_hours",
)
WINDOWS = ("", "_3m", "_12m")

COMPONENT = Table(
    folder="component",
    ours="reliability.component",
    key=("month", "part_number"),
    columns=(
        *(f"{name}{window}" for window in WINDOWS for name in ("unit_hours", *COUNTED, *ESTIMATED)),
        *(f"removals_per_1000_unit_hours{window}_{side}" for window in WINDOWS for side in ("lower", "upper")),
        "months_3m",
        "months_12m",
    ),
)

CHAPTER = Table(
    folder="chapter",
    ours="reliability.ata_alert",
    key=("month", "ata"),
    columns=("pireps", "mareps", "flight_hours", "rate_per_1000_fh", "rate_3m", "rate_12m"),
    distinct=True,
)

PARAMETER_DAILY = Table(
    folder="parameter_daily",
    ours="statistics.parameter_daily",
    key=("date", "tail", "engine_position", "phase", "parameter"),
    columns=("count", "mean", "stddev", "min", "p05", "p50", "p95", "max"),
)

WEIBULL = Table(
    folder="weibull",
    ours="weibull",
    key=("unit",),
    columns=("eta", "beta", "failures", "log_likelihood"),
)

SOURCES = [
    Table(
        folder=source.name,
        ours=f"source.{source.name}",
        key=source.key,
        columns=tuple(name for name in source.names if name not in source.key),
    )
    for source in (*DELIVERED, *REFERENCE)
]


def tables_of(workload: str) -> list[Table]:
    """The tables of `ingest`, `rates`, `parameter_daily` or `weibull`. Of `ingest`, telemetry may be missing."""
    return {
        "ingest": SOURCES,
        "rates": [COMPONENT, CHAPTER],
        "parameter_daily": [PARAMETER_DAILY],
        "weibull": [WEIBULL],
    }[workload]


def read_result(folder: str | Path, table: Table) -> pyarrow.Table:
    """What an engine wrote to `<folder>/<table.folder>/`, as [`normalise`] leaves it."""
    files = sorted(Path(folder, table.folder).glob("*.parquet"))
    if not files:
        raise FileNotFoundError(f"{table.folder}: no files in {folder}")
    return normalise(concatenated(pyarrow.parquet.ParquetFile(file).read() for file in files), table)


def read_ours(warehouse: str | Path, table: Table) -> pyarrow.Table:
    """Our table with the names of the result folder, as [`normalise`] leaves it."""
    rows = read_warehouse(warehouse, table.ours)
    theirs = {ours: name for name, ours in table.renamed.items()}
    rows = rows.rename_columns([theirs.get(name, name) for name in rows.column_names])
    rows = normalise(rows, table)
    if table.distinct:
        rows = rows.group_by(rows.column_names).aggregate([])
    return rows


def read_warehouse(folder: str | Path, table: str) -> pyarrow.Table:
    """The rows of `schema.table` in its latest version: of the files that the log added and did not remove."""
    root = Path(folder, *table.split("."))
    files: dict[str, dict[str, str | None]] = {}
    partition_types: dict[str, str] = {}
    for entry in sorted((root / "_delta_log").glob("*.json")):
        for action in map(json.loads, entry.read_text().splitlines()):
            if "metaData" in action:
                partition_types = partitioned_by(action["metaData"])
            if "remove" in action:
                files.pop(action["remove"]["path"], None)
            if "add" in action:
                files[action["add"]["path"]] = action["add"].get("partitionValues") or {}
    if not files:
        raise FileNotFoundError(f"{table}: no files in {root}")
    return concatenated(
        with_partition(pyarrow.parquet.ParquetFile(root / unquote(path)).read(), values, partition_types)
        for path, values in files.items()
    )


def partitioned_by(metadata: dict[str, Any]) -> dict[str, str]:
    fields = json.loads(metadata["schemaString"])["fields"]
    return {field["name"]: field["type"] for field in fields if field["name"] in metadata["partitionColumns"]}


def with_partition(rows: pyarrow.Table, values: dict[str, str | None], types: dict[str, str]) -> pyarrow.Table:
    """Adds the partition's columns, which Delta leaves out of the files."""
    arrow = {"date": pyarrow.date32(), "long": pyarrow.int64(), "integer": pyarrow.int32()}
    for name, type_name in types.items():
        if name not in rows.column_names:
            column = pyarrow.array([values.get(name)] * rows.num_rows, pyarrow.string())
            rows = rows.append_column(name, column.cast(arrow.get(type_name, pyarrow.string())))
    return rows


def concatenated(tables: Iterator[pyarrow.Table]) -> pyarrow.Table:
    return pyarrow.concat_tables([table for table in tables if table.num_columns], promote_options="permissive")


def normalise(rows: pyarrow.Table, table: Table) -> pyarrow.Table:
    """The table's columns only, in types that all engines have in common.

    Instants become microseconds, whatever zone they claim to be in, as all are UTC; whole numbers 64 bits; NaN, which
    some write for a figure that is not there, null; nested values JSON text.
    """
    names = [*table.key, *table.columns]
    return pyarrow.table({name: plain(rows[name]) for name in names})


def plain(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    types, of = pyarrow.types, column.type
    if types.is_timestamp(of):
        return column.cast(pyarrow.timestamp("us", of.tz)).cast(pyarrow.int64())
    if types.is_integer(of) or types.is_null(of):
        return column.cast(pyarrow.int64())
    if types.is_floating(of):
        column = column.cast(pyarrow.float64())
        return pyarrow.compute.if_else(pyarrow.compute.is_nan(column), None, column)
    if types.is_nested(of):
        return pyarrow.chunked_array([[text_of(value) for value in column.to_pylist()]], pyarrow.string())
    if types.is_large_string(of) or types.is_string_view(of):
        return column.cast(pyarrow.string())
    return column


def text_of(value: Any) -> str | None:
    return None if value is None else json.dumps(value, default=moment, sort_keys=True)


def moment(value: Any) -> str:
    if isinstance(value, datetime):
        return value.replace(tzinfo=timezone.utc).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not expected in a nested value")


def differences(ours: pyarrow.Table, theirs: pyarrow.Table, table: Table) -> list[str]:
    """What differs, a line each; none if the tables agree. Both as [`normalise`] leaves them."""
    problems = []
    if ours.num_rows != theirs.num_rows:
        problems.append(f"{table.folder}: {theirs.num_rows} rows, expected {ours.num_rows}")
    ours, theirs = keyed(ours, table), keyed(theirs, table)
    for name, rows in (("ours", ours), ("theirs", theirs)):
        if len(rows.group_by("_key").aggregate([])) != len(rows):
            problems.append(f"{table.folder}: {name} has rows with the same key")
    paired = ours.join(theirs, "_key", join_type="inner", right_suffix="_theirs")
    if paired.num_rows != max(ours.num_rows, theirs.num_rows):
        for name, rows, others in (("expected", ours, theirs), ("not expected", theirs, ours)):
            alone = rows.join(others.select(["_key"]), "_key", join_type="left anti")["_key"]
            problems += [f"{table.folder}: {name} {key}" for key in alone[:3].to_pylist()]
    for name in table.columns:
        differs = unequal(paired[name], paired[f"{name}_theirs"])
        count = pyarrow.compute.sum(differs).as_py()
        if count:
            at = pyarrow.compute.index(differs, True).as_py()
            example = f"{paired['_key'][at]}: {paired[f'{name}_theirs'][at]}, expected {paired[name][at]}"
            problems.append(f"{table.folder}.{name}: {count} of {paired.num_rows} differ, such as {example}"[:600])
    return problems


def keyed(rows: pyarrow.Table, table: Table) -> pyarrow.Table:
    """The key as one text, in which null is a value like others."""
    parts = [rows[name].cast(pyarrow.string()).fill_null("null") for name in table.key]
    key = pyarrow.compute.binary_join_element_wise(*parts, " | ")
    return rows.select(list(table.columns)).append_column("_key", key)


def unequal(ours: pyarrow.ChunkedArray, theirs: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    compute = pyarrow.compute
    if not pyarrow.types.is_floating(ours.type):
        if ours.type != theirs.type:
            theirs = theirs.cast(ours.type)
        differs = compute.not_equal(ours, theirs)
    else:
        larger = compute.max_element_wise(compute.abs(ours), compute.abs(theirs))
        largest = compute.max(larger).as_py()
        allowed = compute.max_element_wise(compute.multiply(larger, RELATIVE), NEGLIGIBLE * (largest or 0.0))
        differs = compute.greater(compute.abs(compute.subtract(ours, theirs)), allowed)
    one_null = compute.xor(ours.is_null(), theirs.is_null())
    return compute.or_(compute.fill_null(differs, False), one_null)
