//! The document of an event: what real events do not show. Their documents are golden files of the server's tests.

use super::*;
use crate::activity::{AuthorizationEvidence, Coordinates, Deed};
use crate::operation::OperationId;
use crate::operations;
use crate::resource_id::ResourceId;
use http::StatusCode;
use uuid::Uuid;

const VM: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/RG1/providers/Microsoft.Compute/virtualMachines/vm1";

fn deed() -> Deed {
    let operation = operations::get(OperationId::VmRetrieveBootDiagnosticsData);
    let mut deed = Deed::new(operation, &ResourceId::parse(VM).unwrap(), Uuid::from_u128(7));
    deed.http_request.client_ip_address = "203.0.113.7".into();
    deed.location = "local".into();
    deed.since = Some("2026-11-21T10:00:00Z".parse().unwrap());
    deed
}

fn at() -> Timestamp {
    "2026-11-21T10:00:05.1239Z".parse().unwrap()
}

fn document(deed: &Deed) -> Value {
    view(&deed.succeeded(Uuid::from_u128(9), at(), StatusCode::OK), at(), None)
}

#[test]
fn what_the_rules_ask_for() {
    let found = document(&deed());
    assert_eq!(found["data_stream"]["dataset"], "azure.activitylogs");
    assert_eq!(
        found["event"]["action"],
        "MICROSOFT.COMPUTE/VIRTUALMACHINES/RETRIEVEBOOTDIAGNOSTICSDATA/ACTION"
    );
    assert_eq!(found["event"]["outcome"], "success");
    assert_eq!(found["@timestamp"], "2026-11-21T10:00:05.123Z");
    assert_eq!(found["event"].get("type"), None);
}

#[test]
fn an_outcome_is_told_of_an_end_only() {
    let outcome = |event: &ActivityEvent| view(event, at(), None)["event"].get("outcome").cloned();
    let deed = deed();
    assert_eq!(outcome(&deed.started(Uuid::nil(), at())), None);
    assert_eq!(outcome(&deed.accepted(Uuid::nil(), at(), StatusCode::ACCEPTED)), None);
    let failed = deed.failed(Uuid::nil(), at(), &crate::error::ArmError::conflict("no"));
    assert_eq!(outcome(&failed), Some("failure".into()));
}

#[test]
fn long_durations_stay_right() {
    assert_eq!(document(&deed())["event"]["duration"], 5_123_000_000_i64);
    let mut old = deed().succeeded(Uuid::nil(), at(), StatusCode::OK);
    old.particulars = None;
    let old = view(&old, at(), None);
    assert_eq!((&old["event"]["duration"], old["geo"].get("name")), (&json!(0), None));
}

#[test]
fn ids_are_taken_apart() {
    let check = |id: &str, expected: [&str; 6]| {
        let r = Resource::parse(id);
        assert_eq!([r.subscription, r.group, r.provider, r.name, r.namespace, r.rule], expected, "{id}");
    };
    let group = "/SUBSCRIPTIONS/s/RESOURCEGROUPS/G";
    check("", ["", "", "", "", "", ""]);
    check("/SUBSCRIPTIONS/s", ["s", "", "", "", "", ""]);
    check(group, ["s", "G", "", "", "", ""]);
    check(
        &format!("{group}/PROVIDERS/MICROSOFT.COMPUTE/VIRTUALMACHINES/VM1/EXTENSIONS/CSE"),
        ["s", "G", "MICROSOFT.COMPUTE/VIRTUALMACHINES", "VM1/EXTENSIONS/CSE", "", ""],
    );
    check(
        "/SUBSCRIPTIONS/s/PROVIDERS/MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/x",
        ["s", "", "MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/x", "", "", ""],
    );
    check("/PROVIDERS/MICROSOFT.HARDLINE/USERS/x", ["", "", "MICROSOFT.HARDLINE/USERS/x", "", "", ""]);
    check(
        &format!("{group}/PROVIDERS/MICROSOFT.EVENTHUB/NAMESPACES/N/AUTHORIZATIONRULES/R"),
        ["s", "G", "MICROSOFT.EVENTHUB/NAMESPACES", "", "N", "R"],
    );
    check(&format!("{group}/PROVIDERS/MICROSOFT.COMPUTE"), ["s", "G", "MICROSOFT.COMPUTE", "", "", ""]);
}

