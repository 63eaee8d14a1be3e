//! Reading scale sets: one, many, the instance view.

use super::scale_set::{find, of};
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded};
use crate::providers::documents;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;

/// `GET …/virtualMachineScaleSets/{set}`
pub async fn scale_set_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let found = find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(found.to_document())))
}

/// `GET …/virtualMachineScaleSets/{set}/instanceView`
pub async fn scale_set_instance_view(
    cx: &Cx,
    allowed: &Allowed,
    _body: &Bytes,
) -> Result<Recorded, ArmError> {
    let found = find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(found.instance_view())))
}

/// `GET …/virtualMachineScaleSets` of a group or a subscription, by id, a page at a time.
pub async fn scale_set_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let mut page = documents::page(cx, allowed).await?;
    let found = std::mem::take(&mut page.resources);
    let mut value = Vec::with_capacity(found.len());
    for resource in found {
        // Deleted since the page was read.
        let Some(set) = of(cx, resource).await? else { continue };
        value.push(set.to_document());
    }
    Ok(cx.read(page.answer(value)))
}
