/*
description: Messages that the aircraft sends about its own systems.
grain: one row an alert
key: [alert_id]
materialized: view
columns:
  - name: alert_id
    description: Identifies the alert.
    not_null: true
  - name: tail
    description: Registration of the aircraft.
  - name: flight_id
    description: The flight during which it was raised, if any.
  - name: raised_at
    description: When it was raised, UTC.
  - name: cleared_at
    description: When it was cleared, UTC; null while it stands.
  - name: ata
    description: What it concerns, ATA iSpec 2200 chapter or chapter-section, such as 36 or 36-11.
  - name: severity
    description: How severe it is.
  - name: code
    description: Code of the message.
  - name: message
    description: Text of the message.
  - name: failure
    description: Whether the message reports a failure.
  - name: month
    description: First day of the UTC calendar month of `raised_at`.
  - name: chapter
    description: ATA chapter of `ata`, such as 36.
  - name: _day
    description: "UTC date of `raised_at`: filters on it leave files unread."
  - name: _file
    description: Landing file that the row came from, relative to the landing root.
  - name: _line
    description: Line of the file at which the record starts, from 1.
  - name: _delivered_on
    description: Day on which the file was delivered.
*/
select
    alert_id,
    tail,
    flight_id,
    raised_at,
    cleared_at,
    ata,
    severity,
    code,
    message,
    failure,
    cast(date_trunc('month', raised_at) as date) as month,
    split_part(ata, '-', 1) as chapter,
    _day,
    _file,
    _line,
    _delivered_on
from source.alerts
