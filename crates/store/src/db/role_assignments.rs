//! Who has which role where.

use super::sql::{Select, number, optional_text, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::AssertSqlSafe;
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
    /// `User`, `ServicePrincipal` or `Group`.
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

/// Everything that was given to a principal itself, anywhere.
pub async fn of_principal<'a>(from: impl Into<Reader<'a>>, principal: &str) -> Result<Vec<RoleAssignment>> {
    let mut select = Select::new(START);
    select.and("principal = ?", &principal.to_ascii_lowercase());
    let rows = from.into().all(select.finish("ORDER BY id_key", i64::MAX)).await?;
    rows.iter().map(read).collect()
}

/// An assignment that counts for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The assignment: the principal's own, or that of a group which holds it.
    pub assignment: RoleAssignment,
    /// The body of the role, when it is a custom one.
    pub custom_role: Option<String>,
}

/// Everything that counts for a principal: what it was given itself, and what the groups were given that it is in, however
/// deep. Nothing for a principal that is disabled. One statement, because every request asks.
pub async fn granted<'a>(from: impl Into<Reader<'a>>, principal: &str) -> Result<Vec<Granted>> {
    let statement = sqlx::query(
        "WITH RECURSIVE mine(oid) AS (SELECT group_oid FROM group_members WHERE member_oid = $1 \
         UNION SELECT m.group_oid FROM group_members m JOIN mine ON m.member_oid = mine.oid) \
         SELECT a.id, a.name, a.scope, a.role, a.principal, a.principal_type, a.body, a.created, a.created_by, \
         d.body AS custom_role \
         FROM role_assignments a LEFT JOIN role_definitions d ON d.name_key = a.role \
         WHERE (a.principal = $1 OR a.principal IN (SELECT oid FROM mine)) \
         AND NOT EXISTS (SELECT 1 FROM principals p WHERE p.oid = $1 AND p.disabled <> 0) ORDER BY a.id_key",
    )
    .bind(principal.to_ascii_lowercase());
    let rows = from.into().all(statement).await?;
    let granted = |row: &AnyRow| {
        Ok(Granted { assignment: read(row)?, custom_role: optional_text(row, "custom_role")? })
    };
    rows.iter().map(granted).collect()
}

/// Which assignments are wanted; all conditions hold. Texts in any case.
#[derive(Clone, Debug, Default)]
pub struct AssignmentFilter {
    /// At exactly one of these scopes, or below `below`; with neither, anywhere.
    pub at: Vec<String>,
    /// At scopes strictly below this one.
    pub below: Option<String>,
    /// Given to one of these.
    pub principals: Option<Vec<String>>,
    /// Of this role.
    pub role: Option<String>,
    /// Only those whose id in lower case is greater: where the page before ended.
    pub after: Option<String>,
}

/// Up to `limit` assignments, by id.
pub async fn search<'a>(
    from: impl Into<Reader<'a>>,
    filter: &AssignmentFilter,
    limit: i64,
) -> Result<Vec<RoleAssignment>> {
    let mut sql = START.to_owned();
    let mut values = Vec::new();
    let mut place = |value: &str| {
        values.push(value.to_ascii_lowercase());
        format!("${}", values.len())
    };
    let mut places = Vec::new();
    if !filter.at.is_empty() {
        let list: Vec<_> = filter.at.iter().map(|scope| place(scope)).collect();
        places.push(format!("scope_key IN ({})", list.join(", ")));
    }
    if let Some(scope) = &filter.below {
        let (first, last) = super::sql::below(&scope.to_ascii_lowercase());
        places.push(format!(
            "(scope_key >= {} AND scope_key < {} AND scope_key <> '/')",
            place(&first),
            place(&last)
        ));
    }
    if !places.is_empty() {
        sql.push_str(&format!(" AND ({})", places.join(" OR ")));
    }
    if let Some(principals) = &filter.principals {
        // Nobody: `IN ()` is not SQL.
        let list: Vec<_> = principals.iter().map(|oid| place(oid)).collect();
        let list = if list.is_empty() { "NULL".to_owned() } else { list.join(", ") };
        sql.push_str(&format!(" AND principal IN ({list})"));
    }
    if let Some(role) = &filter.role {
        sql.push_str(&format!(" AND role = {}", place(role)));
    }
    if let Some(after) = &filter.after {
        sql.push_str(&format!(" AND id_key > {}", place(after)));
    }
    sql.push_str(&format!(" ORDER BY id_key LIMIT ${}", values.len() + 1));
    let statement = values.iter().fold(sqlx::query(AssertSqlSafe(sql)), |s, value| s.bind(value.as_str()));
    let rows = from.into().all(statement.bind(limit)).await?;
    rows.iter().map(read).collect()
}

/// Replaces what else is kept with an assignment; whether it was there.
pub async fn set_body(tx: &mut Tx, id: &str, body: &str) -> Result<bool> {
    let statement = sqlx::query("UPDATE role_assignments SET body = $2 WHERE id_key = $1")
        .bind(id.to_ascii_lowercase())
        .bind(body);
    Ok(tx.run(statement).await? == 1)
}

/// Deletes an assignment; whether it was there.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<bool> {
    let statement =
        sqlx::query("DELETE FROM role_assignments WHERE id_key = $1").bind(id.to_ascii_lowercase());
    Ok(tx.run(statement).await? == 1)
}

/// Deletes everything that was given to a principal; how many.
pub async fn delete_of_principal(tx: &mut Tx, principal: &str) -> Result<u64> {
    let statement =
        sqlx::query("DELETE FROM role_assignments WHERE principal = $1").bind(principal.to_ascii_lowercase());
    tx.run(statement).await
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
