//! Drivers killed, interrupted, and two at a time: what is committed is whole, and the same command goes on.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use fleet_testing::Process;

use crate::kit::{PATIENCE, Place, State, small_reference};

const MOMENTS: u32 = 10;
const SEED: u64 = 20_260_101;

/// What a user does, one command after the other.
const COMMANDS: [&[&str]; 2] = [&["ingest"], &["run"]];

#[test]
fn a_driver_killed_at_any_moment_leaves_nothing_half_done() {
    let reference = small_reference();
    let mut random = SEED;
    let mut killed = 0;
    for moment in 0..MOMENTS {
        // One moment in each tenth of the time that the undisturbed commands took.
        let share = (f64::from(moment) + next_unit(&mut random)) / f64::from(MOMENTS);
        let delay = reference.takes.mul_f64(share);
        let place = Place::with_files_of(&reference.place);
        killed += u32::from(kill_after(&place, delay));
        place.ingest_and_run();
        State::of(&place).assert_same(&reference.state, &format!("killed after {delay:?}"));
    }
    assert!(killed >= MOMENTS / 2, "only {killed} of {MOMENTS} were still running when they were to be killed");
}

/// Each attempt leaves its own remains behind, for the next to work around.
#[test]
fn a_driver_killed_over_and_over_gets_there_in_the_end() {
    let reference = small_reference();
    let place = Place::with_files_of(&reference.place);
    let mut random = SEED + 1;
    for _ in 0..6 {
        kill_after(&place, reference.takes.mul_f64(0.1 + 0.3 * next_unit(&mut random)));
    }
    place.ingest_and_run();
    State::of(&place).assert_same(&reference.state, "after six kills");
}

#[test]
fn an_interrupted_driver_says_so_and_goes_on_from_there() {
    let reference = small_reference();
    let place = Place::with_files_of(&reference.place);
    let driver = place.start(&["ingest"]);
    driver.wait_for_line("source.events", PATIENCE).unwrap();
    let signalled = Command::new("kill").args(["-INT", &driver.pid().to_string()]).status().unwrap();
    assert!(signalled.success());
    assert_eq!(driver.wait(PATIENCE).unwrap().code(), Some(130), "{:?}", driver.lines());
    assert!(driver.lines().iter().any(|line| line.contains("interrupted")), "{:?}", driver.lines());
    place.ingest_and_run();
    State::of(&place).assert_same(&reference.state, "interrupted");
}

#[test]
fn two_drivers_at_once_end_with_one_state() {
    let reference = small_reference();
    let place = Place::with_files_of(&reference.place);
    thread::scope(|scope| {
        let drivers = [(); 2].map(|()| scope.spawn(|| place.ingest_and_run()));
        for driver in drivers {
            driver.join().unwrap();
        }
    });
    State::of(&place).assert_same(&reference.state, "two drivers at once");
    // Neither left the other's work to be found stale.
    let before = place.tables();
    place.ingest_and_run();
    assert_eq!(place.tables(), before);
}

/// Runs the commands and kills whichever runs after `delay`; false if they were done by then.
fn kill_after(place: &Place, delay: Duration) -> bool {
    let deadline = Instant::now() + delay;
    for command in COMMANDS {
        let driver = place.start(command);
        if !ends_before(&driver, deadline) {
            driver.kill9();
            return true;
        }
        assert!(driver.wait(PATIENCE).unwrap().success(), "{:?}", driver.lines());
    }
    false
}

fn ends_before(driver: &Process, deadline: Instant) -> bool {
    while driver.is_running() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Uniform in [0, 1): Vigna's SplitMix64 (2015).
fn next_unit(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap()) / 4_294_967_296.0
}
