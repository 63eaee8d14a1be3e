//! `tryRule`: what a rule would have said in the past.

use super::describe;
use super::rules::{LONGEST, too_long};
use crate::auth::Allowed;
use crate::detection::facts::facts;
use crate::detection::{TrialError, events, installed, try_rule};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::resources::find_subscription;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use hardline_detect::rule::{Entry, Outcome, Rule};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Alerts that are shown.
const SAMPLES: usize = 20;
/// How far back, seconds: a year and a day.
const FARTHEST: i64 = 367 * 24 * 3600;

/// `POST …/tryRule`, `{"rule": id | "source": text, "fromSecond": …, "toSecond": …}`: nothing is written.
pub async fn rule_try(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?.id;
    let body = document::object(body)?;
    let entry = wanted(cx, &subscription, &body).await?;
    let rule = supported(&entry)?;
    let past = (second(&body, "fromSecond")?, second(&body, "toSecond")?);
    let seconds = past.1.as_second().saturating_sub(past.0.as_second());
    if !(1..=FARTHEST).contains(&seconds) {
        let text = "it must be before 'toSecond', by at most a year.";
        return Err(ArmError::invalid_parameter("fromSecond", text));
    }
    let tried = try_rule(&cx.state, &subscription, rule, past).await.map_err(|error| match error {
        TrialError::Store(error) => store_error(error),
        TrialError::Engine(error) => ArmError::invalid_parameter("source", &format!("{error}.")),
    })?;
    let result = tried.result;
    let buckets = result.buckets.iter().map(|bucket| {
        json!({ "start": bucket.start.to_string(), "alerts": bucket.alerts, "matched": bucket.matched })
    });
    let mut samples = Vec::new();
    for sample in result.samples.iter().rev().take(SAMPLES) {
        // An event may be gone since.
        let event = events::get(&cx.state, &sample.event.1).await.map_err(store_error)?;
        let mut shown = event.map_or_else(Map::new, |event| facts(&event.body));
        shown.insert("originalTime".into(), sample.time.to_string().into());
        shown.insert("reason".into(), sample.reason.as_str().into());
        shown.insert("terms".into(), json!(sample.terms));
        samples.push(Value::Object(shown));
    }
    let answer = json!({
        "from": past.0.to_string(),
        "to": past.1.to_string(),
        "events": result.read,
        "matched": result.matched,
        "alerts": result.alerts,
        "suppressed": result.suppressed,
        "cutRuns": result.cut_runs,
        "lost": result.lost,
        "warnings": result.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "bucketSeconds": tried.bucket.as_secs(),
        "buckets": buckets.collect::<Vec<_>>(),
        "samples": samples,
    });
    cx.begin(allowed).await?.commit(ArmResponse::ok(answer)).await
}

async fn wanted(cx: &Cx, subscription: &str, body: &Map<String, Value>) -> Result<Arc<Entry>, ArmError> {
    match (body.get("source"), body.get("rule")) {
        (Some(Value::String(source)), None) if source.len() > LONGEST => Err(too_long()),
        (Some(Value::String(source)), None) => Ok(Arc::new(installed::entry(source))),
        (None, Some(Value::String(name))) => {
            let found = installed::get(&cx.state, subscription, name).await.map_err(store_error)?;
            let found = found.ok_or_else(|| ArmError::not_found(format!("There is no rule '{name}'.")))?;
            Ok(found.entry)
        }
        _ => Err(ArmError::invalid_parameter("rule", "either it or 'source' must be there, a text.")),
    }
}

fn supported(entry: &Entry) -> Result<&Rule, ArmError> {
    match &entry.outcome {
        Outcome::Rule(rule) => Ok(rule),
        Outcome::Broken(problems) => Err(describe::invalid(problems)),
        Outcome::Unsupported(rule) => {
            let reasons: Vec<_> = rule.reasons.iter().map(ToString::to_string).collect();
            let text = format!("it does not run here: {}.", reasons.join("; "));
            Err(ArmError::invalid_parameter("source", &text))
        }
        Outcome::Duplicate { .. } => {
            Err(ArmError::invalid_parameter("source", "it holds more than one rule."))
        }
    }
}

fn second(body: &Map<String, Value>, name: &str) -> Result<Timestamp, ArmError> {
    let second = body.get(name).and_then(Value::as_i64).and_then(|s| Timestamp::from_second(s).ok());
    second.ok_or_else(|| ArmError::invalid_parameter(name, "it must be a time, in seconds since 1970."))
}
