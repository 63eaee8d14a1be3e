//! What a deployment shows of itself: the document, its operations, its failure.

use super::set;
use crate::error::{ArmError, ErrorDetail};
use crate::resource_id::ResourceId;
use crate::template::deployment::{Node, Plan};
use http::StatusCode;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// What is known of a deployment beside its plan.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The id.
    pub id: &'a str,
    /// The name.
    pub name: &'a str,
    /// `Incremental`, `Complete`.
    pub mode: &'a str,
    /// `Running`, `Succeeded`, …
    pub state: &'a str,
    /// When it changed last, RFC 3339.
    pub timestamp: &'a str,
    /// The one location.
    pub location: &'a str,
    /// The correlation id of the request.
    pub correlation: &'a str,
    /// See [`template_hash`].
    pub hash: &'a str,
    /// Where the template was, if it was linked.
    pub link: Option<&'a str>,
    /// Tags of the deployment itself.
    pub tags: Option<&'a Map<String, Value>>,
    /// Of a deployment to a subscription.
    pub at: Option<&'a str>,
}

/// The document of a deployment that has just been accepted.
pub fn document(facts: &Facts<'_>, plan: &Plan) -> Value {
    let mut properties = json!({
        "templateHash": facts.hash,
        "parameters": plan.parameters(),
        "mode": facts.mode,
        "provisioningState": facts.state,
        "timestamp": facts.timestamp,
        "duration": "PT0S",
        "correlationId": facts.correlation,
        "providers": providers(plan, facts.location),
        "dependencies": dependencies(plan),
    });
    if let Some(link) = facts.link {
        // Without its query, which may be a SAS.
        let plain = link.split(['?', '#']).next().unwrap_or(link);
        set(&mut properties, "templateLink", json!({ "uri": plain }));
    }
    let mut document = Map::from_iter([
        ("id".to_owned(), json!(facts.id)),
        ("name".to_owned(), json!(facts.name)),
        ("type".to_owned(), json!(super::TYPE)),
    ]);
    if let Some(at) = facts.at {
        document.insert("location".into(), json!(at));
    }
    if let Some(tags) = facts.tags {
        document.insert("tags".into(), Value::Object(tags.clone()));
    }
    document.insert("properties".into(), properties);
    Value::Object(document)
}

fn deployed(plan: &Plan) -> impl Iterator<Item = &Node> {
    plan.nodes.iter().filter(|node| node.condition && !node.existing)
}

fn providers(plan: &Plan, location: &str) -> Value {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for node in deployed(plan) {
        let (namespace, kind) = node.resource_type.split_once('/').unwrap_or((&node.resource_type, ""));
        let at = found.iter().position(|(known, _)| known.eq_ignore_ascii_case(namespace));
        let kinds = match at.and_then(|at| found.get_mut(at)) {
            Some((_, kinds)) => kinds,
            None => {
                found.push((namespace.into(), vec![kind.into()]));
                continue;
            }
        };
        if !kinds.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
            kinds.push(kind.into());
        }
    }
    let shown = found.into_iter().map(|(namespace, kinds)| {
        let kinds = kinds.into_iter().map(|kind| json!({ "resourceType": kind, "locations": [location] }));
        json!({ "namespace": namespace, "resourceTypes": kinds.collect::<Vec<_>>() })
    });
    shown.collect()
}

fn named(node: &Node) -> Value {
    json!({ "id": node.id, "resourceType": node.resource_type, "resourceName": node.name })
}

fn dependencies(plan: &Plan) -> Value {
    let shown = deployed(plan).filter(|node| !node.depends_on.is_empty()).map(|node| {
        let on: Vec<_> = node.depends_on.iter().filter_map(|&at| plan.nodes.get(at)).map(named).collect();
        let mut shown = json!({ "dependsOn": on });
        if let (Some(shown), Value::Object(named)) = (shown.as_object_mut(), named(node)) {
            shown.extend(named);
        }
        shown
    });
    shown.collect()
}

/// A number that is the same for the same template: the first 8 bytes of its SHA-256, in decimal, as Azure writes its own.
pub fn template_hash(template: &Value) -> String {
    let digest = Sha256::digest(template.to_string());
    digest.iter().take(8).fold(0_u64, |number, &byte| (number << 8) | u64::from(byte)).to_string()
}

/// A time span in microseconds as ISO 8601, to the millisecond: `PT1M3.25S`.
pub fn duration(micros: i64) -> String {
    let millis = micros.max(0) / 1_000;
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let (seconds, rest) = (millis / 1_000 % 60, millis % 1_000);
    let mut text = String::from("PT");
    if hours > 0 {
        text.push_str(&format!("{hours}H"));
    }
    if minutes > 0 {
        text.push_str(&format!("{minutes}M"));
    }
    if rest > 0 {
        text.push_str(format!("{seconds}.{rest:03}").trim_end_matches('0'));
        text.push('S');
    } else if seconds > 0 || text == "PT" {
        text.push_str(&format!("{seconds}S"));
    }
    text
}

