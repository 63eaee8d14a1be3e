//! How far each detection rule came. Several servers may look for work at once; a run counts for the one that raises the
//! generation, together with the alerts of that run.

use super::sql::{Select, number, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// The place of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectionRun {
    /// The subscription's id; kept in lower case.
    pub subscription: String,
    /// The rule's id, kept in lower case.
    pub rule: String,
    /// How many runs there were.
    pub generation: i64,
    /// When the last one began, microseconds; 0 before the first.
    pub started: i64,
    /// When the next one is due, microseconds.
    pub due: i64,
    /// What the engine keeps from run to run: JSON.
    pub state: String,
    /// What the last run did: JSON.
    pub report: String,
}

const START: &str = "SELECT subscription_key, rule_key, generation, started, due, state, report FROM detection_runs WHERE 1 = 1";

/// Takes the work on a rule until `leased`; none when it is not due, or somebody else has it. A rule without a place gets one.
/// What is due after `far` was written by a clock that has gone back since: it is due.
pub async fn lease(
    tx: &mut Tx,
    subscription: &str,
    rule: &str,
    now: i64,
    leased: i64,
    far: i64,
) -> Result<Option<DetectionRun>> {
    let (subscription, rule) = (subscription.to_ascii_lowercase(), rule.to_lowercase());
    let first = sqlx::query(
        "INSERT INTO detection_runs (subscription_key, rule_key, generation, started, due, leased, state, report) \
         VALUES ($1, $2, 0, 0, 0, 0, '', '') ON CONFLICT (subscription_key, rule_key) DO NOTHING",
    )
    .bind(subscription.as_str())
    .bind(rule.as_str());
    tx.run(first).await?;
    let take = sqlx::query(
        "UPDATE detection_runs SET leased = $4 WHERE subscription_key = $1 AND rule_key = $2 \
         AND (due <= $3 OR due > $5) AND (leased <= $3 OR leased > $4)",
    )
    .bind(subscription.as_str())
    .bind(rule.as_str())
    .bind(now)
    .bind(leased)
    .bind(far);
    match tx.run(take).await? {
        1 => get(&mut *tx, &subscription, &rule).await,
        _ => Ok(None),
    }
}

/// Writes what a run did over the generation before it; whether it counts.
pub async fn finish(tx: &mut Tx, run: &DetectionRun) -> Result<bool> {
    let statement = sqlx::query(
        "UPDATE detection_runs SET generation = $3, started = $4, due = $5, leased = 0, state = $6, report = $7 \
         WHERE subscription_key = $1 AND rule_key = $2 AND generation = $3 - 1",
    )
    .bind(run.subscription.to_ascii_lowercase())
    .bind(run.rule.to_lowercase())
    .bind(run.generation)
    .bind(run.started)
    .bind(run.due)
    .bind(run.state.as_str())
    .bind(run.report.as_str());
    Ok(tx.run(statement).await? == 1)
}

/// Forgets how far a rule came: it begins anew. A run that is under way does not count any more.
pub async fn forget(tx: &mut Tx, subscription: &str, rule: &str) -> Result<()> {
    let statement = sqlx::query("DELETE FROM detection_runs WHERE subscription_key = $1 AND rule_key = $2")
        .bind(subscription.to_ascii_lowercase())
        .bind(rule.to_lowercase());
    tx.run(statement).await.map(|_| ())
}

/// The place of one rule.
pub async fn get<'a>(
    from: impl Into<Reader<'a>>,
    subscription: &str,
    rule: &str,
) -> Result<Option<DetectionRun>> {
    let mut select = Select::new(START);
    select.and("subscription_key = ?", &subscription.to_ascii_lowercase());
    select.and("rule_key = ?", &rule.to_lowercase());
    from.into().optional(select.finish("", 1)).await?.as_ref().map(read).transpose()
}

/// The places of up to `limit` rules of a subscription.
pub async fn list<'a>(
    from: impl Into<Reader<'a>>,
    subscription: &str,
    limit: i64,
) -> Result<Vec<DetectionRun>> {
    let mut select = Select::new(START);
    select.and("subscription_key = ?", &subscription.to_ascii_lowercase());
    from.into().all(select.finish("ORDER BY rule_key", limit)).await?.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<DetectionRun> {
    Ok(DetectionRun {
        subscription: text(row, "subscription_key")?,
        rule: text(row, "rule_key")?,
        generation: number(row, "generation")?,
        started: number(row, "started")?,
        due: number(row, "due")?,
        state: text(row, "state")?,
        report: text(row, "report")?,
    })
}
