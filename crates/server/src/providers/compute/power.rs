//! Start, power off, restart, deallocate: each changes what is desired and is done when the host has answered.

use super::virtual_machine::{VirtualMachine, find};
use crate::auth::Allowed;
use crate::clock::micros;
use crate::hosts::STOP_GRACE;
use crate::jobs::{self, Awaits, Pending};
use crate::pipeline::{Change, Cx, Recorded, store_error};
use crate::record::Outcome;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::vm::PowerState;
use hardline_store::db::async_operations::{self, Waiting};
use hardline_store::db::vms;
use http::StatusCode;

/// Starts a VM. One that runs goes on running.
pub async fn vm_start(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let found = powered(cx, allowed, "start").await?;
    ask(cx, allowed, found, Wish { kind: "start", power: "running", grace: STOP_GRACE, reset: false }).await
}

/// Shuts a VM down and switches it off; with `skipShutdown=true` at once. A deallocated one stays deallocated.
pub async fn vm_power_off(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let grace = if cx.query.flag("skipShutdown")? { 0 } else { STOP_GRACE };
    let found = powered(cx, allowed, "powerOff").await?;
    let power = if found.row.power == "deallocated" { "deallocated" } else { "stopped" };
    ask(cx, allowed, found, Wish { kind: "powerOff", power, grace, reset: false }).await
}

/// Shuts a VM down and gives its place back.
pub async fn vm_deallocate(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    if cx.query.flag("hibernate")? {
        return Err(ArmError::operation_not_allowed("Hibernation is not supported."));
    }
    let found = powered(cx, allowed, "deallocate").await?;
    let wish = Wish { kind: "deallocate", power: "deallocated", grace: STOP_GRACE, reset: false };
    ask(cx, allowed, found, wish).await
}

/// Resets a running VM.
pub async fn vm_restart(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let found = powered(cx, allowed, "restart").await?;
    let state = match found.power() {
        PowerState::Starting | PowerState::Running => None,
        // The host is away: what is desired decides.
        PowerState::Unknown if found.row.power == "running" => None,
        state => Some(state),
    };
    if let Some(state) = state {
        return Err(ArmError::operation_not_allowed(format!(
            "Operation 'restart' is not allowed on VM '{}' since the VM is {}. Start it instead.",
            found.resource.name,
            state.word()
        ))
        .with_target(found.resource.name.as_str()));
    }
    ask(cx, allowed, found, Wish { kind: "restart", power: "running", grace: STOP_GRACE, reset: true }).await
}

/// The VM, if its power is ours.
async fn powered(cx: &Cx, allowed: &Allowed, operation: &str) -> Result<VirtualMachine, ArmError> {
    let found = find(cx, &allowed.path.id).await?;
    if found.desired.has_power() {
        return Ok(found);
    }
    Err(ArmError::operation_not_allowed(format!(
        "Operation '{operation}' is not allowed on VM '{}': only its serial port is attached here, its power is not ours.",
        found.resource.name
    ))
    .with_target(found.resource.name.as_str()))
}

/// What is asked of a VM.
struct Wish {
    kind: &'static str,
    power: &'static str,
    /// Seconds for an orderly shutdown.
    grace: u32,
    reset: bool,
}

async fn ask(cx: &Cx, allowed: &Allowed, found: VirtualMachine, wish: Wish) -> Result<Recorded, ArmError> {
    let VirtualMachine { mut row, mut desired, .. } = found;
    desired.stop_grace = wish.grace;
    let expected = row.generation;
    row.generation += 1;
    if wish.reset {
        row.reset_generation += 1;
    } else {
        row.power_generation += 1;
    }
    row.power = wish.power.into();
    row.spec = serde_json::to_string(&desired).map_err(ArmError::internal)?;
    row.updated = micros(cx.now);
    let state = if wish.power == "running" { "running" } else { "stopped" };
    let mut begun = cx.begin(allowed).await?;
    vms::update(begun.tx(), &row, expected).await.map_err(store_error)?;
    preempt(cx, &mut begun, &row.vm_id, state).await?;
    let awaits = Awaits { vm_id: row.vm_id, generation: row.generation, state };
    let recorded = begun.accept(Pending::action(wish.kind, allowed.path.id.clone(), awaits)).await?;
    announce(cx);
    Ok(recorded)
}

/// Ends the operations on a VM that can no longer be reached because something else is desired now.
pub(super) async fn preempt(
    cx: &Cx,
    change: &mut Change<'_>,
    vm_id: &str,
    state: &str,
) -> Result<(), ArmError> {
    let waiting = async_operations::waiting_for(change.tx(), vm_id).await.map_err(store_error)?;
    for Waiting { operation, wait } in waiting {
        // Deletion is never preempted; what any state satisfies still comes.
        if matches!(wait.state.as_str(), "" | "removed") || wait.state == state {
            continue;
        }
        let error = ArmError::new(
            StatusCode::CONFLICT,
            "OperationPreempted",
            "Operation execution has been preempted by a more recent operation.",
        );
        jobs::finish_in(&cx.state, change.tx(), &operation, &Outcome::Failed(error))
            .await
            .map_err(store_error)?;
    }
    Ok(())
}

/// Tells the hosts' sessions that something desired has changed; called after the commit.
pub(super) fn announce(cx: &Cx) {
    cx.state.hosts.wake();
}
