//! Rule files: what is read, what is unsupported, what is broken and where.

use hardline_detect::rule::date_math::DateMath;
use hardline_detect::rule::exception::ExceptionTest;
use hardline_detect::rule::{Entry, File, Kind, Outcome, Report, Rule, Severity, read, read_toml};
use serde_json::{Value, json};

pub fn one(text: &str) -> Rule {
    match read_toml("rule.toml", text).outcome {
        Outcome::Rule(rule) => *rule,
        other => panic!("{other:#?}"),
    }
}

fn export(lines: &[Value]) -> Report {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    read(&[File { name: "rules.ndjson", bytes: text.as_bytes() }])
}

/// A rule's line, as Kibana exports it, with some members changed.
fn line(id: &str, changes: &Value) -> Value {
    let mut rule = json!({
        "id": "6e6a5a9c-5a3c-4c40-b0f5-1f4f1c4a4a10", "updated_at": "2026-11-20T08:00:00.000Z", "updated_by": "elastic",
        "created_at": "2026-11-19T08:00:00.000Z", "created_by": "elastic", "name": format!("Rule {id}"), "tags": ["a"],
        "interval": "5m", "enabled": false, "revision": 4, "description": "d", "risk_score": 21, "severity": "low",
        "license": "", "output_index": "", "meta": { "from": "4m" }, "author": [], "false_positives": [], "from": "now-540s",
        "rule_id": id, "max_signals": 100, "risk_score_mapping": [], "severity_mapping": [], "threat": [], "to": "now",
        "references": [], "version": 7, "exceptions_list": [], "immutable": false, "rule_source": { "type": "internal" },
        "related_integrations": [], "required_fields": [], "setup": "", "type": "query", "language": "kuery",
        "index": ["logs-*"], "query": "event.outcome: failure", "filters": [], "actions": [], "note": "",
    });
    for (key, value) in changes.as_object().unwrap() {
        rule[key] = value.clone();
    }
    rule
}

fn words(report: &Report) -> Vec<&'static str> {
    report.entries.iter().map(|entry| entry.outcome.word()).collect()
}

/// Everything that is said about an entry.
fn said(entry: &Entry) -> String {
    let outcome = match &entry.outcome {
        Outcome::Rule(_) => String::new(),
        Outcome::Unsupported(rule) => {
            rule.reasons.iter().map(|r| format!("{}: {r}", r.code())).collect::<Vec<_>>().join("; ")
        }
        Outcome::Broken(remarks) => remarks.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Outcome::Duplicate { of } => format!("duplicate of {of}"),
    };
    let notes: Vec<_> = entry.notes.iter().map(ToString::to_string).collect();
    format!("{outcome} | {}", notes.join("; "))
}

const WHOLE: &str = r###"
[metadata]
creation_date = "2026/11/01"
integration = ["azure"]
maturity = "production"
min_stack_version = "9.3.0"
updated_date = "2026/11/02"
added_later = 2026-11-02

[transform]
[[transform.osquery]]
label = "Users"
query = "SELECT * FROM users"

[rule]
author = ["A", "B"]
building_block_type = "default"
description = """
Two
lines."""
false_positives = ["Backups."]
from = "now-30m"
index = ["logs-*", "-logs-x-*"]
interval = "15m"
language = "kuery"
license = "Apache-2.0"
max_signals = 42
name = "Whole"
note = "## Guide"
references = ["https://example.org/"]
risk_score = 73
rule_id = "00000000-0000-4000-8000-000000000abc"
rule_name_override = "message"
setup = "## Setup"
severity = "high"
tags = ["T"]
timeline_id = "t"
timeline_title = "Timeline"
timestamp_override = "event.ingested"
to = "now-1m"
type = "threshold"
unheard_of = { deep = [1, 2] }
version = 9

query = '''
event.outcome : failure
'''

[[rule.required_fields]]
ecs = true
name = "event.outcome"
type = "keyword"

[[rule.related_integrations]]
package = "azure"
version = "^1.37.0"

