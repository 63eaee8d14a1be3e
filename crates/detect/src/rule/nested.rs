//! The tables inside of a rule, in the forms of both kinds of file.

use super::date_math::DateMath;
use super::keys::Keys;
use super::reading::said;
use super::threat::{Named, Technique, Threat};
use super::{Cardinality, NewTerms, Threshold};
use serde_json::Value;

/// Kibana: `new_terms_fields` and `history_window_start`. TOML: `[rule.new_terms]` with the name and the value of each.
pub(super) fn new_terms(keys: &Keys<'_>) -> Option<NewTerms> {
    let mut fields = keys.texts("new_terms_fields");
    let mut history = keys.text("history_window_start").map(|text| ("history_window_start", text));
    if let Some(table) = keys.table("new_terms") {
        let name = table.text("field");
        if name.as_deref().is_some_and(|name| name != "new_terms_fields") {
            table.fault("field", "it is always new_terms_fields; the fields stand in value");
        }
        fields.extend(table.texts("value"));
        for entry in table.tables("history_window_start") {
            if entry.text("field").is_some_and(|name| name != "history_window_start") {
                entry.fault("field", "it is always history_window_start");
            }
            history = entry.text("value").map(|text| ("new_terms", text));
            let _ = entry.rest(&[]);
        }
        let _ = table.rest(&[]);
    }
    let Some((key, text)) = history else {
        keys.fault("", "'history_window_start' is missing: how far back a value counts as known, as now-7d");
        return None;
    };
    let history_window_start = said(keys, key, DateMath::parse(&text))?;
    Some(NewTerms { fields, history_window_start })
}

/// `threshold`, whose field is a text or a list.
pub(super) fn threshold(keys: &Keys<'_>) -> Option<Threshold> {
    let Some(table) = keys.table("threshold") else {
        keys.fault("", "'threshold' is missing: a table with field and value");
        return None;
    };
    let value = table.number("value", u64::from(u32::MAX));
    if value == Some(0) || (value.is_none() && table.value("value").is_none()) {
        table.fault("value", "how many events make an alert: 1 or more");
    }
    let mut cardinality = Vec::new();
    for entry in table.tables("cardinality") {
        let field = entry.required("field");
        let value = entry.number("value", u64::from(u32::MAX)).unwrap_or(0);
        if value == 0 {
            entry.fault("value", "how many distinct values make an alert: 1 or more");
        }
        let _ = entry.rest(&[]);
        cardinality.push(Cardinality { field, value });
    }
    let field = table.texts("field");
    let _ = table.rest(&[]);
    Some(Threshold { field, value: value?, cardinality })
}

/// `investigation_fields`, a table with `field_names` or (older) a list.
pub(super) fn investigation_fields(keys: &Keys<'_>) -> Vec<String> {
    match keys.value("investigation_fields") {
        Some(Value::Object(_)) => keys
            .table("investigation_fields")
            .map(|table| {
                let names = table.texts("field_names");
                let _ = table.rest(&[]);
                names
            })
            .unwrap_or_default(),
        _ => keys.texts("investigation_fields"),
    }
}

/// `[[rule.threat]]` with its techniques.
pub(super) fn threats(keys: &Keys<'_>) -> Vec<Threat> {
    let threat = |table: Keys<'_>| {
        let tactic = table.table("tactic").map(|t| named(&t)).unwrap_or_default();
        let technique = table.tables("technique").iter().map(technique).collect();
        let framework = table.text("framework").unwrap_or_default();
        let _ = table.rest(&[]);
        Threat { framework, tactic, technique }
    };
    keys.tables("threat").into_iter().map(threat).collect()
}

fn technique(table: &Keys<'_>) -> Technique {
    let subtechnique = table.tables("subtechnique").iter().map(named).collect();
    Technique { named: named(table), subtechnique }
}

fn named(table: &Keys<'_>) -> Named {
    let text = |key| table.text(key).unwrap_or_default();
    let named = Named { id: text("id"), name: text("name"), reference: text("reference") };
    let _ = table.rest(&["subtechnique"]);
    named
}
