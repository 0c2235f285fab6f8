/*
description: Recorded parameters of a flight, sampled at a constant rate.
grain: one row a flight, recording and parameter
key: [flight_id, started_at, parameter]
materialized: view
columns:
  - name: flight_id
    description: The flight.
    not_null: true
  - name: started_at
    description: Time of the first sample, UTC.
    not_null: true
  - name: tail
    description: Registration of the aircraft.
  - name: sample_rate_hz
    description: Samples a second, Hz.
  - name: parameter
    description: Name of the parameter, with its unit as last part.
    not_null: true
  - name: samples
    description: Samples in order of time, in the unit of the parameter; null where one is missing.
  - name: _day
    description: "UTC date of `started_at`: filters on it leave files unread."
  - name: _file
    description: Landing file that the row came from, relative to the landing root.
  - name: _line
    description: Line of the file at which the record starts, from 1.
  - name: _delivered_on
    description: Day on which the file was delivered.
*/
select
    flight_id,
    started_at,
    tail,
    sample_rate_hz,
    parameter,
    samples,
    _day,
    _file,
    _line,
    _delivered_on
from source.telemetry
