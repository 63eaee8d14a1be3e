//! Subscriptions.

use super::sql::{number, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its id, as it came.
    pub id: String,
    /// For people.
    pub display_name: String,
    /// `Enabled` or `Disabled`.
    pub state: String,
    /// What else is kept (tags): JSON.
    pub body: String,
    /// When it was made, microseconds.
    pub created: i64,
    /// When it was changed last.
    pub updated: i64,
}

const COLUMNS: &str = "SELECT id, display_name, state, body, created, updated FROM subscriptions";

/// Writes a subscription, over an older one of that id (its id and time of creation stay).
pub async fn put(tx: &mut Tx, subscription: &Subscription) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO subscriptions (id_key, id, display_name, state, body, created, updated) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id_key) DO UPDATE SET \
         display_name = excluded.display_name, state = excluded.state, body = excluded.body, updated = excluded.updated",
    )
    .bind(subscription.id.to_ascii_lowercase())
    .bind(subscription.id.as_str())
    .bind(subscription.display_name.as_str())
    .bind(subscription.state.as_str())
    .bind(subscription.body.as_str())
    .bind(subscription.created)
    .bind(subscription.updated);
    tx.run(statement).await.map(|_| ())
}

/// One subscription, by its id in any case.
pub async fn get<'a>(from: impl Into<Reader<'a>>, id: &str) -> Result<Option<Subscription>> {
    let sql = format!("{COLUMNS} WHERE id_key = $1");
    let statement = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_ascii_lowercase());
    from.into().optional(statement).await?.as_ref().map(read).transpose()
}

/// All of them, by id.
pub async fn list<'a>(from: impl Into<Reader<'a>>) -> Result<Vec<Subscription>> {
    let sql = format!("{COLUMNS} ORDER BY id_key");
    let rows = from.into().all(sqlx::query(sqlx::AssertSqlSafe(sql))).await?;
    rows.iter().map(read).collect()
}

/// Deletes a subscription; whether it was there. That it is empty is the caller's to check.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<bool> {
    let statement = sqlx::query("DELETE FROM subscriptions WHERE id_key = $1").bind(id.to_ascii_lowercase());
    Ok(tx.run(statement).await? == 1)
}

fn read(row: &AnyRow) -> Result<Subscription> {
    Ok(Subscription {
        id: text(row, "id")?,
        display_name: text(row, "display_name")?,
        state: text(row, "state")?,
        body: text(row, "body")?,
        created: number(row, "created")?,
        updated: number(row, "updated")?,
    })
}
