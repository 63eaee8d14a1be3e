//! Who may open a console and read boot diagnostics; what of it stands in the activity log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_arm::rbac::{READER, VIRTUAL_MACHINE_CONTRIBUTOR};
use hardline_testkit::request::{Answer, read};
use hardline_testkit::server::SUBSCRIPTION;
use hardline_testkit::{As, FakeHost, TestServer};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const CONNECT: &str = "Microsoft.SerialConsole/serialPorts/connect/action";
const BOOT_DATA: &str = "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action";

async fn server() -> (TestServer, FakeHost) {
    let server = TestServer::start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    let body = json!({"location": "local", "properties": {
        "hardwareProfile": {"vmSize": "Standard_B1s"},
        "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest"}},
        "osProfile": {"computerName": "web", "adminUsername": "operator", "adminPassword": "correct horse 7"},
    }});
    let owner = server.owner();
    let accepted = owner.put(&server.vm_path("web"), &body).await.expect(201);
    assert_eq!(owner.wait(&accepted).await.json["status"], "Succeeded");
    (server, host)
}

fn connect(vm: &str) -> String {
    format!("{vm}/providers/Microsoft.SerialConsole/serialPorts/0/connect")
}

fn boot_data(vm: &str) -> String {
    format!("{vm}/retrieveBootDiagnosticsData")
}

/// POST under a correlation id of its own.
async fn post(who: &As<'_>, path: &str) -> (Answer, Uuid) {
    let correlation = Uuid::new_v4();
    let request = who.request(Method::POST, &format!("{path}?api-version=2024-07-01")).await;
    let request = request.header("x-ms-correlation-request-id", correlation.to_string());
    (read(request.send().await.unwrap()).await, correlation)
}

/// The activity log of one request, oldest first, as an auditor reads it.
async fn log(server: &TestServer, correlation: Uuid) -> Vec<Value> {
    let path = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/microsoft.insights/eventtypes/management/values?$filter=correlationId eq '{correlation}'"
    );
    let answer = server.owner().get(&path).await.expect(200);
    let mut events = answer.json["value"].as_array().unwrap().clone();
    events.reverse();
    events
}

/// Person, address, operation, status of every event.
fn facts(events: &[Value]) -> Vec<[&str; 4]> {
    let text = |event: &'static str| event;
    let read =
        |event: &Value, pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    events
        .iter()
        .map(|event| {
            [
                text("/caller"),
                text("/httpRequest/clientIpAddress"),
                text("/operationName/value"),
                text("/status/value"),
            ]
            .map(|pointer| &*read(event, pointer).leak())
        })
        .collect()
}

#[tokio::test]
async fn a_reader_gets_neither_a_console_nor_boot_diagnostics() {
    let (server, _host) = server().await;
    let reader = server.reader();
    for (path, action) in [(connect as fn(&str) -> String, CONNECT), (boot_data, BOOT_DATA)] {
        let mut messages = Vec::new();
        for name in ["web", "nope"] {
            let target = path(&server.vm_path(name));
            let scope =
                target.strip_suffix("/connect").or(target.strip_suffix("/retrieveBootDiagnosticsData"));
            let scope = scope.unwrap().to_owned();
            let (answer, correlation) = post(&reader, &target).await;
            let message = format!(
                "The client 'reader@hardline.test' with object id '{}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
                reader.oid()
            );
            assert_eq!(answer.status, 403);
            assert_eq!(
                answer.json,
                json!({ "error": { "code": "AuthorizationFailed", "message": message } })
            );
            assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
            messages.push(message.replace(name, "NAME"));

            let events = log(&server, correlation).await;
            assert_eq!(
                facts(&events),
                ["Started", "Failed"].map(|status| ["reader@hardline.test", "127.0.0.1", action, status])
            );
            assert_eq!(events[1]["authorization"], json!({ "action": action, "scope": scope }));
            assert_eq!(events[1]["subStatus"]["value"], "Forbidden");
            assert_eq!(events[1]["level"], "Error");
        }
        assert_eq!(messages[0], messages[1], "a VM that is not there reads as one that is");
    }
    server.stop().await;
}

