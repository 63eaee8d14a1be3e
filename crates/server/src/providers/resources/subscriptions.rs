//! Subscriptions.

use crate::auth::Allowed;
use crate::clock::micros;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use hardline_arm::models::paging::page;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::subscriptions::{self, Subscription};
use hardline_store::db::{diagnostic_settings, resource_groups, role_assignments};
use http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Longest display name, characters.
const NAME_LIMIT: usize = 64;

/// `GET /subscriptions`: those in which the caller has any role.
pub async fn subscription_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let all = subscriptions::list(&cx.state.store).await.map_err(store_error)?;
    let shown = all.iter().filter(|s| allowed.shows(&ResourceId::of_subscription(&s.id)));
    Ok(cx.read(ArmResponse::ok(page(shown.map(|s| document(cx, s)).collect(), None))))
}

/// `GET /subscriptions/{id}`.
pub async fn subscription_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let found = find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(document(cx, &found))))
}

/// `PUT /subscriptions/{id}` with `displayName`, at the top or under `properties`.
pub async fn subscription_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let id = allowed.path.id.subscription().unwrap_or("");
    if Uuid::try_parse(id).is_err() {
        let text = format!("The provided subscription identifier '{id}' is malformed or invalid.");
        return Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidSubscriptionId", text));
    }
    let body = document::object(body)?;
    let none = Map::new();
    let properties = body.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let name = document::text(&body, "displayName")?.or(document::text(properties, "displayName")?);
    if name.is_some_and(|n| n.chars().count() > NAME_LIMIT) {
        return Err(ArmError::invalid_parameter("displayName", "it is longer than 64 characters."));
    }
    let mut change = cx.begin(allowed).await?;
    let before = subscriptions::get(change.tx(), id).await.map_err(store_error)?;
    let (status, name) = match (&before, name) {
        (Some(old), name) => (StatusCode::OK, name.unwrap_or(&old.display_name).to_owned()),
        (None, Some(name)) => (StatusCode::CREATED, name.to_owned()),
        (None, None) => return Err(ArmError::missing_property("displayName")),
    };
    let now = micros(cx.now);
    let after = Subscription {
        id: before.as_ref().map_or_else(|| id.to_ascii_lowercase(), |old| old.id.clone()),
        display_name: name,
        state: "Enabled".into(),
        body: before.as_ref().map_or_else(|| "{}".into(), |old| old.body.clone()),
        created: before.as_ref().map_or(now, |old| old.created),
        updated: now,
    };
    subscriptions::put(change.tx(), &after).await.map_err(store_error)?;
    change.commit(ArmResponse::json(status, document(cx, &after))).await
}

/// `DELETE /subscriptions/{id}`: only an empty one.
pub async fn subscription_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = allowed.path.id.subscription().unwrap_or("");
    let mut change = cx.begin(allowed).await?;
    if !resource_groups::list(change.tx(), id, None, 1).await.map_err(store_error)?.is_empty() {
        let text = format!("The subscription '{id}' has resource groups. Delete them first.");
        return Err(ArmError::conflict(text));
    }
    let there = subscriptions::delete(change.tx(), id).await.map_err(store_error)?;
    let scope = ResourceId::of_subscription(id).to_string();
    role_assignments::delete_at_and_below(change.tx(), &scope).await.map_err(store_error)?;
    for setting in diagnostic_settings::list(change.tx(), id).await.map_err(store_error)? {
        diagnostic_settings::delete(change.tx(), &setting.id).await.map_err(store_error)?;
    }
    change.commit(ArmResponse::empty(if there { StatusCode::OK } else { StatusCode::NO_CONTENT })).await
}

/// The subscription of an id, or 404.
pub(in crate::providers) async fn find(cx: &Cx, id: &ResourceId) -> Result<Subscription, ArmError> {
    let name = id.subscription().unwrap_or("");
    let found = subscriptions::get(&cx.state.store, name).await.map_err(store_error)?;
    found.ok_or_else(|| ArmError::subscription_not_found(name))
}

fn document(cx: &Cx, subscription: &Subscription) -> Value {
    json!({
        "id": format!("/subscriptions/{}", subscription.id),
        "subscriptionId": subscription.id,
        "tenantId": cx.state.config.tenant,
        "displayName": subscription.display_name,
        "state": subscription.state,
        "subscriptionPolicies": { "locationPlacementId": "Internal_2014-09-01", "quotaId": "Internal_2014-09-01", "spendingLimit": "Off" },
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
    })
}
