//! Resource groups.

use super::subscriptions;
use crate::auth::Allowed;
use crate::clock::micros;
use crate::jobs::{Awaits, Pending};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::compute::delete_group_vms;
use crate::providers::network;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::filter::{self, Op, Term};
use hardline_arm::models::document;
use hardline_arm::models::paging::{cursor, next_link, page};
use hardline_arm::query::PAGE_LIMIT;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::deployments;
use hardline_store::db::resource_groups::{self, ResourceGroup};
use hardline_store::db::{resources, role_assignments};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// Longest name of a group, characters.
const NAME_LIMIT: usize = 90;

/// `GET /subscriptions/{s}/resourceGroups`: those that the caller may read.
pub async fn group_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = subscriptions::find(cx, &allowed.path.id).await?;
    let wanted = TagFilter::parse(cx.query.filter())?;
    let size = cx.query.top()?.unwrap_or(PAGE_LIMIT);
    let mut after = cursor(&cx.query)?;
    let (mut shown, mut more) = (Vec::new(), None);
    // Groups that the caller may not read are skipped, so a page may take several reads.
    'reading: loop {
        let rows = resource_groups::list(&cx.state.store, &subscription.id, after.as_deref(), 500).await;
        let rows = rows.map_err(store_error)?;
        let Some(last) = rows.last() else { break };
        after = Some(last.id.clone());
        for row in &rows {
            let id = ResourceId::parse(&row.id).unwrap_or_default();
            if !allowed.shows(&id) || !wanted.fits(row) {
                continue;
            }
            if shown.len() == size {
                more =
                    shown.last().and_then(|d: &Value| d.get("id")).and_then(Value::as_str).map(str::to_owned);
                break 'reading;
            }
            shown.push(document(row));
        }
    }
    let link = more.map(|last| next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, &last));
    Ok(cx.read(ArmResponse::ok(page(shown, link))))
}

/// `GET …/resourceGroups/{name}`.
pub async fn group_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    Ok(cx.read(ArmResponse::ok(document(&find(cx, &allowed.path.id).await?))))
}

/// `HEAD …/resourceGroups/{name}`: 204 or 404.
pub async fn group_head(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::no_content()))
}

/// `PUT …/resourceGroups/{name}`: 201 for a new one, 200 for one that is there. Tags that are not named stay.
pub async fn group_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let name = id.group().unwrap_or("");
    check_name(name)?;
    let body = document::object(body)?;
    let tags = document::tags(&body)?;
    let managed_by = document::text(&body, "managedBy")?;
    let location = document::text(&body, "location")?.map(document::location);
    let subscription = subscriptions::find(cx, id).await?;
    let mut change = cx.begin(allowed).await?;
    let before = resource_groups::get(change.tx(), &id.to_string()).await.map_err(store_error)?;
    let location = check_location(cx, location, before.as_ref())?;
    let mut kept = before.as_ref().map(kept).unwrap_or_default();
    if let Some(tags) = tags {
        kept.insert("tags".into(), Value::Object(tags));
    }
    if let Some(owner) = managed_by {
        kept.insert("managedBy".into(), owner.into());
    }
    let fresh = ResourceId::of_group(&subscription.id, name);
    let group = ResourceGroup {
        id: before.as_ref().map_or_else(|| fresh.to_string(), |g| g.id.clone()),
        subscription: subscription.id,
        name: before.as_ref().map_or_else(|| name.to_owned(), |g| g.name.clone()),
        location,
        state: "Succeeded".into(),
        body: Value::Object(kept).to_string(),
        etag: cx.state.random.uuid().to_string(),
        created: before.as_ref().map_or(micros(cx.now), |g| g.created),
        updated: micros(cx.now),
    };
    resource_groups::put(change.tx(), &group).await.map_err(store_error)?;
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    change.commit(ArmResponse::json(status, document(&group))).await
}

/// `PATCH …/resourceGroups/{name}`: tags are replaced as a whole.
pub async fn group_patch(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let body = document::object(body)?;
    let tags = document::tags(&body)?;
    let mut change = cx.begin(allowed).await?;
    let id = &allowed.path.id;
    let found = resource_groups::get(change.tx(), &id.to_string()).await.map_err(store_error)?;
    let mut group = found.ok_or_else(|| ArmError::resource_not_found(id))?;
    let mut kept = kept(&group);
    if let Some(tags) = tags {
        kept.insert("tags".into(), Value::Object(tags));
    }
    group.body = Value::Object(kept).to_string();
    group.etag = cx.state.random.uuid().to_string();
    group.updated = micros(cx.now);
    resource_groups::put(change.tx(), &group).await.map_err(store_error)?;
    change.commit(ArmResponse::ok(document(&group))).await
}

