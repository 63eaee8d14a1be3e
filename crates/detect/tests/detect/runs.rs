//! Runs over windows: limits, duplicates, new terms, thresholds, exceptions.

use crate::past::{Past, at, event, nested, rule, window};
use hardline_detect::engine::{EngineError, Execution, Limits, Run, Warning, plan};
use hardline_detect::rule::Rule;
use serde_json::{Value, json};

const QUERY: &str = "type = \"query\"\nquery = \"event.outcome:success\"\n";

fn query() -> Rule {
    rule(QUERY)
}

fn novelty(fields: &str) -> Rule {
    rule(&format!(
        "type = \"new_terms\"\nquery = \"event.outcome:success\"\nnew_terms_fields = {fields}\nhistory_window_start = \"now-7d\"\n"
    ))
}

fn threshold(field: &str, value: u64, cardinality: &str) -> Rule {
    rule(&format!(
        "type = \"threshold\"\nquery = \"event.outcome:success\"\n[rule.threshold]\nfield = {field}\nvalue = {value}\n{cardinality}"
    ))
}

/// A driver that waits for its store may go on in another thread.
#[test]
fn runs_and_trials_can_be_sent() {
    fn send<T: Send + 'static>() {}
    send::<Execution>();
    send::<hardline_detect::engine::Trial>();
}

#[test]
fn of_101_events_100_are_alerts_and_the_last_one_is_with_the_next_run() {
    let events = (0..101).map(|n| event(n, at(-3.0 + f64::from(n) / 60.0), &json!({}))).collect();
    let mut past = Past::new(events);
    let (alerts, warnings) = past.run(&query(), window(-9.0, 0.0));
    assert_eq!(alerts.len(), 100);
    assert_eq!(warnings, [Warning::MaxSignals { limit: 100 }]);
    assert!(!past.alerted().contains(&"100".to_owned()), "the youngest event waits");
    let (alerts, warnings) = past.run(&query(), window(-4.0, 5.0));
    assert_eq!((alerts.len(), warnings.as_slice()), (1, [].as_slice()));
    assert_eq!(past.alerted().last().map(String::as_str), Some("100"));
    let (alerts, _) = past.run(&query(), window(-4.0, 5.0));
    assert_eq!(alerts.len(), 0);
}

#[test]
fn windows_that_overlap_add_no_duplicates_and_a_new_version_is_a_new_alert() {
    let mut past = Past::new(vec![event(1, at(-3.0), &json!({}))]);
    for (end, expected) in [(0.0, 1), (1.0, 0), (5.0, 0)] {
        assert_eq!(past.run(&query(), window(end - 9.0, end)).0.len(), expected, "{end}");
    }
    past.documents[0].version = 2;
    assert_eq!(past.run(&query(), window(-4.0, 5.0)).0.len(), 1);
}

#[test]
fn five_missed_runs_are_made_up_for_in_four_windows() {
    // An event a minute; the run before this one started at 9:30, the clock says 10:00.
    let events = (-40..=0).map(|n| event(40 + n, at(f64::from(n)), &json!({}))).collect();
    let mut past = Past::new(events);
    let plan = plan(&query().schedule, Some(at(-30.0)), at(0.0)).unwrap();
    assert_eq!(
        (plan.windows.len(), plan.gap.map(|gap| (gap.from, gap.to))),
        (5, Some((at(-30.0), at(-29.0))))
    );
    let made: usize = plan.windows.iter().map(|window| past.run(&query(), *window).0.len()).sum();
    assert_eq!(made, 30, "each event since 9:31 once");
}

#[test]
fn both_ends_of_a_window_belong_to_it_and_nothing_beyond() {
    let times = [-9.0 - 0.001, -9.0, 0.0, 0.001];
    let events = times.iter().enumerate().map(|(n, time)| event(n, at(*time), &json!({}))).collect();
    let mut past = Past::new(events);
    past.page = 100;
    past.run(&query(), window(-9.0, 0.0));
    assert_eq!(past.alerted(), ["1", "2"]);
}

