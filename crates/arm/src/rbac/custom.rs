//! Custom roles: what a customer may write into one, and how it is kept.
//!
//! Azure's rules: a GUID as name; a role name that no other role of the tenant has; at least one assignable scope, each a
//! subscription or a resource group (never `/`, never a wildcard); actions that name something a provider could do. The
//! codes of refusals are Azure's where they are known (`RoleDefinitionWithSameNameExists`, `RoleDefinitionHasAssignments`,
//! `RoleDefinitionLimitExceeded`, `InvalidActionOrNotAction`, `InvalidRoleDefinitionId`); the others are ours.

use super::{Permission, RoleDefinition, RoleKind};
use crate::error::ArmError;
use crate::models::document;
use crate::resource_id::ResourceId;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Longest name of a role, characters (Azure's limit).
const NAME_LIMIT: usize = 512;
/// Longest description, characters (Azure's limit).
const DESCRIPTION_LIMIT: usize = 2048;
/// Most assignable scopes (Azure's limit).
const SCOPE_LIMIT: usize = 2000;
/// Most patterns of a role: every request of somebody who has the role goes through them.
const PATTERN_LIMIT: usize = 2000;
/// Longest pattern, bytes.
const PATTERN_LENGTH: usize = 512;
/// Most `*` of a pattern.
const WILDCARD_LIMIT: usize = 8;

/// A custom role as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomRole {
    /// The role.
    #[serde(flatten)]
    pub definition: RoleDefinition,
    /// When it was made, microseconds since 1970.
    pub created: i64,
    /// Who made it (object id).
    pub created_by: String,
    /// When it was changed last.
    pub updated: i64,
    /// Who did.
    pub updated_by: String,
}

/// What the body of a PUT asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// `Boot log reader`.
    pub role_name: String,
    /// For people.
    pub description: String,
    /// What it allows.
    pub permissions: Vec<Permission>,
    /// Where it may be assigned: subscriptions and groups.
    pub assignable_scopes: Vec<ResourceId>,
}

impl Draft {
    /// Reads and checks a PUT's body. `properties.type` is not read: what is put is a custom role.
    pub fn parse(body: &[u8]) -> Result<Self, ArmError> {
        let body = document::object(body)?;
        let properties = body.get("properties").and_then(Value::as_object);
        let properties = properties.ok_or_else(|| ArmError::missing_property("properties"))?;
        let role_name = document::text(properties, "roleName")?
            .ok_or_else(|| ArmError::missing_property("properties.roleName"))?;
        let description = document::text(properties, "description")?.unwrap_or("");
        for (name, text, limit) in
            [("roleName", role_name, NAME_LIMIT), ("description", description, DESCRIPTION_LIMIT)]
        {
            let unfit = text.chars().count() > limit || text.chars().any(|c| c.is_control() && c != '\n');
            if unfit {
                let reason = format!("it has at most {limit} characters, none of them a control character.");
                return Err(ArmError::invalid_parameter(&format!("properties.{name}"), &reason));
            }
        }
        Ok(Self {
            role_name: role_name.into(),
            description: description.into(),
            permissions: permissions(properties)?,
            assignable_scopes: assignable_scopes(properties)?,
        })
    }

    /// The role with this GUID.
    pub fn definition(&self, name: Uuid) -> RoleDefinition {
        RoleDefinition {
            name,
            role_name: self.role_name.clone(),
            description: self.description.clone(),
            kind: RoleKind::Custom,
            assignable_scopes: self.assignable_scopes.iter().map(ToString::to_string).collect(),
            permissions: self.permissions.clone(),
        }
    }
}

fn permissions(properties: &Map<String, Value>) -> Result<Vec<Permission>, ArmError> {
    let list = match properties.get("permissions") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        Some(Value::Array(_)) | None | Some(Value::Null) => {
            return Err(ArmError::missing_property("properties.permissions"));
        }
        Some(_) => return Err(ArmError::invalid_content(&"'permissions' must be a list")),
    };
    let permissions: Vec<_> = list.iter().map(permission).collect::<Result<_, _>>()?;
    let patterns = |p: &Permission| {
        p.actions.len() + p.not_actions.len() + p.data_actions.len() + p.not_data_actions.len()
    };
    if permissions.iter().map(patterns).sum::<usize>() > PATTERN_LIMIT {
        let reason = format!("a role has at most {PATTERN_LIMIT} actions.");
        return Err(ArmError::invalid_parameter("properties.permissions", &reason));
    }
    Ok(permissions)
}

