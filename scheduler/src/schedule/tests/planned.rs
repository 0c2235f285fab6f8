//! Plans for single situations.

use chrono::TimeDelta;

use super::super::{
    Action, CATCH_UP_MAX, JobState, Reason, RunId, RunRef, Waiting, awaited_days, interval_of, plan, wake_at,
};
use super::{at, job};
use fleet_jobs::catalog::{Interval, Unit};

const NOON: &str = "2026-03-10T12:00:00Z";

/// A job that fires at 04:00, 08:00 and 12:00 and was last seen to on the evening before.
fn three_due(yaml: &str) -> JobState {
    job("fleet", &format!("cron: '0 4,8,12 * * *'\n{yaml}"), "2026-03-09T18:00:00Z")
}

/// Each action as a word and the hour of its firing.
fn told(actions: &[Action]) -> Vec<String> {
    let tell = |action: &Action| {
        let word = match action {
            Action::Fire { .. } => "fire".into(),
            Action::Replace { cancel, .. } => format!("replace {}", cancel.len()),
            Action::Await { on, .. } => format!("await {}", on.join(" ")),
            Action::SkipRunning { .. } => "skip".into(),
            Action::Missed { reason, .. } => format!("{reason:?}"),
            Action::MissedRange { reason, .. } => format!("range {reason:?}"),
        };
        format!("{word} {}", action.fire_at().format("%H"))
    };
    actions.iter().map(tell).collect()
}

fn run(fire_at: &str) -> RunRef {
    RunRef { id: RunId(fire_at.into()), fire_at: at(fire_at) }
}

fn day(text: &str) -> Interval {
    let from = text.parse().unwrap();
    Interval { from, to: from + TimeDelta::days(1) }
}

#[test]
fn after_downtime_the_latest_runs_or_all_or_none() {
    let due = |yaml: &str, now: &str| told(&plan(at(now), &[three_due(yaml)]));
    assert_eq!(due("", NOON), ["Superseded 04", "Superseded 08", "fire 12"]);
    assert_eq!(due("catch_up: all\nconcurrency: allow", NOON), ["fire 04", "fire 08", "fire 12"]);
    assert_eq!(due("catch_up: skip", NOON), ["Skipped 04", "Skipped 08", "fire 12"]);
    assert_eq!(due("catch_up: skip", "2026-03-10T12:05:00Z"), ["Skipped 04", "Skipped 08", "Skipped 12"]);
    assert_eq!(due("", "2026-03-10T03:59:59Z"), [""; 0]);
}

#[test]
fn forbid_and_all_run_one_after_another() {
    let mut state = three_due("catch_up: all");
    assert_eq!(told(&plan(at(NOON), &[state.clone()])), ["fire 04"]);
    state.last_fire_at = Some(at("2026-03-10T04:00:00Z"));
    state.running = vec![run("2026-03-10T04:00:00Z")];
    assert_eq!(plan(at(NOON), &[state.clone()]), []);
    state.running.clear();
    assert_eq!(told(&plan(at(NOON), &[state])), ["fire 08"]);
}

#[test]
fn the_scheduler_wakes_when_it_is_too_late_for_a_firing_that_is_held_back() {
    let mut state = three_due("catch_up: all\nstart_deadline: 90m");
    state.last_fire_at = Some(at("2026-03-10T04:00:00Z"));
    state.running = vec![run("2026-03-10T04:00:00Z")];
    let (now, too_late) = (at("2026-03-10T09:00:00Z"), at("2026-03-10T09:30:00Z"));
    assert_eq!((plan(now, &[state.clone()]), wake_at(now, &[state.clone()])), (Vec::new(), Some(too_late)));
    assert_eq!(told(&plan(too_late, &[state])), ["TooLate 08"]);
}

#[test]
fn no_firing_is_recorded_before_one_that_is_held_back() {
    let mut state = job("report", "cron: '0 6 * * *'\ncatch_up: all\nafter: [ingest]", "2026-03-09T00:00:00Z");
    state.running = vec![run("2026-03-08T06:00:00Z")];
    state.succeeded.insert("ingest".into(), vec![day("2026-03-08")]);
    assert_eq!(plan(at(NOON), &[state.clone()]), []);
    state.running.clear();
    assert_eq!(told(&plan(at(NOON), &[state])), ["fire 06", "await ingest 06"]);
}

#[test]
fn while_a_run_is_under_way() {
    let due = |yaml: &str| {
        let mut state = three_due(yaml);
        state.last_fire_at = Some(at("2026-03-10T08:00:00Z"));
        state.running = vec![run("2026-03-10T08:00:00Z")];
        told(&plan(at(NOON), &[state]))
    };
    assert_eq!(due("concurrency: forbid"), ["skip 12"]);
    assert_eq!(due("concurrency: allow"), ["fire 12"]);
    assert_eq!(due("concurrency: replace"), ["replace 1 12"]);
}

#[test]
fn what_is_older_than_the_start_deadline_is_missed() {
    let due = |yaml: &str| told(&plan(at(NOON), &[three_due(yaml)]));
    assert_eq!(due("start_deadline: 6h"), ["TooLate 04", "Superseded 08", "fire 12"]);
    assert_eq!(due("start_deadline: 4h\ncatch_up: all\nconcurrency: allow"), ["TooLate 04", "TooLate 08", "fire 12"]);
    assert_eq!(told(&plan(at("2026-03-10T18:00:00Z"), &[three_due("start_deadline: 6h")]))[2], "TooLate 12");
}

