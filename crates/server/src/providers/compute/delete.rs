//! Deleting virtual machines. The resource goes at once; its row stays until the host has removed the machine.

use super::power::{announce, preempt};
use super::virtual_machine::load;
use crate::auth::Allowed;
use crate::clock::micros;
use crate::jobs::{Awaits, Pending};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::documents::check_group;
use crate::providers::network;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::{resources, vms};
use hardline_store::{StoreError, Tx};

/// Deletes a VM: 202, done when its host has removed the machine; 204 when there is none.
pub async fn vm_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let Some(found) = load(&cx.state, id).await? else {
        check_group(&cx.state, id).await?;
        return cx.begin(allowed).await?.commit(ArmResponse::no_content()).await;
    };
    let mut begun = cx.begin(allowed).await?;
    resources::lock(begun.tx()).await.map_err(store_error)?;
    if !resources::delete(begun.tx(), &id.key()).await.map_err(store_error)? {
        // Somebody else was faster.
        return begun.commit(ArmResponse::no_content()).await;
    }
    network::detach(cx, begun.tx(), &found.id(), &found.document).await?;
    vms::orphan(begun.tx(), &found.row.vm_id, micros(cx.now)).await.map_err(store_error)?;
    preempt(cx, &mut begun, &found.row.vm_id, "removed").await?;
    // No observation has this generation: only the removal itself ends the operation.
    let awaits = Awaits { vm_id: found.row.vm_id, generation: i64::MAX, state: "removed" };
    let recorded = begun.accept(Pending::action("delete", id.clone(), awaits)).await?;
    announce(cx);
    Ok(recorded)
}

/// Deletes every VM of a resource group, for whoever deletes the group. The ids of the machines, which their hosts remove
/// once the transaction is durable and [`crate::hosts::Hosts::wake`] was called.
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
    Ok(removed)
}
