//! Webhooks of alerts: written with the alert, sent until they are taken.
//!
//! The receiver gets a POST with the alert as JSON. `x-hardline-delivery` is the same each time that one delivery is sent, so
//! that it can be told from the next; `x-hardline-signature` is `sha256=` and the HMAC of the body with the webhook's secret, in
//! hex. Any 2xx takes it.

use super::Detection;
use crate::clock::micros;
use crate::config::AlertWebhook;
use crate::providers::detection::Kept;
use crate::state::State;
use hardline_detect::rule::Severity;
use hardline_store::db::alert_deliveries::{self, AlertDelivery};
use hardline_store::db::alerts::{self, Alert};
use hardline_store::{StoreError, Tx};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use serde_json::json;
use sha2::Sha256;

/// Deliveries that are taken at once.
const BATCH: i64 = 16;
/// The longest pause after a failure: an hour, microseconds.
const LONGEST: i64 = 3_600_000_000;
/// Attempts before a delivery is given up: about a day.
const ATTEMPTS: i64 = 32;
/// While it is being sent nobody else sends it, microseconds.
const LEASE: i64 = 60_000_000;

/// Writes what is to be delivered of new alerts.
pub(super) async fn enqueue(
    state: &State,
    tx: &mut Tx,
    raised: &[Alert],
    now: i64,
) -> Result<(), StoreError> {
    for webhook in &state.config.alert_webhooks {
        for alert in raised.iter().filter(|alert| wants(webhook, alert)) {
            let delivery = AlertDelivery {
                id: state.random.uuid().to_string(),
                subscription: alert.subscription.clone(),
                alert: alert.id.clone(),
                action: webhook.name.clone(),
                attempts: 0,
                due: now,
                error: String::new(),
            };
            alert_deliveries::insert(tx, &delivery).await?;
        }
    }
    Ok(())
}

fn wants(webhook: &AlertWebhook, alert: &Alert) -> bool {
    let least = Severity::parse(&webhook.severity).unwrap_or_default();
    Severity::parse(&alert.severity).is_some_and(|severity| severity >= least)
}

impl Detection {
    /// There is something to deliver.
    pub(super) fn deliver(&self) {
        self.raised.notify_waiters();
    }
}

/// Starts the tasks that deliver, one for each webhook: a receiver that does not answer holds no other up.
pub(super) fn start(state: &State) {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(state.config.limits.sink_answer)
        .user_agent(concat!("hardline/", env!("CARGO_PKG_VERSION")))
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "alerts cannot be delivered");
            return;
        }
    };
    let shared = state.clone();
    state.spawn(async move {
        if let Err(error) = forget_others(&shared).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old deliveries could not be removed");
        }
    });
    for at in 0..state.config.alert_webhooks.len() {
        let (shared, client) = (state.clone(), client.clone());
        state.spawn(async move {
            let Some(webhook) = shared.config.alert_webhooks.get(at) else { return };
            let mut timer = tokio::time::interval(shared.config.limits.sink_look);
            loop {
                tokio::select! {
                    _ = timer.tick() => {}
                    () = shared.detection.raised.notified() => {}
                }
                if let Err(error) = deliver_due(&shared, webhook, &client).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "deliveries could not be read");
                }
            }
        });
    }
}

/// What was for webhooks that the operator has removed since is for nobody.
async fn forget_others(state: &State) -> Result<(), StoreError> {
    let names: Vec<_> = state.config.alert_webhooks.iter().map(|webhook| webhook.name.clone()).collect();
    let mut tx = state.store.begin().await?;
    let removed = alert_deliveries::keep(&mut tx, &names).await?;
    tx.commit().await?;
    if removed > 0 {
        tracing::warn!(removed, "alerts were to be delivered to webhooks that are gone");
    }
    Ok(())
}

async fn deliver_due(
    state: &State,
    webhook: &AlertWebhook,
    client: &reqwest::Client,
) -> Result<(), StoreError> {
    loop {
        let now = micros(state.clock.now());
        let mut tx = state.store.begin().await?;
        let again = now.saturating_add(LEASE);
        let taken = alert_deliveries::take(&mut tx, &webhook.name, now, again, BATCH).await?;
        tx.commit().await?;
        if taken.is_empty() {
            return Ok(());
        }
        // All at once, so that all answers come within the lease.
        let sent = taken.iter().map(async |delivery| {
            let outcome = send(state, webhook, client, delivery).await?;
            settle(state, delivery, outcome).await
        });
        futures_util::future::join_all(sent).await.into_iter().collect::<Result<(), _>>()?;
    }
}

/// Sends one; in words, why it was not taken. Nothing that the receiver says is kept beyond its status.
async fn send(
    state: &State,
    webhook: &AlertWebhook,
    client: &reqwest::Client,
    delivery: &AlertDelivery,
) -> Result<Result<(), String>, StoreError> {
    let Some(alert) = alerts::get(&state.store, &delivery.subscription, &delivery.alert).await? else {
        return Ok(Ok(()));
    };
    let Ok(kept) = serde_json::from_str::<Kept>(&alert.body) else { return Ok(Ok(())) };
    let mut summary = kept.summary;
    summary.insert("id".into(), alert.id.as_str().into());
    summary.insert("status".into(), alert.status.as_str().into());
    summary.insert("severity".into(), alert.severity.as_str().into());
    let page = format!("{}/portal/alerts/{}/{}", state.public_url, alert.subscription, alert.id);
    let body = json!({ "subscription": alert.subscription, "alert": summary, "page": page }).to_string();
    let mut request = client
        .post(webhook.address.expose_secret())
        .header("content-type", "application/json")
        .header("x-hardline-delivery", delivery.id.as_str());
    if let Some(secret) = &webhook.secret
        && let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
    {
        mac.update(body.as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        request = request.header("x-hardline-signature", format!("sha256={signature}"));
    }
    // The address may hold a key of the receiver's.
    Ok(match request.body(body).send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("it answers {}", answer.status().as_u16())),
        Err(error) => Err(error.without_url().to_string()),
    })
}

async fn settle(
    state: &State,
    delivery: &AlertDelivery,
    outcome: Result<(), String>,
) -> Result<(), StoreError> {
    let mut tx = state.store.begin().await?;
    match outcome {
        Ok(()) => alert_deliveries::delete(&mut tx, &delivery.id).await?,
        Err(why) if delivery.attempts + 1 >= ATTEMPTS => {
            tracing::error!(webhook = delivery.action, alert = delivery.alert, why, "a webhook was given up");
            alert_deliveries::delete(&mut tx, &delivery.id).await?;
        }
        Err(why) => {
            tracing::warn!(webhook = delivery.action, alert = delivery.alert, why, "a webhook was not taken");
            let shift = u32::try_from(delivery.attempts.clamp(0, 20)).unwrap_or(20);
            let first = i64::try_from(state.config.limits.sink_pause.as_micros()).unwrap_or(LONGEST);
            let pause = first.saturating_mul(1_i64 << shift).min(LONGEST);
            let due = micros(state.clock.now()).saturating_add(pause);
            alert_deliveries::failed(&mut tx, &delivery.id, due, &why).await?;
        }
    }
    tx.commit().await
}
