//! The rules that ship: each on its own event, and on none that comes near.

use crate::past::{Past, at, event, nested, window};
use crate::reading::one;
use hardline_detect::engine::Document;
use hardline_detect::rule::shipped::SHIPPED;
use hardline_detect::rule::{File, Rule, Severity, read};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PRINCIPAL: &str = "azure.activitylogs.identity.authorization.evidence.principal_id";
const BOOT: &str = "MICROSOFT.COMPUTE/VIRTUALMACHINES/RETRIEVEBOOTDIAGNOSTICSDATA/ACTION";

fn named(file: &str) -> Rule {
    one(SHIPPED.iter().find(|shipped| shipped.file == file).unwrap().text)
}

fn doc(id: u64, minutes: f64, fields: &Value) -> Document {
    let mut with = json!({ PRINCIPAL: "a".repeat(32) });
    for (key, value) in fields.as_object().unwrap() {
        with[key] = value.clone();
    }
    nested(&event(id, at(minutes), &with))
}

#[test]
fn all_are_read_without_a_note_and_have_ids_of_their_own() {
    let files: Vec<_> =
        SHIPPED.iter().map(|shipped| File { name: shipped.file, bytes: shipped.text.as_bytes() }).collect();
    let report = read(&files);
    let wrong: Vec<_> = report.entries.iter().filter(|entry| entry.outcome.word() != "read").collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (entry, rule) in report.entries.iter().zip(report.rules()) {
        assert_eq!(entry.notes, [], "{}", entry.file);
        assert_eq!(rule.timestamp_override.as_deref(), Some("event.ingested"));
        assert!(!rule.about.threat.is_empty() && !rule.about.false_positives.is_empty(), "{}", entry.file);
        assert!(
            rule.about.note.contains("### What to do next"),
            "{}: a guide that says what is next",
            entry.file
        );
        let id: uuid::Uuid = rule.about.rule_id.parse().unwrap();
        assert_eq!((id.get_version_num(), rule.about.rule_id.as_str()), (4, id.to_string().as_str()));
    }
    let on: BTreeSet<_> = SHIPPED.iter().filter(|shipped| shipped.on).map(|shipped| shipped.file).collect();
    assert_eq!(
        on,
        BTreeSet::from(["boot_diagnostics_retrieved.toml", "boot_diagnostics_retrieved_new_identity.toml"])
    );
}

#[test]
fn boot_diagnostics_are_watched_as_the_source_document_says() {
    let rule = named("boot_diagnostics_retrieved.toml");
    assert_eq!((rule.about.severity, rule.about.risk_score), (Severity::Medium, 47));
    let schedule = &rule.schedule;
    assert_eq!(
        (schedule.from.text(), schedule.interval.to_string(), schedule.max_signals),
        ("now-9m", "5m".into(), 100)
    );
    assert_eq!(
        (rule.about.threat[0].tactic.id.as_str(), rule.about.threat[0].technique[0].named.id.as_str()),
        ("TA0006", "T1552")
    );
    assert_eq!(
        rule.about.investigation_fields,
        [
            "@timestamp",
            "event.outcome",
            "azure.activitylogs.operation_name",
            PRINCIPAL,
            "azure.activitylogs.identity.authorization.evidence.principal_type",
            "azure.activitylogs.identity.claims.appid",
            "azure.activitylogs.tenant_id",
            "azure.resource.name",
            "azure.resource.id",
            "source.ip",
            "source.as.number",
            "source.as.organization.name",
            "source.geo.country_name",
            "azure.subscription_id",
        ]
    );
    let mut past = Past::new(vec![
        doc(1, -3.0, &json!({ "event.action": BOOT, "event.outcome": null })),
        doc(2, -3.0, &json!({ "event.action": BOOT })),
        doc(3, -2.0, &json!({ "event.action": BOOT, "event.outcome": "failure" })),
        doc(4, -1.0, &json!({ "event.action": "MICROSOFT.COMPUTE/VIRTUALMACHINES/START/ACTION" })),
        doc(5, -1.0, &json!({ "event.action": BOOT })),
    ]);
    past.run(&rule, window(-9.0, 0.0));
    assert_eq!(past.alerted(), ["2", "5"], "every retrieval, by its end event");
}

#[test]
fn the_novelty_variant_speaks_of_the_first_retrieval_and_not_of_the_second() {
    let rule = named("boot_diagnostics_retrieved_new_identity.toml");
    let by =
        |id: u64, minutes: f64, who: &str| doc(id, minutes, &json!({ "event.action": BOOT, PRINCIPAL: who }));
    let mut past = Past::new(vec![
        by(1, -7.0 * 1440.0 - 30.0, "b"),
        by(2, -100.0, "c"),
        by(3, -3.0, "a"),
        by(4, -1.0, "a"),
    ]);
    past.documents.extend([by(5, -2.0, "b"), by(6, -2.0, "c")]);
    past.run(&rule, window(-9.0, 0.0));
    assert_eq!(past.alerted(), ["3", "5"]);
    past.documents.push(by(7, 3.0, "a"));
    past.run(&rule, window(-4.0, 5.0));
    past.run(&rule, window(1.0, 10.0));
    assert_eq!(past.alerted(), ["3", "5"]);
}

