//! The serial ports of a machine: there is one, and who is on it now (contract 4.1).

use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use crate::serial::hub::Port;
use crate::serial::switch;
use crate::serial::target::Target;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::paging::page;
use serde_json::{Value, json};

/// `GET {vm}/providers/Microsoft.SerialConsole/serialPorts`
pub async fn port_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let target = Target::find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(page(vec![document(cx, &target).await?], None))))
}

/// `GET {vm}/providers/Microsoft.SerialConsole/serialPorts/0`
pub async fn port_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let target = Target::find(cx, &allowed.path.id).await?;
    Target::port(&allowed.path.id)?;
    Ok(cx.read(ArmResponse::ok(document(cx, &target).await?)))
}

/// `enabled`: somebody with the right could connect, if the machine ran. `active`: somebody is connected to this server.
async fn document(cx: &Cx, target: &Target) -> Result<Value, ArmError> {
    let subscription = target.id.subscription().unwrap_or("");
    let on = target.captures() && switch::is_on(&cx.state, subscription).await.map_err(store_error)?;
    let sessions = cx.state.serial.hub().count(&Port { vm: target.vm_id.clone(), index: 0 });
    Ok(json!({
        "id": format!("{}/providers/Microsoft.SerialConsole/serialPorts/0", target.id),
        "name": "0",
        "type": "Microsoft.SerialConsole/serialPorts",
        "properties": {
            "state": if on { "enabled" } else { "disabled" },
            "connectionState": if sessions > 0 { "active" } else { "inactive" },
        },
    }))
}
