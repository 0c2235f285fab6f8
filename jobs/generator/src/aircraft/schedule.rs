//! The legs planned for one aircraft on one day: out from its base and back, all departures within the UTC day.

use crate::calendar::{Day, Timestamp};
use crate::network::{Network, Station};
use crate::random::Stream;
use crate::world::World;

/// Taxi times that a schedule allows for.
const TAXI_MINUTES: f64 = 17.0;

/// A full day may begin as early as 02:00. No departure is planned later than 22:00, so that the day's last landing is
/// before midnight as a rule; the rare leg that would be later is left out.
const FIRST_DEPARTURE_MINUTE: i64 = 2 * 60;
const LAST_DEPARTURE_MINUTE: i64 = 22 * 60;

const SHORTEST_TURNAROUND_MINUTES: i64 = 25;
const LONGEST_TURNAROUND_MINUTES: i64 = 50;

pub(super) struct Leg {
    pub(super) origin: Station,
    pub(super) destination: Station,
    pub(super) number: u32,
    pub(super) departure: Timestamp,
    pub(super) arrival: Timestamp,
    pub(super) flight_minutes: f64,
    /// Leaves the base.
    pub(super) outbound: bool,
}

pub(super) fn plan(world: &World, base: Station, at: Station, day: Day, stream: &mut Stream) -> Vec<Leg> {
    let count = count(world.options.flights_per_day, stream);
    let stops = stops(base, at, count, stream);
    let minutes: Vec<f64> = stops
        .windows(2)
        .map(|pair| {
            let other = if pair[0] == base { pair[1] } else { pair[0] };
            world.network.flight_minutes(base, other)
        })
        .collect();
    let blocks: Vec<i64> = minutes.iter().map(|flight| ((flight + TAXI_MINUTES) / 5.0).ceil() as i64 * 5).collect();
    let start = start(&blocks, 240 + stream.integer(0, 18) * 5);
    let turnaround = turnaround(start, &blocks);
    let mut legs = Vec::with_capacity(blocks.len());
    let mut departure = start;
    for (pair, (block, flight)) in stops.windows(2).zip(blocks.into_iter().zip(minutes)) {
        if departure > LAST_DEPARTURE_MINUTE {
            break;
        }
        let outbound = pair[0] == base;
        let other = if outbound { pair[1] } else { pair[0] };
        legs.push(Leg {
            origin: pair[0],
            destination: pair[1],
            number: Network::flight_number(base, other, outbound),
            departure: day.at_minute(departure),
            arrival: day.at_minute(departure + block),
            flight_minutes: flight,
            outbound,
        });
        departure += block + turnaround;
    }
    legs
}

/// Flights of a day: `mean` on average, one more or less on some days.
fn count(mean: f64, stream: &mut Stream) -> usize {
    let whole = mean.floor();
    let mut count = whole as i64 + i64::from(stream.chance(mean - whole));
    if (2.0..=8.5).contains(&mean) {
        count += match stream.unit() {
            draw if draw < 0.12 => -1,
            draw if draw < 0.24 => 1,
            _ => 0,
        };
    }
    count.max(0) as usize
}

/// The stations in order, one more than there are legs.
fn stops(base: Station, at: Station, legs: usize, stream: &mut Stream) -> Vec<Station> {
    let mut stops = vec![at];
    let mut here = at;
    for _ in 0..legs {
        here = if here == base { Network::destination(base, stream.index(Network::served())) } else { base };
        stops.push(here);
    }
    stops
}

/// The first departure: as wished, or as early as the legs demand.
fn start(blocks: &[i64], wished: i64) -> i64 {
    let before_last = &blocks[..blocks.len().saturating_sub(1)];
    let turnarounds = before_last.len() as i64 * SHORTEST_TURNAROUND_MINUTES;
    let latest = LAST_DEPARTURE_MINUTE - before_last.iter().sum::<i64>() - turnarounds;
    wished.min(latest).max(FIRST_DEPARTURE_MINUTE)
}

/// The ground time that spreads the legs over the day, in steps of five minutes.
fn turnaround(start: i64, blocks: &[i64]) -> i64 {
    let Some((_, before_last)) = blocks.split_last() else {
        return SHORTEST_TURNAROUND_MINUTES;
    };
    let spare = LAST_DEPARTURE_MINUTE - start - before_last.iter().sum::<i64>();
    let each = spare / before_last.len().max(1) as i64 / 5 * 5;
    each.clamp(SHORTEST_TURNAROUND_MINUTES, LONGEST_TURNAROUND_MINUTES)
}
