//! The switch of a whole subscription: while it is off, nobody opens a console in it, and open ones end.
//!
//! It is kept in the subscription's own record, so that it is there before any console is.

use crate::state::State;
use hardline_store::db::subscriptions;
use hardline_store::{StoreError, Tx};
use serde_json::{Map, Value};

/// The member of a subscription's record.
const MEMBER: &str = "serialConsoleDisabled";

/// Whether consoles may be opened in a subscription. One that is not known has none to open.
///
/// # Errors
/// When the store fails.
pub async fn is_on(state: &State, subscription: &str) -> Result<bool, StoreError> {
    let found = subscriptions::get(&state.store, subscription).await?;
    Ok(found.is_some_and(|s| !members(&s.body).get(MEMBER).and_then(Value::as_bool).unwrap_or(false)))
}

/// Turns it; whether the subscription is known.
///
/// # Errors
/// When the store fails.
pub async fn turn(tx: &mut Tx, subscription: &str, on: bool, now: i64) -> Result<bool, StoreError> {
    let Some(mut found) = subscriptions::get(&mut *tx, subscription).await? else { return Ok(false) };
    let mut body = members(&found.body);
    body.insert(MEMBER.into(), Value::Bool(!on));
    found.body = Value::Object(body).to_string();
    found.updated = now;
    subscriptions::put(tx, &found).await?;
    Ok(true)
}

fn members(body: &str) -> Map<String, Value> {
    serde_json::from_str(body).unwrap_or_default()
}
