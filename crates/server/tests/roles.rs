//! Role definitions and role assignments, as `az role` uses them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_arm::rbac::{OWNER, READER, built_in_roles};
use hardline_testkit::TestServer;
use serde_json::{Value, json};
use uuid::Uuid;

fn assignments(scope: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments")
}

fn definition(server: &TestServer, role: Uuid) -> String {
    format!("{}/providers/Microsoft.Authorization/roleDefinitions/{role}", server.subscription_path())
}

fn body(server: &TestServer, role: Uuid, principal: &str) -> Value {
    json!({ "properties": { "roleDefinitionId": definition(server, role), "principalId": principal } })
}

fn principals(list: &Value) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let of = |a: &Value| (text(&a["properties"]["principalId"]), text(&a["properties"]["scope"]));
    list["value"].as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn definitions_are_listed_and_found_by_name() {
    let server = TestServer::start().await;
    let reader = server.reader();
    let path = format!("{}/providers/Microsoft.Authorization/roleDefinitions", server.group_path());
    let all = reader.get(&path).await.expect(200);
    assert_eq!(all.json["value"].as_array().unwrap().len(), built_in_roles().len());
    let one =
        reader.get(&format!("{path}?$filter=roleName eq 'virtual machine contributor'")).await.expect(200);
    let role = &one.json["value"][0];
    assert_eq!(role["name"], "9980e02c-c2be-4d73-94e8-173b1dc7cf3c");
    assert_eq!(role["id"], definition(&server, "9980e02c-c2be-4d73-94e8-173b1dc7cf3c".parse().unwrap()));
    assert_eq!(role["properties"]["type"], "BuiltInRole");
    let actions = role["properties"]["permissions"][0]["actions"].as_array().unwrap();
    assert!(actions.contains(&json!("Microsoft.SerialConsole/serialPorts/connect/action")));
    let custom = reader.get(&format!("{path}?$filter=type eq 'CustomRole'")).await.expect(200);
    assert_eq!(custom.json, json!({ "value": [] }));
    assert_eq!(
        reader.get(&format!("{path}?$filter=colour eq 'red'")).await.expect(400).code(),
        "InvalidFilterInQueryString"
    );
    assert_eq!(
        reader.get(&format!("{path}/{OWNER}")).await.expect(200).json["properties"]["roleName"],
        "Owner"
    );
    assert_eq!(
        reader.get(&format!("{path}/{}", Uuid::nil())).await.expect(404).code(),
        "RoleDefinitionDoesNotExist"
    );
    server.stop().await;
}

#[tokio::test]
async fn an_assignment_is_made_found_and_taken_away() {
    let server = TestServer::start().await;
    let (owner, stranger) = (server.owner(), server.stranger());
    let name = Uuid::new_v4();
    let path = format!("{}/{name}", assignments(&server.group_path()));
    let made = owner.put(&path, &body(&server, READER, &stranger.oid())).await.expect(201).json;
    assert_eq!(made["id"], path);
    assert_eq!(made["type"], "Microsoft.Authorization/roleAssignments");
    let properties = &made["properties"];
    assert_eq!(properties["roleDefinitionId"], definition(&server, READER));
    assert_eq!(
        (&properties["principalType"], &properties["createdBy"]),
        (&json!("User"), &json!(owner.oid()))
    );
    assert_eq!(
        owner.get(&format!("{}?api-version=2022-04-01", path.to_uppercase())).await.expect(200).json["name"],
        made["name"]
    );

    // The same again is the same; under another name it exists; under this name nothing else can be.
    owner.put(&path, &body(&server, READER, &stranger.oid())).await.expect(200);
    let twin = format!("{}/{}", assignments(&server.group_path()), Uuid::new_v4());
    let exists = owner.put(&twin, &body(&server, READER, &stranger.oid())).await.expect(409);
    assert_eq!(
        (exists.code(), exists.message()),
        ("RoleAssignmentExists", "The role assignment already exists.")
    );
    let other = owner.put(&path, &body(&server, OWNER, &stranger.oid())).await.expect(400);
    assert_eq!(other.code(), "RoleAssignmentUpdateNotPermitted");

    assert_eq!(owner.delete(&path).await.expect(200).json["name"], made["name"]);
    owner.delete(&path).await.expect(204);
    assert_eq!(owner.get(&path).await.expect(404).code(), "RoleAssignmentNotFound");
    server.stop().await;
}

