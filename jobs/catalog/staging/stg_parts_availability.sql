/*
description: Stock and lead time of parts at the stations.
grain: one row a part number, station and observation
key: [part_number, station, observed_at]
materialized: view
columns:
  - name: part_number
    description: The part.
    not_null: true
  - name: station
    description: IATA code of the station.
    not_null: true
  - name: on_hand
    description: Serviceable units in stock, a count.
  - name: lead_time_days
    description: Time to get another unit, days.
  - name: observed_at
    description: Time of the observation, UTC.
    not_null: true
  - name: _day
    description: "UTC date of `observed_at`: filters on it leave files unread."
  - name: _file
    description: Landing file that the row came from, relative to the landing root.
  - name: _line
    description: Line of the file at which the record starts, from 1.
  - name: _delivered_on
    description: Day on which the file was delivered.
*/
select
    part_number,
    station,
    on_hand,
    lead_time_days,
    observed_at,
    _day,
    _file,
    _line,
    _delivered_on
from source.parts_availability
