/*
description: Stable-point engine readings, one an engine and phase of flight.
grain: one row a flight, engine position and phase
key: [flight_id, engine_position, phase]
materialized: view
columns:
  - name: flight_id
    description: The flight.
    not_null: true
  - name: engine_position
    description: Position of the engine on the aircraft, from 1.
    not_null: true
  - name: phase
    description: Phase of flight.
    not_null: true
  - name: tail
    description: Registration of the aircraft.
  - name: recorded_at
    description: When the reading was taken, UTC.
  - name: engine_serial
    description: Serial number of the engine.
  - name: n1_pct
    description: Fan speed, percent of rated.
  - name: n2_pct
    description: Core speed, percent of rated.
  - name: egt_c
    description: Exhaust gas temperature, degrees Celsius.
  - name: egt_margin_c
    description: Margin of the exhaust gas temperature to its limit, degrees Celsius; negative beyond it.
  - name: fuel_flow_kg_h
    description: Fuel flow, kg per hour.
  - name: oil_pressure_psi
    description: Oil pressure, psi.
  - name: oil_temp_c
    description: Oil temperature, degrees Celsius.
  - name: vibration_ips
    description: Vibration, inches per second.
  - name: altitude_ft
    description: Pressure altitude, feet.
  - name: mach
    description: Mach number.
  - name: tat_c
    description: Total air temperature, degrees Celsius.
  - name: month
    description: First day of the UTC calendar month of `recorded_at`.
  - name: _day
    description: "UTC date of `recorded_at`: filters on it leave files unread."
  - name: _file
    description: Landing file that the row came from, relative to the landing root.
  - name: _line
    description: Line of the file at which the record starts, from 1.
  - name: _delivered_on
    description: Day on which the file was delivered.
*/
select
    flight_id,
    engine_position,
    phase,
    tail,
    recorded_at,
    engine_serial,
    n1_pct,
    n2_pct,
    egt_c,
    egt_margin_c,
    fuel_flow_kg_h,
    oil_pressure_psi,
    oil_temp_c,
    vibration_ips,
    altitude_ft,
    mach,
    tat_c,
    cast(date_trunc('month', recorded_at) as date) as month,
    _day,
    _file,
    _line,
    _delivered_on
from source.performance
