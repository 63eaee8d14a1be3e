//! A scale set as the handlers see it: its document, its row, its instances.

use crate::auth::Allowed;
use crate::clock::from_micros;
use crate::pipeline::{Cx, store_error};
use crate::providers::compute::virtual_machine::VirtualMachine;
use crate::providers::documents::check_group;
use hardline_arm::error::ArmError;
use hardline_arm::models::scale_set::{
    self, Asked, CAPACITY_LIMIT, INSTANCE_TYPE, InstanceFacts, Mode, Place, SetFacts, TYPE, same_model,
};
use hardline_arm::models::vm::VmError;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::resources::{self, Resource};
use hardline_store::db::scale_sets::{self, ScaleSetRow};
use hardline_store::db::vms;
use http::StatusCode;
use serde_json::Value;
use std::collections::HashMap;

/// A scale set, all of it.
#[derive(Debug)]
pub(super) struct ScaleSet {
    /// Id, location, etag, times.
    pub(super) resource: Resource,
    /// The document as it was put.
    pub(super) document: Value,
    /// What we read of the document.
    pub(super) model: scale_set::ScaleSet,
    /// The server's own part.
    pub(super) row: ScaleSetRow,
    /// Its instances, the oldest first.
    pub(super) members: Vec<VirtualMachine>,
}

/// Finds a set by its id; 404 in Azure's words for a missing set, group or subscription.
pub(super) async fn find(cx: &Cx, id: &ResourceId) -> Result<ScaleSet, ArmError> {
    match load(cx, id).await? {
        Some(found) => Ok(found),
        None => {
            check_group(&cx.state, id).await?;
            Err(ArmError::resource_not_found(id))
        }
    }
}

/// The same without an error for what is not there.
pub(super) async fn load(cx: &Cx, id: &ResourceId) -> Result<Option<ScaleSet>, ArmError> {
    match resources::get(&cx.state.store, &id.key()).await.map_err(store_error)? {
        Some(resource) => of(cx, resource).await,
        None => Ok(None),
    }
}

/// The set of a resource; none when it was deleted since that was read.
pub(super) async fn of(cx: &Cx, resource: Resource) -> Result<Option<ScaleSet>, ArmError> {
    let Some(row) = scale_sets::get(&cx.state.store, &resource.id).await.map_err(store_error)? else {
        return Ok(None);
    };
    let document: Value = serde_json::from_str(&resource.body).map_err(ArmError::internal)?;
    let model = scale_set::ScaleSet::read(&resource.name, &document).map_err(ArmError::internal)?;
    let members = members(cx, &resource.id, model.mode).await?;
    Ok(Some(ScaleSet { resource, document, model, row, members }))
}

async fn members(cx: &Cx, set: &str, mode: Mode) -> Result<Vec<VirtualMachine>, ArmError> {
    let rows = vms::of_scale_set(&cx.state.store, set).await.map_err(store_error)?;
    let mut rows: HashMap<_, _> =
        rows.into_iter().filter_map(|row| Some((row.resource_key.clone()?, row))).collect();
    let mut found = Vec::with_capacity(rows.len());
    for resource in resources::of_scale_set(&cx.state.store, set).await.map_err(store_error)? {
        // One of the two reads may be older than a deletion.
        if let Some(row) = rows.remove(&resource.id.to_ascii_lowercase()) {
            found.push(VirtualMachine::new(&cx.state, resource, row)?.seen_by(cx));
        }
    }
    match mode {
        Mode::Uniform => found.sort_by_key(number),
        Mode::Flexible => found.sort_by_key(|m| (m.resource.created, m.resource.id.clone())),
    }
    Ok(found)
}

/// The number of a Uniform set's instance.
pub(super) fn number(member: &VirtualMachine) -> i64 {
    member.id().name().parse().unwrap_or(0)
}

/// For what hangs below a set: 404 for the parent when that is missing.
pub(in crate::providers::compute) async fn check_set(cx: &Cx, id: &ResourceId) -> Result<(), ArmError> {
    if !id.resource_type().eq_ignore_ascii_case(INSTANCE_TYPE) {
        return Ok(());
    }
    let Some(set) = id.parent() else { return Ok(()) };
    match resources::get(&cx.state.store, &set.key()).await.map_err(store_error)? {
        Some(_) => Ok(()),
        None => Err(ArmError::parent_not_found(set.name())),
    }
}

/// The Flexible set that a new VM's document names, in lower case. Who makes an instance of a set needs the right to write it.
pub(in crate::providers::compute) async fn joined(
    cx: &Cx,
    allowed: &Allowed,
    document: &Value,
) -> Result<Option<String>, ArmError> {
    let Some(named) = document.pointer("/properties/virtualMachineScaleSet/id").filter(|id| !id.is_null())
    else {
        return Ok(None);
    };
    let wrong = |why: String| VmError::parameter("virtualMachineScaleSet.id", why);
    let id = named.as_str().and_then(|text| ResourceId::parse(text).ok());
    let id = id.filter(|id| id.resource_type().eq_ignore_ascii_case(TYPE));
    let id = id.ok_or_else(|| wrong("'virtualMachineScaleSet.id' must be the id of a scale set.".into()))?;
    allowed.check_linked("Microsoft.Compute/virtualMachineScaleSets/write", &id)?;
    let set = load(cx, &id).await?;
    let set = set.ok_or_else(|| wrong(format!("The scale set '{}' was not found.", id.name())))?;
    if set.model.mode != Mode::Flexible {
        return Err(wrong(format!(
            "The scale set '{}' is not Flexible: it makes its own instances.",
            id.name()
        ))
        .into());
    }
    if set.members.len() >= CAPACITY_LIMIT as usize {
        return Err(ArmError::new(
            StatusCode::CONFLICT,
            "OperationNotAllowed",
            format!(
                "The scale set '{}' has {CAPACITY_LIMIT} instances already, which is the most.",
                id.name()
            ),
        ));
    }
    Ok(Some(id.key()))
}