#[test]
fn the_time_that_counts_is_the_override_or_the_events_own() {
    let late = json!({ "@timestamp": "2020-01-01T00:00:00Z" });
    let future = json!({ "@timestamp": "9999-01-01T00:00:00Z" });
    let without = json!({ "event.ingested": null });
    let unread = json!({ "event.ingested": null, "@timestamp": "yesterday" });
    let events = vec![
        event(1, at(-1.0), &late),
        event(2, at(-1.0), &future),
        event(3, at(-1.0), &without),
        event(4, at(-1.0), &unread),
        event(5, at(-60.0), &json!({ "@timestamp": at(-1.0).to_string() })),
    ];
    let check = |parts: &str, expected: &[&str], warnings: &[Warning]| {
        let mut past = Past::new(Vec::new());
        let rule = rule(&format!("{QUERY}{parts}"));
        // Everything is fed: what does not belong to the window is not counted.
        let run = Run { uuid: "u".into(), started: at(0.0), manual: false };
        let mut execution = Execution::new(
            &rule,
            &crate::past::installed(),
            &run,
            window(-9.0, 0.0),
            past.state.clone(),
            Limits::default(),
        )
        .unwrap();
        execution.feed(&events, true);
        execution.answer(Default::default());
        let outcome = execution.finish();
        past.write(&outcome);
        assert_eq!(past.alerted(), expected, "{parts}");
        assert_eq!(outcome.warnings, warnings, "{parts}");
    };
    check("", &["1", "2", "3"], &[Warning::Undated { events: 1 }]);
    check("timestamp_override_fallback_disabled = true\n", &["1", "2"], &[Warning::Undated { events: 2 }]);
}

#[test]
fn the_first_time_of_an_identity_in_seven_days() {
    let who = |id: u64, minutes: f64, name: &str| event(id, at(minutes), &json!({ "user.name": name }));
    const DAY: f64 = 1440.0;
    let events = vec![
        who(1, -8.0 * DAY, "ann"),
        who(2, -6.0 * DAY, "ben"),
        who(3, -9.0, "cid"),
        who(4, -3.0, "ann"),
        who(5, -2.0, "ann"),
        who(6, -2.0, "ben"),
        who(7, -1.0, "cid"),
        who(8, -1.0, "dora"),
        event(9, at(-1.0), &json!({})),
    ];
    for kept in [1000, 1] {
        let mut past = Past::new(events.clone());
        let rule = novelty("[\"user.name\"]");
        let outcome = past.outcome(&rule, window(-9.0, 0.0), Limits { kept, ..Limits::default() });
        past.write(&outcome);
        assert_eq!(past.alerted(), ["4", "8"], "{kept}");
        let terms = |id: &str| {
            let found =
                past.alerts.values().find(|(alert, _)| alert["kibana.alert.ancestors"][0]["id"] == id);
            found.unwrap().0["kibana.alert.new_terms"].clone()
        };
        assert_eq!((terms("4"), terms("8")), (json!(["ann"]), json!(["dora"])));
        // The window five minutes on still holds both, and finds them again.
        let (alerts, _) = past.run(&rule, window(-4.0, 5.0));
        assert_eq!(alerts.len(), 0, "{kept}");
    }
}

#[test]
fn lists_make_an_alert_for_each_new_combination() {
    let both = json!({ "user.name": ["ann", "ben"], "source.ip": ["::1", "::2"] });
    let mut past = Past::new(vec![
        event(1, at(-99.0), &json!({ "user.name": "ann", "source.ip": "::1" })),
        event(2, at(-3.0), &both),
        event(3, at(-2.0), &both),
    ]);
    let (alerts, _) = past.run(&novelty("[\"user.name\", \"source.ip\"]"), window(-9.0, 0.0));
    assert_eq!(alerts.len(), 3);
    assert_eq!(past.alerted(), ["2", "2", "2"]);
}

