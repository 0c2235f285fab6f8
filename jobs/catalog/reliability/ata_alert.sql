/*
description: >-
  Pilot and maintenance reports of each ATA chapter by month against three alert levels, each judged on the 12 months
  before the month judged. `mean_ksd`: the month's rate above the mean of the 12 monthly rates plus $standard_deviations
  sample standard deviations. `factor_1_3`: the rate of the trailing 3 months above $factor times the mean of the 12 such
  rates before. `poisson_upper`: the month's count above the $quantile quantile of a Poisson law whose mean is the month's
  flight hours times the 12 months' reports per flight hour. With fewer than $months_before earlier months there is no
  level and no judgement.
grain: one row a month in which the fleet flew, ATA chapter and alert rule
key: [month, ata, alert_rule]
materialized: partition
partition: month
unit: month
lookback: 26
publish: true
parameters:
  standard_deviations: 2
  factor: 1.3
  quantile: 0.95
  months_before: 6
  reports_expected: 5
columns:
  - name: month
    description: First day of the UTC calendar month.
    not_null: true
  - name: ata
    description: ATA iSpec 2200 chapter, such as 36.
    not_null: true
  - name: alert_rule
    description: The rule that gives the level.
    not_null: true
    values: [mean_ksd, factor_1_3, poisson_upper]
  - name: pireps
    description: Pilot reports, a count, of the month.
    not_null: true
    min: 0
  - name: mareps
    description: Maintenance reports, a count, of the month.
    not_null: true
    min: 0
  - name: flight_hours
    description: Flight hours of the fleet, hours, of the month.
    not_null: true
    min: 0
  - name: rate_per_1000_fh
    description: Pilot and maintenance reports in 1000 flight hours, of the month.
    min: 0
  - name: rate_3m
    description: Pilot and maintenance reports in 1000 flight hours, of the trailing 3 months.
    min: 0
  - name: rate_12m
    description: Pilot and maintenance reports in 1000 flight hours, of the trailing 12 months.
    min: 0
  - name: months_before
    description: Months of the 12 before in which the fleet flew, a count.
    not_null: true
    min: 0
    max: 12
  - name: alert_level
    description: What must be exceeded, in reports in 1000 flight hours; of poisson_upper a count of reports. Null with too few months before.
    min: 0
  - name: in_alert
    description: Whether the level is exceeded; null without a level.
  - name: months_in_alert
    description: Months in alert without a break up to this one, a count; 12 stands for 12 or more.
    not_null: true
    min: 0
    max: 12
  - name: escalated
    description: Whether the chapter is in alert two months running.
    not_null: true
  - name: exposure_sufficient
    description: Whether at least $reports_expected reports would be expected in the flight hours of the trailing 12 months at the rate of the 12 before; with fewer, one report more or less moves the figures.
    not_null: true
*/
with fleet_months as (
    select
        month,
        sum(flight_hours) as flight_hours
    from staging.stg_utilization
    where _day >= cast($interval_start - interval '26 months' as date)
        and _day < cast($interval_end as date)
    group by month
    having sum(flight_hours) > 0
),

reports as (
    select
        month,
        chapter as ata,
        sum(case when kind = 'PIREP' then 1 else 0 end) as pireps,
        sum(case when kind = 'MAREP' then 1 else 0 end) as mareps
    from staging.stg_events
    where kind in ('PIREP', 'MAREP')
        and chapter is not null
        and _day >= cast($interval_start - interval '26 months' as date)
        and _day < cast($interval_end as date)
    group by
        month,
        chapter
),

chapters as (
    select ata
    from staging.stg_system_tree
    where parent is null
    union
    select ata
    from reports
),

counts as (
    select
        fleet_months.month,
        chapters.ata,
        fleet_months.flight_hours,
        coalesce(reports.pireps, 0) as pireps,
        coalesce(reports.mareps, 0) as mareps,
        coalesce(reports.pireps, 0) + coalesce(reports.mareps, 0) as reports
    from fleet_months
    cross join chapters
    left join reports
        on reports.month = fleet_months.month
        and reports.ata = chapters.ata
),

rates as (
    select
        month,
        ata,
        flight_hours,
        pireps,
        mareps,
        reports,
        1000.0 * reports / flight_hours as rate_per_1000_fh,
        1000.0 * sum(reports) over trailing_3m / sum(flight_hours) over trailing_3m as rate_3m,
        1000.0 * sum(reports) over trailing_12m / sum(flight_hours) over trailing_12m as rate_12m,
        sum(flight_hours) over trailing_12m as flight_hours_12m
    from counts
    window
        trailing_3m as (partition by ata order by month range between interval '2 months' preceding and current row),
        trailing_12m as (partition by ata order by month range between interval '11 months' preceding and current row)
),

histories as (
    select
        *,
        count(*) over before as months_before,
        avg(rate_per_1000_fh) over before as mean_rate,
        stddev_samp(rate_per_1000_fh) over before as deviation,
        avg(rate_3m) over before as mean_rate_3m,
        sum(reports) over before / sum(flight_hours) over before as reports_per_hour
    from rates
    window before as (
        partition by ata
        order by month
        range between interval '12 months' preceding and interval '1 month' preceding
    )
),

levels as (
    select
        histories.*,
        rules.alert_rule,
        case
            when months_before < $months_before then null
            when rules.alert_rule = 'mean_ksd' then mean_rate + $standard_deviations * deviation
            when rules.alert_rule = 'factor_1_3' then $factor * mean_rate_3m
            else poisson_quantile(flight_hours * reports_per_hour, $quantile)
        end as alert_level
    from histories
    cross join (values ('mean_ksd'), ('factor_1_3'), ('poisson_upper')) as rules (alert_rule)
),

judged as (
    select
        *,
        case
            when alert_rule = 'mean_ksd' then rate_per_1000_fh > alert_level
            when alert_rule = 'factor_1_3' then rate_3m > alert_level
            else cast(reports as double) > alert_level
        end as in_alert
    from levels
),

runs as (
    select
        *,
        sum(case when coalesce(in_alert, false) then 0 else 1 end) over (
            partition by ata, alert_rule
            order by month
            rows between unbounded preceding and current row
        ) as breaks
    from judged
),

counted as (
    select
        *,
        sum(case when coalesce(in_alert, false) then 1 else 0 end) over (
            partition by ata, alert_rule, breaks
            order by month
            rows between 11 preceding and current row
        ) as months_in_alert
    from runs
    where month >= cast($interval_start - interval '11 months' as date)
)

select
    month,
    ata,
    alert_rule,
    pireps,
    mareps,
    flight_hours,
    rate_per_1000_fh,
    rate_3m,
    rate_12m,
    months_before,
    alert_level,
    in_alert,
    months_in_alert,
    months_in_alert >= 2 as escalated,
    coalesce(reports_per_hour * flight_hours_12m >= $reports_expected, false) as exposure_sufficient
from counted
where month >= cast($interval_start as date)
    and month < cast($interval_end as date)
