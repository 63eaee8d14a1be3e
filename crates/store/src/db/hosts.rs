//! The hosts that have ever connected.

use super::sql::{number, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its id, stable over restarts.
    pub host_id: String,
    /// Its name.
    pub name: String,
    /// What it said of itself last: JSON.
    pub body: String,
    /// When it connected first, microseconds.
    pub first_seen: i64,
    /// When it connected last.
    pub last_seen: i64,
}

const COLUMNS: &str = "SELECT host_id, name, body, first_seen, last_seen FROM hosts";

/// Writes a host, over what was known of it (the time of the first connection stays).
pub async fn put(tx: &mut Tx, host: &Host) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO hosts (host_id, name, body, first_seen, last_seen) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (host_id) DO UPDATE SET name = excluded.name, body = excluded.body, last_seen = excluded.last_seen",
    )
    .bind(host.host_id.as_str())
    .bind(host.name.as_str())
    .bind(host.body.as_str())
    .bind(host.first_seen)
    .bind(host.last_seen);
    tx.run(statement).await.map(|_| ())
}

/// One host.
pub async fn get<'a>(from: impl Into<Reader<'a>>, host_id: &str) -> Result<Option<Host>> {
    let sql = format!("{COLUMNS} WHERE host_id = $1");
    let statement = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(host_id);
    from.into().optional(statement).await?.as_ref().map(read).transpose()
}

/// All of them, by name.
pub async fn list<'a>(from: impl Into<Reader<'a>>) -> Result<Vec<Host>> {
    let sql = format!("{COLUMNS} ORDER BY name, host_id");
    let rows = from.into().all(sqlx::query(sqlx::AssertSqlSafe(sql))).await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Host> {
    Ok(Host {
        host_id: text(row, "host_id")?,
        name: text(row, "name")?,
        body: text(row, "body")?,
        first_seen: number(row, "first_seen")?,
        last_seen: number(row, "last_seen")?,
    })
}
