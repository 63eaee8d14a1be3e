//! Running the rules that are due.

use super::events::{Events, order};
use super::facts::facts;
use super::installed::{self, Installed};
use super::report::{Report, Stretch};
use super::webhooks;
use crate::clock::{from_micros, micros};
use crate::providers::detection::Kept;
use crate::state::State;
use hardline_detect::engine::{
    self, Answer, Ask, Counts, EngineError, Execution, Limits, Plan, RuleState, Run, RunOutcome, Step,
    Suppressed, Update,
};
use hardline_detect::rule::Rule;
use hardline_store::db::alerts::{self, Alert};
use hardline_store::db::detection_runs::{self, DetectionRun};
use hardline_store::db::{activity_events, subscriptions};
use hardline_store::{StoreError, Tx};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// How long a run may take before another server begins it again: two minutes, microseconds.
const LEASE: i64 = 120 * 1_000_000;

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The rule cannot run.
    #[error("{0}")]
    Engine(#[from] EngineError),
}

/// Runs every rule that is due, of every subscription. How many ran.
///
/// # Errors
/// When rules and their places cannot be read; a rule that cannot run stops no other.
pub async fn run_due(state: &State) -> Result<usize, StoreError> {
    let mut ran = 0;
    for subscription in subscriptions::list(&state.store).await? {
        let rules = installed::all(state, &subscription.id).await?;
        let limit = i64::try_from(2 * installed::LIMIT).unwrap_or(i64::MAX);
        let runs = detection_runs::list(&state.store, &subscription.id, limit).await?;
        let due: HashMap<_, _> = runs.into_iter().map(|run| (run.rule, run.due)).collect();
        let now = micros(state.clock.now());
        let is_due = |rule: &Installed| {
            rule.running().is_some_and(|running| {
                let far = now.saturating_add(interval(running));
                due.get(&rule.rule_id.to_lowercase()).is_none_or(|due| *due <= now || *due > far)
            })
        };
        let wanted: Vec<_> = rules.into_iter().filter(is_due).collect();
        if wanted.is_empty() {
            continue;
        }
        let started = settled(state).await?;
        let mut events = Events::new(&subscription.id);
        for rule in &wanted {
            // Somebody may have changed an alert meanwhile: the run is done again when its lease ends.
            match run_one(state, &subscription.id, rule, started, &mut events).await {
                Ok(done) => ran += usize::from(done),
                Err(error) => tracing::warn!(
                    rule = rule.rule_id,
                    error = &error as &dyn std::error::Error,
                    "a detection rule could not be run"
                ),
            }
        }
    }
    Ok(ran)
}

/// A moment up to which every event is there to be read.
async fn settled(state: &State) -> Result<Timestamp, StoreError> {
    let mut tx = state.store.begin().await?;
    activity_events::settle(&mut tx).await?;
    let now = state.clock.now();
    tx.commit().await?;
    // Times are compared in milliseconds: within this one there may be more to come.
    Ok(now.checked_sub(SignedDuration::from_millis(1)).unwrap_or(now))
}

fn interval(rule: &Rule) -> i64 {
    i64::try_from(rule.schedule.interval.duration().as_micros()).unwrap_or(i64::MAX)
}

async fn run_one(
    state: &State,
    subscription: &str,
    installed: &Installed,
    started: Timestamp,
    events: &mut Events,
) -> Result<bool, StoreError> {
    let Some(rule) = installed.running() else { return Ok(false) };
    let (now, interval) = (micros(state.clock.now()), interval(rule));
    let mut tx = state.store.begin().await?;
    let far = now.saturating_add(interval);
    let leased =
        detection_runs::lease(&mut tx, subscription, &installed.rule_id, now, now.saturating_add(LEASE), far)
            .await?;
    tx.commit().await?;
    let Some(before) = leased else { return Ok(false) };
    let mut run = Running {
        state,
        subscription,
        installed,
        rule,
        run: Run { uuid: state.random.uuid().to_string(), started, manual: false },
        events,
        alerts: Vec::new(),
        updates: HashMap::new(),
        remembered: serde_json::from_str(&before.state).unwrap_or_default(),
        report: Report { started_at: started.to_string(), ..Report::default() },
    };
    match run.windows(&before).await {
        Ok(()) => {}
        Err(RunError::Store(error)) => return Err(error),
        Err(RunError::Engine(error)) => {
            tracing::warn!(rule = installed.rule_id, error = %error, "a detection rule cannot run");
            run.report.error = Some(error.to_string());
        }
    }
    run.commit(&before, micros(started).saturating_add(interval)).await
}

