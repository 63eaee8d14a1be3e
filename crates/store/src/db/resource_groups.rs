//! Resource groups.

use super::sql::{Select, number, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// A resource group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceGroup {
    /// `/subscriptions/{s}/resourceGroups/{name}`, as it came.
    pub id: String,
    /// The subscription's id, as it came.
    pub subscription: String,
    /// Its name, as it came.
    pub name: String,
    /// Its location.
    pub location: String,
    /// `Succeeded`, `Deleting`.
    pub state: String,
    /// What else is kept (tags, managedBy): JSON.
    pub body: String,
    /// Changes with every write.
    pub etag: String,
    /// When it was made, microseconds.
    pub created: i64,
    /// When it was changed last.
    pub updated: i64,
}

const COLUMNS: &str =
    "SELECT id, subscription_key, name, location, state, body, etag, created, updated FROM resource_groups";

/// Writes a group, over an older one of that id (its name's case and time of creation stay).
pub async fn put(tx: &mut Tx, group: &ResourceGroup) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO resource_groups (group_id_key, id, subscription_key, name, location, state, body, etag, created, updated) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (group_id_key) DO UPDATE SET \
         location = excluded.location, state = excluded.state, body = excluded.body, etag = excluded.etag, \
         updated = excluded.updated",
    )
    .bind(group.id.to_ascii_lowercase())
    .bind(group.id.as_str())
    .bind(group.subscription.to_ascii_lowercase())
    .bind(group.name.as_str())
    .bind(group.location.as_str())
    .bind(group.state.as_str())
    .bind(group.body.as_str())
    .bind(group.etag.as_str())
    .bind(group.created)
    .bind(group.updated);
    tx.run(statement).await.map(|_| ())
}

/// One group, by its id in any case.
pub async fn get<'a>(from: impl Into<Reader<'a>>, id: &str) -> Result<Option<ResourceGroup>> {
    let sql = format!("{COLUMNS} WHERE group_id_key = $1");
    let statement = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_ascii_lowercase());
    from.into().optional(statement).await?.as_ref().map(read).transpose()
}

/// Up to `limit` groups of a subscription by id, after the key `after`.
pub async fn list<'a>(
    from: impl Into<Reader<'a>>,
    subscription: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<ResourceGroup>> {
    let mut select = Select::new(
        "SELECT id, subscription_key, name, location, state, body, etag, created, updated FROM resource_groups WHERE 1 = 1",
    );
    select.and("subscription_key = ?", &subscription.to_ascii_lowercase());
    if let Some(after) = after {
        select.and("group_id_key > ?", &after.to_ascii_lowercase());
    }
    let rows = from.into().all(select.finish("ORDER BY group_id_key", limit)).await?;
    rows.iter().map(read).collect()
}

/// Deletes a group; whether it was there. What it holds is the caller's to delete before.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<bool> {
    let statement =
        sqlx::query("DELETE FROM resource_groups WHERE group_id_key = $1").bind(id.to_ascii_lowercase());
    Ok(tx.run(statement).await? == 1)
}

fn read(row: &AnyRow) -> Result<ResourceGroup> {
    Ok(ResourceGroup {
        id: text(row, "id")?,
        subscription: text(row, "subscription_key")?,
        name: text(row, "name")?,
        location: text(row, "location")?,
        state: text(row, "state")?,
        body: text(row, "body")?,
        etag: text(row, "etag")?,
        created: number(row, "created")?,
        updated: number(row, "updated")?,
    })
}
