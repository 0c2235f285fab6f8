//! Two schedulers whose lease changes hands and whose clocks jump, against the ledger in memory of `schedule`'s tests.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use super::*;
use crate::schedule::tests::{ledger::Ledger as Model, yaml};
use crate::schedule::{Action, firings, plan, wake_at};

const SQLITE_CASES: u32 = 60;
const POSTGRES_CASES: u32 = 6;
/// The longest `wait_limit`.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(24);
const JOBS: [&str; 3] = ["first", "second", "third"];

#[derive(Clone, Debug)]
enum Event {
    /// Time goes by, in minutes.
    Pass(i64),
    /// A scheduler's clock is off by so many minutes from now on.
    Jump(usize, i64),
    /// A scheduler takes the lease; the other goes on as if it had it.
    Lead(usize),
    /// The leader records a job's firings.
    Record(usize),
    /// The other one does.
    RecordStale(usize),
    /// Both do at once.
    RecordBoth(usize),
    /// The oldest run of a job ends, and succeeds or fails.
    End(usize, bool),
    Pause(usize),
    Resume(usize),
    /// The job's schedule gets another text.
    Change(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let minutes = || prop_oneof![8 => -90..90_i64, 2 => -10_000..10_000_i64, 1 => Just(40_000)];
    prop_oneof![
        8 => (5..90_i64).prop_map(Event::Pass),
        3 => (90..1_500_i64).prop_map(Event::Pass),
        1 => (3_000..9_000_i64).prop_map(Event::Pass),
        2 => (0..2_usize, minutes()).prop_map(|(who, by)| Event::Jump(who, by)),
        1 => (0..2_usize).prop_map(Event::Lead),
        16 => (0..3_usize).prop_map(Event::Record),
        1 => (0..3_usize).prop_map(Event::RecordStale),
        1 => (0..3_usize).prop_map(Event::RecordBoth),
        5 => (0..3_usize, prop::bool::weighted(0.8)).prop_map(|(job, succeeds)| Event::End(job, succeeds)),
        1 => (0..3_usize).prop_map(Event::Pause),
        2 => (0..3_usize).prop_map(Event::Resume),
        1 => (0..3_usize).prop_map(Event::Change),
    ]
}

/// The second waits for the first, and the third for both.
fn definitions() -> impl Strategy<Value = Vec<JobDefinition>> {
    (yaml(), yaml(), yaml()).prop_map(|(first, second, third)| {
        vec![
            definition("first", &first),
            definition("second", &format!("{second}\nafter: [first]\nwait_limit: 8h")),
            definition("third", &format!("{third}\nafter: [first, second]")),
        ]
    })
}

/// Firings later than the first and up to the second instant have one fate each.
struct Covered {
    job: usize,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
}

struct Scheduler {
    ledger: Ledger,
    ahead: TimeDelta,
    fence: Fence,
}

struct World {
    schedulers: Vec<Scheduler>,
    leader: usize,
    terms: usize,
    definitions: Vec<JobDefinition>,
    /// Jobs whose text is another than that recorded.
    changed: BTreeSet<usize>,
    model: Model,
    now: DateTime<Utc>,
    latest: DateTime<Utc>,
    covered: Vec<Covered>,
    /// Since when each schedule has been in force, unless firings later than that were recorded before.
    begun: [DateTime<Utc>; 3],
}

impl World {
    async fn new(url: &str, definitions: Vec<JobDefinition>) -> Self {
        let now = "2026-03-28T10:00:00Z".parse().unwrap();
        let (first, second) = (Ledger::open(url).await.unwrap(), Ledger::open(url).await.unwrap());
        let fence = first.acquire_or_renew(LEADER, "0", now, TTL).await.unwrap().unwrap().fence();
        let model = Model::new(first.job_states(&definitions, now).await.unwrap());
        for definition in &definitions {
            assert_eq!(first.record_firings(&fence, definition, fired, now).await.unwrap(), Recorded::default());
        }
        let scheduler = |ledger| Scheduler { ledger, ahead: TimeDelta::zero(), fence: fence.clone() };
        let schedulers = vec![scheduler(first), scheduler(second)];
        Self {
            schedulers,
            leader: 0,
            terms: 0,
            definitions,
            changed: BTreeSet::new(),
            model,
            now,
            latest: now,
            covered: Vec::new(),
            begun: [now; 3],
        }
    }

    fn ledger(&self) -> &Ledger {
        &self.schedulers[self.leader].ledger
    }

    fn shown(&mut self, who: usize) -> DateTime<Utc> {
        let shown = self.now + self.schedulers[who].ahead;
        self.latest = self.latest.max(shown);
        shown
    }

