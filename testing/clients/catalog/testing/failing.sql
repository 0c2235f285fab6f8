/*
description: Fails on its data.
grain: one row a tail
key: [tail]
materialized: whole
columns:
  - name: tail
    description: Registration of the aircraft.
  - name: share
    description: A division by zero.
*/
select
    tail,
    flights / (flights - flights) as share
from testing.counted
