//! Events of an invented past, and the alerts that runs made of them: what a server would have in its store.

use hardline_detect::engine::{
    Answer, Ask, Document, Execution, Installed, Limits, Read, RuleState, Run, RunOutcome, Source,
    Suppressed, Warning, Window, drive,
};
use hardline_detect::rule::{Outcome, Rule, read_toml};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;

pub const INDEX: &str = ".ds-logs-azure.activitylogs-default-2026.11.21-000001";

/// 10:00 on the day of the tests, and minutes from there.
pub fn at(minutes: f64) -> Timestamp {
    let ten: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    ten + SignedDuration::from_millis((minutes * 60_000.0) as i64)
}

pub fn window(from: f64, to: f64) -> Window {
    Window { from: at(from), to: at(to) }
}

/// An event that happened and became searchable at `time`, with some fields changed (null: taken away).
#[allow(clippy::needless_pass_by_value, reason = "numbers and texts read better without a sign")]
pub fn event(id: impl ToString, time: Timestamp, fields: &Value) -> Document {
    let mut body = json!({
        "@timestamp": time.to_string(),
        "event.ingested": time.to_string(),
        "event.kind": "event",
        "event.dataset": "azure.activitylogs",
        "event.outcome": "success",
        "data_stream.dataset": "azure.activitylogs",
    });
    for (field, value) in fields.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(field);
        } else {
            body[field] = value.clone();
        }
    }
    Document { index: INDEX.into(), id: id.to_string(), version: 1, body }
}

/// The same, nested.
pub fn nested(document: &Document) -> Document {
    let mut body = Map::new();
    for (name, value) in document.body.as_object().unwrap() {
        let mut object = &mut body;
        let parts: Vec<_> = name.split('.').collect();
        let (last, above) = parts.split_last().unwrap();
        for part in above {
            let inner = object.entry(*part).or_insert_with(|| json!({}));
            object = inner.as_object_mut().unwrap();
        }
        object.insert((*last).into(), value.clone());
    }
    Document { body: Value::Object(body), ..document.clone() }
}

/// A rule from its short parts.
pub fn rule(parts: &str) -> Rule {
    let text = format!(
        "[rule]\nrule_id = \"r\"\nname = \"Name\"\ndescription = \"d\"\nseverity = \"medium\"\nrisk_score = 47\n\
         from = \"now-9m\"\ntimestamp_override = \"event.ingested\"\n{parts}"
    );
    let entry = read_toml("rule.toml", &text);
    match entry.outcome {
        Outcome::Rule(rule) => *rule,
        other => panic!("{other:?}"),
    }
}

pub fn installed() -> Installed {
    Installed {
        uuid: "11111111-1111-4111-8111-111111111111".into(),
        space: "default".into(),
        revision: 3,
        immutable: false,
        enabled: true,
        created: (at(-9999.0), "ann".into()),
        updated: (at(-99.0), "ben".into()),
    }
}

#[derive(Default)]
pub struct Past {
    pub documents: Vec<Document>,
    /// By id, with whether somebody closed it.
    pub alerts: BTreeMap<String, (Value, bool)>,
    pub state: RuleState,
    pub page: usize,
    /// Pages that were read.
    pub reads: usize,
    next: usize,
}

impl Past {
    pub fn new(documents: Vec<Document>) -> Self {
        Self { documents, page: 7, ..Self::default() }
    }

    /// A run over a window, its alerts and state written. Its new alerts' ids and its warnings.
    pub fn run(&mut self, rule: &Rule, window: Window) -> (Vec<String>, Vec<Warning>) {
        let outcome = self.outcome(rule, window, Limits::default());
        self.write(&outcome);
        (outcome.alerts.iter().map(|alert| alert.id.clone()).collect(), outcome.warnings)
    }

    pub fn outcome(&mut self, rule: &Rule, window: Window, limits: Limits) -> RunOutcome {
        let run = Run { uuid: "run".into(), started: window.to, manual: false };
        let execution = Execution::new(rule, &installed(), &run, window, self.state.clone(), limits).unwrap();
        drive(execution, self).unwrap()
    }

    pub fn write(&mut self, outcome: &RunOutcome) {
        for alert in &outcome.alerts {
            let before = self.alerts.insert(alert.id.clone(), (alert.document.clone(), false));
            assert_eq!(before, None, "an alert was made twice");
        }
        for update in &outcome.updates {
            let alert = &mut self.alerts.get_mut(&update.id).unwrap().0;
            alert["kibana.alert.suppression.docs_count"] = json!(update.docs_count);
            alert["kibana.alert.suppression.end"] = json!(update.end.to_string());
        }
        self.state = outcome.state.clone();
    }

    /// The events that alerts were made of, in order.
    pub fn alerted(&self) -> Vec<String> {
        let id = |alert: &Value| alert["kibana.alert.ancestors"][0]["id"].as_str().unwrap().to_owned();
        let mut ids: Vec<_> = self.alerts.values().map(|(alert, _)| id(alert)).collect();
        ids.sort_by_key(|id| id.parse::<u64>().unwrap_or(0));
        ids
    }
}

fn time(document: &Document) -> Option<Timestamp> {
    let time = document.body.get("event.ingested").or_else(|| document.body.get("@timestamp"))?;
    time.as_str()?.parse().ok()
}

impl Source for Past {
    type Error = Infallible;

    fn page(&mut self, read: &Read) -> Result<(Vec<Document>, bool), Infallible> {
        self.reads += 1;
        if !read.continues {
            self.next = 0;
        }
        let inside = |document: &&Document| time(document).is_none_or(|time| read.window.holds(time));
        let mut all: Vec<_> = self.documents.iter().filter(inside).collect();
        all.sort_by_key(|document| time(document));
        let page: Vec<_> = all.iter().skip(self.next).take(self.page).map(|d| (*d).clone()).collect();
        self.next += page.len();
        Ok((page, self.next >= all.len()))
    }

    fn look_up(&mut self, ask: &Ask) -> Result<Answer, Infallible> {
        let known = ask.ids.iter().filter(|id| self.alerts.contains_key(*id)).cloned().collect();
        let mut suppressed = Vec::new();
        for (id, (alert, closed)) in &self.alerts {
            let text = |key: &str| alert[key].as_str().unwrap_or_default().to_owned();
            let instance = text("kibana.alert.instance.id");
            if ask.instances.contains(&instance) {
                suppressed.push(Suppressed {
                    id: id.clone(),
                    instance,
                    start: text("kibana.alert.suppression.start").parse().unwrap(),
                    end: text("kibana.alert.suppression.end").parse().unwrap(),
                    docs_count: alert["kibana.alert.suppression.docs_count"].as_u64().unwrap(),
                    closed: *closed,
                });
            }
        }
        Ok(Answer { known, suppressed })
    }
}
