//! `hardline rule`, `hardline alert`: what is looked for in the activity log, and what was found.

use crate::args::OutputArgs;
use crate::clock;
use crate::detection_args::{AlertVerb, DetectionArgs, OneArgs, ReasonArgs, RuleVerb, Status};
use crate::error::Error;
use crate::output;
use crate::session::Session;
use hardline_arm::resource_id::ResourceId;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

const VERSION: &str = "api-version=2026-11-01";
const RULES: &str = "rules";
const ALERTS: &str = "alerts";
/// Longest rule file that is read, bytes.
const LONGEST: u64 = 4 << 20;
/// Files that are sent at once, and their bytes at most.
const BATCH: (usize, usize) = (500, 1 << 20);
const DAY: u64 = 24 * 3600;
/// What is said of a file that is no rule.
const BROKEN: &str = "broken";

/// `hardline rule …`.
pub async fn rule(verb: &RuleVerb) -> Result<(), Error> {
    match verb {
        RuleVerb::List(common) => list(common, RULES, "", brief_rule).await,
        RuleVerb::Show(one) => show(one, RULES, brief_rule).await,
        RuleVerb::Load { paths, disabled, common } => load(paths, !disabled, common).await,
        RuleVerb::Check { path, common } => {
            let (session, provider) = open(common).await?;
            let body = json!({ "source": read(path)? });
            let found = post(&session, &format!("{provider}/checkRule"), &body).await?;
            output::print(&common.output, &found, |found| {
                found.get("problems").cloned().unwrap_or_default()
            })?;
            match found.get("valid") {
                Some(Value::Bool(true)) => Ok(()),
                _ => Err(Error::Usage(format!("{} is not a rule that can run", path.display()))),
            }
        }
        RuleVerb::Try { rule, days, common } => {
            let (session, provider) = open(common).await?;
            let (to, back) = (clock::now(), u64::from(*days) * DAY);
            let (name, text) = match Path::new(rule).is_file() {
                true => ("source", read(Path::new(rule))?),
                false => ("rule", rule.clone()),
            };
            let body = json!({ name: text, "fromSecond": to.saturating_sub(back), "toSecond": to });
            let said = post(&session, &format!("{provider}/tryRule"), &body).await?;
            output::print(&common.output, &said, |said| said.get("samples").cloned().unwrap_or_default())?;
            let number = |name: &str| said.get(name).and_then(Value::as_u64).unwrap_or(0);
            let counted =
                |number: u64, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
            eprintln!(
                "{} in {} of {}.",
                counted(number("alerts"), "alert"),
                counted(number("events"), "event"),
                counted(u64::from(*days), "day")
            );
            Ok(())
        }
        RuleVerb::Enable(one) => turn(one, true).await,
        RuleVerb::Disable(one) => turn(one, false).await,
        RuleVerb::Delete(one) => {
            let (session, provider) = open(&one.common).await?;
            let path = item(&provider, RULES, &one.id)?;
            match session.http.delete(&format!("{path}?{VERSION}"), &session.token).await? {
                true => Ok(()),
                false => Err(Error::Usage(format!("there is no rule '{}' that somebody loaded", one.id))),
            }
        }
    }
}

/// `hardline alert …`.
pub async fn alert(verb: &AlertVerb) -> Result<(), Error> {
    match verb {
        AlertVerb::List { status, rule, severity, common } => {
            let terms = [
                status.map(|status| format!("status eq '{}'", word(status))),
                rule.as_ref().map(|rule| format!("rule eq '{}'", rule.replace('\'', "''"))),
                severity.as_ref().map(|severity| format!("severity eq '{}'", severity.replace('\'', "''"))),
            ];
            let terms: Vec<_> = terms.into_iter().flatten().collect();
            let filter = match terms.is_empty() {
                true => String::new(),
                false => format!("&$filter={}", utf8_percent_encode(&terms.join(" and "), NON_ALPHANUMERIC)),
            };
            list(common, ALERTS, &filter, brief_alert).await
        }
        AlertVerb::Show(one) => show(one, ALERTS, brief_alert).await,
        AlertVerb::Acknowledge(args) => set(args, Status::Acknowledged).await,
        AlertVerb::Close(args) => set(args, Status::Closed).await,
        AlertVerb::Reopen(args) => set(args, Status::Open).await,
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Acknowledged => "acknowledged",
        Status::Closed => "closed",
    }
}

