//! Reading virtual machines: one, many, and the instance view alone.

use super::virtual_machine::{VirtualMachine, find};
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::documents;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::scale_set;
use hardline_store::db::vms;

/// One VM, `$expand=instanceView` with its instance view.
pub async fn vm_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let found = find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(found.to_document(cx.query.expands("instanceView")))))
}

/// The instance view alone.
pub async fn vm_instance_view(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let found = find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(found.instance_view())))
}

/// The VMs of a group or a subscription, by id, a page at a time, with their instance views where asked for; `$filter` may name a
/// Flexible scale set.
pub async fn vm_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let set = cx.query.filter().map(scale_set::machines_of).transpose()?.map(|id| id.key());
    let mut page = documents::page(cx, allowed).await?;
    let with_view = cx.query.expands("instanceView");
    let found = std::mem::take(&mut page.resources);
    let mut value = Vec::with_capacity(found.len());
    for resource in found {
        // Deleted since the page was read.
        let row = vms::by_resource(&cx.state.store, &resource.id).await.map_err(store_error)?;
        let Some(row) = row else { continue };
        if set.is_some() && row.scale_set_key != set {
            continue;
        }
        value.push(VirtualMachine::new(&cx.state, resource, row)?.seen_by(cx).to_document(with_view));
    }
    Ok(cx.read(page.answer(value)))
}
