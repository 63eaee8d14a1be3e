//! Alerts of detection rules. An alert's id says what it is about: writing it twice is writing it once.

use super::sql::{Select, number, text};
use crate::db::{Db, Reader, Tx};
use crate::error::{Result, StoreError};
use sqlx::any::AnyRow;
use std::collections::{HashMap, HashSet};

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The subscription's id; kept in lower case.
    pub subscription: String,
    /// The alert's id.
    pub id: String,
    /// The rule's id, kept in lower case.
    pub rule: String,
    /// What it is suppressed by: alerts of one rule with the same instance are one; may be empty.
    pub instance: String,
    /// When it was raised, microseconds.
    pub time: i64,
    /// `low`, `medium`, `high`, `critical`.
    pub severity: String,
    /// `open`, `acknowledged`, `closed`.
    pub status: String,
    /// Its document: JSON.
    pub body: String,
    /// When it was changed last, microseconds.
    pub updated: i64,
}

/// Which alerts are wanted. Empty fields do not filter.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// A rule's id.
    pub rule: Option<String>,
    /// A status.
    pub status: Option<String>,
    /// A severity.
    pub severity: Option<String>,
    /// From this time on, microseconds.
    pub from: Option<i64>,
    /// Up to this time, inclusive.
    pub to: Option<i64>,
    /// Only alerts older than this place (time, id): where the page before ended.
    pub before: Option<(i64, String)>,
}

const START: &str = "SELECT subscription_key, id, rule_key, instance, time, severity, status, body, updated FROM alerts WHERE 1 = 1";

/// Writes an alert; false when it was there already.
pub async fn insert(tx: &mut Tx, alert: &Alert) -> Result<bool> {
    let statement = sqlx::query(
        "INSERT INTO alerts (subscription_key, id, rule_key, instance, time, severity, status, body, updated) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (subscription_key, id) DO NOTHING",
    )
    .bind(alert.subscription.to_ascii_lowercase())
    .bind(alert.id.as_str())
    .bind(alert.rule.to_lowercase())
    .bind(alert.instance.as_str())
    .bind(alert.time)
    .bind(alert.severity.as_str())
    .bind(alert.status.as_str())
    .bind(alert.body.as_str())
    .bind(alert.updated);
    Ok(tx.run(statement).await? == 1)
}

/// Changes status and document of an alert that nobody has changed since `before`, microseconds.
///
/// # Errors
/// [`StoreError::Conflict`] when somebody has, or it is gone.
pub async fn update(tx: &mut Tx, alert: &Alert, before: i64) -> Result<()> {
    let statement = sqlx::query(
        "UPDATE alerts SET status = $4, body = $5, updated = $6 WHERE subscription_key = $1 AND id = $2 AND updated = $3",
    )
    .bind(alert.subscription.to_ascii_lowercase())
    .bind(alert.id.as_str())
    .bind(before)
    .bind(alert.status.as_str())
    .bind(alert.body.as_str())
    .bind(alert.updated);
    if tx.run(statement).await? == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

/// One alert.
pub async fn get<'a>(from: impl Into<Reader<'a>>, subscription: &str, id: &str) -> Result<Option<Alert>> {
    let mut select = Select::new(START);
    select.and("subscription_key = ?", &subscription.to_ascii_lowercase());
    select.and("id = ?", id);
    from.into().optional(select.finish("", 1)).await?.as_ref().map(read).transpose()
}

/// Up to `limit` alerts that match, newest first.
pub async fn list<'a>(
    from: impl Into<Reader<'a>>,
    subscription: &str,
    filter: &AlertFilter,
    limit: i64,
) -> Result<Vec<Alert>> {
    let mut select = Select::new(START);
    select.and("subscription_key = ?", &subscription.to_ascii_lowercase());
    if let Some(rule) = &filter.rule {
        select.and("rule_key = ?", &rule.to_lowercase());
    }
    if let Some(status) = &filter.status {
        select.and("status = ?", &status.to_ascii_lowercase());
    }
    if let Some(severity) = &filter.severity {
        select.and("severity = ?", &severity.to_ascii_lowercase());
    }
    if let Some(from) = filter.from {
        select.and_number("time >= ?", from);
    }
    if let Some(to) = filter.to {
        select.and_number("time <= ?", to);
    }
    if let Some((time, id)) = &filter.before {
        select.and_number("(time < ?", *time);
        select.or_same_time_below(*time, id);
    }
    from.into().all(select.finish("ORDER BY time DESC, id DESC", limit)).await?.iter().map(read).collect()
}

/// Values that are asked for at once.
const ASKED: usize = 500;

/// Those of the ids that are alerts.
pub async fn known(db: &Db, subscription: &str, ids: &[String]) -> Result<HashSet<String>> {
    let mut known = HashSet::new();
    for part in ids.chunks(ASKED) {
        let mut select = Select::new("SELECT id FROM alerts WHERE 1 = 1");
        select.and("subscription_key = ?", &subscription.to_ascii_lowercase());
        select.and_one_of("id", part);
        for row in Reader::from(db).all(select.finish("", LIMIT)).await? {
            known.insert(text(&row, "id")?);
        }
    }
    Ok(known)
}

/// Of each of a rule's instances the alert that was raised last, by the instance.
pub async fn latest(
    db: &Db,
    subscription: &str,
    rule: &str,
    instances: &[String],
) -> Result<HashMap<String, Alert>> {
    let mut latest = HashMap::new();
    for part in instances.chunks(ASKED) {
        let mut select = Select::new(LATEST);
        select.and("subscription_key = ?", &subscription.to_ascii_lowercase());
        select.and("rule_key = ?", &rule.to_lowercase());
        select.and_one_of("instance", part);
        for row in Reader::from(db).all(select.finish("ORDER BY time, id", LIMIT)).await? {
            let alert = read(&row)?;
            latest.insert(alert.instance.clone(), alert);
        }
    }
    Ok(latest)
}

/// The alerts of which there is no later one of the same instance.
const LATEST: &str = "SELECT subscription_key, id, rule_key, instance, time, severity, status, body, updated FROM alerts \
     WHERE time = (SELECT max(other.time) FROM alerts AS other WHERE other.subscription_key = alerts.subscription_key \
     AND other.rule_key = alerts.rule_key AND other.instance = alerts.instance)";
/// More rows than one question can have: several alerts may be of one moment.
const LIMIT: i64 = i64::MAX;

fn read(row: &AnyRow) -> Result<Alert> {
    Ok(Alert {
        subscription: text(row, "subscription_key")?,
        id: text(row, "id")?,
        rule: text(row, "rule_key")?,
        instance: text(row, "instance")?,
        time: number(row, "time")?,
        severity: text(row, "severity")?,
        status: text(row, "status")?,
        body: text(row, "body")?,
        updated: number(row, "updated")?,
    })
}
