"""What the fleet flew, and how reliably it departed: `operations.*`."""

import math
import re
from collections import Counter, defaultdict

from contract import COUNTS, DISPATCH
from delivered import calendar_day, check_columns, flag, number, required, utc_day, whole
from months import chapter, month_of, month_text


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
