//! What can go wrong before or while a test's servers run.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("{server} is not installed at {}: run `make install-test-servers SERVERS={server}`", path.display())]
    NotInstalled { server: &'static str, path: PathBuf },

    #[error("the fleet binary is not at {}: run `cargo build`", path.display())]
    NotBuilt { path: PathBuf },

    #[error("{server} runs in a root of its own, which needs the tests to be run as root")]
    NeedsRoot { server: &'static str },

    #[error("cannot {action}: {source}")]
    Io { action: String, source: io::Error },

    #[error("{program} ended before {expected}; it printed:\n{output}")]
    Ended { program: String, expected: String, output: String },

    #[error("{program}: no sign of {expected} within {timeout:?}; it printed:\n{output}")]
    TimedOut { program: String, expected: String, timeout: Duration, output: String },

    #[error("{program} failed ({status}): {output}")]
    Failed { program: String, status: ExitStatus, output: String },
}

impl Error {
    /// For `map_err`: names what was being done when the operating system refused.
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}
