//! Alert documents: the event, and beside it flat keys under `kibana.alert.` that say which rule made it and why.

use super::alert_id::{self, iso};
use super::collector::Group;
use super::terms::Key;
use super::{Document, Window, reason};
use crate::document::values;
use crate::rule::{Kind, Rule};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What the program knows of a rule beside what its file says.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The id under which it is kept; alert ids hang on it.
    pub uuid: String,
    /// `default`: the space that it is in.
    pub space: String,
    /// Counted up with each change here.
    pub revision: u64,
    /// Whether it ships with the program and cannot be edited.
    pub immutable: bool,
    /// Whether it is on.
    pub enabled: bool,
    /// When it was installed, and by whom.
    pub created: (Timestamp, String),
    /// When it was changed last, and by whom.
    pub updated: (Timestamp, String),
}

/// One run of a rule.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its own id.
    pub uuid: String,
    /// When it began: the time of its alerts.
    pub started: Timestamp,
    /// Whether a person asked for it; else the schedule did.
    pub manual: bool,
}

/// An alert, to be written under its id if nothing stands there yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its id, and its document's.
    pub id: String,
    /// What suppressed alerts have in common; none without suppression.
    pub instance: Option<String>,
    /// The event's own time.
    pub original_time: Option<Timestamp>,
    /// One line.
    pub reason: String,
    /// Fields to look at first, with their values; those without a value are there with none.
    pub triage: Vec<(String, Vec<Value>)>,
    /// The document.
    pub document: Value,
}

/// What a threshold counted.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub terms: Vec<(String, Value)>,
    pub count: u64,
    pub cardinality: Vec<(String, u64)>,
    pub first: Timestamp,
    pub last: Timestamp,
    pub key: Key,
}

/// What may become an alert.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub id: String,
    pub document: Document,
    pub time: Timestamp,
    pub new_terms: Option<Vec<Value>>,
    pub threshold: Option<Counted>,
}

/// Everything that alerts of one run share.
#[derive(Clone, Debug)]
pub(super) struct Maker {
    rule: Map<String, Value>,
    plain: Map<String, Value>,
    fields: Vec<String>,
    severity: crate::rule::Severity,
    name: String,
    pub installed: Installed,
    started: Timestamp,
}

const UNSTORED: [&str; 3] = ["kibana", "signal", "threshold_result"];

impl Maker {
    pub fn new(rule: &Rule, installed: &Installed, run: &Run, window: Window) -> Self {
        let parameters = rule.parameters();
        let mut flat = Map::new();
        let mut set = |key: &str, value: Value| {
            flat.insert(format!("kibana.alert.rule.{key}"), value);
        };
        let shown = [
            "rule_id",
            "name",
            "type",
            "version",
            "description",
            "author",
            "license",
            "tags",
            "threat",
            "references",
            "note",
            "false_positives",
            "from",
            "to",
            "interval",
            "max_signals",
            "risk_score",
            "severity",
            "timestamp_override",
            "building_block_type",
            "setup",
        ];
        for key in shown {
            if let Some(value) = parameters.get(key) {
                set(key, value.clone());
            }
        }
        for key in ["actions", "exceptions_list", "risk_score_mapping", "severity_mapping"] {
            set(key, parameters.get(key).cloned().unwrap_or_else(|| json!([])));
        }
        let (kind, category) = match rule.kind {
            Kind::Query => ("siem.queryRule", "Custom Query Rule"),
            Kind::NewTerms(_) => ("siem.newTermsRule", "New Terms Rule"),
            Kind::Threshold(_) => ("siem.thresholdRule", "Threshold Rule"),
        };
        set("rule_type_id", json!(kind));
        set("category", json!(category));
        set("uuid", json!(installed.uuid));
        set("producer", json!("siem"));
        set("consumer", json!("siem"));
        set("revision", json!(installed.revision));
        set("enabled", json!(installed.enabled));
        set("immutable", json!(installed.immutable));
        set("indices", json!(rule.index));
        set("created_at", json!(iso(installed.created.0)));
        set("created_by", json!(installed.created.1));
        set("updated_at", json!(iso(installed.updated.0)));
        set("updated_by", json!(installed.updated.1));
        set("parameters", Value::Object(parameters));
        set("execution.uuid", json!(run.uuid));
        set("execution.timestamp", json!(iso(run.started)));
        set("execution.type", json!(if run.manual { "manual" } else { "scheduled" }));
        let plain = json!({
            "kibana.space_ids": [installed.space],
            "kibana.version": env!("CARGO_PKG_VERSION"),
            "kibana.alert.status": "active",
            "kibana.alert.workflow_status": "open",
            "kibana.alert.workflow_tags": [],
            "kibana.alert.workflow_assignee_ids": [],
            "kibana.alert.severity": rule.about.severity,
            "kibana.alert.risk_score": rule.about.risk_score,
            "kibana.alert.intended_timestamp": iso(window.to),
        });
        let mut plain = plain.as_object().cloned().unwrap_or_default();
        if let Some(kind) = &rule.about.building_block_type {
            plain.insert("kibana.alert.building_block_type".into(), json!(kind));
        }
        Self {
            rule: flat,
            plain,
            fields: rule.about.investigation_fields.clone(),
            severity: rule.about.severity,
            name: rule.about.name.clone(),
            installed: installed.clone(),
            started: run.started,
        }
    }

