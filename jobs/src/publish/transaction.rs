//! The steps of one publication, inside one transaction. Whoever calls commits it.
//!
//! Rows are copied into a staging table first, and only then is the published table touched: a change of its columns
//! locks readers out, so it must not last as long as the rows take to arrive.

use std::error::Error as StdError;

use bytes::BytesMut;
use datafusion::arrow::record_batch::RecordBatch;
use futures::{Stream, StreamExt};
use sqlx::postgres::{PgConnection, PgCopyIn};
use sqlx::{AssertSqlSafe, Connection, Executor, query, query_scalar};
use tracing::warn;

use super::encode::{Encoder, parts};
use super::layout::Layout;
use super::sql::identifier;
use super::{Error, Publication, Published, catalogue, connect, migrate};

pub async fn publish<S, E>(
    connection: &mut PgConnection,
    layout: &Layout<'_>,
    publication: &Publication,
    timescale: Option<&str>,
    batches: S,
) -> Result<Published, Error>
where
    S: Stream<Item = Result<RecordBatch, E>> + Send + Unpin,
    E: StdError + Send + Sync + 'static,
{
    let failed = Error::database(layout.table);
    lock(connection, layout).await.map_err(&failed)?;
    let existing = catalogue::existing(connection, layout).await.map_err(&failed)?;
    if let Some(existing) = &existing {
        let rows = catalogue::already_published(connection, layout, existing.oid, publication).await;
        if let Some(rows) = rows.map_err(&failed)? {
            return Ok(Published { rows: rows.unsigned_abs(), replaced: 0, already: true });
        }
    }
    let changes = migrate::plan(layout, existing.as_ref())?;

    stage(connection, layout, batches).await?;
    check_range(connection, layout).await?;

    create_schema(connection, layout).await.map_err(&failed)?;
    for change in changes.iter().filter(|change| !change.is_after_rows()) {
        execute(connection, change.sql(layout)).await.map_err(&failed)?;
    }
    if let Some(timescale) = timescale {
        make_hypertable(connection, layout, timescale).await.map_err(&failed)?;
    }
    let replaced = execute(connection, layout.delete_replaced()).await.map_err(&failed)?;
    let rows = execute(connection, layout.insert_staged()).await.map_err(&failed)?;
    for change in changes.iter().filter(|change| change.is_after_rows()) {
        execute(connection, change.sql(layout)).await.map_err(&failed)?;
    }
    record(connection, layout, publication, rows).await.map_err(&failed)?;
    Ok(Published { rows, replaced, already: false })
}

async fn execute(connection: &mut PgConnection, sql: String) -> Result<u64, sqlx::Error> {
    Ok(connection.execute(AssertSqlSafe(sql)).await?.rows_affected())
}

/// One publisher of a table at a time: the others wait here until it has committed, and then see what it did.
async fn lock(connection: &mut PgConnection, layout: &Layout<'_>) -> Result<(), sqlx::Error> {
    query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("fleet publish {}", layout.table))
        .execute(connection)
        .await?;
    Ok(())
}

