//! The sentence that says in one line what an alert is about.

use crate::document::values;
use crate::rule::Severity;
use serde_json::Value;

/// The fields that a sentence tells of.
pub(super) const FIELDS: [&str; 12] = [
    "destination.address",
    "destination.ip",
    "destination.port",
    "event.category",
    "file.name",
    "host.name",
    "process.name",
    "process.parent.name",
    "source.address",
    "source.ip",
    "source.port",
    "user.name",
];

/// `event with source 203.0.113.7 by alice created medium alert Name.` What the document does not say is left out.
pub(super) fn sentence(body: &Value, severity: Severity, name: &str) -> String {
    let field = |path: &str| {
        let found = values(body, path);
        let texts: Vec<String> = found.into_iter().map(text).collect();
        Some(texts.join(", ")).filter(|text| !text.is_empty())
    };
    let mut interesting = String::new();
    let mut tell = |word: &str, value: Option<String>| {
        if let Some(value) = value {
            interesting.push_str(&format!(" {word} {value},"));
        }
    };
    tell("process", field("process.name"));
    tell("parent process", field("process.parent.name"));
    tell("file", field("file.name"));
    for end in ["source", "destination"] {
        if let Some(address) = field(&format!("{end}.ip")).or_else(|| field(&format!("{end}.address"))) {
            interesting.push_str(&match field(&format!("{end}.port")) {
                Some(port) => format!(" {end} {address}:{port},"),
                None => format!(" {end} {address}"),
            });
        }
    }
    let mut sentence = String::new();
    if let Some(category) = field("event.category") {
        sentence.push_str(&category);
        sentence.push(' ');
    }
    sentence.push_str("event");
    if !interesting.is_empty() {
        sentence.push_str(" with");
        sentence.push_str(&interesting);
    }
    for (word, path) in [("by", "user.name"), ("on", "host.name")] {
        if let Some(value) = field(path) {
            sentence.push_str(&format!(" {word} {value}"));
        }
    }
    sentence.push_str(&format!(" created {severity} alert {name}."));
    sentence
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sentences() {
        let table = [
            (json!({}), "event created medium alert Name."),
            (
                json!({ "source": { "ip": "203.0.113.7" }, "user": { "name": "alice" } }),
                "event with source 203.0.113.7 by alice created medium alert Name.",
            ),
            (
                json!({ "event.category": ["network", "process"], "process.name": "sh", "process.parent.name": "init",
                    "file.name": "f", "source": { "ip": "::1", "port": 22 }, "destination.address": "db",
                    "host.name": "h" }),
                "network, process event with process sh, parent process init, file f, source ::1:22, destination db on h \
                 created medium alert Name.",
            ),
        ];
        for (body, expected) in table {
            let told: serde_json::Map<_, _> = FIELDS
                .iter()
                .map(|name| ((*name).to_owned(), Value::from_iter(values(&body, name).into_iter().cloned())))
                .collect();
            assert_eq!(sentence(&Value::Object(told), Severity::Medium, "Name"), expected);
            assert_eq!(sentence(&body, Severity::Medium, "Name"), expected);
        }
    }
}
