/*
description: >-
  Removals, failures and repair times of each part by month, and over the trailing 3 and 12 calendar months. A window is
  the calendar months up to the row's own, less those before the first of them in which the fleet flew: a month without
  flying adds no hours, its removals count. Removals of parts that the catalogue does not have lack a quantity and so a
  rate; they are in `reliability.uncatalogued_removal`.
grain: one row a part of the catalogue and month in which the fleet flew
key: [month, part_number]
materialized: partition
partition: month
unit: month
lookback: 11
publish: true
columns:
  - name: month
    description: First day of the UTC calendar month.
    not_null: true
  - name: part_number
    description: The part.
    not_null: true
  - name: unit_hours
    description: Fleet flight hours times the quantity per aircraft, unit hours, of the month.
    min: 0
  - name: unscheduled_removals
    description: Unscheduled removals, a count, of the month.
    not_null: true
    min: 0
  - name: removals
    description: Removals for any reason, a count, of the month.
    not_null: true
    min: 0
  - name: confirmed_failures
    description: Unscheduled removals not found NFF, those pending included, a count, of the month.
    not_null: true
    min: 0
  - name: nff
    description: Unscheduled removals in which the shop found no fault, a count, of the month.
    not_null: true
    min: 0
  - name: mtbur_hours
    description: Mean time between unscheduled removals, unit_hours / unscheduled_removals, unit hours, of the month; null without one.
    min: 0
  - name: mtbur_lower_bound_hours
    description: What the mean time between unscheduled removals exceeds with 90 % confidence, 2T/χ²(0.90; 2k+2) for k removals in T unit hours, unit hours, of the month; known without a removal too.
    min: 0
  - name: mtbr_hours
    description: Mean time between removals, unit_hours / removals, unit hours, of the month; null without one.
    min: 0
  - name: mtbf_hours
    description: Mean time between confirmed failures, unit_hours / confirmed_failures, unit hours, of the month; null without one.
    min: 0
  - name: removals_per_1000_unit_hours
    description: Unscheduled removals in 1000 unit hours, of the month.
    min: 0
  - name: removals_per_1000_unit_hours_lower
    description: Exact Poisson bound below it, of a two-sided interval of 95 % (Garwood 1936), in 1000 unit hours, of the month.
    min: 0
  - name: removals_per_1000_unit_hours_upper
    description: Exact Poisson bound above it, of a two-sided interval of 95 % (Garwood 1936), in 1000 unit hours, of the month.
    min: 0
  - name: nff_rate
    description: Share of unscheduled removals in which the shop found no fault, nff / unscheduled_removals, 0 to 1, of the month; null without one.
    min: 0
    max: 1
  - name: mttr_hours
    description: Mean time to restore, the mean downtime of the unscheduled removals whose downtime is known, hours, of the month.
    min: 0
  - name: months_3m
    description: Months of the trailing 3 in which the fleet flew, a count.
    not_null: true
    min: 1
    max: 3
  - name: unit_hours_3m
    description: Fleet flight hours times the quantity per aircraft, unit hours, of the trailing 3 months.
    min: 0
  - name: unscheduled_removals_3m
    description: Unscheduled removals, a count, of the trailing 3 months.
    not_null: true
    min: 0
  - name: removals_3m
    description: Removals for any reason, a count, of the trailing 3 months.
    not_null: true
    min: 0
  - name: confirmed_failures_3m
    description: Unscheduled removals not found NFF, those pending included, a count, of the trailing 3 months.
    not_null: true
    min: 0
  - name: nff_3m
    description: Unscheduled removals in which the shop found no fault, a count, of the trailing 3 months.
    not_null: true
    min: 0
  - name: mtbur_hours_3m
    description: Mean time between unscheduled removals, unit_hours / unscheduled_removals, unit hours, of the trailing 3 months; null without one.
    min: 0
  - name: mtbur_lower_bound_hours_3m
    description: What the mean time between unscheduled removals exceeds with 90 % confidence, 2T/χ²(0.90; 2k+2) for k removals in T unit hours, unit hours, of the trailing 3 months; known without a removal too.
    min: 0
  - name: mtbr_hours_3m
    description: Mean time between removals, unit_hours / removals, unit hours, of the trailing 3 months; null without one.
    min: 0
  - name: mtbf_hours_3m
    description: Mean time between confirmed failures, unit_hours / confirmed_failures, unit hours, of the trailing 3 months; null without one.
    min: 0
  - name: removals_per_1000_unit_hours_3m
    description: Unscheduled removals in 1000 unit hours, of the trailing 3 months.
    min: 0
  - name: removals_per_1000_unit_hours_3m_lower
    description: Exact Poisson bound below it, of a two-sided interval of 95 % (Garwood 1936), in 1000 unit hours, of the trailing 3 months.
    min: 0
  - name: removals_per_1000_unit_hours_3m_upper
    description: Exact Poisson bound above it, of a two-sided interval of 95 % (Garwood 1936), in 1000 unit hours, of the trailing 3 months.
    min: 0
  - name: nff_rate_3m
    description: Share of unscheduled removals in which the shop found no fault, nff / unscheduled_removals, 0 to 1, of the trailing 3 months; null without one.
    min: 0
    max: 1
  - name: mttr_hours_3m
    description: Mean time to restore, the mean downtime of the unscheduled removals whose downtime is known, hours, of the trailing 3 months.
    min: 0
  - name: months_12m
    description: Months of the trailing 12 in which the fleet flew, a count.
    not_null: true
    min: 1
    max: 12
  - name: unit_hours_12m
    description: Fleet flight hours times the quantity per aircraft, unit hours, of the trailing 12 months.
    min: 0
  - name: unscheduled_removals_12m
    description: Unscheduled removals, a count, of the trailing 12 months.
    not_null: true
    min: 0
  - name: removals_12m
    description: Removals for any reason, a count, of the trailing 12 months.
    not_null: true
    min: 0
  - name: confirmed_failures_12m
    description: Unscheduled removals not found NFF, those pending included, a count, of the trailing 12 months.
    not_null: true
    min: 0
  - name: nff_12m
    description: Unscheduled removals in which the shop found no fault, a count, of the trailing 12 months.
    not_null: true
    min: 0
  - name: mtbur_hours_12m
    description: Mean time between unscheduled removals, unit_hours / unscheduled_removals, unit hours, of the trailing 12 months; null without one.
    min: 0
  - name: mtbur_lower_bound_hours_12m
    description: What the mean time between unscheduled removals exceeds with 90 % confidence, 2T/χ²(0.90; 2k+2) for k removals in T unit hours, unit hours, of the trailing 12 months; known without a removal too.
    min: 0
  - name: mtbr_hours_12m
    description: Mean time between removals, unit_hours / removals, unit hours, of the trailing 12 months; null without one.
    min: 0
  - name: mtbf_hours_12m
    description: Mean time between confirmed failures, unit_hours / confirmed_failures, unit hours, of the trailing 12 months; null without one.
    min: 0
  - name: removals_per_1000_unit_hours_12m
    description: Unscheduled removals in 1000 unit hours, of the trailing 12 months.
    min: 0
  - name: removals_per_1000_unit_hours_12m_lower
    description: Exact Poisson bound below it, of a two-sided interval of 95 % (Garwood 1936), in 1000 unit hours, of the trailing 12 months.
    min: 0
  - name: removals_per_1000_unit_hours_12m_upper
    description: Exact Poisson bound above it, of a two-sided interval of 95 % (Garwood 1936), in 1000 unit hours, of the trailing 12 months.
    min: 0
  - name: nff_rate_12m
    description: Share of unscheduled removals in which the shop found no fault, nff / unscheduled_removals, 0 to 1, of the trailing 12 months; null without one.
    min: 0
    max: 1
  - name: mttr_hours_12m
    description: Mean time to restore, the mean downtime of the unscheduled removals whose downtime is known, hours, of the trailing 12 months.
    min: 0
*/
with fleet_months as (
    select
        month,
        sum(flight_hours) as flight_hours
    from staging.stg_utilization
    where _day >= cast($interval_start - interval '11 months' as date)
        and _day < cast($interval_end as date)
    group by month
    having sum(flight_hours) > 0
),

