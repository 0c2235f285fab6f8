//! Idempotency keys: one namespace of a submitter, for runs and backfills.

use sqlx::query;

use super::database::Session;
use super::{Error, Result, row};

/// The id of the run or backfill that an earlier request with the same key made, if that was for the same.
pub(super) async fn find(
    session: &mut Session<'_>,
    submitted_by: &str,
    key: &str,
    digest: &str,
) -> Result<Option<String>> {
    let earlier = "select 'run' as kind, id, request_digest from run where submitted_by = $1 and idempotency_key = $2
                   union all
                   select 'backfill', id, request_digest from backfill
                   where submitted_by = $1 and idempotency_key = $2";
    let Some(earlier) = session.row(query(earlier).bind(submitted_by).bind(key)).await? else { return Ok(None) };
    let id = row::text(&earlier, "id")?;
    if row::text(&earlier, "request_digest")? == digest {
        return Ok(Some(id));
    }
    let kind = row::text(&earlier, "kind")?;
    let problem = format!("{kind} {id} was submitted with it for another request; use a new key");
    Err(Error::conflict(format!("idempotency key {key:?}"), problem))
}
