//! Reading virtual machines: one, many, and the instance view alone.

use super::virtual_machine::{VirtualMachine, check_group, find};
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::resources::find_subscription;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::{paging, vm};
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::resources::{self, ResourceFilter};
use hardline_store::db::vms;

/// VMs in one page, at most; `$top` may ask for fewer.
const PAGE: usize = 200;

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

/// The VMs of a group or a subscription, by id, a page at a time; with their instance views where asked for.
pub async fn vm_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let scope = &allowed.path.id;
    if scope.group().is_some() {
        check_group(&cx.state, scope).await?;
    } else {
        find_subscription(cx, scope).await?;
    }
    let after = paging::cursor(&cx.query)?;
    let size = cx.query.top()?.unwrap_or(PAGE).clamp(1, PAGE);
    let filter = ResourceFilter {
        subscription: scope.subscription().unwrap_or(""),
        group: scope.group(),
        resource_type: Some(vm::TYPE),
        after: after.as_deref(),
    };
    let store = &cx.state.store;
    // One more than fits, to know whether there is a next page.
    let limit = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = resources::list(store, &filter, limit).await.map_err(store_error)?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more).map(|r| r.id.to_ascii_lowercase());
    let with_view = cx.query.expands("instanceView");
    let mut value = Vec::with_capacity(found.len());
    for resource in found {
        let Ok(id) = ResourceId::parse(&resource.id) else { continue };
        if !allowed.shows(&id) {
            continue;
        }
        // Deleted since the page was read.
        let Some(row) = vms::by_resource(store, &id.key()).await.map_err(store_error)? else { continue };
        value.push(VirtualMachine::new(&cx.state, resource, row)?.to_document(with_view));
    }
    let next = last.map(|last| paging::next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, &last));
    Ok(cx.read(ArmResponse::ok(paging::page(value, next))))
}
