//! `Hardline.Fleet/hosts`: the hosts and what they can do.

use crate::auth::Allowed;
use crate::clock::from_micros;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::resources::find_subscription;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::paging;
use hardline_store::db::{hosts, vms};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Every host that has ever connected, by name; whether it is connected, what it can do, how many VMs it has.
pub async fn host_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    // The path ends in the bare namespace; the hosts hang under what stands before it.
    let scope = allowed.path.id.parent().unwrap_or_default();
    if scope.subscription().is_some() {
        find_subscription(cx, &scope).await?;
    }
    let mut value = Vec::new();
    let counts: HashMap<_, _> =
        vms::counts(&cx.state.store).await.map_err(store_error)?.into_iter().collect();
    for row in hosts::list(&cx.state.store).await.map_err(store_error)? {
        let mut properties: Map<String, Value> = serde_json::from_str(&row.body).unwrap_or_default();
        properties.insert("hostId".into(), row.host_id.as_str().into());
        properties.insert("connected".into(), cx.state.hosts.host(&row.host_id).is_some().into());
        properties
            .insert("virtualMachineCount".into(), counts.get(&row.host_id).copied().unwrap_or(0).into());
        properties.insert("firstSeen".into(), from_micros(row.first_seen).to_string().into());
        properties.insert("lastConnected".into(), from_micros(row.last_seen).to_string().into());
        value.push(json!({
            "id": scope.extension("Hardline.Fleet/hosts", &row.name).to_string(),
            "name": row.name,
            "type": "Hardline.Fleet/hosts",
            "properties": properties,
        }));
    }
    Ok(cx.read(ArmResponse::ok(paging::page(value, None))))
}
