//! PUT and PATCH of an account: what is checked, what is added, what stays.

use super::network;
use super::sku::{Kind, Sku};
use super::{ArmError, invalid};
use crate::models::document;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// Members of `properties` that only the server writes.
const READ_ONLY: [&str; 13] = [
    "provisioningState",
    "creationTime",
    "keyCreationTime",
    "primaryEndpoints",
    "secondaryEndpoints",
    "primaryLocation",
    "secondaryLocation",
    "statusOfPrimary",
    "statusOfSecondary",
    "privateEndpointConnections",
    "geoReplicationStats",
    "lastGeoFailoverTime",
    "failoverInProgress",
];
/// Members of `properties` that are true or false.
const FLAGS: [&str; 6] = [
    "supportsHttpsTrafficOnly",
    "allowBlobPublicAccess",
    "allowSharedKeyAccess",
    "isHnsEnabled",
    "defaultToOAuthAuthentication",
    "allowCrossTenantReplication",
];
/// Members of `properties` with a choice of words.
const WORDS: [(&str, &[&str]); 3] = [
    ("accessTier", &["Hot", "Cool", "Cold", "Premium"]),
    ("minimumTlsVersion", &["TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"]),
    ("publicNetworkAccess", &["Enabled", "Disabled", "SecuredByPerimeter"]),
];

/// The document of a new account. Without `kind` it is a `StorageV2`.
///
/// # Errors
/// 400 for what is missing or wrong.
pub fn create(body: &Map<String, Value>) -> Result<Map<String, Value>, ArmError> {
    let sku = Sku::of(body)?.ok_or_else(|| invalid("sku"))?;
    let kind = Kind::of(body)?.unwrap_or(Kind::StorageV2);
    sku.check_kind(kind)?;
    let mut properties = Map::from_iter([
        ("supportsHttpsTrafficOnly".to_owned(), json!(true)),
        ("allowBlobPublicAccess".to_owned(), json!(false)),
        ("minimumTlsVersion".to_owned(), json!("TLS1_2")),
        ("networkAcls".to_owned(), Value::Object(network::default())),
        ("encryption".to_owned(), encryption()),
    ]);
    if matches!(kind, Kind::StorageV2 | Kind::BlobStorage) {
        properties.insert("accessTier".into(), json!("Hot"));
    }
    let mut stored = rest(body)?;
    stored.insert("sku".into(), sku.value());
    stored.insert("kind".into(), kind.name().into());
    merge_properties(&mut properties, body)?;
    stored.insert("properties".into(), Value::Object(properties));
    Ok(stored)
}

/// The document of an account after a PUT or a PATCH of the one that is there: what the body does not name stays. `kind` may
/// only be raised from `Storage` to `StorageV2`.
///
/// # Errors
/// 400 for what is wrong, 409 for what cannot be changed.
pub fn change(
    before: &Map<String, Value>,
    body: &Map<String, Value>,
) -> Result<Map<String, Value>, ArmError> {
    let had_sku = Sku::of(before)?.ok_or_else(|| ArmError::internal("a stored account has no SKU"))?;
    let had_kind = Kind::of(before)?.ok_or_else(|| ArmError::internal("a stored account has no kind"))?;
    let sku = Sku::of(body)?.unwrap_or(had_sku);
    let kind = Kind::of(body)?.unwrap_or(had_kind);
    if kind != had_kind && (had_kind, kind) != (Kind::Storage, Kind::StorageV2) {
        let text = format!(
            "The kind of a storage account cannot be changed from {} to {}.",
            had_kind.name(),
            kind.name()
        );
        return Err(
            ArmError::new(StatusCode::CONFLICT, "AccountKindChangeNotAllowed", text).with_target("kind")
        );
    }
    had_sku.check_change(sku)?;
    sku.check_kind(kind)?;
    let hns = |of: &Map<String, Value>| {
        of.get("properties").and_then(|p| p.get("isHnsEnabled")).and_then(Value::as_bool)
    };
    if hns(body).is_some_and(|asked| asked != hns(before).unwrap_or(false)) {
        return Err(invalid("isHnsEnabled"));
    }
    let mut stored = before.clone();
    stored.extend(rest(body)?);
    stored.insert("sku".into(), sku.value());
    stored.insert("kind".into(), kind.name().into());
    let mut properties = match before.get("properties") {
        Some(Value::Object(properties)) => properties.clone(),
        _ => Map::new(),
    };
    merge_properties(&mut properties, body)?;
    stored.insert("properties".into(), Value::Object(properties));
    Ok(stored)
}

/// What a body has beside SKU, kind and properties.
fn rest(body: &Map<String, Value>) -> Result<Map<String, Value>, ArmError> {
    let mut rest = body.clone();
    for member in ["sku", "kind", "properties", "tags"] {
        rest.shift_remove(member);
    }
    rest.retain(|_, value| !value.is_null());
    if let Some(tags) = document::tags(body)? {
        rest.insert("tags".into(), Value::Object(tags));
    }
    Ok(rest)
}

fn merge_properties(properties: &mut Map<String, Value>, body: &Map<String, Value>) -> Result<(), ArmError> {
    let given = match body.get("properties") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(given)) => given,
        Some(_) => return Err(invalid("properties")),
    };
    for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        if READ_ONLY.contains(&name.as_str()) {
            continue;
        }
        let value = match name.as_str() {
            "networkAcls" => network::merge(properties.get(name), value)?,
            // Everything is encrypted (or not) as the server's disk is; clients are told so in Azure's words.
            "encryption" => encryption(),
            _ => value.clone(),
        };
        if FLAGS.contains(&name.as_str()) && !value.is_boolean() {
            return Err(invalid(name));
        }
        let words = WORDS.iter().find(|(member, _)| member == name);
        let value = match words {
            Some((_, words)) => {
                let word = value.as_str().unwrap_or("");
                let known = words.iter().find(|known| known.eq_ignore_ascii_case(word));
                Value::from(*known.ok_or_else(|| invalid(name))?)
            }
            None => value,
        };
        properties.insert(name.clone(), value);
    }
    Ok(())
}

fn encryption() -> Value {
    json!({
        "services": { "blob": { "enabled": true, "keyType": "Account" } },
        "keySource": "Microsoft.Storage",
    })
}
