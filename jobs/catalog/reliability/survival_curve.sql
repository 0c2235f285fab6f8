/*
description: >-
  Survival of the units of each part by flight hours since installation (Kaplan and Meier 1958), with the cumulative hazard
  of Nelson and Aalen. Parts without a failure have no curve.
grain: one row a part and hours at which a unit of it failed
key: [as_of, part_number, hours]
materialized: partition
partition: as_of
unit: week
label: end
publish: true
columns:
  - name: as_of
    description: The date, which ends the week; its own events are not counted.
    not_null: true
  - name: part_number
    description: The part.
    not_null: true
  - name: hours
    description: Flight hours since installation, hours.
    not_null: true
    min: 0
  - name: at_risk
    description: Units under observation just before, a count.
    not_null: true
    min: 1
  - name: failures
    description: Units that failed at these hours, a count.
    not_null: true
    min: 1
  - name: survival
    description: Share of units that live longer.
    not_null: true
    min: 0
    max: 1
  - name: survival_lower
    description: Bound below it, of a two-sided interval of 95 %, on the scale of log(-log).
    min: 0
    max: 1
  - name: survival_upper
    description: Bound above it, of a two-sided interval of 95 %, on the scale of log(-log).
    min: 0
    max: 1
  - name: standard_error
    description: Standard error of the survival (Greenwood 1926); null once no unit survives.
    min: 0
  - name: cumulative_hazard
    description: Cumulative hazard (Nelson and Aalen).
    not_null: true
    min: 0
*/
with curves as (
    select
        as_of,
        part_number,
        unnest(kaplan_meier(duration_hours, observed, entry_hours)) as step
    from reliability.int_life
    where as_of = cast($interval_end as date)
    group by
        as_of,
        part_number
)

select
    as_of,
    part_number,
    step['time'] as hours,
    step['at_risk'] as at_risk,
    step['failures'] as failures,
    step['survival'] as survival,
    step['log_log_lower'] as survival_lower,
    step['log_log_upper'] as survival_upper,
    step['standard_error'] as standard_error,
    step['cumulative_hazard'] as cumulative_hazard
from curves
