/*
description: >-
  Whether failures come more or less often as flight hours go by, of each ATA chapter, on each aircraft and over the
  fleet: the power-law process of Crow (AMSAA) over confirmed failures, time truncated at the date. Hours count from the
  first day of utilization of each aircraft. Over the fleet the aircraft are copies of one process. With fewer than 3
  failures the power law has no figures.
grain: one row a scope, tail and ATA chapter with a failure
key: [as_of, scope, tail, ata]
materialized: partition
partition: as_of
unit: week
label: end
lookback: all
publish: true
columns:
  - name: as_of
    description: The date, which ends the week; its own events are not counted.
    not_null: true
  - name: scope
    description: One aircraft or the fleet.
    not_null: true
    values: [fleet, tail]
  - name: tail
    description: Registration of the aircraft; null for the fleet.
  - name: ata
    description: ATA iSpec 2200 chapter, such as 36.
    not_null: true
  - name: failures
    description: Confirmed failures, a count.
    not_null: true
    min: 0
  - name: hours
    description: Flight hours observed, of all aircraft in scope, hours.
    not_null: true
    min: 0
  - name: beta
    description: Shape of the power law; below 1 failures come less and less often. Null with fewer than 3 failures, as are its bounds, lambda and the MTBF.
    min: 0
  - name: beta_lower
    description: Bound below it, of a two-sided interval of 95 %, exact where all aircraft flew equal hours, else from the Fisher information on the scale of log.
    min: 0
  - name: beta_upper
    description: Bound above it, of a two-sided interval of 95 %.
    min: 0
  - name: lambda
    description: Scale of the power law, failures in lambda times hours to the power of beta, of one aircraft.
    min: 0
  - name: mtbf_instantaneous_hours
    description: Flight hours between failures of one aircraft at the hours of the one that flew most, as the power law has it, hours.
    min: 0
  - name: laplace_u
    description: Laplace's statistic; above 0 failures come more and more often.
  - name: laplace_p
    description: Two-sided probability of a statistic so far from 0 without a trend.
    min: 0
    max: 1
  - name: mil_hdbk_189_chi2
    description: Chi-squared statistic of MIL-HDBK-189.
    min: 0
  - name: mil_hdbk_189_p
    description: Two-sided probability of a statistic so extreme without a trend.
    min: 0
    max: 1
  - name: trend
    description: Improving or deteriorating where the test of MIL-HDBK-189 rejects at 5 %, else stable; null with fewer than 4 failures.
    values: [improving, deteriorating, stable]
*/
with tail_hours as (
    select
        tail,
        sum(flight_hours) as hours
    from staging.stg_utilization
    where _day < cast($interval_end as date)
    group by tail
    having sum(flight_hours) > 0
),

failures as (
    select
        tail,
        split_part(ata, '-', 1) as ata,
        tail_hours
    from reliability.int_removal
    where ended_by = 'FAILURE'
        and ata is not null
        and occurred_at < $interval_end
),

chapters as (
    select distinct ata
    from failures
),

histories as (
    select
        tail_hours.tail,
        chapters.ata,
        tail_hours.hours,
        -- A null must stay one, which least() would pass over.
        case when failures.tail_hours > tail_hours.hours then tail_hours.hours else failures.tail_hours end as failed_at
    from tail_hours
    cross join chapters
    left join failures
        on failures.tail = tail_hours.tail
        and failures.ata = chapters.ata
),

trends as (
    select
        'tail' as scope,
        tail,
        ata,
        count(failed_at) as failures,
        max(hours) as hours,
        crow_amsaa(failed_at, hours, tail) as fit
    from histories
    group by
        tail,
        ata
    having count(failed_at) > 0
    union all
    select
        'fleet' as scope,
        cast(null as varchar) as tail,
        histories.ata,
        count(failed_at) as failures,
        max(fleet.hours) as hours,
        crow_amsaa(failed_at, histories.hours, histories.tail) as fit
    from histories
    cross join (
        select sum(hours) as hours
        from tail_hours
    ) as fleet
    group by histories.ata
)

select
    cast($interval_end as date) as as_of,
    scope,
    tail,
    ata,
    failures,
    hours,
    case when failures >= 3 then fit['beta'] end as beta,
    case when failures >= 3 then fit['beta_lower'] end as beta_lower,
    case when failures >= 3 then fit['beta_upper'] end as beta_upper,
    case when failures >= 3 then fit['lambda'] end as lambda,
    case when failures >= 3 then fit['mtbf_instantaneous'] end as mtbf_instantaneous_hours,
    fit['laplace_u'] as laplace_u,
    fit['laplace_p'] as laplace_p,
    fit['mil_hdbk_189_chi2'] as mil_hdbk_189_chi2,
    fit['mil_hdbk_189_p'] as mil_hdbk_189_p,
    fit['trend'] as trend
from trends
