//! What a deployment did to each of its resources, and how it stands.

use super::deployment::find;
use crate::auth::Allowed;
use crate::jobs::{self, RETRY_AFTER};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::paging::{cursor, next_link, page};
use hardline_arm::query::PAGE_LIMIT;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::deployments::{self, DeploymentOperation, RUNNING};
use http::header;
use serde_json::{Value, json};

/// `GET …/deployments/{name}/operations`, in their order; `$top`.
pub async fn deployment_operation_list(
    cx: &Cx,
    allowed: &Allowed,
    _body: &Bytes,
) -> Result<Recorded, ArmError> {
    let deployment = find(cx, &allowed.path.id.scope()).await?;
    let rows = deployments::operations(&cx.state.store, &deployment.id).await.map_err(store_error)?;
    let size = cx.query.top()?.unwrap_or(PAGE_LIMIT);
    let after = cursor(&cx.query)?;
    let begin = after.and_then(|id| rows.iter().position(|row| row.id == id)).map_or(0, |at| at + 1);
    let mut left = rows.iter().skip(begin);
    let shown: Vec<_> = left.by_ref().take(size).collect();
    let more = left.next().and(shown.last()).map(|row| row.id.as_str());
    let link = more.map(|last| next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, last));
    let documents = shown.into_iter().map(document).collect::<Result<_, _>>()?;
    Ok(cx.read(ArmResponse::ok(page(documents, link))))
}

/// `GET …/deployments/{name}/operations/{id}`.
pub async fn deployment_operation_get(
    cx: &Cx,
    allowed: &Allowed,
    _body: &Bytes,
) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let deployment = find(cx, &parent(id)).await?;
    let rows = deployments::operations(&cx.state.store, &deployment.id).await.map_err(store_error)?;
    let found = rows.iter().find(|row| row.id.eq_ignore_ascii_case(id.name()));
    let found = found.ok_or_else(|| {
        ArmError::not_found(format!("Deployment operation '{}' could not be found.", id.name()))
    })?;
    Ok(cx.read(ArmResponse::ok(document(found)?)))
}

/// `GET …/deployments/{name}/operationStatuses/{id}`: `{"status": "Running"}` until it has ended.
pub async fn deployment_status_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    find(cx, &parent(id)).await?;
    let missing = || ArmError::not_found(format!("The operation '{}' was not found.", id.name()));
    let operation =
        jobs::ended(&cx.state, &id.name().to_ascii_lowercase(), cx.state.config.limits.poll).await;
    let operation = operation.map_err(store_error)?.ok_or_else(missing)?;
    let deployment = find(cx, &parent(id)).await?;
    if !operation.resource_key.eq_ignore_ascii_case(&deployment.id) {
        return Err(missing());
    }
    let state = match operation.status.as_str() {
        "InProgress" => RUNNING,
        // Canceled is a kind of failure to the operation; the deployment knows better.
        "Failed" if deployment.run == operation.id && deployment.state == "Canceled" => "Canceled",
        other => other,
    };
    let mut body = json!({ "status": state });
    let error = operation.error.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let (Some(map), Some(error)) = (body.as_object_mut(), error) {
        map.insert("error".into(), error);
    }
    Ok(cx.read(ArmResponse::ok(body).with_header(header::RETRY_AFTER, RETRY_AFTER)))
}

fn parent(id: &ResourceId) -> ResourceId {
    id.parent().unwrap_or_default()
}

fn document(row: &DeploymentOperation) -> Result<Value, ArmError> {
    serde_json::from_str(&row.body).map_err(ArmError::internal)
}