fn permission(value: &Value) -> Result<Permission, ArmError> {
    let map =
        value.as_object().ok_or_else(|| ArmError::invalid_content(&"a permission must be an object"))?;
    // A condition narrows what is allowed. One that nobody evaluates would give more than was meant.
    if map.get("condition").is_some_and(|c| !c.is_null() && c != "") {
        let text = "Conditions in role definitions are not supported.";
        return Err(ArmError::new(StatusCode::BAD_REQUEST, "ConditionsNotSupported", text));
    }
    Ok(Permission {
        actions: patterns(map, "actions", "InvalidActionOrNotAction")?,
        not_actions: patterns(map, "notActions", "InvalidActionOrNotAction")?,
        data_actions: patterns(map, "dataActions", "InvalidDataActionOrNotDataAction")?,
        not_data_actions: patterns(map, "notDataActions", "InvalidDataActionOrNotDataAction")?,
    })
}

fn patterns(map: &Map<String, Value>, name: &str, code: &'static str) -> Result<Vec<String>, ArmError> {
    let texts = texts(map, name)?;
    for text in &texts {
        if !is_pattern(text) {
            let shown: String = text.chars().take(120).collect();
            let text = format!("'{shown}' does not match any of the actions supported by the providers.");
            return Err(ArmError::new(StatusCode::BAD_REQUEST, code, text).with_target(name));
        }
    }
    Ok(texts)
}

/// `*`, or a namespace and what is below it, each perhaps with wildcards; without a wildcard at its end it ends with one of
/// the words that every action ends with. That a provider has the action is not asked: roles that come from Azure name
/// providers that Hardline does not have.
fn is_pattern(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '*' | '$' | '~');
    let segments: Vec<_> = text.split('/').collect();
    let last = segments.last().copied().unwrap_or("");
    let ends = ["read", "write", "delete", "action"].iter().any(|word| last.eq_ignore_ascii_case(word));
    text.len() <= PATTERN_LENGTH
        && text.matches('*').count() <= WILDCARD_LIMIT
        && segments.iter().all(|s| !s.is_empty() && s.chars().all(letters))
        && (text == "*" || (segments.len() > 1 && (ends || last.contains('*'))))
}

