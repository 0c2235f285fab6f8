/*
description: >-
  Removals, each with the flight hours that its aircraft had flown by then since its first day of utilization. A removal
  during a day counts the flights that took off before it, where the day's utilization is there.
grain: one row a removal
key: [event_id]
materialized: whole
columns:
  - name: event_id
    description: Identifies the event.
    not_null: true
  - name: tail
    description: Registration of the aircraft.
  - name: position
    description: Position on the aircraft.
  - name: part_number
    description: Part number removed.
    not_null: true
  - name: ata
    description: What the removal concerns, ATA iSpec 2200 chapter or chapter-section, such as 36 or 36-11.
  - name: serial_off
    description: Serial number of the unit removed.
  - name: serial_on
    description: Serial number of the unit installed instead.
  - name: occurred_at
    description: When it happened, UTC.
    not_null: true
  - name: ended_by
    description: Why the installation ended. Unscheduled removals found without fault are NFF, all others FAILURE, those still in the shop too.
    values: [FAILURE, NFF, SCHEDULED, CONVENIENCE, UNKNOWN]
  - name: hours_since_install
    description: Flight hours of the unit since this installation, hours.
    min: 0
  - name: tail_hours
    description: Flight hours of the aircraft from its first day of utilization to the removal, hours.
    min: 0
*/
with removals as (
    select
        event_id,
        tail,
        position,
        part_number,
        ata,
        serial_off,
        serial_on,
        occurred_at,
        event_date,
        cast(occurred_at - interval '1 day' as date) as day_before,
        hours_since_install,
        case
            when is_nff then 'NFF'
            when is_unscheduled_removal then 'FAILURE'
            when reason is null then 'UNKNOWN'
            else reason
        end as ended_by
    from staging.stg_events
    where is_removal
),

timeline as (
    select
        tail,
        date,
        flight_hours,
        cast(null as varchar) as event_id
    from staging.stg_utilization
    union all
    select
        tail,
        event_date as date,
        cast(0.0 as double) as flight_hours,
        event_id
    from removals
),

hours_with_the_day as (
    select
        event_id,
        sum(flight_hours) over (
            partition by tail
            order by date
            range between unbounded preceding and current row
        ) as tail_hours
    from timeline
),

-- Utilization counts a flight on the day it was scheduled for, on which it may take off after midnight.
flown_after_it as (
    select
        removals.event_id,
        sum(flights.flight_hours) as flight_hours
    from removals
    inner join staging.stg_flights as flights
        on flights.tail = removals.tail
        and flights.flight_date >= removals.day_before
        and flights.flight_date <= removals.event_date
        and flights.takeoff >= removals.occurred_at
    inner join staging.stg_utilization as utilization
        on utilization.tail = flights.tail
        and utilization.date = flights.flight_date
    group by removals.event_id
)

select
    removals.event_id,
    removals.tail,
    removals.position,
    removals.part_number,
    removals.ata,
    removals.serial_off,
    removals.serial_on,
    removals.occurred_at,
    removals.ended_by,
    removals.hours_since_install,
    greatest(hours.tail_hours - coalesce(after_it.flight_hours, 0.0), 0.0) as tail_hours
from removals
left join hours_with_the_day as hours on hours.event_id = removals.event_id
left join flown_after_it as after_it on after_it.event_id = removals.event_id
