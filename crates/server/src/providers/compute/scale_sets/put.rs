//! Creating and changing scale sets: the model, the number of instances.

use super::create::create;
use super::scale::{Growth, upgrade};
use super::scale_set::{ScaleSet, find, load};
use crate::auth::Allowed;
use crate::clock::micros;
use crate::jobs::Pending;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::compute::boot_diagnostics::check_managed;
use crate::providers::compute::delete::remove;
use crate::providers::compute::password;
use crate::providers::compute::power::announce;
use crate::providers::compute::put::text;
use crate::providers::documents::{check_conditions, check_group, new_etag};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::scale_set::{self, Input, Upgrade};
use hardline_arm::models::vm::VmError;
use hardline_store::db::resources;
use http::StatusCode;
use serde_json::Value;

/// Creates a set, or merges the body into the one that is there.
pub async fn scale_set_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let input = Input::parse(body)?;
    check_managed(cx, input.body.pointer("/properties/virtualMachineProfile"))?;
    check_group(&cx.state, id).await?;
    let there = load(cx, id).await?;
    check_conditions(cx, there.as_ref().map(|t| t.resource.etag.as_str()))?;
    match there {
        None => create(cx, allowed, id, input).await,
        Some(there) => {
            let changed = scale_set::put(&there.resource.name, &there.document, &input.body)?;
            change(cx, allowed, there, changed, input).await
        }
    }
}

/// Merges the body into a set.
pub async fn scale_set_patch(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let input = Input::parse(body)?;
    check_managed(cx, input.body.pointer("/properties/virtualMachineProfile"))?;
    let there = find(cx, &allowed.path.id).await?;
    check_conditions(cx, Some(&there.resource.etag))?;
    let changed = scale_set::patch(&there.resource.name, &there.document, &input.body)?;
    change(cx, allowed, there, changed, input).await
}

async fn change(
    cx: &Cx,
    allowed: &Allowed,
    mut set: ScaleSet,
    (document, model): (Value, scale_set::ScaleSet),
    input: Input,
) -> Result<Recorded, ArmError> {
    if let Some(secret) = input.admin_password
        && !password::verify(secret, set.row.admin_password_hash.clone()).await?
    {
        return Err(VmError::Immutable("osProfile.adminPassword".into()).into());
    }
    let there = set.members.len();
    let wanted = input.capacity.map_or(there, |wanted| wanted as usize);
    let more = wanted.saturating_sub(there);
    if more > 0 && !model.model {
        return Err(VmError::missing("virtualMachineProfile").into());
    }
    let id = set.id();
    let hash = set.row.admin_password_hash.clone();
    let growth = Growth::plan(cx, &id, (&document, &model), Some(&set), hash, more).await?;
    let etag = std::mem::replace(&mut set.resource.etag, new_etag(cx));
    set.resource.body = text(&document)?;
    set.resource.updated = micros(cx.now);
    (set.document, set.model) = (document, model);
    let before = set.provisioning_state();
    let mut kept = std::mem::take(&mut set.members);
    // In: the newest go first.
    let leaving = kept.split_off(wanted.min(there));
    let mut begun = cx.begin(allowed).await?;
    resources::lock(begun.tx()).await.map_err(store_error)?;
    resources::update(begun.tx(), &set.resource, &etag).await.map_err(store_error)?;
    let mut awaits = Vec::new();
    for member in leaving.iter().rev() {
        awaits.extend(remove(cx, &mut begun, member).await?);
    }
    if let (Upgrade::Automatic, Some(pattern)) = (set.model.upgrade, set.pattern()) {
        for member in kept {
            if !scale_set::same_model(&pattern, &member.document) {
                awaits.extend(upgrade(cx, &mut begun, &set, member).await?);
            }
        }
    }
    awaits.extend(growth.write(cx, &mut begun, &id).await?);
    if awaits.is_empty() {
        return begun.commit(ArmResponse::ok(set.to_document_with(wanted, before))).await;
    }
    let answer = set.to_document_with(wanted, "Updating");
    let pending = Pending::action("update", id, awaits).with_answer(StatusCode::OK, answer);
    let recorded = begun.accept(pending).await?;
    announce(cx);
    Ok(recorded)
}
