//! Console sessions: made by connect, used once. The id is a secret; only its hash is here.

use super::sql::{number, optional_number, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// A console session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleSession {
    /// SHA-256 of the session's id, hex.
    pub id_hash: String,
    /// The port's resource id, as it came.
    pub resource: String,
    /// The VM.
    pub vm_id: String,
    /// The port's number.
    pub port: i64,
    /// The object id of the caller that connect was answered to.
    pub caller: String,
    /// `write` or `view`.
    pub mode: String,
    /// When it was made, microseconds.
    pub created: i64,
    /// When it ends, if it is not used before.
    pub expires: i64,
    /// When its WebSocket was opened.
    pub used: Option<i64>,
    /// When its WebSocket was closed.
    pub closed: Option<i64>,
}

const COLUMNS: &str = "SELECT id_hash, resource_id, vm_id, port, caller, mode, created, expires, used, closed FROM console_sessions";

/// Writes a new session.
pub async fn insert(tx: &mut Tx, session: &ConsoleSession) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO console_sessions (id_hash, resource_key, resource_id, vm_id, port, caller, mode, created, expires) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(session.id_hash.as_str())
    .bind(session.resource.to_ascii_lowercase())
    .bind(session.resource.as_str())
    .bind(session.vm_id.as_str())
    .bind(session.port)
    .bind(session.caller.as_str())
    .bind(session.mode.as_str())
    .bind(session.created)
    .bind(session.expires);
    tx.run(statement).await.map(|_| ())
}

/// One session, used or not.
pub async fn get<'a>(from: impl Into<Reader<'a>>, id_hash: &str) -> Result<Option<ConsoleSession>> {
    let sql = format!("{COLUMNS} WHERE id_hash = $1");
    let statement = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id_hash);
    from.into().optional(statement).await?.as_ref().map(read).transpose()
}

/// Marks a session as used; false when it was used before or has expired. Only one caller ever gets true.
pub async fn use_once(tx: &mut Tx, id_hash: &str, now: i64) -> Result<bool> {
    let statement = sqlx::query(
        "UPDATE console_sessions SET used = $2 WHERE id_hash = $1 AND used IS NULL AND expires > $2",
    )
    .bind(id_hash)
    .bind(now);
    Ok(tx.run(statement).await? == 1)
}

/// Marks a session as over.
pub async fn close(tx: &mut Tx, id_hash: &str, now: i64) -> Result<()> {
    let statement =
        sqlx::query("UPDATE console_sessions SET closed = $2 WHERE id_hash = $1 AND closed IS NULL")
            .bind(id_hash)
            .bind(now);
    tx.run(statement).await.map(|_| ())
}

/// At the server's start: sessions that a dead server left open are over.
pub async fn close_all(tx: &mut Tx, now: i64) -> Result<u64> {
    let statement =
        sqlx::query("UPDATE console_sessions SET closed = $1 WHERE used IS NOT NULL AND closed IS NULL")
            .bind(now);
    tx.run(statement).await
}

/// Forgets sessions that ended or expired before `before`; how many.
pub async fn sweep(tx: &mut Tx, before: i64) -> Result<u64> {
    let statement = sqlx::query(
        "DELETE FROM console_sessions WHERE (used IS NULL AND expires < $1) OR (closed IS NOT NULL AND closed < $1)",
    )
    .bind(before);
    tx.run(statement).await
}

fn read(row: &AnyRow) -> Result<ConsoleSession> {
    Ok(ConsoleSession {
        id_hash: text(row, "id_hash")?,
        resource: text(row, "resource_id")?,
        vm_id: text(row, "vm_id")?,
        port: number(row, "port")?,
        caller: text(row, "caller")?,
        mode: text(row, "mode")?,
        created: number(row, "created")?,
        expires: number(row, "expires")?,
        used: optional_number(row, "used")?,
        closed: optional_number(row, "closed")?,
    })
}
