/*
description: >-
  How each parameter of a day was distributed: every sample of the recordings, by tail, and the stable-point engine
  readings, by tail, engine position and phase of flight.
grain: one row a day, tail and parameter, for readings also an engine position and phase; none without a value
key: [date, tail, engine_position, phase, parameter]
materialized: partition
partition: date
unit: day
publish: true
columns:
  - name: date
    description: UTC date on which the recording started, or the reading was taken.
    not_null: true
  - name: tail
    description: Registration of the aircraft.
    not_null: true
  - name: engine_position
    description: Position of the engine on the aircraft, from 1; null for recordings, which tell none.
    min: 1
  - name: phase
    description: Phase of flight; null for recordings, which tell none.
    values: [TAKEOFF, CLIMB, CRUISE]
  - name: parameter
    description: Name of the parameter; its last part is the unit of the figures.
    not_null: true
  - name: count
    description: Values, a count; missing ones do not count.
    not_null: true
    min: 1
  - name: mean
    description: Their mean, in the unit of the parameter.
    not_null: true
  - name: stddev
    description: Standard deviation of the sample, over n - 1, in the unit of the parameter; null for a single value.
    min: 0
  - name: min
    description: The least value, in the unit of the parameter.
    not_null: true
  - name: p05
    description: The 5th percentile, by linear interpolation, in the unit of the parameter.
    not_null: true
  - name: p50
    description: The median, in the unit of the parameter.
    not_null: true
  - name: p95
    description: The 95th percentile, by linear interpolation, in the unit of the parameter.
    not_null: true
  - name: max
    description: The greatest value, in the unit of the parameter.
    not_null: true
*/
-- The samples stay in their lists, and each column of the readings is summarised as it stands: rows are only made of
-- figures.
with recordings as (
    select
        _day as date,
        tail,
        parameter,
        summary_statistics(samples) as figures
    from staging.stg_telemetry
    where _day >= cast($interval_start as date)
        and _day < cast($interval_end as date)
    group by
        _day,
        tail,
        parameter
),

readings as (
    select
        _day as date,
        tail,
        engine_position,
        phase,
        summary_statistics(n1_pct) as n1_pct,
        summary_statistics(n2_pct) as n2_pct,
        summary_statistics(egt_c) as egt_c,
        summary_statistics(egt_margin_c) as egt_margin_c,
        summary_statistics(fuel_flow_kg_h) as fuel_flow_kg_h,
        summary_statistics(oil_pressure_psi) as oil_pressure_psi,
        summary_statistics(oil_temp_c) as oil_temp_c,
        summary_statistics(vibration_ips) as vibration_ips,
        summary_statistics(altitude_ft) as altitude_ft,
        summary_statistics(mach) as mach,
        summary_statistics(tat_c) as tat_c
    from staging.stg_performance
    where _day >= cast($interval_start as date)
        and _day < cast($interval_end as date)
    group by
        _day,
        tail,
        engine_position,
        phase
),

readings_by_parameter as (
    select
        date,
        tail,
        engine_position,
        phase,
        unnest([
            named_struct('parameter', 'n1_pct', 'figures', n1_pct),
            named_struct('parameter', 'n2_pct', 'figures', n2_pct),
            named_struct('parameter', 'egt_c', 'figures', egt_c),
            named_struct('parameter', 'egt_margin_c', 'figures', egt_margin_c),
            named_struct('parameter', 'fuel_flow_kg_h', 'figures', fuel_flow_kg_h),
            named_struct('parameter', 'oil_pressure_psi', 'figures', oil_pressure_psi),
            named_struct('parameter', 'oil_temp_c', 'figures', oil_temp_c),
            named_struct('parameter', 'vibration_ips', 'figures', vibration_ips),
            named_struct('parameter', 'altitude_ft', 'figures', altitude_ft),
            named_struct('parameter', 'mach', 'figures', mach),
            named_struct('parameter', 'tat_c', 'figures', tat_c)
        ]) as measured
    from readings
),

parameters as (
    select
        date,
        tail,
        cast(null as bigint) as engine_position,
        cast(null as varchar) as phase,
        parameter,
        figures
    from recordings
    union all
    select
        date,
        tail,
        engine_position,
        phase,
        measured['parameter'] as parameter,
        measured['figures'] as figures
    from readings_by_parameter
)

select
    date,
    tail,
    engine_position,
    phase,
    parameter,
    figures['count'] as count,
    figures['mean'] as mean,
    figures['stddev'] as stddev,
    figures['min'] as min,
    figures['p05'] as p05,
    figures['p50'] as p50,
    figures['p95'] as p95,
    figures['max'] as max
from parameters
where figures['count'] > 0
