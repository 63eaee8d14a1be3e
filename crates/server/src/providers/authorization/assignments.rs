//! Role assignments: who has which role where.

use super::documents::{find, no_such_role};
use super::scope::check_scope;
use crate::auth::Allowed;
use crate::clock::{from_micros, micros};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::filter::{self, Op, Term};
use hardline_arm::models::document;
use hardline_arm::models::paging::{cursor, next_link, page};
use hardline_arm::query::PAGE_LIMIT;
use hardline_arm::rbac::definition_id;
use hardline_store::db::role_assignments::{self, AssignmentFilter, RoleAssignment};
use hardline_store::db::{groups, principals};
use hardline_store::{Db, StoreError, Tx};
use http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// `GET {scope}/providers/Microsoft.Authorization/roleAssignments`: at, above and below the scope; with `atScope()` at and
/// above it. `principalId eq`: given to that principal; `assignedTo('…')`: to it or to a group that it is in.
pub async fn role_assignment_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let wanted = Wanted::parse(cx.query.filter())?;
    let scope = allowed.path.id.scope();
    let store = &cx.state.store;
    check_scope(store.into(), &scope).await?;
    let size = cx.query.top()?.unwrap_or(PAGE_LIMIT);
    let filter = AssignmentFilter {
        at: scope.scopes().iter().map(ToString::to_string).collect(),
        below: (!wanted.at_scope).then(|| scope.to_string()),
        principals: wanted.principals(store).await?,
        role: None,
        after: cursor(&cx.query)?,
    };
    let limit = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows = role_assignments::search(store, &filter, limit).await.map_err(store_error)?;
    let more = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().filter(|_| more);
    let link = last.map(|row| next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, &row.id));
    let documents = rows.iter().map(|row| document(row, scope.subscription())).collect();
    Ok(cx.read(ArmResponse::ok(page(documents, link))))
}

/// `GET {scope}/providers/Microsoft.Authorization/roleAssignments/{guid}`.
pub async fn role_assignment_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let found = role_assignments::get(&cx.state.store, &id.to_string()).await.map_err(store_error)?;
    let found = found.ok_or_else(|| {
        let text = format!("The role assignment '{}' is not found.", id.name());
        ArmError::new(StatusCode::NOT_FOUND, "RoleAssignmentNotFound", text)
    })?;
    Ok(cx.read(ArmResponse::ok(document(&found, id.subscription()))))
}

