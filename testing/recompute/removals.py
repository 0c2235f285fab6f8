"""Removals as the events tell them."""

from dataclasses import dataclass
from datetime import datetime

from delivered import number, required, utc_moment


@dataclass(frozen=True)
class Removal:
    tail: str | None
    position: str | None
    part_number: str
    ata: str | None
    serial_off: str | None
    serial_on: str | None
    occurred_at: datetime
    unscheduled: bool
    nff: bool
    hours_since_install: float | None
    downtime_hours: float | None

    @property
    def confirmed_failure(self):
        """One still in the shop counts as a failure until the shop has spoken."""
        return self.unscheduled and not self.nff


def removals(events):
    """The removals in the order in which they happened."""
    found = []
    for where, row in events:
        if required(where, row, "kind") != "REMOVAL" or row.get("part_number") is None:
            continue
        unscheduled = row.get("reason") == "UNSCHEDULED"
        found.append(
            Removal(
                tail=row.get("tail"),
                position=row.get("position"),
                part_number=row["part_number"],
                ata=row.get("ata"),
                serial_off=row.get("serial_off"),
                serial_on=row.get("serial_on"),
                occurred_at=utc_moment(where, row, "occurred_at"),
                unscheduled=unscheduled,
                nff=unscheduled and row.get("shop_finding") == "NFF",
                hours_since_install=number(where, row, "hours_since_install"),
                downtime_hours=number(where, row, "downtime_hours"),
            )
        )
    return sorted(found, key=lambda removal: removal.occurred_at)
