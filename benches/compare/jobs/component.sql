-- Monthly removal rates of each part, alone and over the trailing 3 and 12 calendar months. A window starts no earlier
-- than the first of its months in which the fleet flew. The function poisson_bounds is the engine's wrapper of scipy.
with fleet_months as (
    select
        cast(date_trunc('month', date) as date) as month,
        sum(flight_hours) as fleet_hours
    from utilization
    group by 1
    having sum(flight_hours) > 0
),

numbered as (
    select
        month,
        fleet_hours,
        12 * year(month) + month(month) as number
    from fleet_months
),

exposure as (
    select
        month,
        number,
        fleet_hours,
        sum(fleet_hours) over trailing_3m as fleet_hours_3m,
        sum(fleet_hours) over trailing_12m as fleet_hours_12m,
        count(*) over trailing_3m as months_3m,
        count(*) over trailing_12m as months_12m,
        min(number) over trailing_3m as first_3m,
        min(number) over trailing_12m as first_12m
    from numbered
    window
        trailing_3m as (order by number range between 2 preceding and current row),
        trailing_12m as (order by number range between 11 preceding and current row)
),

removals as (
    select
        12 * year(occurred_at) + month(occurred_at) as number,
        part_number,
        reason = 'UNSCHEDULED' as unscheduled,
        reason = 'UNSCHEDULED' and shop_finding = 'NFF' as nff,
        downtime_hours
    from events
    where kind = 'REMOVAL'
        and part_number is not null
),

part_months as (
    select
        number,
        part_number,
        count(*) as removals,
        count(*) filter (where unscheduled) as unscheduled_removals,
        count(*) filter (where nff) as nff,
        sum(downtime_hours) filter (where unscheduled) as downtime_hours,
        count(downtime_hours) filter (where unscheduled) as known_downtimes
    from removals
    group by
        number,
        part_number
),

counts as (
    select
        exposure.month,
        parts_catalog.part_number,
        max(exposure.months_3m) as months_3m,
        max(exposure.months_12m) as months_12m,
        max(exposure.fleet_hours * parts_catalog.quantity_per_aircraft) as unit_hours,
        max(exposure.fleet_hours_3m * parts_catalog.quantity_per_aircraft) as unit_hours_3m,
        max(exposure.fleet_hours_12m * parts_catalog.quantity_per_aircraft) as unit_hours_12m,
        coalesce(sum(part_months.unscheduled_removals) filter (where part_months.number = exposure.number), 0) as unscheduled_removals,
        coalesce(sum(part_months.removals) filter (where part_months.number = exposure.number), 0) as removals,
        coalesce(sum(part_months.nff) filter (where part_months.number = exposure.number), 0) as nff,
        sum(part_months.downtime_hours) filter (where part_months.number = exposure.number) as downtime_hours,
        sum(part_months.known_downtimes) filter (where part_months.number = exposure.number) as known_downtimes,
        coalesce(sum(part_months.unscheduled_removals) filter (where part_months.number >= exposure.first_3m), 0) as unscheduled_removals_3m,
        coalesce(sum(part_months.removals) filter (where part_months.number >= exposure.first_3m), 0) as removals_3m,
        coalesce(sum(part_months.nff) filter (where part_months.number >= exposure.first_3m), 0) as nff_3m,
        sum(part_months.downtime_hours) filter (where part_months.number >= exposure.first_3m) as downtime_hours_3m,
        sum(part_months.known_downtimes) filter (where part_months.number >= exposure.first_3m) as known_downtimes_3m,
        coalesce(sum(part_months.unscheduled_removals) filter (where part_months.number >= exposure.first_12m), 0) as unscheduled_removals_12m,
        coalesce(sum(part_months.removals) filter (where part_months.number >= exposure.first_12m), 0) as removals_12m,
        coalesce(sum(part_months.nff) filter (where part_months.number >= exposure.first_12m), 0) as nff_12m,
        sum(part_months.downtime_hours) filter (where part_months.number >= exposure.first_12m) as downtime_hours_12m,
        sum(part_months.known_downtimes) filter (where part_months.number >= exposure.first_12m) as known_downtimes_12m
    from exposure
    cross join parts_catalog
    left join part_months
        on part_months.part_number = parts_catalog.part_number
        and part_months.number between exposure.first_12m and exposure.number
    group by
        exposure.month,
        parts_catalog.part_number
),

