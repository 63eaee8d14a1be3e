//! Requests that a deployment makes for its caller: each one is identified, authorised and recorded by the pipeline.

use crate::auth::Caller;
use crate::jobs::{self, ASYNC_OPERATION};
use crate::pipeline::{self, Cx, store_error};
use crate::reply::{ArmResponse, Reply};
use bytes::Bytes;
use hardline_arm::error::{ArmError, ErrorDetail};
use http::{Method, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// Longer than any operation's own deadline.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// Sends one request as `caller`; its answer is a document.
pub(super) async fn send(
    cx: &Cx,
    caller: &Caller,
    method: Method,
    id: &str,
    api_version: &str,
    body: Option<&Value>,
) -> Result<ArmResponse, ArmError> {
    let inner = cx.within(method, id, api_version)?;
    let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    match pipeline::run_as(&inner, caller, body).await? {
        Reply::Arm(response) => Ok(response),
        Reply::Stream(_) | Reply::Upgrade(_) => {
            Err(ArmError::operation_not_allowed("A template can only name what answers with a document."))
        }
    }
}

/// The document of a resource.
pub(super) async fn get(cx: &Cx, caller: &Caller, id: &str, api_version: &str) -> Result<Value, ArmError> {
    Ok(send(cx, caller, Method::GET, id, api_version, None).await?.body.unwrap_or(Value::Null))
}

/// Sends a request and waits until what it began has ended. The status of the answer.
pub(super) async fn carry_out(
    cx: &Cx,
    caller: &Caller,
    method: Method,
    id: &str,
    api_version: &str,
    body: Option<&Value>,
) -> Result<StatusCode, ArmError> {
    let answer = send(cx, caller, method, id, api_version, body).await?;
    let Some(operation) = answer.headers.get(ASYNC_OPERATION).and_then(|url| url.to_str().ok()) else {
        return Ok(answer.status);
    };
    wait(cx, jobs::id_in(operation)).await?;
    Ok(answer.status)
}

async fn wait(cx: &Cx, operation: &str) -> Result<(), ArmError> {
    let found = jobs::ended(&cx.state, operation, LONGEST).await.map_err(store_error)?;
    let Some(found) = found else {
        return Err(ArmError::not_found("The operation that was begun is no longer known."));
    };
    if found.status == "Succeeded" { Ok(()) } else { Err(failed(found.error.as_deref())) }
}

/// The error of an operation, as it is kept.
fn failed(kept: Option<&str>) -> ArmError {
    let cause: Value = kept.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let text = |key: &str| cause.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    // Azure's own way: what went wrong with the resource stands below the fact that it did (contract section 10).
    let sentence = "The resource operation completed with terminal provisioning state 'Failed'.";
    let mut error = ArmError::new(StatusCode::CONFLICT, "ResourceDeploymentFailure", sentence);
    error.details.push(ErrorDetail { code: text("code"), message: text("message"), target: None });
    error
}
