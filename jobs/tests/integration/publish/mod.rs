//! Publishing against a real PostgreSQL server, in a database of each test's own.

mod server;
mod timescale;
mod types;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use datafusion::arrow::array::*;
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Schema, TimeUnit};
use datafusion::arrow::record_batch::RecordBatch;
use fleet_jobs::publish::{Column, Error, Publication, Published, Publisher, Replace, Table};
use futures::stream::{self, Stream};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, query, query_as, query_scalar};

/// A database of the test's own, a publisher into it, and a pool to look at it.
struct Database {
    url: String,
    publisher: Publisher,
    pool: PgPool,
}

async fn database() -> Database {
    let (url, pool) = server::new_database().await;
    let publisher = Publisher::connect(&url).await.unwrap();
    Database { url, publisher, pool }
}

impl Database {
    async fn publish(&self, replace: &Replace, fingerprint: &str, rows: &[Row]) -> Result<Published, Error> {
        self.publisher.publish(&component(), replace, &publication(fingerprint), batches(rows)).await
    }

    /// What readers see: month, tail, removals.
    async fn rows(&self) -> Vec<(String, Option<String>, i64)> {
        query_as(
            "select month::text, tail, removals from reliability.component order by month, tail nulls first, removals",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }

    async fn text(&self, sql: &'static str) -> String {
        query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    async fn number(&self, sql: &'static str) -> i64 {
        query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    async fn publications(&self) -> i64 {
        self.number("select count(*) from ledger.publication").await
    }
}

// ---- a table -----------------------------------------------------------------------------------------------------

type Row = (&'static str, Option<&'static str>, i64);

fn column(name: &str, data_type: DataType, comment: &str) -> Column {
    Column { name: name.into(), comment: comment.into(), field: Field::new(name, data_type, true) }
}

fn component() -> Table {
    Table {
        schema: "reliability".into(),
        name: "component".into(),
        comment: "A part's month; \"removals\" as defined by O'Connor \\ 5e.".into(),
        columns: vec![
            column("month", DataType::Date32, "First day of the month."),
            column("tail", DataType::Utf8View, "The tail's registration; null is the whole fleet."),
            column("removals", DataType::Int64, "Removals; 'n' of them."),
        ],
        key: vec!["month".into(), "tail".into()],
        time_column: Some("month".into()),
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn days(text: &str) -> i32 {
    day(text).signed_duration_since(day("1970-01-01")).num_days() as i32
}

fn range(from: &str, to: &str) -> Replace {
    Replace::Range { column: "month".into(), from: day(from), to: day(to) }
}

fn march() -> Replace {
    range("2026-03-01", "2026-04-01")
}

fn publication(fingerprint: &str) -> Publication {
    Publication { run_id: "run-1".into(), table_version: 7, fingerprint: fingerprint.into() }
}

fn batch(rows: &[Row]) -> RecordBatch {
    let months: ArrayRef = Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| days(row.0))));
    let tails: ArrayRef = Arc::new(StringViewArray::from_iter(rows.iter().map(|row| row.1)));
    let removals: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.2)));
    RecordBatch::try_from_iter_with_nullable([
        ("month", months, true),
        ("tail", tails, true),
        ("removals", removals, true),
    ])
    .unwrap()
}

/// One batch a row.
fn batches(rows: &[Row]) -> impl Stream<Item = Result<RecordBatch, io::Error>> + Send + Unpin + use<> {
    stream::iter(rows.iter().map(|row| Ok(batch(&[*row]))).collect::<Vec<_>>())
}

const FEBRUARY_AND_MARCH: [Row; 3] =
    [("2026-02-01", Some("D-AAAA"), 1), ("2026-03-01", None, 2), ("2026-03-01", Some("D-AAAA"), 3)];

fn owned(rows: &[Row]) -> Vec<(String, Option<String>, i64)> {
    rows.iter().map(|(month, tail, removals)| ((*month).into(), tail.map(Into::into), *removals)).collect()
}

// ---- tests -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_table_is_created_filled_described_and_recorded() {
    let database = database().await;
    let published = database.publish(&Replace::Whole, "a", &FEBRUARY_AND_MARCH).await.unwrap();
    assert_eq!(published, Published { rows: 3, replaced: 0, already: false });
    assert_eq!(database.rows().await, owned(&FEBRUARY_AND_MARCH));

    let comment = "select obj_description('reliability.component'::regclass)";
    assert_eq!(database.text(comment).await, component().comment);
    let comment = "select col_description('reliability.component'::regclass, 3)";
    assert_eq!(database.text(comment).await, "Removals; 'n' of them.");

    let recorded: (String, String, String, i64, String, Option<String>, i64) = query_as(
        "select schema_name, table_name, run_id, table_version, fingerprint, replaced_from::text, rows
         from ledger.publication",
    )
    .fetch_one(&database.pool)
    .await
    .unwrap();
    assert_eq!(recorded, ("reliability".into(), "component".into(), "run-1".into(), 7, "a".into(), None, 3));
}

