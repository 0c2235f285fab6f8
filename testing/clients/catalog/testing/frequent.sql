/*
description: Tails with at least as many flights as a run asks for.
grain: one row a tail
key: [tail]
materialized: whole
parameters:
  flights_min: 2
columns:
  - name: tail
    description: Registration of the aircraft.
    not_null: true
*/
select tail
from testing.counted
where flights >= $flights_min