#[test]
fn a_million_terms_have_a_limit_and_a_warning() {
    let events =
        (0..50).map(|n| event(n, at(-4.0 + f64::from(n) / 60.0), &json!({ "user.name": n }))).collect();
    let mut past = Past::new(events);
    let limits = Limits { terms: 20, kept: 5, ..Limits::default() };
    let outcome = past.outcome(&novelty("[\"user.name\"]"), window(-9.0, 0.0), limits);
    assert_eq!(outcome.alerts.len(), 20);
    assert_eq!(outcome.warnings, [Warning::TooManyTerms { limit: 20, since: at(-4.0 + 20.0 / 60.0) }]);
}

#[test]
fn a_history_that_begins_in_the_window_is_refused() {
    let mut rule = novelty("[\"user.name\"]");
    rule.schedule.from = hardline_detect::rule::date_math::DateMath::parse("now-8d").unwrap();
    let run = Run { uuid: "u".into(), started: at(0.0), manual: false };
    let window = window(-8.0 * 1440.0, 0.0);
    let new =
        Execution::new(&rule, &crate::past::installed(), &run, window, Default::default(), Limits::default());
    assert_eq!(new.err(), Some(EngineError::History));
}

#[test]
fn groups_reach_a_threshold_once_and_begin_again_behind_it() {
    let rule = threshold("[\"user.name\"]", 3, "");
    let who = |id: u64, minutes: f64, name: &str| event(id, at(minutes), &json!({ "user.name": name }));
    let mut past = Past::new(vec![
        who(1, -8.0, "ann"),
        who(2, -5.0, "ann"),
        who(3, -3.0, "ann"),
        who(4, -3.0, "ben"),
        who(5, -2.0, "ben"),
        event(6, at(-1.0), &json!({})),
    ]);
    let (alerts, warnings) = past.run(&rule, window(-9.0, 0.0));
    assert_eq!((alerts.len(), warnings.as_slice()), (1, [].as_slice()));
    let alert = past.alerts[&alerts[0]].0.clone();
    assert_eq!(
        alert["kibana.alert.threshold_result"],
        json!({ "terms": [{ "field": "user.name", "value": "ann" }], "cardinality": [], "count": 3,
            "from": "2026-11-21T09:52:00.000Z" })
    );
    assert_eq!(alert["kibana.alert.original_time"], "2026-11-21T09:57:00.000Z");
    assert_eq!(alert["user.name"], "ann");
    // What was counted is not counted again: two more of ann are no alert, three are, and one more of ben is.
    past.documents.extend([who(7, 1.0, "ann"), who(8, 2.0, "ann"), who(9, 1.0, "ben")]);
    let (alerts, _) = past.run(&rule, window(-4.0, 5.0));
    let names: Vec<_> = alerts.iter().map(|id| past.alerts[id].0["user.name"].clone()).collect();
    assert_eq!(names, ["ben"]);
    past.documents.push(who(10, 6.0, "ann"));
    let (alerts, _) = past.run(&rule, window(1.0, 10.0));
    assert_eq!(alerts.len(), 1);
    assert_eq!(past.alerts[&alerts[0]].0["kibana.alert.threshold_result"]["count"], 3);
    past.documents.clear();
    past.run(&rule, window(90.0, 99.0));
    assert!(past.state.groups.is_empty(), "what no window reaches is forgotten");
}

#[test]
fn distinct_values_count_once() {
    let cardinality = "[[rule.threshold.cardinality]]\nfield = \"azure.resource.name\"\nvalue = 3\n";
    let rule = threshold("[]", 1, cardinality);
    let machine = |id: u64, name: Value| event(id, at(-1.0), &json!({ "azure.resource.name": name }));
    let mut few = Past::new(vec![machine(1, json!("a")), machine(2, json!("b")), machine(3, json!("a"))]);
    assert_eq!(few.run(&rule, window(-9.0, 0.0)).0.len(), 0);
    let mut many = Past::new(vec![machine(1, json!(["a", "b"])), machine(2, json!("c"))]);
    let (alerts, _) = many.run(&rule, window(-9.0, 0.0));
    let result = &many.alerts[&alerts[0]].0["kibana.alert.threshold_result"];
    assert_eq!(result["cardinality"], json!([{ "field": "azure.resource.name", "value": 3 }]));
    assert_eq!(result["count"], 2);
}

