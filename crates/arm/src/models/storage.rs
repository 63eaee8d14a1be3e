//! Storage accounts: the document that clients write and read, and what we read out of it (contract section 8).
//!
//! Azure's model is kept and echoed, members that we do not know included. A stored document is `{sku, kind, tags, …,
//! properties}` without what the server adds when it answers ([`document`]); keys are never part of one.

mod body;
mod name;
mod network;
mod sku;

pub use body::{change, create};
pub use name::{already_taken, asked_name, check_name, in_another_group, name_answer};
pub use network::NetworkRules;
pub use sku::{Kind, Sku, diagnostics_refusal};

use crate::error::ArmError;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// The resource type. Clients compare ids with exactly this spelling in them.
pub const TYPE: &str = "Microsoft.Storage/storageAccounts";

/// What the server knows of an account beside its document.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The blob endpoint, with a slash at its end.
    pub blob_endpoint: &'a str,
    /// The account's location.
    pub location: &'a str,
    /// When the account was made, RFC 3339.
    pub created: &'a str,
    /// When its two keys were made.
    pub key_created: [&'a str; 2],
}

/// The account as clients read it: `head` is id, name, type and location with the stored document behind them. Of the
/// endpoints there is the one that is served.
pub fn document(mut head: Map<String, Value>, facts: &Facts<'_>) -> Value {
    let mut properties = match head.shift_remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    };
    let [key1, key2] = facts.key_created;
    let added = [
        ("provisioningState", json!("Succeeded")),
        ("creationTime", json!(facts.created)),
        ("keyCreationTime", json!({ "key1": key1, "key2": key2 })),
        ("primaryEndpoints", json!({ "blob": facts.blob_endpoint })),
        ("primaryLocation", json!(facts.location)),
        ("statusOfPrimary", json!("available")),
        ("privateEndpointConnections", json!([])),
    ];
    for (name, value) in added {
        properties.insert(name.into(), value);
    }
    if let Some(services) =
        properties.get_mut("encryption").and_then(|e| e.get_mut("services")).and_then(Value::as_object_mut)
    {
        for service in services.values_mut().filter_map(Value::as_object_mut) {
            service.insert("lastEnabledTime".into(), json!(facts.created));
        }
    }
    head.insert("properties".into(), Value::Object(properties));
    Value::Object(head)
}

/// Whether a member of `properties` is true; `absent` where it is not there.
pub fn flag(stored: &Map<String, Value>, name: &str, absent: bool) -> bool {
    let value = stored.get("properties").and_then(|p| p.get(name));
    value.and_then(Value::as_bool).unwrap_or(absent)
}

/// The answer of `listKeys` and `regenerateKey`: each key's Base64 text, and when it was made.
pub fn keys_answer(keys: &[(String, String); 2]) -> Value {
    let key = |name: &str, (value, created): &(String, String)| json!({ "keyName": name, "value": value, "permissions": "FULL", "creationTime": created });
    let [first, second] = keys;
    json!({ "keys": [key("key1", first), key("key2", second)] })
}

/// Which key a body of `regenerateKey` names, counted from 0. (`kerb1`, `kerb2` are keys for Active Directory: there are
/// none.)
///
/// # Errors
/// 400 when it names none of the two.
pub fn key_index(body: &Map<String, Value>) -> Result<usize, ArmError> {
    match body.get("keyName").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("key1") => Ok(0),
        Some("key2") => Ok(1),
        _ => Err(invalid("keyName")),
    }
}

/// Azure's refusal of a value.
fn invalid(members: &str) -> ArmError {
    let text = format!("Values for request parameters are invalid: {members}.");
    ArmError::new(StatusCode::BAD_REQUEST, "InvalidValuesForRequestParameters", text).with_target(members)
}

#[cfg(test)]
mod tests;
