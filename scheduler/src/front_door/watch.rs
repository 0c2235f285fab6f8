//! The stream of a run's states.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use fleet_proto::v1;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;
use tonic::Status;

use super::convert;
use super::convert::timestamp;
use crate::ledger::RunId;
use crate::service::Service;

/// One watcher is told up to four times a second: so long is the share of each time.
const SHARE: Duration = Duration::from_millis(250);
/// No more often than this it is told of changes: three times a second, so that the end, as the fourth, need not wait.
const SPACING: Duration = Duration::from_millis(334);
/// A run of which there is nothing to tell is told of again.
const REPEAT: Duration = Duration::from_secs(15);

pub(super) type Answer = Result<v1::WatchRunResponse, Status>;

/// Tells of the run until it has ended, nobody listens, or this process leads no longer.
pub(super) async fn tell(
    service: Arc<Service>,
    run: RunId,
    after_sequence: u64,
    answers: Sender<Answer>,
    _place: OwnedSemaphorePermit,
) {
    let told = async {
        if let Err(status) = tell_all(&service, run, after_sequence, &answers).await {
            // Nobody may listen any more.
            _ = answers.send(Err(status)).await;
        }
    };
    tokio::select! {
        () = told => {}
        () = answers.closed() => {}
    }
}

async fn tell_all(service: &Service, run: RunId, after_sequence: u64, answers: &Sender<Answer>) -> Result<(), Status> {
    let (mut changes, mut leading, mut draining) = (service.changes.watch(run), service.leading(), service.draining());
    let mut pace = Pace { began: Instant::now(), messages: 0 };
    let mut told: Option<v1::Run> = None;
    let mut told_sequence = after_sequence;
    let mut repeat_at = Instant::now() + REPEAT;
    loop {
        changes.borrow_and_update();
        let term = service.term()?;
        let (token, seen) = (term.fence.token, term.seen(run));
        drop(term);
        let whole = service.whole(run).await?;
        let now = Utc::now();
        let state = convert::run(&whole, token, seen.as_ref(), now);
        let is_over = whole.run.state.is_ended();
        // Who has seen the run lately waits for a change as any other, so that the end of a short run need not wait for its turn.
        let waits = pace.messages == 0
            && !is_over
            && (1..state.sequence).contains(&after_sequence)
            && pace.change_at(pace.began) > Instant::now();
        if !waits && (state.sequence != told_sequence || is_over || Instant::now() >= repeat_at) {
            told_sequence = state.sequence;
            repeat_at = Instant::now() + REPEAT;
            let changed_steps = changed(told.as_ref(), &state);
            told = Some(state.clone());
            let answer = v1::WatchRunResponse { run: Some(state), changed_steps, observed_at: Some(timestamp(now)) };
            if answers.send(Ok(answer)).await.is_err() || is_over {
                return Ok(());
            }
            pace.messages += 1;
        }
        let (change_at, end_at) = (pace.change_at(Instant::now()), pace.end_at());
        if !waits {
            tokio::select! {
                _ = changes.changed() => {}
                _ = leading.changed() => {}
                _ = draining.changed() => {}
                () = tokio::time::sleep_until(repeat_at) => {}
            }
        }
        let ended = async {
            let is_ended = changes.wait_for(|ended| *ended).await.is_ok();
            tokio::time::sleep_until(end_at).await;
            is_ended
        };
        tokio::select! {
            () = tokio::time::sleep_until(change_at) => {}
            true = ended => {}
        }
    }
}

/// When a watcher may be told: four times a second at most, counted from its beginning, and in any one second.
struct Pace {
    began: Instant,
    messages: u32,
}

impl Pace {
    /// Of a change: in any case the end could follow at once.
    fn change_at(&self, looked: Instant) -> Instant {
        (looked + SPACING).max(self.began + SHARE * (self.messages + 1))
    }

    fn end_at(&self) -> Instant {
        self.began + SHARE * self.messages
    }
}

/// The steps that are not as they were told.
fn changed(before: Option<&v1::Run>, now: &v1::Run) -> Vec<String> {
    let before: HashMap<&str, &v1::Step> =
        before.iter().flat_map(|run| &run.steps).map(|step| (step.name.as_str(), step)).collect();
    let is_other = |step: &&v1::Step| before.get(step.name.as_str()) != Some(step);
    now.steps.iter().filter(is_other).map(|step| step.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When one who has had so many messages at the beginning is told of a run that changes all the time and ends after so long.
    fn told(messages: u32, ends_after: Duration) -> Vec<Duration> {
        let began = Instant::now();
        let mut pace = Pace { began, messages };
        let mut told = vec![began; messages as usize];
        loop {
            let change_at = pace.change_at(told.last().copied().unwrap_or(began));
            if began + ends_after < change_at {
                told.push(pace.end_at().max(began + ends_after));
                return told.into_iter().map(|at| at - began).collect();
            }
            told.push(change_at);
            pace.messages += 1;
        }
    }

    #[test]
    fn nobody_is_told_more_than_four_times_a_second_and_the_end_does_not_wait() {
        for (messages, ends_after) in (0..5_000).flat_map(|millis| [(0, millis), (1, millis)]) {
            let ends_after = Duration::from_millis(ends_after);
            let told = told(messages, ends_after);
            let last = told[told.len() - 1];
            let apart = SHARE * messages;
            assert_eq!(
                last,
                ends_after.max(apart),
                "the first two are a share apart, and who has seen the run needs no first"
            );
            let allowed = 1 + last.as_millis() / SHARE.as_millis();
            assert!(told.len() as u128 <= allowed, "{told:?}");
            let in_second = |from: &Duration| told.iter().filter(|at| *at >= from && **at < *from + 4 * SHARE).count();
            assert!(told.iter().all(|from| in_second(from) <= 4), "{told:?}");
        }
    }
}
