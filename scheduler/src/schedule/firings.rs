//! The instants that a schedule names.
//!
//! **Invariant:** where the hour is given, a schedule fires when the zone's clocks first show a matching time or pass
//! over it, and once if they pass over several. Where every hour matches, it fires whenever they show a matching time.

use std::collections::VecDeque;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::wall_clock::{change, furthest, offset};
use fleet_jobs::catalog::{Cron, Schedule};

/// Days from 1970, before which nothing fires, to the year 5000, where croner ends its search.
const LAST_DAY: i64 = 1_106_685;

/// Those later than `after` and up to `until`, in order, the first `limit` of them.
pub fn firings(schedule: &Schedule, after: DateTime<Utc>, until: DateTime<Utc>, limit: usize) -> Vec<DateTime<Utc>> {
    Firings::after(schedule, after).take_while(|at| *at <= until).take(limit).collect()
}

/// The next `count` later than `after`.
pub fn next(schedule: &Schedule, after: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
    Firings::after(schedule, after).take(count).collect()
}

/// Firings of a stretch of time, of which only the newest are listed.
pub(super) struct Newest {
    /// The first and the last of those not listed.
    pub older: Option<(DateTime<Utc>, DateTime<Utc>)>,
    pub listed: Vec<DateTime<Utc>>,
}

/// The newest `limit` later than `after` and up to `until`. Looks back from `until` only as far as it must, as a clock
/// that jumps makes the stretch years long.
pub(super) fn newest(schedule: &Schedule, after: DateTime<Utc>, until: DateTime<Utc>, limit: usize) -> Newest {
    let mut back = TimeDelta::days(1);
    loop {
        let from = until.checked_sub_signed(back).map_or(after, |from| from.max(after));
        let mut listed = VecDeque::new();
        let mut before = None;
        for at in Firings::after(schedule, from).take_while(|at| *at <= until) {
            listed.push_back(at);
            if listed.len() > limit {
                before = listed.pop_front();
            }
        }
        if from == after || before.is_some() {
            let older = next(schedule, after, 1).first().copied().zip(before);
            return Newest { older, listed: listed.into() };
        }
        back = back * 2;
    }
}

/// All later than an instant, in order.
struct Firings<'a> {
    cron: &'a Cron,
    zone: Tz,
    at: DateTime<Utc>,
    /// At `at`.
    offset: TimeDelta,
    /// Matches up to this time of the wall clock are done with.
    done: NaiveDateTime,
}

impl<'a> Firings<'a> {
    fn after(schedule: &'a Schedule, at: DateTime<Utc>) -> Self {
        // Times of the wall clock are not reckoned at the ends of what a date can be.
        let at = at.max(DateTime::UNIX_EPOCH).min(DateTime::UNIX_EPOCH + TimeDelta::days(LAST_DAY));
        let (cron, zone) = (&schedule.cron, schedule.time_zone);
        let offset = offset(zone, at);
        let done = if cron.every_hour() { at.naive_utc() + offset } else { furthest(zone, at) };
        Self { cron, zone, at, offset, done }
    }
}

impl Iterator for Firings<'_> {
    type Item = DateTime<Utc>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let matching = self.cron.next(self.done)?;
            let at = (matching - self.offset).and_utc();
            let Some(changed) = change(self.zone, self.offset, self.at, at) else {
                (self.at, self.done) = (at, matching);
                return Some(at);
            };
            (self.at, self.offset) = (changed, offset(self.zone, changed));
            let shown = changed.naive_utc() + self.offset;
            if self.cron.every_hour() {
                self.done = shown - TimeDelta::seconds(1);
            } else if matching <= shown {
                self.done = shown;
                return Some(changed);
            }
        }
    }
}
