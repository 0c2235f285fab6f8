"""Compares computed tables with exported ones."""

import csv
import math
from decimal import Decimal, InvalidOperation

from contract import ABSOLUTE_TOLERANCE, KEYS, LIFE_MODEL, RESERVED, is_count, relative_tolerance
from delivered import Unusable

DIFFERENCES_SHOWN = 10


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
            key = tuple(key_field(column, row[column]) for column in key_columns)
            if key in rows:
                twice.append(key)
            rows[key] = row
    return columns, rows, twice


def key_field(column, text):
    """Hours that are a key are sums too, and differ in their last digits."""
    return f"{float(text):.6f}" if column == "hours" else text or ""


def same(expected, found, tolerance):
    """Whether two fields hold one value, exactly without a tolerance; an empty field is null and equals only null."""
    if expected == found:
        return True
    if not expected or not found:
        return False
    try:
        if tolerance is None:
            return Decimal(expected) == Decimal(found)
        return math.isclose(float(expected), float(found), rel_tol=tolerance, abs_tol=ABSOLUTE_TOLERANCE)
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
    if table == LIFE_MODEL:
        judge_best(expected, set_aside(found, "weibull3"))
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
                tolerance = None if is_count(table, column) else relative_tolerance(table, column)
                if not same(want, got, tolerance):
                    result.append(f"{where} {column}: expected {want or 'null'}, found {got or 'null'}")
    return len(expected), result


def set_aside(rows, distribution):
    """Takes the rows of a law out, which is not recomputed."""
    return {key: rows.pop(key) for key in list(rows) if key[2] == distribution}


def judge_best(expected, others):
    """A law that was not recomputed may be the best of a part, with the figure that the jobs give it."""
    for (as_of, part, _), other in others.items():
        rivals = [row for key, row in expected.items() if key[:2] == (as_of, part) and row["aic"]]
        if other["aic"] and all(float(other["aic"]) < float(row["aic"]) for row in rivals):
            for row in rivals:
                row["best"] = "false"


def shown(columns, key):
    return " ".join(f"{column}={value or 'null'}" for column, value in zip(columns, key, strict=True))


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
