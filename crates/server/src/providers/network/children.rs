//! Subnets, security rules and routes: parts of their parent's document with URLs of their own.

use super::{links, put, read};
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded};
use crate::providers::documents::{Writing, check_conditions, check_group, load};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::network::children::{self, Sort};
use hardline_arm::models::network::{self, Kind};
use hardline_arm::models::{document, paging};
use hardline_arm::resource_id::ResourceId;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// One child.
pub async fn child_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let parent = parent_document(cx, &id.parent().unwrap_or_default()).await?;
    let found = children::find(&parent, member(allowed), id.name()).cloned();
    Ok(cx.read(ArmResponse::ok(found.ok_or_else(|| not_found(id))?)))
}

/// The children of a parent, in one page.
pub async fn child_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let mut parent = parent_document(cx, &allowed.path.id).await?;
    let list = parent.get_mut("properties").and_then(|p| p.get_mut(member(allowed))).map(Value::take);
    let Some(Value::Array(list)) = list else { return Ok(cx.read(ArmResponse::ok(json!({"value": []})))) };
    Ok(cx.read(ArmResponse::ok(paging::page(list, None))))
}

/// Creates a child, or replaces the one that is there.
pub async fn child_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let sort = sort(allowed)?;
    network::check_name(id.name())?;
    let input = document::resource(body)?;
    let mut alone = Map::new();
    children::put(&mut alone, sort, id.name(), input.clone());
    let parent = id.parent().unwrap_or_default();
    links::check_rights(allowed, &network::links(sort.parent, &parent, &alone)?)?;
    let mut writing = begin(cx, allowed, sort, &parent).await?;
    let mut whole = writing.existing()?.body.clone();
    let location = writing.existing()?.resource.location.clone();
    let there = children::put(&mut whole, sort, id.name(), input);
    let after = put::store(cx, &mut writing, sort.parent, &location, whole).await?;
    let parent = put::answer(&mut writing, sort.parent, &after).await?;
    let answer = children::find(&parent, sort.member, id.name()).cloned();
    let answer = answer.ok_or_else(|| ArmError::internal("a child that was just written is not there"))?;
    let status = if there { StatusCode::OK } else { StatusCode::CREATED };
    writing.finish(ArmResponse::json(status, answer)).await
}

/// Deletes a child: 200, or 204 when it is not there. A subnet that is used stays.
pub async fn child_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let sort = sort(allowed)?;
    let mut writing = begin(cx, allowed, sort, &id.parent().unwrap_or_default()).await?;
    let mut whole = writing.existing()?.body.clone();
    let location = writing.existing()?.resource.location.clone();
    if !children::remove(&mut whole, sort, id.name()) {
        return writing.finish(ArmResponse::no_content()).await;
    }
    put::store(cx, &mut writing, sort.parent, &location, whole).await?;
    writing.finish(ArmResponse::empty(StatusCode::OK)).await
}

/// Begins to write the parent; the request's conditions are about the child, whose etag is its parent's.
async fn begin<'c>(
    cx: &'c Cx,
    allowed: &Allowed,
    sort: &Sort,
    parent: &ResourceId,
) -> Result<Writing<'c>, ArmError> {
    let writing = Writing::begin_at(cx, allowed, parent.clone(), sort.parent.resource_type()).await?;
    let there = writing.before().ok_or_else(|| ArmError::parent_not_found(parent.name()))?;
    let whole = Value::Object(there.body.clone());
    let child = children::find(&whole, sort.member, allowed.path.id.name());
    if child.is_some() || cx.facts.method != Method::DELETE {
        check_conditions(cx, child.map(|_| there.resource.etag.as_str()))?;
    }
    Ok(writing)
}

fn sort(allowed: &Allowed) -> Result<&'static Sort, ArmError> {
    let kind = allowed.operation.target.resource_type();
    children::sort_of(kind).ok_or_else(|| ArmError::internal(format!("{kind} is no sort of children")))
}

/// The list in the parent's document as clients read it.
fn member(allowed: &Allowed) -> &'static str {
    let kind = allowed.operation.target.resource_type();
    kind.rsplit_once('/').map_or(kind, |(_, member)| member)
}

async fn parent_document(cx: &Cx, id: &ResourceId) -> Result<Value, ArmError> {
    let Some(found) = load(&cx.state.store, id).await? else {
        check_group(&cx.state, id).await?;
        return Err(ArmError::parent_not_found(id.name()));
    };
    let kind = Kind::of(&id.resource_type()).ok_or_else(|| ArmError::resource_not_found(id))?;
    read::document(cx, kind, &found).await
}

fn not_found(id: &ResourceId) -> ArmError {
    ArmError::not_found(format!("Resource {id} not found."))
}
