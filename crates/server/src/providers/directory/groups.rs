//! Groups of principals.

use super::{NAME_LIMIT, no_such, plain, properties};
use crate::auth::Allowed;
use crate::clock::{from_micros, micros};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use hardline_arm::models::paging::{cursor, next_link, page};
use hardline_arm::query::PAGE_LIMIT;
use hardline_store::db::groups::{self, Group};
use hardline_store::db::role_assignments;
use hardline_store::{Reader, StoreError};
use serde_json::{Value, json};
use uuid::Uuid;

/// Longest description, characters.
const DESCRIPTION_LIMIT: usize = 1024;

/// `GET /providers/Hardline.Identity/groups`, by name.
pub async fn group_list(cx: &Cx, _allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let size = cx.query.top()?.unwrap_or(PAGE_LIMIT);
    let after = cursor(&cx.query)?;
    let limit = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows = groups::list(&cx.state.store, after.as_deref(), limit).await.map_err(store_error)?;
    let more = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().filter(|_| more);
    let link = last.map(|row| next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, &row.name));
    Ok(cx.read(ArmResponse::ok(page(rows.iter().map(document).collect(), link))))
}

/// `GET /providers/Hardline.Identity/groups/{name or object id}`.
pub async fn group_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let name = allowed.path.id.name();
    let found = find((&cx.state.store).into(), name).await?.ok_or_else(|| no_such("group", name))?;
    Ok(cx.read(ArmResponse::ok(document(&found))))
}

/// `PUT /providers/Hardline.Identity/groups/{name}`: `description`. A name that looks like an object id is refused.
pub async fn group_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let name = allowed.path.id.name();
    let properties = properties(body)?;
    let description = document::text(&properties, "description")?;
    plain("properties.description", description.unwrap_or(""), DESCRIPTION_LIMIT)?;
    let mut change = cx.begin(allowed).await?;
    let now = micros(cx.now);
    if let Some(before) = find(change.tx().into(), name).await? {
        let text = description.unwrap_or(&before.description).to_owned();
        groups::set_description(change.tx(), &before.oid, &text, now).await.map_err(store_error)?;
        let after = Group { description: text, ..before };
        return change.commit(ArmResponse::ok(document(&after))).await;
    }
    plain("name", name, NAME_LIMIT)?;
    if Uuid::try_parse(name).is_ok() {
        return Err(ArmError::invalid_parameter("name", "a group's name is no GUID."));
    }
    let row = Group {
        oid: cx.state.random.uuid().to_string(),
        name: name.into(),
        description: description.unwrap_or("").into(),
        created: now,
    };
    match groups::insert(change.tx(), &row).await {
        Ok(()) => change.commit(ArmResponse::created(document(&row))).await,
        Err(StoreError::Conflict) => Err(ArmError::conflict(format!("There is a group '{name}' already."))),
        Err(other) => Err(store_error(other)),
    }
}

/// `DELETE /providers/Hardline.Identity/groups/{name or object id}`: with everything it was given and its memberships.
pub async fn group_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let mut change = cx.begin(allowed).await?;
    let response = match find(change.tx().into(), allowed.path.id.name()).await? {
        Some(row) => {
            role_assignments::delete_of_principal(change.tx(), &row.oid).await.map_err(store_error)?;
            groups::delete(change.tx(), &row.oid).await.map_err(store_error)?;
            ArmResponse::ok(document(&row))
        }
        None => ArmResponse::no_content(),
    };
    let recorded = change.commit(response).await?;
    cx.state.serial.check_rights();
    Ok(recorded)
}

/// By name, or by object id; no name of a group is a GUID.
pub(super) async fn find(reader: Reader<'_>, name: &str) -> Result<Option<Group>, ArmError> {
    let found = match Uuid::try_parse(name) {
        Ok(oid) => groups::get(reader, &oid.to_string()).await,
        Err(_) => groups::by_name(reader, name).await,
    };
    found.map_err(store_error)
}

pub(super) fn document(row: &Group) -> Value {
    json!({
        "id": format!("/providers/Hardline.Identity/groups/{}", row.name),
        "name": row.name,
        "type": "Hardline.Identity/groups",
        "properties": {
            "objectId": row.oid,
            "description": row.description,
            "createdOn": from_micros(row.created).to_string(),
        },
    })
}