[[rule.threat]]
framework = "MITRE ATT&CK"
[[rule.threat.technique]]
id = "T1552"
name = "Unsecured Credentials"
reference = "https://attack.mitre.org/techniques/T1552/"
[[rule.threat.technique.subtechnique]]
id = "T1552.001"
name = "Credentials In Files"
reference = "https://attack.mitre.org/techniques/T1552/001/"
[rule.threat.tactic]
id = "TA0006"
name = "Credential Access"
reference = "https://attack.mitre.org/tactics/TA0006/"

[[rule.threat]]
framework = "MITRE ATT&CK"
[rule.threat.tactic]
id = "TA0040"
name = "Impact"
reference = "https://attack.mitre.org/tactics/TA0040/"

[rule.threshold]
field = ["user.name", "source.ip"]
value = 5
[[rule.threshold.cardinality]]
field = "azure.resource.name"
value = 3

[rule.alert_suppression.duration]
unit = "h"
value = 2

[rule.investigation_fields]
field_names = ["user.name", "source.ip"]
"###;

#[test]
fn everything_that_a_toml_file_says_is_kept() {
    let entry = read_toml("whole.toml", WHOLE);
    assert_eq!(
        said(&entry),
        " | line 42, column 1: unheard_of: this key is not known here; it is kept and shown, and changes nothing"
    );
    let rule = one(WHOLE);
    let about = &rule.about;
    assert_eq!((about.severity, about.risk_score, about.version), (Severity::High, 73, 9));
    assert_eq!(about.description, "Two\nlines.");
    assert_eq!(about.author, ["A", "B"]);
    assert_eq!(about.building_block_type.as_deref(), Some("default"));
    assert_eq!(about.threat.len(), 2);
    assert_eq!(about.threat[0].technique[0].subtechnique[0].id, "T1552.001");
    assert_eq!(about.threat[1].tactic.name, "Impact");
    assert_eq!(about.investigation_fields, ["user.name", "source.ip"]);
    assert_eq!(about.metadata["added_later"], "2026-11-02");
    assert_eq!(about.kept["unheard_of"], json!({ "deep": [1, 2] }));
    assert_eq!(about.kept["related_integrations"][0]["package"], "azure");
    assert_eq!(about.kept["timeline_title"], "Timeline");
    let schedule = &rule.schedule;
    let shown =
        (schedule.from.text(), schedule.to.text(), schedule.interval.to_string(), schedule.max_signals);
    assert_eq!(shown, ("now-30m", "now-1m", "15m".to_owned(), 42));
    let Kind::Threshold(threshold) = &rule.kind else { panic!("{:?}", rule.kind) };
    assert_eq!((threshold.field.len(), threshold.value, threshold.cardinality[0].value), (2, 5, 3));
    assert_eq!(rule.suppression.as_ref().unwrap().duration.unwrap().to_string(), "2h");
    assert_eq!(one(&rule.to_toml().unwrap()), rule);
}

const LEAST: &str =
    "rule_id = \"r\"\nname = \"n\"\ndescription = \"d\"\nseverity = \"low\"\nrisk_score = 1\n";

#[test]
fn what_is_absent_has_its_default() {
    let rule = one(&format!("[rule]\n{LEAST}type = \"query\"\n"));
    let schedule = &rule.schedule;
    let shown =
        (schedule.from.text(), schedule.to.text(), schedule.interval.to_string(), schedule.max_signals);
    assert_eq!(shown, ("now-6m", "now", "5m".to_owned(), 100));
    assert_eq!((rule.query.as_str(), rule.about.version, rule.enabled), ("", 1, true));
    assert_eq!((rule.timestamp_override, rule.index.len()), (None, 0));
}

