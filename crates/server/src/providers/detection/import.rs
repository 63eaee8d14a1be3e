//! Rule files: what is wrong with one (`checkRule`), and many loaded at once (`importRules`).

use super::describe;
use super::rules::{LONGEST, check_room, flag, too_long};
use crate::auth::Allowed;
use crate::clock::micros;
use crate::detection::installed;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::documents::new_etag;
use crate::providers::resources::find_subscription;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use hardline_detect::rule::{Entry, File, Outcome, Rule, read};
use hardline_store::db::detection_rules::{self, DetectionRule};
use hardline_store::db::detection_runs;
use serde_json::{Value, json};

/// Most files of one request.
const FILES: usize = 500;

/// `POST …/checkRule`, `{"source": text}`.
pub async fn rule_check(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    find_subscription(cx, &allowed.path.id).await?;
    let body = document::object(body)?;
    let Some(source) = body.get("source").and_then(Value::as_str) else {
        return Err(ArmError::invalid_parameter("source", "it must be the text of the rule."));
    };
    if source.len() > LONGEST {
        return Err(too_long());
    }
    let entry = installed::entry(source);
    let shown = describe::entry(&entry, &cx.state.places);
    let problems = match &entry.outcome {
        Outcome::Broken(problems) => describe::problems(source, problems),
        _ => Vec::new(),
    };
    let member = |name: &str| shown.get(name).cloned().unwrap_or_else(|| json!([]));
    let unsupported = matches!(entry.outcome, Outcome::Unsupported(_));
    Ok(cx.read(ArmResponse::ok(json!({
        "valid": matches!(entry.outcome, Outcome::Rule(_)),
        "ruleId": entry.rule_id,
        "problems": problems,
        "reasons": if unsupported { member("reasons") } else { json!([]) },
        "notes": member("notes"),
        "findings": member("findings"),
        "rule": if problems.is_empty() { Value::Object(shown) } else { Value::Null },
    }))))
}

/// `POST …/importRules`, `{"files": [{"name", "content"}], "enabled": bool}`: one that is no rule stops no other. A rule that
/// is there already gets the new text, and is on or off as before.
pub async fn rule_import(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?.id;
    let body = document::object(body)?;
    let wanted = flag(&body, "enabled")?;
    let files = files(body.get("files"))?;
    let report =
        read(&files.iter().map(|(name, text)| File { name, bytes: text.as_bytes() }).collect::<Vec<_>>());
    let there = installed::all(&cx.state, &subscription).await.map_err(store_error)?;
    let before = |id: &str| there.iter().find(|rule| rule.rule_id.eq_ignore_ascii_case(id));
    let mut rows = Vec::new();
    let mut shown = Vec::new();
    for entry in &report.entries {
        let (mut outcome, reason, source) = judge(entry, &files);
        let known = Some(entry.rule_id.as_str()).filter(|id| !id.is_empty()).and_then(before);
        if known.is_some_and(|rule| rule.built_in) {
            shown.push(said(cx, entry, "duplicate", "the product brings a rule with this id"));
            continue;
        }
        let stated = matches!(&entry.outcome, Outcome::Rule(rule) if rule.enabled);
        let enabled = wanted.or(known.map(|rule| rule.enabled)).unwrap_or(stated);
        if outcome == "running" && !enabled {
            outcome = "disabled";
        }
        shown.push(said(cx, entry, outcome, &reason));
        let Some(source) = source else { continue };
        let row = known.and_then(|rule| rule.row.clone());
        rows.push((
            DetectionRule {
                subscription: subscription.clone(),
                name: entry.rule_id.clone(),
                source,
                enabled,
                exceptions: row.as_ref().map_or("[]".into(), |row| row.exceptions.clone()),
                etag: new_etag(cx),
                created: micros(cx.now),
                updated: micros(cx.now),
            },
            row,
        ));
    }
    let mut change = cx.begin(allowed).await?;
    for (row, before) in &rows {
        match before {
            Some(before) => {
                detection_rules::update(change.tx(), row, &before.etag).await.map_err(store_error)?
            }
            None => detection_rules::insert(change.tx(), row).await.map_err(store_error)?,
        }
        if before.as_ref().is_some_and(|before| before.source != row.source) {
            detection_runs::forget(change.tx(), &subscription, &row.name).await.map_err(store_error)?;
        }
    }
    check_room(change.tx(), &subscription).await?;
    let recorded = change.commit(ArmResponse::ok(json!({ "rules": shown }))).await?;
    cx.state.detection.wake();
    Ok(recorded)
}

fn files(value: Option<&Value>) -> Result<Vec<(String, String)>, ArmError> {
    let list = value.and_then(Value::as_array).filter(|list| (1..=FILES).contains(&list.len()));
    let wrong = || {
        let text = format!("it must be a list of 1 to {FILES} files, each with 'name' and 'content'.");
        ArmError::invalid_parameter("files", &text)
    };
    let member = |file: &Value, name: &str| file.get(name).and_then(Value::as_str).map(str::to_owned);
    list.ok_or_else(wrong)?
        .iter()
        .map(|file| member(file, "name").zip(member(file, "content")).ok_or_else(wrong))
        .collect()
}

/// What becomes of an entry: the word (of a rule that is on), the reason, the text to keep.
fn judge(entry: &Entry, files: &[(String, String)]) -> (&'static str, String, Option<String>) {
    match &entry.outcome {
        Outcome::Rule(rule) => match text(entry, files, Some(rule)) {
            Ok(source) => ("running", String::new(), Some(source)),
            Err(why) => ("broken", why, None),
        },
        Outcome::Unsupported(rule) => {
            let reasons: Vec<_> = rule.reasons.iter().map(ToString::to_string).collect();
            match text(entry, files, None) {
                Ok(source) => ("unsupported", reasons.join("; "), Some(source)),
                Err(why) => ("broken", why, None),
            }
        }
        Outcome::Broken(problems) => {
            ("broken", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "), None)
        }
        Outcome::Duplicate { of } => ("duplicate", format!("another rule has the same id: {of}"), None),
    }
}

/// The text that is kept: the file's own, or for a rule of an export the rule as TOML, with the exceptions that the export has.
fn text(entry: &Entry, files: &[(String, String)], rule: Option<&Rule>) -> Result<String, String> {
    let file = files.iter().find(|(name, _)| *name == entry.file).map_or("", |(_, text)| text.as_str());
    let source = match (entry.line, rule) {
        (None, _) => file.to_owned(),
        (Some(_), Some(rule)) => rule.to_toml().map_err(|error| error.to_string())?,
        (Some(line), None) => file.split('\n').nth(line.saturating_sub(1)).unwrap_or("").to_owned(),
    };
    if source.len() > LONGEST { Err(format!("it is longer than {LONGEST} bytes")) } else { Ok(source) }
}

fn said(cx: &Cx, entry: &Entry, outcome: &str, reason: &str) -> Value {
    json!({
        "file": entry.file,
        "line": entry.line,
        "ruleId": entry.rule_id,
        "displayName": entry.name,
        "outcome": outcome,
        "reason": reason,
        "notes": entry.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "findings": describe::findings(entry, &cx.state.places),
    })
}
