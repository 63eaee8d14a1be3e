//! Desired against observed, for one host: the same path for a new VM, a changed one, a reconnect and a lost message.
//!
//! Nothing here remembers what was changed: every round compares the host's rows with what the host has said. A wake-up starts
//! a round at once, over the rows that have not been answered; the line's first round and the timer's take all of them.

use super::line::{CALL_TIMEOUT, HostError, answered};
use super::observed::Observed;
use super::registry::ConnectedHost;
use super::session::Told;
use super::spec::{Address, Desired};
use crate::clock::micros;
use crate::jobs;
use crate::record::Outcome;
use crate::state::State;
use futures_util::StreamExt as _;
use hardline_agent_api::v1::{VmRef, VmSpec};
use hardline_arm::error::ArmError;
use hardline_store::StoreError;
use hardline_store::db::async_operations::{self, Waiting};
use hardline_store::db::vms::{self, Vm};
use http::StatusCode;
use std::collections::HashMap;
use std::time::Duration;

/// A round starts after so long in any case, and sends again what has not been answered.
const ROUND: Duration = Duration::from_secs(15);
/// Calls to one host at a time.
const CALLS: usize = 16;

/// Runs rounds until the line is down.
pub(super) async fn run(state: &State, host: &ConnectedHost, told: &Told) {
    let mut wakes = state.hosts.wakes();
    let mut synced = told.synced.subscribe();
    tokio::select! {
        // Before the host has told everything, a VM that it has would look missing.
        told_all = synced.wait_for(|s| *s) => if told_all.is_err() { return },
        () = host.gone.cancelled() => return,
    }
    let mut sent = HashMap::new();
    let mut all = true;
    let mut timer = tokio::time::interval(ROUND);
    timer.reset();
    loop {
        wakes.mark_unchanged();
        if let Err(error) = round(state, host, told, &mut sent, all).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                host = host.name,
                "a round could not be finished"
            );
        }
        all = tokio::select! {
            () = host.gone.cancelled() => return,
            woken = wakes.changed() => if woken.is_err() { return } else { false },
            _ = timer.tick() => {
                sent.clear();
                true
            }
        };
    }
}

/// What is to be done about one VM.
enum Call {
    Apply(VmSpec),
    Remove(String),
}

async fn round(
    state: &State,
    host: &ConnectedHost,
    told: &Told,
    sent: &mut HashMap<String, i64>,
    all: bool,
) -> Result<(), StoreError> {
    let lost = told.take_lost();
    for vm_id in &lost {
        sent.remove(vm_id);
    }
    // What the host has lost may have answered before.
    let rows = if all || !lost.is_empty() {
        vms::on_host(&state.store, &host.host_id).await?
    } else {
        vms::behind(&state.store, &host.host_id).await?
    };
    let mut calls = Vec::new();
    for row in rows {
        if row.resource_key.is_none() {
            calls.push(Call::Remove(row.vm_id));
            continue;
        }
        let said = told.vms().get(&row.vm_id).map(|o| o.generation);
        let row = match said {
            Some(said) if said > row.generation => match overtake(state, &row.vm_id, said).await {
                Ok(row) => row,
                // Somebody changes it at this moment, and wakes us after that.
                Err(StoreError::Conflict) => continue,
                Err(error) => return Err(error),
            },
            _ => Some(row),
        };
        let Some(row) = row else { continue };
        let asked = sent.get(&row.vm_id).is_some_and(|g| *g >= row.generation);
        if asked || said == Some(row.generation) {
            continue;
        }
        match spec(&row) {
            Ok(spec) => calls.push(Call::Apply(spec)),
            Err(error) => tracing::error!(vm = row.vm_id, %error, "the spec in the store is damaged"),
        }
        sent.insert(row.vm_id, row.generation);
    }
    let mut answers = futures_util::stream::iter(calls)
        .map(|call| async move {
            match call {
                Call::Apply(spec) => apply(state, host, spec).await,
                Call::Remove(vm_id) => remove(state, host, told, &vm_id).await,
            }
        })
        .buffer_unordered(CALLS);
    while let Some(answer) = answers.next().await {
        if let Err(error) = answer {
            tracing::warn!(host = host.name, %error, "a host did not take a change; it is sent again");
        }
    }
    Ok(())
}

