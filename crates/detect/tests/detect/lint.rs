//! What is said of rules that cannot work here.

use crate::past::rule;
use crate::reading::one;
use hardline_detect::rule::lint::{Surroundings, Weight, lint};
use hardline_detect::rule::shipped::SHIPPED;
use std::collections::{BTreeMap, BTreeSet};

const BOOT: &str = "MICROSOFT.COMPUTE/VIRTUALMACHINES/RETRIEVEBOOTDIAGNOSTICSDATA/ACTION";

fn surroundings() -> Surroundings {
    let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let actions = set(&[BOOT, "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE"]);
    Surroundings {
        indices: vec!["logs-azure.activitylogs-default".into()],
        fields: set(&[
            "@timestamp",
            "event.ingested",
            "event.action",
            "event.outcome",
            "event.dataset",
            "data_stream.dataset",
            "azure.activitylogs.operation_name",
            "azure.activitylogs.properties.*",
            "azure.activitylogs.identity.claims_initiated_by_user.name",
            "azure.resource.id",
            "azure.resource.name",
            "source.ip",
        ]),
        values: BTreeMap::from([
            ("event.action".into(), actions.clone()),
            ("azure.activitylogs.operation_name".into(), actions),
            ("event.outcome".into(), set(&["success", "failure"])),
            ("data_stream.dataset".into(), set(&["azure.activitylogs"])),
            ("event.dataset".into(), set(&["azure.activitylogs"])),
        ]),
        missing: BTreeMap::from([(
            "source.as.*".into(),
            "There is no database of networks; name one in the configuration.".into(),
        )]),
        conditional: BTreeMap::from([(
            "azure.activitylogs.identity.claims_initiated_by_user.name".into(),
            "It is there only for people.".into(),
        )]),
    }
}

/// What is said of a rule: `!` before what means that it can never fire.
fn said(parts: &str) -> Vec<String> {
    let findings = lint(&rule(parts), &surroundings());
    findings
        .into_iter()
        .map(|finding| format!("{}{finding}", if finding.weight == Weight::Never { "!" } else { "" }))
        .collect()
}

fn query(query: &str) -> Vec<String> {
    said(&format!("type = \"query\"\nquery = '''{query}'''\n"))
}

#[test]
fn queries() {
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        (&format!("event.action: \"{BOOT}\" and event.outcome: success"), &[]),
        ("event.action: *BOOTDIAGNOSTICS*", &[]),
        ("event.outcome: (success or Success)", &[]),
        (
            "event.outcome: (failure or Success)",
            &["event.outcome is never 'Success' here: it is written 'success', and case counts."],
        ),
        ("event.outcome: Succeeded", &["!event.outcome is never 'Succeeded' here."]),
        (
            "event.action: \"MICROSOFT.KEYVAULT/VAULTS/WRITE\" and event.outcome: success",
            &["!event.action is never 'MICROSOFT.KEYVAULT/VAULTS/WRITE' here."],
        ),
        (
            "event.action: \"Microsoft.Compute/virtualMachines/write\"",
            &["!event.action is never 'Microsoft.Compute/virtualMachines/write' here: it is written \
               'MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE', and case counts."],
        ),
        (
            "event.action: (\"MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE\" or \"MICROSOFT.COMPUTE/DISKS/WRITE\")",
            &["event.action is never 'MICROSOFT.COMPUTE/DISKS/WRITE' here."],
        ),
        (
            "event.action: MICROSOFT.KEYVAULT/*/WRITE",
            &["!event.action is never 'MICROSOFT.KEYVAULT/*/WRITE' here."],
        ),
        ("not event.action: nothing", &[]),
        ("not process.name: sh", &[]),
        ("process.name: (not sh)", &[]),
        (
            "process.name: sh",
            &["!The query asks for process.name. No document here has the field process.name."],
        ),
        (
            "process.name: sh or event.outcome: success",
            &["The query asks for process.name. No document here has the field process.name."],
        ),
        (
            "process.name: sh or file.name: x",
            &[
                "!The query asks for process.name. No document here has the field process.name.",
                "!The query asks for file.name. No document here has the field file.name.",
            ],
        ),
        (
            "source.as.number: (* and not (3598 or 8068))",
            &[
                "!The query asks for source.as.number. There is no database of networks; name one in the configuration.",
            ],
        ),
        (
            "azure.activitylogs.identity.claims_initiated_by_user.name: *",
            &[
                "The query asks for azure.activitylogs.identity.claims_initiated_by_user.name. It is there only for people.",
            ],
        ),
        ("azure.activitylogs.properties.requestbody.properties.x: *", &[]),
        ("azure.*: x and free text", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(&query(text), expected, "{text}");
    }
}

