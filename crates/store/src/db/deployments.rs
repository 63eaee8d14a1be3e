//! Template deployments, and what each did to its resources.

use super::sql::{Select, number, text};
use crate::db::{Reader, Tx};
use crate::error::{Result, StoreError};
use sqlx::any::AnyRow;

/// The state of a deployment that is being carried out.
pub const RUNNING: &str = "Running";

/// A deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The id, as it came first.
    pub id: String,
    /// The subscription's id; kept in lower case.
    pub subscription: String,
    /// The group's name, kept in lower case; empty for a deployment to the subscription.
    pub group: String,
    /// Its name, as it came.
    pub name: String,
    /// The id of the long-running operation that carries it out, or did.
    pub run: String,
    /// `Running`, `Succeeded`, `Failed`, `Canceled`.
    pub state: String,
    /// Its document, without the values of secure parameters: JSON.
    pub body: String,
    /// When a server last said that it carries it out, microseconds.
    pub beat: i64,
    /// When it was deployed first.
    pub created: i64,
    /// When it was changed last.
    pub updated: i64,
}

/// What a deployment did to one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentOperation {
    /// Its own id within the deployment.
    pub id: String,
    /// Its place in the order.
    pub place: i64,
    /// Its document: JSON.
    pub body: String,
}

const START: &str = "SELECT id, subscription_key, group_key, name, run, state, body, beat, created, updated FROM deployments WHERE 1 = 1";

/// Writes a deployment, over an older one of that id whose operations go; [`StoreError::Conflict`] when that one is still
/// running. The time of creation stays.
pub async fn put(tx: &mut Tx, deployment: &Deployment) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO deployments (id_key, id, subscription_key, group_key, name, run, state, body, beat, created, updated) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id_key) DO UPDATE SET \
         run = excluded.run, state = excluded.state, body = excluded.body, beat = excluded.beat, \
         updated = excluded.updated WHERE deployments.state <> $12",
    )
    .bind(deployment.id.to_ascii_lowercase())
    .bind(deployment.id.as_str())
    .bind(deployment.subscription.to_ascii_lowercase())
    .bind(deployment.group.to_ascii_lowercase())
    .bind(deployment.name.as_str())
    .bind(deployment.run.as_str())
    .bind(deployment.state.as_str())
    .bind(deployment.body.as_str())
    .bind(deployment.beat)
    .bind(deployment.created)
    .bind(deployment.updated)
    .bind(RUNNING);
    match tx.run(statement).await? {
        1 => forget_operations(tx, &deployment.id).await,
        _ => Err(StoreError::Conflict),
    }
}

/// Changes state and body of a deployment that `run` still carries out; whether it does.
pub async fn update(tx: &mut Tx, id: &str, run: &str, state: &str, body: &str, now: i64) -> Result<bool> {
    let statement = sqlx::query(
        "UPDATE deployments SET state = $3, body = $4, beat = $5, updated = $5 WHERE id_key = $1 AND run = $2 AND state = $6",
    )
    .bind(id.to_ascii_lowercase())
    .bind(run)
    .bind(state)
    .bind(body)
    .bind(now)
    .bind(RUNNING);
    Ok(tx.run(statement).await? == 1)
}

/// Says that `run` is still being carried out; whether that is wanted still.
pub async fn beat(tx: &mut Tx, id: &str, run: &str, now: i64) -> Result<bool> {
    let statement =
        sqlx::query("UPDATE deployments SET beat = $3 WHERE id_key = $1 AND run = $2 AND state = $4")
            .bind(id.to_ascii_lowercase())
            .bind(run)
            .bind(now)
            .bind(RUNNING);
    Ok(tx.run(statement).await? == 1)
}

/// One deployment, by its id in any case.
pub async fn get<'a>(from: impl Into<Reader<'a>>, id: &str) -> Result<Option<Deployment>> {
    let mut select = Select::new(START);
    select.and("id_key = ?", &id.to_ascii_lowercase());
    from.into().optional(select.finish("", 1)).await?.as_ref().map(read).transpose()
}

