/*
description: Service bulletins and airworthiness directives as they are issued.
grain: one row a bulletin
key: [bulletin]
materialized: view
columns:
  - name: bulletin
    description: Identifies the bulletin or directive.
    not_null: true
  - name: kind
    description: Service bulletin or airworthiness directive.
  - name: issued_at
    description: When it was issued, UTC.
  - name: ata
    description: What it concerns, ATA iSpec 2200 chapter or chapter-section, such as 36 or 36-11.
  - name: compliance_by
    description: Day by which it must be complied with; null without a limit.
  - name: chapter
    description: ATA chapter of `ata`, such as 36.
  - name: _day
    description: "UTC date of `issued_at`: filters on it leave files unread."
  - name: _file
    description: Landing file that the row came from, relative to the landing root.
  - name: _line
    description: Line of the file at which the record starts, from 1.
  - name: _delivered_on
    description: Day on which the file was delivered.
*/
select
    bulletin,
    kind,
    issued_at,
    ata,
    compliance_by,
    split_part(ata, '-', 1) as chapter,
    _day,
    _file,
    _line,
    _delivered_on
from source.bulletins
