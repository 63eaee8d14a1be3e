//! Roles from wherever they are, and how they are shown.

use crate::clock::from_micros;
use crate::pipeline::store_error;
use hardline_arm::error::ArmError;
use hardline_arm::rbac::{self, CustomRole, RoleDefinition};
use hardline_store::db::role_definitions;
use hardline_store::{Reader, StoreError};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

/// A role: one of the product's, or a customer's.
#[derive(Clone, Debug)]
pub(super) enum Role {
    BuiltIn(&'static RoleDefinition),
    Custom(Box<CustomRole>),
}

impl Role {
    pub(super) fn definition(&self) -> &RoleDefinition {
        match self {
            Self::BuiltIn(role) => role,
            Self::Custom(role) => &role.definition,
        }
    }

    /// The document, as seen from a subscription or from the tenant.
    pub(super) fn document(&self, subscription: Option<&str>) -> Value {
        let role = self.definition();
        let custom = match self {
            Self::BuiltIn(_) => None,
            Self::Custom(custom) => Some(custom),
        };
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
                "createdOn": custom.map(|c| from_micros(c.created).to_string()),
                "updatedOn": custom.map(|c| from_micros(c.updated).to_string()),
                "createdBy": custom.map(|c| &c.created_by),
                "updatedBy": custom.map(|c| &c.updated_by),
            },
        })
    }
}

/// The role of a GUID.
pub(super) async fn find(reader: Reader<'_>, name: &str) -> Result<Option<Role>, ArmError> {
    let Ok(name) = Uuid::try_parse(name) else { return Ok(None) };
    if let Some(role) = rbac::built_in(name) {
        return Ok(Some(Role::BuiltIn(role)));
    }
    let body = role_definitions::get(reader, &name.to_string()).await.map_err(store_error)?;
    Ok(body.map(|body| read(&body)).transpose()?.map(Role::Custom))
}

/// Every role: the built-in ones, then the custom ones.
pub(super) async fn all(reader: Reader<'_>) -> Result<Vec<Role>, ArmError> {
    let mut roles: Vec<_> = rbac::built_in_roles().iter().map(Role::BuiltIn).collect();
    for body in role_definitions::list(reader).await.map_err(store_error)? {
        roles.push(Role::Custom(read(&body)?));
    }
    Ok(roles)
}

fn read(body: &str) -> Result<Box<CustomRole>, ArmError> {
    serde_json::from_str(body).map_err(|e| store_error(StoreError::Damaged(format!("a custom role: {e}"))))
}

pub(super) fn no_such_role(status: StatusCode, name: &str) -> ArmError {
    let text = format!("The specified role definition with ID '{name}' does not exist.");
    ArmError::new(status, "RoleDefinitionDoesNotExist", text)
}
