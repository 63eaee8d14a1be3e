//! Deployments as they are kept: one, many, forgetting one, stopping one.

use crate::auth::Allowed;
use crate::clock::micros;
use crate::jobs;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::documents::check_group;
use crate::providers::resources::find_subscription;
use crate::record::Outcome;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::filter::{self, Op, Term};
use hardline_arm::models::deployment::duration;
use hardline_arm::models::paging::{cursor, next_link, page};
use hardline_arm::query::PAGE_LIMIT;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::async_operations;
use hardline_store::db::deployments::{self, Deployment, RUNNING};
use hardline_store::{StoreError, Tx};
use http::StatusCode;
use serde_json::{Value, json};

/// `GET …/deployments/{name}`.
pub async fn deployment_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    Ok(cx.read(ArmResponse::ok(document(&find(cx, &allowed.path.id).await?)?)))
}

/// `HEAD …/deployments/{name}`: 204 or 404.
pub async fn deployment_head(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::no_content()))
}

/// `GET …/deployments`: those of a group or of a subscription, the latest first within a page; `$filter=provisioningState eq
/// 'Failed'`, `$top`.
pub async fn deployment_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let scope = allowed.path.id.scope();
    let subscription = find_subscription(cx, &scope).await?;
    if scope.group().is_some() {
        check_group(&cx.state, &scope).await?;
    }
    let state = state_filter(cx.query.filter())?;
    let size = cx.query.top()?.unwrap_or(PAGE_LIMIT);
    let group = scope.group().unwrap_or("");
    let mut after = cursor(&cx.query)?;
    let (mut shown, mut more): (Vec<Deployment>, Option<String>) = (Vec::new(), None);
    'reading: loop {
        let rows = deployments::list(&cx.state.store, &subscription.id, group, after.as_deref(), 500).await;
        let rows = rows.map_err(store_error)?;
        let Some(last) = rows.last() else { break };
        after = Some(last.id.clone());
        for row in rows {
            if state.as_ref().is_some_and(|wanted| !row.state.eq_ignore_ascii_case(wanted)) {
                continue;
            }
            if shown.len() == size {
                more = shown.last().map(|d| d.id.clone());
                break 'reading;
            }
            shown.push(row);
        }
    }
    let link = more.map(|last| next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, &last));
    shown.sort_by_key(|row| std::cmp::Reverse(row.updated));
    let documents = shown.iter().map(document).collect::<Result<_, _>>()?;
    Ok(cx.read(ArmResponse::ok(page(documents, link))))
}

fn state_filter(text: Option<&str>) -> Result<Option<String>, ArmError> {
    match text.map(filter::parse).transpose()?.as_deref() {
        None | Some([]) => Ok(None),
        Some([Term::Compare { name, op: Op::Eq, value }])
            if name.eq_ignore_ascii_case("provisioningState") =>
        {
            Ok(Some(value.clone()))
        }
        Some(_) => Err(ArmError::invalid_filter("only 'provisioningState eq' is supported here")),
    }
}

/// `DELETE …/deployments/{name}`: forgets it; what it deployed stays.
pub async fn deployment_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    check_scope(cx, id).await?;
    let mut change = cx.begin(allowed).await?;
    let found = deployments::get(change.tx(), &id.key()).await.map_err(store_error)?;
    if found.as_ref().is_some_and(|d| d.state == RUNNING) {
        let text = format!(
            "The deployment '{}' is still running. Cancel it first, or wait for it to end.",
            id.name()
        );
        return Err(ArmError::new(StatusCode::CONFLICT, "DeploymentActive", text));
    }
    deployments::delete(change.tx(), &id.key()).await.map_err(store_error)?;
    change.commit(ArmResponse::no_content()).await
}

/// `POST …/deployments/{name}/cancel`: what is under way comes to its end, nothing new is begun.
pub async fn deployment_cancel(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let mut change = cx.begin(allowed).await?;
    let found = deployments::get(change.tx(), &id.key()).await.map_err(store_error)?;
    let found = found.ok_or_else(|| not_found(id))?;
    let error = ArmError::new(StatusCode::CONFLICT, "DeploymentCanceled", "The deployment was canceled.");
    let ended = end(&cx.state, change.tx(), &found, "Canceled", error).await.map_err(store_error)?;
    if !ended {
        let text = format!("The deployment '{}' is not running; its state is '{}'.", id.name(), found.state);
        return Err(ArmError::new(StatusCode::CONFLICT, "DeploymentCannotBeCancelled", text));
    }
    change.commit(ArmResponse::no_content()).await
}

/// Ends a deployment that is running, from outside of its runner; whether it was.
pub(super) async fn end(
    state: &crate::state::State,
    tx: &mut Tx,
    deployment: &Deployment,
    word: &str,
    error: ArmError,
) -> Result<bool, StoreError> {
    let now = state.clock.now();
    let mut document: Value = serde_json::from_str(&deployment.body).unwrap_or_default();
    if let Some(properties) = document.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("provisioningState".into(), json!(word));
        properties.insert("timestamp".into(), json!(now.to_string()));
        properties.insert("duration".into(), json!(duration(micros(now) - deployment.updated)));
        properties.insert("error".into(), error.body());
    }
    let text = document.to_string();
    if !deployments::update(tx, &deployment.id, &deployment.run, word, &text, micros(now)).await? {
        return Ok(false);
    }
    if let Some(operation) = async_operations::get(&mut *tx, &deployment.run).await? {
        jobs::finish_in(state, tx, &operation, &Outcome::Failed(error)).await?;
    }
    Ok(true)
}

/// The deployment with this id; 404 in Azure's words.
pub(super) async fn find(cx: &Cx, id: &ResourceId) -> Result<Deployment, ArmError> {
    match deployments::get(&cx.state.store, &id.key()).await.map_err(store_error)? {
        Some(found) => Ok(found),
        None => {
            check_scope(cx, id).await?;
            Err(not_found(id))
        }
    }
}

async fn check_scope(cx: &Cx, id: &ResourceId) -> Result<(), ArmError> {
    find_subscription(cx, id).await?;
    if id.group().is_some() { check_group(&cx.state, id).await } else { Ok(()) }
}

fn not_found(id: &ResourceId) -> ArmError {
    ArmError::new(
        StatusCode::NOT_FOUND,
        "DeploymentNotFound",
        format!("Deployment '{}' could not be found.", id.name()),
    )
}

fn document(row: &Deployment) -> Result<Value, ArmError> {
    serde_json::from_str(&row.body).map_err(ArmError::internal)
}
