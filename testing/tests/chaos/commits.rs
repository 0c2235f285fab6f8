//! The commits of the tables, as their Delta logs and the object store tell of them.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde_json::Value;

use crate::airline::{Airline, Ground};

/// A leader stops so long after it last prolonged its lease, by its own clock.
const LEADS: Duration = Duration::from_secs(9);

pub struct Commit {
    /// The object's name.
    entry: String,
    /// From when it was prepared, by the scheduler's clock, until it was stored, by the object store's.
    took: Duration,
}

/// By table, in no order. Tables that only the firing job writes are left out.
pub fn of(airline: &Airline, ground: &Ground) -> BTreeMap<String, Vec<Commit>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut commits: BTreeMap<String, Vec<Commit>> = BTreeMap::new();
    runtime.block_on(async {
        let warehouse = Path::from(ground.warehouse.as_str());
        let objects: Vec<ObjectMeta> = airline.s3.store.list(Some(&warehouse)).try_collect().await.unwrap();
        for object in objects {
            let entry = object.location.to_string();
            let Some((table, name)) = entry.split_once("/_delta_log/") else { continue };
            let table = table.trim_start_matches(warehouse.as_ref()).trim_start_matches('/').replace('/', ".");
            if !name.ends_with(".json") || table.starts_with("chaos.") {
                continue;
            }
            let bytes = airline.s3.store.get(&object.location).await.unwrap().bytes().await.unwrap();
            let took = object.last_modified.timestamp_millis() - prepared_at(&bytes);
            let took = Duration::from_millis(u64::try_from(took).unwrap_or(0));
            commits.entry(table).or_default().push(Commit { entry, took });
        }
    });
    commits
}

/// A leader that was frozen in the midst of a commit has not stored it when it woke up.
pub fn assert_none_is_stale(commits: &BTreeMap<String, Vec<Commit>>) {
    for commit in commits.values().flatten() {
        assert!(commit.took < LEADS, "{} was stored {:?} after it was prepared", commit.entry, commit.took);
    }
}

/// How many commits more there are of each table.
pub fn surplus(
    commits: &BTreeMap<String, Vec<Commit>>,
    expected: &BTreeMap<String, Vec<Commit>>,
) -> BTreeMap<String, usize> {
    let count = |of: &BTreeMap<String, Vec<Commit>>, table: &str| of.get(table).map_or(0, Vec::len);
    let more = |table: &String| count(commits, table).saturating_sub(count(expected, table));
    commits.keys().map(|table| (table.clone(), more(table))).filter(|(_, more)| *more > 0).collect()
}

/// Milliseconds since 1970.
fn prepared_at(entry: &[u8]) -> i64 {
    let actions = entry.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    actions.filter_map(|action| action["commitInfo"]["timestamp"].as_i64()).next().unwrap()
}