#[tokio::test]
async fn the_same_fingerprint_changes_nothing_twice() {
    let database = database().await;
    database.publish(&march(), "a", &FEBRUARY_AND_MARCH[1..]).await.unwrap();
    let unread = stream::iter([Err(io::Error::other("must not be read"))]);
    let again = database.publisher.publish(&component(), &march(), &publication("a"), unread).await.unwrap();
    assert_eq!(again, Published { rows: 2, replaced: 0, already: true });
    assert_eq!(database.publications().await, 1);

    let other = database.publish(&march(), "b", &FEBRUARY_AND_MARCH[1..2]).await.unwrap();
    assert_eq!(other, Published { rows: 1, replaced: 2, already: false });
    let back = database.publish(&march(), "a", &FEBRUARY_AND_MARCH[1..]).await.unwrap();
    assert_eq!(back, Published { rows: 2, replaced: 1, already: false });
}

#[tokio::test]
async fn a_range_is_published_again_when_another_went_over_it() {
    let database = database().await;
    database.publish(&march(), "a", &FEBRUARY_AND_MARCH[1..]).await.unwrap();
    database.publish(&range("2026-01-01", "2026-02-01"), "january", &[]).await.unwrap();
    assert!(database.publish(&march(), "a", &[]).await.unwrap().already);
    database.publish(&range("2026-01-01", "2027-01-01"), "year", &[]).await.unwrap();
    assert_eq!(database.rows().await, []);
    assert!(!database.publish(&march(), "a", &FEBRUARY_AND_MARCH[1..]).await.unwrap().already);
    database.publish(&Replace::Whole, "whole", &[]).await.unwrap();
    assert!(!database.publish(&march(), "a", &FEBRUARY_AND_MARCH[1..]).await.unwrap().already);
    assert!(!database.publish(&Replace::Whole, "whole", &[]).await.unwrap().already);
}

#[tokio::test]
async fn a_dropped_table_is_published_again() {
    let database = database().await;
    let april = range("2026-04-01", "2026-05-01");
    database.publish(&march(), "a", &FEBRUARY_AND_MARCH[1..]).await.unwrap();
    database.publish(&april, "b", &[("2026-04-01", None, 9)]).await.unwrap();
    query("drop table reliability.component").execute(&database.pool).await.unwrap();
    assert!(!database.publish(&march(), "a", &FEBRUARY_AND_MARCH[1..]).await.unwrap().already);
    assert!(!database.publish(&april, "b", &[("2026-04-01", None, 9)]).await.unwrap().already);
    assert_eq!(database.rows().await.len(), 3);
}

#[tokio::test]
async fn a_range_is_replaced_and_the_rest_stays() {
    let database = database().await;
    database.publish(&Replace::Whole, "a", &FEBRUARY_AND_MARCH).await.unwrap();
    let rows = [("2026-03-01", None, 20), ("2026-03-01", Some("D-BBBB"), 30)];
    let published = database.publish(&march(), "b", &rows).await.unwrap();
    assert_eq!(published, Published { rows: 2, replaced: 2, already: false });
    assert_eq!(database.rows().await, owned(&[FEBRUARY_AND_MARCH[0], rows[0], rows[1]]));
    let range = database.text(
        "select replaced_from || ' ' || replaced_to from ledger.publication order by publication_id desc limit 1",
    );
    assert_eq!(range.await, "2026-03-01 2026-04-01");
}

#[tokio::test]
async fn an_empty_stream_empties_the_range() {
    let database = database().await;
    let published = database.publish(&Replace::Whole, "a", &[]).await.unwrap();
    assert_eq!(published, Published { rows: 0, replaced: 0, already: false });
    database.publish(&Replace::Whole, "b", &FEBRUARY_AND_MARCH).await.unwrap();
    let empty_batch = stream::iter([Ok::<_, io::Error>(batch(&[]))]);
    let published = database.publisher.publish(&component(), &march(), &publication("c"), empty_batch).await.unwrap();
    assert_eq!(published, Published { rows: 0, replaced: 2, already: false });
    assert_eq!(database.rows().await, owned(&FEBRUARY_AND_MARCH[..1]));
}

