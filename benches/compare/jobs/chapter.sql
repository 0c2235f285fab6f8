-- Monthly rates of pilot and maintenance reports of each ATA chapter, alone and over the trailing 3 and 12 months.
with fleet_months as (
    select
        cast(date_trunc('month', date) as date) as month,
        sum(flight_hours) as fleet_hours
    from utilization
    group by 1
    having sum(flight_hours) > 0
),

reports as (
    select
        cast(date_trunc('month', occurred_at) as date) as month,
        split_part(ata, '-', 1) as ata,
        count(*) filter (where kind = 'PIREP') as pireps,
        count(*) filter (where kind = 'MAREP') as mareps
    from events
    where kind in ('PIREP', 'MAREP')
        and ata is not null
    group by
        1,
        2
),

chapters as (
    select ata
    from system_tree
    where parent is null
    union
    select ata
    from reports
),

counts as (
    select
        fleet_months.month,
        12 * year(fleet_months.month) + month(fleet_months.month) as number,
        chapters.ata,
        fleet_months.fleet_hours as flight_hours,
        coalesce(reports.pireps, 0) as pireps,
        coalesce(reports.mareps, 0) as mareps
    from fleet_months
    cross join chapters
    left join reports
        on reports.month = fleet_months.month
        and reports.ata = chapters.ata
)

select
    month,
    ata,
    pireps,
    mareps,
    flight_hours,
    1000 * (pireps + mareps) / flight_hours as rate_per_1000_fh,
    1000 * sum(pireps + mareps) over trailing_3m / sum(flight_hours) over trailing_3m as rate_3m,
    1000 * sum(pireps + mareps) over trailing_12m / sum(flight_hours) over trailing_12m as rate_12m
from counts
window
    trailing_3m as (partition by ata order by number range between 2 preceding and current row),
    trailing_12m as (partition by ata order by number range between 11 preceding and current row)
