//! Every row of the table of operations: the path leads to it, other methods do not, a stranger is sent away, a right is
//! needed, the refusal is recorded, and what does not exist is not found.

use hardline_arm::activity::ActivityEvent;
use hardline_arm::operation::{Operation, OperationId, Require, Target};
use hardline_arm::operations;
use hardline_store::db::activity_events::{self, EventFilter};
use hardline_testkit::TestServer;
use hardline_testkit::server::SUBSCRIPTION;
use http::Method;
use serde_json::json;

/// A path that leads to the row; what it names does not exist.
fn path(row: &Operation) -> Option<String> {
    let target = row.target;
    let subscription = format!("/subscriptions/{SUBSCRIPTION}");
    // A group of its own for each row: a PUT makes it.
    let group = format!("{subscription}/resourceGroups/nowhere{}", row.id as usize);
    let vm = format!("{group}/providers/Microsoft.Compute/virtualMachines/nothing");
    let under = |kind: &str, name: &str| {
        let (namespace, rest) = kind.split_once('/').unwrap();
        let parent = match namespace {
            "Microsoft.Compute" if rest.starts_with("virtualMachine") => group.clone(),
            "Microsoft.Network" | "Microsoft.Resources" => group.clone(),
            "Microsoft.Compute"
            | "Microsoft.Authorization"
            | "Microsoft.Insights"
            | "Hardline.Insights"
            | "Hardline.Detection" => subscription.clone(),
            "Microsoft.Storage" => group.clone(),
            "Hardline.Fleet" | "Hardline.Identity" => String::new(),
            _ => vm.clone(),
        };
        // a/b is a/{name}/b/{name}
        let segments: Vec<_> = rest.split('/').collect();
        let last = segments.len() - 1;
        let mut path = format!("{parent}/providers/{namespace}");
        for (index, segment) in segments.iter().enumerate() {
            path.push_str(&format!("/{segment}"));
            if index < last || !name.is_empty() {
                path.push_str(&format!("/{}", if index < last { "local" } else { name }));
            }
        }
        path
    };
    let guid = "99999999-9999-4999-8999-999999999999";
    Some(match target {
        Target::Elsewhere => return None,
        Target::ProviderOperations => "/providers/Microsoft.Compute/operations".into(),
        Target::TenantProvider => "/providers/Microsoft.Compute".into(),
        Target::SubscriptionProvider => format!("{subscription}/providers/Microsoft.Compute"),
        Target::SubscriptionProviderVerb(verb) => {
            format!("{subscription}/providers/Microsoft.Compute/{verb}")
        }
        Target::Collection("Microsoft.Resources/subscriptions/resources") => {
            format!("{subscription}/resources")
        }
        Target::Collection("Microsoft.Resources/subscriptions/resourceGroups/resources") => {
            format!("{group}/resources")
        }
        Target::Verb("Hardline.Identity", verb) => format!("/providers/Hardline.Identity/{verb}"),
        Target::Verb(namespace @ ("Microsoft.Storage" | "Hardline.Detection"), verb) => {
            format!("{subscription}/providers/{namespace}/{verb}")
        }
        Target::Collection("Microsoft.Resources/tenants") => "/tenants".into(),
        Target::Collection("Microsoft.Resources/providers") => "/providers".into(),
        Target::Collection("Microsoft.Resources/subscriptions/locations") => {
            format!("{subscription}/locations")
        }
        Target::Collection("Microsoft.Resources/subscriptions/providers") => {
            format!("{subscription}/providers")
        }
        Target::Collection("Microsoft.Resources/subscriptions") => "/subscriptions".into(),
        Target::Item("Microsoft.Resources/subscriptions") => format!("/subscriptions/{guid}"),
        Target::Collection("Microsoft.Resources/subscriptions/resourceGroups") => {
            format!("{subscription}/resourceGroups")
        }
        Target::Item("Microsoft.Resources/subscriptions/resourceGroups") => group.clone(),
        Target::Item(kind @ ("Hardline.Console/serialPorts" | "Hardline.Diagnostics/serialLogs")) => {
            under(kind, "0")
        }
        Target::Item(kind) => under(kind, guid),
        Target::Collection(kind) => under(kind, ""),
        Target::Verb(kind, verb) => format!("{}/{verb}", under(kind, "0")),
    })
}

fn rows() -> Vec<(&'static Operation, String)> {
    operations::all().iter().filter_map(|row| Some((row, path(row)?))).collect()
}

#[tokio::test]
async fn no_row_answers_a_stranger() {
    let server = TestServer::start().await;
    for (row, path) in rows() {
        let answer = server.anonymous().send(row.method.clone(), &path, None).await;
        assert_eq!(answer.status, 401, "{:?} {path}: {}", row.id, answer.text);
        assert!(!answer.header("www-authenticate").is_empty(), "{:?}", row.id);
    }
    server.stop().await;
}

