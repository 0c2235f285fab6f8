//! Publishing: record batches into PostgreSQL, as TimescaleDB hypertables where the server has the extension.
//!
//! Owns the published schemas: it creates and migrates their tables, and keeps `ledger.publication`. It never computes
//! a figure, and never reads one back.
//!
//! **Invariant:** a publication is one transaction for one table and interval. Rows go by binary COPY into a staging
//! table, replace the interval, and are recorded with the fingerprint of what they were computed from. Readers see the
//! old rows or the new ones, never a mixture; an error at any point leaves the old ones.
//!
//! **Invariant:** publishing the same thing twice changes nothing twice. A range whose last publication has the same
//! fingerprint is left alone, unless an overlapping range was published since or the table was dropped.
//!
//! How a table follows its model:
//! - A column that is new is added, and null in the rows that are there. All columns can be null.
//! - `smallint` grows to `integer` and `bigint`, `real` to `double precision`. Any other change of type is an error.
//! - A column that left the model stays, and is null in the rows published since: a dashboard may still read it.
//! - Comments follow the model's header. A schema, table or column is never dropped.
//! - A unique index `<table>_key` refuses two rows of one key, null being a value like another.
//!
//! Which type a column gets is the table in `types.rs`. PostgreSQL 15 is the oldest server that will do.

mod catalogue;
mod connect;
mod encode;
mod error;
mod layout;
mod migrate;
mod sql;
mod transaction;
mod types;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::datatypes::Field;
use datafusion::arrow::record_batch::RecordBatch;
use futures::Stream;
use sqlx::postgres::PgPool;

pub use error::Error;

use layout::Layout;

/// What a published table is to look like.
#[derive(Clone, Debug)]
pub struct Table {
    pub schema: String,
    pub name: String,
    pub comment: String,
    pub columns: Vec<Column>,
    /// The columns that identify a row, nulls included; none where rows may repeat.
    pub key: Vec<String>,
    /// A date or timestamp column, which makes the table a hypertable where TimescaleDB is available.
    pub time_column: Option<String>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub comment: String,
    /// Only its type matters: a batch's column is found by `name`, and every published column can be null.
    pub field: Field,
}

/// Which rows of the table make way for the new ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replace {
    Whole,
    /// The days `from` to before `to` of a date column. All new rows must lie among them.
    Range {
        column: String,
        from: NaiveDate,
        to: NaiveDate,
    },
}

/// Where the rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    pub run_id: String,
    /// The version of the Delta table that the rows are read from.
    pub table_version: i64,
    /// Of what the rows were computed from: the same fingerprint means the same rows.
    pub fingerprint: String,
}

/// What a publication did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Rows that the interval has now.
    pub rows: u64,
    /// Rows that made way.
    pub replaced: u64,
    /// Nothing was changed, for the same rows were there already.
    pub already: bool,
}

/// A cheap handle on the database that is published into.
#[derive(Clone)]
pub struct Publisher {
    pool: PgPool,
    /// `host:port/database`, for messages.
    place: Arc<str>,
    /// The schema of TimescaleDB's functions, where it is installed.
    timescale: Option<Arc<str>>,
}

impl fmt::Debug for Publisher {
    /// Leaves out the pool, whose options hold the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, timescale, .. } = self;
        f.debug_struct("Publisher").field("place", place).field("timescale", timescale).finish_non_exhaustive()
    }
}

impl Publisher {
    /// Connects to `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, and creates the ledger, and the extension
    /// `timescaledb` where the server has it and lets us. Any number of processes may do so at once.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        connect::connect(url).await
    }

    /// Replaces the rows of `replace` with those of `batches`, whose columns are found by name. Where the same was
    /// published before, `batches` is not read. Publishers of one table wait for each other.
    pub async fn publish<S, E>(
        &self,
        table: &Table,
        replace: &Replace,
        publication: &Publication,
        batches: S,
    ) -> Result<Published, Error>
    where
        S: Stream<Item = Result<RecordBatch, E>> + Send + Unpin,
        E: StdError + Send + Sync + 'static,
    {
        let layout = Layout::of(table, replace)?;
        let unreachable = |source| Error::Connect { place: self.place.to_string(), source };
        let mut transaction = self.pool.begin().await.map_err(unreachable)?;
        let timescale = self.timescale.as_deref();
        let published = transaction::publish(&mut transaction, &layout, publication, timescale, batches).await;
        // Waiting for the rollback means that a caller who is told of an error finds no lock left behind. That a
        // rollback fails says no more than that the connection is gone, and the transaction with it.
        match published {
            Ok(published) => transaction.commit().await.map(|()| published).map_err(Error::database(table)),
            Err(error) => {
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }
}
