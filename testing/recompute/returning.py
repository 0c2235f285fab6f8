"""What comes back again and again: `reliability.rogue_unit` and `reliability.repetitive_defect`."""

from collections import defaultdict
from datetime import timedelta

from delivered import utc_moment
from months import moment_text, start_of

ROGUE_REMOVALS = 3
ROGUE_NFF = 4

REPORTS = ("PIREP", "MAREP")
DEFECT_REPORTS = 3
DEFECT_DAYS = 15

# Texts of one defect are one field in a CSV file; the exported table joins them alike.
BETWEEN_TEXTS = " | "


def a_year_before(day):
    """The same date of the year before; 28 February for one that it lacks."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def rogue_units(removals, as_of):
    begin, end = start_of(a_year_before(as_of)), start_of(as_of)
    units = defaultdict(list)
    for removal in removals:
        if removal.unscheduled and removal.serial_off is not None and begin <= removal.occurred_at < end:
            units[removal.part_number, removal.serial_off].append(removal)

    for (part, serial), held in units.items():
        nff = sum(removal.nff for removal in held)
        met = [name for name, meets in (("removals", len(held) >= ROGUE_REMOVALS), ("nff", nff >= ROGUE_NFF)) if meets]
        if met:
            yield {
                "as_of": as_of.isoformat(),
                "part_number": part,
                "serial": serial,
                "removals_12m": len(held),
                "nff_12m": nff,
                "tails": len({removal.tail for removal in held if removal.tail is not None}),
                "last_removed_at": moment_text(max(removal.occurred_at for removal in held)),
                "rule": "_and_".join(met),
            }


def repetitive_defects(events, as_of):
    begin, end = start_of(as_of - timedelta(days=DEFECT_DAYS)), start_of(as_of)
    defects = defaultdict(list)
    for where, row in events:
        if row.get("kind") not in REPORTS or row.get("tail") is None or row.get("ata") is None:
            continue
        occurred_at = utc_moment(where, row, "occurred_at")
        if begin <= occurred_at < end:
            defects[row["tail"], row["ata"]].append((occurred_at, row["event_id"], row.get("text")))

    for (tail, ata), reports in defects.items():
        if len(reports) >= DEFECT_REPORTS:
            reports.sort(key=lambda report: report[:2])
            yield {
                "as_of": as_of.isoformat(),
                "tail": tail,
                "ata": ata,
                "reports": len(reports),
                "first_at": moment_text(reports[0][0]),
                "last_at": moment_text(reports[-1][0]),
                "texts": BETWEEN_TEXTS.join(text for _, _, text in reports if text is not None),
            }
