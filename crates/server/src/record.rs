//! Activity events of a request: the deed is built here from the request, its events are written into a transaction.

use crate::auth::{self, Allowed, Caller};
use crate::clock::micros;
use crate::pipeline::Cx;
use crate::state::State;
use hardline_arm::activity::{ActivityEvent, Deed, HttpRequest};
use hardline_arm::error::ArmError;
use hardline_arm::operation::Operation;
use hardline_arm::resource_id::{ArmPath, ResourceId};
use hardline_store::db::activity_events::{self, NewEvent};
use hardline_store::{StoreError, Tx};
use http::StatusCode;
use jiff::Timestamp;
use uuid::Uuid;

/// How an operation ended.
#[derive(Debug)]
pub enum Outcome {
    /// With this status.
    Succeeded(StatusCode),
    /// With this error.
    Failed(ArmError),
}

/// The deed of a request that was allowed.
pub fn deed_allowed(cx: &Cx, allowed: &Allowed) -> Deed {
    let mut deed = deed(cx, allowed.operation, &allowed.path, &allowed.caller);
    deed.authorization = allowed.record();
    deed
}

/// The deed of a request by `caller`, before (or without) any right to it.
pub fn deed(cx: &Cx, operation: &'static Operation, path: &ArmPath, caller: &Caller) -> Deed {
    let mut deed = Deed::new(operation, &path.id, cx.correlation);
    deed.authorization = auth::asked_for(operation, path);
    deed.caller = caller.label().into();
    deed.claims.clone_from(&caller.claims);
    deed.tenant_id = cx.state.config.tenant.to_string();
    deed.operation_id = cx.state.random.uuid();
    deed.since = Some(cx.now);
    deed.location.clone_from(&cx.state.config.location);
    deed.service_request_id = cx.request.to_string();
    deed.request_body.clone_from(&cx.request_body);
    deed.http_request = HttpRequest {
        client_request_id: cx.facts.client_request_id.clone().unwrap_or_else(|| cx.request.to_string()),
        client_ip_address: cx.facts.client.to_string(),
        method: cx.facts.method.to_string(),
        // Without the query: it may hold a SAS, or the token of a WebSocket.
        uri: Some(format!("{}{}", cx.facts.base_url, cx.facts.path)),
    };
    deed
}

/// Writes "Started".
pub async fn start(state: &State, tx: &mut Tx, deed: &Deed, at: Timestamp) -> Result<(), StoreError> {
    write(state, tx, &deed.started(event_id(), at)).await
}

/// Writes "Accepted": the operation goes on behind the answer.
pub async fn accepted(
    state: &State,
    tx: &mut Tx,
    deed: &Deed,
    at: Timestamp,
    status: StatusCode,
) -> Result<(), StoreError> {
    write(state, tx, &deed.accepted(event_id(), at, status)).await
}

/// Writes how it ended.
pub async fn end(
    state: &State,
    tx: &mut Tx,
    deed: &Deed,
    at: Timestamp,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    let event = match outcome {
        Outcome::Succeeded(status) => deed.succeeded(event_id(), at, *status),
        Outcome::Failed(error) => deed.failed(event_id(), at, error),
    };
    write(state, tx, &event).await
}

async fn write(state: &State, tx: &mut Tx, event: &ActivityEvent) -> Result<(), StoreError> {
    let id = ResourceId::parse(&event.resource_id).unwrap_or_default();
    let body = serde_json::to_string(event).map_err(|e| StoreError::Other(Box::new(e)))?;
    let record = NewEvent {
        id: event.event_data_id.clone(),
        correlation: event.correlation_id.clone(),
        operation: event.operation_id.clone(),
        operation_name: event.operation_name.value.clone(),
        time: micros(event.event_timestamp),
        subscription: event.subscription_id.to_ascii_lowercase(),
        group_key: event.resource_group_name.to_ascii_lowercase(),
        resource_key: id.key(),
        provider: event.resource_provider_name.value.to_ascii_lowercase(),
        caller: event.caller.clone(),
        status: event.status.value.clone(),
        body,
    };
    activity_events::insert(tx, &record, || micros(state.clock.now())).await.map(|_| ())
}

/// Event ids only have to differ; nothing is derived from them, so they are no parameter.
fn event_id() -> Uuid {
    Uuid::new_v4()
}
