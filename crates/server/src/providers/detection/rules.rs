//! `Hardline.Detection/rules`: what is looked for in a subscription's activity log.

use super::describe;
use crate::auth::Allowed;
use crate::clock::micros;
use crate::detection::installed::{self, Installed};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::documents::{check_conditions, new_etag};
use crate::providers::resources::find_subscription;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use hardline_arm::models::paging::{cursor, next_link, page};
use hardline_detect::rule::Outcome;
use hardline_detect::rule::shipped::SHIPPED;
use hardline_store::Tx;
use hardline_store::db::detection_rules::{self, DetectionRule};
use hardline_store::db::detection_runs;
use http::StatusCode;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Longest text of a rule, bytes.
pub const LONGEST: usize = 1 << 20;
/// Most exceptions that a request may set.
const EXCEPTIONS: usize = 1000;
/// Rules of one page.
const PAGE: usize = 200;

/// `GET …/rules`: those that the product brings first.
pub async fn rule_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?.id;
    let all = installed::all(&cx.state, &subscription).await.map_err(store_error)?;
    let limit = i64::try_from(2 * installed::LIMIT).unwrap_or(i64::MAX);
    let runs = detection_runs::list(&cx.state.store, &subscription, limit).await.map_err(store_error)?;
    let runs: HashMap<_, _> = runs.into_iter().map(|run| (run.rule.clone(), run)).collect();
    let start = match cursor(&cx.query)? {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            ArmError::invalid_parameter("$skiptoken", "it is not one that this server gave out.")
        })?,
    };
    let size = cx.query.top()?.unwrap_or(PAGE).min(PAGE);
    let shown: Vec<_> = all
        .iter()
        .skip(start)
        .take(size)
        .map(|rule| {
            let run = runs.get(&rule.rule_id.to_lowercase());
            describe::rule(&cx.state.places, &subscription, rule, run, describe::Depth::Listed)
        })
        .collect();
    let end = start + shown.len();
    let more = end < all.len() && !shown.is_empty();
    let link = more.then(|| next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, &end.to_string()));
    Ok(cx.read(ArmResponse::ok(page(shown, link))))
}

/// `GET …/rules/{id}`.
pub async fn rule_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?.id;
    let rule = find(cx, allowed, &subscription).await?;
    Ok(cx.read(ArmResponse::ok(whole(cx, &subscription, &rule).await?)))
}

/// `PUT …/rules/{id}`, `{"properties": {"source": text, "enabled": bool}}`.
pub async fn rule_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?.id;
    let name = allowed.path.id.name();
    if installed::is_built_in(name) {
        return Err(ArmError::conflict(
            "The product brings this rule; its text cannot be changed. Enable or disable it, set exceptions (PATCH), or load a copy with an id of its own.",
        ));
    }
    let properties = properties(body)?;
    let Some(source) = properties.get("source").and_then(Value::as_str) else {
        return Err(ArmError::invalid_parameter("properties.source", "it must be the text of the rule."));
    };
    if source.len() > LONGEST {
        return Err(too_long());
    }
    let entry = installed::entry(source);
    match &entry.outcome {
        Outcome::Broken(problems) => return Err(describe::invalid(problems)),
        Outcome::Rule(_) | Outcome::Unsupported(_) | Outcome::Duplicate { .. } => {}
    }
    if !entry.rule_id.eq_ignore_ascii_case(name) {
        let text = format!("its rule_id is '{}', and the path names '{name}'.", entry.rule_id);
        return Err(ArmError::invalid_parameter("properties.source", &text));
    }
    let before = installed::get(&cx.state, &subscription, name).await.map_err(store_error)?;
    check_conditions(cx, before.as_ref().map(Installed::etag))?;
    let stated = matches!(&entry.outcome, Outcome::Rule(rule) if rule.enabled);
    let kept = before.as_ref().map_or(stated, |before| before.enabled);
    let enabled = flag(&properties, "enabled")?.unwrap_or(kept);
    let now = micros(cx.now);
    let row = DetectionRule {
        subscription: subscription.clone(),
        name: entry.rule_id.clone(),
        source: source.to_owned(),
        enabled,
        exceptions: before
            .as_ref()
            .and_then(|b| b.row.as_ref())
            .map_or("[]".into(), |row| row.exceptions.clone()),
        etag: new_etag(cx),
        created: now,
        updated: now,
    };
    let status = if before.is_none() { StatusCode::CREATED } else { StatusCode::OK };
    write(cx, allowed, &subscription, before.and_then(|b| b.row), row, status).await
}

