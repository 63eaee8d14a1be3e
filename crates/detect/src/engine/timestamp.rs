//! The time of a document, as a rule counts it.

use crate::document::Path;
use crate::rule::Rule;
use crate::rule::date_math::whole_milliseconds;
use jiff::Timestamp;
use serde_json::Value;

/// The fields that hold a document's time, the first that has one counting.
#[derive(Clone, Debug)]
pub(super) struct Times(Vec<Path>);

impl Times {
    pub fn of(rule: &Rule) -> Self {
        let plain = Path::new("@timestamp");
        Self(match &rule.timestamp_override {
            Some(field) if rule.fallback_disabled => vec![Path::new(field.as_str())],
            Some(field) => vec![Path::new(field.as_str()), plain],
            None => vec![plain],
        })
    }

    /// In whole milliseconds; none when the document has no time that can be read.
    pub fn time(&self, body: &Value) -> Option<Timestamp> {
        self.0.iter().find_map(|path| earliest(path, body))
    }
}

/// The time at a path; of several the earliest, as Elasticsearch sorts ascending.
pub(super) fn earliest(path: &Path, body: &Value) -> Option<Timestamp> {
    let mut found: Option<Timestamp> = None;
    path.any(body, &mut |value| {
        if let Some(time) = read(value) {
            found = Some(found.map_or(time, |before| before.min(time)));
        }
        false
    });
    found
}

fn read(value: &Value) -> Option<Timestamp> {
    let time = match value {
        Value::String(text) => text.parse().ok()?,
        Value::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok()?,
        _ => return None,
    };
    Some(whole_milliseconds(time))
}
