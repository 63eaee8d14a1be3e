//! What is checked before anything is deployed: that the caller may make each resource, and that what the template relies on
//! is there.

use super::errand;
use super::link;
use super::prepared::{itself, planned, surroundings};
use crate::auth::Caller;
use crate::pipeline::{self, Cx};
use futures_util::future::BoxFuture;
use hardline_arm::error::ArmError;
use hardline_arm::operation::{Identified, identify};
use hardline_arm::resource_id::{ArmPath, ResourceId};
use hardline_arm::template::deployment::{Node, Outside, Plan, Template, plan as plan_of};
use hardline_arm::template::position::invalid_template;
use hardline_arm::template::surroundings::Answers;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// Most deployments inside one another.
pub(super) const DEPTH_LIMIT: usize = 8;
/// Any api-version: it is a matter of whether something is there.
const VERSION: &str = "2024-11-01";

/// Checks a plan, and the plans of the nested deployments whose bodies are known already.
pub(super) fn check<'a>(
    cx: &'a Cx,
    caller: &'a Caller,
    plan: &'a Arc<Plan>,
    depth: usize,
) -> BoxFuture<'a, Result<(), ArmError>> {
    Box::pin(async move {
        if depth > DEPTH_LIMIT {
            let text = format!("Deployments can be nested at most {DEPTH_LIMIT} deep.");
            return Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidDeployment", text));
        }
        let mut refusals = Vec::new();
        for node in plan.nodes.iter().filter(|node| node.condition && !node.existing) {
            if let Err(refusal) = may_deploy(cx, caller, node).await {
                if refusal.status != StatusCode::FORBIDDEN {
                    return Err(refusal);
                }
                refusals.push(refusal);
                // Nothing is looked up for somebody who may not.
                continue;
            }
            for outside in &node.outside {
                is_there(cx, caller, outside).await?;
            }
            if node.nested.is_some() {
                check_nested(cx, caller, plan, node, depth).await?;
            }
        }
        if refusals.is_empty() { Ok(()) } else { Err(all(&refusals)) }
    })
}

/// That there is such a type, and that the caller may write this one. A refusal is recorded with the action and the scope.
async fn may_deploy(cx: &Cx, caller: &Caller, node: &Node) -> Result<(), ArmError> {
    let path = ArmPath::parse(&crate::pipeline::encoded(&node.id)).map_err(|e| ArmError::invalid_path(&e))?;
    let Identified::Operation(operation) = identify(&Method::PUT, &path) else {
        let (namespace, kind) = node.resource_type.split_once('/').unwrap_or((&node.resource_type, ""));
        let unknown = ArmError::invalid_resource_type(kind, namespace);
        let text = format!(
            "The template resource '{}' at {} cannot be deployed: {}",
            node.name, node.position, unknown.message
        );
        return Err(ArmError::new(StatusCode::BAD_REQUEST, unknown.code, text).with_target(node.id.clone()));
    };
    match pipeline::authorise(cx, caller, operation, path).await {
        Ok(_) => Ok(()),
        Err(refusal) if refusal.status == StatusCode::FORBIDDEN => {
            let text = format!(
                "Authorization failed for template resource '{}' of type '{}'. {}",
                node.name, node.resource_type, refusal.message
            );
            Err(ArmError::new(StatusCode::FORBIDDEN, "InvalidTemplateDeployment", text))
        }
        Err(error) => Err(error),
    }
}

fn all(refusals: &[ArmError]) -> ArmError {
    let texts: Vec<_> = refusals.iter().map(|r| format!("'{}'", r.message)).collect();
    let text = match texts.as_slice() {
        [one] => format!("The template deployment failed with error: {one}."),
        many => format!("The template deployment failed with multiple errors: {}.", many.join(" ")),
    };
    ArmError::new(StatusCode::FORBIDDEN, "InvalidTemplateDeployment", text)
}

/// What `dependsOn` names outside of the template must exist, for somebody who may see it.
async fn is_there(cx: &Cx, caller: &Caller, outside: &Outside) -> Result<(), ArmError> {
    match errand::get(cx, caller, &outside.id, VERSION).await {
        Err(missing) if missing.status == StatusCode::NOT_FOUND => {
            Err(invalid_template(std::slice::from_ref(&outside.refusal)))
        }
        other => other.map(|_| ()),
    }
}

async fn check_nested(
    cx: &Cx,
    caller: &Caller,
    plan: &Arc<Plan>,
    node: &Node,
    depth: usize,
) -> Result<(), ArmError> {
    let Ok(body) = plan.resolve(node, &Answers::default()) else {
        // What it refers to is not there yet: it is checked when it is its turn.
        return Ok(());
    };
    match nested(cx, caller, plan, node, body).await {
        Ok(inside) => check(cx, caller, &inside, depth + 1).await,
        // Its group may be one that this template makes.
        Err(missing) if missing.status == StatusCode::NOT_FOUND => Ok(()),
        Err(error) => Err(error),
    }
}

/// The plan of a nested deployment. `body` is what its node resolved to.
pub(super) async fn nested(
    cx: &Cx,
    caller: &Caller,
    plan: &Arc<Plan>,
    node: &Node,
    body: Value,
) -> Result<Arc<Plan>, ArmError> {
    let id = ResourceId::parse(&node.id).map_err(|e| ArmError::invalid_path(&e))?;
    let mode = body.pointer("/properties/mode").and_then(Value::as_str).unwrap_or("Incremental");
    if !mode.eq_ignore_ascii_case("incremental") {
        let text = format!("The mode of the nested deployment '{}' must be 'Incremental'.", node.name);
        return Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidNestedDeployment", text));
    }
    let mut around = surroundings(cx, caller, &id).await?;
    let name = node.name.clone();
    let made = if let Some(uri) = body.pointer("/properties/templateLink/uri").and_then(Value::as_str) {
        let document = Arc::new(link::fetch(cx, "templateLink", uri).await?);
        around.deployment = itself(&id, &document.value, Some(uri));
        let parameters = body.pointer("/properties/parameters").cloned().unwrap_or_else(|| json!({}));
        planned(move || plan_of(&Template::new(document, ""), &parameters, &around)).await
    } else {
        let template = body.pointer("/properties/template").unwrap_or(&Value::Null);
        around.deployment = itself(&id, template, None);
        let (plan, node) = (Arc::clone(plan), node.clone());
        planned(move || plan.nested(&node, &body, &around).unwrap_or_else(|| Err(Vec::new()))).await
    };
    made.map(Arc::new).map_err(|mut error| {
        error.message = format!("Nested deployment '{name}': {}", error.message);
        error
    })
}
