/*
description: Status of flights as it changes through the day.
grain: one row a flight and update
key: [flight_id, updated_at]
materialized: view
columns:
  - name: tail
    description: Registration of the aircraft.
  - name: flight_id
    description: The flight.
    not_null: true
  - name: updated_at
    description: Time of the update, UTC.
    not_null: true
  - name: status
    description: Status of the flight, as its source words it.
  - name: _day
    description: "UTC date of `updated_at`: filters on it leave files unread."
  - name: _file
    description: Landing file that the row came from, relative to the landing root.
  - name: _line
    description: Line of the file at which the record starts, from 1.
  - name: _delivered_on
    description: Day on which the file was delivered.
*/
select
    tail,
    flight_id,
    updated_at,
    status,
    _day,
    _file,
    _line,
    _delivered_on
from source.live_updates
