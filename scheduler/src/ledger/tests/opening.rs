use std::net::TcpListener;
use std::time::Instant;

use tokio::join;

use super::*;

async fn refused(url: &str) -> Error {
    match Ledger::open(url).await {
        Ok(_) => panic!("{url} was opened"),
        Err(error) => error,
    }
}

on_both! {
    async fn opening_again_finds_everything(fixture: Fixture) {
        let fence = fixture.leader().await;
        let run = fixture.started(&fence, &["a"]).await.id;
        fixture.ledger.start_step(&fence, run, "a", FIRST, at(2)).await.unwrap();
        fixture.ledger.pause_schedule("daily", "ada", "a visit", at(3)).await.unwrap();
        let before = fixture.ledger.whole(run).await.unwrap().unwrap();
        fixture.ledger.close().await;
        let closed = fixture.ledger.get(run).await.unwrap_err();
        assert!(matches!(closed, Error::Unavailable { .. }), "{closed}");

        let again = Ledger::open(&fixture.url).await.unwrap();
        again.ping().await.unwrap();
        assert_eq!(again.whole(run).await.unwrap().unwrap(), before);
        assert!(again.schedule("daily").await.unwrap().unwrap().paused);
        again.finish_step(&fence, run, "a", &end(StepOutcome::Succeeded), at(4)).await.unwrap();
    }

    async fn a_ledger_is_of_one_warehouse(fixture: Fixture) {
        fixture.ledger.belong_to("s3://airline/fleet/warehouse/").await.unwrap();
        fixture.ledger.belong_to("s3://airline/fleet/warehouse/").await.unwrap();
        let error = fixture.ledger.belong_to("s3://airline/trial/warehouse/").await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Conflict { .. }), "{text}");
        assert!(text.contains("airline/fleet") && text.contains("airline/trial"), "{text}");
    }

    async fn a_newer_schema_is_refused_with_advice(fixture: Fixture) {
        let mut session = fixture.ledger.database.begin().await.unwrap();
        let later = sqlx::query(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
             values (99, 'later', $1, $2, 0)",
        );
        session.execute(later.bind(true).bind(vec![0_u8])).await.unwrap();
        session.commit().await.unwrap();
        let error = refused(&fixture.url).await;
        assert!(matches!(&error, Error::Invalid { what, .. } if what == fixture.ledger.place()), "{error}");
        assert!(error.to_string().contains("version 99") && error.to_string().contains("newer program"), "{error}");
    }

    async fn neither_a_handle_nor_an_error_prints_a_password(fixture: Fixture) {
        let text = format!("{:?}", fixture.ledger);
        assert!(text.contains(fixture.ledger.place()) && !text.contains("://"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_open_a_new_ledger_at_once_both_succeed() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let file = format!("sqlite://{}/ledger.db", folder.path().display());
        for url in [file, tokio::task::spawn_blocking(new_database).await.unwrap()] {
            let open = || {
                tokio::spawn({
                    let url = url.clone();
                    async move { Ledger::open(&url).await.unwrap() }
                })
            };
            let (first, second, third) = join!(open(), open(), open());
            for ledger in [first, second, third] {
                ledger.unwrap().ping().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn memory_is_shared_by_all_clones() {
    let ledger = Ledger::open("sqlite::memory:").await.unwrap();
    let run = ledger.submit(request("ada"), NO_LIMIT, at(0)).await.unwrap().run;
    assert_eq!(ledger.clone().get(run.id).await.unwrap(), Some(run));
    assert_eq!(Ledger::open("sqlite::memory:").await.unwrap().queued().await.unwrap(), []);
}

#[tokio::test]
async fn a_file_that_is_not_a_ledger_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "not a database at all, but longer than the header of one, which has a hundred bytes in it")
        .unwrap();
    let error = refused(&format!("sqlite://{}", file.display())).await;
    assert!(matches!(&error, Error::Invalid { what, .. } if *what == file.display().to_string()), "{error}");
    let error = refused(&format!("sqlite://{}", folder.path().display())).await;
    assert!(matches!(error, Error::Invalid { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_is_down_is_named_without_the_password() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let begun = Instant::now();
    let error = refused(&format!("postgres://fleet:s3cret@127.0.0.1:{port}/figures")).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(matches!(error, Error::Unavailable { .. }) && error.is_retriable(), "{error}");
    let text = format!("{error} {error:?}");
    assert!(text.contains(&format!("127.0.0.1:{port}/figures")) && !text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_not_retriable() {
    let url = tokio::task::spawn_blocking(new_database).await.unwrap();
    let error = refused(&format!("{}_missing", url.replace("postgres@", "postgres:s3cret@"))).await;
    assert!(matches!(error, Error::Invalid { .. }) && !error.is_retriable(), "{error}");
    let text = format!("{error} {error:?}");
    assert!(text.contains("_missing") && !text.contains("s3cret"), "{text}");
}

/// The schema `ledger` of published tables may be in the same database.
#[tokio::test]
async fn the_tables_are_in_their_own_schema() {
    let fixture = Fixture::postgres().await;
    let database = fixture.url.rsplit('/').next().unwrap();
    let sql = "select distinct schemaname from pg_tables where schemaname not in ('pg_catalog', 'information_schema');";
    assert_eq!(SERVER.get().unwrap().psql(database, sql).unwrap(), "fleet_ledger");
}

#[tokio::test]
async fn a_restart_of_the_server_is_survived() {
    let mut server = tokio::task::spawn_blocking(|| Postgres::start().unwrap()).await.unwrap();
    let ledger = Ledger::open(&server.url()).await.unwrap();
    let run = ledger.submit(request("ada"), NO_LIMIT, at(0)).await.unwrap().run;
    server.kill();
    let error = ledger.request_cancel(run.id, "ada", "ada asked", at(1)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    let _server = tokio::task::spawn_blocking(move || {
        server.restart().unwrap();
        server
    })
    .await
    .unwrap();
    assert_eq!(ledger.get(run.id).await.unwrap(), Some(run.clone()));
    assert!(ledger.request_cancel(run.id, "ada", "ada asked", at(2)).await.unwrap().state.is_ended());
}
