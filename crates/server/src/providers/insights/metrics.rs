//! `GET /subscriptions/{s}/providers/Hardline.Insights/metrics`: how far exports and rules have come, in the text format of
//! OpenMetrics 1.0, for Prometheus and what reads the same. Read from the store at each request: every replica says the same.

use crate::auth::Allowed;
use crate::clock::micros;
use crate::detection::installed;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::resources::find_subscription;
use crate::reply::StreamResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_store::StoreError;
use hardline_store::db::{activity_events, alert_deliveries, detection_runs, diagnostic_settings};
use http::StatusCode;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::collections::HashMap;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One figure for each value of a label.
type Gauges = Family<[(&'static str, String); 1], Gauge>;
/// The same, of what only grows.
type Counters = Family<[(&'static str, String); 1], Counter>;

/// The figures of a subscription.
pub async fn metrics_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?.id;
    let mut registry = Registry::with_prefix("hardline");
    exports(cx, &subscription, &mut registry).await.map_err(store_error)?;
    detection(cx, &subscription, &mut registry).await.map_err(store_error)?;
    let mut shown = String::new();
    text::encode(&mut shown, &registry).map_err(ArmError::internal)?;
    Ok(cx.read(StreamResponse::bytes(StatusCode::OK, TEXT, shown)))
}

async fn exports(cx: &Cx, subscription: &str, registry: &mut Registry) -> Result<(), StoreError> {
    let (lag, age, failures) = (Gauges::default(), Gauges::default(), Gauges::default());
    let (sent, dead) = (Counters::default(), Counters::default());
    registry.register("export_lag_events", "Events that a diagnostic setting has still to send", lag.clone());
    registry.register_with_unit(
        "export_lag",
        "How long the oldest of them has been waiting",
        Unit::Seconds,
        age.clone(),
    );
    registry.register(
        "export_failures",
        "Attempts that failed since the last one that did not",
        failures.clone(),
    );
    registry.register("export_sent_events", "Events that were taken", sent.clone());
    registry.register("export_dead_letters", "Events that were refused for good", dead.clone());
    let store = &cx.state.store;
    for setting in diagnostic_settings::list(store, subscription).await? {
        let (label, progress) = ([("setting", setting.name)], setting.progress);
        let waiting = activity_events::waiting(store, subscription, progress.place).await?;
        lag.get_or_create(&label).set(waiting.events);
        age.get_or_create(&label).set(waiting.since.map_or(0, |since| seconds_since(cx, since)));
        failures.get_or_create(&label).set(progress.failures);
        sent.get_or_create(&label).inc_by(u64::try_from(progress.sent).unwrap_or(0));
        dead.get_or_create(&label).inc_by(u64::try_from(progress.dead).unwrap_or(0));
    }
    Ok(())
}

async fn detection(cx: &Cx, subscription: &str, registry: &mut Registry) -> Result<(), StoreError> {
    let (late, undelivered) = (Gauges::default(), Gauges::default());
    registry.register_with_unit(
        "rule_lateness",
        "How long a rule that runs has been due",
        Unit::Seconds,
        late.clone(),
    );
    registry.register("alert_undelivered", "Alerts that a webhook has still to take", undelivered.clone());
    let limit = i64::try_from(2 * installed::LIMIT).unwrap_or(i64::MAX);
    let runs = detection_runs::list(&cx.state.store, subscription, limit).await?;
    let due: HashMap<_, _> = runs.into_iter().map(|run| (run.rule, run.due)).collect();
    for rule in installed::all(&cx.state, subscription).await? {
        if rule.running().is_some()
            && let Some(due) = due.get(&rule.rule_id.to_lowercase()).filter(|due| **due > 0)
        {
            late.get_or_create(&[("rule", rule.rule_id)]).set(seconds_since(cx, *due));
        }
    }
    for webhook in &cx.state.config.alert_webhooks {
        undelivered.get_or_create(&[("webhook", webhook.name.clone())]).set(0);
    }
    for (webhook, count) in alert_deliveries::outstanding(&cx.state.store, subscription).await? {
        undelivered.get_or_create(&[("webhook", webhook)]).set(count);
    }
    Ok(())
}

/// Whole seconds since a time in microseconds; 0 when it is still to come.
fn seconds_since(cx: &Cx, time: i64) -> i64 {
    micros(cx.now).saturating_sub(time).max(0) / 1_000_000
}
