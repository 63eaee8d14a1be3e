//! Whole queries in the forms that rules over this data set have, each with a document that fires and near misses.

use super::query;
use hardline_detect::kql::Query;
use serde_json::{Value, json};

fn event(action: &str, outcome: &str) -> Value {
    json!({
        "data_stream": { "dataset": "azure.activitylogs" },
        "event": { "action": action, "outcome": outcome },
        "azure": { "activitylogs": {
            "operation_name": action,
            "identity": { "authorization": { "evidence": { "principal_id": "p1", "principal_type": "User" } } },
            "properties": { "status_code": "OK" },
        } },
        "source": { "ip": "203.0.113.7", "as": { "number": 64500 } },
    })
}

const DIAGNOSTICS: &str = "MICROSOFT.COMPUTE/VIRTUALMACHINES/RETRIEVEBOOTDIAGNOSTICSDATA/ACTION";

#[test]
fn queries_of_rules() {
    let boot = format!(
        "data_stream.dataset:azure.activitylogs and event.action:\"{DIAGNOSTICS}\" and event.outcome:(success or Success)"
    );
    let asn = "data_stream.dataset: azure.activitylogs and\n\tevent.action: (\n\t\t\"M/VM/EXTENSIONS/WRITE\" or\n\t\t\"M/VM/EXTENSIONS/DELETE\"\n\t)\
               and event.outcome: (success or Success) and source.as.number:(* and not (3598 or 8068 or 8069))";
    let spaced = asn.replace(")and", ") and");
    let path = "data_stream.dataset:azure.activitylogs and azure.activitylogs.operation_name:MICROSOFT.NETWORK/*/STARTPACKETCAPTURE/ACTION";
    let precedence = "data_stream.dataset:azure.activitylogs and event.outcome:success or (event.action:X and event.outcome:failure)";
    let wild = "event.action:(*/DSC/* or *RUN*) and azure.activitylogs.identity.authorization.evidence.principal_id:*";
    let table: [(&str, Value, bool); 14] = [
        (&boot, event(DIAGNOSTICS, "success"), true),
        (&boot, event(DIAGNOSTICS, "Success"), true),
        (&boot, event(DIAGNOSTICS, "SUCCESS"), false),
        (&boot, event(&DIAGNOSTICS.to_lowercase(), "success"), false),
        (
            &boot,
            event(
                "MICROSOFT.COMPUTE/VIRTUALMACHINESCALESETS/VIRTUALMACHINES/RETRIEVEBOOTDIAGNOSTICSDATA/ACTION",
                "success",
            ),
            false,
        ),
        (&spaced, event("M/VM/EXTENSIONS/WRITE", "success"), true),
        (&spaced, event("M/VM/EXTENSIONS/READ", "success"), false),
        (path, event("MICROSOFT.NETWORK/NETWORKWATCHERS/STARTPACKETCAPTURE/ACTION", "x"), true),
        (path, event("MICROSOFT.NETWORK/STARTPACKETCAPTURE/ACTION", "x"), false),
        (precedence, event("X", "failure"), true),
        (precedence, event("Y", "failure"), false),
        (precedence, event("Y", "success"), true),
        (wild, event("A/DSC/B", "x"), true),
        (wild, event("A/DSCB", "x"), false),
    ];
    for (text, document, expected) in table {
        assert_eq!(query(text).matches(&document), expected, "{text}\n{document}");
    }
    let mut known = event("M/VM/EXTENSIONS/WRITE", "success");
    known["source"]["as"]["number"] = json!(8068);
    assert!(!query(&spaced).matches(&known));
    known["source"] = json!({ "ip": "10.0.0.1" });
    assert!(!query(&spaced).matches(&known));
}

#[test]
fn fields_are_named_once() {
    let table: [(&str, &[&str]); 5] = [
        ("a.b: 1 and (c: 2 or not a.b: 3) and d.*: x and free", &["a.b", "c", "d.*"]),
        ("a: { b: 1 and c: { d > 2 } }", &["a", "a.b", "a.c", "a.c.d"]),
        ("x >= 1 and *: y", &["x", "*"]),
        ("*", &[]),
        ("", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(query(text).fields().collect::<Vec<_>>(), expected, "{text}");
    }
}

#[test]
fn the_documentations_queries_are_read_and_refused_as_it_says() {
    let page = include_str!("../../../../docs/kql.md");
    let (read, refused) = page.split_once("## Refused").unwrap();
    let queries = |part: &'static str| {
        part.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(q, _)| q))
    };
    assert!(queries(read).count() > 10 && queries(refused).count() > 5);
    for text in queries(read) {
        assert_eq!(query(text).warnings(), [], "{text}");
    }
    for text in queries(refused) {
        assert!(Query::parse(text).is_err(), "{text}");
    }
}
