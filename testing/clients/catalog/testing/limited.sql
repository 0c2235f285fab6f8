/*
description: Takes longer than it may.
grain: one row
key: [combinations]
materialized: whole
time_limit: 1s
columns:
  - name: combinations
    description: Combinations of numbers, a count.
    min: 0
*/
with numbers as (
    select unnest(range(1, 1000)) as number
)

select count(*) as combinations
from testing.counted as counted
cross join numbers as first
cross join numbers as second
cross join numbers as third
where sin(first.number + second.number * third.number * counted.flights) > 0.5