async fn stage<S, E>(connection: &mut PgConnection, layout: &Layout<'_>, mut batches: S) -> Result<(), Error>
where
    S: Stream<Item = Result<RecordBatch, E>> + Send + Unpin,
    E: StdError + Send + Sync + 'static,
{
    let failed = Error::database(layout.table);
    execute(connection, layout.create_staging()).await.map_err(&failed)?;
    let mut copy = connection.copy_in_raw(&layout.copy_into_staging()).await.map_err(&failed)?;
    if let Err(error) = send(&mut copy, layout, &mut batches).await {
        // The first error is the one to tell; one of the abort only means that the connection is gone as well.
        let _ = copy.abort("the rows could not be read or encoded").await;
        return Err(error);
    }
    copy.finish().await.map_err(&failed)?;
    Ok(())
}

async fn send<S, E>(copy: &mut PgCopyIn<&mut PgConnection>, layout: &Layout<'_>, batches: &mut S) -> Result<(), Error>
where
    S: Stream<Item = Result<RecordBatch, E>> + Send + Unpin,
    E: StdError + Send + Sync + 'static,
{
    let failed = Error::database(layout.table);
    let mut encoder = Encoder::try_new(layout)?;
    let mut bytes = BytesMut::new();
    encoder.header(&mut bytes)?;
    while let Some(batch) = batches.next().await {
        let batch =
            batch.map_err(|error| Error::Source { table: layout.table.to_string(), source: Box::new(error) })?;
        for part in parts(&batch) {
            encoder.batch(&part, &mut bytes)?;
            copy.send(&bytes[..]).await.map_err(&failed)?;
            bytes.clear();
            // Neither rows from memory nor a socket that takes them need ever wait: others get their turn here.
            tokio::task::consume_budget().await;
        }
    }
    encoder.footer(&mut bytes)?;
    copy.send(&bytes[..]).await.map_err(&failed)?;
    Ok(())
}

/// A row outside the range would stay when the range is replaced again, beside its successor.
async fn check_range(connection: &mut PgConnection, layout: &Layout<'_>) -> Result<(), Error> {
    let Some(count) = layout.count_outside_range() else { return Ok(()) };
    let failed = Error::database(layout.table);
    let outside: i64 =
        query_scalar(AssertSqlSafe(count)).persistent(false).fetch_one(connection).await.map_err(failed)?;
    if outside == 0 {
        return Ok(());
    }
    let (from, to) = layout.range();
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    let problem = format!("{outside} rows lie outside the interval that they replace, {from} to {to}");
    Err(Error::Refused { table: layout.table.to_string(), problem })
}

/// Looks first: `if not exists` asks for the privilege to create even where there is nothing to create.
async fn create_schema(connection: &mut PgConnection, layout: &Layout<'_>) -> Result<(), sqlx::Error> {
    let schema = &layout.table.schema;
    let exists = "select exists (select 1 from pg_catalog.pg_namespace where nspname = $1)";
    if query_scalar(exists).bind(schema).fetch_one(&mut *connection).await? {
        return Ok(());
    }
    connect::lock_setup(connection).await?;
    execute(connection, format!("create schema if not exists {}", identifier(schema))).await?;
    Ok(())
}

/// A table that TimescaleDB does not take is published all the same, as a plain one.
async fn make_hypertable(
    connection: &mut PgConnection,
    layout: &Layout<'_>,
    timescale: &str,
) -> Result<(), sqlx::Error> {
    let table = layout.table;
    let Some(statement) = layout.create_hypertable(timescale) else { return Ok(()) };
    if !layout.key_allows_hypertable() {
        warn!(%table, time_column = ?table.time_column, key = ?table.key, "not a hypertable: its key lacks the time column");
        return Ok(());
    }
    if catalogue::is_hypertable(connection, layout).await? {
        return Ok(());
    }
    let mut savepoint = connection.begin().await?;
    match execute(&mut savepoint, statement).await {
        Ok(_) => savepoint.commit().await,
        Err(error @ sqlx::Error::Database(_)) => {
            savepoint.rollback().await?;
            warn!(%table, %error, "not a hypertable: TimescaleDB refused, the table stays a plain one");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn record(
    connection: &mut PgConnection,
    layout: &Layout<'_>,
    publication: &Publication,
    rows: u64,
) -> Result<(), sqlx::Error> {
    let (from, to) = layout.range();
    query(
        "insert into ledger.publication
             (schema_name, table_name, table_oid, run_id, table_version, fingerprint, replaced_from, replaced_to, rows)
         values ($1, $2, format('%I.%I', $1::text, $2::text)::regclass, $3, $4, $5, $6::text::date, $7::text::date, $8)",
    )
    .bind(&layout.table.schema)
    .bind(&layout.table.name)
    .bind(&publication.run_id)
    .bind(publication.table_version)
    .bind(&publication.fingerprint)
    .bind(from)
    .bind(to)
    .bind(i64::try_from(rows).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    Ok(())
}
