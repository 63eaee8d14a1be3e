//! `Hardline.Detection/alerts`: what the rules of a subscription found, newest first, and what became of it.

use crate::auth::Allowed;
use crate::clock::{from_micros, micros};
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::resources::find_subscription;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::filter::{self, Op, Term};
use hardline_arm::models::document;
use hardline_arm::models::paging::{cursor, next_link, page};
use hardline_store::db::alerts::{self, Alert, AlertFilter};
use serde_json::{Map, Value, json};

/// The type.
const TYPE: &str = "Hardline.Detection/alerts";
/// Alerts of one page.
const PAGE: usize = 100;
/// Longest reason, characters.
const LONGEST_REASON: usize = 2000;
/// Most entries of a history; the oldest go.
const LONGEST_HISTORY: usize = 100;
/// Where an alert's document says how it stands.
const WORKFLOW: &str = "kibana.alert.workflow_status";

/// What is kept of an alert, as JSON in the store.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// What lists show.
    pub summary: Map<String, Value>,
    /// Who changed its status, when, and why.
    #[serde(default)]
    pub history: Vec<Value>,
    /// The alert's document: the event's fields and `kibana.alert.*`.
    pub document: Value,
}

/// `GET …/alerts`.
pub async fn alert_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?;
    let mut wanted = parse(cx.query.filter())?;
    wanted.before = cursor(&cx.query)?.map(|text| place(&text)).transpose()?;
    let size = cx.query.top()?.unwrap_or(PAGE).min(PAGE);
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let mut rows =
        alerts::list(&cx.state.store, &subscription.id, &wanted, limit).await.map_err(store_error)?;
    let more = rows.len() > size;
    rows.truncate(size);
    let link = rows.last().filter(|_| more).map(|last| {
        let cursor = format!("{}:{}", last.time, last.id);
        next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, &cursor)
    });
    let shown = rows.iter().map(|row| described(&subscription.id, row, false)).collect::<Result<_, _>>()?;
    Ok(cx.read(ArmResponse::ok(page(shown, link))))
}

/// `GET …/alerts/{id}`.
pub async fn alert_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let (subscription, row) = find(cx, allowed).await?;
    Ok(cx.read(ArmResponse::ok(described(&subscription, &row, true)?)))
}

/// `PATCH …/alerts/{id}`, `{"properties": {"status": "open" | "acknowledged" | "closed", "reason": text}}`.
pub async fn alert_patch(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let (subscription, row) = find(cx, allowed).await?;
    let body = document::object(body)?;
    let properties = body.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let status = properties.get("status").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let status = status.filter(|word| ["open", "acknowledged", "closed"].contains(&word.as_str()));
    let status = status.ok_or_else(|| {
        ArmError::invalid_parameter("properties.status", "it must be 'open', 'acknowledged' or 'closed'.")
    })?;
    let reason = match properties.get("reason") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.chars().count() <= LONGEST_REASON => Some(text.as_str()),
        Some(_) => {
            let text = format!("it must be a text of at most {LONGEST_REASON} characters.");
            return Err(ArmError::invalid_parameter("properties.reason", &text));
        }
    };
    if cx.facts.if_match.as_deref().is_some_and(|tag| tag != "*" && tag.trim_matches('"') != etag(&row)) {
        return Err(ArmError::precondition_failed());
    }
    let mut kept = read(&row)?;
    kept.history.push(json!({
        "status": status,
        "by": allowed.caller.label(),
        "at": cx.now.to_string(),
        "reason": reason,
    }));
    let too_many = kept.history.len().saturating_sub(LONGEST_HISTORY);
    kept.history.drain(..too_many);
    if let Some(members) = kept.document.as_object_mut() {
        members.insert(WORKFLOW.into(), status.as_str().into());
    }
    let before = row.updated;
    let after = Alert {
        status,
        body: serde_json::to_string(&kept).map_err(ArmError::internal)?,
        // Two changes in one microsecond are two changes.
        updated: micros(cx.now).max(before + 1),
        ..row
    };
    let mut change = cx.begin(allowed).await?;
    alerts::update(change.tx(), &after, before).await.map_err(store_error)?;
    change.commit(ArmResponse::ok(described(&subscription, &after, true)?)).await
}