async fn open(common: &DetectionArgs) -> Result<(Session, String), Error> {
    let session = Session::open(&common.scope).await?;
    let subscription = ResourceId::of_subscription(&session.subscription().await?);
    Ok((session, format!("{subscription}/providers/Hardline.Detection")))
}

fn item(provider: &str, collection: &str, id: &str) -> Result<String, Error> {
    let path = format!("{provider}/{collection}/{id}");
    match ResourceId::parse(&path) {
        Ok(parsed) if parsed.name() == id => Ok(parsed.to_string()),
        _ => Err(Error::Usage(format!("'{id}' cannot be an id"))),
    }
}

async fn post(session: &Session, path: &str, body: &Value) -> Result<Value, Error> {
    session.http.post_document(&format!("{path}?{VERSION}"), &session.token, body).await
}

async fn list(
    common: &DetectionArgs,
    collection: &str,
    filter: &str,
    brief: fn(&Value) -> Value,
) -> Result<(), Error> {
    let (session, provider) = open(common).await?;
    let items =
        session.http.list(&format!("{provider}/{collection}?{VERSION}{filter}"), &session.token).await?;
    print(&common.output, &Value::Array(items), brief)
}

async fn show(one: &OneArgs, collection: &str, brief: fn(&Value) -> Value) -> Result<(), Error> {
    let (session, provider) = open(&one.common).await?;
    let found = session.get(&format!("{}?{VERSION}", item(&provider, collection, &one.id)?)).await?;
    print(&one.common.output, &found, brief)
}

async fn patch(
    one: &OneArgs,
    collection: &str,
    properties: Value,
    brief: fn(&Value) -> Value,
) -> Result<(), Error> {
    let (session, provider) = open(&one.common).await?;
    let path = item(&provider, collection, &one.id)?;
    let body = json!({ "properties": properties });
    let after = session.http.patch_document(&format!("{path}?{VERSION}"), &session.token, &body).await?;
    print(&one.common.output, &after, brief)
}

async fn turn(one: &OneArgs, enabled: bool) -> Result<(), Error> {
    patch(one, RULES, json!({ "enabled": enabled }), brief_rule).await
}

async fn set(args: &ReasonArgs, status: Status) -> Result<(), Error> {
    let properties = json!({ "status": word(status), "reason": args.reason });
    patch(&args.one, ALERTS, properties, brief_alert).await
}

fn print(output: &OutputArgs, value: &Value, brief: fn(&Value) -> Value) -> Result<(), Error> {
    output::print(output, value, |value| match value {
        Value::Array(all) => all.iter().map(brief).collect(),
        one => brief(one),
    })
}

/// The columns of a table.
fn columns(value: &Value, names: &[(&str, &str)]) -> Value {
    let cell = |pointer: &str| value.pointer(pointer).cloned().unwrap_or_default();
    Value::Object(
        names.iter().map(|(name, pointer)| ((*name).to_owned(), cell(pointer))).collect::<Map<_, _>>(),
    )
}

fn brief_rule(rule: &Value) -> Value {
    columns(
        rule,
        &[
            ("Name", "/properties/displayName"),
            ("State", "/properties/state"),
            ("Type", "/properties/ruleType"),
            ("Severity", "/properties/severity"),
            ("LastRun", "/properties/lastRun/startedAt"),
            ("Id", "/name"),
        ],
    )
}

fn brief_alert(alert: &Value) -> Value {
    columns(
        alert,
        &[
            ("Time", "/properties/time"),
            ("Severity", "/properties/severity"),
            ("Status", "/properties/status"),
            ("Rule", "/properties/ruleName"),
            ("Who", "/properties/principal"),
            ("What", "/properties/resource"),
            ("Id", "/name"),
        ],
    )
}

fn brief_file(file: &Value) -> Value {
    let mut row = columns(file, &[("File", "/file"), ("Rule", "/displayName"), ("Outcome", "/outcome")]);
    let texts =
        |name: &str| file.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let reason = file.get("reason").and_then(Value::as_str).filter(|reason| !reason.is_empty());
    let said: Vec<_> = reason.into_iter().chain(texts("notes")).chain(texts("findings")).collect();
    if let Some(row) = row.as_object_mut() {
        row.insert("Reason".into(), said.join(" ").into());
    }
    row
}

