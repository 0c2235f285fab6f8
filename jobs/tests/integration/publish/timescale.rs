//! Publishing into the native TimescaleDB server (Apache edition), where time tables become hypertables.

use fleet_testing::Timescale;

use super::*;

#[tokio::test]
#[ignore = "needs the TimescaleDB system folder: make test-timescale"]
async fn timescale_time_tables_become_hypertables_and_are_replaced_like_any_other() {
    let server = tokio::task::spawn_blocking(|| Timescale::start().unwrap()).await.unwrap();
    let url = server.create_database("figures").unwrap();
    let pool = PgPool::connect(&url).await.unwrap();
    let publisher = Publisher::connect(&url).await.unwrap();
    let database = Database { url, publisher, pool };
    database.publish(&Replace::Whole, "a", &FEBRUARY_AND_MARCH).await.unwrap();
    let hypertables = "select count(*) from timescaledb_information.hypertables where hypertable_name = 'component'";
    assert_eq!(database.number(hypertables).await, 1);

    let again = database.publish(&march(), "b", &[("2026-03-01", None, 9)]).await.unwrap();
    assert_eq!((again.rows, again.replaced, again.already), (1, 2, false));
    assert_eq!(database.rows().await, owned(&[("2026-02-01", Some("D-AAAA"), 1), ("2026-03-01", None, 9)]));
    assert!(database.publish(&march(), "b", &[]).await.unwrap().already);

    // A key twice is refused, and leaves the rows that were there.
    let twice = [("2026-03-01", None, 1), ("2026-03-01", None, 2)];
    assert!(matches!(database.publish(&march(), "c", &twice).await, Err(Error::Refused { .. })));
    assert_eq!(database.rows().await, owned(&[("2026-02-01", Some("D-AAAA"), 1), ("2026-03-01", None, 9)]));
    let bucket = "select time_bucket('1 month', month)::date::text from reliability.component order by 1 limit 1";
    assert_eq!(database.text(bucket).await, "2026-02-01");
}
