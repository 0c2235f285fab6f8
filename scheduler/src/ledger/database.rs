//! Connections, and transactions that check a fence. The one place that knows how the two databases differ, beside
//! their URLs and the making of the schema.
//!
//! One SQL text serves both: `sqlx`'s `Any` driver carries numbers and texts from both, and nothing else is stored.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus::{HistogramTimer, HistogramVec};
use sqlx::any::{Any, AnyArguments, AnyPoolOptions, AnyRow};
use sqlx::{AnyPool, AssertSqlSafe, Executor, Transaction, query};

use super::place::Place;
use super::{Error, Fence, Result, lease, row, schema};

/// Each for reading and for writing: writers who wait for each other must not keep a reader from its connection.
const POSTGRES_CONNECTIONS_MAX: u32 = 8;
/// SQLite has one writer at a time: waiting for its only connection is fairer than asking the file again and again.
const SQLITE_READERS_MAX: u32 = 4;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

const SQLITE_WRITER: &str = "pragma busy_timeout = 10000; pragma foreign_keys = on; pragma synchronous = full;";
const SQLITE_READER: &str = "pragma busy_timeout = 10000; pragma query_only = on;";

const READ: &str = "read";
const WRITE: &str = "write";

pub(super) type Statement<'a> = sqlx::query::Query<'a, Any, AnyArguments>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// A transaction of SQLite that begins by reading could find another's write in its way later, and fail.
    pub fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "begin immediate",
            Self::Postgres => "begin",
        }
    }

    /// A transaction that sees all as of its first query.
    fn begin_snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "begin",
            Self::Postgres => "begin isolation level repeatable read, read only",
        }
    }

    /// The rows of a query, kept from changing until the transaction ends. SQLite's transactions exclude each other.
    pub fn for_update(self, select: &str) -> AssertSqlSafe<String> {
        match self {
            Self::Sqlite => AssertSqlSafe(select.to_owned()),
            Self::Postgres => AssertSqlSafe(format!("{select} for update")),
        }
    }
}

#[derive(Clone)]
pub(super) struct Database {
    dialect: Dialect,
    place: Arc<str>,
    writer: AnyPool,
    reader: AnyPool,
    /// What queries and transactions take, by whether they may write.
    pub seconds: Option<HistogramVec>,
}

impl Database {
    pub async fn connect(place: Place) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let options = place.options.clone();
        let (writer, reader) = match place.dialect {
            Dialect::Postgres => (
                pool(POSTGRES_CONNECTIONS_MAX).connect_lazy_with(options.clone()),
                pool(POSTGRES_CONNECTIONS_MAX).connect_lazy_with(options),
            ),
            Dialect::Sqlite if place.is_memory => {
                let pool = sqlite(1, SQLITE_WRITER).connect_lazy_with(options);
                (pool.clone(), pool)
            }
            Dialect::Sqlite => (
                sqlite(1, SQLITE_WRITER).connect_lazy_with(options.clone()),
                sqlite(SQLITE_READERS_MAX, SQLITE_READER).connect_lazy_with(options),
            ),
        };
        let database =
            Self { dialect: place.dialect, place: place.name.as_str().into(), writer, reader, seconds: None };
        if place.is_memory {
            let mut connection = database.writer.acquire().await.map_err(|error| database.failed(error))?;
            schema::migrate(&mut connection, &place).await?;
        }
        Ok(database)
    }

    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    pub fn place(&self) -> &str {
        &self.place
    }

    pub fn is_shared(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    pub async fn row(&self, statement: Statement<'_>) -> Result<Option<AnyRow>> {
        let _timer = self.timer(READ);
        statement.fetch_optional(&self.reader).await.map_err(|error| self.failed(error))
    }

    pub async fn rows(&self, statement: Statement<'_>) -> Result<Vec<AnyRow>> {
        let _timer = self.timer(READ);
        statement.fetch_all(&self.reader).await.map_err(|error| self.failed(error))
    }

    pub async fn begin(&self) -> Result<Session<'_>> {
        let timer = self.timer(WRITE);
        let transaction = self.writer.begin_with(self.dialect.begin()).await.map_err(|error| self.failed(error))?;
        Ok(Session { database: self, transaction, _timer: timer })
    }

    /// For several queries that must fit together.
    pub async fn snapshot(&self) -> Result<Session<'_>> {
        let timer = self.timer(READ);
        let begin = self.reader.begin_with(self.dialect.begin_snapshot());
        Ok(Session { database: self, transaction: begin.await.map_err(|error| self.failed(error))?, _timer: timer })
    }

    /// A transaction that goes on only if the lease still has the fence's token, and keeps it from changing hands
    /// until the transaction ends.
    pub async fn begin_fenced(&self, fence: &Fence) -> Result<Session<'_>> {
        let mut session = self.begin().await?;
        session.check(fence).await?;
        Ok(session)
    }

    /// Measures until it is dropped.
    fn timer(&self, operation: &str) -> Option<HistogramTimer> {
        self.seconds.as_ref().map(|seconds| seconds.with_label_values(&[operation]).start_timer())
    }

    fn failed(&self, error: sqlx::Error) -> Error {
        Error::database(self.dialect, &self.place, error)
    }
}

