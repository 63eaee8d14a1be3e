//! Custom roles. The built-in ones are code.

use super::sql::{number, text};
use crate::db::{Reader, Tx};
use crate::error::Result;

/// Writes a custom role, over an older one of that GUID; [`crate::StoreError::Conflict`] when another has its name.
pub async fn put(tx: &mut Tx, name: &str, role_name: &str, body: &str, now: i64) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO role_definitions (name_key, role_name_key, body, created, updated) VALUES ($1, $2, $3, $4, $4) \
         ON CONFLICT (name_key) DO UPDATE SET role_name_key = excluded.role_name_key, body = excluded.body, \
         updated = excluded.updated",
    )
    .bind(name.to_ascii_lowercase())
    .bind(role_name.to_lowercase())
    .bind(body)
    .bind(now);
    tx.run(statement).await.map(|_| ())
}

/// The bodies of all custom roles, by GUID.
pub async fn list<'a>(from: impl Into<Reader<'a>>) -> Result<Vec<String>> {
    let rows = from.into().all(sqlx::query("SELECT body FROM role_definitions ORDER BY name_key")).await?;
    rows.iter().map(|row| text(row, "body")).collect()
}

/// The body of one custom role, by its GUID in any case.
pub async fn get<'a>(from: impl Into<Reader<'a>>, name: &str) -> Result<Option<String>> {
    let statement =
        sqlx::query("SELECT body FROM role_definitions WHERE name_key = $1").bind(name.to_ascii_lowercase());
    from.into().optional(statement).await?.map(|row| text(&row, "body")).transpose()
}

/// How many custom roles there are.
pub async fn count<'a>(from: impl Into<Reader<'a>>) -> Result<i64> {
    let row = from.into().one(sqlx::query("SELECT COUNT(*) AS n FROM role_definitions")).await?;
    number(&row, "n")
}

/// Deletes a custom role; whether it was there.
pub async fn delete(tx: &mut Tx, name: &str) -> Result<bool> {
    let statement =
        sqlx::query("DELETE FROM role_definitions WHERE name_key = $1").bind(name.to_ascii_lowercase());
    Ok(tx.run(statement).await? == 1)
}
