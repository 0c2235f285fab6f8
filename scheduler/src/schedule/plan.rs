//! Which firings run, wait, are skipped or missed, now.

use chrono::{DateTime, Utc};

use super::action::{Action, Reason};
use super::firings::newest;
use super::interval::interval_of;
use super::state::{JobState, RunId};
use super::{CATCH_UP_MAX, ON_TIME};
use fleet_jobs::catalog::{CatchUp, Concurrency, Interval};

/// What there is to do at `now`, by time of firing and then job.
pub fn plan(now: DateTime<Utc>, jobs: &[JobState]) -> Vec<Action> {
    let mut actions: Vec<Action> = jobs.iter().flat_map(|job| plan_job(now, job)).collect();
    actions.sort_by(|one, other| (one.fire_at(), one.job()).cmp(&(other.fire_at(), other.job())));
    actions
}

/// The days of which a plan asks whether other jobs succeeded for them: of others, `succeeded` need not know.
pub fn awaited_days(now: DateTime<Utc>, state: &JobState) -> Option<Interval> {
    if state.paused || state.schedule.after.is_empty() {
        return None;
    }
    let firings = candidates(now, state, &Due::at(now, state));
    let from = firings.iter().map(|firing| firing.interval.from).min()?;
    let to = firings.iter().map(|firing| firing.interval.to).max()?;
    Some(Interval { from, to })
}

/// New firings come in order, and none is passed over: what follows one that is held back is held back too.
pub(super) fn plan_job(now: DateTime<Utc>, state: &JobState) -> Vec<Action> {
    if state.paused {
        return Vec::new();
    }
    let due = Due::at(now, state);
    let firings = candidates(now, state, &due);
    let mut turn = Turn { state, busy: !state.running.is_empty(), newest_ready: newest_ready(&firings) };
    let mut actions = due.missed;
    for firing in &firings {
        match turn.decide(firing) {
            Decision::Do(action) => actions.push(action),
            Decision::GoOnWaiting => {}
            Decision::HoldBack => break,
        }
    }
    actions
}

/// New firings: those that are missed, and those that may run.
struct Due {
    missed: Vec<Action>,
    running: Vec<DateTime<Utc>>,
}

impl Due {
    fn at(now: DateTime<Utc>, state: &JobState) -> Self {
        let found = newest(&state.schedule, state.covered(), now, CATCH_UP_MAX);
        let latest = found.listed.last().copied();
        let mut due = Self { missed: Vec::new(), running: Vec::new() };
        if let Some((first, last)) = found.older {
            let reason = given_up(now, state, last, latest).unwrap_or(Reason::TooMany);
            due.missed.push(Action::MissedRange { job: state.job.clone(), first, last, reason });
        }
        for fire_at in found.listed {
            match given_up(now, state, fire_at, latest) {
                Some(reason) => due.missed.push(Action::Missed { job: state.job.clone(), fire_at, reason }),
                None => due.running.push(fire_at),
            }
        }
        due
    }
}

/// Why a new firing does not run, by its age and the firings that came after it.
fn given_up(
    now: DateTime<Utc>,
    state: &JobState,
    fire_at: DateTime<Utc>,
    latest: Option<DateTime<Utc>>,
) -> Option<Reason> {
    let late = now - fire_at;
    let superseded = Some(fire_at) != latest;
    match (state.schedule.start_deadline, state.schedule.catch_up) {
        (Some(deadline), _) if late >= deadline => Some(Reason::TooLate),
        (_, CatchUp::Skip) if late >= ON_TIME => Some(Reason::Skipped),
        (_, CatchUp::Skip | CatchUp::Latest) if superseded => Some(Reason::Superseded),
        _ => None,
    }
}

/// A firing that may run: one that waits already, or a new one.
struct Candidate {
    fire_at: DateTime<Utc>,
    interval: Interval,
    /// The jobs that it has to wait for.
    on: Vec<String>,
    waits: Option<Wait>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    Within,
    Beyond,
}

fn candidates(now: DateTime<Utc>, state: &JobState, due: &Due) -> Vec<Candidate> {
    let candidate = |fire_at, waits| {
        let interval = interval_of(&state.schedule, state.default_interval, fire_at);
        Candidate { fire_at, interval, on: state.awaited(interval), waits }
    };
    let limit = state.schedule.wait_limit();
    let mut waiting = state.waiting.clone();
    waiting.sort_by_key(|waiting| waiting.fire_at);
    let waiting = waiting.into_iter().map(|waiting| {
        let wait = if now - waiting.since < limit { Wait::Within } else { Wait::Beyond };
        candidate(waiting.fire_at, Some(wait))
    });
    waiting.chain(due.running.iter().map(|fire_at| candidate(*fire_at, None))).collect()
}

fn newest_ready(firings: &[Candidate]) -> Option<DateTime<Utc>> {
    firings.iter().filter(|firing| firing.on.is_empty()).map(|firing| firing.fire_at).max()
}

enum Decision {
    Do(Action),
    GoOnWaiting,
    HoldBack,
}

/// One pass over a job's firings, the oldest first.
struct Turn<'a> {
    state: &'a JobState,
    /// Whether a run is under way, or starts by this plan.
    busy: bool,
    newest_ready: Option<DateTime<Utc>>,
}

impl Turn<'_> {
    fn decide(&mut self, firing: &Candidate) -> Decision {
        match (firing.on.is_empty(), firing.waits) {
            (true, _) => self.start(firing),
            (false, None) => Decision::Do(Action::Await {
                job: self.job(),
                fire_at: firing.fire_at,
                interval: firing.interval,
                on: firing.on.clone(),
            }),
            (false, Some(Wait::Within)) => Decision::GoOnWaiting,
            (false, Some(Wait::Beyond)) => {
                Decision::Do(self.missed(firing, Reason::WaitedTooLong { on: firing.on.clone() }))
            }
        }
    }

    fn start(&mut self, firing: &Candidate) -> Decision {
        let schedule = &self.state.schedule;
        match schedule.concurrency {
            Concurrency::Allow => Decision::Do(self.fire(firing, Vec::new())),
            Concurrency::Forbid if !self.busy => Decision::Do(self.fire(firing, Vec::new())),
            Concurrency::Forbid if firing.waits.is_some() => Decision::GoOnWaiting,
            Concurrency::Forbid if schedule.catch_up == CatchUp::All => Decision::HoldBack,
            Concurrency::Forbid => Decision::Do(Action::SkipRunning { job: self.job(), fire_at: firing.fire_at }),
            Concurrency::Replace if self.superseded(firing) => Decision::Do(self.missed(firing, Reason::Superseded)),
            Concurrency::Replace => {
                let cancel = self.state.running.iter().map(|run| run.id.clone()).collect();
                Decision::Do(self.fire(firing, cancel))
            }
        }
    }

    /// Whether a later firing starts by this plan, or runs already.
    fn superseded(&self, firing: &Candidate) -> bool {
        Some(firing.fire_at) != self.newest_ready || self.state.running.iter().any(|run| run.fire_at > firing.fire_at)
    }

    fn fire(&mut self, firing: &Candidate, cancel: Vec<RunId>) -> Action {
        self.busy = true;
        let (job, fire_at, interval) = (self.job(), firing.fire_at, firing.interval);
        if cancel.is_empty() {
            Action::Fire { job, fire_at, interval }
        } else {
            Action::Replace { job, fire_at, interval, cancel }
        }
    }

    fn missed(&self, firing: &Candidate, reason: Reason) -> Action {
        Action::Missed { job: self.job(), fire_at: firing.fire_at, reason }
    }

    fn job(&self) -> String {
        self.state.job.clone()
    }
}
