//! What the clocks of a time zone show, and when they are put forward or back. Rests on one direction of conversion,
//! from UTC to local time, which is a function; the other is not.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// No zone puts its clocks back by more, nor twice within less.
const DAY_SECONDS: i64 = 86_400;
const SECOND: TimeDelta = TimeDelta::seconds(1);

/// How far the zone's clocks are ahead of UTC.
pub(super) fn offset(zone: Tz, at: DateTime<Utc>) -> TimeDelta {
    TimeDelta::seconds(i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()))
}

/// When the zone's clocks first show another offset than this, later than `after` and up to `until`.
pub(super) fn change(zone: Tz, from: TimeDelta, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let changed = |second: i64| DateTime::from_timestamp(second, 0).filter(|at| offset(zone, *at) != from);
    let (mut low, until) = (after.timestamp(), until.timestamp());
    while low < until {
        let mut high = until.min(low + DAY_SECONDS);
        if let Some(mut first) = changed(high) {
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                match changed(middle) {
                    Some(at) => (high, first) = (middle, at),
                    None => low = middle,
                }
            }
            return Some(first);
        }
        low = high;
    }
    None
}

/// The latest time of day and date that the zone's clocks have shown by then: not the present one, where they were put
/// back a short while ago.
pub(super) fn furthest(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    let mut from = at - TimeDelta::seconds(2 * DAY_SECONDS);
    let mut ahead = offset(zone, from);
    let mut furthest = from.naive_utc() + ahead;
    while let Some(changed) = change(zone, ahead, from, at) {
        furthest = furthest.max(changed.naive_utc() + ahead - SECOND);
        (from, ahead) = (changed, offset(zone, changed));
    }
    furthest.max(at.naive_utc() + ahead)
}
