//! Role definitions: the built-in ones, and custom roles.

use super::documents::{Role, all, find, no_such_role};
use super::scope::check_scope;
use crate::auth::{Allowed, required_action};
use crate::clock::micros;
use crate::pipeline::{Change, Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::filter::{self, Op, Term};
use hardline_arm::models::paging::page;
use hardline_arm::rbac::{CustomRole, Draft, RoleDefinition, RoleKind, built_in_roles};
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::role_assignments::{self, AssignmentFilter};
use hardline_store::db::role_definitions;
use hardline_store::{Reader, StoreError};
use http::StatusCode;
use uuid::Uuid;

/// Most custom roles of a tenant (Azure's limit).
const CUSTOM_ROLE_LIMIT: i64 = 5000;

/// `GET {scope}/providers/Microsoft.Authorization/roleDefinitions`: the roles that may be assigned at the scope; with
/// `atScopeAndBelow()` also those that may be assigned somewhere below it. `roleName eq`, `type eq`.
pub async fn role_definition_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let wanted = Wanted::parse(cx.query.filter())?;
    let scope = allowed.path.id.scope();
    check_scope(Reader::from(&cx.state.store), &scope).await?;
    let roles = all(Reader::from(&cx.state.store)).await?;
    let shown = roles.iter().filter(|role| wanted.fits(role.definition(), &scope));
    let documents = shown.map(|role| role.document(scope.subscription())).collect();
    Ok(cx.read(ArmResponse::ok(page(documents, None))))
}

/// `GET {scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}`. A custom role is shown where it may be assigned,
/// above and below: whoever may read roles in one subscription learns nothing of another's.
pub async fn role_definition_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let scope = id.parent().unwrap_or_default();
    check_scope(Reader::from(&cx.state.store), &scope).await?;
    let role = find(Reader::from(&cx.state.store), id.name()).await?;
    let role = role.filter(|role| role.definition().assignable_at_or_below(&scope));
    let role = role.ok_or_else(|| no_such_role(StatusCode::NOT_FOUND, id.name()))?;
    Ok(cx.read(ArmResponse::ok(role.document(id.subscription()))))
}

/// `PUT {scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}`: 201, for a change too (clients know no other).
/// Needs the right at every assignable scope, those that the role had before too.
pub async fn role_definition_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let name = guid(id.name())?;
    let draft = Draft::parse(body)?;
    for scope in &draft.assignable_scopes {
        if !allowed.shows(scope) {
            return Err(refusal(allowed, scope));
        }
    }
    let mut change = cx.begin(allowed).await?;
    check_scope(change.tx().into(), &id.parent().unwrap_or_default()).await?;
    for scope in &draft.assignable_scopes {
        check_scope(change.tx().into(), scope).await?;
    }
    let definition = draft.definition(name);
    if built_in_roles().iter().any(|role| role.role_name.eq_ignore_ascii_case(&definition.role_name)) {
        return Err(same_name());
    }
    let now = micros(cx.now);
    let me = &allowed.caller.oid;
    let (created, created_by) = match find(change.tx().into(), id.name()).await? {
        Some(Role::BuiltIn(role)) => return Err(built_in(role)),
        Some(Role::Custom(before)) => {
            check_rights(allowed, &before.definition)?;
            check_still_assignable(&mut change, &definition).await?;
            (before.created, before.created_by)
        }
        None => {
            let count = role_definitions::count(change.tx()).await.map_err(store_error)?;
            if count >= CUSTOM_ROLE_LIMIT {
                let text = "Role definition limit exceeded. No more role definitions can be created.";
                return Err(ArmError::new(StatusCode::BAD_REQUEST, "RoleDefinitionLimitExceeded", text));
            }
            (now, me.clone())
        }
    };
    let role = CustomRole { definition, created, created_by, updated: now, updated_by: me.clone() };
    let kept = serde_json::to_string(&role).map_err(ArmError::internal)?;
    let (key, role_name) = (name.to_string(), role.definition.role_name.clone());
    match role_definitions::put(change.tx(), &key, &role_name, &kept, now).await {
        Ok(()) => {}
        Err(StoreError::Conflict) => return Err(same_name()),
        Err(other) => return Err(store_error(other)),
    }
    let document = Role::Custom(Box::new(role)).document(id.subscription());
    let recorded = change.commit(ArmResponse::created(document)).await?;
    // Consoles that were open by what the role allowed before end now.
    cx.state.serial.check_rights();
    Ok(recorded)
}

/// `DELETE {scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}`: the document that was there, or 204. 400
/// `RoleDefinitionHasAssignments` while somebody has the role.
pub async fn role_definition_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let scope = id.parent().unwrap_or_default();
    let mut change = cx.begin(allowed).await?;
    let found = find(change.tx().into(), id.name()).await?;
    let found = found.filter(|role| role.definition().assignable_at_or_below(&scope));
    let response = match found {
        None => ArmResponse::no_content(),
        Some(Role::BuiltIn(role)) => return Err(built_in(role)),
        Some(Role::Custom(role)) => {
            check_rights(allowed, &role.definition)?;
            if !assignments(&mut change, role.definition.name, 1).await?.is_empty() {
                return Err(has_assignments());
            }
            let name = role.definition.name.to_string();
            role_definitions::delete(change.tx(), &name).await.map_err(store_error)?;
            ArmResponse::ok(Role::Custom(role).document(id.subscription()))
        }
    };
    change.commit(response).await
}

