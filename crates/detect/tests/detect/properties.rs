//! What holds for any past.

use crate::past::{Past, at, event, rule, window};
use hardline_detect::engine::{Document, Limits, Window, plan};
use hardline_detect::rule::{File, read};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Events by seconds, each with one of a few names.
fn events() -> impl Strategy<Value = Vec<Document>> {
    proptest::collection::vec((0..3600_u32, 0..6_u8), 0..60).prop_map(|mut events| {
        events.sort_unstable();
        let one = |(n, (second, name)): (usize, (u32, u8))| {
            event(
                n,
                at(f64::from(second) / 60.0),
                &json!({ "user.name": name, "event.outcome": if name == 5 { "failure" } else { "success" } }),
            )
        };
        events.into_iter().enumerate().map(one).collect()
    })
}

/// Starts of runs within the hour, in seconds, and the last one at its end.
fn starts() -> impl Strategy<Value = Vec<i64>> {
    proptest::collection::btree_set(0..3600_i64, 0..20).prop_map(|mut starts| {
        starts.insert(3600);
        starts.into_iter().collect()
    })
}

proptest! {
    /// However the hour is cut into windows that overlap, each matching event is one alert.
    #[test]
    fn any_windows_that_cover_the_past_alert_once(
        events in events(),
        cuts in proptest::collection::btree_set(0..3600_i64, 0..12),
        overlap in 0..600_i64,
        page in 1..20_usize,
    ) {
        let rule = rule("type = \"query\"\nquery = \"event.outcome: success\"\n");
        let mut past = Past::new(events.clone());
        past.page = page;
        let mut from = 0;
        for cut in cuts.into_iter().chain([3600]) {
            let moment = |second: i64| at(0.0) + SignedDuration::from_secs(second);
            past.run(&rule, Window { from: moment(from - overlap), to: moment(cut) });
            from = cut;
        }
        let expected: Vec<_> =
            events.iter().filter(|e| e.body["event.outcome"] == "success").map(|e| e.id.clone()).collect();
        prop_assert_eq!(past.alerted(), expected);
    }

    /// Runs that come whenever they come: with catch-up windows nothing is alerted twice, and what is not alerted at all lies
    /// in a gap that was stated.
    #[test]
    fn late_runs_miss_only_what_they_state(events in events(), starts in starts()) {
        let rule = rule("type = \"query\"\nquery = \"event.outcome: success\"\n");
        let mut past = Past::new(events.clone());
        let mut gaps = Vec::new();
        let mut previous = Some(at(0.0));
        for second in starts {
            let started = at(0.0) + SignedDuration::from_secs(second);
            let plan = plan(&rule.schedule, previous, started).unwrap();
            for window in plan.windows {
                past.run(&rule, window);
            }
            gaps.extend(plan.gap);
            previous = Some(started);
        }
        let alerted: BTreeSet<_> = past.alerted().into_iter().collect();
        for event in events.iter().filter(|e| e.body["event.outcome"] == "success") {
            let time = event.body["event.ingested"].as_str().unwrap().parse().unwrap();
            let told = gaps.iter().any(|gap| gap.from <= time && time <= gap.to);
            prop_assert!(alerted.contains(&event.id) || told, "{} {:?}", event.id, gaps);
        }
    }

    /// The machine with pages and little memory finds the same new values as a plain look at all events.
    #[test]
    fn new_values_are_those_of_a_plain_look(
        events in events(),
        from in 600..3000_i64,
        page in 1..20_usize,
        kept in 0..4_usize,
    ) {
        let rule = rule(
            "type = \"new_terms\"\nquery = \"event.outcome: success\"\nnew_terms_fields = [\"user.name\"]\n\
             history_window_start = \"now-30m\"\n",
        );
        let window = Window { from: at(0.0) + SignedDuration::from_secs(from), to: at(0.0) + SignedDuration::from_secs(from + 600) };
        let mut past = Past::new(events.clone());
        past.page = page;
        let outcome = past.outcome(&rule, window, Limits { kept, ..Limits::default() });
        past.write(&outcome);
        let history = window.to - SignedDuration::from_mins(30);
        let mut first: BTreeMap<String, (jiff::Timestamp, String)> = BTreeMap::new();
        for event in &events {
            let time: jiff::Timestamp = event.body["event.ingested"].as_str().unwrap().parse().unwrap();
            if event.body["event.outcome"] == "success" && history <= time && time <= window.to {
                first.entry(event.body["user.name"].to_string()).or_insert((time, event.id.clone()));
            }
        }
        let mut expected: Vec<_> =
            first.into_values().filter(|(time, _)| *time > window.from).map(|(_, id)| id).collect();
        expected.sort_by_key(|id| id.parse::<u64>().unwrap());
        prop_assert_eq!(past.alerted(), expected);
        prop_assert_eq!(outcome.warnings, []);
    }

    /// Whatever a threshold rule counted for an alert is not counted again: no event is in two alerts.
    #[test]
    fn an_event_counts_for_one_threshold_alert(events in events(), value in 1..6_u64) {
        let rule = rule(&format!(
            "type = \"threshold\"\nquery = \"event.outcome: success\"\n[rule.threshold]\nfield = \"user.name\"\nvalue = {value}\n"
        ));
        let mut past = Past::new(events.clone());
        for end in (0..=60).step_by(5) {
            past.run(&rule, window(f64::from(end) - 9.0, f64::from(end)));
        }
        let counted: u64 =
            past.alerts.values().map(|(a, _)| a["kibana.alert.threshold_result"]["count"].as_u64().unwrap()).sum();
        let matching = events.iter().filter(|e| e.body["event.outcome"] == "success").count() as u64;
        prop_assert!(counted <= matching);
        if value == 1 {
            // All but those at the last counted moment of their group, which count as counted.
            prop_assert!(past.alerts.is_empty() == (matching == 0));
        }
    }

    /// Hostile files: read, reported, never a panic; what is read is written back as the same.
    #[test]
    fn any_text_is_reported(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let export = format!("{{\"rule_id\":\"{}\"}}", text.replace(['"', '\\'], ""));
        for (name, bytes) in [("a.toml", text.as_bytes()), ("b", &bytes), ("c.ndjson", text.as_bytes()), ("d.json", export.as_bytes())] {
            let report = read(&[File { name, bytes }]);
            for rule in report.rules() {
                prop_assert!(rule.to_toml().is_ok());
            }
        }
    }
}
