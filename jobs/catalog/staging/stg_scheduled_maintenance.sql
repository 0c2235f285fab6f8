/*
description: Work orders of scheduled maintenance.
grain: one row a work order
key: [work_order_id]
materialized: view
columns:
  - name: work_order_id
    description: Identifies the work order.
    not_null: true
  - name: tail
    description: Registration of the aircraft.
  - name: station
    description: IATA code of the station that did the work.
  - name: task_id
    description: Task of the maintenance programme.
  - name: check_type
    description: Kind of check.
  - name: ata
    description: What was worked on, ATA iSpec 2200 chapter or chapter-section, such as 36 or 36-11.
  - name: started_at
    description: Start of the work, UTC.
  - name: completed_at
    description: End of the work, UTC; null while open.
  - name: labor_hours
    description: Labour spent, man-hours.
  - name: findings
    description: Findings raised, a count.
  - name: deferred
    description: Whether the work was deferred.
  - name: cost_usd
    description: Cost of labour and material, US dollars.
  - name: description
    description: What the work order says, free text.
  - name: month
    description: First day of the UTC calendar month of `started_at`.
  - name: chapter
    description: ATA chapter of `ata`, such as 36.
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
    work_order_id,
    tail,
    station,
    task_id,
    check_type,
    ata,
    started_at,
    completed_at,
    labor_hours,
    findings,
    deferred,
    cost_usd,
    description,
    cast(date_trunc('month', started_at) as date) as month,
    split_part(ata, '-', 1) as chapter,
    _day,
    _file,
    _line,
    _delivered_on
from source.scheduled_maintenance