fn guid(name: &str) -> Result<Uuid, ArmError> {
    Uuid::try_parse(name).map_err(|_| {
        let text =
            format!("The role definition ID '{name}' is not valid. The role definition ID must be a GUID.");
        ArmError::new(StatusCode::BAD_REQUEST, "InvalidRoleDefinitionId", text)
    })
}

/// The row's action at every scope where the role may be assigned. The refusal names the role, not those scopes: they may
/// be another subscription's.
fn check_rights(allowed: &Allowed, role: &RoleDefinition) -> Result<(), ArmError> {
    let may = |scope: &String| ResourceId::parse(scope).is_ok_and(|scope| allowed.shows(&scope));
    if role.assignable_scopes.iter().all(may) { Ok(()) } else { Err(refusal(allowed, &allowed.path.id)) }
}

fn refusal(allowed: &Allowed, scope: &ResourceId) -> ArmError {
    let (caller, action) = (&allowed.caller, required_action(allowed.operation, scope));
    ArmError::authorization_failed(&caller.name, &caller.oid, action, &scope.to_string())
}

/// A role keeps the scopes at which somebody has it.
async fn check_still_assignable(change: &mut Change<'_>, role: &RoleDefinition) -> Result<(), ArmError> {
    for row in assignments(change, role.name, i64::MAX).await? {
        if !role.assignable_at(&ResourceId::parse(&row.scope).unwrap_or_default()) {
            return Err(has_assignments());
        }
    }
    Ok(())
}

async fn assignments(
    change: &mut Change<'_>,
    role: Uuid,
    limit: i64,
) -> Result<Vec<role_assignments::RoleAssignment>, ArmError> {
    let filter = AssignmentFilter { role: Some(role.to_string()), ..AssignmentFilter::default() };
    role_assignments::search(change.tx(), &filter, limit).await.map_err(store_error)
}

fn has_assignments() -> ArmError {
    let text = "There are existing role assignments referencing role.";
    ArmError::new(StatusCode::BAD_REQUEST, "RoleDefinitionHasAssignments", text)
}

fn same_name() -> ArmError {
    let text = "A custom role with the same name already exists in this directory. Use a different name.";
    ArmError::new(StatusCode::CONFLICT, "RoleDefinitionWithSameNameExists", text)
}

/// Ours: Azure's code for this is not known.
fn built_in(role: &RoleDefinition) -> ArmError {
    let text = format!("The role '{}' is a built-in role. Built-in roles cannot be changed.", role.role_name);
    ArmError::new(StatusCode::BAD_REQUEST, "BuiltInRoleNotModifiable", text)
}

/// What a list's filter asks for.
#[derive(Debug, Default)]
struct Wanted {
    below: bool,
    role_name: Option<String>,
    kind: Option<RoleKind>,
}

impl Wanted {
    fn parse(text: Option<&str>) -> Result<Self, ArmError> {
        let mut wanted = Self::default();
        for term in text.map(filter::parse).transpose()?.unwrap_or_default() {
            match term {
                Term::Compare { name, op: Op::Eq, value } if name.eq_ignore_ascii_case("roleName") => {
                    wanted.role_name = Some(value);
                }
                Term::Compare { name, op: Op::Eq, value } if name.eq_ignore_ascii_case("type") => {
                    let kinds = [RoleKind::BuiltIn, RoleKind::Custom];
                    let kind = kinds.into_iter().find(|k| k.as_str().eq_ignore_ascii_case(&value));
                    wanted.kind = Some(kind.ok_or_else(|| {
                        ArmError::invalid_filter("the type is 'BuiltInRole' or 'CustomRole'")
                    })?);
                }
                Term::Call { name, argument: None } if name.eq_ignore_ascii_case("atScopeAndBelow") => {
                    wanted.below = true;
                }
                Term::Call { name, argument: None } if name.eq_ignore_ascii_case("atScope") => {}
                _ => {
                    let text =
                        "only 'roleName eq', 'type eq', atScope() and atScopeAndBelow() are supported here";
                    return Err(ArmError::invalid_filter(text));
                }
            }
        }
        Ok(wanted)
    }

    fn fits(&self, role: &RoleDefinition, scope: &ResourceId) -> bool {
        let here = if self.below { role.assignable_at_or_below(scope) } else { role.assignable_at(scope) };
        here && self.kind.is_none_or(|kind| role.kind == kind)
            && self.role_name.as_ref().is_none_or(|name| role.role_name.eq_ignore_ascii_case(name))
    }
}
