//! `fleet cancel` and `fleet retry`.

use fleet_proto::v1::{CancelRunRequest, RetryRunRequest, Run, RunState};
use tonic::Code;

use super::connect::Client;
use super::error::Error;
use super::follow::{ended, follow};
use super::options::{Cancel, Retry};
use super::watch::Purpose;
use super::{json, show, text, watch};
use crate::display::say;

/// Asks all runs to stop, whatever becomes of one.
pub async fn cancel(client: &mut Client, options: &Cancel, json: bool) -> Result<(), Error> {
    let (mut stopping, mut errors) = (Vec::new(), Vec::new());
    for run_id in &options.runs {
        match cancel_one(client, run_id, options.reason.as_deref().unwrap_or_default()).await {
            Ok(run) => {
                if json {
                    say(json::run(&run));
                } else {
                    say(cancelled_line(&run));
                }
                stopping.push(run_id);
            }
            Err(error @ (Error::Interrupted(_) | Error::Unreachable { .. })) => {
                errors.push(error);
                return Error::of(errors);
            }
            Err(error) => errors.push(error),
        }
    }
    for run_id in stopping.into_iter().filter(|_| options.wait) {
        let mut watcher = watch::watcher(json, Purpose::Progress);
        let ended = follow(client, run_id, 0, watcher.as_mut()).await;
        watcher.finish();
        match ended {
            Ok(run) => errors.extend(not_cancelled(&run)),
            Err(error) => {
                errors.push(error);
                break;
            }
        }
    }
    Error::of(errors)
}

async fn cancel_one(client: &mut Client, run_id: &str, reason: &str) -> Result<Run, Error> {
    let response = client.call(format!("cancel run {run_id}"), |mut services| {
        let request = CancelRunRequest { run_id: run_id.to_owned(), reason: reason.to_owned() };
        async move { services.jobs.cancel_run(request).await }
    });
    Ok(response.await?.run.unwrap_or_default())
}

fn cancelled_line(run: &Run) -> String {
    let state = if ended(run) { text::run_state(run.state) } else { "stopping".to_owned() };
    format!("{} {state}", run.id)
}

/// A run that ended in another way than it was asked to.
fn not_cancelled(run: &Run) -> Option<Error> {
    let state = text::run_state(run.state);
    (run.state() != RunState::Cancelled)
        .then(|| Error::Failed(format!("run {} {state} before it could be cancelled", run.id)))
}

/// Takes a run up again. Whether a retry whose answer was lost was begun is told by the number of retries.
pub async fn retry(client: &mut Client, options: &Retry, json: bool) -> Result<(), Error> {
    let run_id = &options.run;
    let before = show::get(client, run_id).await?;
    let asked = client.call(format!("retry run {run_id}"), |mut services| {
        let request = RetryRunRequest { run_id: run_id.clone() };
        async move { services.jobs.retry_run(request).await }
    });
    let run = match asked.await {
        Ok(response) => response.run.unwrap_or_default(),
        Err(Error::Refused { asked, status }) if status.code() == Code::FailedPrecondition => {
            let now = show::get(client, run_id).await?;
            if now.retries <= before.retries {
                return Err(Error::Refused { asked, status });
            }
            now
        }
        Err(error) => return Err(error),
    };
    if json {
        say(json::run(&run));
    } else {
        say(run_id);
    }
    if options.wait.wait { watch::wait(client, run_id, run.sequence, json).await } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(state: RunState) -> Run {
        Run { id: "7".to_owned(), state: state.into(), ..Run::default() }
    }

    #[test]
    fn a_cancelled_run_says_whether_it_has_stopped() {
        assert_eq!(cancelled_line(&run(RunState::Running)), "7 stopping");
        assert_eq!(cancelled_line(&run(RunState::Cancelled)), "7 cancelled");
    }

    #[test]
    fn a_run_that_ended_before_is_told() {
        assert!(not_cancelled(&run(RunState::Cancelled)).is_none());
        let error = not_cancelled(&run(RunState::Succeeded)).unwrap();
        assert_eq!((error.code(), error.to_string()), (1, "run 7 succeeded before it could be cancelled".to_owned()));
    }
}