impl ScaleSet {
    /// The id, in the stored case.
    pub(super) fn id(&self) -> ResourceId {
        ResourceId::parse(&self.resource.id).unwrap_or_default()
    }

    /// An instance's id in paths below the set and in bodies: its number, or the name of its VM.
    pub(super) fn instance_id(&self, member: &VirtualMachine) -> String {
        match self.model.mode {
            Mode::Uniform => member.id().name().to_owned(),
            Mode::Flexible => member.resource.name.clone(),
        }
    }

    /// The instance with this id, in any case.
    pub(super) fn take(&mut self, instance_id: &str) -> Option<VirtualMachine> {
        let at = self.members.iter().position(|m| self.instance_id(m).eq_ignore_ascii_case(instance_id))?;
        Some(self.members.remove(at))
    }

    /// The instances that are asked for; 400 for an id that none has.
    pub(super) fn choose(&mut self, asked: Asked) -> Result<Vec<VirtualMachine>, ArmError> {
        match asked {
            Asked::All => Ok(std::mem::take(&mut self.members)),
            Asked::These(ids) => {
                let one = |id: &String| self.take(id).ok_or_else(|| Asked::unknown(id).into());
                ids.iter().map(one).collect()
            }
        }
    }

    /// `Creating`, `Updating`, `Failed`, `Succeeded`: what the instances come to.
    pub(super) fn provisioning_state(&self) -> &'static str {
        let states: Vec<_> = self.members.iter().map(VirtualMachine::provisioning_state).collect();
        let any = |word| states.contains(&word);
        match () {
            () if any("Failed") => "Failed",
            () if any("Creating") && !any("Succeeded") && !any("Updating") => "Creating",
            () if any("Creating") || any("Updating") => "Updating",
            () => "Succeeded",
        }
    }

    /// The set as clients read it.
    pub(super) fn to_document(&self) -> Value {
        self.to_document_with(self.members.len(), self.provisioning_state())
    }

    /// The same while it changes.
    pub(super) fn to_document_with(&self, capacity: usize, provisioning_state: &str) -> Value {
        let facts = SetFacts {
            id: &self.resource.id,
            name: &self.resource.name,
            unique_id: &self.row.unique_id,
            provisioning_state,
            time_created: &from_micros(self.resource.created).to_string(),
            etag: &self.resource.etag,
            capacity,
        };
        scale_set::document(&facts, &self.document)
    }

    /// The set's instance view.
    pub(super) fn instance_view(&self) -> Value {
        let views: Vec<_> = self.members.iter().map(VirtualMachine::instance_view).collect();
        let latest = self.members.iter().map(|m| m.row.updated).fold(self.resource.updated, i64::max);
        scale_set::instance_view(&views, self.provisioning_state(), &from_micros(latest).to_string())
    }

    /// The document that the present model would make of a first instance: what others are compared with.
    pub(super) fn pattern(&self) -> Option<Value> {
        self.model
            .instance(&self.resource.name, &self.resource.id, &self.document, 0)
            .ok()
            .map(|(doc, _)| doc)
    }

    /// An instance's own instance view, with its place.
    pub(super) fn view_of(&self, member: &VirtualMachine) -> Value {
        let view = member.instance_view();
        match self.model.mode {
            Mode::Uniform => {
                scale_set::place(view, Place { group: &self.row.unique_id, number: number(member) })
            }
            Mode::Flexible => view,
        }
    }

    /// An instance as clients read it below the set. `pattern` is [`ScaleSet::pattern`]'s.
    pub(super) fn document_of(
        &self,
        member: &VirtualMachine,
        pattern: Option<&Value>,
        with_view: bool,
        select: Option<&[&str]>,
    ) -> Value {
        let instance_id = self.instance_id(member);
        let id = match self.model.mode {
            Mode::Uniform => member.resource.id.clone(),
            Mode::Flexible => format!("{}/virtualMachines/{instance_id}", self.resource.id),
        };
        let facts = InstanceFacts {
            id: &id,
            name: &member.resource.name,
            instance_id: &instance_id,
            vm_id: &member.row.vm_id,
            provisioning_state: member.provisioning_state(),
            time_created: &from_micros(member.resource.created).to_string(),
            etag: &member.resource.etag,
            latest_model: pattern.is_some_and(|pattern| same_model(pattern, &member.document)),
        };
        let view = with_view.then(|| self.view_of(member));
        scale_set::instance_document(&facts, &member.document, view, select)
    }
}