/// Loads every rule file that the paths name; one that is not a rule stops no other.
async fn load(paths: &[PathBuf], enabled: bool, common: &DetectionArgs) -> Result<(), Error> {
    let mut files = Vec::new();
    for path in paths {
        gather(path, &mut files)?;
    }
    if files.is_empty() {
        return Err(Error::Usage("there are no files that end in .toml or .ndjson".into()));
    }
    let (session, provider) = open(common).await?;
    let (mut report, mut batch, mut bytes) = (Vec::new(), Vec::new(), 0);
    let total = files.len();
    for (number, path) in files.into_iter().enumerate() {
        let name = path.display().to_string();
        match read(&path) {
            Ok(content) => {
                bytes += content.len();
                batch.push(json!({ "name": name, "content": content }));
            }
            Err(why) => {
                report.push(json!({ "file": name, "outcome": BROKEN, "reason": why.to_string() }));
            }
        }
        let full = batch.len() >= BATCH.0 || bytes >= BATCH.1 || number + 1 == total;
        if full && !batch.is_empty() {
            let body = json!({ "files": std::mem::take(&mut batch), "enabled": enabled });
            let said = post(&session, &format!("{provider}/importRules"), &body).await?;
            bytes = 0;
            replaced(&mut report, said.get("rules").and_then(Value::as_array).map_or(&[], Vec::as_slice));
            eprintln!("{} of {total} files", number + 1);
        }
    }
    let broken = report.iter().filter(|r| r.get("outcome").is_some_and(|o| o == BROKEN)).count();
    print(&common.output, &Value::Array(report), brief_file)?;
    match broken {
        0 => Ok(()),
        1 => Err(Error::Usage("one file is no rule; the others were loaded".into())),
        n => Err(Error::Usage(format!("{n} files are no rules; the others were loaded"))),
    }
}

/// Takes up what a request gives. It knows nothing of those before: a rule whose id came there already has taken that one's place.
fn replaced(report: &mut Vec<Value>, more: &[Value]) {
    let there = |file: &Value| !["broken", "duplicate"].iter().any(|word| file["outcome"] == *word);
    for file in more.iter().filter(|file| there(file)) {
        for before in report.iter_mut().filter(|before| there(before) && before["ruleId"] == file["ruleId"]) {
            before["outcome"] = "duplicate".into();
            before["reason"] =
                format!("another rule has the same id: {}", file["file"].as_str().unwrap_or("")).into();
        }
    }
    report.extend_from_slice(more);
}

/// The rule files below a path, by name.
fn gather(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let failed = |e: std::io::Error| Error::Usage(format!("cannot read {}: {e}", path.display()));
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<_> = std::fs::read_dir(path)
        .and_then(|all| all.map(|entry| entry.map(|e| e.path())).collect())
        .map_err(failed)?;
    entries.sort();
    for entry in entries {
        let named = |end: &str| entry.extension().is_some_and(|e| e.eq_ignore_ascii_case(end));
        if entry.is_dir() && !entry.is_symlink() {
            gather(&entry, files)?;
        } else if named("toml") || named("ndjson") {
            files.push(entry);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Error> {
    let failed = |why: String| Error::Usage(format!("cannot read {}: {why}", path.display()));
    let length = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
    if length > LONGEST {
        return Err(failed(format!("it is longer than {LONGEST} bytes")));
    }
    std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_rules_with_one_id_in_two_requests_the_first_is_told_to_be_gone() {
        let file =
            |file: &str, id: &str, outcome: &str| json!({ "file": file, "ruleId": id, "outcome": outcome });
        let mut report = vec![file("a", "1", "running"), file("b", "2", "broken"), file("c", "3", "running")];
        replaced(
            &mut report,
            &[file("d", "1", "running"), file("e", "2", "disabled"), file("f", "3", "broken")],
        );
        let told: Vec<_> = report.iter().map(|file| file["outcome"].as_str().unwrap()).collect();
        assert_eq!(told, ["duplicate", "broken", "running", "running", "disabled", "broken"]);
        assert_eq!(report[0]["reason"], "another rule has the same id: d");
    }

    #[test]
    fn what_is_said_of_a_rule_stands_in_its_line() {
        let file = json!({ "file": "a", "reason": "", "notes": ["n."], "findings": ["Never."] });
        assert_eq!(brief_file(&file)["Reason"], "n. Never.");
    }
}
