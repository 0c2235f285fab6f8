"""Removals, failures and repair times of each part: `reliability.component`."""

import math
import re
import sys
from collections import defaultdict

from scipy.stats import chi2

from months import WINDOWS, fleet_hours, month_of, month_text, ratio

CONFIDENCE = 0.95
LOWER_BOUND_CONFIDENCE = 0.90


def component(days, removals, per_aircraft):
    flown = fleet_hours(days)
    if not flown:
        return
    first = min(flown)
    by_month = defaultdict(list)
    for removal in removals:
        by_month[removal.part_number, month_of(removal.occurred_at)].append(removal)
    between = sum(
        len(cell)
        for (part, month), cell in by_month.items()
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
                held = [removal for each in window for removal in by_month.get((part, each), ())]
                hours = quantity * math.fsum(flown.get(each, 0.0) for each in window)
                for column, value in component_figures(hours, held).items():
                    row[with_window(column, suffix)] = value
                if suffix:
                    row["months" + suffix] = sum(each in flown for each in window)
            yield row


def with_window(column, suffix):
    """Bounds come last in a name, after the window."""
    name, bound = re.fullmatch("(.*?)(_lower|_upper)?", column).groups(default="")
    return name + suffix + bound


def component_figures(hours, removals):
    unscheduled = sum(removal.unscheduled for removal in removals)
    nff = sum(removal.nff for removal in removals)
    downtimes = [
        removal.downtime_hours for removal in removals if removal.unscheduled and removal.downtime_hours is not None
    ]
    fewest, most = poisson_bounds(unscheduled)
    return {
        "unit_hours": float(hours),
        "unscheduled_removals": unscheduled,
        "removals": len(removals),
        "confirmed_failures": unscheduled - nff,
        "nff": nff,
        "mtbur_hours": ratio(hours, unscheduled),
        "mtbur_lower_bound_hours": 2 * hours / float(chi2.ppf(LOWER_BOUND_CONFIDENCE, 2 * unscheduled + 2)),
        "mtbr_hours": ratio(hours, len(removals)),
        "mtbf_hours": ratio(hours, unscheduled - nff),
        "removals_per_1000_unit_hours": ratio(1000 * unscheduled, hours),
        "removals_per_1000_unit_hours_lower": ratio(1000 * fewest, hours),
        "removals_per_1000_unit_hours_upper": ratio(1000 * most, hours),
        "nff_rate": ratio(nff, unscheduled),
        "mttr_hours": ratio(math.fsum(downtimes), len(downtimes)),
    }


def poisson_bounds(count):
    """Exact two-sided bounds of the mean of a Poisson law that gave this count (Garwood 1936)."""
    tail = (1 - CONFIDENCE) / 2
    lower = float(chi2.ppf(tail, 2 * count)) / 2 if count else 0.0
    return lower, float(chi2.isf(tail, 2 * count + 2)) / 2