#[test]
fn old_names_and_new_ones() {
    let found = document(&deed());
    let at = |pointer: &str| found.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned();
    for (old, new) in [
        ("/azure/resource/id", "/cloud/resource_id"),
        ("/azure/subscription_id", "/cloud/account/id"),
        ("/azure/resource/group", "/azure/resource_group/name"),
        ("/azure/correlation_id", "/azure/correlation/id"),
    ] {
        assert!(!at(old).is_empty() && at(old) == at(new), "{old} {new}");
    }
    assert_eq!(at("/azure/resource/provider"), "MICROSOFT.COMPUTE/VIRTUALMACHINES");
    assert_eq!(at("/azure/resource_provider/namespace"), "MICROSOFT.COMPUTE");
}

#[test]
fn a_person_a_program_and_nobody() {
    let with = |claims: &[(&str, &str)]| {
        let mut deed = deed();
        deed.claims = claims.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        document(&deed)
    };
    let name = format!("{PERSON}/name");
    let person =
        with(&[("name", "Ann A."), (&name, "ann@example.org"), ("http://schemas.microsoft.com/x", "1")]);
    assert_eq!(
        person["user"],
        json!({ "full_name": "Ann A.", "name": "ann", "domain": "example.org", "email": "ann@example.org" })
    );
    let identity = &person["azure"]["activitylogs"]["identity"];
    assert_eq!(identity["claims"], json!({ "http://schemas_microsoft_com/x": "1" }));
    assert_eq!(
        identity["claims_initiated_by_user"],
        json!({ "schema": PERSON, "name": "ann@example.org", "fullname": "Ann A." })
    );
    assert_eq!(person["related"]["user"], json!(["ann", "ann@example.org"]));
    let nameless = with(&[(&name, "ann@example.org")]);
    assert_eq!(nameless["user"]["name"], "ann");
    for no_address in ["a@b@c", "@b", "a@", "root"] {
        assert_eq!(with(&[(&name, no_address)])["user"], json!({ "name": no_address }));
    }
    let program = with(&[("name", "backup"), ("appid", "x")]);
    assert_eq!(program["user"], json!({ "full_name": "backup" }));
    let nobody = with(&[]);
    assert_eq!((nobody.get("user"), nobody["azure"]["activitylogs"]["identity"].get("claims")), (None, None));
}

#[test]
fn addresses_and_where_they_are() {
    let mut deed = deed();
    let oslo = Place {
        as_number: Some(64_500),
        as_organization: Some("Example Net".into()),
        country_name: Some("Norway".into()),
        location: Some(Coordinates { latitude: 59.9, longitude: 10.7 }),
        ..Place::default()
    };
    let event = deed.started(Uuid::nil(), at());
    let found = view(&event, at(), Some(&oslo));
    assert_eq!(found["source"]["as"], json!({ "number": 64_500, "organization": { "name": "Example Net" } }));
    let geo = json!({ "country_name": "Norway", "location": { "lat": 59.9, "lon": 10.7 } });
    assert_eq!(found["source"]["geo"], geo);
    assert_eq!((&found["geo"]["country_name"], &found["geo"]["name"]), (&json!("Norway"), &json!("local")));
    assert_eq!(
        (&found["client"]["ip"], &found["related"]["ip"]),
        (&json!("203.0.113.7"), &json!(["203.0.113.7"]))
    );
    deed.http_request.client_ip_address = "console.example".into();
    let found = view(&deed.started(Uuid::nil(), at()), at(), Some(&oslo));
    assert_eq!(found["source"], json!({ "address": "console.example" }));
    deed.http_request.client_ip_address = String::new();
    assert_eq!(document(&deed).get("source"), None);
}

