//! What the hosts are told of a virtual machine, and what they said of it last.
//!
//! A row outlives its resource: [`orphan`] cuts it off when the resource is deleted, and [`delete`] removes it when the
//! host has removed the machine.

use super::sql::{Select, number, optional_number, optional_text, text};
use crate::db::{Reader, Tx};
use crate::error::{Result, StoreError};
use sqlx::any::AnyRow;

/// A virtual machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vm {
    /// Its id, a GUID in lower case.
    pub vm_id: String,
    /// The id of its resource in lower case; none when that is deleted and the host has still to remove the machine.
    pub resource_key: Option<String>,
    /// Its name.
    pub name: String,
    /// What is desired: `running`, `stopped`, `deallocated`.
    pub power: String,
    /// Rises with every change of what is desired.
    pub generation: i64,
    /// Rises with every start or stop that a person asks for.
    pub power_generation: i64,
    /// Rises with every restart that a person asks for.
    pub reset_generation: i64,
    /// Where it is placed.
    pub host_id: Option<String>,
    /// What else is desired: JSON.
    pub spec: String,
    /// What was observed last: JSON.
    pub observation: Option<String>,
    /// When that was, microseconds.
    pub observed: Option<i64>,
    /// When it was made, microseconds.
    pub created: i64,
    /// When what is desired was changed last.
    pub updated: i64,
    /// The id in lower case of the scale set that it belongs to; fixed when the machine is made.
    pub scale_set_key: Option<String>,
}

const START: &str = "SELECT vm_id, resource_key, name, power, generation, power_generation, reset_generation, host_id, spec, observation, observed, created, updated, scale_set_key FROM vms WHERE 1 = 1";

/// Writes a new machine.
pub async fn insert(tx: &mut Tx, vm: &Vm) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO vms (vm_id, resource_key, name, power, generation, power_generation, reset_generation, host_id, spec, \
         observation, observed, created, updated, scale_set_key) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(vm.vm_id.as_str())
    .bind(vm.resource_key.as_deref())
    .bind(vm.name.as_str())
    .bind(vm.power.as_str())
    .bind(vm.generation)
    .bind(vm.power_generation)
    .bind(vm.reset_generation)
    .bind(vm.host_id.as_deref())
    .bind(vm.spec.as_str())
    .bind(vm.observation.as_deref())
    .bind(vm.observed)
    .bind(vm.created)
    .bind(vm.updated)
    .bind(vm.scale_set_key.as_deref());
    tx.run(statement).await.map(|_| ())
}

/// Replaces what is desired (power, generations, host, spec) of a machine whose generation is `expected`;
/// [`StoreError::Conflict`] when it has another one. The observation is left alone.
pub async fn update(tx: &mut Tx, vm: &Vm, expected: i64) -> Result<()> {
    let statement = sqlx::query(
        "UPDATE vms SET power = $2, generation = $3, power_generation = $4, reset_generation = $5, host_id = $6, spec = $7, \
         updated = $8 WHERE vm_id = $1 AND generation = $9",
    )
    .bind(vm.vm_id.as_str())
    .bind(vm.power.as_str())
    .bind(vm.generation)
    .bind(vm.power_generation)
    .bind(vm.reset_generation)
    .bind(vm.host_id.as_deref())
    .bind(vm.spec.as_str())
    .bind(vm.updated)
    .bind(expected);
    match tx.run(statement).await? {
        1 => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}

/// Keeps what was observed, and the generation that it answers; whether the machine is known.
pub async fn observe(tx: &mut Tx, vm_id: &str, observation: &str, answered: i64, now: i64) -> Result<bool> {
    let statement =
        sqlx::query("UPDATE vms SET observation = $2, answered = $3, observed = $4 WHERE vm_id = $1")
            .bind(vm_id)
            .bind(observation)
            .bind(answered)
            .bind(now);
    Ok(tx.run(statement).await? == 1)
}

/// Cuts a machine off from its resource, which is deleted.
pub async fn orphan(tx: &mut Tx, vm_id: &str, now: i64) -> Result<bool> {
    let statement = sqlx::query(
        "UPDATE vms SET resource_key = NULL, generation = generation + 1, updated = $2 WHERE vm_id = $1",
    )
    .bind(vm_id)
    .bind(now);
    Ok(tx.run(statement).await? == 1)
}

/// Forgets a machine; whether it was known.
pub async fn delete(tx: &mut Tx, vm_id: &str) -> Result<bool> {
    Ok(tx.run(sqlx::query("DELETE FROM vms WHERE vm_id = $1").bind(vm_id)).await? == 1)
}

/// By its own id.
pub async fn get<'a>(from: impl Into<Reader<'a>>, vm_id: &str) -> Result<Option<Vm>> {
    let mut select = Select::new(START);
    select.and("vm_id = ?", &vm_id.to_ascii_lowercase());
    from.into().optional(select.finish("", 1)).await?.as_ref().map(read).transpose()
}

