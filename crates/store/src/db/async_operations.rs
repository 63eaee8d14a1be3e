//! Long-running operations, and the machines that they wait for.
//!
//! An operation waits for any number of machines; it is over when the last one has arrived ([`arrived`]), or when one of them
//! cannot. One that waits for none is ended by other code.

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

/// What must be observed of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The machine's own id.
    pub vm_id: String,
    /// At least this generation of what is desired must be answered.
    pub generation: i64,
    /// The run state that must be shown; empty: any.
    pub state: String,
}

/// An operation in progress that waits for a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The operation.
    pub operation: AsyncOperation,
    /// What it waits for of this machine.
    pub wait: Wait,
}

const COLUMNS: &str = "SELECT id, kind, subscription_key, resource_key, status, error, started, ended, deadline, deed FROM async_operations ";

/// Writes a new operation, which waits for each of these machines once.
pub async fn insert(tx: &mut Tx, operation: &AsyncOperation, waits: &[Wait]) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO async_operations (id, kind, subscription_key, resource_key, status, error, started, ended, deadline, \
         deed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(operation.id.as_str())
    .bind(operation.kind.as_str())
    .bind(operation.subscription.as_str())
    .bind(operation.resource_key.as_str())
    .bind(operation.status.as_str())
    .bind(operation.error.as_deref())
    .bind(operation.started)
    .bind(operation.ended)
    .bind(operation.deadline)
    .bind(operation.deed.as_str());
    tx.run(statement).await?;
    for wait in waits {
        let statement = sqlx::query(
            "INSERT INTO operation_waits (operation_id, vm_id, generation, run_state) VALUES ($1, $2, $3, $4)",
        )
        .bind(operation.id.as_str())
        .bind(wait.vm_id.as_str())
        .bind(wait.generation)
        .bind(wait.state.as_str());
        tx.run(statement).await?;
    }
    Ok(())
}

/// One operation.
pub async fn get<'a>(from: impl Into<Reader<'a>>, id: &str) -> Result<Option<AsyncOperation>> {
    let statement = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = $1"))).bind(id);
    from.into().optional(statement).await?.as_ref().map(read).transpose()
}

/// Operations in progress that wait for a machine, oldest first.
pub async fn waiting_for<'a>(from: impl Into<Reader<'a>>, vm_id: &str) -> Result<Vec<Waiting>> {
    let sql = "SELECT o.id, o.kind, o.subscription_key, o.resource_key, o.status, o.error, o.started, o.ended, o.deadline, \
               o.deed, w.vm_id, w.generation, w.run_state \
               FROM operation_waits w JOIN async_operations o ON o.id = w.operation_id \
               WHERE w.vm_id = $1 AND o.status = 'InProgress' ORDER BY o.started, o.id";
    let rows = from.into().all(sqlx::query(sql).bind(vm_id)).await?;
    let waiting = |row: &AnyRow| {
        let wait = Wait {
            vm_id: text(row, "vm_id")?,
            generation: number(row, "generation")?,
            state: text(row, "run_state")?,
        };
        Ok(Waiting { operation: read(row)?, wait })
    };
    rows.iter().map(waiting).collect()
}

/// An operation waits for this machine no longer; how many others it still waits for. Two machines that arrive at once are
/// counted one after the other: the operation's row is locked first.
pub async fn arrived(tx: &mut Tx, id: &str, vm_id: &str) -> Result<i64> {
    tx.run(sqlx::query("UPDATE async_operations SET status = status WHERE id = $1").bind(id)).await?;
    let gone = sqlx::query("DELETE FROM operation_waits WHERE operation_id = $1 AND vm_id = $2");
    tx.run(gone.bind(id).bind(vm_id)).await?;
    let left = sqlx::query("SELECT COUNT(*) AS waits FROM operation_waits WHERE operation_id = $1").bind(id);
    number(&Reader::Tx(tx).one(left).await?, "waits")
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
    let ended = tx.run(statement).await? == 1;
    tx.run(sqlx::query("DELETE FROM operation_waits WHERE operation_id = $1").bind(id)).await?;
    Ok(ended)
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
        error: optional_text(row, "error")?,
        started: number(row, "started")?,
        ended: optional_number(row, "ended")?,
        deadline: number(row, "deadline")?,
        deed: text(row, "deed")?,
    })
}
