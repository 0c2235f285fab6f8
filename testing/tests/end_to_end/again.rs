//! What arrives a second time, late, or corrected: only what it touches is written again.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::kit::{Place, Row, State, copy_folder, number, reference, text};

/// A place of one's own that stands where the reference does.
fn copy_of_reference() -> Place {
    let place = Place::new();
    copy_folder(&reference().place.data_folder(), &place.data_folder());
    place
}

#[test]
fn a_second_ingest_and_run_change_nothing() {
    let place = copy_of_reference();
    let before = place.tables();
    place.ingest_and_run();
    assert_eq!(place.tables(), before);
    State::of(&place).assert_same(&reference().state, "a second time");
}

#[test]
fn a_file_delivered_again_under_another_name_is_skipped() {
    let place = copy_of_reference();
    let before = place.tables();
    // One with a damaged row, which must not come to quarantine a second time.
    let damaged = reference().state.quarantine.iter().find(|row| text(row, "file").ends_with(".csv")).unwrap();
    let content = fs::read(place.landing().join(text(damaged, "file"))).unwrap();
    let again = format!("{}/2026-06-01/again.csv", text(damaged, "source"));
    place.deliver(&again, content);
    place.ingest_and_run();

    let after = place.tables();
    for (table, listed) in &before {
        // Only the manifest says that there was a file.
        if table != "ledger.ingested_file" {
            assert_eq!(after[table], *listed);
        }
    }
    let state = State::of(&place);
    let file = state.ledger.iter().find(|row| text(row, "file") == again).unwrap();
    assert_eq!((text(file, "state"), number(file, "rows_in")), ("skipped", 0), "{file:?}");
}

/// The one file that held these rows back had all other deliveries, corrections among them, arrive before it.
#[test]
fn a_late_file_rewrites_only_its_months() {
    let place = Place::with_files_of(&reference().place);
    let (late, day) = corrected_delivery(&place);
    let held = place.folder().join("held-back");
    fs::rename(&late, &held).unwrap();
    place.ingest_and_run();
    let before = place.tables();

    fs::rename(&held, &late).unwrap();
    place.done(&["ingest"]);
    let version = next_version(&before, &place, "source.utilization");
    let month = format!("{}-01", &day[..7]);
    assert_eq!(partitions(&place, "source.utilization", version, "_month"), BTreeSet::from([month.clone()]));

    place.done(&["run"]);
    let version = next_version(&before, &place, "operations.utilization");
    assert_eq!(partitions(&place, "operations.utilization", version, "month"), BTreeSet::from([month]));
    let after = place.tables();
    for table in ["source.flights", "source.events", "operations.dispatch_reliability"] {
        assert_eq!(after[table], before[table]);
    }
    State::of(&place).assert_same(&reference().state, "with a file ingested last");
}

#[test]
fn a_corrected_row_replaces_its_key_and_may_move_to_another_day() {
    let place = copy_of_reference();
    let before = place.tables();
    let sql = "select flight_id, tail, cast(_day as varchar) as day, _file from source.flights \
               where not cancelled order by flight_id limit 1";
    let flight = place.rows(sql).remove(0);
    let (flight_id, day, file) = (text(&flight, "flight_id"), text(&flight, "day"), text(&flight, "_file"));
    place.deliver(
        "flights/2026-06-01/moved.csv",
        format!(
            "flight_id,tail,scheduled_departure,flight_hours,cancelled\n\
             {flight_id},{},2026-02-03T04:05:06Z,7.25,false\n",
            text(&flight, "tail")
        ),
    );
    place.ingest_and_run();

    let found = place.rows(&format!(
        "select cast(_day as varchar) as day, flight_hours, origin, _file, _line from source.flights \
         where flight_id = '{flight_id}'"
    ));
    let expected = serde_json::json!({
        "day": "2026-02-03", "flight_hours": 7.25, "_file": "flights/2026-06-01/moved.csv", "_line": 2,
    });
    assert_eq!(found.into_iter().map(without_nulls).collect::<Vec<_>>(), vec![expected.as_object().unwrap().clone()]);
    let version = next_version(&before, &place, "source.flights");
    let months = BTreeSet::from([format!("{}-01", &day[..7]), "2026-02-01".to_owned()]);
    assert_eq!(partitions(&place, "source.flights", version, "_month"), months);

    let kept = |rows: &[Row]| {
        let of_file = rows.iter().find(|row| text(row, "file") == file).unwrap();
        (number(of_file, "rows_kept"), number(of_file, "rows_replaced"))
    };
    let (kept_before, replaced_before) = kept(&reference().state.ledger);
    assert_eq!(kept(&State::of(&place).ledger), (kept_before - 1, replaced_before + 1), "{file}");

    // And once more, into another year.
    let before = place.tables();
    let again =
        format!("flight_id,tail,scheduled_departure\n{flight_id},{},2025-12-31T04:05:06Z\n", text(&flight, "tail"));
    place.deliver("flights/2026-06-02/again.csv", again);
    place.done(&["ingest"]);
    let version = next_version(&before, &place, "source.flights");
    let months = BTreeSet::from(["2026-02-01", "2025-12-01"].map(str::to_owned));
    assert_eq!(partitions(&place, "source.flights", version, "_month"), months);
    let found = place.rows(&format!("select _file from source.flights where flight_id = '{flight_id}'"));
    assert_eq!(found.iter().map(|row| text(row, "_file")).collect::<Vec<_>>(), ["flights/2026-06-02/again.csv"]);
    assert!(place.data_folder().join("warehouse/source/flights/_keys/year=2025").is_dir(), "the index has the year");
}

