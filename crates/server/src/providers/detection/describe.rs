//! Rules as they are shown, and what is wrong with one as an error.

use crate::clock::from_micros;
use crate::detection::installed::Installed;
use crate::detection::report::Report;
use crate::places::Places;
use hardline_arm::error::ArmError;
use hardline_detect::rule::place::Remark;
use hardline_detect::rule::{About, Entry, Kind, Outcome, Rule};
use hardline_store::db::detection_runs::DetectionRun;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// The type.
pub const TYPE: &str = "Hardline.Detection/rules";
/// Most problems that an error tells.
const TOLD: usize = 20;

/// How much of a rule is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// In a list: without its text.
    Listed,
    /// Alone.
    Whole,
}

/// A rule of a subscription and how far it came.
pub fn rule(
    places: &Places,
    subscription: &str,
    rule: &Installed,
    run: Option<&DetectionRun>,
    depth: Depth,
) -> Value {
    let mut properties = entry(&rule.entry, places);
    let supported = rule.rule().is_some();
    let state = match (supported, rule.enabled) {
        (false, _) => "unsupported",
        (true, true) => "running",
        (true, false) => "disabled",
    };
    let mut set = |name: &str, value: Value| {
        properties.insert(name.into(), value);
    };
    set("enabled", rule.enabled.into());
    set("builtIn", rule.built_in.into());
    set("state", state.into());
    let exceptions = rule.row.as_ref().and_then(|row| serde_json::from_str::<Value>(&row.exceptions).ok());
    set("exceptions", exceptions.unwrap_or_else(|| json!([])));
    let report = run.and_then(|run| serde_json::from_str::<Report>(&run.report).ok());
    set("lastRun", report.map_or(Value::Null, |report| json!(report)));
    let next = run.filter(|_| state == "running").map(|run| from_micros(run.due).to_string());
    set("nextRun", next.map_or(Value::Null, Value::String));
    if let Some(row) = &rule.row {
        set("created", from_micros(row.created).to_string().into());
        set("updated", from_micros(row.updated).to_string().into());
    }
    if depth == Depth::Whole {
        set("source", (*rule.source).into());
    }
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{TYPE}/{}", rule.rule_id),
        "name": rule.rule_id,
        "type": TYPE,
        "etag": rule.etag(),
        "properties": properties,
    })
}

/// What a text says, as properties.
pub fn entry(entry: &Entry, places: &Places) -> Map<String, Value> {
    let (mut properties, reasons) = match &entry.outcome {
        Outcome::Rule(rule) => (supported(rule), Vec::new()),
        Outcome::Unsupported(rule) => {
            (about(&rule.about), rule.reasons.iter().map(ToString::to_string).collect())
        }
        Outcome::Broken(problems) => (Map::new(), problems.iter().map(ToString::to_string).collect()),
        Outcome::Duplicate { of } => (Map::new(), vec![format!("another rule has the same id: {of}")]),
    };
    properties.insert("reasons".into(), json!(reasons));
    properties.insert("notes".into(), entry.notes.iter().map(|note| note.to_string()).collect());
    properties.insert("findings".into(), json!(findings(entry, places)));
    properties
}

/// Why a rule can never say anything here.
pub fn findings(entry: &Entry, places: &Places) -> Vec<String> {
    match &entry.outcome {
        Outcome::Rule(rule) => crate::detection::lint(rule, places),
        _ => Vec::new(),
    }
}

fn about(about: &About) -> Map<String, Value> {
    let members = json!({
        "displayName": about.name,
        "description": about.description,
        "ruleType": about.kind,
        "language": about.language,
        "severity": about.severity,
        "riskScore": about.risk_score,
        "version": about.version,
        "tags": about.tags,
        "author": about.author,
        "license": about.license,
        "references": about.references,
        "falsePositives": about.false_positives,
        "guide": about.note,
        "setup": about.setup,
        "threat": about.threat.iter().map(|threat| json!({
            "framework": threat.framework,
            "tactic": threat.tactic,
            "techniques": threat.technique.iter().map(|technique| json!({
                "id": technique.named.id,
                "name": technique.named.name,
                "reference": technique.named.reference,
                "subtechniques": technique.subtechnique,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "investigationFields": about.investigation_fields,
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn supported(rule: &Rule) -> Map<String, Value> {
    let mut properties = about(&rule.about);
    let mut set = |name: &str, value: Value| {
        properties.insert(name.into(), value);
    };
    set("query", rule.query.as_str().into());
    set("index", json!(rule.index));
    set("interval", rule.schedule.interval.to_string().into());
    set("from", rule.schedule.from.text().into());
    set("to", rule.schedule.to.text().into());
    set("maxSignals", rule.schedule.max_signals.into());
    if let Some(field) = &rule.timestamp_override {
        set("timestampOverride", field.as_str().into());
    }
    match &rule.kind {
        Kind::Query => {}
        Kind::NewTerms(terms) => {
            let start = terms.history_window_start.text();
            set("newTerms", json!({ "fields": terms.fields, "historyWindowStart": start }));
        }
        Kind::Threshold(threshold) => set("threshold", json!(threshold)),
    }
    let whole = rule.parameters();
    for (name, from) in [("suppression", "alert_suppression"), ("statedExceptions", "exceptions_list")] {
        if let Some(value) = whole.get(from) {
            set(name, value.clone());
        }
    }
    properties
}

/// The problems of a text: lines and columns count from 1, columns in UTF-16 code units, as editors count.
pub fn problems(source: &str, problems: &[Remark]) -> Vec<Value> {
    problems
        .iter()
        .map(|problem| {
            let (start, end) = match &problem.span {
                Some(span) => (place(source, span.start), place(source, span.end.max(span.start + 1))),
                None => {
                    let start = problem.position.map_or((1, 1), |at| (at.line, at.column));
                    (start, (start.0, start.1 + 1))
                }
            };
            let message = match problem.key.as_str() {
                "" => problem.message.clone(),
                key => format!("{key}: {}", problem.message),
            };
            json!({
                "message": message,
                "line": start.0, "column": start.1,
                "endLine": end.0, "endColumn": end.1,
            })
        })
        .collect()
}

/// Line and column of a byte.
fn place(source: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    let before = source.get(..at).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").encode_utf16().count() + 1;
    (line, column)
}

/// 400 with every place.
pub fn invalid(problems: &[Remark]) -> ArmError {
    let first = problems.first().map_or_else(String::new, |problem| format!(" {problem}"));
    let text = format!("The text is not a rule that can run.{first}");
    let error = ArmError::new(StatusCode::BAD_REQUEST, "InvalidRule", text);
    problems
        .iter()
        .take(TOLD)
        .fold(error, |error, problem| error.with_detail("InvalidRule", problem.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_as_editors_do() {
        let text = "a\nb😀c\n";
        assert_eq!(place(text, 0), (1, 1));
        assert_eq!(place(text, 2), (2, 1));
        assert_eq!(place(text, 7), (2, 4), "a character beyond the first plane is two units");
        assert_eq!(place(text, 5), (2, 2), "never within a character");
        assert_eq!(place(text, 99), (3, 1));
    }
}
