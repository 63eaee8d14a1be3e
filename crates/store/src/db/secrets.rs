//! The server's own keys, by name. They are made at the first start and never leave the server.

use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::Row as _;

/// The secret `name`, if it was made.
pub async fn get<'a>(from: impl Into<Reader<'a>>, name: &str) -> Result<Option<Vec<u8>>> {
    let statement = sqlx::query("SELECT value FROM secrets WHERE name = $1").bind(name);
    match from.into().optional(statement).await? {
        Some(row) => Ok(Some(row.try_get("value")?)),
        None => Ok(None),
    }
}

/// Keeps `value` under `name` unless there is one already; the one that counts from now on. Two servers that start at
/// the same time on one database end with the same key.
pub async fn get_or_insert(tx: &mut Tx, name: &str, value: &[u8], now: i64) -> Result<Vec<u8>> {
    let statement = sqlx::query(
        "INSERT INTO secrets (name, value, created) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
    )
    .bind(name)
    .bind(value)
    .bind(now);
    tx.run(statement).await?;
    get(tx, name).await?.ok_or(crate::StoreError::NotFound)
}

/// Replaces the secret `name` (key rotation).
pub async fn put(tx: &mut Tx, name: &str, value: &[u8], now: i64) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO secrets (name, value, created) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, created = excluded.created",
    )
    .bind(name)
    .bind(value)
    .bind(now);
    tx.run(statement).await.map(|_| ())
}
