use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fleet_testing::{Error, Process};

const TIMEOUT: Duration = Duration::from_secs(60);

fn shell(script: &str) -> Process {
    Process::spawn(Command::new("/bin/sh").args(["-c", script])).unwrap()
}

fn exists(pid: &str) -> bool {
    // A zombie has ended, though nobody may have waited for it yet.
    std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn wait_until_gone(pid: &str) {
    let deadline = Instant::now() + TIMEOUT;
    while exists(pid) {
        assert!(Instant::now() < deadline, "process {pid} is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn lines_of_both_streams_are_found() {
    let process = shell("echo started; echo warned >&2; sleep 60");
    assert_eq!(process.wait_for_line("warn", TIMEOUT).unwrap(), "warned");
    assert_eq!(process.wait_for_line("start", TIMEOUT).unwrap(), "started");
    assert_eq!(process.lines().len(), 2);
}

#[test]
fn a_line_that_never_comes_is_an_error_that_shows_the_output() {
    let running = shell("echo something else; sleep 60");
    running.wait_for_line("something", TIMEOUT).unwrap();
    let error = running.wait_for_line("ready", Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(error.to_string().contains("something else"), "{error}");

    let error = shell("echo bad flag >&2; exit 2").wait_for_line("ready", TIMEOUT).unwrap_err();
    assert!(matches!(error, Error::Ended { .. }), "{error}");
    assert!(error.to_string().contains("bad flag"), "{error}");
}

#[test]
fn a_terminated_process_may_end_in_order() {
    let process = shell("trap 'echo draining; exit 7' TERM; echo ready; while :; do sleep 0.05; done");
    process.wait_for_line("ready", TIMEOUT).unwrap();
    process.terminate().unwrap();
    assert_eq!(process.wait(TIMEOUT).unwrap().code(), Some(7));
    process.wait_for_line("draining", TIMEOUT).unwrap();
    process.terminate().unwrap();
}

#[test]
fn a_frozen_process_does_nothing_until_it_is_thawed() {
    let process = shell("echo ready; while :; do sleep 0.02; echo tick; done");
    process.wait_for_line("tick", TIMEOUT).unwrap();
    process.freeze().unwrap();
    // What it had printed before may still be on its way.
    std::thread::sleep(Duration::from_millis(100));
    let ticks = process.lines().len();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(process.lines().len(), ticks);
    process.thaw().unwrap();
    let deadline = Instant::now() + TIMEOUT;
    while process.lines().len() == ticks {
        assert!(Instant::now() < deadline, "it never went on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_killed_process_is_gone_with_its_children() {
    let process = shell("trap '' TERM; sleep 60 & echo child $!; wait");
    let line = process.wait_for_line("child", TIMEOUT).unwrap();
    process.kill9();
    assert!(!process.is_running());
    wait_until_gone(line.strip_prefix("child ").unwrap());
}

#[test]
fn a_dropped_process_is_gone() {
    let process = shell("sleep 60");
    let pid = process.pid().to_string();
    assert!(exists(&pid));
    drop(process);
    assert!(!exists(&pid));
}

#[test]
fn a_process_does_not_outlive_a_killed_test() {
    const CHILD: &str = "FLEET_TESTING_STARTS_A_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let process = shell("sleep 60");
        println!("child {}.", process.pid());
        process.wait(TIMEOUT).unwrap();
    } else {
        let name = "process::a_process_does_not_outlive_a_killed_test";
        let test = Process::spawn(
            Command::new(std::env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]).env(CHILD, "1"),
        )
        .unwrap();
        let line = test.wait_for_line("child ", TIMEOUT).unwrap();
        let (_, rest) = line.split_once("child ").unwrap();
        let child = rest.split('.').next().unwrap();
        assert!(exists(child));
        test.kill9();
        wait_until_gone(child);
    }
}
