//! Making scale sets.

use super::scale::Growth;
use super::scale_set::ScaleSet;
use crate::auth::Allowed;
use crate::clock::micros;
use crate::jobs::Pending;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::compute::password;
use crate::providers::compute::power::announce;
use crate::providers::compute::put::text;
use crate::providers::documents::{check_group_open, check_location, new_etag};
use crate::reply::ArmResponse;
use hardline_arm::error::ArmError;
use hardline_arm::models::scale_set::{self, Input};
use hardline_arm::models::vm::VmError;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::resources::{self, Resource};
use hardline_store::db::scale_sets::{self, ScaleSetRow};
use http::StatusCode;

/// Makes the set and its first instances, in one transaction.
pub(super) async fn create(
    cx: &Cx,
    allowed: &Allowed,
    id: &ResourceId,
    input: Input,
) -> Result<Recorded, ArmError> {
    let (document, model) = scale_set::create(id.name(), &input.body)?;
    check_location(cx, &model.location, scale_set::TYPE)?;
    let wanted = input.capacity.unwrap_or(0) as usize;
    if wanted > 0 && !model.model {
        return Err(VmError::missing("virtualMachineProfile").into());
    }
    let admin_password_hash = match input.admin_password {
        Some(secret) => password::hash(secret, cx.state.random.as_ref()).await?,
        None => String::new(),
    };
    let growth = Growth::plan(cx, id, (&document, &model), None, admin_password_hash.clone(), wanted).await?;
    let now = micros(cx.now);
    let resource = Resource {
        id: id.to_string(),
        subscription: id.subscription().unwrap_or("").to_ascii_lowercase(),
        group: id.group().unwrap_or("").to_ascii_lowercase(),
        resource_type: scale_set::TYPE.to_ascii_lowercase(),
        name: id.name().to_owned(),
        location: model.location.clone(),
        body: text(&document)?,
        etag: new_etag(cx),
        created: now,
        updated: now,
    };
    let row = ScaleSetRow {
        id_key: id.key(),
        unique_id: cx.state.random.uuid().to_string(),
        next_instance: 0,
        admin_password_hash,
    };
    let mut begun = cx.begin(allowed).await?;
    resources::lock(begun.tx()).await.map_err(store_error)?;
    check_group_open(begun.tx(), id).await?;
    resources::insert(begun.tx(), &resource).await.map_err(store_error)?;
    scale_sets::insert(begun.tx(), &row).await.map_err(store_error)?;
    let awaits = growth.write(cx, &mut begun, id).await?;
    let set = ScaleSet { resource, document, model, row, members: Vec::new() };
    if awaits.is_empty() {
        return begun.commit(ArmResponse::created(set.to_document())).await;
    }
    let answer = set.to_document_with(wanted, "Creating");
    let pending = Pending::action("create", id.clone(), awaits).with_answer(StatusCode::CREATED, answer);
    let recorded = begun.accept(pending).await?;
    announce(cx);
    Ok(recorded)
}
