//! Reading the instances of a set, and finding the machine that an instance's path names.

use super::scale_set::{self, ScaleSet};
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded};
use crate::providers::compute::virtual_machine::{self, VirtualMachine};
use crate::providers::documents::check_group;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::paging;
use hardline_arm::models::scale_set::{Condition, INSTANCE_TYPE};
use hardline_arm::resource_id::ResourceId;
use serde_json::Value;

/// `GET …/{set}/virtualMachines`: all instances, the oldest first; there are few enough for one page.
pub async fn instance_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let conditions = cx.query.filter().map(Condition::parse).transpose()?.unwrap_or_default();
    let select = cx.query.select();
    let select = select.as_deref().filter(|names| !names.is_empty());
    let with_view = cx.query.expands("instanceView");
    let set = match scale_set::load(cx, &allowed.path.id.scope()).await? {
        Some(set) => set,
        None => return Err(missing(cx, &allowed.path.id).await),
    };
    let pattern = set.pattern();
    let mut value = Vec::with_capacity(set.members.len());
    for member in &set.members {
        if !conditions.is_empty() {
            let view = member.instance_view();
            let statuses = view.get("statuses").and_then(Value::as_array).into_iter().flatten();
            let codes: Vec<_> = statuses.filter_map(|status| status.get("code")?.as_str()).collect();
            let latest = pattern
                .as_ref()
                .is_some_and(|p| hardline_arm::models::scale_set::same_model(p, &member.document));
            if !conditions.iter().all(|condition| condition.fits(latest, &codes)) {
                continue;
            }
        }
        value.push(set.document_of(member, pattern.as_ref(), with_view, select));
    }
    Ok(cx.read(ArmResponse::ok(paging::page(value, None))))
}

/// `GET …/{set}/virtualMachines/{id}`, `$expand=instanceView` with its instance view.
pub async fn instance_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let (set, member) = find(cx, &allowed.path.id).await?;
    let with_view = cx.query.expands("instanceView");
    let document = set.document_of(&member, set.pattern().as_ref(), with_view, None);
    Ok(cx.read(ArmResponse::ok(document)))
}

/// `GET …/{set}/virtualMachines/{id}/instanceView`
pub async fn instance_instance_view(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let (set, member) = find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(set.view_of(&member))))
}

/// 404 for what hangs below a set that is not there.
async fn missing(cx: &Cx, set: &ResourceId) -> ArmError {
    match check_group(&cx.state, set).await {
        Ok(()) => ArmError::parent_not_found(set.name()),
        Err(error) => error,
    }
}

async fn find(cx: &Cx, id: &ResourceId) -> Result<(ScaleSet, VirtualMachine), ArmError> {
    let set_id = id.parent().unwrap_or_default();
    let Some(mut set) = scale_set::load(cx, &set_id).await? else {
        return Err(missing(cx, &set_id).await);
    };
    let member = set.take(id.name()).ok_or_else(|| ArmError::resource_not_found(id))?;
    Ok((set, member))
}

/// The machine that a path names: a VM, or an instance of a set of either kind.
pub(in crate::providers::compute) async fn find_machine(
    cx: &Cx,
    id: &ResourceId,
) -> Result<VirtualMachine, ArmError> {
    match load_machine(cx, id).await? {
        Some(found) => Ok(found),
        // For its error.
        None => virtual_machine::find(cx, id).await,
    }
}

/// The same without an error for what is not there.
pub(in crate::providers::compute) async fn load_machine(
    cx: &Cx,
    id: &ResourceId,
) -> Result<Option<VirtualMachine>, ArmError> {
    let found = virtual_machine::load(&cx.state, id).await?;
    if found.is_some() || !id.resource_type().eq_ignore_ascii_case(INSTANCE_TYPE) {
        return Ok(found);
    }
    let set = scale_set::load(cx, &id.parent().unwrap_or_default()).await?;
    Ok(set.and_then(|mut set| set.take(id.name())))
}
