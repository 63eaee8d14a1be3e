//! The virtual machine behind a serial port, a log or a display, with what every way to it needs to know.

use super::switch;
use crate::hosts::{Desired, Observed};
use crate::pipeline::{Cx, store_error};
use crate::providers::{compute, storage};
use crate::state::State;
use hardline_arm::error::ArmError;
use hardline_arm::models::scale_set::INSTANCE_TYPE;
use hardline_arm::models::vm::{Machine, TYPE};
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::{resources, vms};
use http::StatusCode;

/// A virtual machine that exists.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its resource id, in the stored case.
    pub id: ResourceId,
    /// Its name, in the stored case.
    pub name: String,
    /// The machine's own id.
    pub vm_id: String,
    /// What its document says.
    pub machine: Machine,
    /// What its host said last.
    pub observed: Observed,
    /// Somebody disabled its serial port.
    pub console_off: bool,
}

impl Target {
    /// The machine - a VM, or an instance of a scale set - that `extension` (a serial port, a log, a display of it) or `extension`
    /// itself names.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn find(cx: &Cx, extension: &ResourceId) -> Result<Self, ArmError> {
        let id = extension.extended();
        let kind = id.resource_type();
        if ![TYPE, INSTANCE_TYPE].iter().any(|known| kind.eq_ignore_ascii_case(known)) {
            return Err(ArmError::resource_not_found(extension));
        }
        let found = compute::find(cx, &id).await?;
        Ok(Self {
            id: found.id(),
            name: found.resource.name,
            vm_id: found.row.vm_id,
            machine: found.machine,
            observed: found.observed,
            console_off: found.desired.console_off,
        })
    }

    /// The number of the serial port that `port` names.
    ///
    /// # Errors
    /// 404 for a port that no machine has: there is 0.
    pub fn port(port: &ResourceId) -> Result<u32, ArmError> {
        match port.name() {
            "0" => Ok(0),
            _ => Err(ArmError::resource_not_found(port)),
        }
    }

    /// The machine with this id of its own; none when it was deleted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn by_vm_id(state: &State, vm_id: &str) -> Result<Option<Self>, ArmError> {
        let row = vms::get(&state.store, vm_id).await.map_err(store_error)?;
        let Some(row) = row else { return Ok(None) };
        let Some(key) = &row.resource_key else { return Ok(None) };
        let found = resources::get(&state.store, key).await.map_err(store_error)?;
        found.map(|resource| Self::read(&resource, &row)).transpose()
    }

    fn read(resource: &resources::Resource, row: &vms::Vm) -> Result<Self, ArmError> {
        let stored = serde_json::from_str(&resource.body).map_err(ArmError::internal)?;
        let machine = Machine::read(&resource.name, &stored)?;
        let desired: Desired = serde_json::from_str(&row.spec).map_err(ArmError::internal)?;
        Ok(Self {
            id: ResourceId::parse(&resource.id).map_err(ArmError::internal)?,
            name: resource.name.clone(),
            vm_id: row.vm_id.clone(),
            machine,
            observed: Observed::from_text(row.observation.as_deref()),
            console_off: desired.console_off,
        })
    }

    /// Whether its boot diagnostics are on.
    pub fn captures(&self) -> bool {
        self.machine.boot_diagnostics.enabled()
    }

    /// The state in one word; what the host says now counts more than what it said last.
    pub fn state(&self, state: &State) -> String {
        match state.hosts.live(&self.vm_id) {
            Some(live) if !live.observed.state.is_empty() => live.observed.state,
            _ => self.observed.state.clone(),
        }
    }

    /// Refuses a console (contract 4.2, 10) while boot diagnostics are off, the subscription's switch or the port itself is, or
    /// the machine does not run.
    ///
    /// # Errors
    /// 409 with the portal's own words; 403 where the firewall of the boot diagnostics' own account refuses the caller.
    pub async fn check_console(&self, cx: &Cx) -> Result<(), ArmError> {
        let state = &cx.state;
        let conflict = |text: &str| ArmError::new(StatusCode::CONFLICT, "Conflict", text);
        if !self.captures() {
            return Err(conflict(
                "Azure Serial Console requires boot diagnostics to be enabled. Enable boot diagnostics for this virtual machine and try again.",
            ));
        }
        let subscription = self.id.subscription().unwrap_or("");
        if !switch::is_on(state, subscription).await.map_err(store_error)? {
            return Err(conflict(
                "Azure Serial Console is not enabled for this subscription. An administrator of the subscription can enable it.",
            ));
        }
        if self.console_off {
            return Err(conflict(
                "The serial port is disabled for this virtual machine. Enable the serial port and try again.",
            ));
        }
        storage::check_firewall(cx, &self.id, &self.machine.boot_diagnostics).await?;
        match self.state(state).as_str() {
            "running" | "paused" | "starting" => Ok(()),
            _ => Err(conflict(
                "Azure Serial Console requires a virtual machine to be running. Use the Start button to start your virtual machine.",
            )),
        }
    }

    /// Refuses an answer about the log or the display while boot diagnostics are off.
    ///
    /// # Errors
    /// 409 `OperationNotAllowed`.
    pub fn check_diagnostics(&self) -> Result<(), ArmError> {
        if self.captures() {
            return Ok(());
        }
        Err(ArmError::boot_diagnostics_disabled(&self.name))
    }
}