exposure as (
    select
        month,
        flight_hours,
        sum(flight_hours) over trailing_3m as flight_hours_3m,
        sum(flight_hours) over trailing_12m as flight_hours_12m,
        count(*) over trailing_3m as months_3m,
        count(*) over trailing_12m as months_12m,
        min(month) over trailing_3m as first_month_3m,
        min(month) over trailing_12m as first_month_12m
    from fleet_months
    window
        trailing_3m as (order by month range between interval '2 months' preceding and current row),
        trailing_12m as (order by month range between interval '11 months' preceding and current row)
),

part_months as (
    select
        month,
        part_number,
        count(*) as removals,
        sum(case when is_unscheduled_removal then 1 else 0 end) as unscheduled_removals,
        sum(case when is_nff then 1 else 0 end) as nff,
        sum(case when is_unscheduled_removal then downtime_hours end) as downtime_hours,
        count(case when is_unscheduled_removal then downtime_hours end) as known_downtimes
    from staging.stg_events
    where is_removal
        and _day >= cast($interval_start - interval '11 months' as date)
        and _day < cast($interval_end as date)
        and occurred_at >= $interval_start - interval '11 months'
        and occurred_at < $interval_end
    group by
        month,
        part_number
),

figures as (
    select
        exposure.month,
        parts.part_number,
        exposure.months_3m,
        exposure.months_12m,
        exposure.flight_hours * parts.quantity_per_aircraft as unit_hours,
        exposure.flight_hours_3m * parts.quantity_per_aircraft as unit_hours_3m,
        exposure.flight_hours_12m * parts.quantity_per_aircraft as unit_hours_12m,
        coalesce(sum(case when part_months.month = exposure.month then part_months.unscheduled_removals end), 0) as unscheduled_removals,
        coalesce(sum(case when part_months.month = exposure.month then part_months.removals end), 0) as removals,
        coalesce(sum(case when part_months.month = exposure.month then part_months.nff end), 0) as nff,
        sum(case when part_months.month = exposure.month then part_months.downtime_hours end) as downtime_hours,
        sum(case when part_months.month = exposure.month then part_months.known_downtimes end) as known_downtimes,
        coalesce(sum(case when part_months.month >= exposure.first_month_3m then part_months.unscheduled_removals end), 0) as unscheduled_removals_3m,
        coalesce(sum(case when part_months.month >= exposure.first_month_3m then part_months.removals end), 0) as removals_3m,
        coalesce(sum(case when part_months.month >= exposure.first_month_3m then part_months.nff end), 0) as nff_3m,
        sum(case when part_months.month >= exposure.first_month_3m then part_months.downtime_hours end) as downtime_hours_3m,
        sum(case when part_months.month >= exposure.first_month_3m then part_months.known_downtimes end) as known_downtimes_3m,
        coalesce(sum(part_months.unscheduled_removals), 0) as unscheduled_removals_12m,
        coalesce(sum(part_months.removals), 0) as removals_12m,
        coalesce(sum(part_months.nff), 0) as nff_12m,
        sum(part_months.downtime_hours) as downtime_hours_12m,
        sum(part_months.known_downtimes) as known_downtimes_12m
    from exposure
    cross join staging.stg_parts_catalog as parts
    left join part_months
        on part_months.part_number = parts.part_number
        and part_months.month >= exposure.first_month_12m
        and part_months.month <= exposure.month
    where exposure.month >= cast($interval_start as date)
        and exposure.month < cast($interval_end as date)
    group by
        exposure.month,
        exposure.months_3m,
        exposure.months_12m,
        exposure.flight_hours,
        exposure.flight_hours_3m,
        exposure.flight_hours_12m,
        parts.part_number,
        parts.quantity_per_aircraft
)