#[test]
fn fields_of_the_kind_and_indices() {
    let terms = |field: &str| {
        said(&format!(
            "type = \"new_terms\"\nquery = \"\"\nnew_terms_fields = [\"{field}\"]\nhistory_window_start = \"now-7d\"\n"
        ))
    };
    assert_eq!(terms("source.ip"), Vec::<String>::new());
    assert_eq!(
        terms("source.as.number"),
        [
            "!It looks for new values of source.as.number. There is no database of networks; name one in the configuration."
        ]
    );
    let threshold = "type = \"threshold\"\nquery = \"\"\n[rule.threshold]\nfield = \"source.ip\"\nvalue = 1\n\
                     [[rule.threshold.cardinality]]\nfield = \"azure.activitylogs.resource.id\"\nvalue = 3\n";
    assert_eq!(
        said(threshold),
        ["!It counts the values of azure.activitylogs.resource.id. No document here has the field \
          azure.activitylogs.resource.id."]
    );
    assert_eq!(
        said("type = \"query\"\nquery = \"\"\nindex = [\"logs-azure.signinlogs-*\", \"filebeat-*\"]\n"),
        [
            "!None of its index patterns (logs-azure.signinlogs-*, filebeat-*) covers logs-azure.activitylogs-default, so it \
          reads nothing here."
        ]
    );
}

#[test]
fn what_ships_can_fire_and_what_cannot_of_the_corpus_is_told() {
    let operations = [
        "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action",
        "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/retrieveBootDiagnosticsData/action",
        "Microsoft.Compute/virtualMachines/write",
        "Microsoft.Compute/virtualMachineScaleSets/write",
        "Microsoft.Storage/storageAccounts/write",
        "Microsoft.SerialConsole/serialPorts/connect/action",
        "Microsoft.SerialConsole/consoleServices/enableConsole/action",
        "Hardline.Console/serialPorts/stream/action",
        "Hardline.Console/serialPorts/session/action",
        "Hardline.Diagnostics/serialLogs/content/action",
    ];
    let here = Surroundings::of_activity_log("logs-azure.activitylogs-default", operations, false, false);
    for shipped in SHIPPED {
        let findings = lint(&one(shipped.text), &here);
        assert!(
            findings.iter().all(|finding| finding.weight == Weight::Note),
            "{}: {findings:#?}",
            shipped.file
        );
    }
    let corpus = |name: &str| {
        let file = format!("{}/tests/detect/corpus/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        one(&std::fs::read_to_string(file).unwrap())
    };
    let never = |name: &str| {
        let findings = lint(&corpus(name), &here);
        let never = findings.into_iter().filter(|finding| finding.weight == Weight::Never);
        never.map(|finding| finding.message).collect::<Vec<_>>().join(" ")
    };
    for (name, part) in [
        (
            "threshold_ids",
            "counts the values of azure.activitylogs.resource.id. No document has it; the resource's id is azure.resource.id.",
        ),
        ("serial_console", "There is no database of networks here"),
        ("escapes", "What was answered to a request is not recorded here."),
        ("precedence", "Sign-ins are not in this log."),
        (
            "quoted_only",
            "azure.activitylogs.operation_name is never 'MICROSOFT.SECURITY/ALERTSSUPPRESSIONRULES/WRITE' here.",
        ),
    ] {
        let never = never(name);
        assert!(never.contains(part), "{name}: {never}");
    }
    assert_eq!(never("list_of_quoted"), "");
    let known = Surroundings::of_activity_log("logs-azure.activitylogs-default", operations, true, true);
    assert!(lint(&corpus("serial_console"), &known).iter().all(|finding| finding.weight == Weight::Note));
}