bounded as (
    select
        *,
        poisson_bounds(cast(unscheduled_removals as double), unit_hours) as bounds,
        poisson_bounds(cast(unscheduled_removals_3m as double), unit_hours_3m) as bounds_3m,
        poisson_bounds(cast(unscheduled_removals_12m as double), unit_hours_12m) as bounds_12m
    from counts
)

select
    month,
    part_number,
    unit_hours,
    cast(unscheduled_removals as bigint) as unscheduled_removals,
    cast(removals as bigint) as removals,
    cast(unscheduled_removals - nff as bigint) as confirmed_failures,
    cast(nff as bigint) as nff,
    nullif(unit_hours, 0) / nullif(unscheduled_removals, 0) as mtbur_hours,
    bounds.mtbur as mtbur_lower_bound_hours,
    nullif(unit_hours, 0) / nullif(removals, 0) as mtbr_hours,
    nullif(unit_hours, 0) / nullif(unscheduled_removals - nff, 0) as mtbf_hours,
    1000 * unscheduled_removals / nullif(unit_hours, 0) as removals_per_1000_unit_hours,
    bounds.lower as removals_per_1000_unit_hours_lower,
    bounds.upper as removals_per_1000_unit_hours_upper,
    nff / nullif(unscheduled_removals, 0) as nff_rate,
    downtime_hours / nullif(known_downtimes, 0) as mttr_hours,
    cast(months_3m as bigint) as months_3m,
    unit_hours_3m,
    cast(unscheduled_removals_3m as bigint) as unscheduled_removals_3m,
    cast(removals_3m as bigint) as removals_3m,
    cast(unscheduled_removals_3m - nff_3m as bigint) as confirmed_failures_3m,
    cast(nff_3m as bigint) as nff_3m,
    nullif(unit_hours_3m, 0) / nullif(unscheduled_removals_3m, 0) as mtbur_hours_3m,
    bounds_3m.mtbur as mtbur_lower_bound_hours_3m,
    nullif(unit_hours_3m, 0) / nullif(removals_3m, 0) as mtbr_hours_3m,
    nullif(unit_hours_3m, 0) / nullif(unscheduled_removals_3m - nff_3m, 0) as mtbf_hours_3m,
    1000 * unscheduled_removals_3m / nullif(unit_hours_3m, 0) as removals_per_1000_unit_hours_3m,
    bounds_3m.lower as removals_per_1000_unit_hours_3m_lower,
    bounds_3m.upper as removals_per_1000_unit_hours_3m_upper,
    nff_3m / nullif(unscheduled_removals_3m, 0) as nff_rate_3m,
    downtime_hours_3m / nullif(known_downtimes_3m, 0) as mttr_hours_3m,
    cast(months_12m as bigint) as months_12m,
    unit_hours_12m,
    cast(unscheduled_removals_12m as bigint) as unscheduled_removals_12m,
    cast(removals_12m as bigint) as removals_12m,
    cast(unscheduled_removals_12m - nff_12m as bigint) as confirmed_failures_12m,
    cast(nff_12m as bigint) as nff_12m,
    nullif(unit_hours_12m, 0) / nullif(unscheduled_removals_12m, 0) as mtbur_hours_12m,
    bounds_12m.mtbur as mtbur_lower_bound_hours_12m,
    nullif(unit_hours_12m, 0) / nullif(removals_12m, 0) as mtbr_hours_12m,
    nullif(unit_hours_12m, 0) / nullif(unscheduled_removals_12m - nff_12m, 0) as mtbf_hours_12m,
    1000 * unscheduled_removals_12m / nullif(unit_hours_12m, 0) as removals_per_1000_unit_hours_12m,
    bounds_12m.lower as removals_per_1000_unit_hours_12m_lower,
    bounds_12m.upper as removals_per_1000_unit_hours_12m_upper,
    nff_12m / nullif(unscheduled_removals_12m, 0) as nff_rate_12m,
    downtime_hours_12m / nullif(known_downtimes_12m, 0) as mttr_hours_12m
from bounded
