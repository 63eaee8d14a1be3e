//! What a rule would have said of the past: the same events, nothing written.

use super::events::{Past, count, documents, operations, order, rows};
use crate::state::State;
use hardline_arm::activity::ecs::Wanted;
use hardline_detect::engine::{EngineError, Limits, Trial, TrialResult, Window};
use hardline_detect::rule::Rule;
use hardline_store::StoreError;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// Events that are read at once; two such pages are held.
const PAGE: usize = 1000;
/// Bars of the chart, about.
const BARS: i64 = 60;
/// Lengths that a bar may have, seconds: what a person would choose.
const LENGTHS: [i64; 9] = [60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 7 * 24 * 3600];

/// What a rule would have said, or why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The rule cannot be tried over this time.
    #[error("{0}")]
    Engine(#[from] EngineError),
}

/// What a rule would have said.
#[derive(Debug)]
pub struct Tried {
    /// The length of a bar.
    pub bucket: SignedDuration,
    /// What it would have said.
    pub result: TrialResult,
}

/// Tries a rule on a subscription's events of a time.
///
/// # Errors
/// When the rule cannot be tried, or the store fails.
pub async fn try_rule(
    state: &State,
    subscription: &str,
    rule: &Rule,
    (from, to): (Timestamp, Timestamp),
) -> Result<Tried, TrialError> {
    let seconds = to.duration_since(from).as_secs();
    let length = LENGTHS.into_iter().find(|length| seconds / length <= BARS).unwrap_or(7 * 24 * 3600);
    let bucket = SignedDuration::from_secs(length);
    let mut trial = Trial::new(rule, Window { from, to }, bucket, Limits::default())?;
    let wanted = Arc::new(trial.fields().map_or(Wanted::ALL, Wanted::fields));
    // What the query asks of the action is asked of the store already.
    let operations = operations(trial.actions().as_ref());
    let order = order(rule.timestamp_override.as_deref());
    let past = Past { subscription, order, window: trial.window(), operations: &operations };
    let all = if operations.is_empty() { None } else { Some(count(state, past).await?) };
    let mut page = rows(state, past, None, PAGE).await?;
    let mut fed = 0;
    // While a page is looked at the next one is read.
    loop {
        let next = page.next;
        fed += u64::try_from(page.events.len()).unwrap_or(0);
        let (shared, fields) = (state.clone(), wanted.clone());
        let look = tokio::task::spawn_blocking(move || {
            trial.feed(&documents(&shared, &page, &fields));
            trial
        });
        let following = async {
            match next {
                Some(_) => rows(state, past, next, PAGE).await.map(Some),
                None => Ok(None),
            }
        };
        let (looked, following) = tokio::join!(look, following);
        trial = looked.map_err(|error| StoreError::Other(Box::new(error)))?;
        match following? {
            Some(following) => page = following,
            None => break,
        }
    }
    trial.pass_over(all.map_or(0, |all| all.saturating_sub(fed)));
    Ok(Tried { bucket, result: trial.finish() })
}
