//! How far runs have come, for lists that leave out their steps.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{AssertSqlSafe, query};

use super::database::placeholders;
use super::{Error, Ledger, Result, RunId, row};

const RUNS_MAX: usize = 1_000;

/// The sums over the steps of a run. Rows and bytes are those that were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub steps: u64,
    pub steps_ended: u64,
    pub rows: u64,
    pub bytes: u64,
}

impl Ledger {
    /// Of up to 1,000 runs; those without steps are left out.
    pub async fn tallies(&self, runs: &[RunId]) -> Result<BTreeMap<RunId, Tally>> {
        if runs.len() > RUNS_MAX {
            return Err(Error::invalid("runs", format!("expected at most {RUNS_MAX} of them, found {}", runs.len())));
        }
        if runs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let sql = format!(
            "select run_id, count(*) as steps,
                 sum(case when state in ('pending', 'running', 'backing_off') then 0 else 1 end) as steps_ended,
                 cast(sum(case when state = 'succeeded' then rows else 0 end) as bigint) as rows,
                 cast(sum(case when state = 'succeeded' then bytes else 0 end) as bigint) as bytes
             from step where run_id in {} group by run_id",
            placeholders(1, runs.len(), "")
        );
        let select = runs.iter().fold(query(AssertSqlSafe(sql)), |select, run| select.bind(run.to_string()));
        let mut tallies = BTreeMap::new();
        for row in self.database.rows(select).await? {
            let tally = Tally {
                steps: row::count(&row, "steps")?,
                steps_ended: row::count(&row, "steps_ended")?,
                rows: row::count(&row, "rows")?,
                bytes: row::count(&row, "bytes")?,
            };
            tallies.insert(row::text(&row, "run_id")?.parse()?, tally);
        }
        Ok(tallies)
    }
}
