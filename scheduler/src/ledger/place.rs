//! From a URL to where the ledger is and how it is connected to.

use std::path::Path;
use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::any::AnyConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use url::Url;

use super::database::Dialect;
use super::{Error, Result};

/// Sent when a connection begins. A scheduler that hangs inside a transaction must not keep its successor from
/// taking the lease: the server ends such a session.
const SESSION: [(&str, &str); 4] = [
    ("search_path", "fleet_ledger"),
    ("lock_timeout", "10s"),
    ("statement_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "5s"),
];

const MEMORY: &str = "sqlite::memory:";

const EXPECTED: &str = "expected sqlite:///PATH, or postgres://USER:PASSWORD@HOST:PORT/DATABASE, special characters \
                        percent-encoded";

pub(super) struct Place {
    pub dialect: Dialect,
    pub options: AnyConnectOptions,
    /// The file, or `host:port/database`: never a user or a password.
    pub name: String,
    /// In memory, each connection would be a database of its own.
    pub is_memory: bool,
}

pub(super) fn parse(url: &str) -> Result<Place> {
    if url == MEMORY {
        return Ok(place(Dialect::Sqlite, url.parse().map_err(|_| invalid())?, "memory".to_owned(), true));
    }
    match url.split_once("://") {
        Some(("sqlite", path)) if !path.is_empty() => sqlite(url),
        Some(("postgres" | "postgresql", _)) => postgres(url),
        _ => Err(invalid()),
    }
}

fn sqlite(url: &str) -> Result<Place> {
    if url.contains(['?', '#']) {
        return Err(Error::invalid("ledger URL", "expected sqlite:///PATH without parameters"));
    }
    let file = SqliteConnectOptions::from_str(url).map_err(|_| invalid())?.get_filename().to_path_buf();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let problem = format!("there is no folder {}; make it, or name another file", folder.display());
        return Err(Error::invalid(file.display().to_string(), problem));
    }
    let options = format!("{url}?mode=rwc").parse().map_err(|_| invalid())?;
    Ok(place(Dialect::Sqlite, options, file.display().to_string(), false))
}

fn postgres(url: &str) -> Result<Place> {
    let options = PgConnectOptions::from_str(url).map_err(|_| invalid())?;
    // An unencoded / ends the password early, and the rest of it passes for the database's name.
    if options.get_database().is_some_and(|database| database.contains(['@', '/', ':'])) {
        return Err(invalid());
    }
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_owned(),
    };
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    let name = format!("{host}:{}/{database}", options.get_port());

    let mut url = Url::parse(url).map_err(|_| invalid())?;
    for (key, value) in SESSION {
        url.query_pairs_mut().append_pair(&format!("options[{key}]"), value);
    }
    if options.get_application_name().is_none() {
        url.query_pairs_mut().append_pair("application_name", "fleet ledger");
    }
    let options = AnyConnectOptions::from_url(&url).map_err(|_| invalid())?;
    Ok(place(Dialect::Postgres, options, name, false))
}

fn place(dialect: Dialect, options: AnyConnectOptions, name: String, is_memory: bool) -> Place {
    Place { dialect, options: options.disable_statement_logging(), name, is_memory }
}

/// The URL may hold a password: no part of it is repeated.
fn invalid() -> Error {
    Error::invalid("ledger URL", EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_without_user_and_password() {
        let place = parse("postgres://fleet:s%2Fcret@db.example:6432/figures").unwrap();
        assert_eq!(place.name, "db.example:6432/figures");
        assert_eq!(parse("sqlite:///tmp/a%20ledger.db").unwrap().name, "/tmp/a ledger.db");
        assert!(parse(MEMORY).unwrap().is_memory);
    }

    #[test]
    fn the_session_is_set_up_whatever_the_url_asks_for() {
        let place = parse("postgres://fleet@db/figures?sslmode=require&application_name=mine").unwrap();
        let options = PgConnectOptions::try_from(&place.options).unwrap();
        assert!(options.get_options().unwrap().contains("search_path=fleet_ledger"));
        assert_eq!(options.get_application_name(), Some("mine"));
    }

    #[test]
    fn a_bad_url_is_refused_without_repeating_any_of_it() {
        let urls = [
            "",
            "secret",
            "sqlite://",
            "sqlite:secret.db",
            "sqlite:///tmp/ledger.db?mode=secret",
            "mysql://fleet:secret@db/figures",
            "postgres:secret@db",
            "postgres://fleet:5/secret@db/figures",
            "postgres://fleet:x/secret@db/figures",
            "postgres://fleet:secret@db:port/figures",
            "postgres://fleet:secret@db/figures?sslmode=secret",
        ];
        for url in urls {
            let Err(error) = parse(url) else { panic!("{url} was taken") };
            assert!(matches!(error, Error::Invalid { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn a_missing_folder_is_named() {
        let Err(error) = parse("sqlite:///no/such/folder/ledger.db") else { panic!("taken") };
        assert_eq!(
            error.to_string(),
            "/no/such/folder/ledger.db: there is no folder /no/such/folder; make it, or name another file"
        );
    }
}