#[tokio::test]
async fn nobody_gets_401() {
    let (server, _host) = server().await;
    for path in [connect(&server.vm_path("web")), boot_data(&server.vm_path("web"))] {
        let (answer, _) = post(&server.anonymous(), &path).await;
        assert_eq!((answer.status, answer.code()), (401, "AuthenticationFailed"));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_contributor_gets_both_and_the_log_says_by_which_role() {
    let (server, _host) = server().await;
    let contributor = server.contributor();
    let vm = server.vm_path("web");
    for (path, action) in [(connect(&vm), CONNECT), (boot_data(&vm), BOOT_DATA)] {
        let (answer, correlation) = post(&contributor, &path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let events = log(&server, correlation).await;
        assert_eq!(
            facts(&events),
            ["Started", "Succeeded"].map(|status| ["contributor@hardline.test", "127.0.0.1", action, status])
        );
        let authorization = &events[1]["authorization"];
        assert_eq!(authorization["role"], "Virtual Machine Contributor");
        assert_eq!(authorization["evidence"]["roleAssignmentScope"], server.subscription_path());
        assert_eq!(authorization["evidence"]["principalType"], "User");
        let oid = contributor.oid();
        assert_eq!(events[1]["claims"]["http://schemas.microsoft.com/identity/claims/objectidentifier"], oid);
    }
    server.stop().await;
}

/// Gives a role to a principal at a scope; the assignment's path.
async fn give(server: &TestServer, scope: &str, role: Uuid, oid: &str) -> String {
    let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", Uuid::new_v4());
    let body = json!({ "properties": {
        "roleDefinitionId": format!("{}/providers/Microsoft.Authorization/roleDefinitions/{role}", server.subscription_path()),
        "principalId": oid,
        "principalType": "User",
    }});
    server.owner().put(&path, &body).await.expect(201);
    path
}

#[tokio::test]
async fn a_role_on_one_vm_opens_that_vm_alone_and_is_gone_at_once_when_it_is_taken() {
    let (server, _host) = server().await;
    let stranger = server.stranger();
    let vm = server.vm_path("web");
    let path = give(&server, &vm, VIRTUAL_MACHINE_CONTRIBUTOR, &stranger.oid()).await;

    assert_eq!(post(&stranger, &connect(&vm)).await.0.status, 200);
    assert_eq!(post(&stranger, &connect(&server.vm_path("web2"))).await.0.status, 403);
    stranger.get(&server.group_path()).await.expect(403);
    stranger.get(&server.subscription_path()).await.expect(200);
    let list = stranger.get("/subscriptions").await.expect(200);
    assert_eq!(list.json["value"][0]["subscriptionId"], SUBSCRIPTION);
    let all = format!("{}/providers/Microsoft.Compute/virtualMachines", server.subscription_path());
    let seen = stranger.get(&all).await.expect(200);
    assert_eq!(seen.json["value"].as_array().unwrap().len(), 1);
    let log =
        format!("{}/providers/Microsoft.Insights/eventtypes/management/values", server.subscription_path());
    stranger.get(&log).await.expect(403);

    // One's own operation can be followed although its URL hangs under the subscription; another's cannot.
    let started = stranger.post(&format!("{vm}/restart")).await.expect(202);
    assert_eq!(stranger.wait(&started).await.json["status"], "Succeeded");
    let other = server.vm_path("other");
    let owners = server.owner().put(&other, &json!({"location": "local", "properties": {
        "hardwareProfile": {"vmSize": "Standard_B1s"},
        "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest"}},
        "osProfile": {"computerName": "o", "adminUsername": "operator", "adminPassword": "correct horse 7"},
    }})).await.expect(201);
    stranger.get(owners.header("azure-asyncoperation")).await.expect(403);

    server.owner().delete(&path).await.expect(200);
    assert_eq!(post(&stranger, &connect(&vm)).await.0.status, 403);
    stranger.get(&server.subscription_path()).await.expect(403);
    server.owner().delete(&path).await.expect(204);
    server.stop().await;
}

#[tokio::test]
async fn a_role_on_a_machine_is_no_role_on_the_next_one_of_its_name() {
    let (server, _host) = server().await;
    let (owner, stranger) = (server.owner(), server.stranger());
    let vm = server.vm_path("web");
    let body = owner.get(&vm).await.expect(200).json;
    give(&server, &vm, VIRTUAL_MACHINE_CONTRIBUTOR, &stranger.oid()).await;
    // Who deletes a machine by a role at it can follow the deletion to its end.
    let gone = stranger.delete(&vm).await.expect(202);
    assert_eq!(stranger.wait(&gone).await.json["status"], "Succeeded");
    let mut again = json!({ "location": "local", "properties": body["properties"] });
    again["properties"]["osProfile"]["adminPassword"] = json!("correct horse 7");
    let made = owner.put(&vm, &again).await.expect(201);
    assert_eq!(owner.wait(&made).await.json["status"], "Succeeded");
    stranger.get(&vm).await.expect(403);
    assert_eq!(post(&stranger, &connect(&vm)).await.0.status, 403);
    server.stop().await;
}

#[tokio::test]
async fn lists_of_groups_show_what_may_be_read() {
    let (server, _host) = server().await;
    let owner = server.owner();
    let other = format!("{}/resourceGroups/other", server.subscription_path());
    owner.put(&other, &json!({ "location": "local" })).await.expect(201);
    let stranger = server.stranger();
    let groups = format!("{}/resourcegroups", server.subscription_path());
    stranger.get(&groups).await.expect(403);
    give(&server, &other, READER, &stranger.oid()).await;
    let names = |answer: &Answer| -> Vec<String> {
        answer.json["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|g| g["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&stranger.get(&groups).await.expect(200)), ["other"]);
    assert_eq!(names(&owner.get(&groups).await.expect(200)), ["other", "test-rg"]);
    let first = owner.get(&format!("{groups}?$top=1")).await.expect(200);
    assert_eq!(names(&first), ["other"]);
    let second = owner.get(first.json["nextLink"].as_str().unwrap()).await.expect(200);
    assert_eq!(names(&second), ["test-rg"]);
    assert!(second.json.get("nextLink").is_none());
    server.stop().await;
}
