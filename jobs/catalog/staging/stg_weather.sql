/*
description: Weather observed at the stations.
grain: one row a station and observation
key: [station, observed_at]
materialized: view
columns:
  - name: station
    description: IATA code of the station.
    not_null: true
  - name: observed_at
    description: Time of the observation, UTC.
    not_null: true
  - name: temperature_c
    description: Air temperature, degrees Celsius.
  - name: wind_kt
    description: Mean wind speed, knots.
  - name: gust_kt
    description: Gust speed, knots; null without gusts.
  - name: visibility_m
    description: Visibility, metres.
  - name: precipitation_mm
    description: Precipitation, mm.
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
    station,
    observed_at,
    temperature_c,
    wind_kt,
    gust_kt,
    visibility_m,
    precipitation_mm,
    _day,
    _file,
    _line,
    _delivered_on
from source.weather
