//! One run, and what belongs to it.

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::query;

use super::run::run_columns;
use super::step::{attempt_columns, step_columns};
use super::{Attempt, Ledger, Result, Run, RunId, Step, TableVersion, row};

const RUN: &str = concat!("select ", run_columns!(), " from run where id = $1");
const STEPS: &str = concat!("select ", step_columns!(), " from step where run_id = $1 order by position, name");
const ATTEMPTS: &str =
    concat!("select ", attempt_columns!(), " from attempt where run_id = $1 order by started_at, step_name, number");
const INPUTS: &str =
    "select step_name, table_name, version from input where run_id = $1 order by step_name, table_name";

/// A run and all that belongs to it, as of one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WholeRun {
    pub run: Run,
    /// In the order of their positions.
    pub steps: Vec<Step>,
    /// In the order in which they began.
    pub attempts: Vec<Attempt>,
    /// What was read, each with the name of the step that did, by step and table.
    pub inputs: Vec<(String, TableVersion)>,
}

impl Ledger {
    pub async fn get(&self, run: RunId) -> Result<Option<Run>> {
        self.database.row(query(RUN).bind(run.to_string())).await?.as_ref().map(Run::from_row).transpose()
    }

    pub async fn whole(&self, run: RunId) -> Result<Option<WholeRun>> {
        let id = run.to_string();
        let mut session = self.database.snapshot().await?;
        let Some(row) = session.row(query(RUN).bind(id.as_str())).await? else { return Ok(None) };
        let steps = session.rows(query(STEPS).bind(id.as_str())).await?;
        let attempts = session.rows(query(ATTEMPTS).bind(id.as_str())).await?;
        let inputs = session.rows(query(INPUTS).bind(id.as_str())).await?;
        session.commit().await?;
        Ok(Some(WholeRun {
            run: Run::from_row(&row)?,
            steps: steps.iter().map(Step::from_row).collect::<Result<_>>()?,
            attempts: attempts.iter().map(Attempt::from_row).collect::<Result<_>>()?,
            inputs: inputs.iter().map(input).collect::<Result<_>>()?,
        }))
    }

    /// In the order of their positions; none if there is no such run.
    pub async fn steps(&self, run: RunId) -> Result<Vec<Step>> {
        self.database.rows(query(STEPS).bind(run.to_string())).await?.iter().map(Step::from_row).collect()
    }

    /// In the order in which they began.
    pub async fn attempts(&self, run: RunId) -> Result<Vec<Attempt>> {
        self.database.rows(query(ATTEMPTS).bind(run.to_string())).await?.iter().map(Attempt::from_row).collect()
    }
}

fn input(row: &AnyRow) -> Result<(String, TableVersion)> {
    Ok((row::text(row, "step_name")?, TableVersion::from_row(row)?))
}
