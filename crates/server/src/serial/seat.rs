//! Taking the seat, leaving it, and the activity events of both.
//!
//! ```text
//!   store: epoch + 1, begin event (one transaction)
//!     └─> host: Fence(epoch) ── from here on nothing of an older epoch reaches the guest
//!           └─> hub: the former holder is told who has the seat, and ends
//!                 └─> the newcomer is greeted
//! ```
//!
//! When the host cannot be reached the newcomer is turned away. The former holder's epoch then still stands at the host,
//! and it goes on typing; the seat's row says that nobody has it, which the next takeover mends.

use super::hub::Port;
use crate::clock::micros;
use crate::hosts::{HostError, vm_line};
use crate::record::{self, Outcome};
use crate::state::State;
use hardline_arm::activity::Deed;
use hardline_arm::error::ArmError;
use hardline_console::lease::{Holder, Lease};
use hardline_store::db::port_leases::{self, PortLease};
use hardline_store::{StoreError, Tx};
use http::StatusCode;
use uuid::Uuid;

/// Who wants the seat.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// The session.
    pub session: Uuid,
    /// The person's name.
    pub name: String,
    /// Where they come from.
    pub address: String,
}

/// The seat, taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The epoch with which input counts.
    pub epoch: u64,
    /// Who had it before.
    pub displaced: Option<String>,
}

/// Why the seat could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// Nothing was changed.
    #[error("the server's store does not work at present, so the session cannot be recorded")]
    Store(#[from] StoreError),
    /// The host could not be told.
    #[error("{0}")]
    Host(#[from] HostError),
}

/// The seat as it is now.
pub async fn present(state: &State, port: &Port) -> Result<Lease, StoreError> {
    port_leases::get(&state.store, &port.vm, port.index.into()).await.map(lease)
}

/// Takes the seat for a newcomer and writes the begin event of their session.
pub async fn acquire(state: &State, deed: &Deed, port: &Port, who: &Newcomer) -> Result<Taken, SeatError> {
    let mut tx = state.store.begin().await?;
    let before = port_leases::get(&mut tx, &port.vm, port.index.into()).await.map(lease)?;
    let mut taken = Taken { epoch: take(&mut tx, state, port, who).await?, displaced: None };
    let holder =
        Holder { session: who.session.to_string(), name: who.name.clone(), address: who.address.clone() };
    taken.displaced = before.acquire(holder).displaced.map(|h| h.name);
    let begun = match &taken.displaced {
        Some(name) => &deed.clone().with("displaced", name.as_str()),
        None => deed,
    };
    record::start(state, &mut tx, begun, state.clock.now()).await?;
    tx.commit().await?;
    if let Err(error) = tell_host(state, port, who, &mut taken).await {
        vacate(state, port, taken.epoch).await;
        return Err(error);
    }
    state.serial.hub().seated(port, who.session, taken.epoch, &who.name, &who.address);
    Ok(taken)
}

/// Raises the epoch at the host.
async fn tell_host(state: &State, port: &Port, who: &Newcomer, taken: &mut Taken) -> Result<(), SeatError> {
    match fence(state, port, taken.epoch).await {
        Ok(()) => Ok(()),
        Err(HostError::NotNow(_)) => {
            // The host holds a higher epoch: this store is older than what happened (a restored backup). No epoch that
            // counts takeovers is as high as one that counts microseconds.
            let mut tx = state.store.begin().await?;
            let now = micros(state.clock.now());
            port_leases::raise(&mut tx, &port.vm, port.index.into(), now, now).await?;
            taken.epoch = take(&mut tx, state, port, who).await?;
            tx.commit().await?;
            Ok(fence(state, port, taken.epoch).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Frees a seat that its newcomer could not use.
async fn vacate(state: &State, port: &Port, epoch: u64) {
    let now = micros(state.clock.now());
    let freed = async {
        let mut tx = state.store.begin().await?;
        let epoch = i64::try_from(epoch).unwrap_or(i64::MAX);
        port_leases::release(&mut tx, &port.vm, port.index.into(), epoch, now).await?;
        tx.commit().await
    };
    if let Err(error) = freed.await {
        tracing::error!(error = &error as &dyn std::error::Error, vm = %port.vm, "a seat could not be freed");
    }
}

/// Writes the begin event of a session that leaves the seat alone.
pub async fn begin(state: &State, deed: &Deed) -> Result<(), StoreError> {
    let mut tx = state.store.begin().await?;
    record::start(state, &mut tx, deed, state.clock.now()).await?;
    tx.commit().await
}

/// Frees the seat, if this session's epoch still has it, and writes the end event. Whether the seat is empty now.
pub async fn leave(
    state: &State,
    deed: &Deed,
    port: &Port,
    epoch: Option<u64>,
    failed: Option<String>,
) -> bool {
    let now = state.clock.now();
    let written = async {
        let mut tx = state.store.begin().await?;
        let vacated = match epoch {
            Some(epoch) => {
                let epoch = i64::try_from(epoch).unwrap_or(i64::MAX);
                port_leases::release(&mut tx, &port.vm, port.index.into(), epoch, micros(now)).await?
            }
            None => false,
        };
        let outcome = match failed {
            Some(why) => Outcome::Failed(ArmError::new(StatusCode::CONFLICT, "ConsoleSessionFailed", why)),
            None => Outcome::Succeeded(StatusCode::OK),
        };
        record::end(state, &mut tx, deed, now, &outcome).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(vacated)
    };
    match written.await {
        Ok(vacated) => vacated,
        Err(lost) => {
            tracing::error!(error = &lost as &dyn std::error::Error, vm = %port.vm,
                "the end of a console session could not be recorded");
            false
        }
    }
}

async fn take(tx: &mut Tx, state: &State, port: &Port, who: &Newcomer) -> Result<u64, StoreError> {
    let session = who.session.to_string();
    let now = micros(state.clock.now());
    let index = port.index.into();
    let epoch = port_leases::take(tx, &port.vm, index, &who.name, &session, &who.address, now).await?;
    u64::try_from(epoch).map_err(|_| StoreError::Damaged("a negative epoch".into()))
}

async fn fence(state: &State, port: &Port, epoch: u64) -> Result<(), HostError> {
    vm_line(state, &port.vm).await?.fence(port.index, epoch).await
}

fn lease(row: PortLease) -> Lease {
    let holder = row.holder_session.map(|session| Holder {
        session,
        name: row.holder_name.unwrap_or_default(),
        address: row.holder_address.unwrap_or_default(),
    });
    Lease { epoch: u64::try_from(row.epoch).unwrap_or(0), holder }
}
