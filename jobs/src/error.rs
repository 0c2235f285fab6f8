//! The one error type of the crate: few kinds, each of which a caller can act on.

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
    Conflict { table: String, attempts: usize },
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

    pub fn delta(table: impl std::fmt::Display) -> impl FnOnce(deltalake_core::DeltaTableError) -> Self {
        let table = table.to_string();
        move |source| Self::Delta { table, source }
    }
}