impl fmt::Debug for Database {
    /// Pools print their options, which hold the password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Database").field(&self.place).finish()
    }
}

/// A transaction, rolled back unless it is committed.
pub(super) struct Session<'a> {
    database: &'a Database,
    transaction: Transaction<'static, Any>,
    _timer: Option<HistogramTimer>,
}

impl Session<'_> {
    pub fn dialect(&self) -> Dialect {
        self.database.dialect
    }

    /// The number of rows that were changed.
    pub async fn execute(&mut self, statement: Statement<'_>) -> Result<u64> {
        let done = statement.execute(&mut *self.transaction).await.map_err(|error| self.database.failed(error))?;
        Ok(done.rows_affected())
    }

    pub async fn row(&mut self, statement: Statement<'_>) -> Result<Option<AnyRow>> {
        statement.fetch_optional(&mut *self.transaction).await.map_err(|error| self.database.failed(error))
    }

    pub async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<AnyRow>> {
        statement.fetch_all(&mut *self.transaction).await.map_err(|error| self.database.failed(error))
    }

    pub async fn commit(self) -> Result<()> {
        self.transaction.commit().await.map_err(|error| self.database.failed(error))
    }

    /// Until the transaction ends, nobody else holds the lock of this name. Such locks are given in the order in
    /// which they are asked for, which row locks, when shared, are not.
    pub async fn lock(&mut self, name: &str) -> Result<()> {
        self.advise("select pg_advisory_xact_lock(hashtextextended($1, 0))", name).await
    }

    async fn lock_shared(&mut self, name: &str) -> Result<()> {
        self.advise("select pg_advisory_xact_lock_shared(hashtextextended($1, 0))", name).await
    }

    async fn advise(&mut self, statement: &'static str, name: &str) -> Result<()> {
        if self.dialect() == Dialect::Postgres {
            self.execute(query(statement).bind(format!("fleet ledger {name}"))).await?;
        }
        Ok(())
    }

    async fn check(&mut self, fence: &Fence) -> Result<()> {
        self.lock_shared(&lease::lock_name(&fence.name)).await?;
        let held = query("select token from lease where name = $1 and holder is not null").bind(fence.name.as_str());
        let token = match self.row(held).await? {
            Some(held) => Some(row::count(&held, "token")?),
            None => None,
        };
        if token == Some(fence.token) {
            return Ok(());
        }
        Err(Error::Fenced { name: fence.name.clone(), token: fence.token })
    }
}

/// Rows of values to insert: `($1, $2, constants), ($3, $4, constants)`.
pub(super) fn placeholders(rows: usize, columns: usize, constants: &str) -> String {
    let row = |row: usize| {
        let values = (1..=columns).map(|column| format!("${}", row * columns + column));
        let values = values.chain((!constants.is_empty()).then(|| constants.to_owned()));
        format!("({})", values.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

fn pool(connections_max: u32) -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(connections_max).acquire_timeout(ACQUIRE_TIMEOUT)
}

/// Connections to a file are kept for good: a new one would gain nothing, and one to memory would lose everything.
fn sqlite(connections_max: u32, settings: &'static str) -> AnyPoolOptions {
    pool(connections_max)
        .max_lifetime(None)
        .idle_timeout(None)
        .after_connect(move |connection, _| Box::pin(async move { connection.execute(settings).await.map(|_| ()) }))
}
