//! The job service with processes killed, frozen and stopped underneath it, one fault a round: no run is lost or
//! doubled, no step succeeds twice, and every figure is that of an undisturbed run.
//!
//! A binary of its own, since its rounds must have the machine to themselves: a test beside them would delay what they
//! time. The one test of `make test` has a round of each fault; `make chaos` goes on for longer.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod airline;
mod client;
mod cluster;
mod commits;
mod disturbance;
mod faults;
mod judge;
#[expect(dead_code, unused_imports, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../end_to_end/kit/mod.rs"]
mod kit;
mod published;
mod random;
mod round;
mod story;
mod supervised;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use airline::Airline;
use disturbance::{Disturbance, Plan};
use story::{message, say};

/// Of rounds in which nothing is away for long, as a test of the plans says.
const SHORT_SEED: u64 = 12_875;
const SHORT_ROUNDS: u64 = Disturbance::ALL.len() as u64;

/// What `make chaos` does where it is told nothing else.
const LONG_ROUNDS: u64 = 50;

#[test]
fn each_fault_once_loses_and_doubles_nothing() {
    rounds(SHORT_SEED, SHORT_ROUNDS);
}

#[test]
#[ignore = "takes half an hour: `make chaos`, with CHAOS_ROUNDS and CHAOS_SEED"]
fn many_faults_lose_and_double_nothing() {
    rounds(number("CHAOS_SEED", 1), number("CHAOS_ROUNDS", LONG_ROUNDS));
}

/// Rounds with a seed each, all of which are played whatever becomes of one.
fn rounds(first_seed: u64, rounds: u64) {
    let started = Instant::now();
    let mut airline = Airline::start();
    let mut undisturbed = round::undisturbed(&mut airline);
    say(format_args!("undisturbed: {:.1} s", undisturbed.takes.as_secs_f64()));
    let (mut failed, mut takeovers) = (Vec::new(), Vec::new());
    for seed in first_seed..first_seed + rounds {
        let plan = Plan::of(seed);
        match catch_unwind(AssertUnwindSafe(|| round::disturbed(&mut airline, &undisturbed, &plan))) {
            Ok(played) => {
                takeovers.extend(played.takeover);
                // The machine may have had other things to do: a moment too late is of no use.
                undisturbed.takes = undisturbed.takes.min(played.takes);
                say(format_args!("seed {seed}, {plan}: {played}"));
            }
            Err(panic) => {
                let again = format!("again by `make chaos CHAOS_SEED={seed} CHAOS_ROUNDS=1`");
                say(format_args!("seed {seed}, {plan}: FAILED, {again}: {}", message(panic.as_ref())));
                failed.push(seed);
            }
        }
    }
    let passed = rounds - failed.len() as u64;
    say(format_args!("{passed} of {rounds} rounds passed in {} s; {}", started.elapsed().as_secs(), told(takeovers)));
    assert!(failed.is_empty(), "rounds that failed, by seed: {failed:?}");
}

fn told(mut takeovers: Vec<Duration>) -> String {
    takeovers.sort();
    match (takeovers.first(), takeovers.get(takeovers.len() / 2), takeovers.last()) {
        (Some(least), Some(median), Some(most)) => format!(
            "{} takeovers in {:.1} to {:.1} s, median {:.1} s",
            takeovers.len(),
            least.as_secs_f64(),
            most.as_secs_f64(),
            median.as_secs_f64()
        ),
        _ => "no takeover".to_owned(),
    }
}

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")),
        Err(_) => default,
    }
}