/// `PUT {scope}/providers/Microsoft.Authorization/roleAssignments/{guid}`: 201; 409 `RoleAssignmentExists` when the
/// principal has that role there under another name; 200 when it is this one, of which only the description can change.
pub async fn role_assignment_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let Ok(name) = Uuid::try_parse(id.name()) else {
        let text = format!(
            "The role assignment ID '{}' is not valid. The role assignment ID must be a GUID.",
            id.name()
        );
        return Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidRoleAssignmentId", text));
    };
    let scope = id.parent().unwrap_or_default();
    let asked = Asked::parse(body)?;
    let mut change = cx.begin(allowed).await?;
    check_scope(change.tx().into(), &scope).await?;
    // A custom role does not exist where it may not be assigned.
    let role = find(change.tx().into(), &asked.role).await?;
    let role = role.filter(|role| role.definition().assignable_at(&scope));
    let role = role.ok_or_else(|| no_such_role(StatusCode::BAD_REQUEST, &asked.role))?;
    let found = principal_type(change.tx(), asked.principal).await.map_err(store_error)?;
    let kind = found.ok_or_else(|| {
        let text = format!(
            "Principal {} does not exist in the directory {}.",
            asked.principal, cx.state.config.tenant
        );
        ArmError::new(StatusCode::BAD_REQUEST, "PrincipalNotFound", text)
    })?;
    if asked.principal_type.as_ref().is_some_and(|t| !t.eq_ignore_ascii_case(kind)) {
        let text = format!("The principal {} is a {kind}, not what principalType says.", asked.principal);
        return Err(ArmError::new(StatusCode::BAD_REQUEST, "UnmatchedPrincipalType", text));
    }
    let row = RoleAssignment {
        id: scope.extension("Microsoft.Authorization/roleAssignments", &name.to_string()).to_string(),
        name: name.to_string(),
        scope: scope.to_string(),
        role: role.definition().name.to_string(),
        principal: asked.principal.to_string(),
        principal_type: kind.into(),
        body: Value::Object(asked.kept.clone()).to_string(),
        created: micros(cx.now),
        created_by: allowed.caller.oid.clone(),
    };
    if let Some(before) = role_assignments::get(change.tx(), &row.id).await.map_err(store_error)? {
        if before.role.eq_ignore_ascii_case(&row.role)
            && before.principal.eq_ignore_ascii_case(&row.principal)
        {
            let kept = asked.over(&before, micros(cx.now), &allowed.caller.oid);
            let after = RoleAssignment { body: Value::Object(kept).to_string(), ..before };
            role_assignments::set_body(change.tx(), &after.id, &after.body).await.map_err(store_error)?;
            return change.commit(ArmResponse::ok(document(&after, id.subscription()))).await;
        }
        let text = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
        return Err(ArmError::new(StatusCode::BAD_REQUEST, "RoleAssignmentUpdateNotPermitted", text));
    }
    match role_assignments::insert(change.tx(), &row).await {
        Ok(()) => change.commit(ArmResponse::created(document(&row, id.subscription()))).await,
        Err(StoreError::Conflict) => Err(ArmError::role_assignment_exists()),
        Err(other) => Err(store_error(other)),
    }
}

/// `DELETE {scope}/providers/Microsoft.Authorization/roleAssignments/{guid}`: the document that was there, or 204.
pub async fn role_assignment_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let mut change = cx.begin(allowed).await?;
    let response = match role_assignments::get(change.tx(), &id.to_string()).await.map_err(store_error)? {
        Some(row) => {
            role_assignments::delete(change.tx(), &row.id).await.map_err(store_error)?;
            ArmResponse::ok(document(&row, id.subscription()))
        }
        None => ArmResponse::no_content(),
    };
    let recorded = change.commit(response).await?;
    // Consoles that are open by this role end now, not at their next look.
    cx.state.serial.check_rights();
    Ok(recorded)
}

/// `User`, `ServicePrincipal` or `Group`; none when there is no such principal.
async fn principal_type(tx: &mut Tx, oid: Uuid) -> Result<Option<&'static str>, StoreError> {
    let oid = oid.to_string();
    if let Some(found) = principals::get(&mut *tx, &oid).await? {
        return Ok(Some(crate::auth::Principal::from(found).kind.principal_type()));
    }
    Ok(groups::get(&mut *tx, &oid).await?.map(|_| "Group"))
}

/// The body of a PUT.
struct Asked {
    /// The role's GUID as it came: the end of `roleDefinitionId`.
    role: String,
    principal: Uuid,
    principal_type: Option<String>,
    kept: Map<String, Value>,
}

impl Asked {
    fn parse(body: &[u8]) -> Result<Self, ArmError> {
        let body = document::object(body)?;
        let properties = body.get("properties").and_then(Value::as_object);
        let properties = properties.ok_or_else(|| ArmError::missing_property("properties"))?;
        let required = |name: &str| {
            document::text(properties, name)?
                .ok_or_else(|| ArmError::missing_property(&format!("properties.{name}")))
        };
        let definition = required("roleDefinitionId")?;
        let role = definition.rsplit('/').next().unwrap_or(definition).to_owned();
        let principal = required("principalId")?;
        let principal = Uuid::try_parse(principal)
            .map_err(|_| ArmError::invalid_parameter("properties.principalId", "it must be a GUID."))?;
        let mut kept = Map::new();
        for name in ["description", "condition", "conditionVersion"] {
            if let Some(text) = document::text(properties, name)? {
                kept.insert(name.into(), text.into());
            }
        }
        // A condition narrows what a role allows. One that nobody evaluates would give more than was meant.
        if kept.contains_key("condition") {
            let text = "Conditions on role assignments are not supported.";
            return Err(ArmError::new(StatusCode::BAD_REQUEST, "ConditionsNotSupported", text));
        }
        let principal_type = document::text(properties, "principalType")?.map(str::to_owned);
        Ok(Self { role, principal, principal_type, kept })
    }

