//! When there will next be something to do.

use chrono::{DateTime, Utc};

use super::firings::next;
use super::interval::interval_of;
use super::plan::plan_job;
use super::state::JobState;

/// The moment from `now` on before which [`super::plan`] gives no action, if nothing is recorded until then. There may be
/// none yet at that moment where `catch_up: all` holds a firing back until a run ends. When a run ends, a job succeeds
/// or a schedule changes, it has to be asked again.
pub fn wake_at(now: DateTime<Utc>, jobs: &[JobState]) -> Option<DateTime<Utc>> {
    jobs.iter().filter(|job| !job.paused).filter_map(|job| wake_job(now, job)).min()
}

fn wake_job(now: DateTime<Utc>, state: &JobState) -> Option<DateTime<Utc>> {
    if !plan_job(now, state).is_empty() {
        return Some(now);
    }
    let schedule = &state.schedule;
    let firing = next(schedule, state.covered().max(now), 1).into_iter();
    let lacking = state.waiting.iter().filter(|waiting| {
        let interval = interval_of(schedule, state.default_interval, waiting.fire_at);
        !state.awaited(interval).is_empty()
    });
    let wait_ends = lacking.filter_map(|waiting| waiting.since.checked_add_signed(schedule.wait_limit()));
    // A firing that is due and yet gives no action is held back while another runs, until it is too late for it.
    let held = next(schedule, state.covered(), 1).into_iter();
    let too_late = held.zip(schedule.start_deadline).map(|(fire_at, deadline)| fire_at + deadline);
    firing.chain(wait_ends).chain(too_late).filter(|at| *at > now).min()
}
