//! A cluster of processes on object storage against the embedded run.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use fleet_testing::{Postgres, python};

use crate::kit::{Cluster, PATIENCE, Place, S3, State, copy_folder, reference};

/// Dropped columns say who wrote a row and when.
const COLUMNS: &str = "select string_agg(quote_ident(column_name), ', ' order by column_name) \
    from information_schema.columns where table_schema || '.' || table_name = '{table}' \
    and column_name not in ('run_id', 'computed_at')";

#[test]
fn a_cluster_on_s3_publishes_what_the_embedded_run_publishes() {
    let reference = reference();
    let postgres = Postgres::start().unwrap();
    let url = |database| postgres.create_database(database).unwrap();

    let embedded = Place::new();
    copy_folder(&reference.place.data_folder(), &embedded.data_folder());
    embedded.done(&["run", "--publish", &url("embedded")]);

    let s3 = S3::start();
    for part in ["landing", "reference"] {
        s3.upload(&reference.place.data_folder().join(part), &format!("fleet/{part}"));
    }
    let place = Place::new().with_data("s3://airline/fleet").with_variables(s3.server.env());
    let cluster = Cluster::start(&place, 2);
    let place = place.with_option("--scheduler", &cluster.url).with_option("--partitions", "4");
    place.done(&["ingest"]);
    place.done(&["run", "--publish", &url("cluster")]);

    State::of(&place).assert_same(&reference.state, "on the cluster");
    let published = tables(&postgres, "embedded");
    assert_eq!(published, tables(&postgres, "cluster"));
    for table in ["operations.dispatch_reliability", "operations.utilization", "reliability.component"] {
        assert!(published.contains(table), "{table} is not published: {published:?}");
        let [expected, found] = ["embedded", "cluster"].map(|database| rows(&postgres, database, table));
        assert_eq!(expected.len(), found.len(), "{table}");
        assert!(!expected.is_empty(), "{table} is empty");
        for (expected, found) in expected.iter().zip(&found) {
            assert!(same_row(expected, found), "{table}\nembedded {expected}\ncluster  {found}");
        }
    }

    let folder = tempfile::tempdir().unwrap();
    s3.download("fleet/warehouse", folder.path());
    let wrote = executors_of_committed_files(folder.path());
    assert_eq!(wrote, cluster.executor_ids().into_iter().collect(), "who wrote the committed files");
}

#[test]
fn an_executor_killed_during_a_run_changes_no_figure() {
    let reference = reference();
    let place = Place::with_files_of(&reference.place);
    let cluster = Cluster::start(&place, 2);
    let place = place.with_option("--scheduler", &cluster.url).with_option("--partitions", "4");
    place.done(&["ingest"]);

    let undisturbed = Place::new();
    copy_folder(&place.data_folder(), &undisturbed.data_folder());
    let undisturbed = undisturbed.with_option("--scheduler", &cluster.url).with_option("--partitions", "4");
    let started = Instant::now();
    undisturbed.done(&["run"]);
    let takes = started.elapsed();

    let driver = place.start(&["run"]);
    thread::sleep(takes / 2);
    assert!(driver.is_running(), "the run was over before an executor could be killed:\n{:?}", driver.lines());
    cluster.executors[0].kill9();
    let status = driver.wait(PATIENCE).unwrap();
    assert!(status.success(), "{status}\n{}", driver.lines().join("\n"));
    State::of(&place).assert_same(&reference.state, "an executor killed");
    assert!(!cluster.executors[0].is_running() && cluster.executors[1].is_running());
}

/// The same for ingestion, at a moment when rows are being written.
#[test]
fn an_executor_killed_during_ingestion_loses_and_doubles_no_row() {
    let reference = reference();
    let place = Place::with_files_of(&reference.place);
    let cluster = Cluster::start(&place, 2);
    let place = place.with_option("--scheduler", &cluster.url).with_option("--partitions", "4");
    let driver = place.start(&["ingest"]);
    driver.wait_for_line("source.configurations", PATIENCE).unwrap();
    thread::sleep(Duration::from_millis(700));
    cluster.executors[1].kill9();
    let status = driver.wait(PATIENCE).unwrap();
    assert!(status.success(), "{status}\n{}", driver.lines().join("\n"));
    place.done(&["run"]);
    State::of(&place).assert_same(&reference.state, "an executor killed");
}