/// `PATCH …/rules/{id}`, `{"properties": {"enabled": bool, "exceptions": […]}}`; of those that the product brings, too.
pub async fn rule_patch(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?.id;
    let properties = properties(body)?;
    let before = find(cx, allowed, &subscription).await?;
    check_conditions(cx, Some(before.etag()))?;
    let exceptions = match properties.get("exceptions") {
        None => before.row.as_ref().map_or("[]".into(), |row| row.exceptions.clone()),
        Some(Value::Array(items)) if items.len() <= EXCEPTIONS => {
            installed::check_exceptions(&before, items).map_err(|problems| describe::invalid(&problems))?;
            serde_json::to_string(items).map_err(ArmError::internal)?
        }
        Some(_) => {
            let text = format!("it must be a list of at most {EXCEPTIONS} exception items.");
            return Err(ArmError::invalid_parameter("properties.exceptions", &text));
        }
    };
    let enabled = flag(&properties, "enabled")?.unwrap_or(before.enabled);
    let now = micros(cx.now);
    let source = if before.built_in { String::new() } else { before.source.to_string() };
    let row = DetectionRule {
        subscription: subscription.clone(),
        name: before.rule_id.clone(),
        source,
        enabled,
        exceptions,
        etag: new_etag(cx),
        created: now,
        updated: now,
    };
    write(cx, allowed, &subscription, before.row, row, StatusCode::OK).await
}

/// `DELETE …/rules/{id}`: its alerts stay.
pub async fn rule_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?.id;
    let name = allowed.path.id.name();
    if installed::is_built_in(name) {
        return Err(ArmError::conflict(
            "The product brings this rule. Disable it instead (PATCH, 'enabled': false).",
        ));
    }
    let before = installed::get(&cx.state, &subscription, name).await.map_err(store_error)?;
    if let Some(before) = &before {
        check_conditions(cx, Some(before.etag()))?;
    }
    let mut change = cx.begin(allowed).await?;
    let there = detection_rules::delete(change.tx(), &subscription, name).await.map_err(store_error)?;
    detection_runs::forget(change.tx(), &subscription, name).await.map_err(store_error)?;
    let answer = if there { ArmResponse::empty(StatusCode::OK) } else { ArmResponse::no_content() };
    change.commit(answer).await
}

/// 409 when a subscription has more rules than it may, or longer ones; asked after they were written, before the commit.
pub(super) async fn check_room(tx: &mut Tx, subscription: &str) -> Result<(), ArmError> {
    let (rules, bytes) = detection_rules::size(tx, subscription).await.map_err(store_error)?;
    let more = |there: i64, limit: usize| usize::try_from(there).is_ok_and(|there| there > limit);
    // The product's own may have rows, too: whether they are on, and their exceptions.
    if !more(rules, installed::LIMIT + SHIPPED.len()) && !more(bytes, installed::ROOM) {
        return Ok(());
    }
    Err(ArmError::conflict(format!(
        "A subscription may have {} rules of its own, of {} MiB together; delete some that are not needed.",
        installed::LIMIT,
        installed::ROOM >> 20
    )))
}

pub(super) fn too_long() -> ArmError {
    let text = format!("it is longer than {LONGEST} bytes.");
    ArmError::invalid_parameter("properties.source", &text)
}

async fn write(
    cx: &Cx,
    allowed: &Allowed,
    subscription: &str,
    before: Option<DetectionRule>,
    row: DetectionRule,
    status: StatusCode,
) -> Result<Recorded, ArmError> {
    let mut change = cx.begin(allowed).await?;
    match &before {
        Some(before) => {
            detection_rules::update(change.tx(), &row, &before.etag).await.map_err(store_error)?
        }
        None => detection_rules::insert(change.tx(), &row).await.map_err(store_error)?,
    }
    check_room(change.tx(), subscription).await?;
    // Another text is another rule: what the old one remembers is not the new one's.
    if before.as_ref().is_some_and(|before| before.source != row.source) {
        detection_runs::forget(change.tx(), subscription, &row.name).await.map_err(store_error)?;
    }
    let after = installed::of(row);
    let run = detection_runs::get(change.tx(), subscription, &after.rule_id).await.map_err(store_error)?;
    let answer = describe::rule(&cx.state.places, subscription, &after, run.as_ref(), describe::Depth::Whole);
    let recorded = change.commit(ArmResponse::json(status, answer)).await?;
    cx.state.detection.wake();
    Ok(recorded)
}

async fn find(cx: &Cx, allowed: &Allowed, subscription: &str) -> Result<Installed, ArmError> {
    let id = &allowed.path.id;
    let found = installed::get(&cx.state, subscription, id.name()).await.map_err(store_error)?;
    found.ok_or_else(|| ArmError::resource_not_found(id))
}

async fn whole(cx: &Cx, subscription: &str, rule: &Installed) -> Result<Value, ArmError> {
    let run = detection_runs::get(&cx.state.store, subscription, &rule.rule_id).await.map_err(store_error)?;
    Ok(describe::rule(&cx.state.places, subscription, rule, run.as_ref(), describe::Depth::Whole))
}

fn properties(body: &Bytes) -> Result<Map<String, Value>, ArmError> {
    let mut body = document::object(body)?;
    match body.remove("properties") {
        Some(Value::Object(properties)) => Ok(properties),
        None | Some(Value::Null) => Ok(Map::new()),
        Some(_) => {
            Err(ArmError::invalid_content(&"'properties' must be an object").with_target("properties"))
        }
    }
}

pub(super) fn flag(properties: &Map<String, Value>, name: &str) -> Result<Option<bool>, ArmError> {
    match properties.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(ArmError::invalid_parameter(name, "it must be true or false.")),
    }
}
