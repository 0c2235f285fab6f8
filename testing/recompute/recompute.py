#!/usr/bin/env python3
"""Recomputes three published tables from the landing files, and compares tables.

This shares no code with the jobs: it reads the delivered files themselves and follows the written
definitions of the tables, so that a mistake in the models and a mistake here are unlikely to agree.

    recompute.py DATA_DIR --out DIR             compute the tables, one CSV file each
    recompute.py compare EXPECTED_DIR FOUND_DIR compare CSV files of the same name

DATA_DIR holds `landing/`, `reference/` and `truth/`. The tables are `operations.dispatch_reliability`,
`operations.utilization` and `reliability.component`, the last without its statistical bounds.
Python 3.11 or newer; only .zst files need a package (requirements.txt).
"""

import argparse
import csv
import gzip
import hashlib
import json
import math
import re
import sys
import zlib
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

EXAMPLE = """\
example:
  recompute.py made/ --out expected/
  recompute.py compare expected/ exported/

`exported/` holds the tables to be judged, one file each, named as here:
operations.dispatch_reliability.csv, operations.utilization.csv, reliability.component.csv.
Exit code: 0 agreed or computed, 1 a difference, 2 the input cannot be used.
"""


class Unusable(Exception):
    """The input breaks the contract in a way nobody announced."""


# --- What is written, and what compare makes of it ---------------------------------------------------

DISPATCH = "operations.dispatch_reliability"
UTILIZATION = "operations.utilization"
COMPONENT = "reliability.component"

KEYS = {
    DISPATCH: ("month", "tail"),
    UTILIZATION: ("month", "tail"),
    COMPONENT: ("month", "part_number"),
}

COUNTS = {
    DISPATCH: ("scheduled_departures", "technical_delays", "technical_cancellations", "diversions", "air_turnbacks"),
    UTILIZATION: ("flight_cycles", "aircraft_days"),
    COMPONENT: ("unscheduled_removals", "removals", "confirmed_failures", "nff", "months"),
}

WINDOWS = (("", 1), ("_3m", 3), ("_12m", 12))

# Columns that say who wrote a row and when, never compared.
RESERVED = ("run_id", "computed_at")

RELATIVE_TOLERANCE = 1e-9
DIFFERENCES_SHOWN = 10


def is_count(table, column):
    return re.sub(r"_(3|12)m$", "", column) in COUNTS[table]


# --- Reading delivered files -------------------------------------------------------------------------

SOURCES = {
    "flights": ("csv", ("flight_id",)),
    "utilization": ("csv", ("tail", "date")),
    "events": ("json", ("event_id",)),
}

DELIVERED_ON = re.compile(r"\d{4}-\d{2}-\d{2}")


def decompressed(path, data):
    if path.endswith(".gz"):
        try:
            return gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise Unusable(f"{path}: {error}") from error
    if path.endswith(".zst"):
        try:
            import zstandard
        except ImportError as error:
            raise Unusable(f"{path}: .zst files need the packages of requirements.txt") from error
        try:
            with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
                return reader.read()
        except zstandard.ZstdError as error:
            raise Unusable(f"{path}: {error}") from error
    return data


def kind_of(path):
    """`csv`, `json` or, for any other file, nothing."""
    name = re.sub(r"\.(gz|zst)$", "", path)
    return name.rpartition(".")[2] if name.endswith((".csv", ".json")) else None


def csv_records(path, data, damaged):
    """(line, {column: text or None}) for every record but those that start on a damaged line.

    Damaged lines are dropped before the text is parsed: a quote left open there must not swallow what
    follows, nor must bytes that are no UTF-8 stop the rest.
    """
    header, pending, started = None, "", 0
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not pending:
            if number in damaged:
                continue
            started = number
        pending += text_of(path, number, raw)
        if pending.count('"') % 2:
            pending += "\n"
            continue
        record, pending = pending.removesuffix("\r"), ""
        if not record:
            continue
        fields = csv_fields(path, started, record)
        if header is None:
            header = fields
        elif len(fields) != len(header):
            raise Unusable(f"{path}:{started}: {len(fields)} fields, the header has {len(header)}")
        else:
            yield started, {column: field or None for column, field in zip(header, fields)}
    if pending:
        raise Unusable(f"{path}:{started}: a quote is not closed")


