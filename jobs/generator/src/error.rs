//! What can go wrong while generating, one variant for each thing a caller can act on. Never formats for a terminal.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An option outside its range: nothing was written.
    #[error("option {option} is {value}, expected {expected}")]
    Option { option: &'static str, value: String, expected: String },
    /// A fleet was already generated there: nothing was written.
    #[error("{} is not empty: expected an output folder without a landing/ of its own", .path.display())]
    OutputNotEmpty { path: PathBuf },
    /// The file system refused.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
}

impl Error {
    /// Adapts an I/O error for `map_err`, naming what was tried on which path.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
