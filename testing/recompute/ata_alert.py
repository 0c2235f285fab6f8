"""Reports of each ATA chapter against three alert levels: `reliability.ata_alert`."""

import math
import statistics
from collections import Counter, defaultdict

from scipy.stats import poisson

from delivered import utc_day
from months import chapter, fleet_hours, month_of, month_text, ratio

STANDARD_DEVIATIONS = 2
FACTOR = 1.3
QUANTILE = 0.95
MONTHS_BEFORE = 6
REPORTS_EXPECTED = 5
YEAR = 12

REPORTS = ("PIREP", "MAREP")


def ata_alert(days, events):
    flown = fleet_hours(days)
    reports = defaultdict(Counter)  # chapter -> (month, kind) -> count
    for where, row in events:
        if row.get("kind") in REPORTS and row.get("ata") is not None:
            reports[chapter(row["ata"])][month_of(utc_day(where, row, "occurred_at")), row["kind"]] += 1

    for ata, counts in reports.items():
        history = History(flown, counts)
        in_alert = {}  # (rule, month) -> judged
        for month in sorted(flown):
            for rule, judge in RULES.items():
                level, value = judge(history, month)
                in_alert[rule, month] = None if level is None else value > level
                # More than a year in alert is not told apart from a year.
                running = min(running_months(in_alert, rule, month), YEAR)
                yield {
                    "month": month_text(month),
                    "ata": ata,
                    "alert_rule": rule,
                    "pireps": counts[month, "PIREP"],
                    "mareps": counts[month, "MAREP"],
                    "flight_hours": flown[month],
                    "rate_per_1000_fh": history.rate(month, 1),
                    "rate_3m": history.rate(month, 3),
                    "rate_12m": history.rate(month, YEAR),
                    "months_before": len(history.months_before(month)),
                    "alert_level": level,
                    "in_alert": in_alert[rule, month],
                    "months_in_alert": running,
                    "escalated": running >= 2,
                    "exposure_sufficient": history.expected_in_a_year(month) >= REPORTS_EXPECTED,
                }


class History:
    """Reports and flight hours of one chapter by month."""

    def __init__(self, flown, counts):
        self.flown = flown
        self.counts = counts
        self.first = min(flown)

    def reports(self, months):
        return sum(self.counts[month, kind] for month in months for kind in REPORTS)

    def hours(self, months):
        return math.fsum(self.flown.get(month, 0.0) for month in months)

    def rate(self, month, length):
        """Reports in 1000 flight hours of the trailing months."""
        window = range(max(self.first, month - length + 1), month + 1)
        return ratio(1000 * self.reports(window), self.hours(window))

    def months_before(self, month):
        return [each for each in range(month - YEAR, month) if each in self.flown]

    def year_before(self, month):
        return range(max(self.first, month - YEAR), month)

    def expected_in_a_year(self, month):
        """Reports in the hours of the trailing year at the rate of the year before; a short history expects few."""
        before = self.year_before(month)
        per_hour = ratio(self.reports(before), self.hours(before)) or 0.0
        return per_hour * self.hours(range(month - YEAR + 1, month + 1))


def mean_and_deviations(history, month):
    before = history.months_before(month)
    if len(before) < MONTHS_BEFORE:
        return None, None
    rates = [history.rate(each, 1) for each in before]
    return statistics.fmean(rates) + STANDARD_DEVIATIONS * statistics.stdev(rates), history.rate(month, 1)


def factor(history, month):
    before = history.months_before(month)
    if len(before) < MONTHS_BEFORE:
        return None, None
    return FACTOR * statistics.fmean(history.rate(each, 3) for each in before), history.rate(month, 3)


def poisson_upper(history, month):
    if len(history.months_before(month)) < MONTHS_BEFORE:
        return None, None
    year = history.year_before(month)
    mean = history.flown[month] * history.reports(year) / history.hours(year)
    return float(poisson.ppf(QUANTILE, mean)) if mean else 0.0, history.reports([month])


RULES = {"mean_ksd": mean_and_deviations, "factor_1_3": factor, "poisson_upper": poisson_upper}


def running_months(in_alert, rule, month):
    """Months in alert up to this one without a break."""
    running = 0
    while in_alert.get((rule, month - running)):
        running += 1
    return running
