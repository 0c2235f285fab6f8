/*
description: Modifications that service bulletins call for.
grain: one row a bulletin
key: [bulletin]
materialized: view
columns:
  - name: bulletin
    description: The service bulletin.
    not_null: true
  - name: title
    description: What it is about.
  - name: ata
    description: What it concerns, ATA iSpec 2200 chapter or chapter-section, such as 36 or 36-11.
  - name: issued_at
    description: When it was issued, UTC.
  - name: supersedes
    description: The bulletin that it replaces, if any.
  - name: chapter
    description: ATA chapter of `ata`, such as 36.
  - name: _file
    description: Reference file that the row came from.
  - name: _line
    description: Line of the file at which the record starts, from 1.
*/
select
    bulletin,
    title,
    ata,
    issued_at,
    supersedes,
    split_part(ata, '-', 1) as chapter,
    _file,
    _line
from source.modifications
