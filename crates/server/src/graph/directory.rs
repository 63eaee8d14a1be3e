//! The directory's objects as Graph shows them: users, service principals, groups.

use crate::auth::{Principal, PrincipalKind};
use crate::pipeline::{Cx, store_error};
use hardline_arm::error::ArmError;
use hardline_store::db::groups::{self, Group};
use hardline_store::db::principals;
use serde_json::{Value, json};

/// Groups read at a time.
const GROUPS: i64 = 1000;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// People.
    User,
    /// Programs.
    ServicePrincipal,
    /// Groups of both.
    Group,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::User, Self::ServicePrincipal, Self::Group];

    /// The word in `types` and, behind `#microsoft.graph.`, in `@odata.type`.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ServicePrincipal => "servicePrincipal",
            Self::Group => "group",
        }
    }

    /// The segment of a path.
    pub fn collection(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::ServicePrincipal => "servicePrincipals",
            Self::Group => "groups",
        }
    }
}

/// Every object of a kind, by object id.
pub async fn list(cx: &Cx, kind: Kind) -> Result<Vec<Value>, ArmError> {
    let store = &cx.state.store;
    let mut found = Vec::new();
    if kind == Kind::Group {
        let mut after: Option<String> = None;
        loop {
            let page = groups::list(store, after.as_deref(), GROUPS).await.map_err(store_error)?;
            let Some(last) = page.last() else { break };
            after = Some(last.name.clone());
            found.extend(page.iter().map(group));
        }
    } else {
        let all = principals::list(store).await.map_err(store_error)?;
        let all = all.into_iter().map(Principal::from);
        found.extend(all.filter(|p| kind_of(p) == kind).map(|p| principal(cx, &p)));
    }
    found.sort_by(|a, b| id(a).cmp(id(b)));
    Ok(found)
}

/// The object with this id, if it is there.
pub async fn get(cx: &Cx, oid: &str) -> Result<Option<(Kind, Value)>, ArmError> {
    let store = &cx.state.store;
    if let Some(found) = principals::get(store, oid).await.map_err(store_error)?.map(Principal::from) {
        return Ok(Some((kind_of(&found), principal(cx, &found))));
    }
    let found = groups::get(store, oid).await.map_err(store_error)?;
    Ok(found.map(|found| (Kind::Group, group(&found))))
}

/// The principal of this UPN or application id, if it is there.
pub async fn by_name(cx: &Cx, name: &str) -> Result<Option<(Kind, Value)>, ArmError> {
    let found = principals::by_name(&cx.state.store, name).await.map_err(store_error)?.map(Principal::from);
    Ok(found.map(|found| (kind_of(&found), principal(cx, &found))))
}

/// An object's id.
pub fn id(document: &Value) -> &str {
    document.get("id").and_then(Value::as_str).unwrap_or("")
}

fn kind_of(principal: &Principal) -> Kind {
    match principal.kind {
        PrincipalKind::User => Kind::User,
        PrincipalKind::ServicePrincipal => Kind::ServicePrincipal,
    }
}

fn principal(cx: &Cx, found: &Principal) -> Value {
    match found.kind {
        PrincipalKind::User => json!({
            "id": found.oid,
            "userPrincipalName": found.name,
            "displayName": found.display_name,
            "mail": null,
            "givenName": null,
            "surname": null,
            "accountEnabled": found.enabled,
        }),
        PrincipalKind::ServicePrincipal => json!({
            "id": found.oid,
            "appId": found.name,
            "displayName": found.display_name,
            "appDisplayName": found.display_name,
            "appOwnerOrganizationId": cx.state.config.tenant,
            "servicePrincipalNames": [found.name],
            "servicePrincipalType": "Application",
            "accountEnabled": found.enabled,
        }),
    }
}

fn group(found: &Group) -> Value {
    json!({
        "id": found.oid,
        "displayName": found.name,
        "description": found.description,
        "groupTypes": [],
        "mail": null,
        "mailEnabled": false,
        "mailNickname": found.name,
        "securityEnabled": true,
    })
}
