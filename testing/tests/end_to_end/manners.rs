//! How the command line behaves: exit codes, and errors that name what is wrong.

use std::fs;
use std::path::Path;

use crate::kit::{Place, Ran, copy_folder, number, small_reference};

fn assert_refused(ran: &Ran, code: i32, says: &str) {
    assert_eq!(ran.code, Some(code), "expected exit code {code} and `{says}`: {ran:?}");
    assert!(ran.stderr.contains(says), "expected `{says}`: {ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
}

#[test]
fn a_wrong_command_line_exits_with_2_and_names_what_is_wrong() {
    let place = Place::new();
    for (arguments, says) in [
        (&["tables", "--speed"][..], "--speed"),
        (&["fly"], "fly"),
        (&["tables", "--slots", "many"], "many"),
        (&["run", "--interval", "2026-13"], "2026-13"),
        (&["query", "select 1", "--format", "xml"], "xml"),
        (&["tables", "--config", "absent.toml"], "absent.toml"),
        (&["tables", "--log", "loud"], "loud"),
    ] {
        assert_refused(&place.run(arguments), 2, says);
    }
    let place = place.with_variables(vec![("FLEET_SPEED".to_owned(), "9".to_owned())]);
    assert_refused(&place.run(&["tables"]), 2, "FLEET_SPEED");
}

#[test]
fn an_unknown_key_of_the_settings_file_exits_with_2() {
    let place = Place::new();
    for (toml, says) in [
        ("speed = 9\n", "`speed`"),
        ("[command.fly]\nhigh = true\n", "command.fly"),
        ("[command.generate]\nplanes = 1\n", "`planes`"),
        ("[generate]\naircraft = 1\n", "[command.<name>]"),
        ("slots = \n", "fleet.toml"),
    ] {
        fs::write(place.folder().join("fleet.toml"), toml).unwrap();
        assert_refused(&place.run(&["tables"]), 2, says);
    }
}

#[test]
fn asking_for_help_or_the_version_exits_with_0() {
    let place = Place::new();
    assert!(place.done(&["--help"]).stdout.contains("Exit codes"));
    assert!(place.done(&["ingest", "--help"]).stdout.contains("Example: fleet ingest"));
    assert!(place.done(&["--version"]).stdout.starts_with("fleet "));
}

#[test]
fn a_failure_exits_with_1_and_names_what_failed() {
    let place = &small_reference().place;
    let nobody = "http://127.0.0.1:1";
    for (arguments, says) in [
        (&["run", "operations.speed"][..], "`operations.speed`"),
        (&["ingest", "speeds"], "`speeds`"),
        (&["plan", "operations.speed"], "`operations.speed`"),
        (&["query", "selct 1"], "selct"),
        (&["query", "select speed from source.flights"], "speed"),
        (&["query", "select * from source.speed"], "source.speed"),
        (&["query", "select * from speeds"], "`speeds`: no such table; known are ledger.ingested_file"),
        (&["run", "--scheduler", nobody], nobody),
        (&["run", "--scheduler", "nowhere"], "nowhere"),
        (&["run", "--catalog", "absent"], "absent"),
        (&["executor", "--scheduler", "nowhere"], "nowhere"),
    ] {
        assert_refused(&place.run(arguments), 1, says);
    }
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let place = &small_reference().place;
    let ran = place.run(&["run", "--publish", "postgres://fleet:s3cret@127.0.0.1:1/figures"]);
    assert_refused(&ran, 1, "127.0.0.1:1");
    assert!(!ran.stderr.contains("s3cret") && !ran.stdout.contains("s3cret"), "{ran:?}");
    let ran = place.run(&["publish", "--publish", "postgres:/fleet:s3cret@nowhere"]);
    assert_refused(&ran, 1, "postgres://");
    assert!(!ran.stderr.contains("s3cret"), "{ran:?}");
}

#[test]
fn a_query_cannot_write() {
    let place = &small_reference().place;
    let before = place.tables();
    let target = place.folder().join("written.csv");
    let copy = format!("copy (select 1) to '{}'", target.display());
    for sql in [
        "drop table source.flights",
        "delete from source.flights",
        "insert into source.standards (code) values ('x')",
        "create table source.mine as select 1 as one",
        "create external table mine stored as csv location '/etc/hosts'",
        "select * from '/etc/hosts'",
        &copy,
    ] {
        let ran = place.run(&["query", sql]);
        assert_eq!(ran.code, Some(1), "{sql}: {ran:?}");
    }
    assert!(!target.exists());
    assert_eq!(place.tables(), before);
}

#[test]
fn an_empty_landing_folder_is_no_failure() {
    let place = Place::new();
    fs::create_dir_all(place.landing()).unwrap();
    assert!(place.done(&["ingest"]).stdout.contains("0 rows in"));
    place.done(&["run"]);
}

/// A misspelt folder is not an airline without flights.
#[test]
fn a_data_folder_that_is_not_there_is_refused_by_name() {
    let place = Place::new();
    for command in [&["ingest"][..], &["run"]] {
        let ran = place.run(command);
        assert!(ran.code == Some(1) || ran.code == Some(2), "{command:?} says nothing of a missing folder: {ran:?}");
        assert!(ran.stderr.contains(place.data_folder().to_str().unwrap()), "{ran:?}");
    }
}

#[test]
fn files_that_no_source_reads_are_told() {
    let place = Place::new();
    place.deliver("fligths/2026-01-01/a.csv", "flight_id\n");
    place.deliver("flights/yesterday/a.csv", "flight_id\n");
    place.deliver("flights/2026-01-01/a.xlsx", "flight_id\n");
    let ran = place.done(&["ingest"]);
    for told in ["`fligths/`", "`flights/yesterday/a.csv`", "`flights/2026-01-01/a.xlsx`"] {
        assert!(ran.stderr.contains(told), "{told}: {ran:?}");
    }
}

#[test]
fn json_output_is_one_object_a_line() {
    let place = Place::with_files_of(&small_reference().place);
    for command in ["ingest", "run"] {
        let ran = place.done(&[command, "--json"]);
        assert!(ran.stdout.lines().count() > 5, "{ran:?}");
        for line in ran.stdout.lines() {
            let object: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(object["event"].is_string(), "{line}");
        }
    }
}

const HEADER: &str = "description: What a user adds.\ngrain: one row\nkey: [number]\nmaterialized: whole\ncolumns:\n  \
    - name: number\n    description: A number.\n";

fn add_model(catalog: &Path, name: &str, header: &str, sql: &str) {
    let path = catalog.join(format!("{}.sql", name.replace('.', "/")));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("/*\n{header}*/\n{sql}\n")).unwrap();
}