select
    month,
    part_number,
    unit_hours,
    unscheduled_removals,
    removals,
    unscheduled_removals - nff as confirmed_failures,
    nff,
    nullif(unit_hours, 0) / nullif(unscheduled_removals, 0) as mtbur_hours,
    mtbur_lower_bound(unscheduled_removals, unit_hours) as mtbur_lower_bound_hours,
    nullif(unit_hours, 0) / nullif(removals, 0) as mtbr_hours,
    nullif(unit_hours, 0) / nullif(unscheduled_removals - nff, 0) as mtbf_hours,
    1000.0 * unscheduled_removals / nullif(unit_hours, 0) as removals_per_1000_unit_hours,
    1000.0 * poisson_rate(unscheduled_removals, unit_hours)['lower'] as removals_per_1000_unit_hours_lower,
    1000.0 * poisson_rate(unscheduled_removals, unit_hours)['upper'] as removals_per_1000_unit_hours_upper,
    cast(nff as double) / nullif(unscheduled_removals, 0) as nff_rate,
    downtime_hours / nullif(known_downtimes, 0) as mttr_hours,
    months_3m,
    unit_hours_3m,
    unscheduled_removals_3m,
    removals_3m,
    unscheduled_removals_3m - nff_3m as confirmed_failures_3m,
    nff_3m,
    nullif(unit_hours_3m, 0) / nullif(unscheduled_removals_3m, 0) as mtbur_hours_3m,
    mtbur_lower_bound(unscheduled_removals_3m, unit_hours_3m) as mtbur_lower_bound_hours_3m,
    nullif(unit_hours_3m, 0) / nullif(removals_3m, 0) as mtbr_hours_3m,
    nullif(unit_hours_3m, 0) / nullif(unscheduled_removals_3m - nff_3m, 0) as mtbf_hours_3m,
    1000.0 * unscheduled_removals_3m / nullif(unit_hours_3m, 0) as removals_per_1000_unit_hours_3m,
    1000.0 * poisson_rate(unscheduled_removals_3m, unit_hours_3m)['lower'] as removals_per_1000_unit_hours_3m_lower,
    1000.0 * poisson_rate(unscheduled_removals_3m, unit_hours_3m)['upper'] as removals_per_1000_unit_hours_3m_upper,
    cast(nff_3m as double) / nullif(unscheduled_removals_3m, 0) as nff_rate_3m,
    downtime_hours_3m / nullif(known_downtimes_3m, 0) as mttr_hours_3m,
    months_12m,
    unit_hours_12m,
    unscheduled_removals_12m,
    removals_12m,
    unscheduled_removals_12m - nff_12m as confirmed_failures_12m,
    nff_12m,
    nullif(unit_hours_12m, 0) / nullif(unscheduled_removals_12m, 0) as mtbur_hours_12m,
    mtbur_lower_bound(unscheduled_removals_12m, unit_hours_12m) as mtbur_lower_bound_hours_12m,
    nullif(unit_hours_12m, 0) / nullif(removals_12m, 0) as mtbr_hours_12m,
    nullif(unit_hours_12m, 0) / nullif(unscheduled_removals_12m - nff_12m, 0) as mtbf_hours_12m,
    1000.0 * unscheduled_removals_12m / nullif(unit_hours_12m, 0) as removals_per_1000_unit_hours_12m,
    1000.0 * poisson_rate(unscheduled_removals_12m, unit_hours_12m)['lower'] as removals_per_1000_unit_hours_12m_lower,
    1000.0 * poisson_rate(unscheduled_removals_12m, unit_hours_12m)['upper'] as removals_per_1000_unit_hours_12m_upper,
    cast(nff_12m as double) / nullif(unscheduled_removals_12m, 0) as nff_rate_12m,
    downtime_hours_12m / nullif(known_downtimes_12m, 0) as mttr_hours_12m
from figures