#[test]
fn rules_of_other_kinds_are_unsupported_with_the_reason() {
    let table = [
        ("type = \"eql\"\nlanguage = \"eql\"\nquery = \"any where true\"", "eql: it is written in EQL"),
        (
            "type = \"esql\"\nlanguage = \"esql\"\nquery = \"FROM x | WHERE y\"",
            "esql: it is written in ES|QL",
        ),
        (
            "type = \"machine_learning\"\nanomaly_threshold = 50\nmachine_learning_job_id = [\"j\"]",
            "machine_learning: ",
        ),
        ("type = \"threat_match\"\nthreat_index = [\"t\"]\nquery = \"*:*\"", "threat_match: "),
        ("type = \"saved_query\"\nsaved_id = \"s\"", "saved_query: "),
        ("type = \"divination\"", "type: its type 'divination' is not known here"),
        (
            "type = \"query\"\nlanguage = \"lucene\"\nquery = \"a:[1 TO 2]\"",
            "language: its query is written in 'lucene'",
        ),
        (
            "type = \"query\"\ndata_view_id = \"logs\"\nquery = \"\"",
            "data_view: it looks at the data view 'logs'",
        ),
        (
            "type = \"query\"\nquery = \"\"\n[[rule.filters]]\nmeta = { negate = false }\n[[rule.filters]]\nmeta = {}",
            "filters: it has 2 filters",
        ),
        (
            "type = \"new_terms\"\nlanguage = \"lucene\"\nnew_terms = 7\nquery = \"a\"",
            "language: its query is written in 'lucene'",
        ),
    ];
    for (parts, reason) in table {
        let entry = read_toml("r.toml", &format!("[rule]\n{LEAST}{parts}\n"));
        assert!(matches!(entry.outcome, Outcome::Unsupported(_)), "{parts}: {entry:#?}");
        let said = said(&entry);
        assert!(said.starts_with(reason) && said.ends_with(" | "), "{parts}: {said}");
    }
}

