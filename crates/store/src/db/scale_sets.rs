//! What a scale set keeps beside its document. Its machines are rows of [`super::vms`] that name it.

use super::sql::{number, text};
use crate::db::{Reader, Tx};
use crate::error::{Result, StoreError};
use sqlx::any::AnyRow;

/// The server's own part of a scale set. Not shown by `Debug`: it holds the hash of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct ScaleSetRow {
    /// The id of its resource in lower case.
    pub id_key: String,
    /// The id of its placement group, a GUID.
    pub unique_id: String,
    /// The number of the instance that is made next.
    pub next_instance: i64,
    /// `crypt(3)` of its instances' administrator's password; empty where there is none.
    pub admin_password_hash: String,
}

impl std::fmt::Debug for ScaleSetRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScaleSetRow")
            .field("id_key", &self.id_key)
            .field("next_instance", &self.next_instance)
            .finish_non_exhaustive()
    }
}

const SELECT: &str =
    "SELECT id_key, unique_id, next_instance, admin_password_hash FROM scale_sets WHERE id_key = $1";

/// Writes a new one.
pub async fn insert(tx: &mut Tx, set: &ScaleSetRow) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO scale_sets (id_key, unique_id, next_instance, admin_password_hash) VALUES ($1, $2, $3, $4)",
    )
    .bind(set.id_key.to_ascii_lowercase())
    .bind(set.unique_id.as_str())
    .bind(set.next_instance)
    .bind(set.admin_password_hash.as_str());
    tx.run(statement).await.map(|_| ())
}

/// By the id of its resource, in any case.
pub async fn get<'a>(from: impl Into<Reader<'a>>, id: &str) -> Result<Option<ScaleSetRow>> {
    let row = from.into().optional(sqlx::query(SELECT).bind(id.to_ascii_lowercase())).await?;
    row.as_ref().map(read).transpose()
}

/// Takes the numbers of `count` new instances; the first of them.
pub async fn count_on(tx: &mut Tx, id: &str, count: i64) -> Result<i64> {
    let id = id.to_ascii_lowercase();
    let raise = sqlx::query("UPDATE scale_sets SET next_instance = next_instance + $2 WHERE id_key = $1");
    if tx.run(raise.bind(id.as_str()).bind(count)).await? != 1 {
        return Err(StoreError::NotFound);
    }
    let row = Reader::Tx(tx).one(sqlx::query(SELECT).bind(id.as_str())).await?;
    Ok(number(&row, "next_instance")? - count)
}

/// Forgets one; whether it was known.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<bool> {
    let statement = sqlx::query("DELETE FROM scale_sets WHERE id_key = $1").bind(id.to_ascii_lowercase());
    Ok(tx.run(statement).await? == 1)
}

/// Forgets those whose id lies below `scope` (a group).
pub async fn delete_below(tx: &mut Tx, scope: &str) -> Result<u64> {
    let (first, last) = super::sql::below(&scope.to_ascii_lowercase());
    let statement =
        sqlx::query("DELETE FROM scale_sets WHERE id_key >= $1 AND id_key < $2").bind(first).bind(last);
    tx.run(statement).await
}

fn read(row: &AnyRow) -> Result<ScaleSetRow> {
    Ok(ScaleSetRow {
        id_key: text(row, "id_key")?,
        unique_id: text(row, "unique_id")?,
        next_instance: number(row, "next_instance")?,
        admin_password_hash: text(row, "admin_password_hash")?,
    })
}
