//! Users and service principals. Their passwords and secrets go in, never out - but for the secret that the server makes for
//! a service principal, which the answer to that one PUT shows.

use super::{NAME_LIMIT, no_such, not_oneself, plain, properties};
use crate::auth::Allowed;
use crate::auth::{PASSWORD_LIMIT, PrincipalKind, hash_password};
use crate::clock::{from_micros, micros};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use hardline_arm::models::paging::page;
use hardline_store::db::principals::{self, Principal};
use hardline_store::{Reader, StoreError};
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Shortest password that is accepted, characters.
const PASSWORD_MINIMUM: usize = 8;
/// Length of a secret that the server makes, bytes before they are written in hex.
const SECRET_LENGTH: usize = 24;

/// `GET /providers/Hardline.Identity/users`.
pub async fn user_list(cx: &Cx, _allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    list(cx, PrincipalKind::User).await
}

/// `GET /providers/Hardline.Identity/users/{upn or object id}`.
pub async fn user_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    get(cx, allowed, PrincipalKind::User).await
}

/// `PUT /providers/Hardline.Identity/users/{upn}`: `displayName`, `password` (needed for a new one), `enabled`.
pub async fn user_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    put(cx, allowed, body, PrincipalKind::User).await
}

/// `DELETE /providers/Hardline.Identity/users/{upn or object id}`: with everything it was given and its places in groups.
pub async fn user_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    delete(cx, allowed, PrincipalKind::User).await
}

/// `GET /providers/Hardline.Identity/servicePrincipals`.
pub async fn service_principal_list(
    cx: &Cx,
    _allowed: &Allowed,
    _body: &Bytes,
) -> Result<Recorded, ArmError> {
    list(cx, PrincipalKind::ServicePrincipal).await
}

/// `GET /providers/Hardline.Identity/servicePrincipals/{application id or object id}`.
pub async fn service_principal_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    get(cx, allowed, PrincipalKind::ServicePrincipal).await
}

/// `PUT /providers/Hardline.Identity/servicePrincipals/{application id}`: `displayName`, `password`, `enabled`. A new one
/// without a password gets a secret, which this answer alone shows.
pub async fn service_principal_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    put(cx, allowed, body, PrincipalKind::ServicePrincipal).await
}

/// `DELETE /providers/Hardline.Identity/servicePrincipals/{application id or object id}`.
pub async fn service_principal_delete(
    cx: &Cx,
    allowed: &Allowed,
    _body: &Bytes,
) -> Result<Recorded, ArmError> {
    delete(cx, allowed, PrincipalKind::ServicePrincipal).await
}

async fn list(cx: &Cx, kind: PrincipalKind) -> Result<Recorded, ArmError> {
    let all = principals::list(&cx.state.store).await.map_err(store_error)?;
    let shown = all.iter().filter(|row| row.kind == kind.as_str()).map(|row| document(row, kind));
    Ok(cx.read(ArmResponse::ok(page(shown.collect(), None))))
}

async fn get(cx: &Cx, allowed: &Allowed, kind: PrincipalKind) -> Result<Recorded, ArmError> {
    let name = allowed.path.id.name();
    let found = find((&cx.state.store).into(), name, kind).await?;
    let found = found.ok_or_else(|| no_such(word(kind), name))?;
    Ok(cx.read(ArmResponse::ok(document(&found, kind))))
}

async fn put(cx: &Cx, allowed: &Allowed, body: &[u8], kind: PrincipalKind) -> Result<Recorded, ArmError> {
    let name = allowed.path.id.name();
    let asked = Asked::parse(&properties(body)?)?;
    let there = find((&cx.state.store).into(), name, kind).await?;
    if there.is_none() {
        check_name(name, kind)?;
    }
    // Hashed before the transaction: it takes long, and other writers would wait.
    let made = (there.is_none() && asked.password.is_none() && kind == PrincipalKind::ServicePrincipal)
        .then(|| SecretString::from(cx.state.random.hex(SECRET_LENGTH)));
    let secret = asked.password.clone().or_else(|| made.clone());
    let hash = match secret {
        Some(secret) => Some(hash(cx, secret).await?),
        None => None,
    };
    let mut change = cx.begin(allowed).await?;
    let now = micros(cx.now);
    let before = find(change.tx().into(), name, kind).await?;
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    match before {
        Some(row) => {
            if !asked.enabled.unwrap_or(true) && row.oid == allowed.caller.oid {
                return Err(not_oneself());
            }
            let tx = change.tx();
            if let Some(hash) = &hash {
                principals::set_password(tx, &row.oid, hash, now).await.map_err(store_error)?;
            }
            if let Some(display_name) = &asked.display_name {
                principals::set_display_name(tx, &row.oid, display_name, now).await.map_err(store_error)?;
            }
            if let Some(enabled) = asked.enabled {
                principals::set_disabled(tx, &row.oid, !enabled, now).await.map_err(store_error)?;
            }
        }
        None => {
            let password_hash = hash.ok_or_else(|| ArmError::missing_property("properties.password"))?;
            let row = Principal {
                oid: cx.state.random.uuid().to_string(),
                kind: kind.as_str().into(),
                name: name.into(),
                display_name: asked.display_name.clone().unwrap_or_else(|| name.into()),
                password_hash,
                disabled: !asked.enabled.unwrap_or(true),
                created: now,
            };
            match principals::insert(change.tx(), &row).await {
                Ok(()) => {}
                Err(StoreError::Conflict) => return Err(taken(name)),
                Err(other) => return Err(store_error(other)),
            }
        }
    }
    let after = find(change.tx().into(), name, kind).await?.ok_or_else(|| no_such(word(kind), name))?;
    let mut shown = document(&after, kind);
    if let (Some(secret), Some(properties)) =
        (made, shown.get_mut("properties").and_then(Value::as_object_mut))
    {
        properties.insert("password".into(), secret.expose_secret().into());
    }
    let recorded = change.commit(ArmResponse::json(status, shown)).await?;
    // Consoles of somebody who was disabled end now.
    cx.state.serial.check_rights();
    Ok(recorded)
}

