/*
description: >-
  Lives of units as they stood at a date: hours since installation, and whether a failure ended them. Removals without
  fault, planned removals and units still installed are suspensions. A life that was first seen at some age enters at
  that age. Lives whose age nobody knows are left out, and those that flew no hour under observation.
grain: one row an installation begun before the date
key: [as_of, tail, position, observed_from]
materialized: partition
partition: as_of
unit: week
label: end
lookback: all
columns:
  - name: as_of
    description: The date, which ends the week; its own events are not counted.
    not_null: true
  - name: tail
    description: Registration of the aircraft.
    not_null: true
  - name: position
    description: Position on the aircraft.
    not_null: true
  - name: part_number
    description: The part.
    not_null: true
  - name: serial
    description: Serial number of the unit.
  - name: observed_from
    description: When the unit was first seen there, UTC.
    not_null: true
  - name: entry_hours
    description: Flight hours since installation when it was first seen, hours.
    not_null: true
    min: 0
  - name: duration_hours
    description: Flight hours since installation at its end, or at the date, hours.
    not_null: true
    min: 0
  - name: observed
    description: Whether a failure ended the installation before the date.
    not_null: true
*/
with tail_hours as (
    select
        tail,
        sum(flight_hours) as flight_hours
    from staging.stg_utilization
    where _day < cast($interval_end as date)
        and date < cast($interval_end as date)
    group by tail
),

lives as (
    select
        installations.tail,
        installations.position,
        installations.part_number,
        installations.serial,
        installations.observed_from,
        installations.entry_hours,
        case
            when installations.ended_at < $interval_end then installations.hours_at_end
            else
                installations.entry_hours
                + greatest(coalesce(tail_hours.flight_hours, 0.0) - installations.tail_hours_at_start, 0.0)
        end as duration_hours,
        coalesce(installations.ended_at < $interval_end and installations.ended_by = 'FAILURE', false) as observed
    from reliability.int_installation as installations
    left join tail_hours on tail_hours.tail = installations.tail
    where installations.observed_from < $interval_end
)

select
    cast($interval_end as date) as as_of,
    tail,
    position,
    part_number,
    serial,
    observed_from,
    entry_hours,
    duration_hours,
    observed
from lives
where entry_hours is not null
    and duration_hours is not null
    -- What is left of a life that flew no hour is rounding.
    and duration_hours > entry_hours + 1e-6
