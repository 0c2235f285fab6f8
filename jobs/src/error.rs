//! The one error type of the crate: few kinds, each of which a caller can act on.

use std::error::Error as StdError;

use datafusion::error::DataFusionError;

use crate::publish;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something the user wrote is wrong: a catalogue file, an interval, a URL, a query.
    #[error("{what}: {problem}")]
    Invalid { what: String, problem: String },
    /// A model's data broke one of its checks; the table keeps its previous version.
    #[error("{table}: {report}")]
    CheckFailed { table: String, report: String },
    /// The distributed result and the single-process one differ.
    #[error("{table}: {report}")]
    VerifyFailed { table: String, report: String },
    /// Another writer committed first, more often than a run repeats itself.
    #[error("{table}: another run kept committing first ({attempts} attempts); wait for it to end and run again")]
    Conflict { table: String, attempts: u32 },
    /// A plan could not be made or run.
    #[error("{what}: {source}")]
    Engine {
        what: String,
        #[source]
        source: DataFusionError,
    },
    /// The cluster could not be reached, or lost what it had done: worth trying again.
    #[error("cluster at {url}: {problem}")]
    Cluster { url: String, problem: String },
    /// The object store refused or could not be reached.
    #[error("{url}: {source}")]
    Storage {
        url: String,
        #[source]
        source: object_store::Error,
    },
    /// A Delta log could not be read or written.
    #[error("{table}: delta log: {source}")]
    Delta {
        table: String,
        #[source]
        source: deltalake_core::DeltaTableError,
    },
    /// PostgreSQL refused or could not be reached.
    #[error(transparent)]
    Publish(#[from] publish::Error),
    /// This process no longer leads, and what it computed is not committed.
    #[error("{what}: not committed, as another scheduler leads now; it goes on with the run")]
    Superseded { what: String },
    /// It took longer than allowed.
    #[error("{what}: not done within {limit_seconds} s, its `time_limit`")]
    TimedOut { what: String, limit_seconds: u64 },
    /// A fault of this software.
    #[error("{what}: panicked: {message}; this is a fault of the software, whose log says where")]
    Panicked { what: String, message: String },
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The catalogue, a query or a setting is wrong.
    Invalid,
    /// The rows broke a check of the model.
    Check,
    /// Two computations of one thing differ.
    Verify,
    /// The query fails on its data.
    Query,
    /// Another writer committed first.
    Conflict,
    /// An executor was lost, or the scheduler could not be reached.
    Cluster,
    /// The object store.
    Storage,
    /// The database that is published to.
    Database,
    /// A task's memory did not suffice.
    Memory,
    /// It took too long.
    Timeout,
    /// The leader changed.
    Leader,
    /// A fault of this software.
    Internal,
}

impl Error {
    pub fn invalid(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), problem: problem.into() }
    }

    pub fn engine(what: impl Into<String>) -> impl FnOnce(DataFusionError) -> Self {
        let what = what.into();
        move |source| Self::Engine { what, source }
    }

    pub fn storage(url: impl std::fmt::Display) -> impl FnOnce(object_store::Error) -> Self {
        let url = url.to_string();
        move |source| Self::Storage { url, source }
    }

    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Invalid { .. } => FailureKind::Invalid,
            Self::CheckFailed { .. } => FailureKind::Check,
            Self::VerifyFailed { .. } => FailureKind::Verify,
            Self::Conflict { .. } => FailureKind::Conflict,
            Self::Engine { source, .. } => engine_failure(source),
            Self::Cluster { .. } => FailureKind::Cluster,
            Self::Storage { .. } | Self::Delta { .. } => FailureKind::Storage,
            Self::Publish(error) => unread(error).map_or(FailureKind::Database, Self::kind),
            Self::Superseded { .. } => FailureKind::Leader,
            Self::TimedOut { .. } => FailureKind::Timeout,
            Self::Panicked { .. } => FailureKind::Internal,
        }
    }

    /// Whether the same thing may succeed later, with nothing changed by anyone.
    pub fn may_pass(&self) -> bool {
        if let Self::Publish(error) = self
            && let Some(error) = unread(error)
        {
            return error.may_pass();
        }
        match self.kind() {
            FailureKind::Conflict | FailureKind::Cluster | FailureKind::Memory => true,
            FailureKind::Storage => stored(self).is_none_or(storage_may_pass),
            FailureKind::Database => matches!(self, Self::Publish(error) if error.is_retriable()),
            _ => false,
        }
    }

    pub fn delta(table: impl std::fmt::Display) -> impl FnOnce(deltalake_core::DeltaTableError) -> Self {
        let table = table.to_string();
        move |source| Self::Delta { table, source }
    }
}

