//! Hardline.Identity: the device codes that a signed-in person looks at and answers.
//!
//! The code stands in the body: paths are logged.

use crate::auth::{Allowed, device};
use crate::pipeline::{Cx, Recorded};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use serde_json::{Map, Value, json};

/// `POST /providers/Hardline.Identity/findDeviceCode` with `userCode`: who asks to sign in, before anybody says yes.
pub async fn device_code_find(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let body = document::object(body)?;
    let found = device::find(cx, &allowed.caller, user_code(&body)?)?;
    Ok(cx.read(ArmResponse::ok(json!({
        "clientId": found.client,
        "clientName": device::client_name(&found.client),
        "address": found.address,
        "asked": found.asked.to_string(),
        "expires": found.expires.to_string(),
    }))))
}

/// `POST /providers/Hardline.Identity/answerDeviceCode` with `userCode` and `approve`.
pub async fn device_code_answer(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let body = document::object(body)?;
    let code = user_code(&body)?;
    let approve = body.get("approve").and_then(Value::as_bool);
    let approve = approve.ok_or_else(|| ArmError::missing_property("approve"))?;
    let caller = &allowed.caller;
    device::find(cx, caller, code)?;
    let change = cx.begin(allowed).await?;
    // The start is on record before the client can get a token.
    let act = async {
        device::answer(cx, caller, code, approve)?;
        Ok(ArmResponse::ok(json!({ "approved": approve })))
    };
    change.around(act).await
}

fn user_code(body: &Map<String, Value>) -> Result<&str, ArmError> {
    document::text(body, "userCode")?.ok_or_else(|| ArmError::missing_property("userCode"))
}
