//! Every resource with a provider, whatever its type: the id, where it hangs, and its body as JSON.

use super::sql::{Select, number, text};
use crate::db::{Reader, Tx};
use crate::error::{Result, StoreError};
use sqlx::any::AnyRow;

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The id, as it came first.
    pub id: String,
    /// The subscription's id; kept in lower case.
    pub subscription: String,
    /// The group's name; kept in lower case.
    pub group: String,
    /// `microsoft.compute/virtualmachines`; kept in lower case.
    pub resource_type: String,
    /// Its name, as it came.
    pub name: String,
    /// Its location.
    pub location: String,
    /// The document as it was put, server-only parts included: JSON.
    pub body: String,
    /// Changes with every write.
    pub etag: String,
    /// When it was made, microseconds.
    pub created: i64,
    /// When it was changed last.
    pub updated: i64,
}

const START: &str = "SELECT id, subscription_key, group_key, type_key, name, location, body, etag, created, updated FROM resources WHERE 1 = 1";

/// The advisory lock of whoever writes a resource after looking at others: its group, what it names, what names it
/// ("HLRESRCS").
const RESOURCE_ORDER: i64 = 0x484c_5245_5352_4353;

/// Waits for the right to write resources, and keeps it until the end of the transaction: what is looked at in between stays
/// as it is.
pub async fn lock(tx: &mut Tx) -> Result<()> {
    tx.lock(RESOURCE_ORDER).await
}

/// Writes a new resource; [`StoreError::Conflict`] when its id is taken. Roles that somebody had at an older resource of that
/// id are no roles at this one: they go.
pub async fn insert(tx: &mut Tx, resource: &Resource) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO resources (id_key, id, subscription_key, group_key, type_key, name, location, body, etag, created, updated) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(resource.id.to_ascii_lowercase())
    .bind(resource.id.as_str())
    .bind(resource.subscription.to_ascii_lowercase())
    .bind(resource.group.to_ascii_lowercase())
    .bind(resource.resource_type.to_ascii_lowercase())
    .bind(resource.name.as_str())
    .bind(resource.location.as_str())
    .bind(resource.body.as_str())
    .bind(resource.etag.as_str())
    .bind(resource.created)
    .bind(resource.updated);
    tx.run(statement).await?;
    super::role_assignments::delete_at_and_below(tx, &resource.id).await.map(|_| ())
}

/// Replaces location, body and etag of a resource whose etag is `expected`; [`StoreError::Conflict`] when it has another
/// one or is gone.
pub async fn update(tx: &mut Tx, resource: &Resource, expected: &str) -> Result<()> {
    let statement = sqlx::query(
        "UPDATE resources SET location = $2, body = $3, etag = $4, updated = $5 WHERE id_key = $1 AND etag = $6",
    )
    .bind(resource.id.to_ascii_lowercase())
    .bind(resource.location.as_str())
    .bind(resource.body.as_str())
    .bind(resource.etag.as_str())
    .bind(resource.updated)
    .bind(expected);
    match tx.run(statement).await? {
        1 => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}

/// One resource, by its id in any case.
pub async fn get<'a>(from: impl Into<Reader<'a>>, id: &str) -> Result<Option<Resource>> {
    let mut select = Select::new(START);
    select.and("id_key = ?", &id.to_ascii_lowercase());
    from.into().optional(select.finish("", 1)).await?.as_ref().map(read).transpose()
}

/// Which resources are wanted; texts in any case.
#[derive(Clone, Debug, Default)]
pub struct ResourceFilter<'f> {
    /// The subscription's id.
    pub subscription: &'f str,
    /// A group's name; none: all groups.
    pub group: Option<&'f str>,
    /// A type; none: all types.
    pub resource_type: Option<&'f str>,
    /// Only those whose id in lower case is greater: where the page before ended.
    pub after: Option<&'f str>,
}

/// Up to `limit` resources, by id.
pub async fn list<'a>(
    from: impl Into<Reader<'a>>,
    filter: &ResourceFilter<'_>,
    limit: i64,
) -> Result<Vec<Resource>> {
    let mut select = Select::new(START);
    select.and("subscription_key = ?", &filter.subscription.to_ascii_lowercase());
    if let Some(group) = filter.group {
        select.and("group_key = ?", &group.to_ascii_lowercase());
    }
    if let Some(resource_type) = filter.resource_type {
        select.and("type_key = ?", &resource_type.to_ascii_lowercase());
    }
    if let Some(after) = filter.after {
        select.and("id_key > ?", &after.to_ascii_lowercase());
    }
    let rows = from.into().all(select.finish("ORDER BY id_key", limit)).await?;
    rows.iter().map(read).collect()
}

/// The resources of a scale set's machines, by id.
pub async fn of_scale_set<'a>(from: impl Into<Reader<'a>>, set: &str) -> Result<Vec<Resource>> {
    let mut select = Select::new(START);
    let machines = "id_key IN (SELECT resource_key FROM vms WHERE scale_set_key = ?)";
    select.and(machines, &set.to_ascii_lowercase());
    let rows = from.into().all(select.finish("ORDER BY id_key", i64::MAX)).await?;
    rows.iter().map(read).collect()
}

/// Deletes a resource; whether it was there.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<bool> {
    let statement = sqlx::query("DELETE FROM resources WHERE id_key = $1").bind(id.to_ascii_lowercase());
    Ok(tx.run(statement).await? == 1)
}

/// Deletes every resource of a group, whatever its type; how many there were.
pub async fn delete_of_group(tx: &mut Tx, subscription: &str, group: &str) -> Result<u64> {
    let statement = sqlx::query("DELETE FROM resources WHERE subscription_key = $1 AND group_key = $2")
        .bind(subscription.to_ascii_lowercase())
        .bind(group.to_ascii_lowercase());
    tx.run(statement).await
}

fn read(row: &AnyRow) -> Result<Resource> {
    Ok(Resource {
        id: text(row, "id")?,
        subscription: text(row, "subscription_key")?,
        group: text(row, "group_key")?,
        resource_type: text(row, "type_key")?,
        name: text(row, "name")?,
        location: text(row, "location")?,
        body: text(row, "body")?,
        etag: text(row, "etag")?,
        created: number(row, "created")?,
        updated: number(row, "updated")?,
    })
}
