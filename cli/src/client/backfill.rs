//! `fleet backfill`.

use fleet_proto::v1::{BackfillRequest, BackfillResponse, IntervalUnit};

use super::connect::Client;
use super::error::{Error, outcome};
use super::follow::follow;
use super::options::{Backfill, Unit};
use super::{json, submit, watch};
use crate::display::{grouped, say};

pub async fn backfill(client: &mut Client, options: &Backfill, json: bool) -> Result<(), Error> {
    let request = request(options)?;
    let key = request.idempotency_key.clone();
    let asked = client.call(format!("backfill {}", options.job), |mut services| {
        let request = request.clone();
        async move { services.jobs.backfill(request).await }
    });
    let response = asked.await.map_err(|error| submit::with_key(error, &key))?;
    let id = &response.backfill_id;
    if json {
        say(json::backfilled(&response));
    } else {
        say(id);
        let runs = grouped(response.run_ids.len() as u64);
        let made = if response.existed { "are of an earlier request with this key" } else { "queued" };
        eprintln!("{runs} runs {made}; `fleet runs --backfill {id}` lists them");
    }
    if options.wait.wait { wait(client, &response, json).await } else { Ok(()) }
}

fn request(options: &Backfill) -> Result<BackfillRequest, Error> {
    if options.from >= options.to {
        let (from, to) = (&options.from, &options.to);
        return Err(Error::WrongUse(format!("--to {to}: expected a day after --from {from}; --to is left out itself")));
    }
    let unit = match options.unit {
        None => IntervalUnit::Unspecified,
        Some(Unit::Day) => IntervalUnit::Day,
        Some(Unit::Week) => IntervalUnit::Week,
        Some(Unit::Month) => IntervalUnit::Month,
    };
    Ok(BackfillRequest {
        job: options.job.clone(),
        start: options.from.clone(),
        end: options.to.clone(),
        unit: unit.into(),
        parallelism: options.parallelism,
        parameters: submit::parameters(&options.terms)?,
        priority: options.terms.priority,
        idempotency_key: submit::key(&options.terms),
    })
}

/// Follows the runs in the order in which they start, until all have ended.
async fn wait(client: &mut Client, backfill: &BackfillResponse, json: bool) -> Result<(), Error> {
    let mut watcher = watch::summaries(json, backfill.run_ids.len());
    let mut errors = Vec::new();
    for run_id in &backfill.run_ids {
        let run =
            follow(client, run_id, 0, watcher.as_mut()).await.map_err(|error| goes_on(error, &backfill.backfill_id))?;
        errors.extend(outcome(&run).err());
    }
    watcher.finish();
    ended(&backfill.backfill_id, backfill.run_ids.len(), &errors)
}

fn goes_on(error: Error, id: &str) -> Error {
    match error {
        Error::Interrupted(_) => Error::Interrupted(format!(
            "interrupted; backfill {id} goes on: `fleet runs --backfill {id}` lists its runs, `fleet cancel` stops one"
        )),
        error => error,
    }
}

/// One outcome of many: failed goes before failed by a check, and that before cancelled.
fn ended(id: &str, total: usize, errors: &[Error]) -> Result<(), Error> {
    if errors.is_empty() {
        return Ok(());
    }
    let text = format!(
        "backfill {id}: {} of {total} runs did not succeed; `fleet runs --backfill {id} --state failed,cancelled` lists them",
        errors.len()
    );
    let any = |wanted: fn(&Error) -> bool| errors.iter().any(wanted);
    Err(match () {
        () if any(|error| matches!(error, Error::Failed(_))) => Error::Failed(text),
        () if any(|error| matches!(error, Error::CheckFailed(_))) => Error::CheckFailed(text),
        () => Error::Cancelled(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_run_gives_a_backfill_its_code() {
        let code = |errors: &[Error]| ended("b", 3, errors).map_or_else(|error| error.code(), |()| 0);
        let (failed, check) = (|| Error::Failed(String::new()), || Error::CheckFailed(String::new()));
        let cancelled = || Error::Cancelled(String::new());
        assert_eq!(code(&[]), 0);
        assert_eq!(code(&[cancelled()]), 4);
        assert_eq!(code(&[cancelled(), check()]), 3);
        assert_eq!(code(&[check(), failed(), cancelled()]), 1);
        assert!(ended("b", 3, &[failed()]).unwrap_err().to_string().starts_with("backfill b: 1 of 3 runs"));
    }

    #[test]
    fn an_interrupt_says_that_the_backfill_goes_on() {
        let error = goes_on(Error::Interrupted(String::new()), "b");
        assert_eq!(error.code(), 130);
        assert!(error.to_string().contains("`fleet runs --backfill b`"));
    }
}
