//! Webhooks of alerts that have not been taken yet.

use super::sql::{Select, number, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::AssertSqlSafe;

/// A delivery that is outstanding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertDelivery {
    /// Its own id; the receiver sees the same one each time.
    pub id: String,
    /// The subscription's id; kept in lower case.
    pub subscription: String,
    /// The alert's id.
    pub alert: String,
    /// The name of the webhook.
    pub action: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, microseconds.
    pub due: i64,
    /// Why the last attempt failed.
    pub error: String,
}

/// Writes a delivery; one that is there stays.
pub async fn insert(tx: &mut Tx, delivery: &AlertDelivery) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO alert_deliveries (id, subscription_key, alert, action, attempts, due, error) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
    )
    .bind(delivery.id.as_str())
    .bind(delivery.subscription.to_ascii_lowercase())
    .bind(delivery.alert.as_str())
    .bind(delivery.action.as_str())
    .bind(delivery.attempts)
    .bind(delivery.due)
    .bind(delivery.error.as_str());
    tx.run(statement).await.map(|_| ())
}

/// Up to `limit` deliveries of a webhook that are due, the oldest first; nobody else gets them before `again`.
pub async fn take(tx: &mut Tx, action: &str, now: i64, again: i64, limit: i64) -> Result<Vec<AlertDelivery>> {
    let mut select = Select::new(
        "SELECT id, subscription_key, alert, action, attempts, due, error FROM alert_deliveries WHERE 1 = 1",
    );
    select.and("action = ?", action);
    select.and_number("due <= ?", now);
    let rows = Reader::from(&mut *tx).all(select.finish("ORDER BY due, id", limit)).await?;
    let mut taken = Vec::new();
    for row in &rows {
        let delivery = AlertDelivery {
            id: text(row, "id")?,
            subscription: text(row, "subscription_key")?,
            alert: text(row, "alert")?,
            action: text(row, "action")?,
            attempts: number(row, "attempts")?,
            due: number(row, "due")?,
            error: text(row, "error")?,
        };
        // Another server may have taken it since it was read.
        let claim = sqlx::query("UPDATE alert_deliveries SET due = $3 WHERE id = $1 AND due = $2")
            .bind(delivery.id.as_str())
            .bind(delivery.due)
            .bind(again);
        if tx.run(claim).await? == 1 {
            taken.push(delivery);
        }
    }
    Ok(taken)
}

/// Writes that an attempt failed, and when the next one is due.
pub async fn failed(tx: &mut Tx, id: &str, due: i64, error: &str) -> Result<()> {
    let statement = sqlx::query(
        "UPDATE alert_deliveries SET attempts = attempts + 1, due = $2, error = $3 WHERE id = $1",
    )
    .bind(id)
    .bind(due)
    .bind(error);
    tx.run(statement).await.map(|_| ())
}

/// Removes a delivery: it was taken, or given up.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    tx.run(sqlx::query("DELETE FROM alert_deliveries WHERE id = $1").bind(id)).await.map(|_| ())
}

/// How many alerts of a subscription each webhook has still to take.
pub async fn outstanding<'a>(from: impl Into<Reader<'a>>, subscription: &str) -> Result<Vec<(String, i64)>> {
    let statement = sqlx::query(
        "SELECT action, COUNT(*) AS alerts FROM alert_deliveries WHERE subscription_key = $1 GROUP BY action ORDER BY action",
    )
    .bind(subscription.to_ascii_lowercase());
    let rows = from.into().all(statement).await?;
    rows.iter().map(|row| Ok((text(row, "action")?, number(row, "alerts")?))).collect()
}

/// Removes what is outstanding of webhooks that are none of these.
pub async fn keep(tx: &mut Tx, actions: &[String]) -> Result<u64> {
    let places: Vec<_> = (1..=actions.len()).map(|place| format!("${place}")).collect();
    let sql = match actions {
        [] => "DELETE FROM alert_deliveries".to_owned(),
        _ => format!("DELETE FROM alert_deliveries WHERE action NOT IN ({})", places.join(", ")),
    };
    let statement =
        actions.iter().fold(sqlx::query(AssertSqlSafe(sql)), |statement, name| statement.bind(name));
    tx.run(statement).await
}
