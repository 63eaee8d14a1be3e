//! Detection rules of a subscription: those that somebody loaded, and what somebody changed of those that the product brings.

use super::sql::{Select, number, text};
use crate::db::{Reader, Tx};
use crate::error::{Result, StoreError};
use sqlx::any::AnyRow;

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectionRule {
    /// The subscription's id; kept in lower case.
    pub subscription: String,
    /// The rule's id, as it came; compared in any case.
    pub name: String,
    /// The rule file's text; empty for one that the product brings.
    pub source: String,
    /// Whether it runs.
    pub enabled: bool,
    /// What is excepted: a JSON array of exception items.
    pub exceptions: String,
    /// Changes with every write.
    pub etag: String,
    /// When it was written first, microseconds.
    pub created: i64,
    /// When it was written last.
    pub updated: i64,
}

const START: &str = "SELECT subscription_key, name, source, enabled, exceptions, etag, created, updated FROM detection_rules WHERE 1 = 1";

/// Writes a rule where none is.
///
/// # Errors
/// [`StoreError::Conflict`] when there is one.
pub async fn insert(tx: &mut Tx, rule: &DetectionRule) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO detection_rules (subscription_key, rule_key, name, source, enabled, exceptions, etag, created, updated) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (subscription_key, rule_key) DO NOTHING",
    )
    .bind(rule.subscription.to_ascii_lowercase())
    .bind(rule.name.to_lowercase())
    .bind(rule.name.as_str())
    .bind(rule.source.as_str())
    .bind(i64::from(rule.enabled))
    .bind(rule.exceptions.as_str())
    .bind(rule.etag.as_str())
    .bind(rule.created)
    .bind(rule.updated);
    one(tx.run(statement).await?)
}

/// Writes a rule over the one with the etag `before`.
///
/// # Errors
/// [`StoreError::Conflict`] when it is another one by now, or gone.
pub async fn update(tx: &mut Tx, rule: &DetectionRule, before: &str) -> Result<()> {
    let statement = sqlx::query(
        "UPDATE detection_rules SET source = $4, enabled = $5, exceptions = $6, etag = $7, updated = $8 \
         WHERE subscription_key = $1 AND rule_key = $2 AND etag = $3",
    )
    .bind(rule.subscription.to_ascii_lowercase())
    .bind(rule.name.to_lowercase())
    .bind(before)
    .bind(rule.source.as_str())
    .bind(i64::from(rule.enabled))
    .bind(rule.exceptions.as_str())
    .bind(rule.etag.as_str())
    .bind(rule.updated);
    one(tx.run(statement).await?)
}

/// Removes a rule; whether there was one.
pub async fn delete(tx: &mut Tx, subscription: &str, name: &str) -> Result<bool> {
    let statement = sqlx::query("DELETE FROM detection_rules WHERE subscription_key = $1 AND rule_key = $2")
        .bind(subscription.to_ascii_lowercase())
        .bind(name.to_lowercase());
    Ok(tx.run(statement).await? == 1)
}

/// One rule.
pub async fn get<'a>(
    from: impl Into<Reader<'a>>,
    subscription: &str,
    name: &str,
) -> Result<Option<DetectionRule>> {
    let mut select = Select::new(START);
    select.and("subscription_key = ?", &subscription.to_ascii_lowercase());
    select.and("rule_key = ?", &name.to_lowercase());
    from.into().optional(select.finish("", 1)).await?.as_ref().map(read).transpose()
}

/// Up to `limit` rules of a subscription, by their ids.
pub async fn list<'a>(
    from: impl Into<Reader<'a>>,
    subscription: &str,
    limit: i64,
) -> Result<Vec<DetectionRule>> {
    let mut select = Select::new(START);
    select.and("subscription_key = ?", &subscription.to_ascii_lowercase());
    from.into().all(select.finish("ORDER BY rule_key", limit)).await?.iter().map(read).collect()
}

/// How many rules a subscription has, and how many bytes (SQLite: characters) their texts and exceptions have together.
pub async fn size<'a>(from: impl Into<Reader<'a>>, subscription: &str) -> Result<(i64, i64)> {
    let statement = sqlx::query(
        "SELECT count(*) AS rules, CAST(coalesce(sum(length(source) + length(exceptions)), 0) AS BIGINT) AS bytes \
         FROM detection_rules WHERE subscription_key = $1",
    )
    .bind(subscription.to_ascii_lowercase());
    let row = from.into().one(statement).await?;
    Ok((number(&row, "rules")?, number(&row, "bytes")?))
}

fn one(changed: u64) -> Result<()> {
    if changed == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

fn read(row: &AnyRow) -> Result<DetectionRule> {
    Ok(DetectionRule {
        subscription: text(row, "subscription_key")?,
        name: text(row, "name")?,
        source: text(row, "source")?,
        enabled: number(row, "enabled")? != 0,
        exceptions: text(row, "exceptions")?,
        etag: text(row, "etag")?,
        created: number(row, "created")?,
        updated: number(row, "updated")?,
    })
}
