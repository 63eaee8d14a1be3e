//! Creating and changing virtual machines.

use super::virtual_machine::{VirtualMachine, check_group, find, load};
use super::{password, power};
use crate::auth::Allowed;
use crate::clock::micros;
use crate::hosts::{Desired, place};
use crate::jobs::{Awaits, Pending};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::vm::{self, Input, Machine, VmError};
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::resource_groups;
use hardline_store::db::resources::{self, Resource};
use hardline_store::db::vms::{self, Vm};
use http::StatusCode;
use secrecy::SecretString;
use serde_json::Value;

/// Creates a VM, or merges the body into the one that is there.
pub async fn vm_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let input = Input::parse(body)?;
    check_group(&cx.state, id).await?;
    let there = load(&cx.state, id).await?;
    check_conditions(cx, there.as_ref())?;
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
    let there = find(cx, &allowed.path.id).await?;
    check_conditions(cx, Some(&there))?;
    let changed = vm::patch(&there.resource.name, &there.document, &input.body)?;
    change(cx, allowed, there, changed, input.admin_password).await
}

/// `If-Match` and `If-None-Match`.
fn check_conditions(cx: &Cx, there: Option<&VirtualMachine>) -> Result<(), ArmError> {
    let names = |header: &str| {
        let header = header.trim();
        there.is_some_and(|t| header == "*" || header.split(',').any(|tag| tag.trim() == t.resource.etag))
    };
    let if_match = cx.facts.if_match.as_deref().is_none_or(names);
    let if_none_match = cx.facts.if_none_match.as_deref().is_some_and(names);
    if if_match && !if_none_match { Ok(()) } else { Err(ArmError::precondition_failed()) }
}

fn new_etag(cx: &Cx) -> String {
    format!("\"{}\"", cx.state.random.uuid())
}

/// Text of a document or a spec for the store.
fn text(value: &impl serde::Serialize) -> Result<String, ArmError> {
    serde_json::to_string(value).map_err(ArmError::internal)
}

/// There is one location.
fn check_location(cx: &Cx, machine: &Machine) -> Result<(), ArmError> {
    let ours = &cx.state.config.location;
    let key = |l: &str| l.replace(' ', "").to_ascii_lowercase();
    if key(&machine.location) == key(ours) {
        return Ok(());
    }
    Err(ArmError::new(
        StatusCode::BAD_REQUEST,
        "LocationNotAvailableForResourceType",
        format!(
            "The provided location '{}' is not available for resource type '{}'. List of available regions for the resource type is '{ours}'.",
            machine.location,
            vm::TYPE
        ),
    )
    .with_target("location"))
}

async fn create(cx: &Cx, allowed: &Allowed, id: &ResourceId, input: Input) -> Result<Recorded, ArmError> {
    let (document, machine) = vm::create(id.name(), &input.body)?;
    check_location(cx, &machine)?;
    let hash = match input.admin_password {
        Some(secret) => password::hash(secret, cx.state.random.as_ref()).await?,
        None => String::new(),
    };
    let desired = Desired::new(&machine, hash);
    let host = place(&cx.state, &desired).await?;
    let now = micros(cx.now);
    let resource = Resource {
        id: id.to_string(),
        subscription: id.subscription().unwrap_or("").to_ascii_lowercase(),
        group: id.group().unwrap_or("").to_ascii_lowercase(),
        resource_type: vm::TYPE.to_ascii_lowercase(),
        name: id.name().to_owned(),
        location: machine.location.clone(),
        body: text(&document)?,
        etag: new_etag(cx),
        created: now,
        updated: now,
    };
    let row = Vm {
        vm_id: cx.state.random.uuid().to_string(),
        resource_key: Some(id.key()),
        name: id.name().to_owned(),
        power: "running".into(),
        generation: 1,
        power_generation: 1,
        reset_generation: 0,
        host_id: Some(host),
        spec: text(&desired)?,
        observation: None,
        observed: None,
        created: now,
        updated: now,
    };
    let mut begun = cx.begin(allowed).await?;
    let group = ResourceId::of_group(id.subscription().unwrap_or(""), id.group().unwrap_or(""));
    let group_row = resource_groups::get(begun.tx(), &group.key()).await.map_err(store_error)?;
    match group_row {
        None => return Err(ArmError::group_not_found(group.name())),
        Some(g) if g.state == "Deleting" => {
            return Err(ArmError::new(
                StatusCode::CONFLICT,
                "ResourceGroupBeingDeleted",
                format!(
                    "The resource group '{}' is in deprovisioning state and cannot perform this operation.",
                    g.name
                ),
            ));
        }
        Some(_) => {}
    }
    resources::insert(begun.tx(), &resource).await.map_err(store_error)?;
    vms::insert(begun.tx(), &row).await.map_err(store_error)?;
    let state = if desired.has_power() { "running" } else { "" };
    let awaits = Awaits { vm_id: row.vm_id.clone(), generation: row.generation, state };
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
    let desired = Desired {
        stop_grace: there.desired.stop_grace,
        ..Desired::new(&machine, there.desired.password_hash().into())
    };
    let VirtualMachine { mut resource, mut row, desired: before, .. } = there;
    let id = allowed.path.id.clone();
    let now = micros(cx.now);
    let etag = std::mem::replace(&mut resource.etag, new_etag(cx));
    resource.body = text(&document)?;
    resource.updated = now;
    let mut begun = cx.begin(allowed).await?;
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
    Ok(recorded)
}
