//! Deleting virtual machines. The resource goes at once; its row stays until the host has removed the machine.

use super::power::{announce, preempt};
use super::scale_sets::load_machine;
use super::virtual_machine::VirtualMachine;
use crate::auth::Allowed;
use crate::clock::micros;
use crate::jobs::{Awaits, Pending};
use crate::pipeline::{Change, Cx, Recorded, store_error};
use crate::providers::documents::check_group;
use crate::providers::network;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::{resources, scale_sets, vms};
use hardline_store::{StoreError, Tx};

/// Deletes a VM or an instance of a scale set: 202, done when its host has removed the machine; 204 when there is none.
pub async fn vm_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let Some(found) = load_machine(cx, id).await? else {
        check_group(&cx.state, id).await?;
        return cx.begin(allowed).await?.commit(ArmResponse::no_content()).await;
    };
    let mut begun = cx.begin(allowed).await?;
    let Some(awaits) = remove(cx, &mut begun, &found).await? else {
        // Somebody else was faster.
        return begun.commit(ArmResponse::no_content()).await;
    };
    let recorded = begun.accept(Pending::action("delete", id.clone(), awaits)).await?;
    announce(cx);
    Ok(recorded)
}

/// Deletes a machine's resource and leaves its row to its host; what an operation then awaits. None when somebody else has
/// deleted it before.
pub(super) async fn remove(
    cx: &Cx,
    begun: &mut Change<'_>,
    found: &VirtualMachine,
) -> Result<Option<Awaits>, ArmError> {
    resources::lock(begun.tx()).await.map_err(store_error)?;
    if !resources::delete(begun.tx(), &found.resource.id).await.map_err(store_error)? {
        return Ok(None);
    }
    network::detach(cx, begun.tx(), &found.id(), &found.document).await?;
    vms::orphan(begun.tx(), &found.row.vm_id, micros(cx.now)).await.map_err(store_error)?;
    preempt(cx, begun, &found.row.vm_id, "removed").await?;
    // No observation has this generation: only the removal itself ends the operation.
    Ok(Some(Awaits { vm_id: found.row.vm_id.clone(), generation: i64::MAX, state: "removed" }))
}

/// Deletes every VM of a resource group, instances of scale sets too, for whoever deletes the group. The ids of the machines,
/// which their hosts remove once the transaction is durable and [`crate::hosts::Hosts::wake`] was called.
pub async fn delete_group_vms(
    tx: &mut Tx,
    group: &ResourceId,
    now: jiff::Timestamp,
) -> Result<Vec<String>, StoreError> {
    let rows = vms::below(&mut *tx, &group.key()).await?;
    let mut removed = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(key) = &row.resource_key {
            resources::delete(tx, key).await?;
        }
        vms::orphan(tx, &row.vm_id, micros(now)).await?;
        removed.push(row.vm_id);
    }
    scale_sets::delete_below(tx, &group.key()).await?;
    Ok(removed)
}
