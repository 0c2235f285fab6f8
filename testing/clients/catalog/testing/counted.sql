/*
description: Flights of each tail.
grain: one row a tail
key: [tail]
materialized: whole
columns:
  - name: tail
    description: Registration of the aircraft.
    not_null: true
  - name: flights
    description: Flights, a count.
    min: 1
*/
select
    tail,
    count(*) as flights
from source.flights
group by tail
