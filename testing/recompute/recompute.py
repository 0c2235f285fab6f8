#!/usr/bin/env python3
"""Recomputes published tables from the landing files, and compares tables.

This shares no code with the jobs: it reads the delivered files themselves and follows the written
definitions of the tables, so that a mistake in the models and a mistake here are unlikely to agree.

    recompute.py DATA_DIR --out DIR [TABLE …]   compute the tables, or those named, one CSV file each
    recompute.py compare EXPECTED_DIR FOUND_DIR compare CSV files of the same name

DATA_DIR holds `landing/`, `reference/` and `truth/`. The tables are those of contract.py; of
`reliability.life_model` the three-parameter law is left out, and the bounds of the mean and the correlation.
Python 3.11 or newer, with the packages of requirements.txt.
"""

import argparse
import csv
import sys
from datetime import date, timedelta
from functools import cache, cached_property
from pathlib import Path

# Nothing is left beside the sources.
sys.dont_write_bytecode = True

import contract  # noqa: E402
from ata_alert import ata_alert  # noqa: E402
from comparison import compare  # noqa: E402
from component import component  # noqa: E402
from delivered import Unusable, calendar_day, damaged_rows, quantities, standing_rows  # noqa: E402
from life_model import life_models  # noqa: E402
from lives import FlownHours, life_rows, lives  # noqa: E402
from operations import dispatch_reliability, utilization  # noqa: E402
from parameters import parameter_daily  # noqa: E402
from removals import removals  # noqa: E402
from repair_trend import repair_trends  # noqa: E402
from returning import repetitive_defects, rogue_units  # noqa: E402
from survival import survival_curves  # noqa: E402

EXAMPLE = """\
example:
  recompute.py made/ --out expected/
  recompute.py compare expected/ exported/

`exported/` holds the tables to be judged, one file each, named as in expected/:
operations.utilization.csv, reliability.component.csv and so on. The texts of a
repetitive defect are one field, joined by " | ".
Exit code: 0 agreed or computed, 1 a difference, 2 the input cannot be used.
"""


class Fleet:
    """What the tables are computed from, each read or computed when it is first asked for."""

    def __init__(self, data_dir, as_of):
        self.data_dir = data_dir
        self.asked_as_of = as_of
        self.rows = cache(self.rows)

    @cached_property
    def damaged(self):
        return damaged_rows(self.data_dir)

    def rows(self, source):
        return standing_rows(self.data_dir / "landing", source, self.damaged)

    @cached_property
    def as_of(self):
        return self.asked_as_of or end_of_last_week(self.rows("utilization"))

    @cached_property
    def removals(self):
        return removals(self.rows("events"))

    @cached_property
    def flown(self):
        return FlownHours(self.rows("utilization"), self.rows("flights"))

    @cached_property
    def lives(self):
        return lives(self.rows("configurations"), self.removals, self.flown, self.as_of)


TABLES = {
    contract.DISPATCH: lambda it: dispatch_reliability(it.rows("flights")),
    contract.UTILIZATION: lambda it: utilization(it.rows("utilization")),
    contract.COMPONENT: lambda it: component(it.rows("utilization"), it.removals, quantities(it.data_dir)),
    contract.ATA_ALERT: lambda it: ata_alert(it.rows("utilization"), it.rows("events")),
    contract.ROGUE_UNIT: lambda it: rogue_units(it.removals, it.as_of),
    contract.REPETITIVE_DEFECT: lambda it: repetitive_defects(it.rows("events"), it.as_of),
    contract.LIFE: lambda it: life_rows(it.lives, it.as_of),
    contract.SURVIVAL_CURVE: lambda it: survival_curves(it.lives, it.as_of),
    contract.LIFE_MODEL: lambda it: life_models(it.lives, it.as_of),
    contract.REPAIR_TREND: lambda it: repair_trends(it.removals, it.flown, it.as_of),
    contract.PARAMETER_DAILY: lambda it: parameter_daily(it.rows("performance"), it.rows("telemetry")),
}


def recompute(data_dir, out, as_of, tables):
    fleet = Fleet(data_dir, as_of)
    out.mkdir(parents=True, exist_ok=True)
    for table in tables or TABLES:
        write(out, table, list(TABLES[table](fleet)))


def end_of_last_week(days):
    """The Monday after the last day flown."""
    last = max(calendar_day(where, row, "date") for where, row in days)
    return last + timedelta(days=7 - last.weekday())


def write(out, table, rows):
    if not rows and table not in contract.MAY_BE_EMPTY:
        raise Unusable(f"{table}: the data hold nothing to compute it from")
    key = contract.KEYS[table]
    rows.sort(key=lambda row: [row[column] or "" for column in key])
    with open(out / f"{table}.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0] if rows else key)
        for row in rows:
            writer.writerow(written(value) for value in row.values())
    print(f"{table}: {len(rows)} rows")


def written(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def main(arguments):
    layout = {"formatter_class": argparse.RawDescriptionHelpFormatter, "epilog": EXAMPLE}
    if arguments[:1] == ["compare"]:
        parser = argparse.ArgumentParser(
            prog="recompute.py compare",
            description="Compares CSV files of the same name, whatever their row and column order.\n"
            "Columns run_id and computed_at, and columns EXPECTED lacks, are ignored; an empty\n"
            "field is null; counts must be equal, other numbers agree to a relative 1e-9,\n"
            "fitted ones to 1e-6 and their bounds to 1e-5.",
            **layout,
        )
        parser.add_argument("expected", type=Path, metavar="EXPECTED_DIR")
        parser.add_argument("found", type=Path, metavar="FOUND_DIR")
        parsed = parser.parse_args(arguments[1:])
        return 0 if compare(parsed.expected, parsed.found) else 1
    parser = argparse.ArgumentParser(prog="recompute.py", description=__doc__, **layout)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="holds landing/, reference/ and truth/")
    known = ", ".join(TABLES)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"one of {known}; all where none is named")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="where the CSV files go")
    parser.add_argument(
        "--as-of",
        type=date.fromisoformat,
        metavar="DATE",
        help="the date that ends the week of lives, trends and returning units; the Monday after the last day flown",
    )
    parsed = parser.parse_intermixed_args(arguments)
    unknown = [table for table in parsed.tables if table not in TABLES]
    if unknown:
        parser.error(f"not one of the tables: {', '.join(unknown)}")
    recompute(parsed.data, parsed.out, parsed.as_of, parsed.tables)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Unusable, OSError, UnicodeDecodeError, csv.Error) as problem:
        print(f"recompute.py: {problem}", file=sys.stderr)
        sys.exit(2)
