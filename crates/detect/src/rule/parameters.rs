//! A rule as JSON, with the names of Kibana's API: what an alert carries and what a rule's page reads.

use super::exception::{Exception, ExceptionEntry, ExceptionTest};
use super::{About, Kind, Rule, Suppression, UnsupportedRule};
use serde_json::{Map, Value, json};

impl About {
    /// What the rule says about itself, by the names of rule files.
    pub fn parameters(&self) -> Map<String, Value> {
        let mut map = self.kept.clone();
        let mut set = |key: &str, value: Value| {
            map.insert(key.to_owned(), value);
        };
        set("rule_id", json!(self.rule_id));
        set("name", json!(self.name));
        set("description", json!(self.description));
        set("severity", json!(self.severity));
        set("risk_score", json!(self.risk_score));
        set("version", json!(self.version));
        set("type", json!(self.kind));
        set("language", json!(self.language));
        set("tags", json!(self.tags));
        set("author", json!(self.author));
        set("license", json!(self.license));
        set("references", json!(self.references));
        set("false_positives", json!(self.false_positives));
        set("note", json!(self.note));
        set("setup", json!(self.setup));
        set("threat", json!(self.threat));
        if !self.investigation_fields.is_empty() {
            set("investigation_fields", json!({ "field_names": self.investigation_fields }));
        }
        if let Some(kind) = &self.building_block_type {
            set("building_block_type", json!(kind));
        }
        map
    }
}

impl Rule {
    /// The whole rule, by the names of Kibana's API.
    pub fn parameters(&self) -> Map<String, Value> {
        let mut map = self.about.parameters();
        let mut set = |key: &str, value: Value| {
            map.insert(key.to_owned(), value);
        };
        set("from", json!(self.schedule.from.text()));
        set("to", json!(self.schedule.to.text()));
        set("interval", json!(self.schedule.interval.to_string()));
        set("max_signals", json!(self.schedule.max_signals));
        set("index", json!(self.index));
        set("query", json!(self.query));
        set("enabled", json!(self.enabled));
        if let Some(field) = &self.timestamp_override {
            set("timestamp_override", json!(field));
        }
        if self.fallback_disabled {
            set("timestamp_override_fallback_disabled", json!(true));
        }
        match &self.kind {
            Kind::Query => {}
            Kind::NewTerms(terms) => {
                set("new_terms_fields", json!(terms.fields));
                set("history_window_start", json!(terms.history_window_start.text()));
            }
            Kind::Threshold(threshold) => set("threshold", json!(threshold)),
        }
        if let Some(suppression) = &self.suppression {
            set("alert_suppression", suppression_of(suppression));
        }
        if !self.exceptions.is_empty() {
            let mut list = match self.about.kept.get("exceptions_list") {
                Some(Value::Array(list)) => list.clone(),
                _ => Vec::new(),
            };
            list.extend(self.exceptions.iter().map(exception));
            set("exceptions_list", Value::Array(list));
        }
        map
    }
}

impl UnsupportedRule {
    /// What is known of it, by the names of rule files.
    pub fn parameters(&self) -> Map<String, Value> {
        self.about.parameters()
    }
}

fn suppression_of(suppression: &Suppression) -> Value {
    let mut map = Map::new();
    if !suppression.group_by.is_empty() {
        map.insert("group_by".into(), json!(suppression.group_by));
        let strategy = if suppression.missing_fields_too { "suppress" } else { "doNotSuppress" };
        map.insert("missing_fields_strategy".into(), json!(strategy));
    }
    if let Some(duration) = suppression.duration {
        let duration = json!({ "value": duration.count(), "unit": duration.letter().to_string() });
        map.insert("duration".into(), duration);
    }
    Value::Object(map)
}

fn exception(exception: &Exception) -> Value {
    let mut map = Map::new();
    map.insert("item_id".into(), json!(exception.item_id));
    map.insert("name".into(), json!(exception.name));
    if let Some(time) = exception.expire_time {
        map.insert("expire_time".into(), json!(time.to_string()));
    }
    map.insert("entries".into(), exception.entries.iter().map(entry).collect());
    Value::Object(map)
}

fn entry(entry: &ExceptionEntry) -> Value {
    let operator = if entry.included { "included" } else { "excluded" };
    let mut value = json!({ "field": entry.field, "operator": operator });
    let (kind, key, content) = match &entry.test {
        ExceptionTest::Match(text) => ("match", "value", json!(text)),
        ExceptionTest::MatchAny(texts) => ("match_any", "value", json!(texts)),
        ExceptionTest::Wildcard(text) => ("wildcard", "value", json!(text)),
        ExceptionTest::Exists => ("exists", "", Value::Null),
        ExceptionTest::Nested(entries) => {
            ("nested", "entries", entries.iter().map(self::entry).collect::<Value>())
        }
    };
    if let Value::Object(map) = &mut value {
        map.insert("type".into(), json!(kind));
        if !key.is_empty() {
            map.insert(key.into(), content);
        }
    }
    value
}
