//! People and programs that can sign in.

use super::sql::{number, text};
use crate::db::{Reader, Tx};
use crate::error::{Result, StoreError};
use sqlx::any::AnyRow;

/// A user or a service principal.
#[derive(Clone, PartialEq, Eq)]
pub struct Principal {
    /// Object id, a GUID in lower case.
    pub oid: String,
    /// `user` or `servicePrincipal`.
    pub kind: String,
    /// UPN, or the application (client) id; unique in any case.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Argon2id, as a PHC string.
    pub password_hash: String,
    /// May not sign in.
    pub disabled: bool,
    /// When it was made, microseconds.
    pub created: i64,
}

impl std::fmt::Debug for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Principal").field("oid", &self.oid).field("name", &self.name).finish_non_exhaustive()
    }
}

const COLUMNS: &str =
    "SELECT oid, kind, name, display_name, password_hash, disabled, created FROM principals";

/// Writes a new principal; [`StoreError::Conflict`] when its oid or its name is taken.
pub async fn insert(tx: &mut Tx, principal: &Principal) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO principals (oid, kind, name, name_key, display_name, password_hash, disabled, created, updated) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
    )
    .bind(principal.oid.as_str())
    .bind(principal.kind.as_str())
    .bind(principal.name.as_str())
    .bind(principal.name.to_lowercase())
    .bind(principal.display_name.as_str())
    .bind(principal.password_hash.as_str())
    .bind(i64::from(principal.disabled))
    .bind(principal.created);
    tx.run(statement).await.map(|_| ())
}

/// Replaces a principal's password hash.
pub async fn set_password(tx: &mut Tx, oid: &str, password_hash: &str, now: i64) -> Result<()> {
    let statement = sqlx::query("UPDATE principals SET password_hash = $2, updated = $3 WHERE oid = $1")
        .bind(oid)
        .bind(password_hash)
        .bind(now);
    match tx.run(statement).await? {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}

/// Replaces a principal's name for people.
pub async fn set_display_name(tx: &mut Tx, oid: &str, display_name: &str, now: i64) -> Result<()> {
    let statement = sqlx::query("UPDATE principals SET display_name = $2, updated = $3 WHERE oid = $1")
        .bind(oid)
        .bind(display_name)
        .bind(now);
    match tx.run(statement).await? {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}

/// Allows or forbids signing in.
pub async fn set_disabled(tx: &mut Tx, oid: &str, disabled: bool, now: i64) -> Result<()> {
    let statement = sqlx::query("UPDATE principals SET disabled = $2, updated = $3 WHERE oid = $1")
        .bind(oid)
        .bind(i64::from(disabled))
        .bind(now);
    match tx.run(statement).await? {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}

/// Deletes a principal with everything that it was given and its places in groups; whether it was there. Its object id is
/// never given again, so nothing of it can come back to somebody else.
pub async fn delete(tx: &mut Tx, oid: &str) -> Result<bool> {
    let oid = oid.to_lowercase();
    super::groups::leave_all(tx, &oid).await?;
    super::role_assignments::delete_of_principal(tx, &oid).await?;
    Ok(tx.run(sqlx::query("DELETE FROM principals WHERE oid = $1").bind(oid)).await? == 1)
}

/// By object id.
pub async fn get<'a>(from: impl Into<Reader<'a>>, oid: &str) -> Result<Option<Principal>> {
    let sql = format!("{COLUMNS} WHERE oid = $1");
    let statement = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(oid.to_lowercase());
    from.into().optional(statement).await?.as_ref().map(read).transpose()
}

/// By UPN or application id, in any case.
pub async fn by_name<'a>(from: impl Into<Reader<'a>>, name: &str) -> Result<Option<Principal>> {
    let sql = format!("{COLUMNS} WHERE name_key = $1");
    let statement = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(name.to_lowercase());
    from.into().optional(statement).await?.as_ref().map(read).transpose()
}

/// All of them, by name.
pub async fn list<'a>(from: impl Into<Reader<'a>>) -> Result<Vec<Principal>> {
    let sql = format!("{COLUMNS} ORDER BY name_key");
    let rows = from.into().all(sqlx::query(sqlx::AssertSqlSafe(sql))).await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Principal> {
    Ok(Principal {
        oid: text(row, "oid")?,
        kind: text(row, "kind")?,
        name: text(row, "name")?,
        display_name: text(row, "display_name")?,
        password_hash: text(row, "password_hash")?,
        disabled: number(row, "disabled")? != 0,
        created: number(row, "created")?,
    })
}