#[test]
fn each_of_the_others_has_its_event() {
    let vm = "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE";
    let set = "MICROSOFT.COMPUTE/VIRTUALMACHINESCALESETS/WRITE";
    let account = "MICROSOFT.STORAGE/STORAGEACCOUNTS/WRITE";
    let session = "HARDLINE.CONSOLE/SERIALPORTS/SESSION/ACTION";
    let write = |action: &str, body: Value| {
        json!({ "event.action": action, "event.outcome": null, "azure.activitylogs.result_type": "Start",
            "azure.activitylogs.properties": { "requestbody": [body.to_string(), body] } })
    };
    let boot = |enabled: bool| json!({ "diagnosticsProfile": { "bootDiagnostics": { "enabled": enabled } } });
    let table = [
        (
            "scale_set_boot_diagnostics_retrieved.toml",
            json!({ "event.action": "MICROSOFT.COMPUTE/VIRTUALMACHINESCALESETS/VIRTUALMACHINES/RETRIEVEBOOTDIAGNOSTICSDATA/ACTION" }),
            json!({ "event.action": BOOT }),
        ),
        (
            "serial_console_new_identity.toml",
            json!({ "event.action": "MICROSOFT.SERIALCONSOLE/SERIALPORTS/CONNECT/ACTION" }),
            json!({ "event.action": "MICROSOFT.SERIALCONSOLE/SERIALPORTS/CONNECT/ACTION", "event.outcome": "failure" }),
        ),
        (
            "serial_console_new_identity.toml",
            json!({ "event.action": "HARDLINE.CONSOLE/SERIALPORTS/STREAM/ACTION" }),
            json!({ "event.action": "HARDLINE.CONSOLE/SERIALPORTS/NMI/ACTION" }),
        ),
        (
            "console_taken_over.toml",
            json!({ "event.action": session, "event.outcome": null, "azure.activitylogs.result_type": "Start",
                "azure.activitylogs.properties": { "displaced": "ben@example.org" } }),
            json!({ "event.action": session, "azure.activitylogs.result_type": "Success",
                "azure.activitylogs.properties": { "displaced": "ben@example.org" } }),
        ),
        (
            "console_taken_over.toml",
            json!({ "event.action": session, "event.outcome": null, "azure.activitylogs.result_type": "Start",
                "azure.activitylogs.properties": { "displaced": "ben", "mode": "take" } }),
            json!({ "event.action": session, "event.outcome": null, "azure.activitylogs.result_type": "Start",
                "azure.activitylogs.properties": { "mode": "write" } }),
        ),
        (
            "boot_diagnostics_disabled.toml",
            write(vm, json!({ "properties": boot(false) })),
            write(vm, json!({ "properties": boot(true) })),
        ),
        (
            "boot_diagnostics_disabled.toml",
            write(set, json!({ "properties": { "virtualMachineProfile": boot(false) } })),
            write(vm, json!({ "location": "local" })),
        ),
        (
            "console_enabled_at_subscription.toml",
            json!({ "event.action": "MICROSOFT.SERIALCONSOLE/CONSOLESERVICES/ENABLECONSOLE/ACTION" }),
            json!({ "event.action": "MICROSOFT.SERIALCONSOLE/CONSOLESERVICES/DISABLECONSOLE/ACTION" }),
        ),
        (
            "storage_firewall_opened.toml",
            write(account, json!({ "properties": { "networkAcls": { "defaultAction": "Allow" } } })),
            write(account, json!({ "properties": { "networkAcls": { "defaultAction": "Deny" } } })),
        ),
        (
            "storage_firewall_opened.toml",
            write(account, json!({ "properties": { "publicNetworkAccess": "Enabled" } })),
            write(account, json!({ "properties": { "allowSharedKeyAccess": true } })),
        ),
    ];
    for (file, fires, silent) in table {
        let mut past = Past::new(vec![doc(1, -2.0, &fires), doc(2, -1.0, &silent)]);
        past.run(&named(file), window(-9.0, 0.0));
        assert_eq!(past.alerted(), ["1"], "{file}");
    }
}

#[test]
fn ten_logs_of_one_identity_within_an_hour_are_one_alert() {
    let rule = named("many_serial_logs_read.toml");
    let read = |id: u64, minutes: f64, who: &str, machine: u64| {
        let action =
            if machine.is_multiple_of(2) { BOOT } else { "HARDLINE.DIAGNOSTICS/SERIALLOGS/CONTENT/ACTION" };
        let name = format!("VM{machine}");
        doc(id, minutes, &json!({ "event.action": action, PRINCIPAL: who, "azure.resource.name": name }))
    };
    let mut documents: Vec<_> = (0..10).map(|n| read(n, -50.0 + n as f64 * 5.0, "a", n)).collect();
    documents.extend((10..30).map(|n| read(n, -3.0, "b", n % 9)));
    documents.push(read(99, -61.0, "b", 9));
    let mut past = Past::new(documents);
    let (alerts, _) = past.run(&rule, window(-60.0, 0.0));
    assert_eq!(alerts.len(), 1);
    let result = &past.alerts[&alerts[0]].0["kibana.alert.threshold_result"];
    assert_eq!((&result["terms"][0]["value"], &result["cardinality"][0]["value"]), (&json!("a"), &json!(10)));
    assert_eq!(past.run(&rule, window(-55.0, 5.0)).0.len(), 0);
}
