//! Following a run to its end, over restarts of the server and changes of the leader.

use std::time::Duration;

use fleet_proto::v1::{Run, RunState, WatchRunRequest};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status};

use super::connect::{Client, Failure, Link};
use super::error::{Error, pushback_seconds};
use super::watch::Watcher;

/// Shows the run to the watcher until it has ended, and gives it as it ended. `seen` is the sequence of the run as it was seen last, 0
/// where it was not. An interrupt ends only the following.
pub async fn follow(client: &mut Client, run_id: &str, seen: u64, watcher: &mut dyn Watcher) -> Result<Run, Error> {
    let ended = client.interruptible(|link| until_ended(link, run_id, seen, watcher)).await;
    ended.unwrap_or_else(|| {
        Err(Error::Interrupted(format!(
            "interrupted; run {run_id} goes on: `fleet watch {run_id}` follows it, `fleet cancel {run_id}` stops it"
        )))
    })
}

/// Whether a run has come to its end, but for a retry.
pub fn ended(run: &Run) -> bool {
    matches!(run.state(), RunState::Succeeded | RunState::Failed | RunState::Cancelled)
}

/// What was heard of the run so far.
struct Heard {
    /// Of the latest message, or as it was seen before.
    sequence: u64,
    /// Whether there was a message.
    began: bool,
    /// Whether anything was heard since the server was last asked.
    lately: bool,
    /// When the last message came, or the following began.
    at: Instant,
}

async fn until_ended(link: &mut Link, run_id: &str, seen: u64, watcher: &mut dyn Watcher) -> Result<Run, Error> {
    let mut heard = Heard { sequence: seen, began: false, lately: false, at: Instant::now() };
    let mut told = false;
    let mut refused_since = None;
    loop {
        heard.lately = false;
        let failure = match listen(link, run_id, &mut heard, watcher, told).await {
            Ok(run) => return Ok(run),
            Err(failure) => failure,
        };
        if heard.lately {
            (told, refused_since) = (false, None);
        }
        let lost = match &failure {
            Failure::Refused(status) => format!("{} ended the stream: {}", link.server(), status.message()),
            Failure::Away { why, .. } => why.clone(),
        };
        let (pause, give_up, error) = match failure {
            Failure::Refused(status) if final_answer(&status) => return Err(refused(run_id, status)),
            Failure::Refused(status) => {
                // Counted by itself: after a change of leader all watchers come at once, and some are sent away.
                let since: Instant = *refused_since.get_or_insert_with(Instant::now);
                let asked_for = pushback_seconds(&status).map_or(Duration::ZERO, Duration::from_secs_f64);
                (link.turn(None).max(asked_for), since + link.patience.call, refused(run_id, status))
            }
            Failure::Away { why, leader } => {
                refused_since = None;
                (link.turn(leader.as_deref()), heard.at + link.patience.stream, away(run_id, why))
            }
        };
        let give_up = if heard.began { give_up } else { heard.at + link.patience.call };
        if Instant::now() + pause >= give_up {
            return Err(error);
        }
        if heard.began && !told {
            watcher.notice(&format!("{lost}; asking again"));
            told = true;
        }
        sleep(pause).await;
    }
}

/// Asks once, and listens for as long as there is something to hear. Gives the run as it ended.
async fn listen(
    link: &mut Link,
    run_id: &str,
    heard: &mut Heard,
    watcher: &mut dyn Watcher,
    mut told: bool,
) -> Result<Run, Failure> {
    let request = WatchRunRequest { run_id: run_id.to_owned(), after_sequence: heard.sequence };
    let mut stream = link.attempt(|mut services| async move { services.jobs.watch_run(request).await }).await?;
    let away = |why: String| Err(Failure::Away { why, leader: None });
    loop {
        let message = match timeout(link.patience.silence, stream.message()).await {
            Ok(Ok(Some(message))) => message,
            Ok(Ok(None)) => return away(format!("{} ended the stream before the run ended", link.server())),
            Ok(Err(status)) => return Err(link.failure(status)),
            Err(_) => {
                let seconds = link.patience.silence.as_secs_f64();
                return away(format!("{} was silent for {seconds} s", link.server()));
            }
        };
        link.answered();
        (heard.began, heard.lately, heard.at) = (true, true, Instant::now());
        // A leader of the past may tell of the past.
        let Some(run) = message.run.as_ref().filter(|run| run.sequence >= heard.sequence) else { continue };
        heard.sequence = run.sequence;
        if std::mem::take(&mut told) {
            watcher.notice(&format!("{} goes on telling of run {run_id}", link.server()));
        }
        watcher.message(&message);
        if ended(run) {
            return Ok(run.clone());
        }
    }
}

/// Whether asking again gives the same.
fn final_answer(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::NotFound
            | Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::Unimplemented
    )
}

fn refused(run_id: &str, status: Status) -> Error {
    Error::Refused { asked: format!("watch run {run_id}"), status }
}

fn away(run_id: &str, why: String) -> Error {
    Error::Unreachable { asked: format!("watch run {run_id} (which goes on, watched or not)"), why }
}
