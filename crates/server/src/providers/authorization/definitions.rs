//! Role definitions: for now the built-in ones.

use super::scope::check_scope;
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::filter::{self, Op, Term};
use hardline_arm::models::paging::page;
use hardline_arm::rbac::{RoleDefinition, built_in_roles};
use hardline_store::Reader;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

/// `GET {scope}/providers/Microsoft.Authorization/roleDefinitions`, with `roleName eq`, `type eq`.
pub async fn role_definition_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    check_scope(Reader::from(&cx.state.store), &allowed.path.id.scope()).await?;
    let mut shown: Vec<_> = built_in_roles().iter().collect();
    for term in cx.query.filter().map(filter::parse).transpose()?.unwrap_or_default() {
        match term {
            Term::Compare { name, op: Op::Eq, value } if name.eq_ignore_ascii_case("roleName") => {
                shown.retain(|r| r.role_name.eq_ignore_ascii_case(&value));
            }
            Term::Compare { name, op: Op::Eq, value } if name.eq_ignore_ascii_case("type") => {
                shown.retain(|r| r.kind.as_str().eq_ignore_ascii_case(&value));
            }
            // Every role can be assigned everywhere, so both show all.
            Term::Call { name, argument: None }
                if name.eq_ignore_ascii_case("atScope") || name.eq_ignore_ascii_case("atScopeAndBelow") => {}
            _ => {
                let text =
                    "only 'roleName eq', 'type eq', atScope() and atScopeAndBelow() are supported here";
                return Err(ArmError::invalid_filter(text));
            }
        }
    }
    let subscription = allowed.path.id.subscription();
    let documents = shown.into_iter().map(|role| document(role, subscription)).collect();
    Ok(cx.read(ArmResponse::ok(page(documents, None))))
}

/// `GET {scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}`.
pub async fn role_definition_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    check_scope(Reader::from(&cx.state.store), &id.parent().unwrap_or_default()).await?;
    let role = find(id.name()).ok_or_else(|| no_such_role(StatusCode::NOT_FOUND, id.name()))?;
    Ok(cx.read(ArmResponse::ok(document(role, id.subscription()))))
}

/// The role of a GUID.
pub(super) fn find(name: &str) -> Option<&'static RoleDefinition> {
    let name = Uuid::try_parse(name).ok()?;
    built_in_roles().iter().find(|role| role.name == name)
}

pub(super) fn no_such_role(status: StatusCode, name: &str) -> ArmError {
    let text = format!("The specified role definition with ID '{name}' does not exist.");
    ArmError::new(status, "RoleDefinitionDoesNotExist", text)
}

fn document(role: &RoleDefinition, subscription: Option<&str>) -> Value {
    json!({
        "id": role.id(subscription),
        "name": role.name,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": role.role_name,
            "type": role.kind,
            "description": role.description,
            "assignableScopes": role.assignable_scopes,
            "permissions": role.permissions,
            "createdOn": null,
            "updatedOn": null,
            "createdBy": null,
            "updatedBy": null,
        },
    })
}