/// Up to `limit` deployments to a group (with an empty name: to the subscription itself), by id, after the key `after`.
pub async fn list<'a>(
    from: impl Into<Reader<'a>>,
    subscription: &str,
    group: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Deployment>> {
    let mut select = Select::new(START);
    select.and("subscription_key = ?", &subscription.to_ascii_lowercase());
    select.and("group_key = ?", &group.to_ascii_lowercase());
    if let Some(after) = after {
        select.and("id_key > ?", &after.to_ascii_lowercase());
    }
    let rows = from.into().all(select.finish("ORDER BY id_key", limit)).await?;
    rows.iter().map(read).collect()
}

/// Deployments that are said to run and whose server has said nothing since `before`.
pub async fn silent<'a>(from: impl Into<Reader<'a>>, before: i64) -> Result<Vec<Deployment>> {
    let mut select = Select::new(START);
    select.and("state = ?", RUNNING);
    select.and_number("beat < ?", before);
    let rows = from.into().all(select.finish("ORDER BY beat, id_key", i64::MAX)).await?;
    rows.iter().map(read).collect()
}

/// Deletes a deployment with its operations; whether it was there. What it deployed stays.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<bool> {
    forget_operations(tx, id).await?;
    let statement = sqlx::query("DELETE FROM deployments WHERE id_key = $1").bind(id.to_ascii_lowercase());
    Ok(tx.run(statement).await? == 1)
}

/// Deletes all deployments below a scope (a group, a subscription).
pub async fn delete_below(tx: &mut Tx, scope: &str) -> Result<()> {
    let (first, last) = super::sql::below(&scope.to_ascii_lowercase());
    for sql in [
        "DELETE FROM deployment_operations WHERE deployment_key >= $1 AND deployment_key < $2",
        "DELETE FROM deployments WHERE id_key >= $1 AND id_key < $2",
    ] {
        tx.run(sqlx::query(sql).bind(first.as_str()).bind(last.as_str())).await?;
    }
    Ok(())
}

/// Writes an operation of a deployment, over what was written of it before.
pub async fn put_operation(tx: &mut Tx, deployment: &str, operation: &DeploymentOperation) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO deployment_operations (deployment_key, id, place, body) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (deployment_key, id) DO UPDATE SET body = excluded.body",
    )
    .bind(deployment.to_ascii_lowercase())
    .bind(operation.id.as_str())
    .bind(operation.place)
    .bind(operation.body.as_str());
    tx.run(statement).await.map(|_| ())
}

/// The operations of a deployment, in their order.
pub async fn operations<'a>(
    from: impl Into<Reader<'a>>,
    deployment: &str,
) -> Result<Vec<DeploymentOperation>> {
    let sql =
        "SELECT id, place, body FROM deployment_operations WHERE deployment_key = $1 ORDER BY place, id";
    let rows = from.into().all(sqlx::query(sql).bind(deployment.to_ascii_lowercase())).await?;
    rows.iter().map(read_operation).collect()
}

async fn forget_operations(tx: &mut Tx, deployment: &str) -> Result<()> {
    let statement = sqlx::query("DELETE FROM deployment_operations WHERE deployment_key = $1")
        .bind(deployment.to_ascii_lowercase());
    tx.run(statement).await.map(|_| ())
}

fn read(row: &AnyRow) -> Result<Deployment> {
    Ok(Deployment {
        id: text(row, "id")?,
        subscription: text(row, "subscription_key")?,
        group: text(row, "group_key")?,
        name: text(row, "name")?,
        run: text(row, "run")?,
        state: text(row, "state")?,
        body: text(row, "body")?,
        beat: number(row, "beat")?,
        created: number(row, "created")?,
        updated: number(row, "updated")?,
    })
}

fn read_operation(row: &AnyRow) -> Result<DeploymentOperation> {
    Ok(DeploymentOperation { id: text(row, "id")?, place: number(row, "place")?, body: text(row, "body")? })
}
