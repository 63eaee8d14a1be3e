//! What clients read of a set: its document and its instance view (contract 5).

use serde_json::{Map, Value, json};

/// Update domains that instances are told to be spread over.
const DOMAINS: i64 = 5;

/// What the server knows of a set beside its document.
#[derive(Clone, Debug)]
pub struct SetFacts<'a> {
    /// The resource id, in the stored case.
    pub id: &'a str,
    /// The name, in the stored case.
    pub name: &'a str,
    /// The id of its placement group, a GUID.
    pub unique_id: &'a str,
    /// `Creating`, `Updating`, `Succeeded`, `Failed`.
    pub provisioning_state: &'a str,
    /// When it was created, RFC 3339.
    pub time_created: &'a str,
    /// The entity tag, with its quotes.
    pub etag: &'a str,
    /// How many instances there are.
    pub capacity: usize,
}

/// The set as clients read it.
pub fn document(facts: &SetFacts<'_>, stored: &Value) -> Value {
    let mut out = Map::from_iter([
        ("id".to_owned(), json!(facts.id)),
        ("name".to_owned(), json!(facts.name)),
        ("type".to_owned(), json!(super::TYPE)),
    ]);
    for (key, value) in stored.as_object().into_iter().flatten().filter(|(key, _)| *key != "properties") {
        out.insert(key.clone(), value.clone());
    }
    let sku = out.entry("sku").or_insert_with(|| json!({}));
    if let Some(sku) = sku.as_object_mut() {
        sku.insert("capacity".into(), json!(facts.capacity));
    }
    out.insert("etag".into(), json!(facts.etag));
    let mut properties = stored.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties.insert("provisioningState".into(), json!(facts.provisioning_state));
    properties.insert("uniqueId".into(), json!(facts.unique_id));
    properties.insert("timeCreated".into(), json!(facts.time_created));
    out.insert("properties".into(), Value::Object(properties));
    Value::Object(out)
}

/// The instance view of a set: how many of `instances` (their own instance views) are in which state, and the state of the whole,
/// reached at `time`.
pub fn instance_view(instances: &[Value], provisioning_state: &str, time: &str) -> Value {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let statuses = instances.iter().filter_map(|view| view.get("statuses")?.as_array()).flatten();
    for code in statuses.filter_map(|status| status.get("code")?.as_str()) {
        match counts.iter_mut().find(|(known, _)| known == code) {
            Some((_, count)) => *count += 1,
            None => counts.push((code.to_owned(), 1)),
        }
    }
    // Provisioning first, as in the statuses of one machine.
    counts.sort_by_key(|(code, _)| (!code.starts_with("ProvisioningState/"), code.clone()));
    let summary: Vec<_> =
        counts.into_iter().map(|(code, count)| json!({ "code": code, "count": count })).collect();
    let word = provisioning_state.to_ascii_lowercase();
    json!({
        "virtualMachine": { "statusesSummary": summary },
        "statuses": [{
            "code": format!("ProvisioningState/{word}"),
            "level": if word == "failed" { "Error" } else { "Info" },
            "displayStatus": match word.as_str() {
                "succeeded" => "Provisioning succeeded",
                "failed" => "Provisioning failed",
                _ => provisioning_state,
            },
            "time": time,
        }],
    })
}

/// Where an instance of a Uniform set stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The id of the set's placement group.
    pub group: &'a str,
    /// The instance's number.
    pub number: i64,
}

/// Adds its place to an instance's instance view.
pub fn place(mut view: Value, place: Place<'_>) -> Value {
    if let Some(view) = view.as_object_mut() {
        let domain = place.number.rem_euclid(DOMAINS);
        view.insert("placementGroupId".into(), json!(place.group));
        view.insert("platformUpdateDomain".into(), json!(domain));
        view.insert("platformFaultDomain".into(), json!(domain));
    }
    view
}
