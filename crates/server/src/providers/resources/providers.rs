//! `GET /providers` and `/providers/{namespace}`, for the tenant and for a subscription: which types there are, where, and
//! with which api-versions. `az resource show` and `az rest` users ask this before anything else.

use super::find_subscription;
use super::operations::unknown;
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::paging::page;
use hardline_arm::provider;
use hardline_store::db::subscriptions::Subscription;
use http::StatusCode;
use serde_json::{Value, json};

/// `GET /providers`.
pub async fn tenant_provider_list(cx: &Cx, _allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    Ok(cx.read(ArmResponse::ok(all(cx, None))))
}

/// `GET /providers/{namespace}`.
pub async fn tenant_provider_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    Ok(cx.read(ArmResponse::ok(document(cx, None, asked(allowed)?))))
}

/// `GET /subscriptions/{id}/providers`.
pub async fn provider_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(all(cx, Some(&subscription)))))
}

/// `GET /subscriptions/{id}/providers/{namespace}`.
pub async fn provider_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(document(cx, Some(&subscription), asked(allowed)?))))
}

/// `POST /subscriptions/{id}/providers/{namespace}/register`: each is registered from the start.
pub async fn provider_register(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?;
    let answer = ArmResponse::ok(document(cx, Some(&subscription), asked(allowed)?));
    cx.begin(allowed).await?.commit(answer).await
}

/// `POST …/unregister`, which no provider here allows.
pub async fn provider_unregister(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    find_subscription(cx, &allowed.path.id).await?;
    let text = format!(
        "The resource provider namespace '{}' is registration free and cannot be unregistered.",
        asked(allowed)?
    );
    Err(ArmError::new(StatusCode::CONFLICT, "CannotUnregisterRegistrationFreeResourceProvider", text))
}

fn asked(allowed: &Allowed) -> Result<&'static str, ArmError> {
    let name = allowed.path.id.namespace().unwrap_or("");
    provider::namespace(name).ok_or_else(|| unknown(name))
}

fn all(cx: &Cx, subscription: Option<&Subscription>) -> Value {
    let documents = provider::namespaces().into_iter().map(|namespace| document(cx, subscription, namespace));
    page(documents.collect(), None)
}

fn document(cx: &Cx, subscription: Option<&Subscription>, namespace: &str) -> Value {
    let parent = subscription.map(|s| format!("/subscriptions/{}", s.id)).unwrap_or_default();
    let types = provider::resource_types(namespace).into_iter().map(|kind| {
        json!({
            "resourceType": kind,
            "locations": [cx.state.config.location],
            "apiVersions": provider::api_versions(namespace),
            "capabilities": "None",
        })
    });
    json!({
        "id": format!("{parent}/providers/{namespace}"),
        "namespace": namespace,
        "registrationPolicy": "RegistrationFree",
        "registrationState": "Registered",
        "resourceTypes": types.collect::<Vec<_>>(),
    })
}
