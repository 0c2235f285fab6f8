//! What must hold of the runs when a round is over, whatever happened in it.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use fleet_proto::v1::{Attempt, FailureKind, Run, RunOrigin, RunState, Step, StepState};

use crate::airline::{Airline, EVERY_MINUTE, Ground};
use crate::client::{Client, USER, is_over};
use crate::faults::Former;
use crate::kit::PATIENCE;
use crate::round::Asked;

/// Every run that was asked for is there, once, and succeeded. Gives what failed on the way.
pub fn runs(client: &mut Client, asked: &[Asked]) -> Vec<Attempt> {
    for asked in asked {
        let again = client.submit(asked.job, &asked.key);
        assert!(again.existed, "the key {} made a second run", asked.key);
        assert_eq!(again.run.unwrap().id, asked.run, "the run of the key {}", asked.key);
    }
    let listed: Vec<String> = client.runs("", USER).into_iter().map(|run| run.id).collect();
    let ids: BTreeSet<&str> = asked.iter().map(|asked| asked.run.as_str()).collect();
    assert_eq!(listed.len(), ids.len(), "runs listed: {listed:?}, asked for: {ids:?}");
    assert_eq!(listed.iter().map(String::as_str).collect::<BTreeSet<_>>(), ids);
    asked.iter().flat_map(|asked| succeeded(&client.run(&asked.run))).collect()
}

/// Each minute since the schedule was enabled has fired once, and its run succeeded. No other job fires.
pub fn firings(client: &mut Client, airline: &Airline, ground: &Ground) {
    let until = Instant::now() + PATIENCE;
    // Those of the time without a leader are caught up with.
    while !unfired(airline, ground).is_empty() || client.runs(EVERY_MINUTE, "").iter().any(|run| !is_over(run)) {
        assert!(Instant::now() < until, "minutes that did not fire: {}", unfired(airline, ground));
        thread::sleep(Duration::from_millis(200));
    }
    let mut fired = BTreeSet::new();
    for run in client.runs("", "schedule") {
        assert_eq!((run.job.as_str(), run.origin()), (EVERY_MINUTE, RunOrigin::Schedule), "{run:?}");
        assert!(fired.insert(run.scheduled_for.unwrap().seconds), "a minute fired twice: {run:?}");
        succeeded(&client.run(&run.id));
    }
}

/// Minutes that have gone by and have not become one run, by the ledger.
fn unfired(airline: &Airline, ground: &Ground) -> String {
    let sql = format!(
        "with due as (
             select generate_series(
                 date_trunc('minute', to_timestamp(enabled_since / 1000000.0)) + interval '1 minute',
                 clock_timestamp() - interval '1 second', interval '1 minute') as minute
             from fleet_ledger.schedule where job = '{EVERY_MINUTE}')
         select minute, count(run.id) from due
         left join fleet_ledger.run on run.schedule = '{EVERY_MINUTE}' and run.fire_at = extract(epoch from minute) * 1000000
         group by minute having count(run.id) <> 1;"
    );
    airline.ask(&ground.ledger, &sql)
}

/// A scheduler that another took over from ended no step any more.
pub fn former_leader(former: &Former, airline: &Airline, ground: &Ground) {
    let sql = format!(
        "select run_id, step_name, number, outcome, ended_at from fleet_ledger.attempt
         where instance = '{}' and (started_at > {until} or outcome = 'succeeded' and ended_at > {until});",
        former.instance,
        until = former.until,
    );
    assert_eq!(airline.ask(&ground.ledger, &sql), "", "recorded by a leader after another took over");
}

/// Asserts that the run succeeded, each step once; gives the attempts that did not succeed.
fn succeeded(run: &Run) -> Vec<Attempt> {
    assert_eq!(run.state(), RunState::Succeeded, "run {} of {}: {}", run.id, run.job, run.reason);
    assert!(run.ended_at.is_some() && run.failure() == FailureKind::Unspecified, "{run:?}");
    assert_eq!((run.steps_done, run.steps_total as usize), (run.steps_total, run.steps.len()), "steps of {}", run.id);
    run.steps.iter().flat_map(|step| ended_once(run, step)).collect()
}

fn ended_once(run: &Run, step: &Step) -> Vec<Attempt> {
    let what = format!("step {} of run {} ({})", step.name, run.id, run.job);
    let is_well = matches!(step.state(), StepState::Succeeded | StepState::UpToDate);
    assert!(is_well && step.ended_at.is_some(), "{what} is {:?}: {}", step.state(), step.reason);
    for (attempt, number) in step.attempts.iter().zip(1..) {
        assert_eq!(attempt.number, number, "{what}: attempts are numbered without gaps: {:?}", step.attempts);
        assert!(attempt.ended_at.is_some(), "{what}: an attempt never ended: {attempt:?}");
        let is_told = (attempt.failure() == FailureKind::Unspecified) == attempt.reason.is_empty();
        assert!(is_told && !attempt.instance_id.is_empty(), "{what}: what became of it is not told: {attempt:?}");
    }
    let (ended, lost): (Vec<Attempt>, Vec<Attempt>) =
        step.attempts.iter().cloned().partition(|attempt| attempt.failure() == FailureKind::Unspecified);
    let is_last = ended.first() == step.attempts.last();
    assert!(ended.len() <= 1 && is_last, "{what} has not succeeded once, at last: {:?}", step.attempts);
    assert!(step.state() != StepState::Succeeded || ended.len() == 1, "{what} succeeded without an attempt");
    lost
}
