//! What a template refers to, looked up as the caller: `reference()`, `listKeys()` and their like.

use super::errand;
use crate::auth::Caller;
use crate::pipeline::Cx;
use hardline_arm::error::ArmError;
use hardline_arm::resource_id::ResourceId;
use hardline_arm::template::deployment::{Plan, Unresolved};
use hardline_arm::template::position::invalid_template;
use hardline_arm::template::surroundings::{Answers, Need};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

/// The api-version of a look-up that names none: any is taken.
const ANY_VERSION: &str = "2024-11-01";
/// Most times that something is evaluated again; each time everything that was needed has been looked up.
const ROUNDS: usize = 16;

/// The body of a node, once everything that it refers to is known.
pub(super) async fn body(cx: &Cx, caller: &Caller, plan: &Arc<Plan>, at: usize) -> Result<Value, ArmError> {
    evaluated(cx, caller, plan, move |plan, answers| match plan.nodes.get(at) {
        Some(node) => plan.resolve(node, answers),
        None => Ok(Value::Null),
    })
    .await
}

/// The outputs of a plan whose resources are all there.
pub(super) async fn outputs(cx: &Cx, caller: &Caller, plan: &Arc<Plan>) -> Result<Value, ArmError> {
    evaluated(cx, caller, plan, |plan, answers| plan.outputs(answers)).await
}

async fn evaluated<F>(cx: &Cx, caller: &Caller, plan: &Arc<Plan>, evaluate: F) -> Result<Value, ArmError>
where
    F: Fn(&Plan, &Answers) -> Result<Value, Unresolved> + Clone + Send + 'static,
{
    let mut answers = Answers::default();
    for _ in 0..ROUNDS {
        let (plan, known, evaluate) = (Arc::clone(plan), answers.clone(), evaluate.clone());
        // A template may be made to take its time; that must hold up nobody else.
        let step = tokio::task::spawn_blocking(move || evaluate(&plan, &known)).await;
        match step.map_err(ArmError::internal)? {
            Ok(value) => return Ok(value),
            Err(Unresolved::Invalid(errors)) => return Err(invalid_template(&errors)),
            Err(Unresolved::Needs(needs)) => {
                for need in needs {
                    let answer = answer(cx, caller, &need).await?;
                    answers.insert(&need, answer);
                }
            }
        }
    }
    Err(ArmError::operation_not_allowed("The template's references go too deep."))
}

async fn answer(cx: &Cx, caller: &Caller, need: &Need) -> Result<Value, ArmError> {
    match need {
        Need::Reference { id, api_version, full } => {
            let version = api_version.as_deref().unwrap_or(ANY_VERSION);
            let document = errand::get(cx, caller, id, version).await?;
            if *full {
                return Ok(whole(document, id, version));
            }
            Ok(document.get("properties").cloned().unwrap_or_else(|| json!({})))
        }
        Need::List { function, id, api_version, body } => {
            let verb = format!("{id}/{function}");
            let answer = errand::send(cx, caller, Method::POST, &verb, api_version, body.as_ref()).await?;
            Ok(answer.body.unwrap_or_else(|| json!({})))
        }
    }
}

/// `reference(…, 'Full')`: the resource, and what Azure adds to it.
fn whole(mut document: Value, id: &str, version: &str) -> Value {
    let parsed = ResourceId::parse(id).unwrap_or_default();
    if let Some(map) = document.as_object_mut() {
        map.insert("apiVersion".into(), json!(version));
        map.insert("resourceId".into(), json!(id.trim_start_matches('/')));
        map.insert("subscriptionId".into(), json!(parsed.subscription()));
        map.insert("resourceGroupName".into(), json!(parsed.group()));
    }
    document
}
