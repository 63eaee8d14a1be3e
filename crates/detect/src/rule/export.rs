//! Kibana's export: one JSON object a line - rules, exception lists and their items, and a last line that counts them.

use super::exception::{Exception, ExceptionEntry, ExceptionTest};
use super::unsupported::Unsupported;
use serde_json::{Map, Value};

/// How deep entries may be nested: Kibana nests one level.
const DEPTH_LIMIT: usize = 4;
/// Entries of one exception, and values of one entry, at most.
const ENTRIES_LIMIT: usize = 10_000;
/// Longest value, in bytes.
const VALUE_LIMIT: usize = 4096;

/// What a line of an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Rule,
    /// The container of exceptions.
    List,
    /// An exception.
    Item,
    /// The counts at the end.
    Summary,
    /// Something else that Kibana exports beside rules: an action's connector.
    Other,
}

pub(super) fn line(object: &Map<String, Value>) -> Line {
    let has = |key: &str| object.contains_key(key);
    if has("exported_count") || has("exported_rules_count") {
        Line::Summary
    } else if has("item_id") || has("entries") {
        Line::Item
    } else if has("rule_id") || has("risk_score") || has("severity") {
        Line::Rule
    } else if has("list_id") {
        Line::List
    } else {
        Line::Other
    }
}

/// The lists that a rule refers to.
pub(super) fn lists(rule: &Map<String, Value>) -> Vec<&str> {
    let references = rule.get("exceptions_list").and_then(Value::as_array);
    references.into_iter().flatten().filter_map(|r| r.get("list_id")?.as_str()).collect()
}

/// An exception as an export has it.
pub(super) enum Read {
    Exception(Exception),
    Unsupported(Unsupported),
    Broken(String),
}

/// Reads an exception item.
pub(super) fn exception(object: &Map<String, Value>) -> Read {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let item_id = text("item_id");
    let expire_time = match object.get("expire_time").filter(|v| !v.is_null()) {
        None => None,
        Some(value) => match value.as_str().and_then(|text| text.parse().ok()) {
            Some(time) => Some(time),
            None => return Read::Broken("expire_time: a point in time is expected".into()),
        },
    };
    match entries(object.get("entries"), &item_id, 0) {
        Ok(entries) if entries.is_empty() => Read::Broken("entries: an exception needs at least one".into()),
        Ok(entries) => Read::Exception(Exception { name: text("name"), item_id, expire_time, entries }),
        Err(Wrong::Unsupported(reason)) => Read::Unsupported(reason),
        Err(Wrong::Broken(message)) => Read::Broken(message),
    }
}

enum Wrong {
    Unsupported(Unsupported),
    Broken(String),
}

fn entries(value: Option<&Value>, item: &str, depth: usize) -> Result<Vec<ExceptionEntry>, Wrong> {
    let broken = |message: String| Wrong::Broken(message);
    let list = value.and_then(Value::as_array).ok_or_else(|| broken("entries: a list is expected".into()))?;
    if list.len() > ENTRIES_LIMIT || depth > DEPTH_LIMIT {
        return Err(broken(format!(
            "entries: more than {ENTRIES_LIMIT}, or nested deeper than {DEPTH_LIMIT}"
        )));
    }
    list.iter().map(|value| entry(value, item, depth)).collect()
}

fn entry(value: &Value, item: &str, depth: usize) -> Result<ExceptionEntry, Wrong> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let broken = |message: &str| Wrong::Broken(format!("entries: {message}"));
    let field = text("field").filter(|f| !f.is_empty()).ok_or_else(|| broken("an entry names no field"))?;
    let included = match text("operator").unwrap_or("included") {
        "included" => true,
        "excluded" => false,
        other => return Err(broken(&format!("'{other}' is neither included nor excluded"))),
    };
    let one = || match text("value") {
        Some(text) if text.len() <= VALUE_LIMIT => Ok(text.to_owned()),
        Some(_) => Err(broken(&format!("a value is longer than {VALUE_LIMIT} bytes"))),
        None => Err(broken("a text is expected as value")),
    };
    let test = match text("type").unwrap_or_default() {
        "match" => ExceptionTest::Match(one()?),
        "wildcard" => ExceptionTest::Wildcard(one()?),
        "exists" => ExceptionTest::Exists,
        "match_any" => {
            let list = value.get("value").and_then(Value::as_array);
            let list = list.ok_or_else(|| broken("a list is expected as value of match_any"))?;
            if list.len() > ENTRIES_LIMIT {
                return Err(broken("too many values"));
            }
            let texts: Option<_> = list.iter().map(|v| v.as_str().map(str::to_owned)).collect();
            ExceptionTest::MatchAny(texts.ok_or_else(|| broken("match_any takes texts"))?)
        }
        "nested" => ExceptionTest::Nested(entries(value.get("entries"), item, depth + 1)?),
        "list" => {
            let list = value.pointer("/list/id").and_then(Value::as_str).unwrap_or_default();
            return Err(Wrong::Unsupported(Unsupported::ValueList {
                item: item.to_owned(),
                list: list.to_owned(),
            }));
        }
        other => {
            return Err(Wrong::Unsupported(Unsupported::ExceptionEntry {
                item: item.to_owned(),
                kind: other.to_owned(),
            }));
        }
    };
    Ok(ExceptionEntry { field: field.to_owned(), included, test })
}
