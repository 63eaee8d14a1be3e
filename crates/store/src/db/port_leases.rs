//! Who may type into a serial port: one row for each port, whose epoch only rises.

use super::sql::{number, optional_text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// The seat at a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortLease {
    /// Which holder this is; input of an older epoch is refused by the agent. 0: nobody has ever sat here.
    pub epoch: i64,
    /// Who holds it, for people; none: it is free.
    pub holder_name: Option<String>,
    /// The holder's session.
    pub holder_session: Option<String>,
    /// The holder's address.
    pub holder_address: Option<String>,
    /// Since when, microseconds.
    pub since: i64,
}

/// The seat; epoch 0 when nobody has ever had it.
pub async fn get<'a>(from: impl Into<Reader<'a>>, vm_id: &str, port: i64) -> Result<PortLease> {
    let statement = sqlx::query(
        "SELECT epoch, holder_name, holder_session, holder_address, since FROM port_leases WHERE vm_id = $1 AND port = $2",
    )
    .bind(vm_id)
    .bind(port);
    match from.into().optional(statement).await? {
        Some(row) => read(&row),
        None => Ok(PortLease::default()),
    }
}

/// Takes the seat, from whoever has it: the epoch rises by one. Returns the new epoch.
pub async fn take(
    tx: &mut Tx,
    vm_id: &str,
    port: i64,
    name: &str,
    session: &str,
    address: &str,
    now: i64,
) -> Result<i64> {
    let statement = sqlx::query(
        "INSERT INTO port_leases (vm_id, port, epoch, holder_name, holder_session, holder_address, since) \
         VALUES ($1, $2, 1, $3, $4, $5, $6) ON CONFLICT (vm_id, port) DO UPDATE SET epoch = port_leases.epoch + 1, \
         holder_name = excluded.holder_name, holder_session = excluded.holder_session, \
         holder_address = excluded.holder_address, since = excluded.since RETURNING epoch",
    )
    .bind(vm_id)
    .bind(port)
    .bind(name)
    .bind(session)
    .bind(address)
    .bind(now);
    let row = Reader::from(tx).one(statement).await?;
    number(&row, "epoch")
}

/// Frees the seat if `epoch` still holds it; whether it did. The epoch stays, so that the next one is higher.
pub async fn release(tx: &mut Tx, vm_id: &str, port: i64, epoch: i64, now: i64) -> Result<bool> {
    let statement = sqlx::query(
        "UPDATE port_leases SET holder_name = NULL, holder_session = NULL, holder_address = NULL, since = $4 \
         WHERE vm_id = $1 AND port = $2 AND epoch = $3 AND holder_session IS NOT NULL",
    )
    .bind(vm_id)
    .bind(port)
    .bind(epoch)
    .bind(now);
    Ok(tx.run(statement).await? == 1)
}

/// Raises the epoch to at least `epoch`: a host has seen a higher one than this store (a restored backup).
pub async fn raise(tx: &mut Tx, vm_id: &str, port: i64, epoch: i64, now: i64) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO port_leases (vm_id, port, epoch, since) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (vm_id, port) DO UPDATE SET epoch = CASE WHEN port_leases.epoch < excluded.epoch \
         THEN excluded.epoch ELSE port_leases.epoch END",
    )
    .bind(vm_id)
    .bind(port)
    .bind(epoch)
    .bind(now);
    tx.run(statement).await.map(|_| ())
}

/// Empties every seat: those of a server that is no more. Epochs stay.
pub async fn vacate_all(tx: &mut Tx, now: i64) -> Result<u64> {
    let statement = sqlx::query(
        "UPDATE port_leases SET holder_name = NULL, holder_session = NULL, holder_address = NULL, since = $1 \
         WHERE holder_session IS NOT NULL",
    )
    .bind(now);
    tx.run(statement).await
}

fn read(row: &AnyRow) -> Result<PortLease> {
    Ok(PortLease {
        epoch: number(row, "epoch")?,
        holder_name: optional_text(row, "holder_name")?,
        holder_session: optional_text(row, "holder_session")?,
        holder_address: optional_text(row, "holder_address")?,
        since: number(row, "since")?,
    })
}