#[test]
fn executors_of_one_folder_read_each_others_files_and_leave_them_when_they_stop() {
    let reference = reference();
    let folder = tempfile::tempdir().unwrap();
    let variables = vec![("FLEET_WORK_DIR".to_owned(), folder.path().to_string_lossy().into_owned())];
    let place = Place::with_files_of(&reference.place).with_variables(variables);
    let cluster = Cluster::start(&place, 2);
    let place = place.with_option("--scheduler", &cluster.url).with_option("--partitions", "4");
    place.done(&["ingest"]);
    place.done(&["run"]);
    State::of(&place).assert_same(&reference.state, "on executors of one folder");

    // What a job of the other one might still read.
    let read = folder.path().join("job/1/data.arrow");
    std::fs::create_dir_all(read.parent().unwrap()).unwrap();
    std::fs::write(&read, "rows").unwrap();
    cluster.executors[0].terminate().unwrap();
    assert!(cluster.executors[0].wait(PATIENCE).unwrap().success());
    assert!(read.exists());
    place.done(&["query", "select count(*) from source.flights"]);
}

#[test]
fn an_executor_without_a_scheduler_stops_when_told_to() {
    let place = Place::with_files_of(&reference().place);
    let cluster = Cluster::start(&place, 1);
    // It is at work.
    place.with_option("--scheduler", &cluster.url).done(&["query", "select 1"]);
    cluster.scheduler.kill9();
    // By then it looks for another one.
    thread::sleep(Duration::from_secs(5));
    cluster.executors[0].terminate().unwrap();
    let status = cluster.executors[0].wait(PATIENCE).unwrap();
    assert!(status.success(), "{status}\n{}", cluster.executors[0].lines().join("\n"));
}

fn tables(postgres: &Postgres, database: &str) -> BTreeSet<String> {
    let sql = "select table_schema || '.' || table_name from information_schema.tables \
               where table_schema in ('operations', 'reliability');";
    postgres.psql(database, sql).unwrap().lines().map(str::to_owned).collect()
}

fn rows(postgres: &Postgres, database: &str, table: &str) -> Vec<String> {
    let columns = postgres.psql(database, &format!("{};", COLUMNS.replace("{table}", table))).unwrap();
    let key = if table.starts_with("reliability") { "month, part_number" } else { "month, tail" };
    let sql = format!("copy (select {columns} from {table} order by {key}) to stdout;");
    postgres.psql(database, &sql).unwrap().lines().map(str::to_owned).collect()
}

/// Numbers may differ in their last digits, since sums are added up in another order.
fn same_row(expected: &str, found: &str) -> bool {
    let fields = |row: &str| row.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let (expected, found) = (fields(expected), fields(found));
    expected.len() == found.len()
        && expected.iter().zip(&found).all(|(expected, found)| match (expected.parse::<f64>(), found.parse::<f64>()) {
            (Ok(a), Ok(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
            _ => expected == found,
        })
}

/// The executors that the files in the tables' Delta logs name in their Parquet footers.
fn executors_of_committed_files(warehouse: &Path) -> BTreeSet<String> {
    const SCRIPT: &str = r#"
import duckdb, glob, json, os, sys, urllib.parse
committed = set()
for log in glob.glob(sys.argv[1] + "/**/_delta_log/*.json", recursive=True):
    table = os.path.dirname(os.path.dirname(log))
    for line in open(log):
        action = json.loads(line)
        if "add" in action:
            committed.add(os.path.join(table, urllib.parse.unquote(action["add"]["path"])))
assert committed, "no committed file"
sql = "select distinct decode(value) from parquet_kv_metadata(?) where decode(key) = 'fleet.executor_id'"
for (executor,) in duckdb.execute(sql, [sorted(committed)]).fetchall():
    print(executor)
"#;
    let output = Command::new(python().unwrap()).args(["-c", SCRIPT]).arg(warehouse).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}
