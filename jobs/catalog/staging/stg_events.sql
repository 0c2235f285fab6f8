/*
description: Technical events, with removals, unscheduled removals and no-fault-found removals told apart.
grain: one row an event
key: [event_id]
materialized: view
columns:
  - name: event_id
    description: Identifies the event.
    not_null: true
  - name: tail
    description: Registration of the aircraft.
  - name: flight_id
    description: The flight that the event belongs to, if any.
  - name: occurred_at
    description: When it happened, UTC.
  - name: kind
    description: Removal, pilot report, maintenance report or in-flight shutdown.
  - name: ata
    description: What it concerns, ATA iSpec 2200 chapter or chapter-section, such as 36 or 36-11.
  - name: position
    description: Position on the aircraft, of a removal.
  - name: part_number
    description: Part number removed.
  - name: serial_off
    description: Serial number of the unit removed.
  - name: serial_on
    description: Serial number of the unit installed instead.
  - name: reason
    description: Why the unit was removed.
  - name: shop_finding
    description: "What the shop found: fault confirmed, no fault found, or not yet known."
  - name: hours_since_install
    description: Flight hours of the unit since this installation, hours.
  - name: cycles_since_install
    description: Flight cycles of the unit since this installation, a count.
  - name: downtime_hours
    description: Time that the aircraft was down for it, hours.
  - name: labor_hours
    description: Labour spent, man-hours.
  - name: deferred
    description: Whether rectification was deferred.
  - name: mel_item
    description: Item of the minimum equipment list that it was deferred under.
  - name: text
    description: What the report says, free text.
  - name: event_date
    description: UTC date of `occurred_at`.
  - name: month
    description: First day of the UTC calendar month of `occurred_at`.
  - name: chapter
    description: ATA chapter of `ata`, such as 36.
  - name: is_removal
    description: "Whether the event is a removal: of that kind and with a part number."
  - name: is_unscheduled_removal
    description: Whether the event is a removal for an unscheduled reason.
  - name: is_nff
    description: Whether the event is an unscheduled removal in which the shop found no fault.
  - name: _day
    description: "UTC date of `occurred_at`: filters on it leave files unread."
  - name: _file
    description: Landing file that the row came from, relative to the landing root.
  - name: _line
    description: Line of the file at which the record starts, from 1.
  - name: _delivered_on
    description: Day on which the file was delivered.
*/
select
    event_id,
    tail,
    flight_id,
    occurred_at,
    kind,
    ata,
    position,
    part_number,
    serial_off,
    serial_on,
    reason,
    shop_finding,
    hours_since_install,
    cycles_since_install,
    downtime_hours,
    labor_hours,
    deferred,
    mel_item,
    text,
    cast(occurred_at as date) as event_date,
    cast(date_trunc('month', occurred_at) as date) as month,
    split_part(ata, '-', 1) as chapter,
    coalesce(kind = 'REMOVAL' and part_number is not null, false) as is_removal,
    coalesce(kind = 'REMOVAL' and part_number is not null and reason = 'UNSCHEDULED', false) as is_unscheduled_removal,
    coalesce(kind = 'REMOVAL' and part_number is not null and reason = 'UNSCHEDULED' and shop_finding = 'NFF', false) as is_nff,
    _day,
    _file,
    _line,
    _delivered_on
from source.events