    async fn apply(&mut self, event: Event) {
        match event {
            Event::Pass(minutes) => self.now += TimeDelta::minutes(minutes),
            Event::Jump(who, minutes) => self.schedulers[who].ahead = TimeDelta::minutes(minutes),
            Event::Lead(who) => self.lead(who).await,
            Event::Record(job) => self.record(job).await,
            Event::RecordStale(job) | Event::RecordBoth(job) if !self.is_other_stale() => self.record(job).await,
            Event::RecordStale(job) => self.is_refused(job).await,
            Event::RecordBoth(job) => {
                let shown = self.shown(1 - self.leader);
                let Scheduler { ledger, fence, .. } = &self.schedulers[1 - self.leader];
                let (ledger, fence, definition) = (ledger.clone(), fence.clone(), self.definitions[job].clone());
                let stale = tokio::spawn(async move { ledger.record_firings(&fence, &definition, fired, shown).await });
                self.record(job).await;
                let refusal = stale.await.unwrap();
                assert!(matches!(refusal, Err(Error::Fenced { .. })), "{refusal:?}");
            }
            Event::End(job, succeeds) => self.end(job, succeeds).await,
            Event::Pause(job) => {
                let shown = self.shown(self.leader);
                self.ledger().pause_schedule(JOBS[job], "ada", "", shown).await.unwrap();
                self.model.jobs[job].paused = true;
            }
            Event::Resume(job) => self.resume(job).await,
            Event::Change(job) => {
                self.definitions[job].text.push('#');
                self.changed.insert(job);
            }
        }
    }

    /// The first term is both's.
    fn is_other_stale(&self) -> bool {
        self.schedulers[0].fence != self.schedulers[1].fence
    }

    async fn lead(&mut self, who: usize) {
        self.terms += 1;
        self.ledger().release(&self.schedulers[self.leader].fence).await.unwrap();
        let holder = format!("{who} {}", self.terms);
        let ledger = &self.schedulers[who].ledger;
        let fence = ledger.acquire_or_renew(LEADER, &holder, self.now, TTL).await.unwrap().unwrap().fence();
        (self.leader, self.schedulers[who].fence) = (who, fence);
    }

    async fn is_refused(&mut self, job: usize) {
        let shown = self.shown(1 - self.leader);
        let Scheduler { ledger, fence, .. } = &self.schedulers[1 - self.leader];
        let refusal = ledger.record_firings(fence, &self.definitions[job], fired, shown).await;
        assert!(matches!(refusal, Err(Error::Fenced { .. })), "{refusal:?}");
    }

    /// What is planned from the ledger is what is planned from the model, and is recorded in both.
    async fn record(&mut self, job: usize) {
        let shown = self.shown(self.leader);
        let ledger = self.ledger().clone();
        let states = ledger.job_states(&self.definitions, shown).await.unwrap();
        if self.changed.remove(&job) {
            self.begin_anew(job, shown);
        }
        let expected = plan(shown, &self.model.jobs[job..=job]);
        assert_eq!(told(&plan(shown, &states[job..=job])), told(&expected));
        let fence = self.schedulers[self.leader].fence.clone();
        let recorded = ledger.record_firings(&fence, &self.definitions[job], fired, shown).await.unwrap();
        assert_eq!(recorded.runs.len() + recorded.notes.len(), expected.len());
        for action in &expected {
            assert!(self.model.record(shown, action), "refused: {action:?}");
        }
        for run in recorded.cancel {
            assert_eq!(ledger.get(run).await.unwrap().unwrap().state, RunState::Cancelled);
        }
        let states = ledger.job_states(&self.definitions[job..=job], shown).await.unwrap();
        assert_eq!(plan(shown, &states), []);
        assert_eq!(wake_at(shown, &states), wake_at(shown, &self.model.jobs[job..=job]));
    }

    fn begin_anew(&mut self, job: usize, now: DateTime<Utc>) {
        self.covered.push(self.present(job));
        let state = &mut self.model.jobs[job];
        state.waiting.clear();
        state.enabled_since = now;
        self.begun[job] = state.last_fire_at.map_or(now, |last| last.max(now));
    }

    fn present(&self, job: usize) -> Covered {
        let after = self.begun[job];
        Covered { job, after, until: self.model.jobs[job].last_fire_at.unwrap_or(after) }
    }

    async fn resume(&mut self, job: usize) {
        let shown = self.shown(self.leader);
        self.ledger().resume_schedule(JOBS[job], "ada", shown).await.unwrap();
        if self.model.jobs[job].paused {
            self.model.jobs[job].paused = false;
            self.begin_anew(job, shown);
        }
    }