    /// The alert of a candidate, with what it stands for when alerts are suppressed.
    pub fn alert(&self, candidate: &Candidate, group: Option<&Group>) -> Alert {
        let body = &candidate.document.body;
        let mut map = body.as_object().cloned().unwrap_or_default();
        map.retain(|key, _| !UNSTORED.contains(&key.split('.').next().unwrap_or_default()));
        let mut set = |key: &str, value: Value| {
            map.insert(key.to_owned(), value);
        };
        originals(body, &mut set);
        let now = iso(self.started);
        let reason = reason::sentence(body, self.severity, &self.name);
        set("@timestamp", json!(now));
        set("kibana.alert.uuid", json!(candidate.id));
        set("kibana.alert.reason", json!(reason));
        set("kibana.alert.start", json!(now));
        set("kibana.alert.last_detected", json!(now));
        let (depth, ancestors) = self.ancestors(candidate);
        set("kibana.alert.depth", json!(depth));
        set("kibana.alert.ancestors", ancestors);
        let original = original_time(candidate);
        if let Some(time) = original {
            set("kibana.alert.original_time", json!(iso(time)));
        }
        if let Some(terms) = &candidate.new_terms {
            set("kibana.alert.new_terms", json!(terms));
        }
        if let Some(counted) = &candidate.threshold {
            set("kibana.alert.threshold_result", threshold_result(counted));
        }
        if let Some(group) = group {
            let terms: Vec<_> =
                group.terms.iter().map(|(field, value)| json!({ "field": field, "value": value })).collect();
            set("kibana.alert.instance.id", json!(group.instance));
            set("kibana.alert.suppression.terms", json!(terms));
            set("kibana.alert.suppression.start", json!(iso(group.start)));
            set("kibana.alert.suppression.end", json!(iso(group.end)));
            set("kibana.alert.suppression.docs_count", json!(group.suppressed));
        }
        signal(&mut map);
        map.extend(self.plain.clone());
        map.extend(self.rule.clone());
        let document = Value::Object(map);
        let triage = |field: &String| {
            // The alert's own time stands in `@timestamp` now; who investigates asks for the event's.
            let found = values(body, field).into_iter().cloned().collect();
            (field.clone(), found)
        };
        Alert {
            id: candidate.id.clone(),
            instance: group.map(|group| group.instance.clone()),
            original_time: original,
            reason,
            triage: self.fields.iter().map(triage).collect(),
            document,
        }
    }

    /// How many rules stand between the alert and an event, and everything it stems from.
    fn ancestors(&self, candidate: &Candidate) -> (u64, Value) {
        let body = &candidate.document.body;
        let flat = |key: &str| body.get(key).or_else(|| body.pointer(&format!("/{}", key.replace('.', "/"))));
        let depth = flat("kibana.alert.depth").and_then(Value::as_u64).unwrap_or(0);
        let mut ancestors = match flat("kibana.alert.ancestors") {
            Some(Value::Array(list)) => list.clone(),
            _ => Vec::new(),
        };
        let mut parent = json!({
            "id": candidate.document.id,
            "type": if depth > 0 { "signal" } else { "event" },
            "index": candidate.document.index,
            "depth": depth,
        });
        if let (Some(rule), Value::Object(map)) = (flat("kibana.alert.rule.uuid"), &mut parent) {
            map.insert("rule".into(), rule.clone());
        }
        ancestors.push(parent);
        (depth.saturating_add(1), Value::Array(ancestors))
    }

    pub fn event_id(&self, document: &Document) -> String {
        let version = document.version.to_string();
        alert_id::of_event(
            &document.index,
            &document.id,
            &version,
            &self.installed.space,
            &self.installed.uuid,
        )
    }
}

fn original_time(candidate: &Candidate) -> Option<Timestamp> {
    let path = crate::document::Path::new("@timestamp");
    super::timestamp::earliest(&path, &candidate.document.body)
}

/// Copies `event.*` and `data_stream.*`, in whichever way they are written.
fn originals(body: &Value, set: &mut dyn FnMut(&str, Value)) {
    for (group, copy) in [("event", "original_event"), ("data_stream", "original_data_stream")] {
        for (key, value) in body.as_object().into_iter().flatten() {
            if key == group {
                flatten(&format!("kibana.alert.{copy}"), value, set);
            } else if let Some(rest) = key.strip_prefix(group).and_then(|rest| rest.strip_prefix('.')) {
                flatten(&format!("kibana.alert.{copy}.{rest}"), value, set);
            }
        }
    }
}

fn flatten(name: &str, value: &Value, set: &mut dyn FnMut(&str, Value)) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| flatten(&format!("{name}.{key}"), value, set));
        }
        Value::Null => {}
        other => set(name, other.clone()),
    }
}

/// The document is an alert now and no event.
fn signal(map: &mut Map<String, Value>) {
    map.remove("event.kind");
    match map.get_mut("event") {
        Some(Value::Object(event)) => {
            event.insert("kind".into(), json!("signal"));
        }
        _ => {
            map.insert("event.kind".into(), json!("signal"));
        }
    }
}

fn threshold_result(counted: &Counted) -> Value {
    let pairs = |pairs: &mut dyn Iterator<Item = (&String, Value)>| -> Value {
        pairs.map(|(field, value)| json!({ "field": field, "value": value })).collect()
    };
    json!({
        "terms": pairs(&mut counted.terms.iter().map(|(field, value)| (field, value.clone()))),
        "cardinality": pairs(&mut counted.cardinality.iter().map(|(field, value)| (field, json!(value)))),
        "count": counted.count,
        "from": iso(counted.first),
    })
}
