"""Compares the rows that engines gave, before any of their times is shown. Runs in the peers' environment.

`python -m compare.rows queries` takes lines `{"case": …, "engine": …, "expected": FILE, "rows": FILE}` of two Parquet files,
`python -m compare.rows jobs` lines `{"case": …, "engine": …, "expected": FOLDER, "rows": FOLDER}` of our warehouse and an
engine's results, or another warehouse of ours. Each prints the lines again with `difference`: null, or the first thing
that differs.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.parquet

RELATIVE = 1e-9
"""How far two numbers may differ, in parts of the larger one."""

ABSOLUTE = 1e-6
"""How far decimal averages and quotients may differ: of their six digits, some engines cut the last and others round it."""

QUOTIENT_SCALE = 6
"""Decimals of fewer digits are sums and products, which all engines have exactly."""

SORT_DIGITS = 7
"""Numbers are sorted as if they had so many digits, so that the last ones do not set the order."""


def main() -> None:
    check = {"queries": check_query, "jobs": check_job}[sys.argv[1]]
    for line in sys.stdin:
        pair = json.loads(line)
        try:
            pair["difference"] = check(pair["case"], Path(pair["expected"]), Path(pair["rows"]))
        except (OSError, ValueError, KeyError, pyarrow.ArrowException) as error:
            pair["difference"] = f"cannot be compared: {type(error).__name__}: {error}"
        print(json.dumps(pair), flush=True)


def check_query(_case: str, expected: Path, rows: Path) -> str | None:
    return difference(pyarrow.parquet.read_table(expected), pyarrow.parquet.read_table(rows))


def check_job(case: str, expected: Path, rows: Path) -> str | None:
    return next(job_differences(case, expected, rows), None)


def job_differences(workload: str, expected: Path, rows: Path) -> Iterator[str]:
    from compare.jobs import expected as jobs

    for table in jobs.tables_of(workload):
        place = table.ours.replace(".", "/")
        if workload == "ingest" and not (expected / place).is_dir():
            if (rows / table.folder).is_dir():
                yield f"{table.folder}: not expected"
            continue

        def read(folder: Path) -> pyarrow.Table:
            return (jobs.read_ours if (folder / place / "_delta_log").is_dir() else jobs.read_result)(folder, table)

        yield from jobs.differences(read(expected), read(rows), table)


def difference(expected: pyarrow.Table, rows: pyarrow.Table) -> str | None:
    """What first differs between two results, whatever the order of their rows; columns are told apart by place."""
    if expected.num_columns != rows.num_columns:
        return f"{rows.num_columns} columns, expected {expected.num_columns}"
    if expected.num_rows != rows.num_rows:
        return f"{rows.num_rows} rows, expected {expected.num_rows}"
    allowed = [tolerance(one.type, other.type) for one, other in zip(expected.columns, rows.columns)]
    try:
        return first_difference(in_order(expected, allowed), in_order(rows, allowed), allowed)
    except pyarrow.ArrowException as error:
        return f"types that do not compare: {error}"


def first_difference(expected: pyarrow.Table, rows: pyarrow.Table, allowed: list[float | None]) -> str | None:
    first: tuple[int, int] | None = None
    for place, absolute in enumerate(allowed):
        wrong = unequal(expected.column(place), rows.column(place), absolute)
        at = int(numpy.argmax(wrong)) if wrong.any() else None
        if at is not None and (first is None or at < first[0]):
            first = (at, place)
    if first is None:
        return None
    at, place = first
    theirs, ours = (list(table.slice(at, 1).to_pylist()[0].values()) for table in (rows, expected))
    return f"row {at + 1} in order, column {place + 1}: {theirs[place]}, expected {ours[place]}; the row is {theirs}"


def tolerance(one: pyarrow.DataType, other: pyarrow.DataType) -> float | None:
    """By how much numbers of these types may differ absolutely; none where values must be the same."""
    types = pyarrow.types
    inexact = [types.is_decimal(of) or types.is_floating(of) for of in (one, other)]
    if not any(inexact):
        return None
    decimals = [of for of in (one, other) if types.is_decimal(of)]
    exact = one == other and all(of.scale < QUOTIENT_SCALE for of in decimals)
    return ABSOLUTE if decimals and not exact else 0.0


def in_order(table: pyarrow.Table, allowed: list[float | None]) -> pyarrow.Table:
    """The rows by their exact columns first, then by rounded numbers; in types that engines have in common."""
    plain_columns = [plain(column, exact=absolute is None) for column, absolute in zip(table.columns, allowed)]
    exact = [place for place, absolute in enumerate(allowed) if absolute is None]
    numbers = [place for place, absolute in enumerate(allowed) if absolute is not None]
    keys = {f"{place}": plain_columns[place] for place in exact}
    keys |= {f"{place}": rounded(plain_columns[place]) for place in numbers}
    named = pyarrow.table({f"{place}": column for place, column in enumerate(plain_columns)})
    if not keys:
        return named
    order = pyarrow.compute.sort_indices(pyarrow.table(keys), sort_keys=[(name, "ascending") for name in keys])
    return named.take(order)


def plain(column: pyarrow.ChunkedArray, exact: bool) -> pyarrow.ChunkedArray:
    types, of = pyarrow.types, column.type
    if types.is_dictionary(of):
        column, of = column.cast(of.value_type), of.value_type
    if not exact:
        return column.cast(pyarrow.float64())
    if types.is_integer(of):
        return column.cast(pyarrow.int64())
    if types.is_date(of) or types.is_timestamp(of):
        return column.cast(pyarrow.timestamp("us"), safe=False)
    if types.is_string(of) or types.is_large_string(of) or types.is_string_view(of):
        return column.cast(pyarrow.string())
    if types.is_nested(of):
        texts = [None if value is None else json.dumps(value, default=str) for value in column.to_pylist()]
        return pyarrow.chunked_array([texts], pyarrow.string())
    return column


def rounded(column: pyarrow.ChunkedArray) -> pyarrow.Array:
    values = column.to_numpy()
    with numpy.errstate(divide="ignore", invalid="ignore"):
        exponent = numpy.floor(numpy.log10(numpy.abs(values)))
    unit = 10.0 ** (SORT_DIGITS - 1 - numpy.where(numpy.isfinite(exponent), exponent, 0.0))
    return pyarrow.array(numpy.round(values * unit) / unit)


def unequal(expected: pyarrow.ChunkedArray, rows: pyarrow.ChunkedArray, absolute: float | None) -> numpy.ndarray:
    """Where two columns differ. Of nulls and NaN, each equals its like."""
    nulls = numpy.asarray(expected.is_null()) != numpy.asarray(rows.is_null())
    if absolute is None:
        if expected.type != rows.type:
            raise pyarrow.ArrowTypeError(f"{rows.type}, expected {expected.type}")
        return nulls | numpy.asarray(pyarrow.compute.not_equal(expected, rows).fill_null(False))
    one, other = expected.to_numpy(), rows.to_numpy()
    return nulls | ~numpy.isclose(other, one, rtol=RELATIVE, atol=absolute, equal_nan=True)


if __name__ == "__main__":
    main()
