//! Runs by the page, newest first.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, query};

use super::instant::micros;
use super::run::run_columns;
use super::{BackfillId, Error, Ledger, Result, Run, RunId, RunState};

const PAGE_SIZE_MAX: u32 = 1_000;

/// What is left out does not restrict. `since` is included, `until` is not; both are of the submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    pub job: Option<String>,
    pub states: Vec<RunState>,
    pub submitted_by: Option<String>,
    pub backfill: Option<BackfillId>,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub runs: Vec<Run>,
    /// None if there are no more.
    pub next: Option<PageToken>,
}

/// Where a page ended. It names a run and not a number of runs, so that new ones neither repeat nor hide any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageToken {
    submitted_at: i64,
    id: RunId,
}

impl Ledger {
    /// Up to `page_size` runs, at most 1,000, behind those of the page before.
    pub async fn list(&self, filter: &RunFilter, page_size: u32, after: Option<PageToken>) -> Result<Page> {
        if page_size == 0 {
            return Err(Error::invalid("page size", "expected 1 or more"));
        }
        let size = page_size.min(PAGE_SIZE_MAX);
        let (sql, values) = select(filter, size, after);
        let statement = values.into_iter().fold(query(AssertSqlSafe(sql)), |statement, value| match value {
            Value::Text(text) => statement.bind(text),
            Value::Number(number) => statement.bind(number),
        });
        let rows = self.database.rows(statement).await?;
        let mut runs: Vec<Run> = rows.iter().map(Run::from_row).collect::<Result<_>>()?;
        let is_more = runs.len() > size as usize;
        runs.truncate(size as usize);
        let next = runs.last().filter(|_| is_more).map(PageToken::after);
        Ok(Page { runs, next })
    }
}

enum Value {
    Text(String),
    Number(i64),
}

/// Only the conditions that there are, so that an index can serve them. One run more than the page tells whether
/// there is another page.
fn select(filter: &RunFilter, size: u32, after: Option<PageToken>) -> (String, Vec<Value>) {
    let mut values = Vec::new();
    let mut parameter = |value| {
        values.push(value);
        format!("${}", values.len())
    };
    let mut conditions = Vec::new();
    if let Some(job) = &filter.job {
        conditions.push(format!("job = {}", parameter(Value::Text(job.clone()))));
    }
    if let Some(submitter) = &filter.submitted_by {
        conditions.push(format!("submitted_by = {}", parameter(Value::Text(submitter.clone()))));
    }
    if let Some(backfill) = &filter.backfill {
        conditions.push(format!("backfill = {}", parameter(Value::Text(backfill.to_string()))));
    }
    if !filter.states.is_empty() {
        let states: Vec<String> =
            filter.states.iter().map(|state| parameter(Value::Text(state.as_str().to_owned()))).collect();
        conditions.push(format!("state in ({})", states.join(", ")));
    }
    if let Some(since) = filter.since {
        conditions.push(format!("submitted_at >= {}", parameter(Value::Number(micros(since)))));
    }
    if let Some(until) = filter.until {
        conditions.push(format!("submitted_at < {}", parameter(Value::Number(micros(until)))));
    }
    if let Some(PageToken { submitted_at, id }) = after {
        let (at, id) = (parameter(Value::Number(submitted_at)), parameter(Value::Text(id.to_string())));
        conditions.push(format!("(submitted_at, id) < ({at}, {id})"));
    }
    let restriction = match conditions.is_empty() {
        true => String::new(),
        false => format!("where {}", conditions.join(" and ")),
    };
    let limit = parameter(Value::Number(i64::from(size) + 1));
    let columns = run_columns!();
    (format!("select {columns} from run {restriction} order by submitted_at desc, id desc limit {limit}"), values)
}

impl PageToken {
    fn after(run: &Run) -> Self {
        Self { submitted_at: micros(run.submitted_at), id: run.id }
    }
}

/// For clients, who give it back as it is.
impl fmt::Display for PageToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.submitted_at, self.id)
    }
}

impl FromStr for PageToken {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = text.split_once('.').and_then(|(submitted_at, id)| {
            Some(Self { submitted_at: submitted_at.parse().ok()?, id: id.parse().ok()? })
        });
        parsed.ok_or_else(|| Error::invalid("page token", "expected the one that came with the page before"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SQLite's planner decides by the shape of the query alone, and says what it does.
    #[tokio::test]
    async fn each_filter_is_served_in_order_by_its_index() {
        let ledger = Ledger::open("sqlite::memory:").await.unwrap();
        let (all, name, now) = (RunFilter::default, || Some("x".to_owned()), Some(DateTime::UNIX_EPOCH));
        let after = Some(PageToken { submitted_at: 1, id: RunId::new(DateTime::UNIX_EPOCH) });
        for (filter, index) in [
            (all(), "run_newest"),
            (RunFilter { since: now, until: now, ..all() }, "run_newest"),
            (RunFilter { job: name(), ..all() }, "run_job"),
            (RunFilter { job: name(), since: now, ..all() }, "run_job"),
            (RunFilter { submitted_by: name(), ..all() }, "run_submitter"),
            (RunFilter { backfill: Some(BackfillId::new(DateTime::UNIX_EPOCH)), ..all() }, "run_backfill"),
            (RunFilter { states: vec![RunState::Failed], ..all() }, "run_state"),
        ] {
            let (sql, values) = select(&filter, 50, after);
            let statement = values.into_iter().fold(
                query(AssertSqlSafe(format!("explain query plan {sql}"))),
                |statement, value| match value {
                    Value::Text(text) => statement.bind(text),
                    Value::Number(number) => statement.bind(number),
                },
            );
            let plan = ledger.database.rows(statement).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| super::super::row::text(row, "detail").unwrap()).collect();
            assert!(plan.len() == 1 && plan[0].contains(&format!("USING INDEX {index} ")), "{filter:?}: {plan:?}");
        }
    }

    #[test]
    fn a_token_survives_its_text() {
        let token = PageToken { submitted_at: 1_790_000_000_123_456, id: RunId::new(DateTime::UNIX_EPOCH) };
        assert_eq!(token.to_string().parse::<PageToken>().unwrap(), token);
        for text in ["", "1", "1.x", "x.0198c2b4-7a00-7000-8000-000000000000"] {
            assert!(matches!(text.parse::<PageToken>(), Err(Error::Invalid { .. })), "{text}");
        }
    }
}
