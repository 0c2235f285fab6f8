//! Creating and updating the tables.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Connection, Row, SqlSafeStr, query};
use tokio::time::{sleep, timeout};

use super::database::Dialect;
use super::place::Place;
use super::{Error, Result, error};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const WAL_ATTEMPTS: usize = 100;
const WAL_INTERVAL: Duration = Duration::from_millis(50);

/// Version, name and text. A text that has been released is never changed: a further version is added.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "ledger", include_str!("migrations/0001_ledger.sql")),
    (2, "setting", include_str!("migrations/0002_setting.sql")),
];

/// Uses a connection of its own: a pool retries a refused connection until its time is up, and then cannot say why.
pub(super) async fn prepare(place: &Place) -> Result<()> {
    // In memory, the tables are gone with this connection: the pool's own makes them (`Database::connect`).
    if place.is_memory {
        return Ok(());
    }
    sqlx::any::install_default_drivers();
    let mut connection = timeout(CONNECT_TIMEOUT, AnyConnection::connect_with(&place.options))
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
        .map_err(|error| refused(place, error))?;
    let migrated = migrate(&mut connection, place).await;
    // Everything is committed or rolled back: a connection that does not end politely changes nothing.
    let _ = connection.close().await;
    migrated
}

/// One transaction around all of it, which waits for whoever else is at it: of two schedulers that start together,
/// the second finds the tables made.
pub(super) async fn migrate(connection: &mut AnyConnection, place: &Place) -> Result<()> {
    let failed = |error| refused(place, error);
    if place.dialect == Dialect::Sqlite && !place.is_memory {
        let_readers_beside_a_writer(connection).await.map_err(failed)?;
    }
    let mut transaction = connection.begin_with(place.dialect.begin()).await.map_err(failed)?;
    if place.dialect == Dialect::Postgres {
        create_schema(&mut transaction).await.map_err(failed)?;
    }
    migrator().run_direct(None, &mut *transaction, false).await.map_err(|error| unfit(place, error))?;
    transaction.commit().await.map_err(failed)
}

/// The file remembers it, and it cannot be said inside a transaction. It needs the file alone for a moment, for which
/// SQLite does not wait, whatever its time-out.
async fn let_readers_beside_a_writer(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    query("pragma busy_timeout = 10000").execute(&mut *connection).await?;
    for _ in 1..WAL_ATTEMPTS {
        match query("pragma journal_mode = wal").execute(&mut *connection).await {
            Err(error) if error::is_passing(Dialect::Sqlite, &error) => sleep(WAL_INTERVAL).await,
            outcome => return outcome.map(|_| ()),
        }
    }
    query("pragma journal_mode = wal").execute(&mut *connection).await.map(|_| ())
}

/// Looks first: `if not exists` asks for the privilege to create even where there is nothing to create.
async fn create_schema(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    query("select pg_advisory_xact_lock(hashtextextended('fleet ledger setup', 0))").execute(&mut *connection).await?;
    let is_there = query("select to_regnamespace('fleet_ledger') is not null").fetch_one(&mut *connection).await?;
    if !is_there.try_get::<bool, _>(0)? {
        query("create schema fleet_ledger").execute(&mut *connection).await?;
    }
    Ok(())
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, name, text)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, text.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // The transaction around it holds a lock already.
    migrator.set_locking(false);
    migrator
}

fn refused(place: &Place, error: sqlx::Error) -> Error {
    match Error::database(place.dialect, &place.name, error) {
        Error::Database { place, source } => Error::invalid(place, format!("cannot be used as a ledger: {source}")),
        other => other,
    }
}

fn unfit(place: &Place, error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => refused(place, error),
        MigrateError::VersionMissing(found) => {
            let known = MIGRATIONS.len();
            let problem = format!(
                "the ledger has schema version {found}, and this program knows versions up to {known}; \
                 use the newer program that wrote it, or name another ledger"
            );
            Error::invalid(place.name.clone(), problem)
        }
        MigrateError::VersionMismatch(version) => {
            let problem = format!(
                "schema version {version} of the ledger is not the one that this program knows; \
                 use the program that wrote it, or name another ledger"
            );
            Error::invalid(place.name.clone(), problem)
        }
        error => Error::invalid(place.name.clone(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbered_from_one_without_a_gap() {
        let versions: Vec<i64> = MIGRATIONS.iter().map(|(version, ..)| *version).collect();
        assert_eq!(versions, (1..=MIGRATIONS.len() as i64).collect::<Vec<_>>());
    }
}
