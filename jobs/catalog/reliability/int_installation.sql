/*
description: >-
  Installations of units: those found in the first configuration of an aircraft, already aged, and those that followed a
  removal. What an aircraft without a configuration had installed before its first removal is left out, since nobody
  knows from when on it was watched. The unit that follows a removal is taken to be of the part that was removed.
grain: one row an installation
key: [tail, position, observed_from]
materialized: whole
columns:
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
    description: Flight hours of the unit since this installation when it was first seen, hours; 0 for one installed under observation, null where not known.
    min: 0
  - name: tail_hours_at_start
    description: Flight hours of the aircraft, since its first day of utilization, when the unit was first seen, hours.
    min: 0
  - name: ended_at
    description: When the unit was removed, UTC; null while it is installed.
  - name: ended_by
    description: What ended the installation; null while it lasts.
    values: [FAILURE, NFF, SCHEDULED, CONVENIENCE, UNKNOWN]
  - name: hours_at_end
    description: Flight hours of the unit since this installation when it was removed, hours.
    min: 0
*/
with first_configurations as (
    select
        tail,
        min(effective_from) as effective_from
    from staging.stg_configurations
    group by tail
),

first_components as (
    select
        configurations.tail,
        configurations.effective_from,
        unnest(configurations.components) as component
    from staging.stg_configurations as configurations
    inner join first_configurations
        on first_configurations.tail = configurations.tail
        and first_configurations.effective_from = configurations.effective_from
),

first_units as (
    select
        tail,
        component['position'] as position,
        component['part_number'] as part_number,
        component['serial'] as serial,
        effective_from,
        component['hours_since_install'] as entry_hours
    from first_components
),

hours_before_configuration as (
    select
        first_configurations.tail,
        sum(utilization.flight_hours) as flight_hours
    from first_configurations
    inner join staging.stg_utilization as utilization
        on utilization.tail = first_configurations.tail
        and utilization.date < cast(first_configurations.effective_from as date)
    group by first_configurations.tail
),

starts as (
    select
        first_units.tail,
        first_units.position,
        first_units.part_number,
        first_units.serial,
        first_units.effective_from as observed_from,
        first_units.entry_hours,
        coalesce(hours.flight_hours, 0.0) as tail_hours_at_start,
        cast(null as varchar) as ended_by,
        cast(null as double) as hours_since_install
    from first_units
    left join hours_before_configuration as hours on hours.tail = first_units.tail
    union all
    select
        removals.tail,
        removals.position,
        removals.part_number,
        removals.serial_on as serial,
        removals.occurred_at as observed_from,
        cast(0.0 as double) as entry_hours,
        removals.tail_hours as tail_hours_at_start,
        removals.ended_by,
        removals.hours_since_install
    from reliability.int_removal as removals
    left join first_units
        on first_units.tail = removals.tail
        and first_units.position = removals.position
    where removals.tail is not null
        and removals.position is not null
        -- A configuration already shows the unit that a removal at its time brought.
        and (first_units.effective_from is null or removals.occurred_at > first_units.effective_from)
),

in_sequence as (
    select
        tail,
        position,
        part_number,
        serial,
        observed_from,
        entry_hours,
        tail_hours_at_start,
        lead(observed_from) over slot as ended_at,
        lead(ended_by) over slot as ended_by,
        lead(hours_since_install) over slot as hours_since_install_at_end,
        lead(tail_hours_at_start) over slot as tail_hours_at_end
    from starts
    window slot as (partition by tail, position order by observed_from)
)

select
    tail,
    position,
    part_number,
    serial,
    observed_from,
    entry_hours,
    tail_hours_at_start,
    ended_at,
    ended_by,
    case
        when ended_at is not null
            then coalesce(hours_since_install_at_end, entry_hours + greatest(tail_hours_at_end - tail_hours_at_start, 0.0))
    end as hours_at_end
from in_sequence
where part_number is not null