/// `DELETE …/resourceGroups/{name}`, with every resource in it and the roles that were given there. All of it is gone from
/// the API at once; 202 while a host still has to remove a machine.
pub async fn group_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let mut change = cx.begin(allowed).await?;
    resources::lock(change.tx()).await.map_err(store_error)?;
    let found = resource_groups::get(change.tx(), &id.to_string()).await.map_err(store_error)?;
    let group = found.ok_or_else(|| ArmError::resource_not_found(id))?;
    network::release_group(cx, change.tx(), id).await?;
    let removed = delete_group_vms(change.tx(), id, cx.now).await.map_err(store_error)?;
    resources::delete_of_group(change.tx(), &group.subscription, &group.name).await.map_err(store_error)?;
    deployments::delete_below(change.tx(), &group.id).await.map_err(store_error)?;
    resource_groups::delete(change.tx(), &group.id).await.map_err(store_error)?;
    role_assignments::delete_at_and_below(change.tx(), &group.id).await.map_err(store_error)?;
    if removed.is_empty() {
        return change.commit(ArmResponse::empty(StatusCode::OK)).await;
    }
    let gone = |vm_id| Awaits { vm_id, generation: i64::MAX, state: "removed" };
    let awaits: Vec<_> = removed.into_iter().map(gone).collect();
    let recorded = change.accept(Pending::action("delete", id.clone(), awaits)).await?;
    cx.state.hosts.wake();
    Ok(recorded)
}

async fn find(cx: &Cx, id: &ResourceId) -> Result<ResourceGroup, ArmError> {
    let found = resource_groups::get(&cx.state.store, &id.to_string()).await.map_err(store_error)?;
    found.ok_or_else(|| ArmError::resource_not_found(id))
}

fn kept(group: &ResourceGroup) -> Map<String, Value> {
    serde_json::from_str(&group.body).unwrap_or_default()
}

/// The document of a group.
pub(in crate::providers) fn document(group: &ResourceGroup) -> Value {
    let mut document = Map::from_iter([
        ("id".to_owned(), json!(group.id)),
        ("name".to_owned(), json!(group.name)),
        ("type".to_owned(), json!("Microsoft.Resources/resourceGroups")),
        ("location".to_owned(), json!(group.location)),
    ]);
    document.extend(kept(group));
    document.insert("properties".into(), json!({ "provisioningState": group.state }));
    Value::Object(document)
}

fn check_name(name: &str) -> Result<(), ArmError> {
    let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '(' | ')' | '.');
    if name.chars().count() > NAME_LIMIT || name.ends_with('.') || !name.chars().all(good) {
        let text = format!(
            "The provided resource group name '{name}' is invalid: it has at most 90 letters, digits, '_', '-', '(', ')' and '.', and does not end with a period."
        );
        return Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidResourceGroup", text));
    }
    Ok(())
}

fn check_location(
    cx: &Cx,
    asked: Option<String>,
    before: Option<&ResourceGroup>,
) -> Result<String, ArmError> {
    match (asked, before) {
        (None, None) => Err(ArmError::location_required()),
        (None, Some(group)) => Ok(group.location.clone()),
        (Some(asked), Some(group)) if asked != group.location => {
            let text = format!(
                "Invalid resource group location '{asked}'. The Resource group already exists in location '{}'.",
                group.location
            );
            Err(ArmError::new(StatusCode::CONFLICT, "InvalidResourceGroupLocation", text))
        }
        (Some(asked), _) if asked != cx.state.config.location => {
            let text = format!(
                "The provided location '{asked}' is not available for resource group. List of available regions is '{}'.",
                cx.state.config.location
            );
            Err(ArmError::new(StatusCode::BAD_REQUEST, "LocationNotAvailableForResourceGroup", text))
        }
        (Some(asked), _) => Ok(asked),
    }
}

/// `tagName eq 'a'`, `tagName eq 'a' and tagValue eq 'b'`.
#[derive(Debug, Default)]
struct TagFilter {
    name: Option<String>,
    value: Option<String>,
}

impl TagFilter {
    fn parse(text: Option<&str>) -> Result<Self, ArmError> {
        let mut wanted = Self::default();
        for term in text.map(filter::parse).transpose()?.unwrap_or_default() {
            match term {
                Term::Compare { name, op: Op::Eq, value } if name.eq_ignore_ascii_case("tagName") => {
                    wanted.name = Some(value);
                }
                Term::Compare { name, op: Op::Eq, value } if name.eq_ignore_ascii_case("tagValue") => {
                    wanted.value = Some(value);
                }
                _ => {
                    return Err(ArmError::invalid_filter(
                        "only 'tagName eq' and 'tagValue eq' are supported here",
                    ));
                }
            }
        }
        Ok(wanted)
    }

    fn fits(&self, group: &ResourceGroup) -> bool {
        if self.name.is_none() && self.value.is_none() {
            return true;
        }
        let kept = kept(group);
        let tags = kept.get("tags").and_then(Value::as_object);
        tags.is_some_and(|tags| {
            tags.iter().any(|(name, value)| {
                self.name.as_ref().is_none_or(|n| n.eq_ignore_ascii_case(name))
                    && self.value.as_ref().is_none_or(|v| value.as_str() == Some(v))
            })
        })
    }
}
