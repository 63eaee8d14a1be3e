//! Templates as a client sends them, up to the bodies of their resources.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod functions;
mod loops;
mod nested;
mod order;
mod parameters;
mod refusals;
mod virtual_machine;

use hardline_arm::template::deployment::{Plan, Template, Unresolved, plan};
use hardline_arm::template::json::Document;
use hardline_arm::template::position::TemplateError;
use hardline_arm::template::surroundings::{Answers, Surroundings};
use serde_json::{Value, json};
use std::sync::Arc;

pub const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
pub const GROUP: &str = "/subscriptions/s1/resourceGroups/demo";

pub fn around() -> Surroundings {
    let now = "2026-11-21T15:04:05Z".parse().unwrap();
    let mut around = Surroundings::of_group("s1", "demo", "local", now, uuid::Uuid::from_u128(7));
    around.deployment = json!({"name": "d1"});
    around
}

/// A template from its members; text, so that positions count.
pub fn template(members: &str) -> String {
    format!("{{\n  \"$schema\": \"{SCHEMA}\",\n  \"contentVersion\": \"1.0.0.0\",\n{members}\n}}")
}

pub fn planned(members: &str, parameters: &Value) -> Result<Plan, Vec<TemplateError>> {
    let document = Document::parse(&template(members)).unwrap_or_else(|e| panic!("{e}"));
    plan(&Template::new(Arc::new(document), ""), parameters, &around())
}

pub fn good(members: &str, parameters: &Value) -> Plan {
    planned(members, parameters).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

pub fn refused(members: &str, parameters: &Value) -> Vec<String> {
    match planned(members, parameters) {
        Err(errors) => errors.into_iter().map(|e| e.message).collect(),
        Ok(plan) => panic!("{plan:#?}"),
    }
}

pub fn body(plan: &Plan, index: usize) -> Value {
    plan.resolve(&plan.nodes[index], &Answers::default()).unwrap_or_else(|e| panic!("{e:#?}"))
}

pub fn names(plan: &Plan) -> Vec<&str> {
    plan.nodes.iter().map(|n| n.name.as_str()).collect()
}

pub fn outputs(plan: &Plan) -> Value {
    plan.outputs(&Answers::default()).unwrap_or_else(|e: Unresolved| panic!("{e:#?}"))
}

/// The value of one expression as a template's output.
pub fn value(members: &str, kind: &str, expression: &Value) -> Value {
    let members = format!(
        "{members}{}\"resources\": [], \"outputs\": {{\"x\": {{\"type\": \"{kind}\", \"value\": {expression}}}}}",
        if members.is_empty() { "" } else { ", " }
    );
    outputs(&good(&members, &json!({})))["x"]["value"].clone()
}