    /// What is kept with an assignment that was there before.
    fn over(&self, before: &RoleAssignment, now: i64, by: &str) -> Map<String, Value> {
        let mut old: Map<String, Value> = serde_json::from_str(&before.body).unwrap_or_default();
        if old.get("description") == self.kept.get("description") {
            return old;
        }
        old.remove("description");
        old.extend(self.kept.clone());
        old.insert("updated".into(), now.into());
        old.insert("updatedBy".into(), by.into());
        old
    }
}

fn document(row: &RoleAssignment, subscription: Option<&str>) -> Value {
    let kept: Map<String, Value> = serde_json::from_str(&row.body).unwrap_or_default();
    // Clients look a role's name up by exactly this text, so it is written as the list of definitions writes it.
    let role = row.role.parse().map_or_else(|_| row.role.clone(), |role| definition_id(role, subscription));
    let created = from_micros(row.created).to_string();
    let updated = kept.get("updated").and_then(Value::as_i64).unwrap_or(row.created);
    json!({
        "id": row.id,
        "name": row.name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": role,
            "principalId": row.principal,
            "principalType": row.principal_type,
            "scope": row.scope,
            "condition": null,
            "conditionVersion": null,
            "createdOn": created,
            "updatedOn": from_micros(updated).to_string(),
            "createdBy": row.created_by,
            "updatedBy": kept.get("updatedBy").and_then(Value::as_str).unwrap_or(&row.created_by),
            "delegatedManagedIdentityResourceId": null,
            "description": kept.get("description"),
        },
    })
}

/// What a list's filter asks for.
#[derive(Debug, Default)]
struct Wanted {
    at_scope: bool,
    given_to: Option<String>,
    counts_for: Option<String>,
}

impl Wanted {
    fn parse(text: Option<&str>) -> Result<Self, ArmError> {
        let mut wanted = Self::default();
        for term in text.map(filter::parse).transpose()?.unwrap_or_default() {
            match term {
                Term::Call { name, argument: None } if name.eq_ignore_ascii_case("atScope") => {
                    wanted.at_scope = true;
                }
                Term::Call { name, argument: Some(oid) } if name.eq_ignore_ascii_case("assignedTo") => {
                    wanted.counts_for = Some(object_id(&oid)?);
                }
                Term::Compare { name, op: Op::Eq, value } if name.eq_ignore_ascii_case("principalId") => {
                    wanted.given_to = Some(object_id(&value)?);
                }
                _ => {
                    let text = "only atScope(), assignedTo('…') and 'principalId eq' are supported here";
                    return Err(ArmError::invalid_filter(text));
                }
            }
        }
        Ok(wanted)
    }

    /// Whose assignments: `principalId eq` means that principal itself, `assignedTo` its groups too.
    async fn principals(&self, store: &Db) -> Result<Option<Vec<String>>, ArmError> {
        let counts_for = match &self.counts_for {
            None => return Ok(self.given_to.clone().map(|oid| vec![oid])),
            Some(oid) => oid.clone(),
        };
        let mut oids = groups::of_member(store, &counts_for).await.map_err(store_error)?;
        oids.push(counts_for);
        if let Some(given_to) = &self.given_to {
            oids.retain(|oid| oid == given_to);
        }
        Ok(Some(oids))
    }
}

fn object_id(text: &str) -> Result<String, ArmError> {
    let oid = Uuid::try_parse(text)
        .map_err(|_| ArmError::invalid_filter(&format!("the object id '{text}' is not a GUID")))?;
    Ok(oid.to_string())
}