/// The keys of all years but the last three are in one file, and each is found there.
#[test]
fn a_key_moves_out_of_any_year_of_a_long_history() {
    let place = Place::new();
    let deliver_and_ingest = |delivered: &str, flights: &[(&str, u32)]| {
        let row = |(id, year): &(&str, u32)| format!("{id},EI-AAA,{year}-03-04T05:06:07Z\n");
        let rows: String = flights.iter().map(row).collect();
        place.deliver(
            &format!("flights/{delivered}/flights.csv"),
            format!("flight_id,tail,scheduled_departure\n{rows}"),
        );
        place.done(&["ingest", "flights"]);
    };
    let index = |version| -> Vec<String> {
        let actions = place.delta_actions("source.flights", version);
        let commit = actions.iter().find_map(|action| action.get("commitInfo")).unwrap();
        let files = commit["fleet"]["keys"]["files"].as_array().unwrap();
        files.iter().map(|file| file["partition"]["year"].as_str().unwrap().to_owned()).collect()
    };
    let sorted = |version| BTreeSet::from_iter(index(version));
    let standing = |id: &str| -> Vec<String> {
        let rows =
            place.rows(&format!("select cast(_day as varchar) as day from source.flights where flight_id = '{id}'"));
        rows.iter().map(|row| text(row, "day").to_owned()).collect()
    };
    deliver_and_ingest("2026-03-05", &[("A", 2019), ("B", 2020), ("C", 2022), ("D", 2024), ("E", 2025), ("F", 2026)]);
    assert_eq!(sorted(0), BTreeSet::from(["2022", "2024", "2025", "2026"].map(str::to_owned)));
    deliver_and_ingest("2027-03-05", &[("G", 2027)]);
    assert_eq!(sorted(1), BTreeSet::from(["2024", "2025", "2026", "2027"].map(str::to_owned)));
    deliver_and_ingest("2027-03-06", &[("A", 2027), ("C", 2018)]);
    assert_eq!(index(2).len(), 4, "one file each");
    assert_eq!(["A", "B", "C", "D"].map(standing), [["2027-03-04"], ["2020-03-04"], ["2018-03-04"], ["2024-03-04"]]);
    deliver_and_ingest("2027-03-07", &[("C", 2026)]);
    assert_eq!(standing("C"), ["2026-03-04"]);
}

