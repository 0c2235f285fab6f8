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

/// No more often than this, one watcher is told of changes.
const SPACING: Duration = Duration::from_millis(250);
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
        if state.sequence != told_sequence || is_over || Instant::now() >= repeat_at {
            told_sequence = state.sequence;
            repeat_at = Instant::now() + REPEAT;
            let changed_steps = changed(told.as_ref(), &state);
            told = Some(state.clone());
            let answer = v1::WatchRunResponse { run: Some(state), changed_steps, observed_at: Some(timestamp(now)) };
            if answers.send(Ok(answer)).await.is_err() || is_over {
                return Ok(());
            }
        }
        let spaced = tokio::time::sleep(SPACING);
        tokio::select! {
            _ = changes.changed() => {}
            _ = leading.changed() => {}
            _ = draining.changed() => {}
            () = tokio::time::sleep_until(repeat_at) => {}
        }
        spaced.await;
    }
}

/// The steps that are not as they were told.
fn changed(before: Option<&v1::Run>, now: &v1::Run) -> Vec<String> {
    let before: HashMap<&str, &v1::Step> =
        before.iter().flat_map(|run| &run.steps).map(|step| (step.name.as_str(), step)).collect();
    let is_other = |step: &&v1::Step| before.get(step.name.as_str()) != Some(step);
    now.steps.iter().filter(is_other).map(|step| step.name.clone()).collect()
}
