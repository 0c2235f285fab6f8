//! Which days a firing is for.

use chrono::{DateTime, Utc};

use fleet_jobs::catalog::{Interval, Schedule, Unit};

/// The last whole day, week or month that ended at or before the firing's date in the schedule's time zone.
pub fn interval_of(schedule: &Schedule, unit: Unit, fire_at: DateTime<Utc>) -> Interval {
    let to = unit.start(fire_at.with_timezone(&schedule.time_zone).date_naive());
    Interval { from: unit.before(to, 1), to }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firing_is_for_the_last_whole_unit_before_its_local_date() {
        let schedule = |zone: &str| serde_saphyr::from_str(&format!("cron: '@daily'\ntime_zone: {zone}")).unwrap();
        for (zone, fire_at, unit, from, to) in [
            ("UTC", "2026-03-05T04:00:00Z", Unit::Day, "2026-03-04", "2026-03-05"),
            ("UTC", "2026-03-05T00:00:00Z", Unit::Day, "2026-03-04", "2026-03-05"),
            ("UTC", "2026-03-09T05:00:00Z", Unit::Week, "2026-03-02", "2026-03-09"),
            ("UTC", "2026-03-08T23:59:00Z", Unit::Week, "2026-02-23", "2026-03-02"),
            ("UTC", "2026-03-01T06:00:00Z", Unit::Month, "2026-02-01", "2026-03-01"),
            ("UTC", "2026-01-31T06:00:00Z", Unit::Month, "2025-12-01", "2026-01-01"),
            ("UTC", "2028-03-01T00:00:00Z", Unit::Day, "2028-02-29", "2028-03-01"),
            ("Asia/Tokyo", "2026-02-28T19:00:00Z", Unit::Month, "2026-02-01", "2026-03-01"),
            ("America/New_York", "2026-03-01T04:30:00Z", Unit::Month, "2026-01-01", "2026-02-01"),
        ] {
            let interval = interval_of(&schedule(zone), unit, fire_at.parse().unwrap());
            let expected = Interval { from: from.parse().unwrap(), to: to.parse().unwrap() };
            assert_eq!(interval, expected, "{zone} {fire_at} {unit:?}");
        }
    }
}