/// A run that is under way.
struct Running<'a> {
    state: &'a State,
    subscription: &'a str,
    installed: &'a Installed,
    rule: &'a Rule,
    run: Run,
    events: &'a mut Events,
    /// New alerts of all windows.
    alerts: Vec<engine::Alert>,
    /// The last change of alerts that were there before.
    updates: HashMap<String, Update>,
    remembered: RuleState,
    report: Report,
}

impl Running<'_> {
    async fn windows(&mut self, before: &DetectionRun) -> Result<(), RunError> {
        let previous = (before.started > 0).then(|| from_micros(before.started));
        let Plan { windows, gap, backwards } = engine::plan(&self.rule.schedule, previous, self.run.started)?;
        if let (Some(first), Some(last)) = (windows.first(), windows.last()) {
            (self.report.from, self.report.to) = (first.from.to_string(), last.to.to_string());
        }
        self.report.windows = windows.len();
        if let Some(gap) = gap {
            self.report.warnings.push(format!(
                "Nobody has looked at the events from {} to {}: too many runs were missed.",
                gap.from, gap.to
            ));
            self.report.gap = Some(Stretch { from: gap.from.to_string(), to: gap.to.to_string() });
        }
        if let Some(by) = backwards {
            self.report.warnings.push(format!("The clock went back by {by:#} since the run before."));
        }
        for window in windows {
            let remembered = std::mem::take(&mut self.remembered);
            let installed = described(self.installed);
            let execution =
                Execution::new(self.rule, &installed, &self.run, window, remembered, Limits::default())?;
            let outcome = self.drive(execution).await?;
            self.take(outcome);
        }
        Ok(())
    }

    async fn drive(&mut self, mut execution: Execution) -> Result<RunOutcome, StoreError> {
        let order = order(self.rule.timestamp_override.as_deref());
        let mut after = None;
        loop {
            match execution.step() {
                Step::Read(read) => {
                    after = after.filter(|_| read.continues);
                    let page = self.events.page(self.state, order, &read, after).await?;
                    after = page.next;
                    execution.feed(&page.documents, page.next.is_none());
                }
                Step::Ask(ask) => execution.answer(self.answer(&ask).await?),
                Step::Done => return Ok(execution.finish()),
            }
        }
    }

    /// What is there of alerts: in the store, and of this run's earlier windows.
    async fn answer(&self, ask: &Ask) -> Result<Answer, StoreError> {
        let store = &self.state.store;
        let mine: HashSet<&str> = self.alerts.iter().map(|alert| alert.id.as_str()).collect();
        let mut known = alerts::known(store, self.subscription, &ask.ids).await?;
        known.extend(ask.ids.iter().filter(|id| mine.contains(id.as_str())).cloned());
        let rule = &self.installed.rule_id;
        let latest = alerts::latest(store, self.subscription, rule, &ask.instances).await?;
        let mut answer = Answer { known, suppressed: Vec::new() };
        for instance in &ask.instances {
            let pending = self.alerts.iter().rev().find(|alert| alert.instance.as_ref() == Some(instance));
            let found = match pending {
                Some(alert) => suppressed(&alert.id, instance, &alert.document, false),
                None => latest.get(instance).and_then(|row| {
                    let kept: Kept = serde_json::from_str(&row.body).ok()?;
                    suppressed(&row.id, instance, &kept.document, row.status == "closed")
                }),
            };
            // What an earlier window of this run added counts too.
            answer.suppressed.extend(found.map(|mut found| {
                if let Some(update) = self.updates.get(&found.id) {
                    (found.docs_count, found.end) = (update.docs_count, update.end);
                }
                found
            }));
        }
        Ok(answer)
    }

    fn take(&mut self, outcome: RunOutcome) {
        let Counts { read, suppressed, .. } = outcome.counts;
        self.report.events += read;
        self.report.suppressed += suppressed;
        self.report.alerts += u64::try_from(outcome.alerts.len()).unwrap_or(u64::MAX);
        self.report.warnings.extend(outcome.warnings.iter().map(ToString::to_string));
        self.remembered = outcome.state;
        self.alerts.extend(outcome.alerts);
        self.updates.extend(outcome.updates.into_iter().map(|update| (update.id.clone(), update)));
    }

    /// Alerts, deliveries and how far the rule came, in one transaction; false when another server did the same run.
    async fn commit(self, before: &DetectionRun, due: i64) -> Result<bool, StoreError> {
        let text = |error: serde_json::Error| StoreError::Other(Box::new(error));
        let now = micros(self.state.clock.now());
        let mut tx = self.state.store.begin().await?;
        let mut raised = Vec::new();
        for alert in &self.alerts {
            let row = self.row(alert, now).map_err(text)?;
            if alerts::insert(&mut tx, &row).await? {
                raised.push(row);
            }
        }
        for update in self.updates.values() {
            self.update(&mut tx, update, now).await?;
        }
        webhooks::enqueue(self.state, &mut tx, &raised, now).await?;
        let after = DetectionRun {
            generation: before.generation + 1,
            started: micros(self.run.started),
            due,
            state: serde_json::to_string(&self.remembered).map_err(text)?,
            report: serde_json::to_string(&self.report).map_err(text)?,
            ..before.clone()
        };
        if !detection_runs::finish(&mut tx, &after).await? {
            return Ok(false);
        }
        tx.commit().await?;
        if !raised.is_empty() {
            tracing::info!(
                rule = self.installed.rule_id,
                alerts = raised.len(),
                "a detection rule found something"
            );
            self.state.detection.deliver();
        }
        Ok(true)
    }

    fn row(&self, alert: &engine::Alert, now: i64) -> Result<Alert, serde_json::Error> {
        let about = &self.rule.about;
        let kept = Kept {
            summary: summary(&self.installed.rule_id, self.rule, alert),
            history: Vec::new(),
            document: alert.document.clone(),
        };
        Ok(Alert {
            subscription: self.subscription.to_owned(),
            id: alert.id.clone(),
            rule: self.installed.rule_id.clone(),
            instance: alert.instance.clone().unwrap_or_default(),
            time: micros(self.run.started),
            severity: about.severity.word().to_owned(),
            status: "open".to_owned(),
            body: serde_json::to_string(&kept)?,
            updated: now,
        })
    }

    /// An alert that was there before takes up more events.
    async fn update(&self, tx: &mut Tx, update: &Update, now: i64) -> Result<(), StoreError> {
        let Some(row) = alerts::get(&mut *tx, self.subscription, &update.id).await? else { return Ok(()) };
        let Ok(mut kept) = serde_json::from_str::<Kept>(&row.body) else { return Ok(()) };
        if let Some(document) = kept.document.as_object_mut() {
            document.insert("kibana.alert.suppression.docs_count".into(), update.docs_count.into());
            document.insert("kibana.alert.suppression.end".into(), update.end.to_string().into());
            document.insert("kibana.alert.last_detected".into(), update.last_detected.to_string().into());
        }
        let before = row.updated;
        let body = serde_json::to_string(&kept).map_err(|error| StoreError::Other(Box::new(error)))?;
        alerts::update(tx, &Alert { body, updated: now.max(before + 1), ..row }, before).await
    }
}

