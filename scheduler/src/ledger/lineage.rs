//! Which steps made a table, and from what. What of it is still there, the table itself says.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::query;

use super::{Ledger, Result, RunId, TableVersion, row};

const PRODUCTIONS_MAX: u32 = 5_000;

/// A step of which rows may be in a version of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Production {
    pub run: RunId,
    pub step: String,
    /// That it committed.
    pub version: u64,
    /// When the step ended.
    pub committed_at: DateTime<Utc>,
    pub rows: u64,
    pub partitions: u64,
    pub files: u64,
    /// What it read, by table.
    pub inputs: Vec<TableVersion>,
}

/// Of a table, the steps that committed a version up to one, the newest first. A version whose writer was lost with its
/// scheduler is that of the first step that found it.
macro_rules! productions {
    () => {
        "select run_id, name, output_version, ended_at, rows, partitions, files
         from step
         where output_table = $1 and output_version <= $2 and ended_at is not null
           and (state = 'succeeded' or (
               state = 'up_to_date'
               and not exists (
                   select 1 from step as writer
                   where writer.output_table = step.output_table and writer.output_version = step.output_version
                     and writer.state = 'succeeded')
               and not exists (
                   select 1 from step as earlier
                   where earlier.output_table = step.output_table and earlier.output_version = step.output_version
                     and earlier.state = 'up_to_date'
                     and (earlier.ended_at, earlier.run_id) < (step.ended_at, step.run_id))))
         order by output_version desc, ended_at desc, run_id
         limit $3"
    };
}

impl Ledger {
    /// The version of a table that a run committed or found up to date; without a run, the latest.
    pub async fn version_of(&self, table: &str, run: Option<RunId>) -> Result<Option<u64>> {
        let select = query(
            "select output_version from step
             where output_table = $1 and state in ('succeeded', 'up_to_date') and run_id = coalesce($2, run_id)
             order by output_version desc limit 1",
        );
        let found = self.database.row(select.bind(table).bind(run.map(|run| run.to_string()))).await?;
        found.map_or(Ok(None), |found| row::optional_count(&found, "output_version"))
    }

    /// The steps whose rows may be in a table at a version, which is all that committed it up to then: the newest
    /// first, up to `limit` of them and 5,000. A version whose writer was lost with its scheduler is that of the first
    /// step that found it up to date.
    pub async fn productions(&self, table: &str, up_to_version: u64, limit: u32) -> Result<Vec<Production>> {
        let limit = i64::from(limit.min(PRODUCTIONS_MAX));
        let version = row::signed(up_to_version);
        let inputs = concat!(
            "select input.run_id, input.step_name, input.table_name, input.version
             from (",
            productions!(),
            ") as production
             join input on input.run_id = production.run_id and input.step_name = production.name
             order by input.table_name"
        );
        let mut session = self.database.snapshot().await?;
        let productions = session.rows(query(productions!()).bind(table).bind(version).bind(limit)).await?;
        let inputs = session.rows(query(inputs).bind(table).bind(version).bind(limit)).await?;
        session.commit().await?;
        let mut by_step: HashMap<(String, String), Vec<TableVersion>> = HashMap::new();
        for input in &inputs {
            let step = (row::text(input, "run_id")?, row::text(input, "step_name")?);
            by_step.entry(step).or_default().push(TableVersion::from_row(input)?);
        }
        productions.iter().map(|row| Production::from_row(row, &mut by_step)).collect()
    }
}

impl Production {
    fn from_row(row: &AnyRow, inputs: &mut HashMap<(String, String), Vec<TableVersion>>) -> Result<Self> {
        let (run, step) = (row::text(row, "run_id")?, row::text(row, "name")?);
        Ok(Self {
            version: row::count(row, "output_version")?,
            committed_at: row::instant(row, "ended_at")?,
            rows: row::count(row, "rows")?,
            partitions: row::count(row, "partitions")?,
            files: row::count(row, "files")?,
            inputs: inputs.remove(&(run.clone(), step.clone())).unwrap_or_default(),
            run: run.parse()?,
            step,
        })
    }
}
