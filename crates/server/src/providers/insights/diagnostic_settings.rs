//! `/subscriptions/{s}/providers/Microsoft.Insights/diagnosticSettings/{name}`: where a subscription's events are sent. Azure's
//! body, with `properties.hardlineProfile` for the sinks that there are here.

use crate::auth::Allowed;
use crate::clock::{from_micros, micros};
use crate::export::Profile;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::resources::find_subscription;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use hardline_arm::models::paging::page;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::activity_events;
use hardline_store::db::diagnostic_settings::{self as settings, NewSetting, Setting};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// The type.
const TYPE: &str = "Microsoft.Insights/diagnosticSettings";
/// Azure's destinations: services that there are not here.
const ELSEWHERE: [&str; 6] = [
    "storageAccountId",
    "serviceBusRuleId",
    "eventHubAuthorizationRuleId",
    "eventHubName",
    "workspaceId",
    "marketplacePartnerId",
];
/// Azure's categories of a subscription's events; only the first has any here.
const CATEGORIES: [&str; 8] = [
    "Administrative",
    "Security",
    "ServiceHealth",
    "Alert",
    "Recommendation",
    "Policy",
    "Autoscale",
    "ResourceHealth",
];
/// Most settings of a subscription, as in Azure.
const MOST: usize = 5;
/// Waiting events are counted up to this many.
const LAG: i64 = 100_000;
/// Dead letters that are shown.
const LETTERS: i64 = 20;

/// The settings of a subscription.
pub async fn diagnostic_setting_list(
    cx: &Cx,
    allowed: &Allowed,
    _body: &Bytes,
) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?;
    let found = settings::list(&cx.state.store, &subscription.id).await.map_err(store_error)?;
    let mut documents = Vec::with_capacity(found.len());
    for setting in &found {
        documents.push(document(cx, setting).await?);
    }
    Ok(cx.read(ArmResponse::ok(page(documents, None))))
}

/// One setting, with how far it has come in `properties.hardlineProfile.status`.
pub async fn diagnostic_setting_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = subscription_wide(&allowed.path.id)?;
    let setting = settings::get(&cx.state.store, &id.to_string()).await.map_err(store_error)?;
    let setting = setting.ok_or_else(|| not_found(&id))?;
    Ok(cx.read(ArmResponse::ok(document(cx, &setting).await?)))
}

/// Writes a setting. A new one begins with its own events. Without a secret, that of before stays, for the same place.
pub async fn diagnostic_setting_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let id = subscription_wide(&allowed.path.id)?;
    check_name(id.name())?;
    let subscription = find_subscription(cx, &id).await?;
    let body = document::object(body)?;
    let properties = body.get("properties").and_then(Value::as_object);
    let properties = properties.ok_or_else(|| ArmError::missing_property("properties"))?;
    let (profile, secret) = asked(properties)?;
    let logs = logs(properties)?;
    let mut change = cx.begin(allowed).await?;
    let before = settings::get(change.tx(), &id.to_string()).await.map_err(store_error)?;
    if before.is_none() {
        let there = settings::list(change.tx(), &subscription.id).await.map_err(store_error)?.len();
        if there >= MOST {
            let text = format!("A subscription has at most {MOST} diagnostic settings. Delete one first.");
            return Err(ArmError::conflict(text));
        }
    }
    let secret = secret.or_else(|| kept_secret(before.as_ref(), &profile));
    profile.check(&cx.state.config.export, secret.as_deref())?;
    let from = activity_events::newest(change.tx()).await.map_err(store_error)?;
    let setting = NewSetting {
        id: before.as_ref().map_or_else(|| id.to_string(), |before| before.id.clone()),
        subscription: subscription.id.clone(),
        name: before.as_ref().map_or_else(|| id.name().to_owned(), |before| before.name.clone()),
        body: json!({ "properties": { "logs": logs, "hardlineProfile": profile } }).to_string(),
        secret,
        now: micros(cx.now),
    };
    settings::put(change.tx(), &setting, from).await.map_err(store_error)?;
    let written = settings::get(change.tx(), &setting.id).await.map_err(store_error)?;
    let written = written.ok_or_else(|| not_found(&id))?;
    let answer = shown(&written, 0, &[]);
    change.commit(ArmResponse::ok(answer)).await
}

/// Deletes a setting: nothing more is sent. 204 when it is not there.
pub async fn diagnostic_setting_delete(
    cx: &Cx,
    allowed: &Allowed,
    _body: &Bytes,
) -> Result<Recorded, ArmError> {
    let id = subscription_wide(&allowed.path.id)?;
    find_subscription(cx, &id).await?;
    let mut change = cx.begin(allowed).await?;
    let there = settings::delete(change.tx(), &id.to_string()).await.map_err(store_error)?;
    let status = if there { StatusCode::OK } else { StatusCode::NO_CONTENT };
    change.commit(ArmResponse::empty(status)).await
}

