//! What can go wrong while publishing, in kinds that a caller can act on.

use std::error::Error as StdError;

use sqlx::postgres::PgDatabaseError;

/// No variant, and no source of one, holds the database password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server or the database could not be reached, or did not let us in. `place` is `host:port/database`.
    #[error("{place}: cannot connect: {source}")]
    Connect {
        place: String,
        #[source]
        source: sqlx::Error,
    },
    /// A URL, name or table description that can never be published as it is written.
    #[error("{what}: {problem}")]
    Invalid { what: String, problem: String },
    /// The published column has a type that the model's cannot be put into without loss.
    #[error(
        "{table}.{column}: published as {published}, but the model now makes it {model}; \
         give the model's column another name, or drop {table} and publish all its intervals again"
    )]
    Incompatible { table: String, column: String, published: String, model: String },
    /// A batch that does not have the table's columns, or holds a value that PostgreSQL cannot.
    #[error("{table}.{column}: {problem}")]
    Encode { table: String, column: String, problem: String },
    /// The rows break a rule of the table: one key twice, or a row outside the replaced range.
    #[error("{table}: {problem}")]
    Refused { table: String, problem: String },
    /// PostgreSQL failed while it carried out a statement; nothing was changed.
    #[error("{table}: {source}")]
    Database {
        table: String,
        #[source]
        source: sqlx::Error,
    },
    /// The rows could not be read; nothing was changed.
    #[error("{table}: reading the rows to publish: {source}")]
    Source {
        table: String,
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl Error {
    /// Whether the same call may succeed later with nothing else changed. Repeating it is always safe.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Connect { source, .. } | Self::Database { source, .. } => is_passing(source),
            _ => false,
        }
    }

    pub(super) fn database(table: impl std::fmt::Display) -> impl Fn(sqlx::Error) -> Self {
        let table = table.to_string();
        move |source| match duplicate(&source) {
            Some(problem) => Self::Refused { table: table.clone(), problem },
            None => Self::Database { table: table.clone(), source },
        }
    }
}

fn duplicate(error: &sqlx::Error) -> Option<String> {
    let error = error.as_database_error().filter(|error| error.is_unique_violation())?;
    let detail = error.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::detail);
    Some(format!("two rows have one key: {}", detail.unwrap_or_else(|| error.message())))
}

fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_passing_code(&code)),
        _ => false,
    }
}

/// SQLSTATE classes and codes, PostgreSQL's documentation, appendix A.
fn is_passing_code(code: &str) -> bool {
    let connection_or_resources = code.starts_with("08") || code.starts_with("53");
    let conflict = matches!(code, "40001" | "40P01" | "55P03");
    let shutdown_or_starting = matches!(code, "57P01" | "57P02" | "57P03");
    connection_or_resources || conflict || shutdown_or_starting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_pass_is_retriable() {
        let broken = || sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
        assert!(Error::Connect { place: "db:5432/fleet".into(), source: broken() }.is_retriable());
        assert!(Error::Database { table: "a.b".into(), source: broken() }.is_retriable());
        assert!(!Error::Database { table: "a.b".into(), source: sqlx::Error::RowNotFound }.is_retriable());
        assert!(!Error::Source { table: "a.b".into(), source: "no such file".into() }.is_retriable());
        for code in ["08006", "40001", "40P01", "53300", "57P01", "57P03"] {
            assert!(is_passing_code(code), "{code}");
        }
        for code in ["23505", "28P01", "3D000", "42501", "57014"] {
            assert!(!is_passing_code(code), "{code}");
        }
    }
}