#[test]
fn too_many_groups_are_told() {
    let events: Vec<_> = (0..30).map(|n| event(n, at(-1.0), &json!({ "user.name": n % 15 }))).collect();
    let mut past = Past::new(events);
    let limits = Limits { groups: 10, ..Limits::default() };
    let outcome = past.outcome(&threshold("[\"user.name\"]", 2, ""), window(-9.0, 0.0), limits);
    assert_eq!(outcome.alerts.len(), 10);
    assert_eq!(outcome.warnings, [Warning::TooManyGroups { limit: 10, events: 10 }]);
    assert!(outcome.warnings[0].to_string().contains("10 events of further groups were not counted"));
}

#[test]
fn groups_beyond_the_limit_of_alerts_come_with_the_next_run() {
    let mut rule = threshold("[\"user.name\"]", 2, "");
    rule.schedule.max_signals = 4;
    let events: Vec<_> = (0..12).map(|n| event(n, at(-1.0), &json!({ "user.name": n % 6 }))).collect();
    let mut past = Past::new(events);
    let (alerts, warnings) = past.run(&rule, window(-9.0, 0.0));
    assert_eq!((alerts.len(), warnings), (4, vec![Warning::MaxSignals { limit: 4 }]));
    assert_eq!(past.run(&rule, window(-4.0, 5.0)).0.len(), 2);
    assert_eq!(past.run(&rule, window(-4.0, 5.0)).0.len(), 0);
}

#[test]
fn exceptions_leave_out_what_they_mean() {
    let events = vec![
        event(1, at(-1.0), &json!({ "user.name": "robot", "source.ip": "10.0.0.1" })),
        event(2, at(-1.0), &json!({ "user.name": "robot", "source.ip": "203.0.113.7" })),
        event(3, at(-1.0), &json!({ "user.name": "ann", "source.as.number": 64500 })),
        event(4, at(-1.0), &json!({ "user.name": ["x", "robot-7"] })),
        event(5, at(-1.0), &json!({ "list": [{ "a": "1", "b": "2" }, { "a": "3", "b": "4" }] })),
        event(6, at(-1.0), &json!({})),
    ];
    let table = [
        ("[{ field = 'user.name', type = 'match', operator = 'included', value = 'robot' }]", "3 4 5 6"),
        (
            "[{ field = 'user.name', type = 'match', operator = 'included', value = 'robot' }, \
              { field = 'source.ip', type = 'match', operator = 'excluded', value = '10.0.0.1' }]",
            "1 3 4 5 6",
        ),
        (
            "[{ field = 'source.as.number', type = 'match_any', operator = 'included', value = ['1', '64500'] }]",
            "1 2 4 5 6",
        ),
        ("[{ field = 'source.ip', type = 'match', value = '10.0.0.0/8' }]", "2 3 4 5 6"),
        ("[{ field = 'user.name', type = 'match', value = 'r\"o\\bot' }]", "1 2 3 4 5 6"),
        ("[{ field = 'a b', type = 'match', value = 'x' }]", "1 2 3 4 5 6"),
        (
            "[{ field = 'user.name', type = 'wildcard', operator = 'included', value = 'robot-?' }]",
            "1 2 3 5 6",
        ),
        ("[{ field = 'user.name', type = 'wildcard', operator = 'included', value = '*o*' }]", "3 5 6"),
        ("[{ field = 'user.name', type = 'exists', operator = 'included' }]", "5 6"),
        ("[{ field = 'user.name', type = 'exists', operator = 'excluded' }]", "1 2 3 4"),
        (
            "[{ field = 'list', type = 'nested', entries = [ \
               { field = 'a', type = 'match', operator = 'included', value = '1' }, \
               { field = 'b', type = 'match', operator = 'included', value = '2' } ] }]",
            "1 2 3 4 6",
        ),
        (
            "[{ field = 'list', type = 'nested', entries = [ \
               { field = 'a', type = 'match', operator = 'included', value = '1' }, \
               { field = 'b', type = 'match', operator = 'included', value = '4' } ] }]",
            "1 2 3 4 5 6",
        ),
    ];
    for (entries, expected) in table {
        for (expiry, expected) in [
            ("", expected),
            ("expire_time = '2026-11-21T10:00:01Z'\n", expected),
            ("expire_time = '2026-11-21T10:00:00Z'\n", "1 2 3 4 5 6"),
        ] {
            let rule = rule(&format!(
                "{QUERY}[[rule.exceptions_list]]\nitem_id = 'i'\n{expiry}entries = {entries}\n"
            ));
            let mut past = Past::new(events.clone());
            past.run(&rule, window(-9.0, 0.0));
            assert_eq!(past.alerted().join(" "), expected, "{entries} {expiry}");
            let text = rule.to_toml().unwrap();
            assert_eq!(crate::reading::one(&text), rule, "{text}");
        }
    }
}

