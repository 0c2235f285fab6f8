//! What the database already has: tables and their publications. Only reads.

use sqlx::postgres::PgConnection;
use sqlx::{Row, query, query_scalar};

use super::Publication;
use super::layout::Layout;
use super::migrate::{Existing, ExistingColumn};

/// The published table, if there is one. Anything else of that name (a view, say) counts as none, and PostgreSQL
/// then refuses to create the table.
pub async fn existing(connection: &mut PgConnection, layout: &Layout<'_>) -> Result<Option<Existing>, sqlx::Error> {
    let table = query(
        "select c.oid::int8 as oid, coalesce(obj_description(c.oid, 'pg_class'), '') as comment
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')",
    )
    .bind(&layout.table.schema)
    .bind(&layout.table.name)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(table) = table else { return Ok(None) };
    let oid: i64 = table.try_get("oid")?;
    Ok(Some(Existing {
        oid,
        comment: table.try_get("comment")?,
        columns: columns(connection, oid).await?,
        key: key(connection, oid, &layout.key_name()).await?,
    }))
}

async fn columns(connection: &mut PgConnection, oid: i64) -> Result<Vec<ExistingColumn>, sqlx::Error> {
    let rows = query(
        "select attname::text as name, format_type(atttypid, atttypmod) as sql,
                coalesce(col_description(attrelid, attnum), '') as comment
         from pg_catalog.pg_attribute
         where attrelid = $1::int8::oid and attnum > 0 and not attisdropped
         order by attnum",
    )
    .bind(oid)
    .fetch_all(connection)
    .await?;
    let column = |row: sqlx::postgres::PgRow| {
        Ok(ExistingColumn { name: row.try_get("name")?, sql: row.try_get("sql")?, comment: row.try_get("comment")? })
    };
    rows.into_iter().map(column).collect()
}

async fn key(connection: &mut PgConnection, oid: i64, name: &str) -> Result<Vec<String>, sqlx::Error> {
    query_scalar(
        "select a.attname::text
         from pg_catalog.pg_index i
         join pg_catalog.pg_class c on c.oid = i.indexrelid
         cross join unnest(i.indkey::int2[]) with ordinality as k (attnum, position)
         join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
         where i.indrelid = $1::int8::oid and c.relname = $2 and i.indisunique
         order by k.position",
    )
    .bind(oid)
    .bind(name)
    .fetch_all(connection)
    .await
}

/// The rows that the range's last publication brought, where it was this one and nothing has touched the range since:
/// no publication of a range that overlaps it, and no new table in place of the one published into.
pub async fn already_published(
    connection: &mut PgConnection,
    layout: &Layout<'_>,
    oid: i64,
    publication: &Publication,
) -> Result<Option<i64>, sqlx::Error> {
    let (from, to) = layout.range();
    query_scalar(
        "select rows from (
             select * from ledger.publication
             where schema_name = $1 and table_name = $2
               and (replaced_from is null or $4::text is null
                    or (replaced_from < $4::text::date and replaced_to > $3::text::date))
             order by publication_id desc
             limit 1
         ) as last
         where replaced_from is not distinct from $3::text::date
           and replaced_to is not distinct from $4::text::date
           and fingerprint = $5 and table_oid = $6::int8::oid",
    )
    .bind(&layout.table.schema)
    .bind(&layout.table.name)
    .bind(from)
    .bind(to)
    .bind(&publication.fingerprint)
    .bind(oid)
    .fetch_optional(connection)
    .await
}

/// The schema of TimescaleDB's functions, where the extension is installed in this database.
pub async fn timescale(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    query_scalar(
        "select n.nspname::text
         from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
         where e.extname = 'timescaledb'",
    )
    .fetch_optional(connection)
    .await
}

pub async fn is_hypertable(connection: &mut PgConnection, layout: &Layout<'_>) -> Result<bool, sqlx::Error> {
    query_scalar(
        "select exists (
             select 1 from timescaledb_information.hypertables
             where hypertable_schema::text = $1 and hypertable_name::text = $2
         )",
    )
    .bind(&layout.table.schema)
    .bind(&layout.table.name)
    .fetch_one(connection)
    .await
}
