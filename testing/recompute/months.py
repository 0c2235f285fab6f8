"""Calendar months, the hours the fleet flew in them, and what else several tables share."""

import math
from collections import defaultdict
from datetime import UTC, date, datetime, time

from delivered import calendar_day, number

WINDOWS = (("", 1), ("_3m", 3), ("_12m", 12))


def chapter(ata):
    return ata.partition("-")[0]


def month_of(day):
    """Months count from the year 0, so that windows are plain ranges."""
    return day.year * 12 + day.month - 1


def month_text(month):
    return date(month // 12, month % 12 + 1, 1).isoformat()


def ratio(numerator, denominator):
    return numerator / denominator if denominator else None


def fleet_hours(days):
    """{month: flight hours of the fleet} of the months in which it flew"""
    hours = defaultdict(list)
    for where, row in days:
        hours[month_of(calendar_day(where, row, "date"))].append(number(where, row, "flight_hours") or 0.0)
    totals = {month: math.fsum(values) for month, values in hours.items()}
    return {month: total for month, total in totals.items() if total > 0}


def start_of(day):
    return datetime.combine(day, time(), UTC)


def moment_text(moment):
    return moment.isoformat().replace("+00:00", "Z")
