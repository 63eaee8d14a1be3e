//! Who has which role where.

use super::sql::{Select, number, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// A role assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleAssignment {
    /// `{scope}/providers/Microsoft.Authorization/roleAssignments/{name}`, as it came.
    pub id: String,
    /// Its GUID.
    pub name: String,
    /// The scope's id, as it came; `/` is the tenant.
    pub scope: String,
    /// The role definition's GUID; kept in lower case.
    pub role: String,
    /// The principal's object id; kept in lower case.
    pub principal: String,
    /// `User` or `ServicePrincipal`.
    pub principal_type: String,
    /// What else is kept (description): JSON.
    pub body: String,
    /// When it was made, microseconds.
    pub created: i64,
    /// Who made it (object id).
    pub created_by: String,
}

const START: &str = "SELECT id, name, scope, role, principal, principal_type, body, created, created_by FROM role_assignments WHERE 1 = 1";

/// Writes a new assignment; [`crate::StoreError::Conflict`] when its id is taken or when the principal has that role at
/// that scope already.
pub async fn insert(tx: &mut Tx, assignment: &RoleAssignment) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO role_assignments (id_key, id, name, scope, scope_key, role, principal, principal_type, body, created, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(assignment.id.to_ascii_lowercase())
    .bind(assignment.id.as_str())
    .bind(assignment.name.as_str())
    .bind(assignment.scope.as_str())
    .bind(assignment.scope.to_ascii_lowercase())
    .bind(assignment.role.to_ascii_lowercase())
    .bind(assignment.principal.to_ascii_lowercase())
    .bind(assignment.principal_type.as_str())
    .bind(assignment.body.as_str())
    .bind(assignment.created)
    .bind(assignment.created_by.as_str());
    tx.run(statement).await.map(|_| ())
}

/// One assignment, by its id in any case.
pub async fn get<'a>(from: impl Into<Reader<'a>>, id: &str) -> Result<Option<RoleAssignment>> {
    let mut select = Select::new(START);
    select.and("id_key = ?", &id.to_ascii_lowercase());
    from.into().optional(select.finish("", 1)).await?.as_ref().map(read).transpose()
}

/// Everything that was given to a principal, anywhere.
pub async fn of_principal<'a>(from: impl Into<Reader<'a>>, principal: &str) -> Result<Vec<RoleAssignment>> {
    let mut select = Select::new(START);
    select.and("principal = ?", &principal.to_ascii_lowercase());
    let rows = from.into().all(select.finish("ORDER BY id_key", i64::MAX)).await?;
    rows.iter().map(read).collect()
}

/// Assignments at exactly this scope.
pub async fn at_scope<'a>(from: impl Into<Reader<'a>>, scope: &str) -> Result<Vec<RoleAssignment>> {
    let mut select = Select::new(START);
    select.and("scope_key = ?", &scope.to_ascii_lowercase());
    let rows = from.into().all(select.finish("ORDER BY id_key", i64::MAX)).await?;
    rows.iter().map(read).collect()
}

/// Assignments at scopes strictly below this one.
pub async fn below<'a>(from: impl Into<Reader<'a>>, scope: &str) -> Result<Vec<RoleAssignment>> {
    let (first, last) = super::sql::below(&scope.to_ascii_lowercase());
    let mut select = Select::new(START);
    select.and("scope_key >= ?", &first);
    select.and("scope_key < ?", &last);
    select.and("scope_key <> ?", "/");
    let rows = from.into().all(select.finish("ORDER BY id_key", i64::MAX)).await?;
    rows.iter().map(read).collect()
}

/// Every assignment.
pub async fn list<'a>(from: impl Into<Reader<'a>>) -> Result<Vec<RoleAssignment>> {
    let rows = from.into().all(Select::new(START).finish("ORDER BY id_key", i64::MAX)).await?;
    rows.iter().map(read).collect()
}

/// Deletes an assignment; whether it was there.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<bool> {
    let statement =
        sqlx::query("DELETE FROM role_assignments WHERE id_key = $1").bind(id.to_ascii_lowercase());
    Ok(tx.run(statement).await? == 1)
}

/// Deletes the assignments at a scope and below it; how many. For a group or a resource that is deleted.
pub async fn delete_at_and_below(tx: &mut Tx, scope: &str) -> Result<u64> {
    let scope = scope.to_ascii_lowercase();
    let (first, last) = super::sql::below(&scope);
    let statement = sqlx::query(
        "DELETE FROM role_assignments WHERE scope_key = $1 OR (scope_key >= $2 AND scope_key < $3)",
    )
    .bind(scope)
    .bind(first)
    .bind(last);
    tx.run(statement).await
}

fn read(row: &AnyRow) -> Result<RoleAssignment> {
    Ok(RoleAssignment {
        id: text(row, "id")?,
        name: text(row, "name")?,
        scope: text(row, "scope")?,
        role: text(row, "role")?,
        principal: text(row, "principal")?,
        principal_type: text(row, "principal_type")?,
        body: text(row, "body")?,
        created: number(row, "created")?,
        created_by: text(row, "created_by")?,
    })
}