/// By the id of its resource, in any case.
pub async fn by_resource<'a>(from: impl Into<Reader<'a>>, resource: &str) -> Result<Option<Vm>> {
    let mut select = Select::new(START);
    select.and("resource_key = ?", &resource.to_ascii_lowercase());
    from.into().optional(select.finish("", 1)).await?.as_ref().map(read).transpose()
}

/// The machines that are placed on a host, orphans included, by id.
pub async fn on_host<'a>(from: impl Into<Reader<'a>>, host_id: &str) -> Result<Vec<Vm>> {
    let mut select = Select::new(START);
    select.and("host_id = ?", host_id);
    let rows = from.into().all(select.finish("ORDER BY vm_id", i64::MAX)).await?;
    rows.iter().map(read).collect()
}

/// Machines of a host that have not answered what is desired of them, orphans included.
pub async fn behind<'a>(from: impl Into<Reader<'a>>, host_id: &str) -> Result<Vec<Vm>> {
    let mut select = Select::new(START);
    select.and("host_id = ?", host_id);
    let rest = "AND (resource_key IS NULL OR answered <> generation) ORDER BY vm_id";
    let rows = from.into().all(select.finish(rest, i64::MAX)).await?;
    rows.iter().map(read).collect()
}

/// How many machines each host has, orphans included, by the host's id.
pub async fn counts<'a>(from: impl Into<Reader<'a>>) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT host_id, COUNT(*) AS machines FROM vms WHERE host_id IS NOT NULL GROUP BY host_id ORDER BY host_id";
    let rows = from.into().all(sqlx::query(sql)).await?;
    rows.iter().map(|row| Ok((text(row, "host_id")?, number(row, "machines")?))).collect()
}

/// The machines whose resource's id lies below `scope` (a group, a subscription), by that id.
pub async fn below<'a>(from: impl Into<Reader<'a>>, scope: &str) -> Result<Vec<Vm>> {
    let (first, last) = super::sql::below(&scope.to_ascii_lowercase());
    let mut select = Select::new(START);
    select.and("resource_key >= ?", &first);
    select.and("resource_key < ?", &last);
    let rows = from.into().all(select.finish("ORDER BY resource_key", i64::MAX)).await?;
    rows.iter().map(read).collect()
}

/// The machines of a scale set, by the id of their resource.
pub async fn of_scale_set<'a>(from: impl Into<Reader<'a>>, set: &str) -> Result<Vec<Vm>> {
    let mut select = Select::new(START);
    select.and("scale_set_key = ?", &set.to_ascii_lowercase());
    let rows = from
        .into()
        .all(select.finish("AND resource_key IS NOT NULL ORDER BY resource_key", i64::MAX))
        .await?;
    rows.iter().map(read).collect()
}

/// Every machine, by id.
pub async fn list<'a>(from: impl Into<Reader<'a>>) -> Result<Vec<Vm>> {
    let rows = from.into().all(Select::new(START).finish("ORDER BY vm_id", i64::MAX)).await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Vm> {
    Ok(Vm {
        vm_id: text(row, "vm_id")?,
        resource_key: optional_text(row, "resource_key")?,
        name: text(row, "name")?,
        power: text(row, "power")?,
        generation: number(row, "generation")?,
        power_generation: number(row, "power_generation")?,
        reset_generation: number(row, "reset_generation")?,
        host_id: optional_text(row, "host_id")?,
        spec: text(row, "spec")?,
        observation: optional_text(row, "observation")?,
        observed: optional_number(row, "observed")?,
        created: number(row, "created")?,
        updated: number(row, "updated")?,
        scale_set_key: optional_text(row, "scale_set_key")?,
    })
}
