//! Firings around known changes of clocks (IANA time zone database) and in calendars, written out.

use chrono::TimeDelta;

use super::super::{firings, next};
use super::{at, zoned};

/// The firings of a window, as local times with their offset.
fn local(cron: &str, zone: &str, from: &str, to: &str) -> Vec<String> {
    let schedule = zoned(cron, zone);
    let after = at(from) - TimeDelta::seconds(1);
    firings(&schedule, after, at(to), 1_000)
        .iter()
        .map(|at| at.with_timezone(&schedule.time_zone).format("%m-%d %H:%M %:z").to_string())
        .collect()
}

#[test]
fn paris_spring_a_skipped_time_runs_once_when_the_clocks_jump() {
    // 2026-03-29: 02:00 +01:00 becomes 03:00 +02:00, at 01:00 UTC.
    let (from, to) = ("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
    assert_eq!(local("30 2 * * *", "Europe/Paris", from, to), ["03-29 03:00 +02:00", "03-30 02:30 +02:00"]);
    assert_eq!(local("*/15 2 * * 0", "Europe/Paris", from, to), ["03-29 03:00 +02:00"]);
    assert_eq!(local("0,30 2,3 * * 0", "Europe/Paris", from, to), ["03-29 03:00 +02:00", "03-29 03:30 +02:00"]);
    assert_eq!(local("0 2,14 * * 0", "Europe/Paris", from, to), ["03-29 03:00 +02:00", "03-29 14:00 +02:00"]);
    assert_eq!(local("0 1,4 * * 0", "Europe/Paris", from, to), ["03-29 01:00 +01:00", "03-29 04:00 +02:00"]);
}

#[test]
fn paris_autumn_a_repeated_time_runs_the_first_time() {
    // 2026-10-25: 03:00 +02:00 becomes 02:00 +01:00, at 01:00 UTC.
    let (from, to) = ("2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z");
    assert_eq!(local("30 2 * * *", "Europe/Paris", from, to), ["10-25 02:30 +02:00"]);
    assert_eq!(local("0 2,3 * * *", "Europe/Paris", from, to), ["10-25 02:00 +02:00", "10-25 03:00 +01:00"]);
    // Also where the search begins after the first time, with the clocks not yet put back or put back already.
    for after in ["2026-10-25T00:45:00Z", "2026-10-25T01:10:00Z"] {
        assert_eq!(next(&zoned("30 2 * * *", "Europe/Paris"), at(after), 1), [at("2026-10-26T01:30:00Z")]);
    }
}

#[test]
fn a_rhythm_runs_every_real_hour() {
    let every_hour = |zone, from: &str, to: &str| local("0 * * * *", zone, from, to);
    assert_eq!(
        every_hour("Europe/Paris", "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z"),
        ["03-29 01:00 +01:00", "03-29 03:00 +02:00", "03-29 04:00 +02:00"]
    );
    assert_eq!(
        every_hour("Europe/Paris", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"),
        ["10-25 02:00 +02:00", "10-25 02:00 +01:00", "10-25 03:00 +01:00"]
    );
    let quarters =
        firings(&zoned("*/15 * * * *", "America/New_York"), at("2026-11-01T00:00:00Z"), at("2026-11-02T00:00:00Z"), 99);
    assert_eq!(quarters.len(), 96);
    assert!(quarters.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(15)));
}

#[test]
fn new_york() {
    // 2026-03-08 at 07:00 UTC and 2026-11-01 at 06:00 UTC.
    let zone = "America/New_York";
    assert_eq!(local("15 2 8 3 *", zone, "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z"), ["03-08 03:00 -04:00"]);
    assert_eq!(local("15 1 1 11 *", zone, "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z"), ["11-01 01:15 -04:00"]);
    assert_eq!(
        local("0 4 * * 1-5", zone, "2026-03-06T00:00:00Z", "2026-03-10T12:00:00Z"),
        ["03-06 04:00 -05:00", "03-09 04:00 -04:00", "03-10 04:00 -04:00"]
    );
}

#[test]
fn lord_howe_moves_its_clocks_by_half_an_hour() {
    // 2026-10-04: 02:00 +10:30 becomes 02:30 +11:00; 2026-04-05: 02:00 +11:00 becomes 01:30 +10:30.
    let zone = "Australia/Lord_Howe";
    let (spring, day) = ("2026-10-03T14:00:00Z", "2026-10-03T17:00:00Z");
    assert_eq!(local("15 2 * * *", zone, spring, day), ["10-04 02:30 +11:00"]);
    assert_eq!(local("45 2 * * *", zone, spring, day), ["10-04 02:45 +11:00"]);
    assert_eq!(
        local("45 * * * *", zone, spring, day),
        ["10-04 00:45 +10:30", "10-04 01:45 +10:30", "10-04 02:45 +11:00", "10-04 03:45 +11:00"]
    );
    let (autumn, day) = ("2026-04-04T13:30:00Z", "2026-04-04T16:30:00Z");
    assert_eq!(local("45 1 * * *", zone, autumn, day), ["04-05 01:45 +11:00"]);
    assert_eq!(local("15 1 * * *", zone, autumn, day), ["04-05 01:15 +11:00"]);
    assert_eq!(local("45 1-2 * * *", zone, autumn, day), ["04-05 01:45 +11:00", "04-05 02:45 +10:30"]);
}

#[test]
fn cairo_skips_and_repeats_midnight() {
    // 2026-04-24, a Friday: 00:00 +02:00 becomes 01:00 +03:00; 2026-10-30: 00:00 +03:00 becomes 23:00 +02:00 the day before.
    let zone = "Africa/Cairo";
    let (from, to) = ("2026-04-22T22:00:00Z", "2026-04-25T12:00:00Z");
    assert_eq!(local("@daily", zone, from, to), ["04-23 00:00 +02:00", "04-24 01:00 +03:00", "04-25 00:00 +03:00"]);
    assert_eq!(local("0 0 * * 5", zone, from, to), ["04-24 01:00 +03:00"]);
    let (from, to) = ("2026-10-28T20:59:00Z", "2026-10-30T12:00:00Z");
    assert_eq!(local("@daily", zone, from, to), ["10-29 00:00 +03:00", "10-30 00:00 +02:00"]);
    assert_eq!(local("30 23 * * *", zone, from, to), ["10-29 23:30 +03:00"]);
}

#[test]
fn a_day_that_a_zone_leaves_out_runs_when_it_would_have_begun() {
    // Samoa went from 2011-12-29 to 2011-12-31.
    assert_eq!(
        local("0 4 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-31T00:00:00Z"),
        ["12-29 04:00 -10:00", "12-31 00:00 +14:00", "12-31 04:00 +14:00"]
    );
}

#[test]
fn calendars() {
    let utc = |cron: &str, after: &str, count| -> Vec<String> {
        let found = next(&zoned(cron, "UTC"), at(after), count);
        found.iter().map(|at| at.format("%Y-%m-%d %H:%M").to_string()).collect()
    };
    assert_eq!(utc("0 0 29 2 *", "2026-01-01T00:00:00Z", 2), ["2028-02-29 00:00", "2032-02-29 00:00"]);
    assert_eq!(utc("0 0 29 2 *", "2096-03-01T00:00:00Z", 1), ["2104-02-29 00:00"]);
    assert_eq!(utc("0 6 31 * *", "2026-01-31T06:00:00Z", 2), ["2026-03-31 06:00", "2026-05-31 06:00"]);
    assert_eq!(utc("0 6 L * *", "2026-01-31T06:00:00Z", 2), ["2026-02-28 06:00", "2026-03-31 06:00"]);
    assert_eq!(utc("0 4 * * 1-5", "2026-02-27T04:00:00Z", 2), ["2026-03-02 04:00", "2026-03-03 04:00"]);
    assert_eq!(utc("0 5 * * 7", "2026-03-01T05:00:00Z", 1), ["2026-03-08 05:00"]);
    assert_eq!(utc("0 5 * * MON#1", "2026-03-03T05:00:00Z", 1), ["2026-04-06 05:00"]);
    assert_eq!(utc("0 5 * * 5L", "2026-03-03T05:00:00Z", 1), ["2026-03-27 05:00"]);
    // Where both day fields are given, either is enough (POSIX crontab).
    assert_eq!(
        utc("0 0 13 * 5", "2026-02-01T00:00:00Z", 3),
        ["2026-02-06 00:00", "2026-02-13 00:00", "2026-02-20 00:00"]
    );
    assert_eq!(utc("*/15 * * * *", "2026-12-31T23:45:30Z", 2), ["2027-01-01 00:00", "2027-01-01 00:15"]);
    assert_eq!(utc("@yearly", "2026-01-01T00:00:00Z", 1), ["2027-01-01 00:00"]);
}

#[test]
fn a_window_leaves_its_beginning_out_and_its_end_in_and_is_limited() {
    let daily = zoned("0 4 * * *", "UTC");
    let (first, last) = (at("2026-03-01T04:00:00Z"), at("2026-03-03T04:00:00Z"));
    assert_eq!(firings(&daily, first, last, 10), [at("2026-03-02T04:00:00Z"), last]);
    assert_eq!(firings(&daily, first, last, 1), [at("2026-03-02T04:00:00Z")]);
    assert!(firings(&daily, last, first, 10).is_empty());
}

#[test]
fn absurd_clocks_are_borne() {
    let daily = zoned("0 4 * * *", "Asia/Tokyo");
    let (begin, end) = (chrono::DateTime::<chrono::Utc>::MIN_UTC, chrono::DateTime::<chrono::Utc>::MAX_UTC);
    assert_eq!(firings(&daily, begin, end, 1), [at("1970-01-01T19:00:00Z")]);
    assert_eq!(firings(&daily, at("4999-12-30T00:00:00Z"), end, 1), [at("4999-12-30T19:00:00Z")]);
    assert!(firings(&daily, end, end, 1).is_empty());
}
