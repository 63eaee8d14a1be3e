//! What a rule would have said of the past: the same events, nothing written.

use super::events::{Events, order};
use crate::state::State;
use hardline_detect::engine::{EngineError, Limits, Pass, Read, Trial, TrialResult, Window};
use hardline_detect::rule::Rule;
use hardline_store::StoreError;
use jiff::{SignedDuration, Timestamp};

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
    let mut events = Events::new(subscription);
    let order = order(rule.timestamp_override.as_deref());
    let (mut after, mut continues) = (None, false);
    loop {
        let read = Read { pass: Pass::Matches, window: trial.window(), continues };
        let page = events.page(state, order, &read, after).await?;
        trial.feed(&page.documents);
        (after, continues) = (page.next, true);
        if after.is_none() {
            break;
        }
    }
    Ok(Tried { bucket, result: trial.finish() })
}
