//! One host's line, from its first call to its end.
//!
//! ```text
//!   take: Describe ──> on the list ──┬─> observe: Observe ──> store, waiters, long-running operations
//!                                    └─> reconcile: (synced | woken | timer) ──> Apply, Remove
//!                                     both end when the line does; then off the list
//! ```
//!
//! The two halves share [`Told`], what the host has said on this line; nothing else. `observe` never waits for `reconcile`.

use super::line::{CALL_TIMEOUT, HostError, answered};
use super::listener::Certificate;
use super::observed::Observed;
use super::registry::ConnectedHost;
use crate::clock::micros;
use crate::jobs;
use crate::state::State;
use hardline_agent_api::HostAgentClient;
use hardline_agent_api::v1::{self, DescribeRequest, ObserveRequest, VmObservation, observation};
use hardline_store::StoreError;
use hardline_store::db::hosts::{self, Host};
use hardline_store::db::vms;
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long the store gets to come back before an observation is tried again.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Why a host was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TakeError {
    /// It did not say who it is.
    #[error("the host does not describe itself: {0}")]
    Describe(#[from] HostError),
    /// It says to be a host for which its certificate was not issued.
    #[error("the certificate was not issued for host {0}")]
    Certificate(String),
    /// Its description makes no sense.
    #[error("the host has no id")]
    NoId,
    /// The store does not take its description.
    #[error("the host cannot be recorded: {0}")]
    Store(#[from] StoreError),
}

/// What a host has said on this line.
#[derive(Debug)]
pub(super) struct Told {
    vms: Mutex<HashMap<String, Observed>>,
    /// VMs that the host has forgotten since the last round.
    lost: Mutex<Vec<String>>,
    /// All VMs have been told once.
    pub(super) synced: watch::Sender<bool>,
}

impl Told {
    pub(super) fn vms(&self) -> MutexGuard<'_, HashMap<String, Observed>> {
        self.vms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// VMs that the host has forgotten since the last call.
    pub(super) fn take_lost(&self) -> Vec<String> {
        std::mem::take(&mut self.lost.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes a connected host: when this returns it is on the list and its VMs are being looked after, until the line breaks.
/// `certificate` is what it showed, where there is a socket.
pub(super) async fn take(
    state: &State,
    client: HostAgentClient,
    certificate: Option<&Certificate>,
) -> Result<ConnectedHost, TakeError> {
    let described = answered(CALL_TIMEOUT, client.clone().describe(DescribeRequest {})).await?;
    if described.host_id.is_empty() {
        return Err(TakeError::NoId);
    }
    if certificate.is_some_and(|c| !c.is_for(&described.host_id)) {
        return Err(TakeError::Certificate(described.host_id));
    }
    record(state, &described).await?;
    let host = ConnectedHost {
        host_id: described.host_id,
        name: described.name,
        images: described.images.into(),
        drivers: described.drivers.into(),
        client,
        gone: state.shutdown.child_token(),
    };
    tracing::info!(
        host = host.name,
        id = host.host_id,
        accelerator = described.accelerator,
        "host connected"
    );
    state.hosts.arrive(host.clone());
    let told =
        Arc::new(Told { vms: Mutex::default(), lost: Mutex::default(), synced: watch::Sender::new(false) });
    let (shared, mine, heard) = (state.clone(), host.clone(), told.clone());
    state.spawn(async move {
        tokio::select! {
            () = mine.gone.cancelled() => {}
            () = observe(&shared, &mine, &heard) => {}
        }
        leave(&shared, &mine, &heard).await;
    });
    let (shared, mine) = (state.clone(), host.clone());
    state.spawn(async move { super::reconcile::run(&shared, &mine, &told).await });
    Ok(host)
}

async fn record(state: &State, host: &v1::Host) -> Result<(), StoreError> {
    let body = json!({
        "agentVersion": host.agent_version,
        "accelerator": host.accelerator,
        "acceleratorReason": host.accelerator_reason,
        "drivers": host.drivers,
        "images": host.images,
        "qemuVersion": host.qemu_version,
    });
    let now = micros(state.clock.now());
    let row = Host {
        host_id: host.host_id.clone(),
        name: host.name.clone(),
        body: body.to_string(),
        first_seen: now,
        last_seen: now,
    };
    let mut tx = state.store.begin().await?;
    hosts::put(&mut tx, &row).await?;
    tx.commit().await
}

async fn leave(state: &State, host: &ConnectedHost, told: &Told) {
    if !state.hosts.leave(host) {
        return; // A newer line has taken over, and with it the VMs.
    }
    for vm_id in told.vms().keys() {
        state.hosts.tell(vm_id, |live| live.here = false);
    }
    if state.shutdown.is_cancelled() {
        tracing::info!(host = host.name, id = host.host_id, "host disconnected");
    } else {
        tracing::warn!(host = host.name, id = host.host_id, "host disconnected");
    }
}

/// Listens until the line breaks. A host that only ended the stream is asked again.
async fn observe(state: &State, host: &ConnectedHost, told: &Told) {
    loop {
        let ended = match host.client.clone().observe(ObserveRequest {}).await {
            Ok(stream) => listen(state, host, told, stream.into_inner()).await,
            Err(status) => status,
        };
        tracing::debug!(host = host.name, status = %ended, "the observations ended");
        let alive = answered(CALL_TIMEOUT, host.client.clone().describe(DescribeRequest {})).await;
        if alive.is_err() {
            return;
        }
        tokio::time::sleep(STORE_RETRY).await;
    }
}

async fn listen(
    state: &State,
    host: &ConnectedHost,
    told: &Told,
    mut stream: tonic::Streaming<v1::Observation>,
) -> tonic::Status {
    loop {
        let what = match stream.message().await {
            Ok(Some(message)) => message.what,
            Ok(None) => return tonic::Status::ok("the host ended the stream"),
            Err(status) => return status,
        };
        match what {
            Some(observation::What::Vm(vm)) => hear(state, host, told, &vm).await,
            Some(observation::What::Synced(_)) => {
                told.synced.send_replace(true);
            }
            Some(observation::What::RemovedVmId(vm_id)) => {
                told.vms().remove(&vm_id);
                told.lost.lock().unwrap_or_else(PoisonError::into_inner).push(vm_id);
                // If it is still desired, it is made again.
                state.hosts.wake();
            }
            None => {}
        }
    }
}

/// Takes one observation in, however long the store is away: what ended must not stay pending.
async fn hear(state: &State, host: &ConnectedHost, told: &Told, message: &VmObservation) {
    let observed = Observed::from_message(message);
    let before = told.vms().insert(message.vm_id.clone(), observed.clone());
    if before.as_ref() == Some(&observed) {
        return; // Only a port's end has moved.
    }
    loop {
        match keep(state, host, &message.vm_id, &observed).await {
            Ok(Some(kept)) => {
                return state.hosts.tell(&message.vm_id, |live| {
                    live.observed = kept;
                    live.here = true;
                });
            }
            Ok(None) => return,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    vm = message.vm_id,
                    "an observation could not be kept; it is tried again"
                );
                tokio::time::sleep(STORE_RETRY).await;
            }
        }
    }
}

/// Writes the observation and ends what waited for it, in one transaction. None when the VM is not this host's.
async fn keep(
    state: &State,
    host: &ConnectedHost,
    vm_id: &str,
    observed: &Observed,
) -> Result<Option<Observed>, StoreError> {
    let mut tx = state.store.begin().await?;
    let Some(row) = vms::get(&mut tx, vm_id).await?.filter(|r| r.host_id.as_deref() == Some(&host.host_id))
    else {
        tracing::warn!(
            host = host.name,
            vm = vm_id,
            "the host runs a VM that is not placed on it; it is left alone"
        );
        return Ok(None);
    };
    let kept = observed.clone().after(&Observed::from_text(row.observation.as_deref()));
    vms::observe(&mut tx, vm_id, &kept.to_text(), kept.generation, micros(state.clock.now())).await?;
    jobs::observed(
        state,
        &mut tx,
        vm_id,
        kept.generation.max(kept.refused),
        kept.reached(&row.power),
        kept.failure(),
    )
    .await?;
    tx.commit().await?;
    Ok(Some(kept))
}
