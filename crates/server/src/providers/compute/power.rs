//! Start, power off, restart, deallocate: each changes what is desired and is done when the host has answered.

use super::scale_sets::find_machine;
use super::virtual_machine::VirtualMachine;
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
    ask(cx, allowed, Wish::START).await
}

/// Shuts a VM down and switches it off; with `skipShutdown=true` at once. A deallocated one stays deallocated.
pub async fn vm_power_off(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    ask(cx, allowed, Wish::power_off(cx)?).await
}

/// Shuts a VM down and gives its place back.
pub async fn vm_deallocate(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    ask(cx, allowed, Wish::deallocate(cx)?).await
}

/// Resets a running VM.
pub async fn vm_restart(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    ask(cx, allowed, Wish::RESTART).await
}

/// What is asked of a VM.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// The action's name.
    pub(super) kind: &'static str,
    power: &'static str,
    /// Seconds for an orderly shutdown.
    grace: u32,
    reset: bool,
}

impl Wish {
    pub(super) const START: Self = Self { kind: "start", power: "running", grace: STOP_GRACE, reset: false };
    pub(super) const RESTART: Self =
        Self { kind: "restart", power: "running", grace: STOP_GRACE, reset: true };

    /// Off; at once, where the query says so.
    pub(super) fn power_off(cx: &Cx) -> Result<Self, ArmError> {
        let grace = if cx.query.flag("skipShutdown")? { 0 } else { STOP_GRACE };
        Ok(Self { kind: "powerOff", power: "stopped", grace, reset: false })
    }

    /// Off, and its place given back.
    pub(super) fn deallocate(cx: &Cx) -> Result<Self, ArmError> {
        if cx.query.flag("hibernate")? {
            return Err(ArmError::operation_not_allowed("Hibernation is not supported."));
        }
        Ok(Self { kind: "deallocate", power: "deallocated", grace: STOP_GRACE, reset: false })
    }

    /// Refuses what makes no sense for this VM: its power is not ours, or it is to be restarted and does not run.
    pub(super) fn check(&self, found: &VirtualMachine) -> Result<(), ArmError> {
        let name = &found.resource.name;
        let refused = |why: String| Err(ArmError::operation_not_allowed(why).with_target(name.as_str()));
        if !found.desired.has_power() {
            return refused(format!(
                "Operation '{}' is not allowed on VM '{name}': only its serial port is attached here, its power is not ours.",
                self.kind
            ));
        }
        match found.power() {
            state if self.reset && !runs(found) => refused(format!(
                "Operation 'restart' is not allowed on VM '{name}' since the VM is {}. Start it instead.",
                state.word()
            )),
            _ => Ok(()),
        }
    }

    /// Writes what is desired of the VM from now on, and ends the operations that can no longer be reached; what the wish's own
    /// operation awaits.
    pub(super) async fn write(
        &self,
        cx: &Cx,
        begun: &mut Change<'_>,
        found: VirtualMachine,
    ) -> Result<Awaits, ArmError> {
        let VirtualMachine { mut row, mut desired, .. } = found;
        desired.stop_grace = self.grace;
        let expected = row.generation;
        row.generation += 1;
        if self.reset {
            row.reset_generation += 1;
        } else {
            row.power_generation += 1;
        }
        // What is deallocated is off, and stays deallocated.
        if !(self.power == "stopped" && row.power == "deallocated") {
            row.power = self.power.into();
        }
        row.spec = serde_json::to_string(&desired).map_err(ArmError::internal)?;
        row.updated = micros(cx.now);
        let state = if self.power == "running" { "running" } else { "stopped" };
        vms::update(begun.tx(), &row, expected).await.map_err(store_error)?;
        preempt(cx, begun, &row.vm_id, state).await?;
        Ok(Awaits { vm_id: row.vm_id, generation: row.generation, state })
    }
}

/// Whether a VM runs or is about to; of one whose host is away, whether it should.
pub(super) fn runs(found: &VirtualMachine) -> bool {
    match found.power() {
        PowerState::Starting | PowerState::Running => true,
        PowerState::Unknown => found.row.power == "running",
        _ => false,
    }
}

async fn ask(cx: &Cx, allowed: &Allowed, wish: Wish) -> Result<Recorded, ArmError> {
    let found = find_machine(cx, &allowed.path.id).await?;
    wish.check(&found)?;
    let mut begun = cx.begin(allowed).await?;
    let awaits = wish.write(cx, &mut begun, found).await?;
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