/// What an alert stands for, from its document.
fn suppressed(id: &str, instance: &str, document: &Value, closed: bool) -> Option<Suppressed> {
    let text = |name: &str| document.get(name).and_then(Value::as_str)?.parse().ok();
    Some(Suppressed {
        id: id.to_owned(),
        instance: instance.to_owned(),
        start: text("kibana.alert.suppression.start")?,
        end: text("kibana.alert.suppression.end")?,
        docs_count: document.get("kibana.alert.suppression.docs_count").and_then(Value::as_u64).unwrap_or(0),
        closed,
    })
}

/// What the engine is told of a rule beside its text.
pub(super) fn described(installed: &Installed) -> engine::Installed {
    let row = installed.row.as_ref();
    let at = |micros: Option<i64>| (micros.map_or(Timestamp::UNIX_EPOCH, from_micros), "hardline".to_owned());
    engine::Installed {
        uuid: installed.rule_id.clone(),
        space: "default".to_owned(),
        revision: 0,
        immutable: installed.built_in,
        enabled: installed.enabled,
        created: at(row.map(|row| row.created)),
        updated: at(row.map(|row| row.updated)),
    }
}

/// What lists of alerts show.
fn summary(rule_id: &str, rule: &Rule, alert: &engine::Alert) -> Map<String, Value> {
    let fields = alert.triage.iter().filter(|(_, values)| !values.is_empty()).map(|(name, values)| {
        let value = if let [one] = values.as_slice() { one.clone() } else { values.clone().into() };
        json!({ "name": name, "value": value })
    });
    let mut members = facts(&alert.document);
    members.insert("riskScore".into(), rule.about.risk_score.into());
    members.insert("rule".into(), rule_id.into());
    members.insert("ruleName".into(), rule.about.name.as_str().into());
    members.insert("reason".into(), alert.reason.as_str().into());
    members.insert("originalTime".into(), json!(alert.original_time.map(|time| time.to_string())));
    members.insert("fields".into(), fields.collect());
    members
}
