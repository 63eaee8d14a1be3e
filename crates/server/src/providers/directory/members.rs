//! Who is in a group. Members go by their object id; a group may hold groups, but never itself.

use super::groups::find;
use super::no_such;
use crate::auth::{Allowed, Principal};
use crate::clock::{from_micros, micros};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::paging::page;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::groups::{self, Group, Member};
use hardline_store::db::principals;
use hardline_store::{Reader, Tx};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

/// `GET /providers/Hardline.Identity/groups/{group}/members`: those directly in it.
pub async fn member_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let group = group((&cx.state.store).into(), allowed.path.id.name()).await?;
    let members = groups::members(&cx.state.store, &group.oid).await.map_err(store_error)?;
    let documents = members.iter().map(|member| document(&group, member)).collect();
    Ok(cx.read(ArmResponse::ok(page(documents, None))))
}

/// `PUT /providers/Hardline.Identity/groups/{group}/members/{object id}`: 201, or 200 when it is in the group already.
pub async fn member_put(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let (name, oid) = named(&allowed.path.id)?;
    let mut change = cx.begin(allowed).await?;
    let group = group(change.tx().into(), &name).await?;
    let member_type = kind(change.tx(), &oid).await?.ok_or_else(|| no_such("principal", &oid))?;
    if groups::holds(change.tx(), &oid, &group.oid).await.map_err(store_error)? {
        let text =
            format!("The group '{}' is in that group already; a group cannot hold itself.", group.name);
        return Err(ArmError::new(StatusCode::BAD_REQUEST, "GroupHoldsItself", text));
    }
    let member = Member { oid, member_type: member_type.into(), added: micros(cx.now) };
    let new = groups::add_member(change.tx(), &group.oid, &member).await.map_err(store_error)?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    change.commit(ArmResponse::json(status, document(&group, &member))).await
}

/// `DELETE /providers/Hardline.Identity/groups/{group}/members/{object id}`: 200, or 204 when it was not in the group.
pub async fn member_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let (name, oid) = named(&allowed.path.id)?;
    let mut change = cx.begin(allowed).await?;
    let group = group(change.tx().into(), &name).await?;
    let left = groups::remove_member(change.tx(), &group.oid, &oid).await.map_err(store_error)?;
    let response = if left { ArmResponse::ok(json!({})) } else { ArmResponse::no_content() };
    let recorded = change.commit(response).await?;
    // Consoles that were open by the group's role end now.
    cx.state.serial.check_rights();
    Ok(recorded)
}

async fn group(reader: Reader<'_>, name: &str) -> Result<Group, ArmError> {
    find(reader, name).await?.ok_or_else(|| no_such("group", name))
}

/// The group's name and the member's object id in a member's path.
fn named(id: &ResourceId) -> Result<(String, String), ArmError> {
    let names = id.names();
    let group = names.first().cloned().unwrap_or_default();
    match Uuid::try_parse(id.name()) {
        Ok(oid) => Ok((group, oid.to_string())),
        Err(_) => Err(ArmError::invalid_parameter("member", "a member goes by its object id, a GUID.")),
    }
}

async fn kind(tx: &mut Tx, oid: &str) -> Result<Option<&'static str>, ArmError> {
    if let Some(row) = principals::get(&mut *tx, oid).await.map_err(store_error)? {
        return Ok(Some(Principal::from(row).kind.principal_type()));
    }
    Ok(groups::get(&mut *tx, oid).await.map_err(store_error)?.map(|_| "Group"))
}

fn document(group: &Group, member: &Member) -> Value {
    json!({
        "id": format!("/providers/Hardline.Identity/groups/{}/members/{}", group.name, member.oid),
        "name": member.oid,
        "type": "Hardline.Identity/groups/members",
        "properties": {
            "principalId": member.oid,
            "principalType": member.member_type,
            "addedOn": from_micros(member.added).to_string(),
        },
    })
}
