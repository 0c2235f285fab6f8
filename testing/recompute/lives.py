"""Lives of units in flight hours since their installation: `reliability.int_life`."""

import math
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from delivered import calendar_day, number, required, utc_day, utc_moment
from months import moment_text, start_of

# Sums of hours to four decimals differ by less where they are equal.
NO_HOURS = 1e-6


class FlownHours:
    """Flight hours of each aircraft since its first day of utilization."""

    def __init__(self, days, flights):
        by_day = defaultdict(lambda: defaultdict(float))
        for where, row in days:
            by_day[row["tail"]][calendar_day(where, row, "date")] += number(where, row, "flight_hours") or 0.0
        self.by_day = {tail: sorted(found.items()) for tail, found in by_day.items()}
        self.flights = defaultdict(list)  # (tail, day of utilization) -> (takeoff, flight hours)
        for where, row in flights:
            hours = number(where, row, "flight_hours")
            tail, day = required(where, row, "tail"), utc_day(where, row, "scheduled_departure")
            if row["takeoff"] is not None and hours is not None and day in by_day.get(tail, ()):
                self.flights[tail, day].append((utc_moment(where, row, "takeoff"), hours))

    def tails(self):
        return self.by_day.keys()

    def until_day(self, tail, day):
        """Hours of the days before this one; none for an aircraft that never flew."""
        days = self.by_day.get(tail, [])
        return math.fsum(hours for _, hours in days[: bisect_left(days, (day,))])

    def until(self, tail, moment):
        """Hours of the flights that took off before a moment.

        A flight belongs to the day for which it was scheduled, so that one of the day before may still be to come.
        """
        today = moment.date()
        to_come = (
            hours
            for day in (today - timedelta(days=1), today)
            for takeoff, hours in self.flights.get((tail, day), ())
            if takeoff >= moment
        )
        return self.until_day(tail, today + timedelta(days=1)) - math.fsum(to_come)


@dataclass(frozen=True)
class Life:
    """One installation as it stands at the date of the analysis."""

    tail: str
    position: str
    part_number: str
    serial: str | None
    observed_from: datetime
    entry_hours: float
    duration_hours: float
    observed: bool


def first_configurations(configurations, before):
    """{tail: (when, components)} of each aircraft's first configuration"""
    first = {}
    for where, row in configurations:
        effective_from = utc_moment(where, row, "effective_from")
        tail = required(where, row, "tail")
        if effective_from < before and (tail not in first or effective_from < first[tail][0]):
            first[tail] = effective_from, [(where, component) for component in required(where, row, "components")]
    return first


def lives(configurations, removals, flown, as_of):
    """The lives begun before the date, those of unknown age left out, and those that flew no hour under observation."""
    end = start_of(as_of)
    by_place = defaultdict(list)
    for removal in removals:
        if removal.occurred_at < end and removal.tail is not None and removal.position is not None:
            by_place[removal.tail, removal.position].append(removal)
    first = first_configurations(configurations, end)

    found = []
    for tail, (seen_at, components) in first.items():
        for where, component in components:
            place = tail, required(where, component, "position")
            after = [removal for removal in by_place.pop(place, ()) if removal.occurred_at >= seen_at]
            entry = number(where, component, "hours_since_install")
            start = (component["part_number"], component.get("serial"), seen_at, entry)
            found += lives_at(place, start, after, flown, as_of)
    # Nobody saw these places before their first removal.
    for place, after in by_place.items():
        found += lives_at(place, None, after, flown, as_of)
    return [life for life in found if life.duration_hours - life.entry_hours > NO_HOURS]


def lives_at(place, start, removals, flown, as_of):
    """The installations at one place, one after another: (part, serial, seen from, age then), until each is removed."""
    for removal in removals:
        if start is not None and start[3] is not None:
            yield life(place, start, flown, removal, as_of)
        start = (removal.part_number, removal.serial_on, removal.occurred_at, 0.0)
    if start is not None and start[3] is not None:
        yield life(place, start, flown, None, as_of)


def life(place, start, flown, removal, as_of):
    tail, position = place
    part, serial, seen_at, entry = start
    if removal is None:
        end = flown.until_day(tail, as_of)
    else:
        end = flown.until(tail, removal.occurred_at)
    duration = entry + end - flown.until(tail, seen_at)
    # What the removal itself reports is nearer than a sum over days.
    if removal is not None and removal.hours_since_install is not None:
        duration = removal.hours_since_install
    observed = removal is not None and removal.confirmed_failure
    return Life(tail, position, part, serial, seen_at, entry, duration, observed)


def life_rows(found, as_of):
    for each in found:
        yield {
            "as_of": as_of.isoformat(),
            "tail": each.tail,
            "position": each.position,
            "observed_from": moment_text(each.observed_from),
            "part_number": each.part_number,
            "serial": each.serial,
            "entry_hours": each.entry_hours,
            "duration_hours": each.duration_hours,
            "observed": each.observed,
        }


def by_part(found):
    parts = defaultdict(list)
    for each in found:
        parts[each.part_number].append(each)
    return parts
