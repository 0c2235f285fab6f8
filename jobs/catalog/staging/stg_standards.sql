/*
description: Thresholds that the fleet is held to.
grain: one row a standard
key: [code]
materialized: view
columns:
  - name: code
    description: Identifies the standard.
    not_null: true
  - name: title
    description: What it asks for.
  - name: threshold
    description: The threshold, in `unit`.
  - name: unit
    description: Unit of the threshold.
  - name: _file
    description: Reference file that the row came from.
  - name: _line
    description: Line of the file at which the record starts, from 1.
*/
select
    code,
    title,
    threshold,
    unit,
    _file,
    _line
from source.standards