#[test]
fn what_is_broken_is_told_with_its_place() {
    let rule = |parts: &str| format!("[rule]\n{LEAST}{parts}");
    let table = [
        ("".to_owned(), "the file has no table [rule]"),
        ("[rules]\n".into(), "the file has no table [rule]"),
        ("[rule\nname = 1\n".into(), "line 1, column 6: "),
        (rule("name = \"again\"\n"), "line 7, column 1: duplicate key"),
        ("[rule]\n".into(), "severity: 'severity' is missing"),
        (rule(""), "type: 'type' is missing"),
        (rule("type = 7\n"), "line 7, column 8: type: a text is expected, not a number"),
        (
            rule("type = \"query\"\nquery = [\"a\"]\n"),
            "line 8, column 1: query: a text is expected, not a list",
        ),
        (rule("type = \"query\"\nquery = \"a: b and (\"\n"), "line 8, column "),
        (rule("type = \"query\"\nquery = '''\n\nevent.outcome: not x\n'''\n"), "line 10, column 16: query: "),
        (rule("type = \"query\"\nquery = \"a: \\\"b\"\n"), "of the text)"),
        (
            rule("type = \"query\"\nfrom = \"yesterday\"\n"),
            "line 8, column 8: from: 'yesterday' is no point in time",
        ),
        (rule("type = \"query\"\nfrom = \"now\"\n"), "from: now does not lie before now"),
        (rule("type = \"query\"\nfrom = \"now-99999999y\"\n"), "outside of the calendar"),
        (rule("type = \"query\"\ninterval = \"5 minutes\"\n"), "line 8, column 12: interval: "),
        (rule("type = \"query\"\ninterval = \"0m\"\n"), "it must be longer than nothing"),
        (rule("type = \"query\"\nmax_signals = 0\n"), "line 8, column 15: max_signals: "),
        (rule("type = \"query\"\nmax_signals = \"9\"\n"), "a whole number is expected, not a text"),
        (
            rule("type = \"query\"\ntags = [\"a\", 1]\n"),
            "line 8, column 14: tags.1: a text is expected, not a number",
        ),
        (rule("type = \"query\"\nthreat = [\"T1\"]\n"), "threat.0: a table is expected, not a text"),
        (rule("type = \"threshold\"\n"), "'threshold' is missing"),
        (
            rule("type = \"threshold\"\n[rule.threshold]\nfield = \"a\"\nvalue = 0\n"),
            "threshold.value: how many",
        ),
        (
            rule("type = \"threshold\"\n[rule.threshold]\nfield = \"a\"\nvalue = 1.5\n"),
            "threshold.value: a whole number",
        ),
        (
            rule(
                "type = \"threshold\"\n[rule.threshold]\nvalue = 1\nfield = [\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]\n",
            ),
            "threshold.field: it names more than 5 fields",
        ),
        (rule("type = \"new_terms\"\nnew_terms_fields = [\"a\"]\n"), "'history_window_start' is missing"),
        (
            rule("type = \"new_terms\"\nnew_terms_fields = []\nhistory_window_start = \"now-7d\"\n"),
            "names no field",
        ),
        (
            rule(
                "type = \"new_terms\"\nnew_terms_fields = [\"a\",\"b\",\"c\",\"d\"]\nhistory_window_start = \"now-7d\"\n",
            ),
            "more than 3 fields",
        ),
        (
            rule("type = \"new_terms\"\nnew_terms_fields = [\"a\"]\nhistory_window_start = \"now-5m\"\n"),
            "must begin before",
        ),
        (rule("type = \"query\"\n[rule.alert_suppression]\n"), "'group_by' is missing"),
        (
            rule(
                "type = \"query\"\n[rule.alert_suppression]\ngroup_by = [\"a\"]\nmissing_fields_strategy = \"no\"\n",
            ),
            "neither suppress nor doNotSuppress",
        ),
        (
            rule(
                "type = \"query\"\n[rule.alert_suppression]\ngroup_by = [\"a\"]\n[rule.alert_suppression.duration]\nvalue = 5\n",
            ),
            "it is written as value = 60",
        ),
        (
            rule("type = \"query\"\n").replace("risk_score = 1", "risk_score = 101"),
            "risk_score: it is more than 100",
        ),
        (rule("type = \"query\"\n").replace("\"low\"", "\"dire\""), "severity: 'dire' is none of"),
        (
            rule(&format!("type = \"query\"\nquery = '{}'\n", "x".repeat(70_000))),
            "query: it is longer than 64 KiB",
        ),
        (rule(&format!("type = \"query\"\nquery = '{}'\n", "(".repeat(60_000))), "query: "),
        (
            rule(&format!("type = \"query\"\nx = {}1{}\n", "[".repeat(9000), "]".repeat(9000))),
            "line 8, column ",
        ),
        (
            rule(&format!("type = \"query\"\ntags = [{}]\n", "'x',".repeat(1001))),
            "tags: it has more than 1000 items",
        ),
        (
            rule(&format!("type = \"query\"\nx = [{}]\n", "1,".repeat(50_001))),
            "the file has more than 50000 values",
        ),
        (rule("type = \"query\"\nx = 99999999999999999999\n"), "too large"),
        (
            rule("type = \"query\"\n[[rule.exceptions_list]]\nitem_id = 'i'\nentries = []\n"),
            "exceptions_list.0: entries: an exception needs at least one",
        ),
    ];
    for (text, part) in table {
        let entry = read_toml("r.toml", &text);
        let start: String = text.chars().skip(text.len().saturating_sub(90)).collect();
        assert_eq!(entry.outcome.word(), "broken", "{start}");
        assert!(said(&entry).contains(part), "{start}: {}", said(&entry));
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let entry = read_toml(
        "r.toml",
        "[rule]\ntype = \"query\"\nseverity = \"dire\"\nrisk_score = -1\ninterval = \"x\"\n",
    );
    let Outcome::Broken(remarks) = &entry.outcome else { panic!("{entry:#?}") };
    let keys: Vec<_> = remarks.iter().map(|remark| remark.key.as_str()).collect();
    assert_eq!(keys, ["severity", "rule_id", "name", "description", "risk_score", "interval"]);
}

#[test]
fn a_look_back_that_is_too_short_is_noted() {
    let entry = read_toml(
        "r.toml",
        &format!("[rule]\n{LEAST}type = \"query\"\nfrom = \"now-4m\"\nmax_signals = 5000\n"),
    );
    let said = said(&entry);
    assert!(said.contains("max_signals: no run makes more than 1000 alerts"), "{said}");
    assert!(said.contains("what lies between is never seen"), "{said}");
    let old = read_toml(
        "r.toml",
        &format!("[metadata]\nmaturity = \"deprecated\"\n[rule]\n{LEAST}type = \"query\"\n"),
    );
    assert_eq!(self::said(&old), " | line 2, column 12: metadata.maturity: its authors have deprecated it");
}

#[test]
fn an_export_of_kibana_is_read_with_its_exceptions() {
    let report = export(&[
        line(
            "a",
            &json!({
                "type": "new_terms", "new_terms_fields": ["user.name"], "history_window_start": "now-14d",
                "exceptions_list": [{ "id": "x", "list_id": "list-1", "type": "detection", "namespace_type": "single" }],
                "alert_suppression": { "group_by": ["user.name"], "duration": { "value": 5, "unit": "m" } },
                "investigation_fields": { "field_names": ["user.name"] },
            }),
        ),
        line(
            "b",
            &json!({ "type": "threshold", "threshold": { "field": [], "value": 2, "cardinality": [] } }),
        ),
        line("c", &json!({ "exceptions_list": [{ "list_id": "list-2" }] })),
        line("d", &json!({ "exceptions_list": [{ "list_id": "list-3" }], "investigation_fields": null })),
        line("e", &json!({ "maxSignals": 7, "max_signals": null, "enabled": true })),
        json!({ "list_id": "list-1", "name": "One", "type": "detection", "namespace_type": "single" }),
        json!({ "list_id": "list-1", "item_id": "i1", "name": "Robots", "type": "simple", "expire_time": "2027-01-01T00:00:00.000Z",
            "entries": [{ "field": "user.name", "type": "match_any", "operator": "included", "value": ["r1", "r2"] }] }),
        json!({ "list_id": "list-2", "item_id": "i2", "name": "Addresses", "type": "simple",
            "entries": [{ "field": "source.ip", "type": "list", "operator": "included", "list": { "id": "ours", "type": "ip" } }] }),
        json!({ "attributes": {}, "type": "action", "id": "connector" }),
        json!({ "exported_count": 8, "exported_rules_count": 5, "missing_rules": [], "exported_exception_list_count": 1 }),
    ]);
    assert_eq!(words(&report), ["read", "read", "unsupported", "read", "read"]);
    assert_eq!(report.exceptions, 1);
    assert_eq!(report.entries.iter().map(|e| e.line.unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let rules: Vec<_> = report.rules().collect();
    let terms = &rules[0];
    assert_eq!(terms.exceptions[0].name, "Robots");
    assert_eq!(terms.exceptions[0].entries[0].test, ExceptionTest::MatchAny(vec!["r1".into(), "r2".into()]));
    let Kind::NewTerms(new) = &terms.kind else { panic!("{:?}", terms.kind) };
    assert_eq!(new.history_window_start, DateMath::parse("now-14d").unwrap());
    assert_eq!((terms.about.version, terms.enabled, rules[3].enabled), (7, false, true));
    assert_eq!(terms.about.kept["id"], "6e6a5a9c-5a3c-4c40-b0f5-1f4f1c4a4a10");
    assert_eq!(rules[3].schedule.max_signals, 7, "names with humps");
    assert_eq!(
        said(&report.entries[2]),
        "value_list: its exception 'i2' refers to the value list 'ours', which lives in Kibana; name the values in the exception | "
    );
    assert_eq!(
        said(&report.entries[3]),
        " | line 4, column 1: exceptions_list: the export does not hold the exception list 'list-3'; the rule runs without it"
    );
}

#[test]
fn a_broken_line_breaks_no_other() {
    let good = line("a", &json!({}));
    let text = format!("{{\"rule_id\": \n[1]\n\n{good}\n{}\n", line("b", &json!({ "risk_score": "high" })));
    let report = read(&[File { name: "x.ndjson", bytes: text.as_bytes() }]);
    assert_eq!(words(&report), ["broken", "broken", "read", "broken"]);
    let said: Vec<_> = report.entries.iter().map(said).collect();
    assert!(said[0].starts_with("line 1, column 12: the line is no JSON"), "{}", said[0]);
    assert!(said[1].starts_with("line 2, column 1: the line is no JSON object"), "{}", said[1]);
    assert!(
        said[3].starts_with("line 5, column 1: risk_score: a whole number is expected, not a text"),
        "{}",
        said[3]
    );
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let report = read(&[File { name: "x.ndjson", bytes: deep.as_bytes() }]);
    assert_eq!(words(&report), ["broken"]);
}

#[test]
fn a_folder_of_files_is_told_file_by_file() {
    let rule =
        |id: &str| format!("[rule]\n{}type = \"query\"\n", LEAST.replace("\"r\"", &format!("\"{id}\"")));
    let (a, b, big) = (rule("a"), rule("b"), " ".repeat((1 << 20) + 1));
    let marked = format!("\u{feff}{}", rule("c"));
    let export = format!("{}\n{}\n", line("b", &json!({})), line("d", &json!({})));
    let files = [
        ("azure/a.toml", a.as_bytes()),
        ("azure/b.toml", b.as_bytes()),
        ("other/a.toml", a.as_bytes()),
        ("README.md", b"# Rules".as_slice()),
        ("empty.toml", b""),
        ("big.toml", big.as_bytes()),
        ("latin.toml", b"[rule]\nname = \"\xe4\"\n"),
        ("mark.toml", marked.as_bytes()),
        ("export", export.as_bytes()),
    ];
    let files: Vec<_> = files.iter().map(|(name, bytes)| File { name, bytes }).collect();
    let report = read(&files);
    assert_eq!(
        words(&report),
        ["read", "read", "duplicate", "broken", "broken", "broken", "broken", "read", "duplicate", "read"]
    );
    let told: Vec<_> = report.entries.iter().map(said).collect();
    assert_eq!(told[2], "duplicate of azure/a.toml | ");
    assert_eq!(told[8], "duplicate of azure/b.toml | ");
    assert!(told[5].starts_with("the file is larger than 1 MiB"), "{}", told[5]);
    assert!(told[6].starts_with("the file is no UTF-8 text: byte 15 is wrong"), "{}", told[6]);
    assert_eq!((report.count("read"), report.count("broken")), (4, 4));
}

#[test]
fn an_editor_is_told_where_to_underline() {
    let text = format!("[rule]\n{LEAST}type = \"query\"\nquery = \'\'\'\nevent.outcome: not x\n\'\'\'\n");
    let document = read_toml("r.toml", &text).document();
    assert_eq!(document["outcome"], "broken");
    let fault = &document["faults"][0];
    assert_eq!(fault["key"], "query");
    assert_eq!(
        (&fault["position"], &fault["end"]),
        (&json!({ "line": 9, "column": 16 }), &json!({ "line": 9, "column": 19 }))
    );
    let span =
        fault["span"]["start"].as_u64().unwrap() as usize..fault["span"]["end"].as_u64().unwrap() as usize;
    assert_eq!(&text[span], "not");
    let warned =
        read_toml("r.toml", &format!("[rule]\n{LEAST}type = \"query\"\nquery = \"source.ip: nowhere\"\n"));
    assert!(said(&warned).starts_with(" | line 8, column 21: query: "), "{}", said(&warned));
    let unsupported = read_toml("r.toml", &format!("[rule]\n{LEAST}type = \"eql\"\n")).document();
    assert_eq!(
        (&unsupported["reasons"][0]["code"], &unsupported["rule"]["name"]),
        (&json!("eql"), &json!("n"))
    );
}