#[test]
fn a_faulty_catalogue_is_refused_by_name() {
    let select = "select cast(1 as bigint) as number";
    let source = "name: fuel\ndescription: Fuel.\nformat: csv\nkey: [id]\npartition: day\nspeed: fast\ncolumns: []\n";
    for (files, says) in [
        (
            &[("my.one", HEADER, "select number from my.two"), ("my.two", HEADER, "select number from my.one")][..],
            "my.one → my.two → my.one",
        ),
        (&[("my.one", HEADER, "select number from my.absent")], "`my.absent`"),
        (&[("my.one", &format!("{HEADER}speed: fast\n"), select)], "`speed`"),
        (&[("my.one", HEADER, "select cast(1 as bigint) as other")], "`other`"),
        (&[("my.one", HEADER, "selct 1")], "my/one.sql"),
        (&[("my.one", &HEADER.replace("[number]", "[absent]"), select)], "`absent`"),
    ] {
        let place = Place::new();
        let catalog = place.folder().join("catalog");
        fs::create_dir_all(place.landing()).unwrap();
        for (name, header, sql) in files {
            add_model(&catalog, name, header, sql);
        }
        let place = place.with_option("--catalog", catalog.to_str().unwrap());
        assert_refused(&place.run(&["run"]), 1, says);
    }
    let place = Place::new();
    let catalog = place.folder().join("catalog");
    fs::create_dir_all(catalog.join("sources")).unwrap();
    fs::write(catalog.join("sources/fuel.yaml"), source).unwrap();
    let place = place.with_option("--catalog", catalog.to_str().unwrap());
    assert_refused(&place.run(&["ingest"]), 1, "`speed`");
}

#[test]
fn a_failing_check_exits_with_3_and_keeps_the_previous_version() {
    let place = Place::new();
    copy_folder(&small_reference().place.data_folder(), &place.data_folder());
    let catalog = place.folder().join("catalog");
    let place = place.with_option("--catalog", catalog.to_str().unwrap());
    let sql = |last: u32| format!("select unnest(range(1, {last} + 1)) as number");
    let header = format!("{HEADER}    max: 41\n");
    add_model(&catalog, "my.numbers", &header, &sql(40));
    place.done(&["run", "my.numbers"]);
    let before = place.tables();

    add_model(&catalog, "my.numbers", &header, &sql(43));
    let ran = place.run(&["run", "my.numbers"]);
    assert_refused(&ran, 3, "number ≤ 41");
    for shown in ["my.numbers", "| 42 ", "| 43 "] {
        assert!(ran.stderr.contains(shown), "{shown}: {ran:?}");
    }
    assert_eq!(place.tables(), before);
    assert_eq!(number(&place.rows("select max(number) as last from my.numbers")[0], "last"), 40);

    add_model(&catalog, "my.numbers", &header, "select unnest([cast(7 as bigint), 7]) as number");
    assert_refused(&place.run(&["run", "my.numbers"]), 3, "key (number) is unique");
    assert_eq!(place.tables(), before);
}

/// One branch is a table and has nulls, the other is a constant and has none.
#[test]
fn a_union_of_unlike_branches_is_computed() {
    let place = Place::new();
    copy_folder(&small_reference().place.data_folder(), &place.data_folder());
    let found = place.rows("select code from source.standards union all select 'X' order by code");
    let codes = number(&place.rows("select count(*) as codes from source.standards")[0], "codes");
    assert_eq!(i64::try_from(found.len()).unwrap(), codes + 1);

    let catalog = place.folder().join("catalog");
    let place = place.with_option("--catalog", catalog.to_str().unwrap());
    add_model(
        &catalog,
        "my.numbers",
        HEADER,
        "select unnest(range(1, 4)) as number union all select cast(9 as bigint)",
    );
    place.done(&["run", "my.numbers"]);
    assert_eq!(number(&place.rows("select sum(number) as total from my.numbers")[0], "total"), 15);
}
