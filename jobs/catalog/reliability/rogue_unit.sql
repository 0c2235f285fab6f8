/*
description: >-
  Units that come back again and again: at least $removals unscheduled removals of one serial number in the 12 months
  before the date, or at least $nff of them without fault found.
grain: one row a unit that meets a rule
key: [as_of, part_number, serial]
materialized: partition
partition: as_of
unit: week
label: end
lookback: 54
publish: true
parameters:
  removals: 3
  nff: 4
columns:
  - name: as_of
    description: The date, which ends the week; its own events are not counted.
    not_null: true
  - name: part_number
    description: The part.
    not_null: true
  - name: serial
    description: Serial number of the unit.
    not_null: true
  - name: removals_12m
    description: Unscheduled removals of the unit in the 12 months before the date, a count.
    not_null: true
    min: 3
  - name: nff_12m
    description: Those in which the shop found no fault, a count.
    not_null: true
    min: 0
  - name: tails
    description: Aircraft that it was removed from, a count.
    not_null: true
    min: 0
  - name: last_removed_at
    description: Its last unscheduled removal, UTC.
  - name: rule
    description: "What it meets: unscheduled removals, no fault found, or both."
    not_null: true
    values: [removals, nff, removals_and_nff]
*/
with units as (
    select
        part_number,
        serial_off as serial,
        count(*) as removals_12m,
        sum(case when is_nff then 1 else 0 end) as nff_12m,
        count(distinct tail) as tails,
        max(occurred_at) as last_removed_at
    from staging.stg_events
    where is_unscheduled_removal
        and serial_off is not null
        and _day >= cast($interval_end - interval '12 months' as date)
        and _day < cast($interval_end as date)
        and occurred_at >= $interval_end - interval '12 months'
        and occurred_at < $interval_end
    group by
        part_number,
        serial_off
)

select
    cast($interval_end as date) as as_of,
    part_number,
    serial,
    removals_12m,
    nff_12m,
    tails,
    last_removed_at,
    case
        when removals_12m >= $removals and nff_12m >= $nff then 'removals_and_nff'
        when removals_12m >= $removals then 'removals'
        else 'nff'
    end as rule
from units
where removals_12m >= $removals
    or nff_12m >= $nff
