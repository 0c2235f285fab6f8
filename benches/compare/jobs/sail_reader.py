"""Reads a source in Sail 0.7, with Arrow functions.

Sail's own readers give up a file at the first damaged line and do not say which file a row came from. `from_csv` does
not know quoted commas, so pyarrow parses CSV. `from_json` knows neither a corrupt record nor ISO timestamps, so fields
are read as text and cast.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pyarrow
import pyarrow.compute
import pyarrow.csv
from pyspark import cloudpickle
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from compare.jobs.sources import NESTED, Source
from compare.jobs.spark_reader import TYPES, judged

Batches = Iterator[pyarrow.RecordBatch]
Reader = Callable[[Batches], Batches]

READERS = 8
"""In how many parts files are read: some are far longer than others."""

# Workers get functions by value: they need not find this module.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def read(spark: SparkSession, source: Source, paths: list[str]) -> DataFrame:
    """The same columns as of `spark_reader.read`."""
    partitions = min(len(paths), READERS)
    listed = spark.createDataFrame([(path,) for path in paths], "path string").repartition(partitions)
    if source.format == "csv":
        fields = ", ".join(f"`{name}` string" for name in source.names)
        reader = csv_reader(source)
        texts = listed.mapInArrow(reader, f"_file string, _place bigint, _raw string, _fault string, {fields}")
    else:
        reader = line_reader(source)
        texts = listed.mapInArrow(reader, "_file string, _place bigint, _raw string, _fault string")
        texts = texts.withColumn("_row", F.from_json("_raw", ", ".join(as_text(source))))
        texts = texts.select("_file", "_place", "_raw", "_fault", "_row.*")
    return judged(source, typed(source, texts))


def as_text(source: Source) -> list[str]:
    """The fields of a JSON record for Sail: all but numbers in lists as text, which is cast later."""
    nested = {name: text.replace(": timestamp", ": string") for name, text in TYPES.items() if name in NESTED}
    return [f"`{field.name}` {nested.get(field.type, 'string')}" for field in source.fields]


def typed(source: Source, texts: DataFrame) -> DataFrame:
    """Casts what was read as text; what does not fit is a fault."""
    casts = {
        field.name: F.col(field.name).try_cast(TYPES[field.type])
        for field in source.fields
        if field.type not in ("string", "parameters")
    }
    misfits = [F.when(F.col(name).isNotNull() & cast.isNull(), "bad value") for name, cast in casts.items()]
    fault = F.coalesce("_fault", *misfits).alias("_fault")
    fields = [casts.get(name, F.col(name)).alias(name) for name in texts.columns if name != "_fault"]
    return texts.select(fault, *fields)


def line_reader(source: Source) -> Reader:
    """An Arrow function from paths to lines of JSON."""
    limit = source.max_record_bytes

    def parse(batches: Batches) -> Batches:
        for path in (path for batch in batches for path in batch.column(0).to_pylist()):
            lines, faults = screened(path, limit)
            yield from record(path, lines, faults, {})

    return parse


def csv_reader(source: Source) -> Reader:
    """An Arrow function from paths to rows of CSV, all columns as text."""
    limit, header, names = source.max_record_bytes, source.header.encode(), source.names
    text = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pyarrow.string()), null_values=[""], strings_can_be_null=True
    )

    def parse(batches: Batches) -> Batches:
        for path in (path for batch in batches for path in batch.column(0).to_pylist()):
            lines, faults = screened(path, limit, header, quotes=True)
            bad = faults.is_valid()
            yield from record(path, lines.filter(bad), faults.filter(bad), dict.fromkeys(names))
            misshapen: list[str] = []
            rows = rows_of(lines.filter(faults.is_null()), misshapen)
            shapes = pyarrow.array(["wrong field count"] * len(misshapen), pyarrow.string())
            yield from record(path, pyarrow.array(misshapen, pyarrow.binary()), shapes, dict.fromkeys(names))
            if rows is not None:
                nulls = pyarrow.nulls(len(rows), pyarrow.string())
                yield from record(path, nulls, nulls, dict(zip(names, rows.combine_chunks().to_batches()[0].columns)))

    def rows_of(lines: pyarrow.BinaryArray, misshapen: list[str]) -> pyarrow.Table | None:
        if len(lines) == 0:
            return None
        together = pyarrow.ListArray.from_arrays([0, len(lines)], lines)
        data = pyarrow.compute.binary_join(together, b"\n")[0].as_buffer()

        def skip(row: pyarrow.csv.InvalidRow) -> str:
            misshapen.append(row.text)
            return "skip"

        return pyarrow.csv.read_csv(
            data,
            pyarrow.csv.ReadOptions(column_names=names, use_threads=False, block_size=data.size + 1),
            pyarrow.csv.ParseOptions(invalid_row_handler=skip),
            text,
        )

    return parse


def screened(
    path: str, limit: int, header: bytes | None = None, quotes: bool = False
) -> tuple[pyarrow.Array, pyarrow.Array]:
    """The lines of a file, as bytes, and what is wrong with each before it is parsed."""
    compute = pyarrow.compute
    with pyarrow.input_stream(path) as stream:  # Decompresses what ends in .gz or .zst.
        content = stream.read()
    lines = compute.split_pattern(pyarrow.array([content], pyarrow.binary()), b"\n").flatten()
    lines = lines.filter(compute.greater(compute.binary_length(lines), 0))
    if header is not None:
        lines = lines.filter(compute.not_equal(lines, header))
    faults = pyarrow.nulls(len(lines), pyarrow.string())
    if quotes:
        odd = compute.equal(compute.bit_wise_and(compute.count_substring(lines, b'"'), 1), 1)
        faults = compute.if_else(odd, "broken quote", faults)
    faults = compute.if_else(compute.greater(compute.binary_length(lines), limit), "over-long line", faults)
    try:
        lines.cast(pyarrow.string())
    except pyarrow.ArrowInvalid:
        # Rare, and so a row at a time.
        unreadable = pyarrow.array(["\ufffd" in line.decode(errors="replace") for line in lines.to_pylist()])
        faults = compute.if_else(unreadable, "invalid UTF-8", faults)
    return lines, faults


def record(path: str, lines: pyarrow.Array, faults: pyarrow.Array, columns: dict[str, pyarrow.Array | None]) -> Batches:
    """What a reader gives of one file: where it was, its text (of damaged rows and of JSON), its fault, its columns."""
    rows = len(faults)
    if rows == 0:
        return
    if lines.type != pyarrow.string():
        try:
            lines = lines.cast(pyarrow.string())
        except pyarrow.ArrowInvalid:
            lines = pyarrow.array([line.decode(errors="replace") for line in lines.to_pylist()], pyarrow.string())
    empty = pyarrow.nulls(rows, pyarrow.string())
    named = {
        "_file": pyarrow.array([path] * rows, pyarrow.string()),
        "_place": pyarrow.array(range(rows), pyarrow.int64()),
        "_raw": lines,
        "_fault": faults,
        **{name: empty if column is None else column for name, column in columns.items()},
    }
    yield pyarrow.RecordBatch.from_pydict(named)