#[tokio::test]
async fn one_key_twice_is_refused_and_the_old_rows_stay_even_where_the_key_is_null() {
    let database = database().await;
    let fleet_twice = [("2026-03-01", None, 1), ("2026-03-01", None, 2)];
    let error = database.publish(&Replace::Whole, "a", &fleet_twice).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }) && !error.is_retriable(), "{error}");
    assert_eq!(database.text("select coalesce(to_regclass('reliability.component')::text, 'none')").await, "none");

    database.publish(&Replace::Whole, "b", &FEBRUARY_AND_MARCH).await.unwrap();
    let error = database.publish(&march(), "c", &fleet_twice).await.unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("reliability.component: two rows have one key: Key (month, tail)=(2026-03-01, null)"),
        "{message}"
    );
    assert_eq!(database.rows().await, owned(&FEBRUARY_AND_MARCH));
    assert_eq!(database.publications().await, 1);
}

#[tokio::test]
async fn a_row_outside_the_range_is_refused() {
    let database = database().await;
    database.publish(&Replace::Whole, "a", &FEBRUARY_AND_MARCH).await.unwrap();
    let error = database.publish(&march(), "b", &[("2026-04-01", None, 1), ("2026-02-28", None, 1)]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "reliability.component: 2 rows lie outside the interval that they replace, 2026-03-01 to 2026-04-01"
    );
    assert_eq!(database.rows().await, owned(&FEBRUARY_AND_MARCH));
}

#[tokio::test]
async fn an_error_in_the_middle_of_the_stream_leaves_the_old_rows() {
    let database = database().await;
    database.publish(&Replace::Whole, "a", &FEBRUARY_AND_MARCH).await.unwrap();
    let broken = stream::iter([Ok(batch(&[("2026-03-01", None, 99)])), Err(io::Error::other("the disk is gone"))]);
    let error = database.publisher.publish(&component(), &Replace::Whole, &publication("b"), broken).await.unwrap_err();
    assert!(matches!(error, Error::Source { .. }), "{error:?}");
    assert_eq!(error.to_string(), "reliability.component: reading the rows to publish: the disk is gone");
    assert_eq!(database.rows().await, owned(&FEBRUARY_AND_MARCH));

    let texts: ArrayRef = Arc::new(StringArray::from(vec!["2026-03-01"]));
    let other = RecordBatch::try_from_iter([("month", texts)]).unwrap();
    let wrong = stream::iter([Ok::<_, io::Error>(batch(&[("2026-03-01", None, 99)])), Ok(other)]);
    let error = database.publisher.publish(&component(), &Replace::Whole, &publication("b"), wrong).await.unwrap_err();
    assert_eq!(error.to_string(), "reliability.component.month: expected date, found rows of Utf8");
    assert_eq!(database.rows().await, owned(&FEBRUARY_AND_MARCH));

    // The connections are still good for something.
    assert_eq!(database.publish(&march(), "b", &[]).await.unwrap().replaced, 2);
}

#[tokio::test]
async fn a_cancelled_publication_leaves_the_old_rows_and_no_lock() {
    let database = database().await;
    database.publish(&Replace::Whole, "a", &FEBRUARY_AND_MARCH).await.unwrap();
    let never_ending = stream::repeat_with(|| Ok::<_, io::Error>(batch(&[("2026-03-01", None, 99)])));
    let (table, publication) = (component(), publication("b"));
    let publishing = database.publisher.publish(&table, &Replace::Whole, &publication, never_ending);
    assert!(tokio::time::timeout(Duration::from_millis(200), publishing).await.is_err());
    assert_eq!(database.rows().await, owned(&FEBRUARY_AND_MARCH));
    let published = tokio::time::timeout(Duration::from_secs(20), database.publish(&march(), "c", &[])).await.unwrap();
    assert_eq!(published.unwrap().replaced, 2);
}

