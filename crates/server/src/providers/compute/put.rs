//! Creating and changing virtual machines.

use super::boot_diagnostics::{check_account, check_managed};
use super::new_machine::NewMachine;
use super::virtual_machine::{VirtualMachine, find, load};
use super::{password, power, scale_sets};
use crate::auth::Allowed;
use crate::clock::micros;
use crate::hosts::{Desired, place};
use crate::jobs::{Awaits, Pending};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::documents::{
    check_conditions, check_group, check_group_open, check_location, new_etag,
};
use crate::providers::network;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::vm::{self, Input, Machine, VmError};
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::{resources, vms};
use http::StatusCode;
use secrecy::SecretString;
use serde_json::Value;

/// Creates a VM, or merges the body into the one that is there.
pub async fn vm_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let input = Input::parse(body)?;
    check_managed(cx, input.body.get("properties"))?;
    network::check_join(allowed, &input.body)?;
    check_group(&cx.state, id).await?;
    let there = load(&cx.state, id).await?;
    check_conditions(cx, there.as_ref().map(|t| t.resource.etag.as_str()))?;
    match there {
        None => create(cx, allowed, id, input).await,
        Some(there) => {
            let changed = vm::put(&there.resource.name, &there.document, &input.body)?;
            change(cx, allowed, there, changed, input.admin_password).await
        }
    }
}

/// Merges the body into a VM.
pub async fn vm_patch(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let input = Input::parse(body)?;
    check_managed(cx, input.body.get("properties"))?;
    network::check_join(allowed, &input.body)?;
    let there = find(cx, &allowed.path.id).await?;
    check_conditions(cx, Some(&there.resource.etag))?;
    let changed = vm::patch(&there.resource.name, &there.document, &input.body)?;
    change(cx, allowed, there, changed, input.admin_password).await
}

/// Text of a document or a spec for the store.
pub(super) fn text(value: &impl serde::Serialize) -> Result<String, ArmError> {
    serde_json::to_string(value).map_err(ArmError::internal)
}

async fn create(cx: &Cx, allowed: &Allowed, id: &ResourceId, input: Input) -> Result<Recorded, ArmError> {
    let (document, machine) = vm::create(id.name(), &input.body)?;
    check_location(cx, &machine.location, vm::TYPE)?;
    check_account(cx, id, &machine).await?;
    let hash = match input.admin_password {
        Some(secret) => password::hash(secret, cx.state.random.as_ref()).await?,
        None if machine.password_login => return Err(VmError::missing("adminPassword").into()),
        None => String::new(),
    };
    let desired = Desired::new(&machine, hash);
    let scale_set_key = scale_sets::joined(cx, allowed, &document).await?;
    let host_id = place(&cx.state, &desired, 1).await?.pop();
    let new =
        NewMachine { id: id.clone(), name: id.name().to_owned(), document, desired, host_id, scale_set_key };
    let mut begun = cx.begin(allowed).await?;
    resources::lock(begun.tx()).await.map_err(store_error)?;
    check_group_open(begun.tx(), id).await?;
    network::attach(cx, begun.tx(), id, &new.document, None).await?;
    let (resource, row, awaits) = new.insert(cx, &mut begun).await?;
    let answer = VirtualMachine::new(&cx.state, resource, row)?.to_document(false);
    let pending = Pending::action("create", id.clone(), awaits).with_answer(StatusCode::CREATED, answer);
    let recorded = begun.accept(pending).await?;
    cx.state.hosts.wake();
    Ok(recorded)
}

async fn change(
    cx: &Cx,
    allowed: &Allowed,
    there: VirtualMachine,
    (document, machine): (Value, Machine),
    admin_password: Option<SecretString>,
) -> Result<Recorded, ArmError> {
    if let Some(secret) = admin_password
        && !password::verify(secret, there.desired.password_hash().to_owned()).await?
    {
        return Err(VmError::Immutable("osProfile.adminPassword".into()).into());
    }
    let set = "/properties/virtualMachineScaleSet";
    if document.pointer(set) != there.document.pointer(set) {
        return Err(VmError::Immutable("virtualMachineScaleSet".into()).into());
    }
    let desired = Desired {
        stop_grace: there.desired.stop_grace,
        console_off: there.desired.console_off,
        ..Desired::new(&machine, there.desired.password_hash().into())
    };
    // What was so before stays: the account may be gone since, and the machine is more than that.
    if machine.boot_diagnostics != there.machine.boot_diagnostics {
        check_account(cx, &allowed.path.id, &machine).await?;
    }
    let VirtualMachine { mut resource, mut row, desired: before, document: was, .. } = there;
    let id = allowed.path.id.clone();
    let now = micros(cx.now);
    let etag = std::mem::replace(&mut resource.etag, new_etag(cx));
    resource.body = text(&document)?;
    resource.updated = now;
    let mut begun = cx.begin(allowed).await?;
    resources::lock(begun.tx()).await.map_err(store_error)?;
    network::attach(cx, begun.tx(), &id, &document, Some(&was)).await?;
    resources::update(begun.tx(), &resource, &etag).await.map_err(store_error)?;
    if desired == before {
        let answer = VirtualMachine::new(&cx.state, resource, row)?.to_document(false);
        return begun.commit(ArmResponse::ok(answer)).await;
    }
    let expected = row.generation;
    row.generation += 1;
    row.spec = text(&desired)?;
    row.updated = now;
    vms::update(begun.tx(), &row, expected).await.map_err(store_error)?;
    let awaits = Awaits { vm_id: row.vm_id.clone(), generation: row.generation, state: "" };
    let answer = VirtualMachine::new(&cx.state, resource, row)?.to_document(false);
    let pending = Pending::action("update", id, awaits).with_answer(StatusCode::OK, answer);
    let recorded = begun.accept(pending).await?;
    power::announce(cx);
    // With boot diagnostics off nobody stays at the console.
    cx.state.serial.check_rights();
    Ok(recorded)
}
