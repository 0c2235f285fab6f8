/*
description: >-
  Removals of part numbers that `parts_catalog` does not have, which `reliability.component` therefore leaves out:
  misspelt numbers, or parts to be added to the catalogue.
grain: one row a month and part number outside the catalogue
key: [month, part_number]
materialized: partition
partition: month
unit: month
publish: true
columns:
  - name: month
    description: First day of the UTC calendar month of the removals.
    not_null: true
  - name: part_number
    description: Part number as the events give it.
    not_null: true
  - name: removals
    description: Removals for any reason, a count.
    not_null: true
    min: 1
  - name: unscheduled_removals
    description: Unscheduled removals, a count.
    not_null: true
    min: 0
*/
select
    events.month,
    events.part_number,
    count(*) as removals,
    sum(case when events.is_unscheduled_removal then 1 else 0 end) as unscheduled_removals
from staging.stg_events as events
left join staging.stg_parts_catalog as parts
    on parts.part_number = events.part_number
where events.is_removal
    and events._day >= cast($interval_start as date)
    and events._day < cast($interval_end as date)
    and events.occurred_at >= $interval_start
    and events.occurred_at < $interval_end
    and parts.part_number is null
group by
    events.month,
    events.part_number
