//! Firings against a plain reference: it walks over every minute of UTC, asks what the zone's clocks show, and compares
//! with sets of numbers. It shares neither parser, search nor conversion from local time with what it examines.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::super::firings;
use super::zoned;

const ZONES: [Tz; 14] = [
    Tz::UTC,
    Tz::Europe__Paris,
    Tz::Europe__Dublin,
    Tz::America__New_York,
    Tz::America__St_Johns,
    Tz::America__Sao_Paulo,
    Tz::America__Santiago,
    Tz::Australia__Lord_Howe,
    Tz::Africa__Cairo,
    Tz::Africa__Casablanca,
    Tz::Asia__Kathmandu,
    Tz::Asia__Gaza,
    Tz::Pacific__Apia,
    Tz::Antarctica__Casey,
];

/// One field: how it is written, and the numbers that it means.
#[derive(Clone, Debug)]
struct Field {
    text: String,
    numbers: BTreeSet<u32>,
}

#[derive(Clone, Debug)]
struct Fields {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Fields {
    fn text(&self) -> String {
        let fields = [&self.minute, &self.hour, &self.day, &self.month, &self.weekday];
        fields.map(|field| field.text.as_str()).join(" ")
    }

    fn matches(&self, shown: NaiveDateTime) -> bool {
        let day = self.day.numbers.contains(&shown.day()) || self.day.text == "L" && is_last(shown.date());
        let weekday = self.weekday.numbers.iter().any(|number| number % 7 == shown.weekday().num_days_from_sunday());
        let date = match (self.day.text == "*", self.weekday.text == "*") {
            (false, false) => day || weekday,
            _ => day && weekday,
        };
        let month = self.month.numbers.contains(&shown.month());
        date && month && self.hour.numbers.contains(&shown.hour()) && self.minute.numbers.contains(&shown.minute())
    }
}

fn is_last(date: NaiveDate) -> bool {
    (date + TimeDelta::days(1)).day() == 1
}

fn shown(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// A rhythm fires at every minute whose shown time matches. Times of day fire at the minute at which a matching time is
/// reached or passed for the first time.
fn walk(fields: &Fields, zone: Tz, after: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let minute = TimeDelta::minutes(1);
    let rhythm = fields.hour.text.starts_with('*') || fields.hour.numbers.len() == 24;
    let mut at = after - TimeDelta::days(3);
    let mut reached = shown(zone, at);
    let mut found = Vec::new();
    while at < until {
        at += minute;
        let now = shown(zone, at);
        let mut fires = rhythm && fields.matches(now);
        while reached < now {
            reached += minute;
            fires |= !rhythm && fields.matches(reached);
        }
        if fires && at > after {
            found.push(at);
        }
    }
    found
}

fn field(min: u32, max: u32) -> impl Strategy<Value = Field> {
    let every = Just(Field { text: "*".into(), numbers: (min..=max).collect() });
    let step = (1..=max).prop_map(move |step| Field {
        text: format!("*/{step}"),
        numbers: (min..=max).step_by(step as usize).collect(),
    });
    let one = (min..=max).prop_map(|number| Field { text: number.to_string(), numbers: [number].into() });
    let range = (min..=max, min..=max, 1..4_u32).prop_map(|(one, other, step)| {
        let (from, to) = (one.min(other), one.max(other));
        let text = if step == 1 { format!("{from}-{to}") } else { format!("{from}-{to}/{step}") };
        Field { text, numbers: (from..=to).step_by(step as usize).collect() }
    });
    let item = prop_oneof![3 => one, 1 => range];
    let list = prop::collection::vec(item, 1..4).prop_map(|items| Field {
        text: items.iter().map(|item| item.text.as_str()).collect::<Vec<_>>().join(","),
        numbers: items.into_iter().flat_map(|item| item.numbers).collect(),
    });
    prop_oneof![2 => every, 1 => step, 3 => list]
}

/// Hours near midnight and of the small hours more often, where clocks change.
fn hour() -> impl Strategy<Value = Field> {
    let small = prop::sample::select(vec![0_u32, 1, 2, 3, 23])
        .prop_map(|hour| Field { text: hour.to_string(), numbers: [hour].into() });
    prop_oneof![field(0, 23), small]
}

fn day() -> impl Strategy<Value = Field> {
    let every = Just(Field { text: "*".into(), numbers: (1..=31).collect() });
    let last = Just(Field { text: "L".into(), numbers: BTreeSet::new() });
    prop_oneof![5 => every, 4 => field(1, 31), 1 => last]
}

fn fields() -> impl Strategy<Value = Fields> {
    let month = prop_oneof![3 => Just(Field { text: "*".into(), numbers: (1..=12).collect() }), 1 => field(1, 12)];
    let weekday = prop_oneof![1 => Just(Field { text: "*".into(), numbers: (0..=7).collect() }), 1 => field(0, 7)];
    (field(0, 59), hour(), day(), month, weekday).prop_map(|(minute, hour, day, month, weekday)| Fields {
        minute,
        hour,
        day,
        month,
        weekday,
    })
}

/// The hour after a change of clocks in the year, or some hour where there is none.
fn near_a_change(zone: Tz, year: i32, pick: usize) -> DateTime<Utc> {
    let start = Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap();
    let offset = |at: DateTime<Utc>| shown(zone, at) - at.naive_utc();
    let hours: Vec<_> = (0..8_760).map(|hour| start + TimeDelta::hours(hour)).collect();
    let changes: Vec<_> =
        hours.windows(2).filter(|pair| offset(pair[0]) != offset(pair[1])).map(|pair| pair[1]).collect();
    let among = if changes.is_empty() { &hours } else { &changes };
    among[pick % among.len()]
}

/// Firings are at whole minutes, so that seconds within one make no difference to a window.
fn check(
    fields: &Fields,
    zone: Tz,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
    seconds: i64,
) -> Result<(), TestCaseError> {
    if fields.text().parse::<fleet_jobs::catalog::Cron>().is_err_and(|problem| problem.contains("never comes")) {
        return Ok(());
    }
    let within = TimeDelta::seconds(seconds);
    let found = firings(&zoned(&fields.text(), zone.name()), after + within, until + within, usize::MAX);
    prop_assert_eq!(found, walk(fields, zone, after, until), "{} {} {} {}", fields.text(), zone, after, until);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn around_changes_of_clocks(
        fields in fields(), zone in prop::sample::select(&ZONES[..]), year in 2000..2038_i32, pick in any::<usize>(),
        before in prop_oneof![-90..90_i64, 0..3_000_i64], length in 0..5_000_i64, seconds in 0..60_i64,
    ) {
        let after = near_a_change(zone, year, pick) - TimeDelta::seconds(60 * before);
        check(&fields, zone, after, after + TimeDelta::minutes(length), seconds)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn over_months(
        fields in fields(), zone in prop::sample::select(&ZONES[..]), day in 0..13_500_i64, length in 30..200_i64,
    ) {
        let after = Utc.with_ymd_and_hms(2000, 1, 1, 0, 0, 0).unwrap() + TimeDelta::days(day);
        check(&fields, zone, after, after + TimeDelta::days(length), 0)?;
    }
}
