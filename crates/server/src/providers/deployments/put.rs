//! Deploying a template, and checking one without deploying it.

use super::preflight;
use super::prepared::{Prepared, prepare};
use super::runner::Runner;
use crate::auth::Allowed;
use crate::clock::micros;
use crate::jobs::{ASYNC_OPERATION, Pending, RETRY_AFTER};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::deployment::{self, Facts, Request};
use hardline_arm::resource_id::ResourceId;
use hardline_store::StoreError;
use hardline_store::db::deployments::{self, Deployment, RUNNING};
use http::{StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

/// How long a deployment may take, seconds.
const LONGEST: i64 = 6 * 3600;

/// `PUT …/deployments/{name}`: checks the template, answers with the deployment as it begins, and carries it out behind the
/// answer.
pub async fn deployment_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let prepared = checked(cx, allowed, body).await?;
    let (recorded, runner) = begin(cx, allowed, prepared, 0).await?;
    cx.state.spawn(async move {
        // How it ended stands in the record.
        let _ = runner.carry_out().await;
    });
    Ok(recorded)
}

/// `POST …/deployments/{name}/validate`: everything that is checked before a deployment begins.
pub async fn deployment_validate(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let prepared = checked(cx, allowed, body).await?;
    let now = cx.now.to_string();
    let mut document = shown(cx, &prepared, "Succeeded", &now);
    let resources: Vec<Value> = prepared.deployed().map(|id| json!({ "id": id })).collect();
    if let Some(properties) = document.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("validatedResources".into(), Value::Array(resources));
    }
    cx.begin(allowed).await?.commit(ArmResponse::ok(document)).await
}

async fn checked(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Prepared, ArmError> {
    let request = Request::parse(body)?;
    let prepared = prepare(cx, &allowed.caller, &allowed.path.id, request).await?;
    preflight::check(cx, &allowed.caller, &prepared.plan, 0).await?;
    Ok(prepared)
}

/// The deployment's document in a state.
fn shown(cx: &Cx, prepared: &Prepared, state: &str, timestamp: &str) -> Value {
    let id = prepared.id.to_string();
    let facts = Facts {
        id: &id,
        name: prepared.id.name(),
        mode: prepared.mode.as_str(),
        state,
        timestamp,
        location: &cx.state.config.location,
        correlation: &cx.correlation.to_string(),
        hash: &prepared.hash,
        link: prepared.link.as_deref(),
        tags: prepared.tags.as_ref(),
        at: prepared.location.as_deref(),
    };
    deployment::document(&facts, &prepared.plan)
}

/// Writes a deployment that begins. `depth` counts the deployments around it.
pub(super) async fn begin(
    cx: &Cx,
    allowed: &Allowed,
    prepared: Prepared,
    depth: usize,
) -> Result<(Recorded, Runner), ArmError> {
    let id = prepared.id.clone();
    let run = cx.state.random.uuid();
    let now = micros(cx.now);
    let document = shown(cx, &prepared, RUNNING, &cx.now.to_string());
    let mut change = cx.begin(allowed).await?;
    let before = deployments::get(change.tx(), &id.key()).await.map_err(store_error)?;
    if id.group().is_some() {
        crate::providers::documents::check_group_open(change.tx(), &id).await?;
    }
    let row = Deployment {
        id: before.as_ref().map_or_else(|| id.to_string(), |d| d.id.clone()),
        subscription: id.subscription().unwrap_or("").to_owned(),
        group: id.group().unwrap_or("").to_owned(),
        name: id.name().to_owned(),
        run: run.to_string(),
        state: RUNNING.into(),
        body: document.to_string(),
        beat: now,
        created: now,
        updated: now,
    };
    deployments::put(change.tx(), &row).await.map_err(|error| match error {
        StoreError::Conflict => active(&id, before.as_ref()),
        other => store_error(other),
    })?;
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let pending = Pending {
        kind: "deploy",
        resource: id.clone(),
        awaits: Vec::new(),
        status,
        body: None,
        deadline: LONGEST,
    };
    let answer = ArmResponse::json(status, document.clone())
        .with_header(ASYNC_OPERATION, &status_url(cx, &id, run))
        .with_header(header::RETRY_AFTER, RETRY_AFTER);
    let recorded = change.accept_as(run, &pending, answer).await?;
    let runner = Runner::new(cx.clone(), allowed.caller.clone(), prepared, run.to_string(), document, depth);
    Ok((recorded, runner))
}

fn status_url(cx: &Cx, id: &ResourceId, run: Uuid) -> String {
    let version = cx.api_version.as_ref().map_or("2024-11-01", |v| v.as_str());
    let path = crate::pipeline::encoded(&id.to_string());
    format!("{}{path}/operationStatuses/{run}?api-version={version}", cx.facts.base_url)
}

fn active(id: &ResourceId, before: Option<&Deployment>) -> ArmError {
    let since = before.map(|d| crate::clock::from_micros(d.updated).to_string()).unwrap_or_default();
    let text = format!(
        "Unable to edit or replace deployment '{}': previous deployment from '{since}' is still active. Wait for it to end, or cancel it. Please see https://aka.ms/arm-deploy for usage details.",
        id.name()
    );
    ArmError::new(StatusCode::CONFLICT, "DeploymentActive", text)
}

impl Prepared {
    /// The ids of what is deployed.
    pub fn deployed(&self) -> impl Iterator<Item = &str> {
        self.plan.nodes.iter().filter(|node| node.condition && !node.existing).map(|node| node.id.as_str())
    }
}
