/*
description: Scheduled flights, cancelled ones included, with the technical delays and cancellations told apart.
grain: one row a scheduled flight
key: [flight_id]
materialized: view
columns:
  - name: flight_id
    description: Identifies the flight.
    not_null: true
  - name: tail
    description: Registration of the aircraft.
  - name: flight_number
    description: Flight number as published.
  - name: origin
    description: IATA code of the airport of departure.
  - name: destination
    description: IATA code of the planned airport of arrival.
  - name: scheduled_departure
    description: Scheduled time off blocks, UTC.
  - name: scheduled_arrival
    description: Scheduled time on blocks, UTC.
  - name: off_block
    description: Actual time off blocks, UTC; null if cancelled.
  - name: takeoff
    description: Actual time of takeoff, UTC; null if cancelled.
  - name: landing
    description: Actual time of landing, UTC; null if cancelled.
  - name: on_block
    description: Actual time on blocks, UTC; null if cancelled.
  - name: flight_hours
    description: Takeoff to landing, hours.
  - name: block_hours
    description: Off blocks to on blocks, hours.
  - name: cycles
    description: Flight cycles flown, a count.
  - name: delay_minutes
    description: Departure delay, minutes.
  - name: delay_code
    description: IATA AHM 730 delay code, two digits, 41 to 48 being technical; null without a delay.
  - name: delay_ata
    description: What delayed the flight, ATA iSpec 2200 chapter or chapter-section, such as 36 or 36-11; null if not technical or not known.
  - name: cancelled
    description: Whether the flight was cancelled.
  - name: cancellation_ata
    description: What cancelled the flight, ATA iSpec 2200 chapter or chapter-section, such as 36 or 36-11; null if not technical.
  - name: diverted
    description: Whether the flight landed elsewhere than planned.
  - name: air_turnback
    description: Whether the flight returned to where it took off.
  - name: fuel_burn_kg
    description: Fuel burned, kg.
  - name: payload_kg
    description: Payload carried, kg.
  - name: flight_date
    description: UTC date of `scheduled_departure`.
  - name: month
    description: First day of the UTC calendar month of `scheduled_departure`.
  - name: delay_chapter
    description: ATA chapter of `delay_ata`, such as 36.
  - name: cancellation_chapter
    description: ATA chapter of `cancellation_ata`, such as 36.
  - name: is_technical_delay
    description: Whether the flight, not cancelled, left more than 15 minutes late for a technical reason (codes 41 to 48), before merging.
  - name: is_technical_cancellation
    description: Whether the flight was cancelled for a technical reason, one with `cancellation_ata`, before merging.
  - name: _day
    description: "UTC date of `scheduled_departure`: filters on it leave files unread."
  - name: _file
    description: Landing file that the row came from, relative to the landing root.
  - name: _line
    description: Line of the file at which the record starts, from 1.
  - name: _delivered_on
    description: Day on which the file was delivered.
*/
select
    flight_id,
    tail,
    flight_number,
    origin,
    destination,
    scheduled_departure,
    scheduled_arrival,
    off_block,
    takeoff,
    landing,
    on_block,
    flight_hours,
    block_hours,
    cycles,
    delay_minutes,
    delay_code,
    delay_ata,
    cancelled,
    cancellation_ata,
    diverted,
    air_turnback,
    fuel_burn_kg,
    payload_kg,
    cast(scheduled_departure as date) as flight_date,
    cast(date_trunc('month', scheduled_departure) as date) as month,
    split_part(delay_ata, '-', 1) as delay_chapter,
    split_part(cancellation_ata, '-', 1) as cancellation_chapter,
    coalesce(not coalesce(cancelled, false) and delay_minutes > 15 and delay_code in ('41', '42', '43', '44', '45', '46', '47', '48'), false) as is_technical_delay,
    coalesce(cancelled and cancellation_ata is not null, false) as is_technical_cancellation,
    _day,
    _file,
    _line,
    _delivered_on
from source.flights
