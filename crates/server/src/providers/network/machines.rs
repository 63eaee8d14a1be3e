//! Interfaces of virtual machines: a machine that names one has it for itself.

use super::put::release_public_addresses;
use crate::auth::Allowed;
use crate::pipeline::{Cx, store_error};
use crate::providers::documents::{load, rewrite};
use hardline_arm::error::ArmError;
use hardline_arm::models::network::machine::interfaces;
use hardline_arm::models::network::{self, interface};
use hardline_arm::resource_id::ResourceId;
use hardline_store::Tx;
use hardline_store::db::resources;
use serde_json::Value;
use std::collections::BTreeSet;

const JOIN: &str = "Microsoft.Network/networkInterfaces/join/action";

/// 403 unless the caller may use every interface that a machine's document names; asked before any is looked up.
pub(in crate::providers) fn check_join(allowed: &Allowed, document: &Value) -> Result<(), ArmError> {
    let named = interfaces(&allowed.path.id, document)?;
    named.iter().try_for_each(|named| allowed.check_linked(JOIN, &named.id))
}

/// Gives a machine the interfaces that its document names, and frees those that it named `before` and does not any more. 400
/// when one is not there or is another machine's. The transaction holds the right to write resources.
pub(in crate::providers) async fn attach(
    cx: &Cx,
    tx: &mut Tx,
    vm: &ResourceId,
    document: &Value,
    before: Option<&Value>,
) -> Result<(), ArmError> {
    let had = before.map(|b| interfaces(vm, b)).transpose()?.unwrap_or_default();
    let mut kept = BTreeSet::new();
    for named in interfaces(vm, document)? {
        kept.insert(named.id.key());
        let Some(mut nic) = load(&mut *tx, &named.id).await? else {
            // A machine may be older than the interfaces, and name one that never was.
            if had.iter().any(|old| old.id == named.id) {
                continue;
            }
            return Err(network::invalid_reference(&named.id.to_string(), vm));
        };
        let holder = interface::machine(&nic.body);
        if let Some(other) = holder.filter(|other| !other.eq_ignore_ascii_case(&vm.to_string())) {
            return Err(network::nic_in_use(&named.id, other));
        }
        let told = nic.properties().and_then(|p| p.get("primary")).and_then(Value::as_bool);
        if holder.is_none() || told != Some(named.primary) {
            interface::set_machine(&mut nic.body, Some((vm, named.primary)));
            rewrite(cx, tx, nic).await?;
        }
    }
    for named in had {
        if !kept.contains(&named.id.key()) {
            free(cx, tx, vm, &named.id).await?;
        }
    }
    Ok(())
}

/// Frees the interfaces of a machine that is deleted; those that were to go with it go. The transaction holds the right to
/// write resources.
pub(in crate::providers) async fn detach(
    cx: &Cx,
    tx: &mut Tx,
    vm: &ResourceId,
    document: &Value,
) -> Result<(), ArmError> {
    // What cannot be read names nothing.
    for named in interfaces(vm, document).unwrap_or_default() {
        if !free(cx, tx, vm, &named.id).await? || !named.goes_with_machine {
            continue;
        }
        if let Some(nic) = load(&mut *tx, &named.id).await? {
            release_public_addresses(cx, tx, &nic.id(), &nic.body, &BTreeSet::new()).await?;
            resources::delete(tx, &named.id.key()).await.map_err(store_error)?;
        }
    }
    Ok(())
}

/// Frees an interface that a machine has; whether it had it.
async fn free(cx: &Cx, tx: &mut Tx, vm: &ResourceId, id: &ResourceId) -> Result<bool, ArmError> {
    let Some(mut nic) = load(&mut *tx, id).await? else { return Ok(false) };
    if !interface::machine(&nic.body).is_some_and(|holder| holder.eq_ignore_ascii_case(&vm.to_string())) {
        return Ok(false);
    }
    interface::set_machine(&mut nic.body, None);
    rewrite(cx, tx, nic).await?;
    Ok(true)
}