/// Of the last ten, which are read while the first are merged, one is the same as a first one and one corrects another.
#[test]
fn many_small_files_are_ingested_some_at_a_time() {
    let place = Place::new();
    let row = |tail: &str, day: u32, hours: &str| format!("tail,date,flight_hours\n{tail},2026-01-{day:02},{hours}\n");
    for number in 0..20_010 {
        let (day, tail) = (number / 2000 + 1, format!("EI-{number:05}"));
        let text = match number {
            20_005 => row("EI-00000", 1, "1.5"),
            20_006 => row("EI-00001", 1, "2.5"),
            _ => row(&tail, day, "1.5"),
        };
        place.deliver(&format!("utilization/2026-02-{day:02}/{tail}.csv"), text);
    }
    place.done(&["ingest", "utilization"]);
    let sums = "select count(*) as files, sum(rows_kept) as kept, sum(rows_replaced) as replaced,
                count(*) filter (where state = 'skipped') as skipped from ledger.ingested_file";
    let counted = place.rows(sums).remove(0);
    let counts = ["files", "kept", "replaced", "skipped"].map(|column| number(&counted, column));
    assert_eq!(counts, [20_010, 20_008, 1, 1]);
    let rows = "select count(distinct tail) as tails, count(*) as rows,
                count(*) filter (where tail = 'EI-00001' and flight_hours = 2.5) as corrected from source.utilization";
    let found = place.rows(rows).remove(0);
    assert_eq!(["tails", "rows", "corrected"].map(|column| number(&found, column)), [20_008, 20_008, 1]);
    // Twice: the first files, and the last ten.
    assert!(place.delta_actions("source.utilization", 1).iter().any(|action| action.get("add").is_some()));
}

/// An ingestion adds what it did to the manifest; now and then it is written anew, so that it never has many files.
#[test]
fn the_manifest_is_added_to_and_stays_few_files() {
    let place = Place::new();
    let deliver_and_ingest = |day: u64, hours: &str| {
        let text = format!("tail,date,flight_hours\nEI-AAA,2026-01-{day:02},{hours}\n");
        place.deliver(&format!("utilization/2026-01-{day:02}/hours.csv"), text);
        place.done(&["ingest", "utilization"]);
    };
    let files_of = |version: u64| {
        let actions = place.delta_actions("ledger.ingested_file", version);
        ["add", "remove"].map(|kind| actions.iter().filter(|action| action.get(kind).is_some()).count())
    };
    for day in 1..=10 {
        deliver_and_ingest(day, "1.5");
        assert_eq!(files_of(day - 1), if day == 9 { [1, 8] } else { [1, 0] }, "added and removed on day {day}");
    }
    // What the manifest says of a file may change.
    deliver_and_ingest(5, "2.25");
    assert_eq!(files_of(10), [1, 2]);
    let known = place.rows("select file, rows_in, rows_kept from ledger.ingested_file order by file");
    let names: Vec<String> = (1..=10).map(|day| format!("utilization/2026-01-{day:02}/hours.csv")).collect();
    assert_eq!(known.iter().map(|row| text(row, "file")).collect::<Vec<_>>(), names);
    assert!(known.iter().all(|row| (number(row, "rows_in"), number(row, "rows_kept")) == (1, 1)), "{known:?}");
    let corrected = "select count(*) as days from source.utilization where flight_hours = 2.25";
    assert_eq!(number(&place.rows(corrected)[0], "days"), 1);
}

/// By delivery day, not by the order of ingestion.
#[test]
fn of_two_corrections_the_one_delivered_last_stands() {
    let place = Place::new();
    let row = |hours: &str| format!("tail,date,flight_hours\nEI-AAA,2026-01-05,{hours}\n");
    place.deliver("utilization/2026-01-20/second.csv", row("2.5"));
    place.done(&["ingest"]);
    place.deliver("utilization/2026-01-10/first.csv", row("1.5"));
    place.done(&["ingest"]);
    place.deliver("utilization/2026-01-20/same-day-b.csv", row("3.5"));
    place.done(&["ingest"]);
    let standing = place.rows("select flight_hours, _file from source.utilization");
    let expected = serde_json::json!([{ "flight_hours": 2.5, "_file": "utilization/2026-01-20/second.csv" }]);
    assert_eq!(Value::from(standing.into_iter().map(Value::Object).collect::<Vec<_>>()), expected);
    let ledger = place.rows("select file, rows_kept, rows_replaced from ledger.ingested_file order by file");
    let counts: Vec<_> = ledger.iter().map(|row| (number(row, "rows_kept"), number(row, "rows_replaced"))).collect();
    assert_eq!(counts, [(0, 1), (0, 1), (1, 0)], "{ledger:?}");
}