#[test]
fn a_firing_waits_for_other_jobs_to_succeed_for_its_days() {
    let mut state = job("report", "cron: '0 6 * * *'\nafter: [ingest]\nwait_limit: 12h", "2026-03-10T00:00:00Z");
    let fire_at = at("2026-03-10T06:00:00Z");
    assert_eq!(told(&plan(fire_at, &[state.clone()])), ["await ingest 06"]);

    state.last_fire_at = Some(fire_at);
    state.waiting = vec![Waiting { fire_at, since: fire_at }];
    state.succeeded.insert("ingest".into(), vec![day("2026-03-08")]);
    assert_eq!(plan(at(NOON), &[state.clone()]), []);
    assert_eq!(wake_at(at(NOON), &[state.clone()]), Some(at("2026-03-10T18:00:00Z")));
    assert_eq!(told(&plan(at("2026-03-10T18:00:00Z"), &[state.clone()])), ["WaitedTooLong { on: [\"ingest\"] } 06"]);

    state.succeeded.insert("ingest".into(), vec![day("2026-03-08"), day("2026-03-09")]);
    let interval = interval_of(&state.schedule, Unit::Day, fire_at);
    assert_eq!(plan(at(NOON), &[state.clone()]), [Action::Fire { job: "report".into(), fire_at, interval }]);

    // What waits goes on waiting while another run is under way, and past its limit.
    state.running = vec![run("2026-03-09T06:00:00Z")];
    assert_eq!(plan(at("2026-03-11T05:00:00Z"), &[state]), []);
}

#[test]
fn other_jobs_are_asked_for_the_days_of_firings_that_wait_or_are_due() {
    let yaml = "cron: '0 6 * * *'\nafter: [ingest]\ncatch_up: all\nconcurrency: allow";
    let mut state = job("report", yaml, "2026-03-01T00:00:00Z");
    let waiting = at("2026-03-05T06:00:00Z");
    state.last_fire_at = Some(at("2026-03-10T06:00:00Z"));
    assert_eq!(awaited_days(at(NOON), &state), None);
    state.last_fire_at = Some(at("2026-03-08T06:00:00Z"));
    state.waiting = vec![Waiting { fire_at: waiting, since: waiting }];
    let days = Interval { from: "2026-03-04".parse().unwrap(), to: "2026-03-10".parse().unwrap() };
    assert_eq!(awaited_days(at(NOON), &state), Some(days));
    assert_eq!(awaited_days(at(NOON), &JobState { paused: true, ..state.clone() }), None);
    state.schedule.after.clear();
    assert_eq!(awaited_days(at(NOON), &state), None);
}

#[test]
fn replace_leaves_the_newest_of_those_that_waited() {
    let mut state = job("report", "cron: '0 6 * * *'\nafter: [ingest]\nconcurrency: replace", "2026-03-01T00:00:00Z");
    let waiting = ["2026-03-09T06:00:00Z", "2026-03-10T06:00:00Z"].map(at);
    state.waiting = waiting.map(|fire_at| Waiting { fire_at, since: fire_at }).to_vec();
    state.last_fire_at = Some(waiting[1]);
    state.succeeded.insert("ingest".into(), vec![day("2026-03-08"), day("2026-03-09")]);
    assert!(matches!(
        &plan(at("2026-03-10T07:00:00Z"), &[state])[..],
        [Action::Missed { reason: Reason::Superseded, .. }, Action::Fire { fire_at, .. }] if *fire_at == waiting[1]
    ));
}

#[test]
fn a_clock_that_jumps_back_fires_nothing_again() {
    let mut state = three_due("catch_up: all\nconcurrency: allow");
    state.last_fire_at = Some(at("2026-03-12T12:00:00Z"));
    assert_eq!(plan(at(NOON), &[state.clone()]), []);
    assert_eq!(wake_at(at(NOON), &[state]), Some(at("2026-03-13T04:00:00Z")));
}

#[test]
fn a_clock_that_jumps_far_ahead_gives_a_bounded_plan() {
    for (yaml, reason) in [
        ("catch_up: all\nconcurrency: allow", Reason::TooMany),
        ("catch_up: latest", Reason::Superseded),
        ("catch_up: skip", Reason::Skipped),
        ("catch_up: latest\nstart_deadline: 1h", Reason::TooLate),
    ] {
        let state = job("minutely", &format!("cron: '* * * * *'\n{yaml}"), "2026-03-10T00:00:30Z");
        let actions = plan(at("2086-03-10T00:00:00Z"), &[state]);
        assert_eq!(actions.len(), CATCH_UP_MAX + 1, "{yaml}");
        let (first, last) = (at("2026-03-10T00:01:00Z"), at("2086-03-09T07:20:00Z"));
        assert_eq!(actions[0], Action::MissedRange { job: "minutely".into(), first, last, reason });
        assert_eq!(actions[1].fire_at(), last + TimeDelta::minutes(1));
        assert!(matches!(actions[CATCH_UP_MAX], Action::Fire { .. }));
    }
}

#[test]
fn nothing_is_planned_for_a_paused_job_or_before_it_was_enabled() {
    let mut state = three_due("");
    state.paused = true;
    assert_eq!((plan(at(NOON), &[state.clone()]), wake_at(at(NOON), &[state.clone()])), (Vec::new(), None));
    state.paused = false;
    state.last_fire_at = Some(at("2026-03-09T12:00:00Z"));
    state.enabled_since = at(NOON);
    assert_eq!(plan(at(NOON), &[state]), []);
}

#[test]
fn actions_come_by_time_and_then_by_job() {
    let jobs = ["b", "a"]
        .map(|name| job(name, "cron: '0 4,8 * * *'\ncatch_up: all\nconcurrency: allow", "2026-03-10T00:00:00Z"));
    let order: Vec<String> = plan(at(NOON), &jobs)
        .iter()
        .map(|action| format!("{} {}", action.fire_at().format("%H"), action.job()))
        .collect();
    assert_eq!(order, ["04 a", "04 b", "08 a", "08 b"]);
}
