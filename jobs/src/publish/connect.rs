//! Reaching the database, and preparing it: the ledger, and TimescaleDB where the server has it.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, query, query_scalar};
use tokio::time::timeout;
use tracing::warn;

use super::{Error, Publisher, catalogue};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Publications beyond this many at once wait for one to end.
const CONNECTIONS_MAX: u32 = 8;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(60);
/// The first version with `unique … nulls not distinct`.
const SERVER_VERSION_MIN: i32 = 150_000;

const LEDGER: &str = "
create schema ledger;
create table ledger.publication (
    publication_id bigint generated always as identity primary key,
    schema_name text not null,
    table_name text not null,
    table_oid oid not null,
    run_id text not null,
    table_version bigint not null,
    fingerprint text not null,
    replaced_from date,
    replaced_to date,
    rows bigint not null,
    published_at timestamptz not null default clock_timestamp()
);
create index publication_table on ledger.publication (schema_name, table_name, publication_id);
comment on table ledger.publication is 'What was published: one row for every replacement of an interval of a table.';
comment on column ledger.publication.table_oid is 'The table''s number in this database: one dropped and made again has another.';
comment on column ledger.publication.run_id is 'The run that computed the rows.';
comment on column ledger.publication.table_version is 'The Delta version of the table that the rows were read from.';
comment on column ledger.publication.fingerprint is 'Of what the rows were computed from: the same fingerprint means the same rows.';
comment on column ledger.publication.replaced_from is 'First day of the replaced interval; null where the whole table was replaced.';
comment on column ledger.publication.replaced_to is 'Day after the last of the replaced interval; null where the whole table was replaced.';
comment on column ledger.publication.rows is 'Rows that the interval has since.';
comment on column ledger.publication.published_at is 'When the replacement was written, UTC.';
";

/// Opens one connection before the pool: a pool retries a refused connection until its time is up, and then
/// cannot say why.
pub async fn connect(url: &str) -> Result<Publisher, Error> {
    let options = options(url)?;
    let place = place(&options);
    let failed = |source| Error::Connect { place: place.clone(), source };
    let mut connection = timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options))
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
        .map_err(failed)?;
    check_version(&mut connection, &place).await?;
    let timescale = prepare(&mut connection, &options).await.map_err(Error::database(&place))?;
    // Everything is committed: a connection that does not end politely changes nothing.
    let _ = connection.close().await;
    Ok(Publisher { pool: pool(options), place: place.into(), timescale: timescale.map(Into::into) })
}

/// Held by whoever creates schemas or the extension, until its transaction ends: two who do it at once would fail
/// with a duplicate, `if not exists` notwithstanding.
pub async fn lock_setup(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    query("select pg_advisory_xact_lock(hashtextextended('fleet publish setup', 0))").execute(connection).await?;
    Ok(())
}

fn options(url: &str) -> Result<PgConnectOptions, Error> {
    // The URL holds a password: neither it nor any part of it is repeated.
    let invalid = |problem: &str| Error::Invalid { what: "database URL".to_owned(), problem: problem.to_owned() };
    let expected = "expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, special characters in the password \
                    percent-encoded";
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(invalid(expected));
    }
    let options: PgConnectOptions = url.parse().map_err(|_| invalid(expected))?;
    // An unencoded / ends the password early, and the rest of it passes for the database's name.
    if options.get_database().is_some_and(|database| database.contains(['@', '/', ':'])) {
        return Err(invalid(expected));
    }
    let options = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("fleet"),
    };
    Ok(options.disable_statement_logging())
}

fn place(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_owned(),
    };
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("{host}:{}/{database}", options.get_port())
}

fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(ACQUIRE_TIMEOUT).connect_lazy_with(options)
}

async fn check_version(connection: &mut PgConnection, place: &str) -> Result<(), Error> {
    let version: i32 = query_scalar("select current_setting('server_version_num')::int4")
        .fetch_one(connection)
        .await
        .map_err(Error::database(place))?;
    if version >= SERVER_VERSION_MIN {
        return Ok(());
    }
    let (found, needed) = (version / 10_000, SERVER_VERSION_MIN / 10_000);
    Err(Error::Invalid {
        what: place.to_owned(),
        problem: format!("the server is PostgreSQL {found}, expected {needed} or newer"),
    })
}

async fn prepare(connection: &mut PgConnection, options: &PgConnectOptions) -> Result<Option<String>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    lock_setup(&mut transaction).await?;
    create_ledger(&mut transaction).await?;
    let mut timescale = catalogue::timescale(&mut transaction).await?;
    if timescale.is_none() && is_timescale_available(&mut transaction).await? {
        create_timescale(options).await;
        timescale = catalogue::timescale(&mut transaction).await?;
    }
    transaction.commit().await?;
    Ok(timescale)
}

/// Looks first: `if not exists` asks for the privilege to create even where there is nothing to create.
async fn create_ledger(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let is_there = query_scalar("select to_regclass('ledger.publication') is not null");
    if is_there.fetch_one(&mut *connection).await? {
        return Ok(());
    }
    let schema_is_there = query_scalar("select to_regnamespace('ledger') is not null");
    let statements = match schema_is_there.fetch_one(&mut *connection).await? {
        true => LEDGER.trim_start().trim_start_matches("create schema ledger;"),
        false => LEDGER,
    };
    connection.execute(statements).await?;
    Ok(())
}

async fn is_timescale_available(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    query_scalar("select exists (select 1 from pg_catalog.pg_available_extensions where name = 'timescaledb')")
        .fetch_one(connection)
        .await
}

/// On a connection of its own: a server that does not preload the extension's library ends the connection.
async fn create_timescale(options: &PgConnectOptions) {
    let created = async {
        let mut connection = PgConnection::connect_with(options).await?;
        connection.execute("create extension if not exists timescaledb").await?;
        connection.close().await
    };
    if let Err(error) = created.await {
        warn!(%error, "timescaledb is on the server but could not be created here: tables will be plain ones");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_named_without_user_and_password() {
        let options = options("postgres://fleet:s%2Fcret@db.example:6432/figures").unwrap();
        assert_eq!(place(&options), "db.example:6432/figures");
    }

    #[test]
    fn a_bad_url_is_refused_without_repeating_any_of_it() {
        let urls = [
            "secret",
            "mysql://fleet:secret@db/figures",
            "postgres:secret@db",
            "postgres://fleet:5/secret@db/figures",
            "postgres://fleet:x/secret@db/figures",
            "postgres://fleet:secret@db:port/figures",
            "postgres://fleet:secret@db/figures?sslmode=secret",
        ];
        for url in urls {
            let error = options(url).unwrap_err();
            assert!(matches!(error, Error::Invalid { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn the_ledger_begins_with_its_schema() {
        assert!(LEDGER.trim_start().starts_with("create schema ledger;"));
    }
}