#[tokio::test]
async fn no_row_answers_another_method() {
    let server = TestServer::start().await;
    let owner = server.with_token(&server.owner().access_token().await);
    for (row, path) in rows() {
        // No row has this one.
        let answer = owner.send(Method::OPTIONS, &path, None).await;
        assert_eq!(answer.status, 405, "{:?} {path}: {}", row.id, answer.text);
        let allowed: Vec<_> = answer.header("allow").split(", ").collect();
        assert!(allowed.contains(&row.method.as_str()), "{:?}: {allowed:?}", row.id);
    }
    server.stop().await;
}

#[tokio::test]
async fn every_row_needs_its_right_and_records_the_refusal() {
    let server = TestServer::start().await;
    let stranger = server.with_token(&server.stranger().access_token().await);
    for (row, path) in rows() {
        let action = match row.requires {
            Require::Action(action) | Require::Guest(action, _) => action,
            // Open to everybody who is signed in; what they may not read is left out of the answer.
            _ => {
                let answer = stranger.send(row.method.clone(), &path, None).await;
                assert!(answer.status < 500 && answer.status != 401, "{:?} {path}: {}", row.id, answer.text);
                continue;
            }
        };
        let answer = stranger.send(row.method.clone(), &path, None).await;
        assert_eq!(answer.status, 403, "{:?} {path}: {}", row.id, answer.text);
        if row.method != Method::HEAD {
            assert_eq!(answer.code(), "AuthorizationFailed", "{:?}", row.id);
            assert!(
                answer.message().contains(&format!("to perform action '{action}' over scope '/")),
                "{}",
                answer.text
            );
        }
        let correlation = Some(answer.header("x-ms-correlation-request-id").to_owned());
        let filter = EventFilter { correlation, ..Default::default() };
        let events = activity_events::list(&server.state().store, &filter, 10).await.unwrap();
        let events: Vec<ActivityEvent> =
            events.iter().map(|e| serde_json::from_str(&e.body).unwrap()).collect();
        let told: Vec<_> =
            events.iter().map(|e| (e.operation_name.value.as_str(), e.status.value.as_str())).collect();
        assert_eq!(told, [(row.name, "Failed"), (row.name, "Started")], "{:?}", row.id);
        assert!(
            events
                .iter()
                .all(|e| e.http_request.client_ip_address == "127.0.0.1"
                    && e.caller == server.stranger().name())
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let server = TestServer::start().await;
    let owner = server.with_token(&server.owner().access_token().await);
    let body = json!({"location": "local", "properties": {}, "commandParameters": {"SysRqCommand": "h"}, "instanceIds": ["0"]});
    for (row, path) in rows() {
        let sends = matches!(row.method, Method::PUT | Method::PATCH)
            || matches!(
                row.id,
                OperationId::ConsoleSysRq
                    | OperationId::ScaleSetDeleteInstances
                    | OperationId::ScaleSetManualUpgrade
            );
        let answer = owner.send(row.method.clone(), &path, sends.then_some(&body)).await;
        // Lists are empty, a PUT may create, deleting what is not there is done already, and the Owner of one
        // subscription has no right to another.
        let fits = match (&row.target, row.method.as_str()) {
            (
                Target::Collection(_)
                | Target::ProviderOperations
                | Target::TenantProvider
                | Target::SubscriptionProvider,
                _,
            ) => {
                matches!(answer.status, 200 | 403 | 404)
            }
            // Providers are registered, all of them, from the start to the end.
            (Target::SubscriptionProviderVerb(_), _) => matches!(answer.status, 200 | 409),
            (_, "PUT") => matches!(answer.status, 200..=202 | 400 | 403 | 404),
            (_, "DELETE") => matches!(answer.status, 204 | 403 | 404),
            (Target::Item("Microsoft.Resources/subscriptions"), _) => answer.status == 403,
            // At the tenant's scope, where this Owner has no right.
            (Target::Item(kind), _) if kind.starts_with("Hardline.Identity/") => answer.status == 403,
            // A code that nobody typed.
            (Target::Verb("Hardline.Identity", _), _) => answer.status == 400,
            // A name that nobody asked for.
            (Target::Verb("Microsoft.Storage" | "Hardline.Detection", _), _) => answer.status == 400,
            // Without a body there is no template.
            (Target::Verb("Microsoft.Resources/deployments", "validate" | "whatIf"), _) => {
                answer.status == 400
            }
            // This request is no WebSocket's.
            (Target::Verb(_, "stream"), _) => answer.status == 426,
            _ => answer.status == 404,
        };
        assert!(fits, "{:?} {} {path}: {} {}", row.id, row.method, answer.status, answer.text);
    }
    server.stop().await;
}
