use fleet_testing::{Error, Postgres, Shutdown};

#[test]
fn a_database_keeps_its_rows_through_a_restart_and_a_crash() {
    let mut server = Postgres::start().unwrap();
    let url = server.create_database("fleet").unwrap();
    assert_eq!(url, server.database_url("fleet"));
    server
        .psql("fleet", "create table removal (id int, tail text); insert into removal values (1, 'PH-BXA');")
        .unwrap();

    server.restart().unwrap();
    server.psql("fleet", "insert into removal values (2, 'PH-BXB');").unwrap();
    server.kill();
    assert!(server.psql("fleet", "select 1").is_err());
    server.restart().unwrap();

    let rows = server.psql("fleet", "select id, tail from removal order by id").unwrap();
    assert_eq!(rows, "1|PH-BXA\n2|PH-BXB");
}

#[test]
fn a_stopped_server_is_down_until_it_is_started_again() {
    let mut server = Postgres::start().unwrap();
    server.psql("postgres", "create table removal (id int);").unwrap();
    for shutdown in [Shutdown::Fast, Shutdown::Immediate] {
        server.psql("postgres", "insert into removal values (1);").unwrap();
        server.stop(shutdown).unwrap();
        assert!(server.psql("postgres", "select 1").is_err(), "{shutdown:?}");
        server.restart().unwrap();
    }
    assert_eq!(server.psql("postgres", "select count(*) from removal").unwrap(), "2");
}

#[test]
fn servers_are_apart_from_each_other() {
    let (first, second) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    assert_ne!(first.url(), second.url());
    first.create_database("only_here").unwrap();
    let databases = "select count(*) from pg_database where datname = 'only_here'";
    assert_eq!(first.psql("postgres", databases).unwrap(), "1");
    assert_eq!(second.psql("postgres", databases).unwrap(), "0");
}

#[test]
fn a_database_name_is_quoted() {
    let server = Postgres::start().unwrap();
    server.create_database("Odd \"name\"").unwrap();
    let found = server.psql("postgres", "select datname from pg_database where datname ~ 'Odd'").unwrap();
    assert_eq!(found, "Odd \"name\"");
}

#[test]
fn a_failing_statement_is_an_error_that_says_why() {
    let server = Postgres::start().unwrap();
    let error = server.psql("postgres", "select 1;\nselect * from missing;\nselect 2;").unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error}");
    assert!(error.to_string().contains("relation \"missing\" does not exist"), "{error}");
}