async fn delete(cx: &Cx, allowed: &Allowed, kind: PrincipalKind) -> Result<Recorded, ArmError> {
    let mut change = cx.begin(allowed).await?;
    let response = match find(change.tx().into(), allowed.path.id.name(), kind).await? {
        Some(row) if row.oid == allowed.caller.oid => return Err(not_oneself()),
        Some(row) => {
            principals::delete(change.tx(), &row.oid).await.map_err(store_error)?;
            ArmResponse::ok(document(&row, kind))
        }
        None => ArmResponse::no_content(),
    };
    let recorded = change.commit(response).await?;
    cx.state.serial.check_rights();
    Ok(recorded)
}

/// By name, or by object id.
async fn find(reader: Reader<'_>, name: &str, kind: PrincipalKind) -> Result<Option<Principal>, ArmError> {
    let all = match reader {
        Reader::Db(db) => match principals::by_name(db, name).await.map_err(store_error)? {
            Some(found) => Some(found),
            None => principals::get(db, name).await.map_err(store_error)?,
        },
        Reader::Tx(tx) => match principals::by_name(&mut *tx, name).await.map_err(store_error)? {
            Some(found) => Some(found),
            None => principals::get(tx, name).await.map_err(store_error)?,
        },
    };
    Ok(all.filter(|row| row.kind == kind.as_str()))
}

async fn hash(cx: &Cx, secret: SecretString) -> Result<String, ArmError> {
    let random = cx.state.random.clone();
    let hashed = tokio::task::spawn_blocking(move || hash_password(&secret, random.as_ref())).await;
    hashed.ok().flatten().ok_or_else(bad_password)
}

fn bad_password() -> ArmError {
    let reason = format!("it has at least {PASSWORD_MINIMUM} characters and at most {PASSWORD_LIMIT} bytes.");
    ArmError::invalid_parameter("properties.password", &reason)
}

fn taken(name: &str) -> ArmError {
    ArmError::conflict(format!("The name '{name}' belongs to another principal."))
}

fn check_name(name: &str, kind: PrincipalKind) -> Result<(), ArmError> {
    plain("name", name, NAME_LIMIT)?;
    let (fits, reason) = match kind {
        PrincipalKind::User => {
            let parts = name.split_once('@');
            let good = parts
                .is_some_and(|(who, domain)| !who.is_empty() && !domain.is_empty() && !domain.contains('@'));
            (good && !name.contains(char::is_whitespace), "a user's name is a UPN, like ann@example.org.")
        }
        PrincipalKind::ServicePrincipal => {
            (Uuid::try_parse(name).is_ok(), "a service principal's name is its application id, a GUID.")
        }
    };
    if fits { Ok(()) } else { Err(ArmError::invalid_parameter("name", reason)) }
}

fn word(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::User => "user",
        PrincipalKind::ServicePrincipal => "service principal",
    }
}

fn document(row: &Principal, kind: PrincipalKind) -> Value {
    let collection = match kind {
        PrincipalKind::User => "users",
        PrincipalKind::ServicePrincipal => "servicePrincipals",
    };
    json!({
        "id": format!("/providers/Hardline.Identity/{collection}/{}", row.name),
        "name": row.name,
        "type": format!("Hardline.Identity/{collection}"),
        "properties": {
            "objectId": row.oid,
            "displayName": row.display_name,
            "enabled": !row.disabled,
            "createdOn": from_micros(row.created).to_string(),
        },
    })
}

/// What a PUT's body asks for.
struct Asked {
    display_name: Option<String>,
    password: Option<SecretString>,
    enabled: Option<bool>,
}

impl Asked {
    fn parse(properties: &Map<String, Value>) -> Result<Self, ArmError> {
        let display_name = document::text(properties, "displayName")?.map(str::to_owned);
        if let Some(name) = &display_name {
            plain("properties.displayName", name, NAME_LIMIT)?;
        }
        let password = match properties.get("password") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.chars().count() >= PASSWORD_MINIMUM => {
                Some(SecretString::from(text.clone()))
            }
            Some(_) => return Err(bad_password()),
        };
        let enabled = match properties.get("enabled") {
            None | Some(Value::Null) => None,
            Some(Value::Bool(enabled)) => Some(*enabled),
            Some(_) => return Err(ArmError::invalid_content(&"'enabled' must be true or false")),
        };
        Ok(Self { display_name, password, enabled })
    }
}
