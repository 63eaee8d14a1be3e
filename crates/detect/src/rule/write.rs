//! A rule as the text of a TOML file.

use super::{Kind, Rule};
use serde_json::{Map, Value, json};

/// Why a rule has no text: a value of its that TOML cannot hold.
#[derive(Debug, thiserror::Error)]
#[error("the rule cannot be written as TOML: {0}")]
pub struct WriteError(#[from] toml::ser::Error);

impl Rule {
    /// The rule as a TOML file; reading it gives the same rule.
    ///
    /// # Errors
    /// When a value that was kept unread cannot stand in TOML: a number beyond 64 bits.
    pub fn to_toml(&self) -> Result<String, WriteError> {
        let mut rule = self.parameters();
        // What a file leaves out means the same.
        let empty = |value: &Value| match value {
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        rule.retain(|_, value| !empty(value));
        for (key, default) in [("version", json!(1)), ("enabled", json!(true)), ("to", json!("now"))] {
            if rule.get(key) == Some(&default) {
                rule.remove(key);
            }
        }
        if let Kind::NewTerms(terms) = &self.kind {
            rule.remove("new_terms_fields");
            rule.remove("history_window_start");
            let history = terms.history_window_start.text();
            let table = json!({
                "field": "new_terms_fields",
                "value": terms.fields,
                "history_window_start": [{ "field": "history_window_start", "value": history }],
            });
            rule.insert("new_terms".into(), table);
        }
        let mut file = Map::new();
        if !self.about.metadata.is_empty() {
            file.insert("metadata".into(), Value::Object(self.about.metadata.clone()));
        }
        file.insert("rule".into(), Value::Object(rule));
        Ok(toml::to_string_pretty(&without_null(Value::Object(file)))?)
    }
}

/// TOML has no null: a key without a value is left out.
fn without_null(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_null(value)))
            .collect(),
        Value::Array(list) => list.into_iter().filter(|v| !v.is_null()).map(without_null).collect(),
        other => other,
    }
}