fn spec(row: &Vm) -> Result<VmSpec, serde_json::Error> {
    let desired: Desired = serde_json::from_str(&row.spec)?;
    Ok(desired.message(&Address {
        vm_id: &row.vm_id,
        name: &row.name,
        power: &row.power,
        generation: row.generation,
        power_generation: row.power_generation,
        reset_generation: row.reset_generation,
    }))
}

/// The host is ahead of the store (which came out of a backup): it would ignore our specs as old. The store goes past it.
async fn overtake(state: &State, vm_id: &str, said: i64) -> Result<Option<Vm>, StoreError> {
    let mut tx = state.store.begin().await?;
    let Some(mut row) = vms::get(&mut tx, vm_id).await? else { return Ok(None) };
    if row.generation < said {
        tracing::warn!(vm = vm_id, host = said, store = row.generation, "the host is ahead of the store");
        let before = row.generation;
        row.generation = said + 1;
        let observed = Observed::from_text(row.observation.as_deref());
        row.power_generation = row.power_generation.max(observed.power_generation);
        row.reset_generation = row.reset_generation.max(observed.reset_generation);
        vms::update(&mut tx, &row, before).await?;
        tx.commit().await?;
    }
    Ok(Some(row))
}

async fn apply(state: &State, host: &ConnectedHost, spec: VmSpec) -> Result<(), HostError> {
    let (vm_id, generation) = (spec.vm_id.clone(), spec.generation);
    let answer = answered(CALL_TIMEOUT, host.client.clone().apply(spec)).await?;
    if answer.accepted {
        return Ok(());
    }
    tracing::warn!(host = host.name, vm = vm_id, reason = answer.refusal, "the host refused a VM");
    let generation = i64::try_from(generation).unwrap_or(i64::MAX);
    refused(state, &vm_id, generation, &answer.refusal).await?;
    Ok(())
}

/// Keeps a refusal as an observation, and ends what waited for the generation.
async fn refused(state: &State, vm_id: &str, generation: i64, reason: &str) -> Result<(), StoreError> {
    let mut tx = state.store.begin().await?;
    let Some(row) = vms::get(&mut tx, vm_id).await? else { return Ok(()) };
    let mut observed = Observed::from_text(row.observation.as_deref());
    if observed.generation >= generation || row.generation > generation {
        return Ok(());
    }
    observed.refused = generation;
    observed.message = reason.to_owned();
    let now = micros(state.clock.now());
    vms::observe(&mut tx, vm_id, &observed.to_text(), observed.generation, now).await?;
    jobs::observed(state, &mut tx, vm_id, generation, "", observed.failure()).await?;
    tx.commit().await?;
    state.hosts.tell(vm_id, |live| {
        live.observed = observed;
        live.here = true;
    });
    Ok(())
}

async fn remove(state: &State, host: &ConnectedHost, told: &Told, vm_id: &str) -> Result<(), HostError> {
    answered(CALL_TIMEOUT, host.client.clone().remove(VmRef { vm_id: vm_id.to_owned() })).await?;
    told.vms().remove(vm_id);
    forget(state, vm_id).await?;
    Ok(())
}

/// The VM is gone: its row, and what waited for that.
pub(super) async fn forget(state: &State, vm_id: &str) -> Result<(), StoreError> {
    let mut tx = state.store.begin().await?;
    jobs::observed(state, &mut tx, vm_id, i64::MAX, "removed", None).await?;
    // What else was under way (a start, while the whole group was deleted) can no longer be reached.
    for Waiting { operation, .. } in async_operations::waiting_for(&mut tx, vm_id).await? {
        let error = ArmError::new(
            StatusCode::CONFLICT,
            "OperationPreempted",
            "Operation execution has been preempted by a more recent operation: the virtual machine was deleted.",
        );
        jobs::finish_in(state, &mut tx, &operation, &Outcome::Failed(error)).await?;
    }
    vms::delete(&mut tx, vm_id).await?;
    tx.commit().await?;
    state.hosts.forget(vm_id);
    crate::serial::forget(state, vm_id).await
}