fn assignable_scopes(properties: &Map<String, Value>) -> Result<Vec<ResourceId>, ArmError> {
    let texts = texts(properties, "assignableScopes")?;
    if texts.is_empty() {
        return Err(ArmError::missing_property("properties.assignableScopes"));
    }
    if texts.len() > SCOPE_LIMIT {
        let reason = format!("a role has at most {SCOPE_LIMIT} assignable scopes.");
        return Err(ArmError::invalid_parameter("properties.assignableScopes", &reason));
    }
    let mut scopes: Vec<ResourceId> = Vec::with_capacity(texts.len());
    for text in &texts {
        let scope = ResourceId::parse(text)
            .ok()
            .filter(|id| id.subscription().is_some() && id.namespace().is_none() && !text.contains('*'));
        let scope = scope.ok_or_else(|| {
            let shown: String = text.chars().take(200).collect();
            let text = format!(
                "The assignable scope '{shown}' is not valid. It must be a subscription or a resource group: '/' and wildcards are not allowed."
            );
            ArmError::new(StatusCode::BAD_REQUEST, "AssignableScopeNotUnderSubscriptionScope", text)
        })?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

fn texts(map: &Map<String, Value>, name: &str) -> Result<Vec<String>, ArmError> {
    let wrong =
        || ArmError::invalid_content(&format!("'{name}' must be a list of strings")).with_target(name);
    match map.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            list.iter().map(|v| v.as_str().map(|t| t.trim().to_owned()).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbac::Plane;
    use serde_json::json;

    fn body(change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut body = json!({ "properties": {
            "roleName": " Boot log reader ",
            "type": "BuiltInRole",
            "permissions": [{
                "actions": ["Microsoft.Storage/storageAccounts/*"],
                "notActions": ["*/delete"],
                "dataActions": null,
            }],
            "assignableScopes": ["/subscriptions/s", "/SUBSCRIPTIONS/S/", "/subscriptions/s/resourceGroups/rg"],
        }});
        change(&mut body["properties"]);
        body.to_string().into_bytes()
    }

    #[test]
    fn a_role_is_read_and_kept() {
        let draft = Draft::parse(&body(|_| ())).unwrap();
        assert_eq!(draft.role_name, "Boot log reader");
        let name = Uuid::from_u128(7);
        let definition = draft.definition(name);
        assert_eq!(definition.kind, RoleKind::Custom, "nobody puts a built-in role");
        assert_eq!(definition.assignable_scopes, ["/subscriptions/s", "/subscriptions/s/resourceGroups/rg"]);
        assert!(definition.allows(Plane::Control, "Microsoft.Storage/storageAccounts/listKeys/action"));
        assert!(!definition.allows(Plane::Control, "microsoft.storage/storageaccounts/DELETE"));
        assert!(!definition.allows(Plane::Data, "Microsoft.Storage/storageAccounts/read"));
        let kept =
            CustomRole { definition, created: 1, created_by: "a".into(), updated: 2, updated_by: "b".into() };
        let text = serde_json::to_string(&kept).unwrap();
        assert_eq!(serde_json::from_str::<CustomRole>(&text).unwrap(), kept);
    }

    #[test]
    fn where_a_role_may_be_assigned() {
        let id = |text: &str| ResourceId::parse(text).unwrap();
        let only_group =
            |p: &mut Value| p["assignableScopes"] = json!(["/subscriptions/s/resourceGroups/rg"]);
        let role = Draft::parse(&body(only_group)).unwrap().definition(Uuid::nil());
        for (scope, at, below) in [
            ("/subscriptions/S/resourceGroups/RG", true, true),
            ("/subscriptions/s/resourceGroups/rg/providers/a/b/c", true, true),
            ("/subscriptions/s/resourceGroups/rg2", false, false),
            ("/subscriptions/s", false, true),
            ("/", false, true),
            ("/subscriptions/t", false, false),
        ] {
            assert_eq!(role.assignable_at(&id(scope)), at, "{scope}");
            assert_eq!(role.assignable_at_or_below(&id(scope)), below, "{scope}");
        }
    }

    #[test]
    fn actions() {
        for (text, good) in [
            ("*", true),
            ("*/read", true),
            ("Microsoft.Compute/*", true),
            ("Microsoft.Compute/virtualMachines/*/action", true),
            ("Microsoft.Compute/virtualMachines/start*", true),
            ("Microsoft.Compute/virtualMachines/READ", true),
            ("Microsoft.Compute/virtualMachines", false),
            ("Microsoft.Compute", false),
            ("**", false),
            ("", false),
            ("a//read", false),
            ("/read", false),
            ("a b/read", false),
            ("ä/read", false),
        ] {
            assert_eq!(is_pattern(text), good, "{text}");
        }
        assert!(!is_pattern(&"*a/".repeat(9)) && !is_pattern(&format!("{}/read", "a".repeat(600))));
    }

    #[test]
    fn what_is_no_role() {
        let check = |change: &dyn Fn(&mut Value), code: &str| {
            let error = Draft::parse(&body(change)).unwrap_err();
            assert_eq!((error.status, &*error.code), (StatusCode::BAD_REQUEST, code), "{}", error.message);
        };
        let content = "InvalidRequestContent";
        check(&|p| p["roleName"] = json!(""), content);
        check(&|p| p["roleName"] = json!(7), content);
        check(&|p| p["roleName"] = json!("x".repeat(513)), "InvalidParameter");
        check(&|p| p["description"] = json!("\u{1b}[2J"), "InvalidParameter");
        check(&|p| p["permissions"] = json!([]), content);
        check(&|p| p["permissions"] = json!({}), content);
        check(&|p| p["permissions"] = json!(["*"]), content);
        check(&|p| p["permissions"][0]["actions"] = json!("*"), content);
        check(&|p| p["permissions"][0]["actions"] = json!([1]), content);
        check(&|p| p["permissions"][0]["actions"] = json!(["read"]), "InvalidActionOrNotAction");
        check(&|p| p["permissions"][0]["notActions"] = json!(["a/b"]), "InvalidActionOrNotAction");
        check(&|p| p["permissions"][0]["dataActions"] = json!(["a"]), "InvalidDataActionOrNotDataAction");
        check(&|p| p["permissions"][0]["actions"] = json!(vec!["*/read"; 2001]), "InvalidParameter");
        check(&|p| p["permissions"][0]["condition"] = json!("1 == 1"), "ConditionsNotSupported");
        check(&|p| p["assignableScopes"] = json!([]), content);
        for scope in
            ["/", "/subscriptions/*", "*", "/providers/a/b/c", "/subscriptions/s/providers/a/b/c", "s"]
        {
            check(&|p| p["assignableScopes"] = json!([scope]), "AssignableScopeNotUnderSubscriptionScope");
        }
        assert_eq!(Draft::parse(b"{}").unwrap_err().code, content);
    }
}