def csv_fields(path, line, record):
    if '"' not in record:
        return record.split(",")
    try:
        return next(csv.reader([record], strict=True))
    except csv.Error as error:
        raise Unusable(f"{path}:{line}: {error}") from error


def json_records(path, data, damaged):
    """(line, object) of NDJSON, or (ordinal, object) of a file that holds one array."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.lstrip()[:1] == b"[":
        yield from json_elements(path, data.decode("utf-8", "surrogateescape"), damaged)
        return
    for number, raw in enumerate(data.split(b"\n"), start=1):
        if number in damaged or not raw.strip():
            continue
        try:
            value = json.loads(text_of(path, number, raw))
        except ValueError as error:
            raise Unusable(f"{path}:{number}: {error}") from error
        yield number, object_of(path, number, value)


def json_elements(path, text, damaged):
    """The elements of a JSON array one by one, so that a damaged one spoils no other."""
    decoder = json.JSONDecoder()
    blank = re.compile(r"\s*")
    at, ordinal = blank.match(text, text.index("[") + 1).end(), 0
    while text[at : at + 1] not in ("]", ""):
        ordinal += 1
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError as error:
            if ordinal not in damaged:
                raise Unusable(f"{path}:{ordinal}: {error}") from error
            end = after_damage(text, at)
        else:
            if ordinal not in damaged:
                yield ordinal, object_of(path, ordinal, value)
        at = blank.match(text, end).end()
        if text[at : at + 1] == ",":
            at = blank.match(text, at + 1).end()


def after_damage(text, at):
    """The comma before what looks like the next element, which may be damaged too, or the end."""
    comma = re.compile(r',(?=\s*\{\s*")').search(text, at)
    return comma.start() if comma else len(text)


def text_of(path, line, raw):
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unusable(f"{path}:{line}: {error}") from error


def object_of(path, line, value):
    if not isinstance(value, dict):
        raise Unusable(f"{path}:{line}: not an object")
    return value


def deliveries(landing, source, kind):
    """(path relative to the landing root, bytes, digest) in the order of delivery, each content once."""
    folder = landing / source
    if not folder.is_dir():
        raise Unusable(f"{folder}: no such folder")
    seen = set()
    days = sorted(day for day in folder.iterdir() if day.is_dir() and DELIVERED_ON.fullmatch(day.name))
    for day in days:
        for file in sorted((file for file in day.iterdir() if file.is_file()), key=lambda file: file.name):
            path = file.relative_to(landing).as_posix()
            if kind_of(path) != kind:
                print(f"note: {path} is not read, {source} is {kind}", file=sys.stderr)
                continue
            data = file.read_bytes()
            digest = digest_of(data)
            if digest in seen:
                continue
            seen.add(digest)
            yield path, data, digest


def digest_of(data):
    return hashlib.sha256(data).digest()


def standing_rows(landing, source, damaged):
    """(where, row) of every key of a source: of several rows with one key, the one delivered last."""
    kind, key_columns = SOURCES[source]
    records = csv_records if kind == "csv" else json_records
    standing = {}
    for path, data, digest in deliveries(landing, source, kind):
        for line, row in records(path, decompressed(path, data), damaged.get(digest, ())):
            where = f"{path}:{line}"
            key = tuple(required(where, row, column) for column in key_columns)
            standing[key] = (where, row)
    return list(standing.values())


def damaged_rows(data_dir):
    """{digest of a delivered file: damaged lines}

    By content, as of files with the same bytes only the one delivered first is read, whichever is listed.
    """
    path = data_dir / "truth" / "damaged_rows.csv"
    listed = defaultdict(set)
    for line, row in csv_records(path, path.read_bytes(), ()):
        where = f"{path}:{line}"
        listed[required(where, row, "file")].add(whole(where, row, "line"))
    damaged = defaultdict(set)
    for file, lines in listed.items():
        if file.partition("/")[0] in SOURCES:
            damaged[digest_of((data_dir / "landing" / file).read_bytes())] |= lines
    return damaged


def quantities(data_dir):
    """{part number: quantity per aircraft}"""
    path = data_dir / "reference" / "parts_catalog.json"
    found = {}
    for line, row in json_records(path, path.read_bytes(), ()):
        part = required(f"{path}:{line}", row, "part_number")
        if part in found:
            raise Unusable(f"{path}:{line}: {part} is there twice")
        found[part] = required(f"{path}:{line}", row, "quantity_per_aircraft")
    return found


# --- Fields ------------------------------------------------------------------------------------------


def required(where, row, column):
    value = row.get(column)
    if value is None:
        raise Unusable(f"{where}: {column} is missing")
    return value


def number(where, row, column):
    value = row.get(column)
    if value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise Unusable(f"{where}: {column} is no number: {value!r}")
    return found


def whole(where, row, column):
    value = row.get(column)
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError) as error:
        raise Unusable(f"{where}: {column} is no whole number: {value!r}") from error


def flag(where, row, column):
    value = row.get(column)
    if value not in ("true", "false", None):
        raise Unusable(f"{where}: {column} is neither true nor false: {value!r}")
    return value == "true"


def utc_day(where, row, column):
    value = required(where, row, column)
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Unusable(f"{where}: {column} is no time: {value!r}") from error
    if moment.tzinfo is None:
        raise Unusable(f"{where}: {column} names no time zone: {value!r}")
    return moment.astimezone(UTC).date()


def calendar_day(where, row, column):
    value = required(where, row, column)
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Unusable(f"{where}: {column} is no date: {value!r}") from error


def check_columns(rows, columns):
    """A CSV column missing from a header would pass for null in every row."""
    for where, row in rows:
        for column in columns:
            if column not in row:
                raise Unusable(f"{where}: no column {column}")


def chapter(ata):
    return ata.partition("-")[0]


def month_of(day):
    """Months count from the year 0, so that windows are plain ranges."""
    return day.year * 12 + day.month - 1


def month_text(month):
    return date(month // 12, month % 12 + 1, 1).isoformat()


def ratio(numerator, denominator):
    return numerator / denominator if denominator else None


# --- The tables --------------------------------------------------------------------------------------


def dispatch_reliability(flights):
    check_columns(
        flights,
        ("scheduled_departure", "delay_minutes", "delay_code", "delay_ata", "cancelled", "cancellation_ata")
        + ("diverted", "air_turnback"),
    )
    cells = defaultdict(Counter)
    hits = defaultdict(bool)  # (tail, day, chapter) -> one of its flights was cancelled
    for where, row in flights:
        tail, day = required(where, row, "tail"), utc_day(where, row, "scheduled_departure")
        required(where, row, "cancelled")
        found = Counter(scheduled_departures=1)
        found["diversions"] += flag(where, row, "diverted")
        found["air_turnbacks"] += flag(where, row, "air_turnback")
        if flag(where, row, "cancelled"):
            if row["cancellation_ata"] is not None:
                hits[tail, day, chapter(row["cancellation_ata"])] = True
        elif is_technical_delay(where, row):
            if row["delay_ata"] is None:
                found["technical_delays"] += 1
            else:
                hits[tail, day, chapter(row["delay_ata"])] |= False
        for of in (tail, None):
            cells[month_of(day), of].update(found)
    for (tail, day, _), cancelled in hits.items():
        for of in (tail, None):
            cells[month_of(day), of]["technical_cancellations" if cancelled else "technical_delays"] += 1

    for (month, tail), cell in cells.items():
        counts = {column: cell[column] for column in COUNTS[DISPATCH]}
        departures = counts["scheduled_departures"]
        missed = counts["technical_delays"] + counts["technical_cancellations"]
        yield {
            "month": month_text(month),
            "tail": tail,
            **counts,
            "dispatch_reliability_pct": 100 * (departures - missed) / departures,
        }


def is_technical_delay(where, row):
    minutes, code = number(where, row, "delay_minutes"), row["delay_code"]
    return minutes is not None and minutes > 15 and code is not None and re.fullmatch("4[1-8]", code) is not None


def utilization(days):
    check_columns(days, ("flight_hours", "flight_cycles", "available_hours"))
    cells = defaultdict(list)
    for where, row in days:
        month = month_of(calendar_day(where, row, "date"))
        figures = (
            number(where, row, "flight_hours"),
            whole(where, row, "flight_cycles"),
            number(where, row, "available_hours"),
        )
        for of in (required(where, row, "tail"), None):
            cells[month, of].append(figures)

    for (month, tail), figures in cells.items():
        hours = sum_of_known(figures, 0, math.fsum)
        cycles = sum_of_known(figures, 1, sum)
        available = sum_of_known(figures, 2, math.fsum)
        aircraft_days = len(figures)
        yield {
            "month": month_text(month),
            "tail": tail,
            "flight_hours": hours,
            "flight_cycles": cycles,
            "aircraft_days": aircraft_days,
            "hours_per_day": None if hours is None else hours / aircraft_days,
            "cycles_per_day": None if cycles is None else cycles / aircraft_days,
            "availability_pct": None if available is None else 100 * available / (24 * aircraft_days),
        }


def sum_of_known(figures, position, add):
    known = [row[position] for row in figures if row[position] is not None]
    return add(known) if known else None


def fleet_hours(days):
    """{month: flight hours of the fleet} of the months in which it flew"""
    hours = defaultdict(list)
    for where, row in days:
        hours[month_of(calendar_day(where, row, "date"))].append(number(where, row, "flight_hours") or 0.0)
    totals = {month: math.fsum(values) for month, values in hours.items()}
    return {month: total for month, total in totals.items() if total > 0}


def component(days, events, per_aircraft):
    flown = fleet_hours(days)
    if not flown:
        return
    first = min(flown)
    removals = defaultdict(list)  # (part, month) -> (unscheduled, NFF, downtime)
    for where, row in events:
        part = row.get("part_number")
        if row.get("kind") != "REMOVAL" or part is None:
            continue
        month = month_of(utc_day(where, row, "occurred_at"))
        unscheduled = row.get("reason") == "UNSCHEDULED"
        nff = unscheduled and row.get("shop_finding") == "NFF"
        removals[part, month].append((unscheduled, nff, number(where, row, "downtime_hours")))
    between = sum(
        len(cell)
        for (part, month), cell in removals.items()
        if part in per_aircraft and first < month < max(flown) and month not in flown
    )
    if between:
        print(f"note: {between} removals fall in months without flights between months with flights", file=sys.stderr)

    for part, quantity in per_aircraft.items():
        for month in flown:
            row = {"month": month_text(month), "part_number": part}
            for suffix, length in WINDOWS:
                # Nothing counts before the fleet first flew; later months without flights do belong.
                window = range(max(first, month - length + 1), month + 1)
                held = [removal for each in window for removal in removals.get((part, each), ())]
                hours = quantity * math.fsum(flown.get(each, 0.0) for each in window)
                for column, value in component_figures(hours, held).items():
                    row[column + suffix] = value
                if suffix:
                    row["months" + suffix] = sum(each in flown for each in window)
            yield row


def component_figures(hours, removals):
    unscheduled = sum(removal[0] for removal in removals)
    nff = sum(removal[1] for removal in removals)
    downtimes = [downtime for was_unscheduled, _, downtime in removals if was_unscheduled and downtime is not None]
    return {
        "unit_hours": float(hours),
        "unscheduled_removals": unscheduled,
        "removals": len(removals),
        "confirmed_failures": unscheduled - nff,
        "nff": nff,
        "mtbur_hours": ratio(hours, unscheduled),
        "mtbr_hours": ratio(hours, len(removals)),
        "mtbf_hours": ratio(hours, unscheduled - nff),
        "removals_per_1000_unit_hours": ratio(1000 * unscheduled, hours),
        "nff_rate": ratio(nff, unscheduled),
        "mttr_hours": ratio(math.fsum(downtimes), len(downtimes)),
    }


def write(out, table, rows):
    rows = sorted(rows, key=lambda row: [row[column] or "" for column in KEYS[table]])
    if not rows:
        raise Unusable(f"{table}: the data hold nothing to compute it from")
    with open(out / f"{table}.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow(written(value) for value in row.values())
    print(f"{table}: {len(rows)} rows")


def written(value):
    if value is None:
        return ""
    return value if isinstance(value, str) else repr(value)


def recompute(data_dir, out):
    damaged = damaged_rows(data_dir)
    flights, days, events = (standing_rows(data_dir / "landing", source, damaged) for source in SOURCES)
    out.mkdir(parents=True, exist_ok=True)
    write(out, DISPATCH, dispatch_reliability(flights))
    write(out, UTILIZATION, utilization(days))
    write(out, COMPONENT, component(days, events, quantities(data_dir)))


# --- Comparison --------------------------------------------------------------------------------------


def read_table(path, key_columns):
    """(columns, {key: row}, keys that occur twice)"""
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        columns = reader.fieldnames or []
        missing = [column for column in key_columns if column not in columns]
        if missing:
            raise Unusable(f"{path}: no column {', '.join(missing)}")
        rows, twice = {}, []
        for row in reader:
            key = tuple(row[column] or "" for column in key_columns)
            if key in rows:
                twice.append(key)
            rows[key] = row
    return columns, rows, twice


def same(expected, found, exactly):
    """Whether two fields hold one value; an empty field is null and equals only null."""
    if expected == found:
        return True
    if not expected or not found:
        return False
    try:
        if exactly:
            return Decimal(expected) == Decimal(found)
        return math.isclose(float(expected), float(found), rel_tol=RELATIVE_TOLERANCE)
    except (ValueError, InvalidOperation):
        return False


def differences(table, expected_path, found_path):
    """(rows expected, what differs)"""
    key_columns = KEYS[table]
    columns, expected, twice = read_table(expected_path, key_columns)
    if twice:
        raise Unusable(f"{expected_path}: {shown(key_columns, twice[0])} is there twice")
    if not found_path.is_file():
        return len(expected), [f"{found_path} is missing"]
    found_columns, found, twice = read_table(found_path, key_columns)
    wanted = [column for column in columns if column not in key_columns and column not in RESERVED]
    result = [f"column {column} is missing" for column in wanted if column not in found_columns]
    result += [f"{shown(key_columns, key)} is there more than once" for key in twice]
    compared = [column for column in wanted if column in found_columns]
    for key in sorted(expected.keys() | found.keys()):
        where = shown(key_columns, key)
        if key not in found:
            result.append(f"{where} is missing")
        elif key not in expected:
            result.append(f"{where} is not expected")
        else:
            for column in compared:
                want, got = expected[key][column] or "", found[key][column] or ""
                if not same(want, got, is_count(table, column)):
                    result.append(f"{where} {column}: expected {want or 'null'}, found {got or 'null'}")
    return len(expected), result


def shown(columns, key):
    return " ".join(f"{column}={value or 'null'}" for column, value in zip(columns, key))


def compare(expected_dir, found_dir):
    """Prints what differs; whether all agreed."""
    files = sorted(expected_dir.glob("*.csv"))
    if not files:
        raise Unusable(f"{expected_dir}: no CSV files")
    agreed = True
    for file in files:
        table = file.stem
        if table not in KEYS:
            raise Unusable(f"{file}: not one of {', '.join(KEYS)}")
        rows, found = differences(table, file, found_dir / file.name)
        if not found:
            print(f"{table}: {rows} rows agree")
            continue
        agreed = False
        print(f"{table}: {len(found)} differences" + (", the first:" if len(found) > DIFFERENCES_SHOWN else ":"))
        for line in found[:DIFFERENCES_SHOWN]:
            print(f"  {line}")
    return agreed


# --- Command line ------------------------------------------------------------------------------------


def main(arguments):
    layout = {"formatter_class": argparse.RawDescriptionHelpFormatter, "epilog": EXAMPLE}
    if arguments[:1] == ["compare"]:
        parser = argparse.ArgumentParser(
            prog="recompute.py compare",
            description="Compares CSV files of the same name, whatever their row and column order.\n"
            "Columns run_id and computed_at, and columns EXPECTED lacks, are ignored; an empty\n"
            "field is null; counts must be equal, other numbers agree to a relative 1e-9.",
            **layout,
        )
        parser.add_argument("expected", type=Path, metavar="EXPECTED_DIR")
        parser.add_argument("found", type=Path, metavar="FOUND_DIR")
        parsed = parser.parse_args(arguments[1:])
        return 0 if compare(parsed.expected, parsed.found) else 1
    parser = argparse.ArgumentParser(prog="recompute.py", description=__doc__, **layout)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="holds landing/, reference/ and truth/")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="where the CSV files go")
    parsed = parser.parse_args(arguments)
    recompute(parsed.data, parsed.out)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Unusable, OSError, UnicodeDecodeError, csv.Error) as problem:
        print(f"recompute.py: {problem}", file=sys.stderr)
        sys.exit(2)