#[tokio::test]
async fn readers_see_the_old_rows_until_the_new_ones_are_all_there() {
    let database = database().await;
    database.publish(&Replace::Whole, "a", &FEBRUARY_AND_MARCH).await.unwrap();
    let (reached, mut half_way) = tokio::sync::mpsc::channel::<()>(1);
    let (resume, mut resumed) = tokio::sync::mpsc::channel::<()>(1);
    let rows = Box::pin(stream::once(async move {
        reached.send(()).await.unwrap();
        resumed.recv().await;
        Ok::<_, io::Error>(batch(&[("2026-05-01", None, 5)]))
    }));
    let publisher = database.publisher.clone();
    // The new rows need another column, and adding one locks readers out.
    let mut table = component();
    table.columns.push(column("nff", DataType::Int64, ""));
    let rows = futures::StreamExt::map(rows, |rows| {
        let rows = rows?;
        let mut columns = rows.columns().to_vec();
        columns.push(Arc::new(Int64Array::from(vec![Some(1)])));
        let mut fields = rows.schema().fields().to_vec();
        fields.push(Arc::new(Field::new("nff", DataType::Int64, true)));
        Ok::<_, io::Error>(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap())
    });
    let publishing =
        tokio::spawn(async move { publisher.publish(&table, &Replace::Whole, &publication("b"), rows).await });
    half_way.recv().await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(10), database.rows()).await.unwrap();
    assert_eq!(read, owned(&FEBRUARY_AND_MARCH));
    resume.send(()).await.unwrap();
    assert_eq!(publishing.await.unwrap().unwrap(), Published { rows: 1, replaced: 3, already: false });
    assert_eq!(database.rows().await, owned(&[("2026-05-01", None, 5)]));
}

#[tokio::test]
async fn a_model_that_changes_migrates_its_table() {
    let database = database().await;
    let mut old = component();
    old.columns[2].field = Field::new("removals", DataType::Int32, true);
    old.columns.push(column("retired", DataType::Float64, "Going."));
    let rows = |removals: ArrayRef, more: (&'static str, ArrayRef)| {
        let months: ArrayRef = Arc::new(Date32Array::from(vec![days("2026-02-01")]));
        let tails: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
        let columns = [("month", months), ("tail", tails), ("removals", removals), more];
        let columns = columns.map(|(name, values)| (name, values, true));
        stream::iter([Ok::<_, io::Error>(RecordBatch::try_from_iter_with_nullable(columns).unwrap())])
    };
    let first = rows(Arc::new(Int32Array::from(vec![1])), ("retired", Arc::new(Float64Array::from(vec![0.5]))));
    database.publisher.publish(&old, &Replace::Whole, &publication("a"), first).await.unwrap();

    let mut new = component();
    new.comment = "Changed.".into();
    new.columns.push(column("nff", DataType::Float64, "Added."));
    let second = rows(Arc::new(Int64Array::from(vec![1 << 40])), ("nff", Arc::new(Float64Array::from(vec![f64::NAN]))));
    let january = range("2026-02-01", "2026-03-01");
    database.publisher.publish(&new, &january, &publication("b"), second).await.unwrap();

    let row: (i64, Option<f64>, Option<f64>) =
        query_as("select removals, retired, nff from reliability.component").fetch_one(&database.pool).await.unwrap();
    assert!(row.0 == 1 << 40 && row.1.is_none() && row.2.is_some_and(f64::is_nan), "{row:?}");
    assert_eq!(database.text("select obj_description('reliability.component'::regclass)").await, "Changed.");
    assert_eq!(database.text("select col_description('reliability.component'::regclass, 5)").await, "Added.");

    // A model that goes back to narrower numbers still publishes.
    let third = rows(Arc::new(Int32Array::from(vec![1])), ("retired", Arc::new(Float64Array::from(vec![0.5]))));
    database.publisher.publish(&old, &Replace::Whole, &publication("c"), third).await.unwrap();
    assert_eq!(database.rows().await, owned(&[("2026-02-01", None, 1)]));
}

#[tokio::test]
async fn another_key_replaces_the_unique_index() {
    let database = database().await;
    database.publish(&Replace::Whole, "a", &FEBRUARY_AND_MARCH).await.unwrap();
    let mut table = component();
    table.key.push("removals".into());
    let rows = [("2026-03-01", None, 1), ("2026-03-01", None, 2)];
    database.publisher.publish(&table, &march(), &publication("b"), batches(&rows)).await.unwrap();
    let index = database.text("select indexdef from pg_indexes where tablename = 'component'").await;
    assert_eq!(
        index,
        "CREATE UNIQUE INDEX component_key ON reliability.component USING btree (month, tail, removals) \
         NULLS NOT DISTINCT"
    );
}

