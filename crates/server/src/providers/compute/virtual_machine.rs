//! A virtual machine as the handlers see it: its resource, its row, what was observed, and the documents made of them.

use crate::blob::address;
use crate::blob::managed::{self, Blob};
use crate::clock::from_micros;
use crate::hosts::{Desired, Observed};
use crate::pipeline::{Cx, store_error};
use crate::providers::documents::check_group;
use crate::state::State;
use hardline_arm::error::ArmError;
use hardline_arm::models::vm::{self, BootDiagnostics, Machine, PowerState, Runtime};
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::resources::{self, Resource};
use hardline_store::db::vms::{self, Vm};
use serde_json::{Value, json};

/// A virtual machine, all of it.
#[derive(Clone)]
pub struct VirtualMachine {
    /// Id, location, etag, times.
    pub resource: Resource,
    /// The document as it was put.
    pub document: Value,
    /// What we read of the document.
    pub machine: Machine,
    /// What its host is told.
    pub row: Vm,
    /// The same without the columns.
    pub desired: Desired,
    /// What its host said last.
    pub observed: Observed,
    /// Where the log and the screenshot are, in that order, when they are in an account of somebody's.
    blob_uris: Option<[String; 2]>,
    /// Whether its host is connected, and has told the VM's present state since.
    pub host_here: bool,
}

/// Without the row's spec, which holds the hash of a password.
impl std::fmt::Debug for VirtualMachine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualMachine")
            .field("id", &self.resource.id)
            .field("vm_id", &self.row.vm_id)
            .field("power", &self.row.power)
            .field("generation", &self.row.generation)
            .field("observed", &self.observed)
            .finish_non_exhaustive()
    }
}

/// Finds a VM by its id; 404 in Azure's words for a missing VM, group or subscription.
pub async fn find(cx: &Cx, id: &ResourceId) -> Result<VirtualMachine, ArmError> {
    match load(&cx.state, id).await? {
        Some(found) => Ok(found.seen_by(cx)),
        None => {
            check_group(&cx.state, id).await?;
            super::scale_sets::check_set(cx, id).await?;
            Err(ArmError::resource_not_found(id))
        }
    }
}

/// The same without an error for what is not there.
pub(super) async fn load(state: &State, id: &ResourceId) -> Result<Option<VirtualMachine>, ArmError> {
    let Some(resource) = resources::get(&state.store, &id.key()).await.map_err(store_error)? else {
        return Ok(None);
    };
    let Some(row) = vms::by_resource(&state.store, &id.key()).await.map_err(store_error)? else {
        return Ok(None);
    };
    VirtualMachine::new(state, resource, row).map(Some)
}

/// The addresses of the log and the screenshot, for boot diagnostics in an account of somebody's.
fn blob_uris(
    state: &State,
    base_url: &str,
    (name, vm_id): (&str, &str),
    machine: &Machine,
) -> Option<[String; 2]> {
    let BootDiagnostics::Custom(uri) = &machine.boot_diagnostics else { return None };
    let endpoint = address::endpoint(state, base_url, address::of_uri(uri)?);
    Some([Blob::Log, Blob::Screenshot].map(|blob| managed::url(&endpoint, name, vm_id, blob)))
}

impl VirtualMachine {
    /// Puts together what the store has.
    pub(super) fn new(state: &State, resource: Resource, row: Vm) -> Result<Self, ArmError> {
        let document: Value = serde_json::from_str(&resource.body).map_err(ArmError::internal)?;
        let machine = Machine::read(&resource.name, &document).map_err(ArmError::internal)?;
        let desired: Desired = serde_json::from_str(&row.spec).map_err(ArmError::internal)?;
        let observed = Observed::from_text(row.observation.as_deref());
        let connected = row.host_id.as_deref().is_none_or(|host| state.hosts.host(host).is_some());
        // What a host said before its line broke, or before the server stopped, is no news: it has to say it again.
        let told =
            observed == Observed::default() || state.hosts.live(&row.vm_id).is_some_and(|live| live.here);
        let host_here = connected && told;
        let blob_uris = blob_uris(state, &state.public_url, (&resource.name, &row.vm_id), &machine);
        Ok(Self { resource, document, machine, row, desired, observed, blob_uris, host_here })
    }

    /// The same with addresses for whoever sent a request.
    pub(super) fn seen_by(mut self, cx: &Cx) -> Self {
        let who = (self.resource.name.as_str(), self.row.vm_id.as_str());
        self.blob_uris = blob_uris(&cx.state, &cx.facts.base_url, who, &self.machine);
        self
    }

    /// The id, in the stored case.
    pub fn id(&self) -> ResourceId {
        ResourceId::parse(&self.resource.id).unwrap_or_default()
    }

    /// `Creating`, `Updating`, `Succeeded`, `Failed`.
    pub fn provisioning_state(&self) -> &'static str {
        let answered = self.observed.answers(self.row.generation);
        match (answered, self.observed.failure().is_some()) {
            (true, true) => "Failed",
            (true, false) => "Succeeded",
            (false, _) if self.observed.generation == 0 => "Creating",
            (false, _) => "Updating",
        }
    }

    /// Where the serial log and the screenshot go.
    pub fn boot_diagnostics(&self) -> &BootDiagnostics {
        &self.machine.boot_diagnostics
    }

    /// The power state that clients are told.
    pub fn power(&self) -> PowerState {
        self.runtime("").power()
    }

    fn runtime<'a>(&'a self, time: &'a str) -> Runtime<'a> {
        Runtime {
            wanted: match self.row.power.as_str() {
                "running" => PowerState::Running,
                "deallocated" => PowerState::Deallocated,
                _ => PowerState::Stopped,
            },
            step: self.observed.step(),
            answered: self.observed.answers(self.row.generation),
            message: &self.observed.message,
            host_here: self.host_here,
            provisioning_state: self.provisioning_state(),
            provisioning_time: time,
        }
    }

    /// The instance view.
    pub fn instance_view(&self) -> Value {
        let time = from_micros(self.row.updated).to_string();
        let mut view = vm::instance_view(&self.document, &self.machine, &self.runtime(&time));
        if let (Some([log, screenshot]), Some(view)) = (&self.blob_uris, view.as_object_mut()) {
            let uris = json!({ "consoleScreenshotBlobUri": screenshot, "serialConsoleLogBlobUri": log });
            view.insert("bootDiagnostics".into(), uris);
        }
        view
    }

    /// The VM as clients read it.
    pub fn to_document(&self, with_instance_view: bool) -> Value {
        let created = from_micros(self.resource.created).to_string();
        let facts = vm::Facts {
            id: &self.resource.id,
            name: &self.resource.name,
            vm_id: &self.row.vm_id,
            provisioning_state: self.provisioning_state(),
            time_created: &created,
            etag: &self.resource.etag,
        };
        vm::document(&facts, &self.document, with_instance_view.then(|| self.instance_view()))
    }
}
