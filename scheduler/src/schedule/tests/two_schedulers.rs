//! Schedulers whose clocks jump, whose plans are stale and cut off, against one ledger.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::super::{Action, JobState, plan, wake_at};
use super::ledger::Ledger;
use super::{at, job, yaml};
use fleet_jobs::catalog::{CatchUp, Concurrency};

/// The days around it hold changes of clocks in Paris (29 March) and Lord Howe (5 April).
const START: &str = "2026-03-28T10:00:00Z";

#[derive(Clone, Debug)]
enum Event {
    /// Time goes by, in minutes.
    Pass(i64),
    /// A scheduler's clock is off by so many minutes from now on.
    Jump(usize, i64),
    /// A scheduler plans, and forgets what it had planned before.
    Plan(usize),
    /// A scheduler records some of what it planned.
    Record(usize, usize),
    /// A scheduler cannot record its next action, and drops the job's later ones.
    Fail(usize),
    /// A scheduler forgets its plan.
    Crash(usize),
    /// A run of a job ends, and succeeds or fails.
    End(usize, bool),
}

fn event() -> impl Strategy<Value = Event> {
    let minutes = || prop_oneof![6 => -90..600_i64, 2 => -10_000..10_000_i64, 1 => Just(40_000)];
    prop_oneof![
        4 => (1..400_i64).prop_map(Event::Pass),
        1 => (3_000..9_000_i64).prop_map(Event::Pass),
        2 => (0..2_usize, minutes()).prop_map(|(who, by)| Event::Jump(who, by)),
        8 => (0..2_usize).prop_map(Event::Plan),
        12 => (0..2_usize, 1..40_usize).prop_map(|(who, count)| Event::Record(who, count)),
        1 => (0..2_usize).prop_map(Event::Fail),
        1 => (0..2_usize).prop_map(Event::Crash),
        5 => (0..3_usize, prop::bool::weighted(0.8)).prop_map(|(job, succeeds)| Event::End(job, succeeds)),
    ]
}

/// The second waits for the first, and the third for both.
fn jobs() -> impl Strategy<Value = Vec<JobState>> {
    (yaml(), yaml(), yaml()).prop_map(|(first, second, third)| {
        vec![
            job("first", &first, START),
            job("second", &format!("{second}\nafter: [first]\nwait_limit: 8h"), START),
            job("third", &format!("{third}\nafter: [first, second]"), START),
        ]
    })
}

#[derive(Default)]
struct Scheduler {
    ahead: TimeDelta,
    planned: VecDeque<Action>,
}

struct World {
    ledger: Ledger,
    now: DateTime<Utc>,
    schedulers: [Scheduler; 2],
    /// The latest that any clock has shown at a plan or a record.
    latest: DateTime<Utc>,
}

impl World {
    fn new(jobs: Vec<JobState>) -> Self {
        let now = at(START);
        Self { ledger: Ledger::new(jobs), now, schedulers: Default::default(), latest: now }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Pass(minutes) => self.now += TimeDelta::minutes(minutes),
            Event::Jump(who, minutes) => self.schedulers[who].ahead = TimeDelta::minutes(minutes),
            Event::Plan(who) => {
                let shown = self.now + self.schedulers[who].ahead;
                self.latest = self.latest.max(shown);
                self.schedulers[who].planned = plan(shown, &self.ledger.jobs).into();
            }
            Event::Record(who, count) => {
                let scheduler = &mut self.schedulers[who];
                let shown = self.now + scheduler.ahead;
                self.latest = self.latest.max(shown);
                for action in scheduler.planned.drain(..count.min(scheduler.planned.len())) {
                    self.ledger.record(shown, &action);
                }
            }
            Event::Fail(who) => {
                let planned = &mut self.schedulers[who].planned;
                if let Some(failed) = planned.pop_front() {
                    planned.retain(|action| action.job() != failed.job());
                }
            }
            Event::Crash(who) => self.schedulers[who].planned.clear(),
            Event::End(job, succeeds) => self.ledger.end_run(job, succeeds),
        }
    }

    /// Clocks are set right, one scheduler works on, runs end and waits expire, until nothing is left to do.
    fn settle(&mut self) -> DateTime<Utc> {
        self.now = self.now.max(self.latest);
        let until = self.now;
        loop {
            let actions = plan(until, &self.ledger.jobs);
            for action in &actions {
                assert!(self.ledger.record(until, action), "refused, of one scheduler: {action:?}");
            }
            if actions.is_empty() && self.ledger.jobs.iter().all(|state| state.running.is_empty()) {
                break;
            }
            for job in 0..self.ledger.jobs.len() {
                while !self.ledger.jobs[job].running.is_empty() {
                    self.ledger.end_run(job, true);
                }
            }
        }
        until
    }
}

/// Ends what still waits for intervals that no run will come for.
fn expire(ledger: &mut Ledger, until: DateTime<Utc>) {
    let mut jobs = ledger.jobs.clone();
    jobs.iter_mut().for_each(|state| state.last_fire_at = Some(until + ledger.wait_limit()));
    while !ledger.is_at_rest() {
        let actions = plan(until + ledger.wait_limit(), &jobs);
        assert!(!actions.is_empty(), "a firing waits for ever");
        for action in &actions {
            assert!(ledger.record(until, action));
        }
        (0..jobs.len()).for_each(|job| ledger.end_run(job, true));
        for (state, recorded) in jobs.iter_mut().zip(&ledger.jobs) {
            let covered = state.last_fire_at;
            *state = recorded.clone();
            state.last_fire_at = covered;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_firing_is_recorded_once(jobs in jobs(), events in prop::collection::vec(event(), 1..120)) {
        let mut world = World::new(jobs);
        events.into_iter().for_each(|event| world.apply(event));
        let until = world.settle();
        expire(&mut world.ledger, until);
        world.ledger.assert_complete(until);
    }

    #[test]
    fn one_scheduler_is_never_refused_or_early_and_forbids_and_wakes_in_time(
        jobs in jobs(), events in prop::collection::vec(event(), 1..80), share in 0..100_i32,
    ) {
        let mut world = World::new(jobs);
        for event in events {
            match event {
                Event::Plan(_) | Event::Record(..) => {
                    let actions = plan(world.now, &world.ledger.jobs);
                    for action in &actions {
                        prop_assert!(action.fire_at() <= world.now, "{action:?}");
                        prop_assert!(world.ledger.record(world.now, action), "refused: {action:?}");
                    }
                }
                event @ (Event::Pass(_) | Event::End(..)) => {
                    world.apply(event);
                    continue;
                }
                Event::Jump(..) | Event::Fail(_) | Event::Crash(_) => continue,
            }
            let jobs = &world.ledger.jobs;
            prop_assert_eq!(plan(world.now, jobs), []);
            prop_assert!(jobs.iter().all(|state| state.schedule.concurrency == Concurrency::Allow || state.running.len() <= 1));
            let wake = wake_at(world.now, jobs).unwrap();
            let held_back = |state: &JobState| !state.running.is_empty() && state.schedule.catch_up == CatchUp::All;
            prop_assert!(wake > world.now && (!plan(wake, jobs).is_empty() || jobs.iter().any(held_back)), "{wake}");
            let between = world.now + (wake - world.now) * share / 100;
            prop_assert_eq!(plan(between, jobs), [], "{}", between);
        }
    }
}
