/*
description: Reads what is never there.
grain: one row a tail
key: [tail]
materialized: whole
columns:
  - name: tail
    description: Registration of the aircraft.
*/
select tail
from testing.failing