#[tokio::test]
async fn lists_go_up_and_down_and_at_scope_only_up() {
    let server = TestServer::start().await;
    let (owner, stranger) = (server.owner(), server.stranger());
    let path = format!("{}/{}", assignments(&server.group_path()), Uuid::new_v4());
    owner.put(&path, &body(&server, READER, &stranger.oid())).await.expect(201);
    let mine = (stranger.oid(), server.group_path());
    let subscription = assignments(&server.subscription_path());
    let list = async |path: &str, filter: &str| {
        principals(&owner.get(&format!("{path}?$filter={filter}")).await.expect(200).json)
    };
    assert_eq!(principals(&owner.get(&subscription).await.expect(200).json).len(), 5);
    assert_eq!(list(&subscription, "atScope()").await.len(), 4);
    assert_eq!(list(&assignments(&server.group_path()), "atScope()").await.len(), 5);
    for filter in [
        format!("principalId eq '{}'", stranger.oid()),
        format!("assignedTo('{}')", stranger.oid().to_uppercase()),
    ] {
        assert_eq!(list(&subscription, &filter).await, std::slice::from_ref(&mine), "{filter}");
        assert!(list(&subscription, &format!("atScope() and {filter}")).await.is_empty(), "{filter}");
    }
    server.stop().await;
}

#[tokio::test]
async fn lists_come_in_pages_and_at_every_scope() {
    let server = TestServer::start().await;
    let owner = server.owner();
    let list = assignments(&server.group_path());
    let (mut seen, mut next, mut pages) = (Vec::new(), format!("{list}?$top=3"), 0);
    loop {
        let page = owner.get(&next).await.expect(200).json;
        seen.extend(principals(&page));
        pages += 1;
        match page["nextLink"].as_str() {
            Some(link) => next = link.to_owned(),
            None => break,
        }
    }
    assert_eq!((seen.len(), pages), (4, 2));
    assert_eq!(seen, principals(&owner.get(&list).await.expect(200).json));
    // A serial port is no record of its own; its machine would have to be there.
    let port = format!("{}/providers/Microsoft.SerialConsole/serialPorts/0", server.vm_path("nope"));
    assert_eq!(owner.get(&assignments(&port)).await.expect(404).code(), "ResourceNotFound");
    server.stop().await;
}

#[tokio::test]
async fn only_the_description_of_an_assignment_changes() {
    let server = TestServer::start().await;
    let (owner, stranger) = (server.owner(), server.stranger());
    let path = format!("{}/{}", assignments(&server.group_path()), Uuid::new_v4());
    let mut put = body(&server, READER, &stranger.oid());
    let first = owner.put(&path, &put).await.expect(201).json;
    assert_eq!(first["properties"]["description"], Value::Null);
    assert_eq!(owner.put(&path, &put).await.expect(200).json, first);
    put["properties"]["description"] = json!("until Friday");
    let program = server.program();
    let second = program.put(&path, &put).await.expect(200).json;
    assert_eq!(second["properties"]["description"], "until Friday");
    assert_eq!(second["properties"]["createdBy"], owner.oid());
    assert_eq!(second["properties"]["updatedBy"], program.oid());
    assert_eq!(owner.get(&path).await.expect(200).json, second);
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_assigned() {
    let server = TestServer::start().await;
    let (owner, stranger) = (server.owner(), server.stranger());
    let at = |scope: &str| format!("{}/{}", assignments(scope), Uuid::new_v4());
    let group = server.group_path();
    let good = body(&server, READER, &stranger.oid());
    let check = async |path: String, body: &Value, status: u16, code: &str| {
        let answer = owner.put(&path, body).await.expect(status);
        assert_eq!(answer.code(), code, "{}", answer.text);
    };
    check(format!("{}/not-a-guid", assignments(&group)), &good, 400, "InvalidRoleAssignmentId").await;
    check(at(&server.vm_path("nope")), &good, 404, "ResourceNotFound").await;
    check(at(&group), &body(&server, Uuid::nil(), &stranger.oid()), 400, "RoleDefinitionDoesNotExist").await;
    check(at(&group), &body(&server, READER, &Uuid::nil().to_string()), 400, "PrincipalNotFound").await;
    check(at(&group), &body(&server, READER, "ann"), 400, "InvalidParameter").await;
    check(at(&group), &json!({}), 400, "InvalidRequestContent").await;
    check(at(&group), &json!({ "properties": {} }), 400, "InvalidRequestContent").await;
    let mut wrong_type = good.clone();
    wrong_type["properties"]["principalType"] = json!("ServicePrincipal");
    check(at(&group), &wrong_type, 400, "UnmatchedPrincipalType").await;
    let mut condition = good.clone();
    condition["properties"]["condition"] = json!("true");
    check(at(&group), &condition, 400, "ConditionsNotSupported").await;

    // Contributors of machines give no rights, not even to themselves.
    let contributor = server.contributor();
    let own = body(&server, OWNER, &contributor.oid());
    assert_eq!(contributor.put(&at(&group), &own).await.expect(403).code(), "AuthorizationFailed");
    server.stop().await;
}
