/*
description: >-
  Dispatch reliability of each tail and of the fleet, by month. Flights of one tail hit on one UTC day by the same ATA
  chapter count once, as a cancellation if one of them is; a delay without `delay_ata` is never merged. The figures of
  the fleet are the sums of the tails' figures.
grain: one row a month and tail with scheduled departures, and one a month for the whole fleet (tail null)
key: [month, tail]
materialized: partition
partition: month
unit: month
publish: true
columns:
  - name: month
    description: First day of the UTC calendar month of the scheduled departures.
    not_null: true
  - name: tail
    description: Registration of the aircraft; null for the whole fleet.
  - name: scheduled_departures
    description: Flights scheduled, cancelled ones included, a count.
    not_null: true
    min: 1
  - name: technical_delays
    description: Technical delays of more than 15 minutes after merging, a count.
    not_null: true
    min: 0
  - name: technical_cancellations
    description: Technical cancellations after merging, a count.
    not_null: true
    min: 0
  - name: diversions
    description: Flights that landed elsewhere than planned, a count.
    not_null: true
    min: 0
  - name: air_turnbacks
    description: Flights that returned to where they took off, a count.
    not_null: true
    min: 0
  - name: dispatch_reliability_pct
    description: "100·(1 − (technical_delays + technical_cancellations) / scheduled_departures), percent."
    not_null: true
    min: 0
    max: 100
*/
with flights as (
    select
        month,
        tail,
        flight_date,
        -- flights with the same tail, date and incident count as one hit; null where nothing technical happened
        case
            when is_technical_cancellation then 'chapter ' || cancellation_chapter
            when is_technical_delay then coalesce('chapter ' || delay_chapter, 'flight ' || flight_id)
        end as incident,
        is_technical_cancellation,
        diverted,
        air_turnback
    from staging.stg_flights
    where _day >= cast($interval_start as date)
        and _day < cast($interval_end as date)
        and scheduled_departure >= $interval_start
        and scheduled_departure < $interval_end
),

incidents as (
    select
        month,
        tail,
        flight_date,
        incident,
        count(*) as scheduled_departures,
        bool_or(is_technical_cancellation) as is_cancellation,
        sum(case when diverted then 1 else 0 end) as diversions,
        sum(case when air_turnback then 1 else 0 end) as air_turnbacks
    from flights
    group by
        month,
        tail,
        flight_date,
        incident
),

tails_and_fleet as (
    select
        month,
        tail,
        sum(scheduled_departures) as scheduled_departures,
        sum(case when incident is not null and not is_cancellation then 1 else 0 end) as technical_delays,
        sum(case when incident is not null and is_cancellation then 1 else 0 end) as technical_cancellations,
        sum(diversions) as diversions,
        sum(air_turnbacks) as air_turnbacks
    from incidents
    group by grouping sets ((month, tail), (month))
)

select
    month,
    tail,
    scheduled_departures,
    technical_delays,
    technical_cancellations,
    diversions,
    air_turnbacks,
    100.0 * (1.0 - cast(technical_delays + technical_cancellations as double) / scheduled_departures) as dispatch_reliability_pct
from tails_and_fleet
