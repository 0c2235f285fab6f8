/*
description: >-
  Defects that are reported again and again: at least $reports pilot and maintenance reports of one ATA section on one
  aircraft in the $days days before the date.
grain: one row a tail and ATA section that meets the rule
key: [as_of, tail, ata]
materialized: partition
partition: as_of
unit: week
label: end
lookback: 4
publish: true
parameters:
  reports: 3
  days: 15
columns:
  - name: as_of
    description: The date, which ends the week; its own reports are not counted.
    not_null: true
  - name: tail
    description: Registration of the aircraft.
    not_null: true
  - name: ata
    description: ATA iSpec 2200 section, such as 36-11, or chapter where the reports name no section.
    not_null: true
  - name: reports
    description: Pilot and maintenance reports, a count.
    not_null: true
    min: 2
  - name: first_at
    description: The first of them, UTC.
    not_null: true
  - name: last_at
    description: The last of them, UTC.
    not_null: true
  - name: texts
    description: What they say, in their order.
*/
with reports as (
    select
        tail,
        ata,
        occurred_at,
        text
    from staging.stg_events
    where kind in ('PIREP', 'MAREP')
        and tail is not null
        and ata is not null
        and _day >= cast(cast(cast($interval_end as date) as int) - cast($days as int) as date)
        and _day < cast($interval_end as date)
)

select
    cast($interval_end as date) as as_of,
    tail,
    ata,
    count(*) as reports,
    min(occurred_at) as first_at,
    max(occurred_at) as last_at,
    array_agg(text order by occurred_at) as texts
from reports
group by
    tail,
    ata
having count(*) >= $reports
