/*
description: Hours, cycles and availability of each tail and of the fleet, by month.
grain: one row a month and tail, and one a month for the whole fleet (tail null)
key: [month, tail]
materialized: partition
partition: month
unit: month
publish: true
columns:
  - name: month
    description: First day of the UTC calendar month.
    not_null: true
  - name: tail
    description: Registration of the aircraft; null for the whole fleet.
  - name: flight_hours
    description: Flight hours flown, hours.
    min: 0
  - name: flight_cycles
    description: Flight cycles flown, a count.
    min: 0
  - name: aircraft_days
    description: Days of aircraft reported, a count; a day of two aircraft counts as two.
    not_null: true
    min: 1
  - name: hours_per_day
    description: Flight hours an aircraft and day, hours.
    min: 0
  - name: cycles_per_day
    description: Flight cycles an aircraft and day, a count.
    min: 0
  - name: availability_pct
    description: "100·Σ available_hours / (24·aircraft_days), percent."
    min: 0
    max: 100
*/
with tails_and_fleet as (
    select
        month,
        tail,
        sum(flight_hours) as flight_hours,
        sum(flight_cycles) as flight_cycles,
        count(*) as aircraft_days,
        sum(available_hours) as available_hours
    from staging.stg_utilization
    where _day >= cast($interval_start as date)
        and _day < cast($interval_end as date)
    group by grouping sets ((month, tail), (month))
)

select
    month,
    tail,
    flight_hours,
    flight_cycles,
    aircraft_days,
    flight_hours / aircraft_days as hours_per_day,
    cast(flight_cycles as double) / aircraft_days as cycles_per_day,
    100.0 * available_hours / (24.0 * aircraft_days) as availability_pct
from tails_and_fleet
