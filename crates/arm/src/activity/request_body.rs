//! What a write asked for, as its start event tells it: chosen members of the request's body.
//!
//! Azure keeps the whole body. Bodies hold passwords, keys and what people mistake for a name, so here only members stand that
//! are listed below; of an address nothing behind its `?` is kept, it may be a SAS.

use crate::rbac::definition_id;
use crate::resource_id::ResourceId;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Resource types, and which members of their bodies are told, with everything in them.
const TOLD: &[(&str, &[&str])] = &[
    (
        "Microsoft.Authorization/roleAssignments",
        &["properties.roleDefinitionId", "properties.principalId", "properties.principalType"],
    ),
    (
        "Microsoft.Authorization/roleDefinitions",
        &["properties.roleName", "properties.permissions", "properties.assignableScopes"],
    ),
    (
        "Microsoft.Compute/virtualMachines",
        &[
            "location",
            "properties.hardwareProfile.vmSize",
            "properties.diagnosticsProfile.bootDiagnostics.enabled",
            "properties.diagnosticsProfile.bootDiagnostics.storageUri",
            "properties.storageProfile.imageReference",
            "properties.networkProfile.networkInterfaces",
        ],
    ),
    (
        "Microsoft.Compute/virtualMachineScaleSets",
        &["location", "sku", "properties.virtualMachineProfile.diagnosticsProfile.bootDiagnostics.enabled"],
    ),
    (
        "Microsoft.Storage/storageAccounts",
        &[
            "location",
            "kind",
            "sku.name",
            "properties.allowBlobPublicAccess",
            "properties.allowSharedKeyAccess",
            "properties.publicNetworkAccess",
            "properties.networkAcls.defaultAction",
            "properties.networkAcls.ipRules",
        ],
    ),
    ("Microsoft.Network/networkSecurityGroups", &["location", "properties.securityRules"]),
    (
        "Microsoft.Network/networkSecurityGroups/securityRules",
        &[
            "properties.access",
            "properties.direction",
            "properties.protocol",
            "properties.sourceAddressPrefix",
            "properties.destinationAddressPrefix",
            "properties.destinationPortRange",
        ],
    ),
    (
        "Microsoft.Insights/diagnosticSettings",
        &[
            "properties.workspaceId",
            "properties.storageAccountId",
            "properties.eventHubName",
            "properties.logs",
            "properties.hardlineProfile.kind",
            "properties.hardlineProfile.enabled",
        ],
    ),
    ("Microsoft.SerialConsole/serialPorts", &["properties.state"]),
];

/// Longest summary, bytes: members that do not fit any more are left out.
const LONGEST: usize = 8192;
/// Longest text in it, characters.
const TEXT: usize = 512;
/// Most members of an object or a list.
const MEMBERS: usize = 64;
/// How deep a member may go.
const DEPTH: usize = 6;

/// What the body of a write of `resource` asked for, as JSON text; none where nothing is told of its type or in its body.
pub fn summary(resource: &ResourceId, body: &[u8]) -> Option<String> {
    let kind = resource.resource_type();
    let (_, members) = TOLD.iter().find(|(told, _)| told.eq_ignore_ascii_case(&kind))?;
    let body: Value = serde_json::from_slice(body).ok()?;
    let mut told = Map::new();
    let mut size = 0;
    let mut left_out = false;
    for member in *members {
        let found = member.split('.').try_fold(&body, |object, name| object.get(name));
        let Some(value) = found.filter(|value| !value.is_null()) else { continue };
        let value = match *member {
            "properties.roleDefinitionId" => role(resource, value),
            _ => cut(value, DEPTH),
        };
        size += value.to_string().len() + member.len();
        if size > LONGEST {
            left_out = true;
            continue;
        }
        put(&mut told, member, value);
    }
    if left_out {
        told.insert("truncated".into(), true.into());
    }
    (!told.is_empty()).then(|| Value::Object(told).to_string())
}

