//! What can go wrong, in kinds that a caller can act on.

use super::database::Dialect;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// No variant, and no source of one, holds a password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database does not answer, is shutting down, or is busy with others: worth trying again.
    #[error("{place}: the ledger cannot be reached: {source}")]
    Unavailable {
        place: String,
        #[source]
        source: sqlx::Error,
    },
    /// What was asked for can never be done as it is written.
    #[error("{what}: {problem}")]
    Invalid { what: String, problem: String },
    #[error("{what}: not in the ledger")]
    NotFound { what: String },
    /// What was asked for does not fit what is there.
    #[error("{what}: {problem}")]
    Conflict { what: String, problem: String },
    /// The lease has another token, or none: stop leading.
    #[error("lease {name}: token {token} is no longer valid, another scheduler leads; nothing was written")]
    Fenced { name: String, token: u64 },
    #[error("the queue is full: {queued} runs wait and the limit is {limit}; submit again when some have started")]
    QueueFull { limit: u64, queued: u64 },
    /// The database refused a statement: a privilege that is missing, or a mistake in this module.
    #[error("{place}: {source}")]
    Database {
        place: String,
        #[source]
        source: sqlx::Error,
    },
}

impl Error {
    /// Whether the same call may succeed later with nothing else changed.
    pub fn is_retriable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::QueueFull { .. })
    }

    pub(super) fn invalid(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), problem: problem.into() }
    }

    pub(super) fn conflict(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Conflict { what: what.into(), problem: problem.into() }
    }

    pub(super) fn database(dialect: Dialect, place: &str, source: sqlx::Error) -> Self {
        let place = place.to_owned();
        match is_passing(dialect, &source) {
            true => Self::Unavailable { place, source },
            false => Self::Database { place, source },
        }
    }
}

pub(super) fn is_passing(dialect: Dialect, error: &sqlx::Error) -> bool {
    use sqlx::Error as Sqlx;
    match error {
        Sqlx::Io(_) | Sqlx::PoolTimedOut | Sqlx::PoolClosed | Sqlx::WorkerCrashed => true,
        Sqlx::Database(error) => error.code().is_some_and(|code| match dialect {
            Dialect::Postgres => is_passing_state(&code),
            Dialect::Sqlite => code.parse().is_ok_and(is_passing_result),
        }),
        _ => false,
    }
}

/// SQLSTATE classes and codes, PostgreSQL's documentation, appendix A.
fn is_passing_state(code: &str) -> bool {
    let connection_or_resources = code.starts_with("08") || code.starts_with("53");
    let conflict_or_timeout = matches!(code, "40001" | "40P01" | "55P03" | "57014" | "25P03");
    let shutdown_or_starting = matches!(code, "57P01" | "57P02" | "57P03");
    connection_or_resources || conflict_or_timeout || shutdown_or_starting
}

/// The low byte of SQLite's extended result codes: busy, locked, out of memory, input or output, full.
fn is_passing_result(code: i64) -> bool {
    matches!(code & 0xff, 5 | 6 | 7 | 10 | 13)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_pass_is_unavailable() {
        for code in ["08006", "40P01", "53300", "55P03", "57P01", "57P03"] {
            assert!(is_passing_state(code), "{code}");
        }
        for code in ["23505", "28P01", "3D000", "42501", "42P01"] {
            assert!(!is_passing_state(code), "{code}");
        }
        for code in [5, 6, 13, 261, 517, 773, 1546] {
            assert!(is_passing_result(code), "{code}");
        }
        for code in [1, 8, 14, 19, 26, 2067] {
            assert!(!is_passing_result(code), "{code}");
        }
    }
}