#[test]
fn properties_and_bodies() {
    let mut deed = deed();
    deed.request_body = Some(r#"{"properties":{"roleDefinitionId":"r"}}"#.into());
    deed.service_request_id = "q".into();
    let started = view(&deed.started(Uuid::nil(), at()), at(), None);
    let properties = &started["azure"]["activitylogs"]["properties"];
    assert_eq!(
        properties["requestbody"],
        json!([r#"{"properties":{"roleDefinitionId":"r"}}"#, { "properties": { "roleDefinitionId": "r" } }])
    );
    assert_eq!(properties["service_request_id"], "q");
    assert_eq!(properties.get("eventCategory"), None);
    assert_eq!(started["azure"]["activitylogs"]["event_category"], "Administrative");
    let error = crate::error::ArmError::conflict("it is so");
    let failed = view(&deed.failed(Uuid::nil(), at(), &error), at(), None);
    assert!(failed["message"].as_str().unwrap().contains("it is so"));
    assert_eq!(failed["azure"]["activitylogs"]["properties"]["status_code"], "Conflict");
    assert_eq!(failed["azure"]["activitylogs"]["properties"].get("requestbody"), None);
    assert_eq!(text_and_object("no json"), "no json");
    assert_eq!(text_and_object("[1]"), "[1]");
}

#[test]
fn the_evidence_has_its_own_spelling() {
    let mut deed = deed();
    deed.authorization.evidence = Some(AuthorizationEvidence {
        role: "Owner".into(),
        role_assignment_scope: "/".into(),
        role_assignment_id: "a".into(),
        role_definition_id: "d".into(),
        principal_id: "p".into(),
        principal_type: "User".into(),
    });
    let found = document(&deed);
    assert_eq!(
        found["azure"]["activitylogs"]["identity"]["authorization"]["evidence"],
        json!({ "role": "Owner", "role_assignment_scope": "/", "role_assignment_id": "a",
                "role_definition_id": "d", "principal_id": "p", "principal_type": "User" })
    );
    assert_eq!(found["related"]["entity"][1], "p");
}

#[test]
fn a_part_is_as_in_the_whole() {
    let mut deed = deed();
    deed.claims = [("name", "Ann"), ("appid", "x"), (PERSON_NAME, "ann@example.org")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    deed.authorization.evidence =
        Some(AuthorizationEvidence { principal_id: "p".into(), role: "Owner".into(), ..Default::default() });
    let oslo = Place { country_name: Some("Norway".into()), as_number: Some(64_500), ..Place::default() };
    let event = deed.failed(Uuid::from_u128(9), at(), &crate::error::ArmError::conflict("no"));
    let whole = view(&event, at(), Some(&oslo));
    let mut left = vec![(String::new(), &whole)];
    let mut names = 0;
    while let Some((name, value)) = left.pop() {
        let found = view_of(&event, at(), Some(&oslo), &Wanted::fields([name.clone()]));
        if !name.is_empty() {
            assert_eq!(found.pointer(&format!("/{}", name.replace('.', "/"))), Some(value), "{name}");
            names += 1;
        }
        // Keys of claims hold slashes; they are below a field that is made whole.
        let members = value.as_object().filter(|_| !name.ends_with(".claims")).into_iter().flatten();
        let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
        left.extend(members.map(|(key, member)| (below(key), member)));
    }
    assert!(names > 60, "{names}");
    let little = view_of(&event, at(), Some(&oslo), &Wanted::fields(["event.action".to_owned()]));
    assert_eq!(little, json!({ "event": { "action": whole["event"]["action"] } }));
    assert_eq!(view_of(&event, at(), Some(&oslo), &Wanted::fields([])), json!({}));
}