/// The role as lists write it. What counts is the GUID at the end; spelled in another case, or behind a long beginning, it would
/// slip past a rule that looks for it.
fn role(resource: &ResourceId, value: &Value) -> Value {
    let id = value.as_str().and_then(|text| Uuid::try_parse(text.rsplit('/').next().unwrap_or(text)).ok());
    id.map_or_else(|| cut(value, DEPTH), |id| definition_id(id, resource.subscription()).into())
}

/// `value` within the bounds.
fn cut(value: &Value, depth: usize) -> Value {
    match value {
        Value::String(text) => {
            let shown = text.split('?').next().unwrap_or("");
            shown.chars().take(TEXT).collect::<String>().into()
        }
        Value::Array(_) | Value::Object(_) if depth == 0 => Value::Null,
        Value::Array(items) => items.iter().take(MEMBERS).map(|item| cut(item, depth - 1)).collect(),
        Value::Object(members) => {
            let members = members.iter().take(MEMBERS).filter(|(name, _)| name.len() <= TEXT);
            Value::Object(members.map(|(name, value)| (name.clone(), cut(value, depth - 1))).collect())
        }
        scalar => scalar.clone(),
    }
}

/// Puts `value` at the dotted place `member`, making the objects around it.
fn put(told: &mut Map<String, Value>, member: &str, value: Value) {
    match member.split_once('.') {
        None => {
            told.insert(member.into(), value);
        }
        Some((first, rest)) => {
            let inner = told.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ASSIGNMENT: &str = "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/00000000-0000-0000-0000-000000000001";
    const VM: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";

    fn told(id: &str, body: &Value) -> Option<Value> {
        let text = summary(&ResourceId::parse(id).unwrap(), body.to_string().as_bytes())?;
        Some(serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn a_role_is_told_in_one_spelling() {
        let owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
        let upper = owner.to_uppercase();
        let simple = owner.replace('-', "");
        for text in [
            owner.to_owned(),
            format!("/providers/Microsoft.Authorization/roleDefinitions/{upper}"),
            format!("{}/{simple}", "x".repeat(100_000)),
        ] {
            let body = json!({ "properties": { "roleDefinitionId": text, "principalId": "p" } });
            let role = format!("/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{owner}");
            let expected = json!({ "properties": { "roleDefinitionId": role, "principalId": "p" } });
            assert_eq!(told(ASSIGNMENT, &body), Some(expected));
        }
    }

    #[test]
    fn only_what_is_listed_is_told() {
        let body = json!({
            "location": "local",
            "tags": { "t": "secret" },
            "properties": {
                "osProfile": { "adminPassword": "secret", "customData": "secret" },
                "userData": "secret",
                "diagnosticsProfile": { "bootDiagnostics": {
                    "enabled": true, "storageUri": "https://a.blob/?sv=1&sig=secret",
                } },
            },
        });
        let expected = json!({
            "location": "local",
            "properties": { "diagnosticsProfile": { "bootDiagnostics": {
                "enabled": true, "storageUri": "https://a.blob/",
            } } },
        });
        assert_eq!(told(VM, &body), Some(expected));
    }

    #[test]
    fn nothing_is_told_of_other_types_and_of_what_is_no_object() {
        assert_eq!(told("/subscriptions/s/resourceGroups/g", &json!({ "location": "local" })), None);
        assert_eq!(told(VM, &json!({ "tags": {} })), None);
        assert_eq!(told(VM, &json!(["location"])), None);
        assert_eq!(summary(&ResourceId::parse(VM).unwrap(), b"{"), None);
    }

    #[test]
    fn it_stays_small() {
        let action = "a/".repeat(1000);
        let permissions = vec![json!({ "actions": vec![action; 70] }); 70];
        let mut deep = json!("end");
        for _ in 0..100 {
            deep = json!([deep]);
        }
        let body = json!({ "properties": {
            "roleName": "r", "permissions": permissions, "assignableScopes": deep,
        } });
        let id = ASSIGNMENT.replace("roleAssignments", "roleDefinitions");
        let text = summary(&ResourceId::parse(&id).unwrap(), body.to_string().as_bytes()).unwrap();
        assert!(text.len() < LONGEST && text.contains("\"truncated\":true"), "{text}");
    }
}
