//! One run and what belongs to it, and who wrote a table.

use sqlx::query;

use super::run::run_columns;
use super::step::{attempt_columns, step_columns};
use super::{Attempt, Ledger, Result, Run, RunId, Step, TableVersion, row};

/// A version is written once, but may be found up to date by any number of runs.
const PRODUCERS_MAX: i64 = 100;

impl Ledger {
    pub async fn get(&self, run: RunId) -> Result<Option<Run>> {
        let select = concat!("select ", run_columns!(), " from run where id = $1");
        self.database.row(query(select).bind(run.to_string())).await?.as_ref().map(Run::from_row).transpose()
    }

    /// In the order of their positions; none if there is no such run.
    pub async fn steps(&self, run: RunId) -> Result<Vec<Step>> {
        let select = concat!("select ", step_columns!(), " from step where run_id = $1 order by position, name");
        self.database.rows(query(select).bind(run.to_string())).await?.iter().map(Step::from_row).collect()
    }

    /// In the order in which they began.
    pub async fn attempts(&self, run: RunId) -> Result<Vec<Attempt>> {
        let select = concat!(
            "select ",
            attempt_columns!(),
            " from attempt where run_id = $1 order by started_at, step_name, number"
        );
        self.database.rows(query(select).bind(run.to_string())).await?.iter().map(Attempt::from_row).collect()
    }

    /// What a step read, by table.
    pub async fn inputs(&self, run: RunId, step: &str) -> Result<Vec<TableVersion>> {
        let select = "select table_name, version from input where run_id = $1 and step_name = $2 order by table_name";
        let select = query(select).bind(run.to_string()).bind(step);
        self.database.rows(select).await?.iter().map(TableVersion::from_row).collect()
    }

    /// The steps that ended with this version of a table, or with its latest: the one that wrote it first, then those
    /// that found it up to date, the earliest first. If the one that wrote it was lost with its scheduler, the one
    /// that took over found it up to date.
    pub async fn producers(&self, table: &str, version: Option<u64>) -> Result<Vec<Step>> {
        let select = concat!(
            "select ",
            step_columns!(),
            " from step
             where output_table = $1
               and state in ('succeeded', 'up_to_date')
               and output_version = coalesce($2, (
                   select max(output_version) from step
                   where output_table = $1 and state in ('succeeded', 'up_to_date')))
             order by case state when 'succeeded' then 0 else 1 end, ended_at, run_id
             limit $3"
        );
        let select = query(select).bind(table).bind(version.map(row::signed)).bind(PRODUCERS_MAX);
        self.database.rows(select).await?.iter().map(Step::from_row).collect()
    }
}
