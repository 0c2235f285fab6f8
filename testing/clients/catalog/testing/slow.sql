/*
description: Takes some seconds on any machine, in one task that reads next to nothing.
grain: one row
key: [combinations]
materialized: whole
parameters:
  threshold: 0.5
columns:
  - name: combinations
    description: Combinations of numbers above the threshold, a count.
    min: 0
*/
with numbers as (
    select unnest(range(1, 360)) as number
)

select count(*) as combinations
from testing.counted as counted
cross join numbers as first
cross join numbers as second
cross join numbers as third
where sin(first.number + second.number * third.number * counted.flights) > $threshold
