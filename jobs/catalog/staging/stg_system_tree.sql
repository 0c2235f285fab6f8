/*
description: "Aircraft systems: ATA chapters and their sections."
grain: one row a chapter or section
key: [ata]
materialized: view
columns:
  - name: ata
    description: ATA iSpec 2200 chapter or chapter-section, such as 36 or 36-11.
    not_null: true
  - name: title
    description: Name of the system.
  - name: parent
    description: The chapter of a section; null for a chapter.
  - name: chapter
    description: ATA chapter of `ata`, such as 36.
  - name: _file
    description: Reference file that the row came from.
  - name: _line
    description: Line of the file at which the record starts, from 1.
*/
select
    ata,
    title,
    parent,
    split_part(ata, '-', 1) as chapter,
    _file,
    _line
from source.system_tree
