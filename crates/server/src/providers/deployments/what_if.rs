//! `whatIf`: what a template would change. Nothing is deployed; what is there is read as the caller.

use super::errand;
use super::lookup;
use super::preflight;
use super::prepared::prepare;
use crate::auth::{Allowed, Caller};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hardline_arm::error::ArmError;
use hardline_arm::models::deployment::{self, Change, ChangeType, Mode, Request, ResultFormat};
use hardline_arm::resource_id::ResourceId;
use hardline_arm::template::deployment::{Node, Plan};
use hardline_store::db::resources::{self, ResourceFilter};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

/// Most resources of a group that are told to stay as they are.
const OTHERS_LIMIT: i64 = 1_000;

/// `POST …/deployments/{name}/whatIf`.
pub async fn deployment_what_if(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let request = Request::parse(body)?;
    let format = request.result_format;
    let caller = &allowed.caller;
    let prepared = prepare(cx, caller, &allowed.path.id, request).await?;
    preflight::check(cx, caller, &prepared.plan, 0).await?;
    let mut changes = compare(cx, caller, &prepared.plan).await?;
    others(cx, caller, &prepared.id, prepared.mode, &mut changes).await?;
    let whole = format == ResultFormat::FullResourcePayloads;
    let shown: Vec<_> = changes.iter().map(|change| change.document(whole)).collect();
    let body = json!({
        "status": "Succeeded",
        "properties": { "correlationId": cx.correlation, "changes": shown },
    });
    cx.begin(allowed).await?.commit(ArmResponse::ok(body)).await
}

/// The changes of a plan and of the nested plans whose bodies are known.
fn compare<'a>(
    cx: &'a Cx,
    caller: &'a Caller,
    plan: &'a Arc<Plan>,
) -> BoxFuture<'a, Result<Vec<Change>, ArmError>> {
    Box::pin(async move {
        let secrets = plan.secrets();
        let mut changes = Vec::new();
        for (at, node) in plan.nodes.iter().enumerate() {
            if !node.condition || node.existing {
                continue;
            }
            let wanted = match lookup::body(cx, caller, plan, at).await {
                Ok(body) => Some(body),
                // It refers to what is not there yet.
                Err(error) if error.status == StatusCode::NOT_FOUND => None,
                Err(error) => return Err(error),
            };
            match (wanted, &node.nested) {
                (Some(body), Some(_)) => {
                    let inside = preflight::nested(cx, caller, plan, node, body).await?;
                    changes.extend(compare(cx, caller, &inside).await?);
                }
                (wanted, _) => {
                    let before = there(cx, caller, node).await?;
                    let mut change = match wanted {
                        Some(body) => deployment::change(&node.id, before, named(node, body)),
                        None if before.is_none() => Change::plain(&node.id, ChangeType::Create),
                        None => Change::plain(&node.id, ChangeType::Deploy),
                    };
                    for document in [&mut change.before, &mut change.after].into_iter().flatten() {
                        deployment::conceal(document, &secrets);
                    }
                    change.delta.iter_mut().for_each(|entry| deployment::conceal_entry(entry, &secrets));
                    changes.push(change);
                }
            }
        }
        Ok(changes)
    })
}

/// The document that is there, if the caller may see it.
async fn there(cx: &Cx, caller: &Caller, node: &Node) -> Result<Option<Value>, ArmError> {
    match errand::get(cx, caller, &node.id, &node.api_version).await {
        Ok(document) => Ok(Some(deployment::reduced(&document))),
        Err(error) if error.status == StatusCode::NOT_FOUND => Ok(None),
        Err(error) => Err(error),
    }
}

/// A wanted body with what every document has.
fn named(node: &Node, body: Value) -> Value {
    let mut named = json!({
        "id": node.id,
        "name": node.name.rsplit('/').next().unwrap_or(&node.name),
        "type": node.resource_type,
    });
    if let (Some(map), Value::Object(body)) = (named.as_object_mut(), body) {
        map.extend(body);
    }
    named
}

/// What the template does not name: it stays, or with mode `Complete` goes.
async fn others(
    cx: &Cx,
    caller: &Caller,
    id: &ResourceId,
    mode: Mode,
    changes: &mut Vec<Change>,
) -> Result<(), ArmError> {
    let Some(group) = id.group() else { return Ok(()) };
    let wanted = ResourceFilter {
        subscription: id.subscription().unwrap_or(""),
        group: Some(group),
        ..ResourceFilter::default()
    };
    let rows = resources::list(&cx.state.store, &wanted, OTHERS_LIMIT).await.map_err(store_error)?;
    let known: HashSet<String> = changes.iter().map(|change| change.id.to_ascii_lowercase()).collect();
    let kind = if mode == Mode::Complete { ChangeType::Delete } else { ChangeType::Ignore };
    for row in rows {
        let top = ResourceId::parse(&row.id).is_ok_and(|id| id.names().len() == 1);
        if !top || known.contains(&row.id.to_ascii_lowercase()) {
            continue;
        }
        // What the caller may not see is not told.
        let Ok(document) = errand::get(cx, caller, &row.id, "2024-11-01").await else { continue };
        let mut before = deployment::reduced(&document);
        deployment::conceal(&mut before, &[]);
        let mut change = Change::plain(&row.id, kind);
        change.before = Some(before);
        changes.push(change);
    }
    Ok(())
}
