/*
description: Breaks a check of its own.
grain: one row a tail
key: [tail]
materialized: whole
columns:
  - name: tail
    description: Registration of the aircraft.
  - name: flights
    description: Flights, a count that is said to be below zero.
    max: -1
*/
select
    tail,
    flights
from testing.counted
