//! The console service of a subscription: is it on, on, off (contract 4.1).

use crate::auth::Allowed;
use crate::clock::micros;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use crate::serial::switch;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_store::db::subscriptions;
use serde_json::{Value, json};

/// The one console service that a subscription has.
const NAME: &str = "default";

/// `GET /subscriptions/{S}/providers/Microsoft.SerialConsole/consoleServices/default`
pub async fn service_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = subscription(allowed)?;
    if subscriptions::get(&cx.state.store, subscription).await.map_err(store_error)?.is_none() {
        return Err(ArmError::subscription_not_found(subscription));
    }
    let on = switch::is_on(&cx.state, subscription).await.map_err(store_error)?;
    Ok(cx.read(ArmResponse::ok(document(on))))
}

/// `POST …/consoleServices/default/enableConsole`
pub async fn service_enable(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    turn(cx, allowed, true).await
}

/// `POST …/consoleServices/default/disableConsole`: consoles that are open end at once.
pub async fn service_disable(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    turn(cx, allowed, false).await
}

async fn turn(cx: &Cx, allowed: &Allowed, on: bool) -> Result<Recorded, ArmError> {
    let subscription = subscription(allowed)?;
    let mut change = cx.begin(allowed).await?;
    let known = switch::turn(change.tx(), subscription, on, micros(cx.now)).await.map_err(store_error)?;
    if !known {
        return Err(ArmError::subscription_not_found(subscription));
    }
    let recorded = change.commit(ArmResponse::ok(document(on))).await?;
    cx.state.serial.check_rights();
    Ok(recorded)
}

/// The subscription whose service a path names.
fn subscription(allowed: &Allowed) -> Result<&str, ArmError> {
    let id = &allowed.path.id;
    match id.subscription() {
        Some(subscription) if id.group().is_none() && id.name().eq_ignore_ascii_case(NAME) => {
            Ok(subscription)
        }
        _ => Err(ArmError::resource_not_found(id)),
    }
}

/// `disabled` stands under `properties`: clients take a service without it for one that is off (contract 4.1).
fn document(on: bool) -> Value {
    json!({ "properties": { "disabled": !on } })
}
