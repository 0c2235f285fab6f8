//! Finds the `fleet` binary that Cargo built beside the running test.

use std::path::{Path, PathBuf};

use crate::Error;

/// The `fleet` binary: `$TEST_FLEET_BINARY`, or else the one in the target directory that this test runs from.
///
/// Cargo builds a package's binaries only for that package's own tests, so another package's tests need
/// a `cargo build` first, which the error says.
pub fn fleet_binary() -> Result<PathBuf, Error> {
    let path = match std::env::var_os("TEST_FLEET_BINARY") {
        Some(path) => PathBuf::from(path),
        None => {
            let test = std::env::current_exe().map_err(Error::io("find the running test's path"))?;
            beside(&test)
        }
    };
    if path.is_file() { Ok(path) } else { Err(Error::NotBuilt { path }) }
}

/// Cargo puts tests at `PROFILE/deps/NAME-HASH` and binaries at `PROFILE/NAME`.
fn beside(test: &Path) -> PathBuf {
    let directory = test.parent().unwrap_or(Path::new("."));
    let profile = match directory.file_name() {
        Some(name) if name == "deps" || name == "examples" => directory.parent().unwrap_or(directory),
        _ => directory,
    };
    profile.join(format!("fleet{}", std::env::consts::EXE_SUFFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_is_in_the_profile_directory_of_the_test() {
        assert_eq!(beside(Path::new("/target/debug/deps/all-0a1b")), Path::new("/target/debug/fleet"));
        assert_eq!(beside(Path::new("/target/release/bench")), Path::new("/target/release/fleet"));
    }
}