/// Only subscriptions have settings here, single resources have no logs to send.
fn subscription_wide(id: &ResourceId) -> Result<ResourceId, ArmError> {
    match id.subscription() {
        Some(subscription)
            if id.parent().unwrap_or_default() == ResourceId::of_subscription(subscription) =>
        {
            Ok(ResourceId::of_subscription(subscription).extension(TYPE, id.name()))
        }
        _ => Err(ArmError::new(
            StatusCode::BAD_REQUEST,
            "ResourceTypeNotSupported",
            "Diagnostic settings are those of a subscription: '/subscriptions/{id}/providers/Microsoft.Insights/diagnosticSettings/{name}'.",
        )),
    }
}

/// A name is a file's too.
fn check_name(name: &str) -> Result<(), ArmError> {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if (1..=128).contains(&name.len()) && name.bytes().all(good) && !name.starts_with('.') {
        return Ok(());
    }
    Err(ArmError::invalid_parameter(
        "name",
        "it must be at most 128 letters, digits, '-', '_' and '.', not with a '.' first.",
    ))
}

/// The profile of a body, and its secret.
fn asked(properties: &Map<String, Value>) -> Result<(Profile, Option<String>), ArmError> {
    if let Some(name) = ELSEWHERE.iter().find(|name| properties.get(**name).is_some_and(|v| !v.is_null())) {
        let reason = "it names a service of Azure's. Name a sink in 'properties.hardlineProfile' instead.";
        return Err(ArmError::invalid_parameter(&format!("properties.{name}"), reason));
    }
    let profile = properties.get("hardlineProfile").and_then(Value::as_object);
    Profile::parse(profile.ok_or_else(|| ArmError::missing_property("properties.hardlineProfile"))?)
}

/// The categories, with whether each is sent.
fn logs(properties: &Map<String, Value>) -> Result<Vec<Value>, ArmError> {
    let wrong = |reason: &str| ArmError::invalid_parameter("properties.logs", reason);
    let logs = properties.get("logs").and_then(Value::as_array);
    let logs = logs.ok_or_else(|| ArmError::missing_property("properties.logs"))?;
    let mut kept: Vec<Value> = Vec::new();
    for log in logs {
        let name = log.get("category").and_then(Value::as_str).unwrap_or("");
        let name = CATEGORIES.iter().find(|known| known.eq_ignore_ascii_case(name)).ok_or_else(|| {
            wrong(&format!("each must have a 'category', one of {}.", CATEGORIES.join(", ")))
        })?;
        let enabled = log.get("enabled").and_then(Value::as_bool);
        let enabled = enabled.ok_or_else(|| wrong("each must have 'enabled', true or false."))?;
        if kept.iter().any(|log| log.get("category").and_then(Value::as_str) == Some(*name)) {
            return Err(wrong(&format!("'{name}' stands there twice.")));
        }
        kept.push(json!({ "category": name, "enabled": enabled }));
    }
    Ok(kept)
}

/// The secret of before, for the same place and user: it goes nowhere that it was not meant for.
fn kept_secret(before: Option<&Setting>, profile: &Profile) -> Option<String> {
    let before = before?;
    let body: Value = serde_json::from_str(&before.body).ok()?;
    let old: Profile = serde_json::from_value(body.pointer("/properties/hardlineProfile")?.clone()).ok()?;
    let place = |p: &Profile| (p.kind, p.address.clone(), p.authentication, p.user.clone());
    before.secret.clone().filter(|_| place(&old) == place(profile))
}

fn not_found(id: &ResourceId) -> ArmError {
    ArmError::not_found(format!("The diagnostic setting '{}' is not found.", id.name()))
}

async fn document(cx: &Cx, setting: &Setting) -> Result<Value, ArmError> {
    let store = &cx.state.store;
    let place = setting.progress.place;
    let lag = activity_events::count_after(store, &setting.subscription, place, LAG).await;
    let letters = settings::dead_letters(store, &setting.id, LETTERS).await.map_err(store_error)?;
    let letters: Vec<Value> = letters
        .iter()
        .map(|letter| {
            json!({ "eventDataId": letter.event, "reason": letter.reason, "time": from_micros(letter.time).to_string() })
        })
        .collect();
    Ok(shown(setting, lag.map_err(store_error)?, &letters))
}

fn shown(setting: &Setting, lag: i64, letters: &[Value]) -> Value {
    let time = |micros: Option<i64>| micros.map(|micros| from_micros(micros).to_string());
    let progress = &setting.progress;
    let mut body: Value = serde_json::from_str(&setting.body).unwrap_or_default();
    if let Some(profile) = body.pointer_mut("/properties/hardlineProfile").and_then(Value::as_object_mut) {
        profile.insert("secretSet".into(), setting.secret.is_some().into());
        profile.insert(
            "status".into(),
            json!({
                "cursor": progress.place,
                "lagEvents": lag,
                "sentEvents": progress.sent,
                "deadLetters": progress.dead,
                "lastDeadLetters": letters,
                "failuresInARow": progress.failures,
                "lastError": progress.error,
                "lastErrorTime": time(progress.failed),
                "lastSuccessTime": time(progress.succeeded),
            }),
        );
    }
    json!({
        "id": setting.id,
        "name": setting.name,
        "type": TYPE,
        "location": "global",
        "properties": body.get("properties"),
    })
}