#[test]
fn a_rule_does_not_speak_of_its_own_alerts() {
    let mut past = Past::new(vec![event(1, at(-3.0), &json!({}))]);
    let (alerts, _) = past.run(&query(), window(-9.0, 0.0));
    let mut alert = past.alerts[&alerts[0]].0.clone();
    alert["event.ingested"] = json!(at(-1.0).to_string());
    past.documents = vec![event(2, at(-1.0), &alert)];
    assert_eq!(past.run(&query(), window(-9.0, 0.0)).0.len(), 1, "a document that says nothing of rules");
    // What stems from this rule says so in its ancestors.
    let mut own = alert.clone();
    own["kibana.alert.ancestors"] =
        json!([{ "id": "1", "type": "signal", "rule": crate::past::installed().uuid }]);
    past.documents = vec![event(3, at(-1.0), &own)];
    assert_eq!(past.run(&query(), window(-9.0, 0.0)).0.len(), 0);
}

#[test]
fn an_alert_says_what_happened_and_which_rule_says_so() {
    let text = hardline_detect::rule::shipped::SHIPPED[0].text;
    let rule = crate::reading::one(text);
    let fields = json!({
        "event.action": "MICROSOFT.COMPUTE/VIRTUALMACHINES/RETRIEVEBOOTDIAGNOSTICSDATA/ACTION",
        "source.ip": "203.0.113.7",
        "user.name": "alice",
        "azure.resource.name": "VM1",
        "azure.activitylogs.identity.authorization.evidence.principal_id": "7".repeat(32),
        "threshold_result": 1,
        "signal": { "x": 1 },
    });
    let document = nested(&event("e1", at(-3.0), &fields));
    let mut past = Past::new(Vec::new());
    let run = Run { uuid: "run-1".into(), started: at(0.0), manual: true };
    let mut execution = Execution::new(
        &rule,
        &crate::past::installed(),
        &run,
        window(-9.0, 0.0),
        Default::default(),
        Limits::default(),
    )
    .unwrap();
    execution.feed(&[document], true);
    execution.answer(Default::default());
    let outcome = execution.finish();
    past.write(&outcome);
    let alert = &outcome.alerts[0];
    assert_eq!(
        alert.reason,
        "event with source 203.0.113.7 by alice created medium alert Boot diagnostics of a virtual machine retrieved."
    );
    let triage = |field: &str| alert.triage.iter().find(|(name, _)| name == field).unwrap().1.clone();
    assert_eq!(alert.triage.len(), 14);
    assert_eq!(triage("@timestamp"), [json!(at(-3.0).to_string())], "the event's time, not the alert's");
    assert_eq!(triage("azure.resource.name"), [json!("VM1")]);
    assert_eq!(triage("source.as.number"), Vec::<Value>::new());
    let document = &alert.document;
    for gone in ["kibana", "signal", "threshold_result"] {
        assert_eq!(document.get(gone), None, "{gone}");
    }
    assert_eq!(document["event"]["kind"], "signal");
    assert_eq!(document["event"]["action"], fields["event.action"]);
    let expected = json!({
        "@timestamp": "2026-11-21T10:00:00.000Z",
        "kibana.space_ids": ["default"],
        "kibana.alert.uuid": alert.id,
        "kibana.alert.status": "active",
        "kibana.alert.workflow_status": "open",
        "kibana.alert.workflow_tags": [],
        "kibana.alert.workflow_assignee_ids": [],
        "kibana.alert.severity": "medium",
        "kibana.alert.risk_score": 47,
        "kibana.alert.reason": alert.reason,
        "kibana.alert.depth": 1,
        "kibana.alert.original_time": "2026-11-21T09:57:00.000Z",
        "kibana.alert.ancestors": [{ "id": "e1", "type": "event", "index": crate::past::INDEX, "depth": 0 }],
        "kibana.alert.start": "2026-11-21T10:00:00.000Z",
        "kibana.alert.last_detected": "2026-11-21T10:00:00.000Z",
        "kibana.alert.intended_timestamp": "2026-11-21T10:00:00.000Z",
        "kibana.alert.original_event.action": fields["event.action"],
        "kibana.alert.original_event.outcome": "success",
        "kibana.alert.original_event.kind": "event",
        "kibana.alert.original_event.dataset": "azure.activitylogs",
        "kibana.alert.original_data_stream.dataset": "azure.activitylogs",
        "kibana.alert.rule.uuid": crate::past::installed().uuid,
        "kibana.alert.rule.rule_id": rule.about.rule_id,
        "kibana.alert.rule.name": rule.about.name,
        "kibana.alert.rule.type": "query",
        "kibana.alert.rule.rule_type_id": "siem.queryRule",
        "kibana.alert.rule.producer": "siem",
        "kibana.alert.rule.consumer": "siem",
        "kibana.alert.rule.version": 1,
        "kibana.alert.rule.revision": 3,
        "kibana.alert.rule.from": "now-9m",
        "kibana.alert.rule.to": "now",
        "kibana.alert.rule.interval": "5m",
        "kibana.alert.rule.max_signals": 100,
        "kibana.alert.rule.timestamp_override": "event.ingested",
        "kibana.alert.rule.indices": ["logs-azure.activitylogs-*"],
        "kibana.alert.rule.exceptions_list": [],
        "kibana.alert.rule.execution.uuid": "run-1",
        "kibana.alert.rule.execution.type": "manual",
        "kibana.alert.rule.execution.timestamp": "2026-11-21T10:00:00.000Z",
        "kibana.alert.rule.created_by": "ann",
        "kibana.alert.rule.updated_by": "ben",
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&document[key], value, "{key}");
    }
    assert_eq!(document["kibana.alert.rule.threat"][0]["tactic"]["id"], "TA0006");
    assert_eq!(document["kibana.alert.rule.threat"][0]["technique"][0]["id"], "T1552");
    assert_eq!(document["kibana.alert.rule.parameters"]["rule_id"], json!(rule.about.rule_id));
}

#[test]
fn a_run_that_was_not_written_is_made_again_the_same() {
    let who = |id: u64| event(id, at(-3.0), &json!({ "user.name": id % 3 }));
    let rules = [
        query(),
        novelty("[\"user.name\"]"),
        threshold("[\"user.name\"]", 2, ""),
        rule(&format!("{QUERY}[rule.alert_suppression]\ngroup_by = [\"user.name\"]\n")),
    ];
    for rule in rules {
        let mut past = Past::new((0..9).map(who).collect());
        let lost = past.outcome(&rule, window(-9.0, 0.0), Limits::default());
        past.page = 2;
        let again = past.outcome(&rule, window(-9.0, 0.0), Limits::default());
        assert_eq!((again.alerts, again.state), (lost.alerts, lost.state), "{:?}", rule.kind);
        assert_ne!(again.counts.read, 0);
    }
}
