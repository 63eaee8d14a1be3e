//! Alerts that stand for others.

use crate::past::{Past, at, event, rule, window};
use hardline_detect::engine::Warning;
use hardline_detect::rule::Rule;
use serde_json::{Value, json};

fn suppressing(parts: &str) -> Rule {
    rule(&format!("type = \"query\"\nquery = \"event.outcome:success\"\n[rule.alert_suppression]\n{parts}"))
}

const BY_NAME: &str = "group_by = [\"azure.resource.name\"]\n";
const AN_HOUR: &str = "[rule.alert_suppression.duration]\nvalue = 60\nunit = \"m\"\n";

fn machine(id: u64, minutes: f64, name: &Value) -> hardline_detect::engine::Document {
    event(id, at(minutes), &json!({ "azure.resource.name": name }))
}

/// `event:stands for so many others`, by event.
fn shown(past: &Past) -> String {
    let mut shown: Vec<_> = past
        .alerts
        .values()
        .map(|(alert, _)| {
            let id = alert["kibana.alert.ancestors"][0]["id"].as_str().unwrap();
            let count = alert.get("kibana.alert.suppression.docs_count").map(ToString::to_string);
            format!("{id}:{}", count.unwrap_or_else(|| "-".into()))
        })
        .collect();
    shown.sort();
    shown.join(" ")
}

#[test]
fn within_a_run_a_group_is_one_alert_and_the_next_window_adds_none() {
    let mut past = Past::new(vec![
        machine(1, -8.0, &json!("a")),
        machine(2, -3.0, &json!("b")),
        machine(3, -2.0, &json!("a")),
        machine(4, -1.0, &json!("a")),
        machine(5, -1.0, &json!(null)),
        machine(6, -1.0, &json!(null)),
    ]);
    let rule = suppressing(BY_NAME);
    past.run(&rule, window(-9.0, 0.0));
    assert_eq!(shown(&past), "1:2 2:0 5:1");
    past.run(&rule, window(-4.0, 5.0));
    assert_eq!(shown(&past), "1:2 2:0 5:1", "3 and 4 are counted already");
    past.documents.push(machine(7, 2.0, &json!("a")));
    past.run(&rule, window(-4.0, 5.0));
    assert_eq!(shown(&past), "1:2 2:0 5:1 7:0", "without a duration each run begins anew");
    let alert = &past.alerts.values().find(|(a, _)| a["kibana.alert.ancestors"][0]["id"] == "1").unwrap().0;
    assert_eq!(
        alert["kibana.alert.suppression.terms"],
        json!([{ "field": "azure.resource.name", "value": "a" }])
    );
    assert_eq!(alert["kibana.alert.suppression.start"], "2026-11-21T09:52:00.000Z");
    assert_eq!(alert["kibana.alert.suppression.end"], "2026-11-21T09:59:00.000Z");
}

#[test]
fn without_the_field_an_alert_each_if_the_rule_says_so() {
    let rule = suppressing(&format!("{BY_NAME}missing_fields_strategy = \"doNotSuppress\"\n"));
    let mut past = Past::new(vec![
        machine(1, -3.0, &json!(null)),
        machine(2, -2.0, &json!(null)),
        machine(3, -2.0, &json!("a")),
        machine(4, -1.0, &json!("a")),
    ]);
    past.run(&rule, window(-9.0, 0.0));
    assert_eq!(shown(&past), "1:- 2:- 3:1");
    past.run(&rule, window(-4.0, 5.0));
    assert_eq!(shown(&past), "1:- 2:- 3:1");
}

#[test]
fn an_open_alert_takes_up_later_events_until_its_time_is_over_or_somebody_closes_it() {
    let rule = suppressing(&format!("{BY_NAME}{AN_HOUR}"));
    let a = json!("a");
    let mut past = Past::new(vec![machine(1, -3.0, &a), machine(2, -1.0, &a)]);
    past.run(&rule, window(-9.0, 0.0));
    assert_eq!(shown(&past), "1:1");
    // Overlap: both are covered; one more is taken up.
    past.documents.push(machine(3, 2.0, &a));
    past.run(&rule, window(-4.0, 5.0));
    assert_eq!(shown(&past), "1:2");
    past.run(&rule, window(-4.0, 5.0));
    assert_eq!(shown(&past), "1:2", "the same window again changes nothing");
    // The hour is over: a new alert.
    past.documents.extend([machine(4, 56.0, &a), machine(5, 58.0, &a), machine(6, 59.0, &a)]);
    past.run(&rule, window(51.0, 60.0));
    assert_eq!(shown(&past), "1:3 5:1");
    // It is closed: what is covered stays covered, what comes later is a new alert.
    for (alert, closed) in past.alerts.values_mut() {
        *closed = alert["kibana.alert.ancestors"][0]["id"] == "5";
    }
    past.documents.push(machine(7, 61.0, &a));
    past.run(&rule, window(56.0, 65.0));
    assert_eq!(shown(&past), "1:3 5:1 7:0");
}

#[test]
fn groups_count_against_the_limit_and_the_rest_waits() {
    let mut rule = suppressing(BY_NAME);
    rule.schedule.max_signals = 3;
    let events = (0..10).map(|n| machine(n, -3.0, &json!(format!("vm{}", n % 5)))).collect();
    let mut past = Past::new(events);
    let (_, warnings) = past.run(&rule, window(-9.0, 0.0));
    assert_eq!((shown(&past).as_str(), warnings), ("0:1 1:1 2:1", vec![Warning::MaxSignals { limit: 3 }]));
    past.run(&rule, window(-4.0, 5.0));
    assert_eq!(shown(&past), "0:1 1:1 2:1 3:1 4:1");
}

#[test]
fn a_threshold_rule_speaks_of_a_group_once_in_a_while() {
    let rule = rule(&format!(
        "type = \"threshold\"\nquery = \"event.outcome:success\"\n[rule.threshold]\nfield = \"azure.resource.name\"\nvalue = 2\n\
         [rule.alert_suppression]\n{AN_HOUR}"
    ));
    let a = json!("a");
    let mut past = Past::new(vec![machine(1, -3.0, &a), machine(2, -2.0, &a)]);
    past.run(&rule, window(-9.0, 0.0));
    past.documents.extend([machine(3, 2.0, &a), machine(4, 3.0, &a)]);
    past.run(&rule, window(-4.0, 5.0));
    assert_eq!(past.alerts.len(), 1);
    let alert = &past.alerts.values().next().unwrap().0;
    assert_eq!(alert["kibana.alert.suppression.docs_count"], 1);
    assert_eq!(
        alert["kibana.alert.suppression.terms"],
        json!([{ "field": "azure.resource.name", "value": "a" }])
    );
}

#[test]
fn new_terms_of_one_thing_are_one_alert() {
    let rule = rule(&format!(
        "type = \"new_terms\"\nquery = \"event.outcome:success\"\nnew_terms_fields = [\"user.name\"]\n\
         history_window_start = \"now-7d\"\n[rule.alert_suppression]\n{BY_NAME}"
    ));
    let who = |id: u64, name: &str, machine: &str| {
        event(id, at(-3.0), &json!({ "user.name": name, "azure.resource.name": machine }))
    };
    let mut past =
        Past::new(vec![who(1, "ann", "a"), who(2, "ben", "a"), who(3, "cid", "b"), who(4, "ann", "b")]);
    past.run(&rule, window(-9.0, 0.0));
    assert_eq!(shown(&past), "1:1 3:0");
}
