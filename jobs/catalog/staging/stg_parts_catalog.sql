/*
description: Parts that are tracked, with what is guaranteed of them.
grain: one row a part number
key: [part_number]
materialized: view
columns:
  - name: part_number
    description: Identifies the part.
    not_null: true
  - name: description
    description: Name of the part.
  - name: ata
    description: What the part belongs to, ATA iSpec 2200 chapter or chapter-section, such as 36 or 36-11.
  - name: quantity_per_aircraft
    description: Units installed on each aircraft, a count.
  - name: mtbur_guaranteed_hours
    description: Guaranteed mean time between unscheduled removals, unit hours.
  - name: unit_cost_usd
    description: Price of a unit, US dollars.
  - name: repairable
    description: Whether a removed unit is repaired rather than discarded.
  - name: chapter
    description: ATA chapter of `ata`, such as 36.
  - name: _file
    description: Reference file that the row came from.
  - name: _line
    description: Line of the file at which the record starts, from 1.
*/
select
    part_number,
    description,
    ata,
    quantity_per_aircraft,
    mtbur_guaranteed_hours,
    unit_cost_usd,
    repairable,
    split_part(ata, '-', 1) as chapter,
    _file,
    _line
from source.parts_catalog
