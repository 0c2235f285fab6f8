/*
description: Joins more rows than a small executor can hold at once.
grain: one row
key: [pairs]
materialized: whole
parameters:
  rows_min: 0
columns:
  - name: pairs
    description: Pairs of rows, a count.
    min: 1
*/
with numbers as (
    select
        counted.tail,
        first.number * 1000 + second.number as number
    from testing.counted as counted
    cross join (select unnest(range(0, 300)) as number) as first
    cross join (select unnest(range(0, 1000)) as number) as second
)

select count(*) as pairs
from (select number, max(tail || repeat('x', 100)) as padding from numbers group by number) as one
inner join (select number, min(tail || repeat('y', 100)) as padding from numbers group by number) as other
    on one.number = other.number
where one.padding <> other.padding and one.number >= $rows_min
