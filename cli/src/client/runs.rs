//! `fleet runs`.

use chrono::{DateTime, Utc};
use fleet_proto::v1::{ListRunsRequest, Run, RunState};
use prost_types::Timestamp;

use super::connect::Client;
use super::error::Error;
use super::options::{Runs, State};
use super::{follow, json, text, watch};
use crate::display::say;

const PAGE_MAX: u32 = 500;

pub async fn runs(client: &mut Client, options: &Runs, json: bool) -> Result<(), Error> {
    let now = Utc::now();
    let mut request = request(options, now)?;
    let mut runs = Vec::new();
    loop {
        let left = options.limit - u32::try_from(runs.len()).unwrap_or(u32::MAX).min(options.limit);
        request.page_size = left.min(PAGE_MAX);
        let page = client.call("list runs", |mut services| {
            let request = request.clone();
            async move { services.jobs.list_runs(request).await }
        });
        let page = page.await?;
        let last = page.next_page_token.is_empty() || page.runs.is_empty() || page.runs.len() >= left as usize;
        runs.extend(page.runs.into_iter().take(left as usize));
        if last {
            break;
        }
        request.page_token = page.next_page_token;
    }
    if json {
        runs.iter().for_each(|run| say(json::run(run)));
    } else {
        table(&runs, now).iter().for_each(say);
    }
    Ok(())
}

fn request(options: &Runs, now: DateTime<Utc>) -> Result<ListRunsRequest, Error> {
    let (since, until) =
        (options.since.map(|moment| moment.instant(now)), options.until.map(|moment| moment.instant(now)));
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return Err(Error::WrongUse(format!("--until {until}: expected an instant after --since {since}")));
    }
    let state = |state: &State| match state {
        State::Queued => RunState::Queued,
        State::Running => RunState::Running,
        State::Succeeded => RunState::Succeeded,
        State::Failed => RunState::Failed,
        State::Cancelled => RunState::Cancelled,
    };
    Ok(ListRunsRequest {
        job: options.job.clone().unwrap_or_default(),
        states: options.states.iter().map(|wanted| state(wanted).into()).collect(),
        submitted_by: options.by.clone().unwrap_or_default(),
        submitted_after: since.map(timestamp),
        submitted_before: until.map(timestamp),
        backfill_id: options.backfill.clone().unwrap_or_default(),
        page_size: 0,
        page_token: String::new(),
    })
}

fn timestamp(instant: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: instant.timestamp(), nanos: i32::try_from(instant.timestamp_subsec_nanos()).unwrap_or(0) }
}

fn table(runs: &[Run], now: DateTime<Utc>) -> Vec<String> {
    let headings = ["run", "job or models", "interval", "state", ">steps", "submitted", ">took", "by", "reason"];
    let mut table = text::Table::new(&headings);
    for run in runs {
        let now = timestamp(now);
        let end = if follow::ended(run) { run.ended_at.as_ref() } else { Some(&now) };
        table.row([
            run.id.clone(),
            watch::target(run),
            text::interval(run.interval.as_ref()),
            text::run_state(run.state),
            if run.steps_total > 0 { format!("{}/{}", run.steps_done, run.steps_total) } else { String::new() },
            text::instant(run.submitted_at.as_ref()),
            text::elapsed(run.started_at.as_ref(), end).map(text::seconds).unwrap_or_default(),
            run.submitted_by.clone(),
            run.reason.lines().next().unwrap_or_default().to_owned(),
        ]);
    }
    table.lines()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::values::Moment;

    fn options() -> Runs {
        Runs {
            action: None,
            job: None,
            states: Vec::new(),
            by: None,
            since: None,
            until: None,
            backfill: None,
            limit: 50,
        }
    }

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos: 0 })
    }

    #[test]
    fn a_range_of_time_that_is_empty_is_refused() {
        let now = "2026-03-10T12:00:00Z".parse().unwrap();
        let ago = |days| Some(Moment::Ago(chrono::TimeDelta::days(days)));
        let request =
            request(&Runs { since: ago(7), until: ago(1), states: vec![State::Failed], ..options() }, now).unwrap();
        assert_eq!((request.submitted_after, request.submitted_before), (at(1_772_539_200), at(1_773_057_600)));
        assert_eq!(request.states, [4]);
        assert_eq!(super::request(&Runs { since: ago(1), until: ago(7), ..options() }, now).unwrap_err().code(), 2);
    }

    #[test]
    fn runs_are_a_table() {
        let begun = 1_773_014_400;
        let runs = [
            Run {
                id: "r2".to_owned(),
                job: "weekly".to_owned(),
                state: RunState::Running.into(),
                steps_done: 3,
                steps_total: 12,
                submitted_at: at(begun),
                started_at: at(begun),
                submitted_by: "schedule".to_owned(),
                ..Run::default()
            },
            Run {
                id: "r1".to_owned(),
                models: vec!["a.b".to_owned()],
                state: RunState::Failed.into(),
                reason: "a.b broke a check".to_owned(),
                submitted_at: at(begun - 60),
                started_at: at(begun - 60),
                ended_at: at(begun - 59),
                submitted_by: "ann".to_owned(),
                ..Run::default()
            },
        ];
        assert_eq!(
            table(&runs, "2026-03-09T00:03:05Z".parse().unwrap()),
            [
                "run  job or models  interval          state    steps  submitted                   took  by        reason",
                "r2   weekly         all that changed  running   3/12  2026-03-09T00:00:00Z  3 min 05 s  schedule",
                "r1   a.b            all that changed  failed          2026-03-08T23:59:00Z       1.0 s  ann       a.b broke a check",
            ]
        );
    }
}