#[tokio::test]
async fn an_incompatible_type_is_refused_before_any_row_is_read() {
    let database = database().await;
    database.publish(&Replace::Whole, "a", &FEBRUARY_AND_MARCH).await.unwrap();
    let mut table = component();
    table.columns[2].field = Field::new("removals", DataType::Utf8, true);
    let unread = stream::iter([Err(io::Error::other("must not be read"))]);
    let error = database.publisher.publish(&table, &Replace::Whole, &publication("b"), unread).await.unwrap_err();
    assert!(matches!(error, Error::Incompatible { .. }) && !error.is_retriable());
    let message = error.to_string();
    for part in ["reliability.component.removals", "bigint", "text", "drop reliability.component"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(database.rows().await, owned(&FEBRUARY_AND_MARCH));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_of_one_table_take_turns() {
    let database = Arc::new(database().await);
    let publishing = (0..12).map(|number| {
        let database = database.clone();
        tokio::spawn(async move {
            // Half of them bring the same rows; each of the others its own.
            let fingerprint = if number % 2 == 0 { "same".to_owned() } else { format!("other-{number}") };
            let removals = if number % 2 == 0 { 100 } else { number };
            let rows = [("2026-03-01", None, removals), ("2026-03-01", Some("D-AAAA"), removals)];
            database.publish(&march(), &fingerprint, &rows).await.unwrap()
        })
    });
    let published = futures::future::join_all(publishing).await;
    let changes = published.iter().filter(|published| !published.as_ref().unwrap().already).count();
    assert_eq!(database.publications().await, changes as i64);
    let rows = database.rows().await;
    assert!(rows.len() == 2 && rows[0].2 == rows[1].2, "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_begin_at_once_prepare_one_ledger_and_one_schema() {
    let (url, pool) = server::new_database().await;
    let publishers = futures::future::join_all((0..6).map(|_| Publisher::connect(&url))).await;
    let publishing = publishers.into_iter().enumerate().map(|(number, publisher)| {
        let publisher = publisher.unwrap();
        tokio::spawn(async move {
            let mut table = component();
            table.name = format!("component_{number}");
            publisher.publish(&table, &Replace::Whole, &publication("a"), batches(&FEBRUARY_AND_MARCH)).await.unwrap()
        })
    });
    for published in futures::future::join_all(publishing).await {
        assert_eq!(published.unwrap().rows, 3);
    }
    let recorded: i64 = query_scalar("select count(*) from ledger.publication").fetch_one(&pool).await.unwrap();
    assert_eq!(recorded, 6);
    // A second connection finds everything there.
    Publisher::connect(&url).await.unwrap();
}

#[tokio::test]
async fn a_role_that_may_only_write_its_tables_publishes_once_they_are_there() {
    let database = database().await;
    database.publish(&Replace::Whole, "a", &FEBRUARY_AND_MARCH).await.unwrap();
    let grants = [
        "create role writer login",
        "grant usage on schema reliability, ledger to writer",
        "grant select, insert, delete on reliability.component to writer",
        "grant select, insert on ledger.publication to writer",
    ];
    for grant in grants {
        query(grant).execute(&database.pool).await.unwrap();
    }
    let publisher = Publisher::connect(&database.url.replace("postgres:secret@", "writer:secret@")).await.unwrap();
    let published = publisher.publish(&component(), &march(), &publication("b"), batches(&[])).await.unwrap();
    assert_eq!(published.replaced, 2);
    let mut other = component();
    other.schema = "operations".into();
    let error = publisher.publish(&other, &march(), &publication("b"), batches(&[])).await.unwrap_err();
    assert!(matches!(error, Error::Database { .. }) && error.to_string().contains("permission denied"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_down_is_told_without_the_password() {
    let url = format!("postgres://fleet:s3cret@127.0.0.1:{}/figures", server::free_port().unwrap());
    let begun = std::time::Instant::now();
    let error = Publisher::connect(&url).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }) && error.is_retriable(), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let text = format!("{error} {error:?}");
    assert!(text.contains("127.0.0.1") && text.contains("/figures") && !text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_not_retried() {
    let (url, _pool) = server::new_database().await;
    let error = Publisher::connect(&format!("{url}_missing")).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }) && !error.is_retriable(), "{error}");
    assert!(error.to_string().contains("_missing") && !error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn a_hundred_thousand_rows_go_through_in_parts() {
    let database = database().await;
    let tails = StringViewArray::from_iter_values((0..100_000).map(|number| format!("T-{number:06}")));
    let months: ArrayRef = Arc::new(Date32Array::from_iter_values(std::iter::repeat_n(days("2026-03-01"), 100_000)));
    let removals: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
    let tails: ArrayRef = Arc::new(tails);
    let rows = RecordBatch::try_from_iter([("month", months), ("tail", tails), ("removals", removals)]).unwrap();
    let rows = stream::iter([Ok::<_, io::Error>(rows)]);
    let published = database.publisher.publish(&component(), &march(), &publication("a"), rows).await.unwrap();
    assert_eq!(published.rows, 100_000);
    let sum = database.number("select sum(removals)::int8 from reliability.component").await;
    assert_eq!(sum, 100_000 * 99_999 / 2);
}
