//! What a poller is told.

use super::pending::{RETRY_AFTER, Urls};
use crate::clock::from_micros;
use crate::pipeline::{Cx, store_error};
use crate::reply::ArmResponse;
use hardline_arm::error::ArmError;
use hardline_store::db::async_operations::{self, AsyncOperation};
use http::{StatusCode, header};
use serde_json::{Value, json};

/// Answers `GET …/locations/{location}/operations/{id}`, in both variants: the state, or with `monitor=true` the result.
/// `subscription` is the path's; an operation of another subscription is not found.
pub async fn status(cx: &Cx, subscription: &str, id: &str) -> Result<ArmResponse, ArmError> {
    let found =
        async_operations::get(&cx.state.store, &id.to_ascii_lowercase()).await.map_err(store_error)?;
    let operation = found
        .filter(|o| o.subscription.eq_ignore_ascii_case(subscription))
        .ok_or_else(|| ArmError::not_found(format!("The operation '{id}' was not found.")))?;
    let response = if cx.query.flag("monitor")? {
        monitor(cx, subscription, &operation)?
    } else {
        ArmResponse::ok(state(&operation))
    };
    Ok(response.with_header(header::RETRY_AFTER, RETRY_AFTER))
}

fn state(operation: &AsyncOperation) -> Value {
    let mut body = json!({ "startTime": from_micros(operation.started), "status": operation.status, "name": operation.id });
    if let Some(map) = body.as_object_mut() {
        if let Some(ended) = operation.ended {
            map.insert("endTime".into(), json!(from_micros(ended)));
        }
        if let Some(error) = error_of(operation) {
            map.insert("error".into(), error);
        }
    }
    body
}

fn monitor(cx: &Cx, subscription: &str, operation: &AsyncOperation) -> Result<ArmResponse, ArmError> {
    match operation.status.as_str() {
        "InProgress" => {
            let urls = Urls::new(cx, subscription, &operation.id);
            Ok(ArmResponse::empty(StatusCode::ACCEPTED).with_header(header::LOCATION, &urls.monitor))
        }
        "Succeeded" => Ok(ArmResponse::empty(StatusCode::OK)),
        _ => {
            let error = error_of(operation).unwrap_or_default();
            let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
            Err(ArmError::new(StatusCode::CONFLICT, text("code"), text("message"))
                .with_header(header::RETRY_AFTER, RETRY_AFTER))
        }
    }
}

fn error_of(operation: &AsyncOperation) -> Option<Value> {
    serde_json::from_str(operation.error.as_deref()?).ok()
}
