//! A client program that is run to its end.

use std::path::Path;
use std::process::Command;

use crate::kit::{PATIENCE, Place, Ran};

/// Runs a program with its temporary files in `place`, and ends it where it takes too long or the test is killed.
pub fn run(place: &Place, program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let temporary = place.folder().join("tmp");
    let mut command = Command::new("timeout");
    command.arg("--kill-after=10").arg((2 * PATIENCE).as_secs().to_string()).arg(program).args(arguments);
    command.current_dir(super::folder()).env("TMPDIR", &temporary).env("XDG_CACHE_HOME", &temporary);
    let output = command.envs(variables.iter().copied()).output().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
