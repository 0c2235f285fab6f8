"""The fleet's jobs for DuckDB: SQL, but for Poisson bounds and Weibull fits, which scipy gives by way of Arrow.

Tables are one Parquet file each, in a folder of its own. DuckDB's CSV reader types the rows and keeps a table of what
it rejects; it is told that nothing is quoted, so that a broken quote cannot swallow the lines after it. The one source
with quoted text is read as lines and split by a regular expression. JSON fields are read as text and cast, as the
reader makes null what does not fit.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow

from compare.jobs import bounds, fit
from compare.jobs.sources import (
    DELIVERED,
    MEASURED,
    NESTED,
    REFERENCE,
    SCHEDULED_MAINTENANCE,
    TELEMETRY,
    Column,
    Source,
    files,
)

TYPES = {
    "string": "varchar",
    "integer": "bigint",
    "float": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",
    "parameters": "map(varchar, double[])",
    "components": "struct(position varchar, ata varchar, part_number varchar, serial varchar, "
    "installed_at timestamptz, hours_at_install double, cycles_at_install bigint, "
    "hours_since_install double, cycles_since_install bigint)[]",
    "modifications": "struct(bulletin varchar, status varchar, embodied_at timestamptz)[]",
}
LONGEST_TAIL = 16
"""The JSON reader does not tell how long a line was. Made over-long, it is so by its registration."""


def ingest(connection: duckdb.DuckDBPyConnection, landing: str, reference: str, out: str) -> None:
    """Reads all sources, and writes `<out>/<source>` and `<out>/quarantine/<source>`.

    Of rows with one key, the one delivered last stands: by path, which begins with the day, then by the order in which
    the reader gave the rows, as it has no line numbers.
    """
    settings(connection)
    for source in DELIVERED:
        paths = files(source, landing)
        if paths:
            ingest_source(connection, source, paths, out)
    for source in REFERENCE:
        ingest_source(connection, source, [str(Path(reference, f"{source.name}.json"))], out)


def ingest_source(connection: duckdb.DuckDBPyConnection, source: Source, paths: list[str], out: str) -> None:
    drop_rejects(connection)
    columns = ", ".join(f'{value(source, field)} as "{field.name}"' for field in source.fields)
    connection.execute(f"""
        create or replace temp table judged as
        select *, {fault(source)} as _fault
        from (
            select {columns}, {broken(source)} as _broken, {raw(source)} as _raw, filename as _file, _place
            from (select *, row_number() over () as _place from {reader(source, paths)})
        )
    """)
    names = ", ".join(f'"{name}"' for name in source.names)
    key = ", ".join(f'"{name}"' for name in source.key)
    kept = "select * from judged where _fault is null"
    if source.is_exploded:
        kept = f"""
            select *, unnest(map_keys(parameters)) as parameter, unnest(map_values(parameters)) as samples
            from ({kept})
        """
    newest = f"row_number() over (partition by {key} order by _file desc, _place desc) = 1"
    write(connection, f"select {names}, _file from ({kept}) qualify {newest}", f"{out}/{source.name}")
    damaged = "select _file, _fault as reason, _raw as raw from judged where _fault is not null"
    if source.format == "csv":
        damaged += """
            union all
            select any_value(file_path), min(lower(error_type::varchar)), any_value(csv_line)
            from reject_errors
            join reject_scans using (scan_id, file_id)
            group by scan_id, file_id, line
        """
    write(connection, damaged, f"{out}/quarantine/{source.name}")
    connection.execute("drop table judged")
    drop_rejects(connection)


def rates(connection: duckdb.DuckDBPyConnection, tables: str, out: str) -> None:
    """Monthly rates of parts and of chapters: `component.sql` and `chapter.sql`."""
    settings(connection)
    for name in ("utilization", "events", "parts_catalog", "system_tree"):
        view(connection, name, tables)
    known = connection.execute("select 1 from duckdb_functions() where function_name = 'poisson_bounds'").fetchone()
    if not known:
        fields = connection.struct_type({"lower": "double", "upper": "double", "mtbur": "double"})
        connection.create_function("poisson_bounds", poisson_bounds, ["double", "double"], fields, type="arrow")
    for name in ("component", "chapter"):
        write(connection, Path(__file__).with_name(f"{name}.sql").read_text(), f"{out}/{name}")


def parameter_daily(connection: duckdb.DuckDBPyConnection, tables: str, out: str) -> None:
    """Daily statistics of each recorded and each measured parameter, with exact percentiles.

    Readings are summed up column by column and only the figures turned into rows, which takes three quarters of the
    time of the other order.
    """
    settings(connection)
    view(connection, "performance", tables)
    measured = ", ".join(f"{figures(name)} as {name}" for name in MEASURED)
    summaries = f"""
        select date, tail, engine_position, phase, parameter, figures
        from (
            unpivot (
                select recorded_at::date as date, tail, engine_position, phase, {measured}
                from performance
                group by all
            )
            on {", ".join(MEASURED)} into name parameter value figures
        )
    """
    if Path(tables, TELEMETRY.name).exists():
        view(connection, TELEMETRY.name, tables)
        summaries += f"""
            union all
            select started_at::date, tail, null, null, parameter, {figures("sample")}
            from (select started_at, tail, parameter, unnest(samples) as sample from telemetry)
            group by all
        """
    query = f"""
        select
            date, tail, engine_position, phase, parameter,
            figures.count, figures.mean, figures.stddev, figures.min,
            figures.percentiles[1] as p05, figures.percentiles[2] as p50, figures.percentiles[3] as p95,
            figures.max
        from ({summaries})
        where figures.count > 0
    """
    write(connection, query, f"{out}/parameter_daily")


def figures(column: str) -> str:
    return (
        f"{{count: count({column}), mean: avg({column}), stddev: stddev_samp({column}), min: min({column}), "
        f"percentiles: quantile_cont({column}, [0.05, 0.5, 0.95]), max: max({column})}}"
    )


def weibull(connection: duckdb.DuckDBPyConnection, lives: str, out: str) -> None:
    """A Weibull fit of each unit's lives, with scipy's `brentq` over lists: users cannot give DuckDB an aggregate."""
    settings(connection)
    fields = connection.struct_type(
        {"eta": "double", "beta": "double", "failures": "bigint", "log_likelihood": "double"}
    )
    connection.create_function("weibull_fit", weibull_fits, ["double[]", "boolean[]"], fields, type="arrow")
    query = f"""
        select unit, fit.*
        from (
            select unit, weibull_fit(list(duration), list(failed)) as fit
            from read_parquet('{lives}')
            group by unit
        )
    """
    write(connection, query, f"{out}/weibull")
    connection.remove_function("weibull_fit")


def settings(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("set TimeZone = 'UTC'")


def drop_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("drop table if exists reject_errors")
    connection.execute("drop table if exists reject_scans")


def view(connection: duckdb.DuckDBPyConnection, name: str, tables: str) -> None:
    connection.execute(f"create or replace temp view {name} as from read_parquet('{tables}/{name}/*.parquet')")


def write(connection: duckdb.DuckDBPyConnection, query: str, folder: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    connection.execute(f"copy ({query}) to '{folder}/part-0.parquet' (format parquet)")


def poisson_bounds(count: pyarrow.ChunkedArray, hours: pyarrow.ChunkedArray) -> pyarrow.Array:
    lower, upper, mtbur = bounds.bounds(count.to_numpy(), hours.to_numpy())
    arrays = [pyarrow.array(figures, from_pandas=True) for figures in (lower, upper, mtbur)]
    return pyarrow.StructArray.from_arrays(arrays, ["lower", "upper", "mtbur"])


def weibull_fits(durations: pyarrow.ChunkedArray, failed: pyarrow.ChunkedArray) -> pyarrow.Array:
    frame = fit.weibull_frame(durations.to_pandas(), failed.to_pandas())
    return pyarrow.StructArray.from_arrays(
        [pyarrow.array(frame[name], from_pandas=True) for name in frame], list(frame)
    )


def reader(source: Source, paths: list[str]) -> str:
    """The relation that reads a source."""
    if source is SCHEDULED_MAINTENANCE:
        # A field is quoted text, or has no quote.
        field = r'("(?:[^"]|"")*"|[^",]*),'
        lines = csv_reader(source, paths, chr(1), {"line": "varchar"})
        return f"(select *, regexp_extract_all(line || ',', '{field}', 1) as fields from {lines})"
    if source.format == "csv":
        return csv_reader(source, paths, ",", {field.name: TYPES[field.type] for field in source.fields})
    fields = {field.name: TYPES[field.type] if field.type in NESTED else "varchar" for field in source.fields}
    return (
        f"read_json({paths}, format = 'newline_delimited', columns = {fields}, ignore_errors = true, "
        f"filename = true, maximum_object_size = {2 * source.max_record_bytes})"
    )


def csv_reader(source: Source, paths: list[str], delimiter: str, fields: dict[str, str]) -> str:
    return (
        f"read_csv({paths}, auto_detect = false, header = true, delim = '{delimiter}', quote = '', escape = '', "
        f"columns = {fields}, filename = true, store_rejects = true, max_line_size = {source.max_record_bytes}, "
        "dateformat = '%Y-%m-%d')"
    )


def value(source: Source, field: Column) -> str:
    """The expression that gives a field its type."""
    text = text_of(source, field)
    if field.type in ("string", *NESTED) or (source.format == "csv" and source is not SCHEDULED_MAINTENANCE):
        return text
    return f"try_cast({text} as {TYPES[field.type]})"


def text_of(source: Source, field: Column) -> str:
    if source is not SCHEDULED_MAINTENANCE:
        return f'"{field.name}"'
    split = f"fields[{source.names.index(field.name) + 1}]"
    return f"""nullif(if({split}[1] = '"', replace({split}[2:-2], '""', '"'), {split}), '')"""


def broken(source: Source) -> str:
    """What is wrong with a record before its values are judged, or null."""
    cases = []
    if source is SCHEDULED_MAINTENANCE:
        cases.append("""when length(replace(line, '"', '')) % 2 <> length(line) % 2 then 'broken quote'""")
        cases.append(f"when len(fields) <> {len(source.fields)} then 'wrong field count'")
    elif source.format == "csv":
        texts = [field.name for field in source.fields if field.type == "string" and not field.values]
        cases += [f"""when contains("{name}", '"') then 'broken quote'""" for name in texts]
    else:
        cases.append(f"when {' and '.join(f'{name} is null' for name in source.key[:1])} then 'malformed'")
    for field in source.fields:
        if value(source, field) != text_of(source, field):
            text = text_of(source, field)
            cases.append(f"when {text} is not null and {value(source, field)} is null then 'bad value'")
    return f"case {' '.join(cases)} end" if cases else "null"


def raw(source: Source) -> str:
    """The text of a record, where the reader gives it."""
    return "line" if source is SCHEDULED_MAINTENANCE else "null::varchar"


def fault(source: Source) -> str:
    """What is wrong with a record, or null."""
    cases = ["when _broken is not null then _broken"]
    for field in source.fields:
        name = f'"{field.name}"'
        if field.required:
            cases.append(f"when {name} is null then 'missing required field'")
        if field.values:
            cases.append(f"when {name} not in {field.values} then 'unknown value'")
        if field.low is not None:
            cases.append(f"when {name} < {field.low} then 'out of range'")
        if field.high is not None:
            cases.append(f"when {name} > {field.high} then 'out of range'")
        if field.type == "parameters":
            lengths = f"list_unique(list_transform(map_values({name}), lambda samples: len(samples)))"
            cases.append(f"when {lengths} <> 1 then 'lists of unequal length'")
        if source.format == "json" and field.name == "tail":
            cases.append(f"when length({name}) > {LONGEST_TAIL} then 'over-long line'")
    return f"case {' '.join(cases)} end"