/// Why the rows to publish could not be read, where it is that.
fn unread(error: &publish::Error) -> Option<&Error> {
    match error {
        publish::Error::Source { source, .. } => source.downcast_ref(),
        _ => None,
    }
}

/// The object store's own error among the causes. Executors' errors come as text, without it.
fn stored(error: &Error) -> Option<&object_store::Error> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

fn storage_may_pass(error: &object_store::Error) -> bool {
    use object_store::Error as Store;
    !matches!(
        error,
        Store::NotFound { .. }
            | Store::InvalidPath { .. }
            | Store::NotSupported { .. }
            | Store::NotImplemented { .. }
            | Store::PermissionDenied { .. }
            | Store::Unauthenticated { .. }
            | Store::UnknownConfigurationKey { .. }
    )
}

/// What an executor says arrives as text, in the words of DataFusion or as its errors are written for debugging; what fails
/// here may be wrapped any number of times.
fn engine_failure(error: &DataFusionError) -> FailureKind {
    let text = format!("{error} {error:?}");
    let tells = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if tells(&["Resources exhausted", "ResourcesExhausted"]) {
        FailureKind::Memory
    } else if tells(&["Object Store error", "ObjectStore(", "Generic { store: "]) {
        FailureKind::Storage
    } else {
        FailureKind::Query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_executor(text: &str) -> Error {
        Error::engine("a.b")(DataFusionError::Execution(text.to_owned()))
    }

    #[test]
    fn kinds_of_failure_survive_the_way_from_an_executor() {
        for (text, kind, passes) in [
            ("Job failed: Resources exhausted: no memory for the sort", FailureKind::Memory, true),
            ("Job failed: Object Store error: Generic S3 error: connection refused", FailureKind::Storage, true),
            (
                "DataFusionError(Shared(ParquetError(External(Generic { store: \"S3\", source: RetryError(…",
                FailureKind::Storage,
                true,
            ),
            ("Arrow error: Divide by zero error", FailureKind::Query, false),
        ] {
            let error = from_executor(text);
            assert_eq!((error.kind(), error.may_pass()), (kind, passes), "{text}");
        }
    }

    #[test]
    fn a_store_that_refuses_is_not_asked_again() {
        let refused = object_store::Error::PermissionDenied { path: "x".into(), source: "no".into() };
        assert!(!Error::storage("s3://x")(refused).may_pass());
        let away = object_store::Error::Generic { store: "S3", source: "connection refused".into() };
        assert!(Error::storage("s3://x")(away).may_pass());
        let delta = deltalake_core::DeltaTableError::ObjectStore {
            source: object_store::Error::Generic { store: "S3", source: "connection refused".into() },
        };
        assert!(Error::delta("a.b")(delta).may_pass());
        assert!(!Error::invalid("x", "y").may_pass());
    }

    #[test]
    fn what_kept_rows_from_being_read_is_what_kept_them_from_being_published() {
        let lost = Error::Cluster { url: "http://x".into(), problem: "an executor was lost".into() };
        let unread = Error::Publish(publish::Error::Source { table: "a.b".into(), source: lost.into() });
        assert_eq!((unread.kind(), unread.may_pass()), (FailureKind::Cluster, true));
        let gone = publish::Error::Source { table: "a.b".into(), source: "no such file".into() };
        assert_eq!((Error::Publish(gone).kind()), FailureKind::Database);
    }
}
