/*
description: What each aircraft carries, units and modifications, as of one instant.
grain: one row a tail and instant
key: [tail, effective_from]
materialized: view
columns:
  - name: tail
    description: Registration of the aircraft.
    not_null: true
  - name: effective_from
    description: From when the configuration holds, UTC.
    not_null: true
  - name: components
    description: Units installed.
  - name: modifications
    description: Modifications and how far they have come.
  - name: _day
    description: "UTC date of `effective_from`: filters on it leave files unread."
  - name: _file
    description: Landing file that the row came from, relative to the landing root.
  - name: _line
    description: Line of the file at which the record starts, from 1.
  - name: _delivered_on
    description: Day on which the file was delivered.
*/
select
    tail,
    effective_from,
    components,
    modifications,
    _day,
    _file,
    _line,
    _delivered_on
from source.configurations