/// The resource that an operation of a deployment is about.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its type.
    pub resource_type: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// An operation of a deployment. `times` are when it began and when it was last seen, microseconds with the latter's text;
/// `outcome` is none while it goes on.
pub fn operation(
    deployment: &ResourceId,
    id: &str,
    target: &Target<'_>,
    tracking: &str,
    (began, now, timestamp): (i64, i64, &str),
    outcome: Option<Result<StatusCode, &ArmError>>,
) -> Value {
    let mut properties = json!({
        "provisioningOperation": "Create",
        "provisioningState": "Running",
        "timestamp": timestamp,
        "duration": duration(now - began),
        "trackingId": tracking,
        "targetResource": { "id": target.id, "resourceType": target.resource_type, "resourceName": target.name },
    });
    if let Some(outcome) = outcome {
        finish(&mut properties, outcome);
    }
    json!({ "id": format!("{deployment}/operations/{id}"), "operationId": id, "properties": properties })
}

/// The last operation of a deployment: the evaluation of its outputs.
pub fn outcome_operation(
    deployment: &ResourceId,
    id: &str,
    timestamp: &str,
    outcome: Result<StatusCode, &ArmError>,
) -> Value {
    let mut properties = json!({
        "provisioningOperation": "EvaluateDeploymentOutput",
        "timestamp": timestamp,
        "duration": "PT0S",
    });
    finish(&mut properties, outcome);
    json!({ "id": format!("{deployment}/operations/{id}"), "operationId": id, "properties": properties })
}

fn finish(properties: &mut Value, outcome: Result<StatusCode, &ArmError>) {
    let status = match outcome {
        Ok(status) => status,
        Err(error) => error.status,
    };
    set(properties, "provisioningState", json!(if outcome.is_ok() { "Succeeded" } else { "Failed" }));
    set(properties, "statusCode", json!(status.canonical_reason().unwrap_or("").replace(' ', "")));
    if let Err(error) = outcome {
        set(properties, "statusMessage", json!({ "status": "Failed", "error": error.body() }));
    }
}

/// The error of a deployment some of whose resources could not be made.
pub fn failure(deployment: &ResourceId, causes: &[ArmError]) -> ArmError {
    let text = "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.";
    let mut error =
        ArmError::new(StatusCode::CONFLICT, "DeploymentFailed", text).with_target(deployment.to_string());
    error.details = causes.iter().map(detail).collect();
    error
}

fn detail(cause: &ArmError) -> ErrorDetail {
    // What stands deeper (of a nested deployment that failed, or a machine that cannot start) is the cause that people look for.
    let deeper: String =
        cause.details.iter().map(|d| format!(" {}: {}", d.code, d.message)).collect::<Vec<_>>().concat();
    ErrorDetail {
        message: format!("{}{deeper}", cause.message),
        code: cause.code.to_string(),
        target: cause.target.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            (0, "PT0S"),
            (-5, "PT0S"),
            (1_500_000, "PT1.5S"),
            (60_000_000, "PT1M"),
            (63_250_000, "PT1M3.25S"),
            (3_601_000_000, "PT1H1S"),
            (999, "PT0S"),
            (1_000, "PT0.001S"),
        ];
        for (micros, text) in cases {
            assert_eq!(duration(micros), text, "{micros}");
        }
    }

    #[test]
    fn a_hash_is_a_number_that_depends_on_the_template() {
        let (a, b) = (template_hash(&json!({"a": 1})), template_hash(&json!({"a": 2})));
        assert!(a.parse::<u64>().is_ok() && a != b);
    }

    #[test]
    fn failures_name_their_causes() {
        let id = ResourceId::parse(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/deployments/d",
        )
        .unwrap();
        let deep = ArmError::conflict("Outer.").with_detail("Inner", "The cause.");
        let error = failure(&id, &[deep]);
        assert_eq!(error.target.as_deref(), Some(id.to_string().as_str()));
        assert_eq!(error.details[0].message, "Outer. Inner: The cause.");
        let shown = operation(
            &id,
            "op1",
            &Target { id: "/x", resource_type: "A.B/c", name: "x" },
            "t",
            (0, 2_000_000, "now"),
            Some(Err(&error)),
        );
        assert_eq!(shown["properties"]["provisioningState"], "Failed");
        assert_eq!(shown["properties"]["statusCode"], "Conflict");
        assert_eq!(shown["properties"]["duration"], "PT2S");
        assert_eq!(shown["properties"]["statusMessage"]["error"]["code"], "DeploymentFailed");
    }
}
