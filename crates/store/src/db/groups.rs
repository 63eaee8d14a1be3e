//! Groups of principals. A group may hold groups; what a group was given counts for everybody in it, however deep.

use super::sql::{Select, number, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Object id, a GUID in lower case.
    pub oid: String,
    /// Its name; unique in any case.
    pub name: String,
    /// For people.
    pub description: String,
    /// When it was made, microseconds.
    pub created: i64,
}

/// Somebody, or a group, in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The member's object id.
    pub oid: String,
    /// `User`, `ServicePrincipal` or `Group`.
    pub member_type: String,
    /// Since when, microseconds.
    pub added: i64,
}

const START: &str = "SELECT oid, name, description, created FROM directory_groups WHERE 1 = 1";

/// Writes a new group; [`crate::StoreError::Conflict`] when its oid or its name is taken.
pub async fn insert(tx: &mut Tx, group: &Group) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO directory_groups (oid, name, name_key, description, created, updated) VALUES ($1, $2, $3, $4, $5, $5)",
    )
    .bind(group.oid.to_ascii_lowercase())
    .bind(group.name.as_str())
    .bind(group.name.to_lowercase())
    .bind(group.description.as_str())
    .bind(group.created);
    tx.run(statement).await.map(|_| ())
}

/// By object id.
pub async fn get<'a>(from: impl Into<Reader<'a>>, oid: &str) -> Result<Option<Group>> {
    let mut select = Select::new(START);
    select.and("oid = ?", &oid.to_ascii_lowercase());
    from.into().optional(select.finish("", 1)).await?.as_ref().map(read).transpose()
}

/// By name, in any case.
pub async fn by_name<'a>(from: impl Into<Reader<'a>>, name: &str) -> Result<Option<Group>> {
    let mut select = Select::new(START);
    select.and("name_key = ?", &name.to_lowercase());
    from.into().optional(select.finish("", 1)).await?.as_ref().map(read).transpose()
}

/// Up to `limit` groups by name, after the name `after`.
pub async fn list<'a>(from: impl Into<Reader<'a>>, after: Option<&str>, limit: i64) -> Result<Vec<Group>> {
    let mut select = Select::new(START);
    if let Some(after) = after {
        select.and("name_key > ?", &after.to_lowercase());
    }
    let rows = from.into().all(select.finish("ORDER BY name_key", limit)).await?;
    rows.iter().map(read).collect()
}

/// Replaces a group's description; whether it was there.
pub async fn set_description(tx: &mut Tx, oid: &str, description: &str, now: i64) -> Result<bool> {
    let statement = sqlx::query("UPDATE directory_groups SET description = $2, updated = $3 WHERE oid = $1")
        .bind(oid.to_ascii_lowercase())
        .bind(description)
        .bind(now);
    Ok(tx.run(statement).await? == 1)
}

/// Deletes a group with its memberships, both ways; whether it was there. What it was given is the caller's to take.
pub async fn delete(tx: &mut Tx, oid: &str) -> Result<bool> {
    let oid = oid.to_ascii_lowercase();
    leave_all(tx, &oid).await?;
    tx.run(sqlx::query("DELETE FROM group_members WHERE group_oid = $1").bind(oid.as_str())).await?;
    Ok(tx.run(sqlx::query("DELETE FROM directory_groups WHERE oid = $1").bind(oid)).await? == 1)
}

/// Puts a member into a group; whether it was not in it before. That both exist, and that no group comes to hold itself,
/// is the caller's to check ([`holds`]).
pub async fn add_member(tx: &mut Tx, group: &str, member: &Member) -> Result<bool> {
    let statement = sqlx::query(
        "INSERT INTO group_members (group_oid, member_oid, member_type, added) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (group_oid, member_oid) DO NOTHING",
    )
    .bind(group.to_ascii_lowercase())
    .bind(member.oid.to_ascii_lowercase())
    .bind(member.member_type.as_str())
    .bind(member.added);
    Ok(tx.run(statement).await? == 1)
}

/// Takes a member out of a group; whether it was in it.
pub async fn remove_member(tx: &mut Tx, group: &str, member: &str) -> Result<bool> {
    let statement = sqlx::query("DELETE FROM group_members WHERE group_oid = $1 AND member_oid = $2")
        .bind(group.to_ascii_lowercase())
        .bind(member.to_ascii_lowercase());
    Ok(tx.run(statement).await? == 1)
}

/// Takes a principal (or a group) out of every group; how many.
pub async fn leave_all(tx: &mut Tx, member: &str) -> Result<u64> {
    let statement =
        sqlx::query("DELETE FROM group_members WHERE member_oid = $1").bind(member.to_ascii_lowercase());
    tx.run(statement).await
}

/// Who is directly in a group, by object id.
pub async fn members<'a>(from: impl Into<Reader<'a>>, group: &str) -> Result<Vec<Member>> {
    let statement = sqlx::query(
        "SELECT member_oid, member_type, added FROM group_members WHERE group_oid = $1 ORDER BY member_oid",
    )
    .bind(group.to_ascii_lowercase());
    let rows = from.into().all(statement).await?;
    let member = |row: &AnyRow| {
        Ok(Member {
            oid: text(row, "member_oid")?,
            member_type: text(row, "member_type")?,
            added: number(row, "added")?,
        })
    };
    rows.iter().map(member).collect()
}

/// The object ids of all groups that a principal or a group is in, directly or through other groups.
pub async fn of_member<'a>(from: impl Into<Reader<'a>>, member: &str) -> Result<Vec<String>> {
    // UNION drops what is there already, so a circle ends.
    let statement = sqlx::query(
        "WITH RECURSIVE mine(oid) AS (SELECT group_oid FROM group_members WHERE member_oid = $1 \
         UNION SELECT m.group_oid FROM group_members m JOIN mine ON m.member_oid = mine.oid) \
         SELECT oid FROM mine ORDER BY oid",
    )
    .bind(member.to_ascii_lowercase());
    let rows = from.into().all(statement).await?;
    rows.iter().map(|row| text(row, "oid")).collect()
}

/// Whether `group` is `member`, or holds it at any depth.
pub async fn holds<'a>(from: impl Into<Reader<'a>>, group: &str, member: &str) -> Result<bool> {
    let group = group.to_ascii_lowercase();
    Ok(group == member.to_ascii_lowercase() || of_member(from, member).await?.contains(&group))
}

fn read(row: &AnyRow) -> Result<Group> {
    Ok(Group {
        oid: text(row, "oid")?,
        name: text(row, "name")?,
        description: text(row, "description")?,
        created: number(row, "created")?,
    })
}