    async fn end(&mut self, job: usize, succeeds: bool) {
        let states = self.ledger().job_states(&self.definitions[job..=job], self.now).await.unwrap();
        assert_eq!(states[0].running.len(), self.model.jobs[job].running.len());
        let Some(oldest) = self.model.jobs[job].running.first().map(|run| run.fire_at) else { return };
        let run = states[0].running.iter().find(|run| run.fire_at == oldest).unwrap().id.0.parse().unwrap();
        let (ledger, fence) = (self.ledger(), &self.schedulers[self.leader].fence);
        ledger.start_run(fence, run, self.now).await.unwrap();
        let (outcome, failure) = match succeeds {
            true => (RunOutcome::Succeeded, None),
            false => (RunOutcome::Failed, Some(FailureKind::Check)),
        };
        ledger.finish_run(fence, run, outcome, failure, None, self.now).await.unwrap();
        self.model.end_run(job, succeeds);
    }

    /// Clocks are set right, one scheduler works on, and runs end, until nothing is left to do.
    async fn settle(&mut self) {
        self.now = self.now.max(self.latest);
        for job in 0..JOBS.len() {
            self.resume(job).await;
        }
        self.schedulers.iter_mut().for_each(|scheduler| scheduler.ahead = TimeDelta::zero());
        loop {
            for job in 0..JOBS.len() {
                self.record(job).await;
            }
            let states = self.ledger().job_states(&self.definitions, self.now).await.unwrap();
            if plan(self.now, &states).is_empty() && states.iter().all(|state| state.running.is_empty()) {
                return;
            }
            for job in 0..JOBS.len() {
                while !self.model.jobs[job].running.is_empty() {
                    self.end(job, true).await;
                }
            }
        }
    }

    /// Each firing has one fate, and nothing else has any; each that ran has one run.
    async fn assert_complete(&self) {
        for (job, definition) in self.definitions.iter().enumerate() {
            let select = "select fire_at, coalesce(last, fire_at) as last, state, run_id from firing where job = $1";
            let rows = self.ledger().database.rows(sqlx::query(select).bind(JOBS[job])).await.unwrap();
            let span = |row| (row::instant(row, "fire_at").unwrap(), row::instant(row, "last").unwrap());
            let spans: Vec<_> = rows.iter().map(span).collect();
            let mut expected = BTreeSet::new();
            for era in self.covered.iter().filter(|era| era.job == job).chain([&self.present(job)]) {
                expected.extend(firings(&definition.schedule, era.after, era.until, usize::MAX));
            }
            let mut found = Vec::new();
            for (first, last) in spans {
                found.extend(firings(&definition.schedule, first - TimeDelta::seconds(1), last, usize::MAX));
            }
            found.sort();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{}", JOBS[job]);

            let ran = |row| (row::text(row, "state").unwrap() == "ran").then(|| row::text(row, "run_id").unwrap());
            let ran: BTreeSet<_> = rows.iter().filter_map(ran).collect();
            let select = "select id from run where schedule = $1";
            let runs = self.ledger().database.rows(sqlx::query(select).bind(JOBS[job])).await.unwrap();
            assert_eq!(ran, runs.iter().map(|run| row::text(run, "id").unwrap()).collect());
            assert_eq!(ran.len(), runs.len());
        }
    }
}

/// Without the runs' ids, which the model has others of.
fn told(actions: &[Action]) -> Vec<Action> {
    let tell = |action: &Action| match action.clone() {
        Action::Replace { job, fire_at, interval, .. } => {
            Action::Replace { job, fire_at, interval, cancel: Vec::new() }
        }
        action => action,
    };
    actions.iter().map(tell).collect()
}

async fn run(url: &str, definitions: Vec<JobDefinition>, events: Vec<Event>) {
    let mut world = World::new(url, definitions).await;
    for event in events {
        world.apply(event).await;
    }
    world.settle().await;
    let until = world.now;
    world.now += LONGEST_WAIT;
    world.settle().await;
    let select = "select job from firing where state = 'waiting' and fire_at <= $1";
    let waiting = world.ledger().database.row(sqlx::query(select).bind(until.timestamp_micros())).await.unwrap();
    assert!(waiting.is_none(), "a firing waits for ever");
    world.assert_complete().await;
    for scheduler in &world.schedulers {
        scheduler.ledger.close().await;
    }
}

fn each_firing_has_one_fate(cases: u32, new_url: impl Fn() -> (String, Option<TempDir>)) {
    let runtime = Runtime::new().unwrap();
    let mut runner =
        TestRunner::new(Config { max_shrink_iters: 100, failure_persistence: None, ..Config::with_cases(cases) });
    let events = prop::collection::vec(event(), 1..120);
    let outcome = runner.run(&(definitions(), events), |(definitions, events)| {
        let (url, _folder) = new_url();
        runtime.block_on(run(&url, definitions, events));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn each_firing_has_one_fate_on_sqlite() {
    each_firing_has_one_fate(SQLITE_CASES, || {
        let folder = tempfile::tempdir().unwrap();
        (format!("sqlite://{}/ledger.db", folder.path().display()), Some(folder))
    });
}

#[test]
fn each_firing_has_one_fate_on_postgres() {
    each_firing_has_one_fate(POSTGRES_CASES, || (new_database(), None));
}
