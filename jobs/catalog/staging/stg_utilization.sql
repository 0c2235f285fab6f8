/*
description: Hours, cycles and availability of each aircraft, by day.
grain: one row a tail and UTC day
key: [tail, date]
materialized: view
columns:
  - name: tail
    description: Registration of the aircraft.
    not_null: true
  - name: date
    description: UTC day.
    not_null: true
  - name: flight_hours
    description: Flight hours of the day, hours.
  - name: flight_cycles
    description: Flight cycles of the day, a count.
  - name: apu_hours
    description: Hours that the auxiliary power unit ran, hours.
  - name: apu_cycles
    description: Starts of the auxiliary power unit, a count.
  - name: available_hours
    description: Hours of the day that the aircraft was available for service, hours.
  - name: month
    description: First day of the UTC calendar month of `date`.
  - name: _day
    description: "UTC date of `date`: filters on it leave files unread."
  - name: _file
    description: Landing file that the row came from, relative to the landing root.
  - name: _line
    description: Line of the file at which the record starts, from 1.
  - name: _delivered_on
    description: Day on which the file was delivered.
*/
select
    tail,
    date,
    flight_hours,
    flight_cycles,
    apu_hours,
    apu_cycles,
    available_hours,
    cast(date_trunc('month', date) as date) as month,
    _day,
    _file,
    _line,
    _delivered_on
from source.utilization
