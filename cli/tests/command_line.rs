//! The binary as a person types it: help, examples, and what wrong use gets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

fn fleet(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("fleet-data")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_fleet")).args(arguments).current_dir(folder.path()).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let commands = ["demo", "generate", "ingest", "run", "plan", "tables", "query", "publish", "scheduler", "executor"];
    let overview = text(&fleet(&["--help"]));
    for command in commands {
        assert!(overview.contains(&format!("  {command} ")), "{command} is missing from\n{overview}");
        let help = fleet(&[command, "--help"]);
        assert!(help.status.success() && text(&help).contains(&format!("Example: fleet {command}")), "{}", text(&help));
    }
    assert!(overview.contains("Exit codes"), "{overview}");
}

#[test]
fn wrong_use_ends_with_2_and_names_the_thing() {
    for (arguments, named) in [
        (&["generate", "--planes", "3"][..], "--planes"),
        (&["run", "--interval", "march"], "march"),
        (&["fly"], "fly"),
        (&["query"], "<SQL>"),
    ] {
        let output = fleet(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(named), "{arguments:?}: {}", text(&output));
    }
}

#[test]
fn what_does_not_exist_ends_with_1_and_says_what_does() {
    for (arguments, named) in [
        (&["ingest", "fights"][..], "known are alerts"),
        (&["run", "reliability.nothing"], "known are operations"),
        (&["tables", "--catalog", "nowhere"], "nowhere"),
        (&["tables", "--data", "gopher://x"], "gopher"),
        (&["tables", "--scheduler", "http://127.0.0.1:9"], "127.0.0.1:9"),
        (&["generate", "--aircraft", "0"], "aircraft"),
        (&["publish"], "--publish"),
        (&["ingest", "--data", "nowhere"], "nowhere"),
    ] {
        let output = fleet(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(named), "{arguments:?}: {}", text(&output));
    }
}

#[test]
fn an_empty_landing_folder_is_nothing_to_do() {
    let output = fleet(&["ingest"]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("0 rows in"), "{}", text(&output));
}