async fn find(cx: &Cx, allowed: &Allowed) -> Result<(String, Alert), ArmError> {
    let id = &allowed.path.id;
    let subscription = find_subscription(cx, id).await?;
    let row = alerts::get(&cx.state.store, &subscription.id, id.name()).await.map_err(store_error)?;
    row.map(|row| (subscription.id, row)).ok_or_else(|| ArmError::resource_not_found(id))
}

fn read(row: &Alert) -> Result<Kept, ArmError> {
    serde_json::from_str(&row.body).map_err(ArmError::internal)
}

fn etag(row: &Alert) -> String {
    format!("{:x}", row.updated)
}

/// An alert as it is shown; `whole` with the event behind it.
fn described(subscription: &str, row: &Alert, whole: bool) -> Result<Value, ArmError> {
    let Kept { summary: mut properties, history, document } = read(row)?;
    properties.insert("time".into(), from_micros(row.time).to_string().into());
    properties.insert("status".into(), row.status.as_str().into());
    properties.insert("severity".into(), row.severity.as_str().into());
    properties.insert("history".into(), history.into());
    if whole {
        properties.insert("document".into(), document);
    }
    Ok(json!({
        "id": format!("/subscriptions/{subscription}/providers/{TYPE}/{}", row.id),
        "name": row.id,
        "type": TYPE,
        "etag": etag(row),
        "properties": properties,
    }))
}

/// Where the page before ended: `{microseconds}:{id}`.
fn place(text: &str) -> Result<(i64, String), ArmError> {
    let parts = text.split_once(':').and_then(|(time, id)| Some((time.parse().ok()?, id.to_owned())));
    parts.ok_or_else(|| ArmError::invalid_parameter("$skiptoken", "it is not one that this server gave out."))
}

fn parse(text: Option<&str>) -> Result<AlertFilter, ArmError> {
    let mut wanted = AlertFilter::default();
    for term in text.map(filter::parse).transpose()?.unwrap_or_default() {
        let Term::Compare { name, op, value } = term else {
            return Err(ArmError::invalid_filter("calls are not supported here"));
        };
        match (name.to_ascii_lowercase().as_str(), op) {
            ("time", op) => {
                let time = filter::time(&value).map(micros);
                let time =
                    time.ok_or_else(|| ArmError::invalid_filter(&format!("'{value}' is not a time")))?;
                match op {
                    Op::Ge => wanted.from = Some(time),
                    Op::Gt => wanted.from = Some(time.saturating_add(1)),
                    Op::Le => wanted.to = Some(time),
                    Op::Lt => wanted.to = Some(time.saturating_sub(1)),
                    Op::Eq => (wanted.from, wanted.to) = (Some(time), Some(time)),
                    Op::Ne => return Err(ArmError::invalid_filter("'time' cannot be compared by 'ne'")),
                }
            }
            ("status", Op::Eq) => wanted.status = Some(value),
            ("severity", Op::Eq) => wanted.severity = Some(value),
            ("rule", Op::Eq) => wanted.rule = Some(value),
            ("status" | "severity" | "rule", _) => {
                return Err(ArmError::invalid_filter(&format!("'{name}' can only be compared by 'eq'")));
            }
            _ => {
                return Err(ArmError::invalid_filter(&format!(
                    "'{name}' is not a property that can be filtered by; 'status', 'severity', 'rule' and 'time' are"
                )));
            }
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_asked() {
        let filter = parse(Some(
            "status eq 'open' and severity eq 'high' and rule eq 'a-1' and time ge 2026-11-22T00:00:00Z and time lt 2026-11-23T00:00:00Z",
        ))
        .unwrap();
        assert_eq!(
            (filter.status.as_deref(), filter.severity.as_deref(), filter.rule.as_deref()),
            (Some("open"), Some("high"), Some("a-1"))
        );
        assert_eq!(filter.to.unwrap() - filter.from.unwrap(), 24 * 3600 * 1_000_000 - 1);
        for text in
            ["status ne 'open'", "who eq 'ann'", "time ge noon", "time ne 2026-11-22T00:00:00Z", "atScope()"]
        {
            assert_eq!(parse(Some(text)).unwrap_err().code, "InvalidFilterInQueryString", "{text}");
        }
    }
}
