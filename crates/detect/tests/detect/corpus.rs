//! Rules in the form of rule repositories, each with events of which it speaks and others that come near.
//!
//! `corpus/NAME.toml` is the rule, `corpus/NAME.json` has `fires` and `silent`: an event each, or a list of events that are
//! looked at together.

use crate::past::{Past, at, event, nested, window};
use hardline_detect::engine::Document;
use hardline_detect::rule::{File, Kind, Rule, read};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/detect/corpus")
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|file| Some(file.unwrap().file_name().to_str()?.strip_suffix(".toml")?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() > 20);
    names
}

fn corpus() -> Vec<(String, Rule, Value)> {
    let texts: Vec<_> = names()
        .into_iter()
        .map(|name| {
            let text = fs::read(folder().join(format!("{name}.toml"))).unwrap();
            (format!("{name}.toml"), text)
        })
        .collect();
    let files: Vec<_> = texts.iter().map(|(name, bytes)| File { name, bytes }).collect();
    let report = read(&files);
    let broken: Vec<_> = report.entries.iter().filter(|entry| entry.outcome.word() != "read").collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let noted: Vec<_> = report.entries.iter().flat_map(|entry| &entry.notes).collect();
    assert!(noted.is_empty(), "{noted:#?}");
    let with_events = |rule: &Rule, name: &str| {
        let events = fs::read_to_string(folder().join(name.replace(".toml", ".json"))).unwrap();
        (name.to_owned(), rule.clone(), serde_json::from_str(&events).unwrap())
    };
    report.rules().zip(&report.entries).map(|(rule, entry)| with_events(rule, &entry.file)).collect()
}

/// The events of one case: five minutes before the end of the window, a second apart.
fn case(case: &Value, first: usize) -> Vec<Document> {
    let fields = match case {
        Value::Array(events) => events.clone(),
        one => vec![one.clone()],
    };
    let time = |index: usize| at(-5.0 + (first + index) as f64 / 60.0);
    fields.iter().enumerate().map(|(index, fields)| event(first + index, time(index), fields)).collect()
}

#[test]
fn every_rule_fires_on_its_events_and_is_silent_on_near_misses() {
    for (name, rule, events) in corpus() {
        for (kind, expected) in [("fires", 1), ("silent", 0)] {
            for one in events[kind].as_array().unwrap() {
                for turned in [false, true] {
                    let mut documents = case(one, 0);
                    if turned {
                        documents = documents.iter().map(nested).collect();
                    }
                    let (alerts, warnings) = Past::new(documents).run(&rule, window(-9.0, 0.0));
                    assert_eq!(
                        (alerts.len(), warnings.as_slice()),
                        (expected, [].as_slice()),
                        "{name} {kind} {one}"
                    );
                }
            }
        }
    }
}

#[test]
fn all_events_at_once_alert_as_often_as_each_alone() {
    for (name, rule, events) in corpus() {
        if matches!(rule.kind, Kind::Threshold(_)) {
            continue;
        }
        let mut documents = Vec::new();
        for one in ["silent", "fires"].iter().flat_map(|kind| events[kind].as_array().unwrap()) {
            documents.extend(case(one, documents.len()));
        }
        let mut past = Past::new(documents);
        let (alerts, _) = past.run(&rule, window(-9.0, 0.0));
        assert_eq!(alerts.len(), events["fires"].as_array().unwrap().len(), "{name}");
        let (again, _) = past.run(&rule, window(-4.0 - 4.0, 1.0));
        assert_eq!(again, Vec::<String>::new(), "{name}: the next window adds none");
    }
}

#[test]
fn every_kind_of_rule_and_every_field_of_the_data_set_is_among_them() {
    let corpus = corpus();
    let kinds: BTreeSet<_> = corpus.iter().map(|(_, rule, _)| rule.kind.word()).collect();
    assert_eq!(kinds, BTreeSet::from(["new_terms", "query", "threshold"]));
    let text: String =
        names().iter().map(|n| fs::read_to_string(folder().join(format!("{n}.toml"))).unwrap()).collect();
    for field in [
        "data_stream.dataset",
        "event.dataset",
        "event.action",
        "event.outcome",
        "azure.activitylogs.operation_name",
        "evidence.principal_id",
        "evidence.principal_type",
        "evidence.role",
        "claims_initiated_by_user.name",
        "claims.appid",
        "azure.resource.name",
        "azure.resource.group",
        "azure.resource.id",
        "azure.activitylogs.resource.id",
        "source.as.number",
        "source.ip",
        "properties.status_code",
        "properties.responseBody",
        "requestbody.properties.roleDefinitionId",
        "properties.appId",
        "signinlogs.properties.user_type",
    ] {
        assert!(text.contains(field), "{field}");
    }
}

#[test]
fn rules_are_written_back_as_the_same_rules() {
    for (name, rule, _) in corpus() {
        let text = rule.to_toml().unwrap();
        let report = read(&[File { name: &name, bytes: text.as_bytes() }]);
        let again = report.rules().next().unwrap_or_else(|| panic!("{name}: {report:#?}\n{text}"));
        assert_eq!(again, &rule, "{text}");
        assert_eq!(again.to_toml().unwrap(), text);
    }
}
