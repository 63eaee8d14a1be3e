//! Long-running operations.

use super::sql::{number, optional_number, optional_text, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// A long-running operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsyncOperation {
    /// Its id, a GUID in lower case.
    pub id: String,
    /// A word for the log: `start`.
    pub kind: String,
    /// The subscription's id in lower case.
    pub subscription: String,
    /// The id of the resource it works on, in lower case.
    pub resource_key: String,
    /// `InProgress`, `Succeeded`, `Failed`.
    pub status: String,
    /// The VM whose observation ends it.
    pub vm_id: Option<String>,
    /// The generation that the observation must answer.
    pub awaits_generation: i64,
    /// The run state that the observation must show; none: any.
    pub awaits_state: Option<String>,
    /// Of a failed one: ARM's error as JSON.
    pub error: Option<String>,
    /// When it began, microseconds.
    pub started: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// When it fails if nothing has ended it.
    pub deadline: i64,
    /// What its end event needs: JSON.
    pub deed: String,
}

const COLUMNS: &str = "SELECT id, kind, subscription_key, resource_key, status, vm_id, awaits_generation, awaits_state, error, started, ended, deadline, deed FROM async_operations ";

/// Writes a new operation.
pub async fn insert(tx: &mut Tx, operation: &AsyncOperation) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO async_operations (id, kind, subscription_key, resource_key, status, vm_id, awaits_generation, \
         awaits_state, error, started, ended, deadline, deed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(operation.id.as_str())
    .bind(operation.kind.as_str())
    .bind(operation.subscription.as_str())
    .bind(operation.resource_key.as_str())
    .bind(operation.status.as_str())
    .bind(operation.vm_id.as_deref())
    .bind(operation.awaits_generation)
    .bind(operation.awaits_state.as_deref())
    .bind(operation.error.as_deref())
    .bind(operation.started)
    .bind(operation.ended)
    .bind(operation.deadline)
    .bind(operation.deed.as_str());
    tx.run(statement).await.map(|_| ())
}

/// One operation.
pub async fn get<'a>(from: impl Into<Reader<'a>>, id: &str) -> Result<Option<AsyncOperation>> {
    let statement = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = $1"))).bind(id);
    from.into().optional(statement).await?.as_ref().map(read).transpose()
}

/// Operations in progress that wait for a VM, oldest first.
pub async fn waiting_for<'a>(from: impl Into<Reader<'a>>, vm_id: &str) -> Result<Vec<AsyncOperation>> {
    let sql = format!("{COLUMNS} WHERE status = 'InProgress' AND vm_id = $1 ORDER BY started, id");
    let rows = from.into().all(sqlx::query(sqlx::AssertSqlSafe(sql)).bind(vm_id)).await?;
    rows.iter().map(read).collect()
}

/// Operations in progress whose deadline is `now` or before.
pub async fn overdue<'a>(from: impl Into<Reader<'a>>, now: i64) -> Result<Vec<AsyncOperation>> {
    let sql = format!("{COLUMNS} WHERE status = 'InProgress' AND deadline <= $1 ORDER BY deadline");
    let rows = from.into().all(sqlx::query(sqlx::AssertSqlSafe(sql)).bind(now)).await?;
    rows.iter().map(read).collect()
}

/// Ends an operation that is in progress; whether it was.
pub async fn finish(tx: &mut Tx, id: &str, status: &str, error: Option<&str>, now: i64) -> Result<bool> {
    let statement = sqlx::query(
        "UPDATE async_operations SET status = $2, error = $3, ended = $4 WHERE id = $1 AND status = 'InProgress'",
    )
    .bind(id)
    .bind(status)
    .bind(error)
    .bind(now);
    Ok(tx.run(statement).await? == 1)
}

/// Forgets operations that ended before `before`; how many.
pub async fn forget(tx: &mut Tx, before: i64) -> Result<u64> {
    tx.run(sqlx::query("DELETE FROM async_operations WHERE ended < $1").bind(before)).await
}

fn read(row: &AnyRow) -> Result<AsyncOperation> {
    Ok(AsyncOperation {
        id: text(row, "id")?,
        kind: text(row, "kind")?,
        subscription: text(row, "subscription_key")?,
        resource_key: text(row, "resource_key")?,
        status: text(row, "status")?,
        vm_id: optional_text(row, "vm_id")?,
        awaits_generation: number(row, "awaits_generation")?,
        awaits_state: optional_text(row, "awaits_state")?,
        error: optional_text(row, "error")?,
        started: number(row, "started")?,
        ended: optional_number(row, "ended")?,
        deadline: number(row, "deadline")?,
        deed: text(row, "deed")?,
    })
}
