"""Reads the delivered files: each delivery once, the row delivered last of each key, no damaged row."""

import csv
import gzip
import hashlib
import json
import math
import re
import sys
import zlib
from collections import defaultdict
from datetime import UTC, date, datetime


class Unusable(Exception):
    """The input breaks the contract in a way nobody announced."""


SOURCES = {
    "flights": ("csv", ("flight_id",)),
    "utilization": ("csv", ("tail", "date")),
    "events": ("json", ("event_id",)),
    "configurations": ("json", ("tail", "effective_from")),
    "performance": ("csv", ("flight_id", "engine_position", "phase")),
    "telemetry": ("json", ("flight_id", "started_at")),
}

# Delivered only where a fleet was made with it.
MAY_BE_MISSING = ("telemetry",)

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
            yield started, {column: field or None for column, field in zip(header, fields, strict=True)}
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
    if not folder.is_dir() and source in MAY_BE_MISSING:
        return
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
    return utc_moment(where, row, column).date()


def utc_moment(where, row, column):
    value = required(where, row, column)
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Unusable(f"{where}: {column} is no time: {value!r}") from error
    if moment.tzinfo is None:
        raise Unusable(f"{where}: {column} names no time zone: {value!r}")
    return moment.astimezone(UTC)


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