#[test]
fn a_table_is_parted_anew_by_the_next_ingestion() {
    let place = Place::new();
    let catalog = place.folder().join("catalog");
    fs::create_dir_all(catalog.join("sources")).unwrap();
    let parted_by = |unit: &str| {
        let yaml = format!(
            "name: fuel\ndescription: Fuel uplifts.\nformat: csv\nkey: [id]\npartition: day\nunit: {unit}\ncolumns:\n  \
            - {{ name: id, type: integer, required: true }}\n  \
            - {{ name: day, type: date, required: true }}\n"
        );
        fs::write(catalog.join("sources/fuel.yaml"), yaml).unwrap();
    };
    let place = place.with_option("--catalog", catalog.to_str().unwrap());
    let days = || {
        let rows = place.rows("select id, cast(_day as varchar) as day from source.fuel order by id");
        rows.iter().map(|row| (number(row, "id"), text(row, "day").to_owned())).collect::<Vec<_>>()
    };
    let expected = |rows: &[(i64, &str)]| rows.iter().map(|(id, day)| (*id, (*day).to_owned())).collect::<Vec<_>>();

    parted_by("day");
    place.deliver("fuel/2026-01-09/a.csv", "id,day\n1,2026-01-05\n2,2026-01-06\n3,2026-02-01\n");
    place.done(&["ingest", "fuel"]);
    assert_eq!(partitions(&place, "source.fuel", 0, "_day").len(), 3);

    // One row moves from its month to another, and one is new.
    parted_by("month");
    assert_eq!(days(), expected(&[(1, "2026-01-05"), (2, "2026-01-06"), (3, "2026-02-01")]));
    place.deliver("fuel/2026-03-09/b.csv", "id,day\n1,2026-03-05\n4,2026-02-02\n");
    place.done(&["ingest", "fuel"]);
    let all = expected(&[(1, "2026-03-05"), (2, "2026-01-06"), (3, "2026-02-01"), (4, "2026-02-02")]);
    assert_eq!(days(), all);
    let months = place.rows("select distinct cast(_month as varchar) as month from source.fuel order by 1");
    let months: Vec<&str> = months.iter().map(|row| text(row, "month")).collect();
    assert_eq!(months, ["2026-01-01", "2026-02-01", "2026-03-01"]);
    let added = place.delta_actions("source.fuel", 1).into_iter().filter(|action| action["add"].is_object());
    assert_eq!(added.count(), 3, "a file each month");

    // The index was made anew too: it knows the months in which keys stand.
    place.deliver("fuel/2026-03-10/c.csv", "id,day\n3,2026-03-07\n");
    place.done(&["ingest", "fuel"]);
    let months = BTreeSet::from(["2026-02-01", "2026-03-01"].map(str::to_owned));
    assert_eq!(partitions(&place, "source.fuel", 2, "_month"), months);
    let all = expected(&[(1, "2026-03-05"), (2, "2026-01-06"), (3, "2026-03-07"), (4, "2026-02-02")]);
    assert_eq!(days(), all);
}

/// A file of `utilization` for whose day there is a correction too, and that day.
fn corrected_delivery(place: &Place) -> (PathBuf, String) {
    let folder = place.landing().join("utilization");
    let files = || fs::read_dir(&folder).unwrap().flat_map(|day| fs::read_dir(day.unwrap().path()).unwrap());
    let names: Vec<(PathBuf, String)> =
        files().map(|file| file.unwrap()).map(|file| (file.path(), file.file_name().into_string().unwrap())).collect();
    let correction = names.iter().map(|(_, name)| name).filter(|name| name.contains("-correction.")).min().unwrap();
    let original = correction.split("-correction").next().unwrap();
    let (path, _) = names.iter().find(|(_, name)| name.starts_with(&format!("{original}."))).unwrap();
    (path.clone(), original.trim_start_matches("utilization-").to_owned())
}

/// The version that a table reached in one commit.
fn next_version(before: &std::collections::BTreeMap<String, Value>, place: &Place, table: &str) -> u64 {
    let version = before[table]["version"].as_u64().unwrap() + 1;
    assert_eq!(place.tables()[table]["version"], version, "{table} was written once");
    version
}

/// The values of the partition column that a commit added files to or removed them from.
fn partitions(place: &Place, table: &str, version: u64, column: &str) -> BTreeSet<String> {
    let actions = place.delta_actions(table, version);
    let files = actions.iter().flat_map(|action| [&action["add"], &action["remove"]]).filter(|file| file.is_object());
    files.map(|file| file["partitionValues"][column].as_str().unwrap().to_owned()).collect()
}

fn without_nulls(row: Row) -> Row {
    row.into_iter().filter(|(_, value)| !value.is_null()).collect()
}
