//! What a poller is told.

use super::pending::{RETRY_AFTER, Urls};
use crate::clock::from_micros;
use crate::pipeline::{Cx, store_error};
use crate::reply::ArmResponse;
use crate::state::State;
use hardline_arm::error::ArmError;
use hardline_store::StoreError;
use hardline_store::db::async_operations::{self, AsyncOperation};
use http::{StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;

/// How often an operation that somebody waits for is looked at: it may be ended by another replica.
const LOOK: Duration = Duration::from_millis(100);

/// An operation, as soon as it has ended, at the latest after `within`; none when it is not known.
pub async fn ended(state: &State, id: &str, within: Duration) -> Result<Option<AsyncOperation>, StoreError> {
    let deadline = tokio::time::Instant::now() + within;
    loop {
        let found = async_operations::get(&state.store, id).await?;
        let running = found.as_ref().is_some_and(|operation| operation.status == "InProgress");
        if !running || tokio::time::Instant::now() >= deadline {
            return Ok(found);
        }
        tokio::select! {
            () = state.shutdown.cancelled() => return Ok(found),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Answers `GET …/locations/{location}/operations/{id}`, in both variants: the state, or with `monitor=true` the result.
/// `subscription` is the path's; an operation of another subscription is not found. A poll of one that runs is held for
/// [`crate::config::Limits::poll`]: clients wait a second between polls, and shall learn of the end at once.
pub async fn status(cx: &Cx, subscription: &str, id: &str) -> Result<ArmResponse, ArmError> {
    let id = id.to_ascii_lowercase();
    let found = ended(&cx.state, &id, cx.state.config.limits.poll).await.map_err(store_error)?;
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
