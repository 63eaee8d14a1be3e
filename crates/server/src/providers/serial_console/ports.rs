//! The serial ports of a machine: there is one, whether it may be opened, and who is on it now (contract 4.1).
//!
//! A port is there when its machine is, and needs no PUT. A PUT says whether consoles may be opened at it, and a DELETE
//! takes that back: the port is as it was before anybody said anything, which is enabled.

use crate::auth::Allowed;
use crate::clock::micros;
use crate::hosts::Desired;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use crate::serial::hub::Port;
use crate::serial::switch;
use crate::serial::target::Target;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use hardline_arm::models::paging::page;
use hardline_store::db::vms;
use http::StatusCode;
use serde_json::{Value, json};

/// `GET {vm}/providers/Microsoft.SerialConsole/serialPorts`
pub async fn port_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let target = Target::find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(page(vec![described(cx, &target).await?], None))))
}

/// `GET {vm}/providers/Microsoft.SerialConsole/serialPorts/0`
pub async fn port_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let target = Target::find(cx, &allowed.path.id).await?;
    Target::port(&allowed.path.id)?;
    Ok(cx.read(ArmResponse::ok(described(cx, &target).await?)))
}

/// `PUT {vm}/providers/Microsoft.SerialConsole/serialPorts/0`, `{"properties": {"state": "enabled" | "disabled"}}`: 201, whether
/// or not somebody said it before. Consoles that are open at a port that is disabled end at once.
pub async fn port_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let body = document::object(body)?;
    let state = body.get("properties").and_then(|properties| properties.get("state"));
    let off = match state.and_then(Value::as_str) {
        Some(word) if word.eq_ignore_ascii_case("enabled") => false,
        Some(word) if word.eq_ignore_ascii_case("disabled") => true,
        None if state.is_none_or(Value::is_null) => false,
        _ => {
            let text = "it must be 'enabled' or 'disabled'.";
            return Err(ArmError::invalid_parameter("properties.state", text));
        }
    };
    turn(cx, allowed, off, StatusCode::CREATED).await
}

/// `DELETE {vm}/providers/Microsoft.SerialConsole/serialPorts/0`
pub async fn port_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    turn(cx, allowed, false, StatusCode::OK).await
}

async fn turn(cx: &Cx, allowed: &Allowed, off: bool, status: StatusCode) -> Result<Recorded, ArmError> {
    let target = Target::find(cx, &allowed.path.id).await?;
    Target::port(&allowed.path.id)?;
    let mut change = cx.begin(allowed).await?;
    let missing = || ArmError::resource_not_found(&allowed.path.id);
    let row = vms::get(change.tx(), &target.vm_id).await.map_err(store_error)?;
    let mut row = row.ok_or_else(missing)?;
    let mut desired: Desired = serde_json::from_str(&row.spec).map_err(ArmError::internal)?;
    let before = std::mem::replace(&mut desired.console_off, off);
    if before != off {
        row.spec = serde_json::to_string(&desired).map_err(ArmError::internal)?;
        row.updated = micros(cx.now);
        // A new generation, though the host does nothing for it: who changes the machine at the same time must not undo this.
        let expected = row.generation;
        row.generation += 1;
        vms::update(change.tx(), &row, expected).await.map_err(store_error)?;
    }
    let answer = match status {
        StatusCode::CREATED => {
            ArmResponse::json(status, described(cx, &Target { console_off: off, ..target }).await?)
        }
        _ => ArmResponse::empty(status),
    };
    let recorded = change.commit(answer).await?;
    cx.state.hosts.wake();
    cx.state.serial.check_rights();
    Ok(recorded)
}

/// `enabled`: somebody with the right could connect, if the machine ran. `active`: somebody is connected to this server.
async fn described(cx: &Cx, target: &Target) -> Result<Value, ArmError> {
    let subscription = target.id.subscription().unwrap_or("");
    let on = target.captures()
        && !target.console_off
        && switch::is_on(&cx.state, subscription).await.map_err(store_error)?;
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
