//! Custom roles, and what a caller may do, as `az role definition` and clients use them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_arm::rbac::{CONTRIBUTOR, READER, STORAGE_ACCOUNT_KEY_OPERATOR, USER_ACCESS_ADMINISTRATOR};
use hardline_testkit::{As, TestServer};
use serde_json::{Value, json};
use uuid::Uuid;

const GROUP_READ: &str = "Microsoft.Resources/subscriptions/resourceGroups/read";

fn definitions(scope: &str) -> String {
    format!("{}/providers/Microsoft.Authorization/roleDefinitions", scope.trim_end_matches('/'))
}

fn role(name: &str, actions: &[&str], not_actions: &[&str], scopes: &[&str]) -> Value {
    json!({ "properties": {
        "roleName": name,
        "description": "For tests",
        "type": "CustomRole",
        "permissions": [{ "actions": actions, "notActions": not_actions }],
        "assignableScopes": scopes,
    }})
}

/// Gives a role to somebody; the assignment's path.
async fn give(server: &TestServer, scope: &str, role: Uuid, who: &As<'_>) -> String {
    let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", Uuid::new_v4());
    let definition = format!("{}/{role}", definitions(&server.subscription_path()));
    let body = json!({ "properties": { "roleDefinitionId": definition, "principalId": who.oid() } });
    server.owner().put(&path, &body).await.expect(201);
    path
}

fn names(list: &Value) -> Vec<&str> {
    list["value"].as_array().unwrap().iter().map(|r| r["properties"]["roleName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_custom_role_is_made_changed_listed_and_deleted() {
    let server = TestServer::start().await;
    let owner = server.owner();
    let scope = server.subscription_path();
    let name = Uuid::new_v4();
    let path = format!("{}/{name}", definitions(&scope));
    let made = owner.put(&path, &role("Log reader", &["*/read"], &[], &[&scope])).await.expect(201).json;
    assert_eq!(made["id"], path);
    assert_eq!(made["name"], name.to_string());
    let properties = &made["properties"];
    assert_eq!(properties["type"], "CustomRole");
    assert_eq!(properties["assignableScopes"], json!([scope]));
    assert_eq!(
        properties["permissions"],
        json!([{ "actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": [] }])
    );
    assert_eq!(properties["createdBy"], owner.oid());

    // As the SDK asks by id: a second slash in front, a word of its own in the query.
    let by_id = owner.get(&format!("/{path}?disambiguation_dummy&api-version=2022-05-01-preview")).await;
    assert_eq!(by_id.expect(200).json, made);

    // Clients know no other status than 201, for a change too.
    let body = role("Log Reader 2", &["*/read"], &["Microsoft.Compute/*"], &[&scope]);
    let changed = owner.put(&path, &body).await.expect(201).json;
    assert_eq!(changed["properties"]["roleName"], "Log Reader 2");
    assert_eq!(changed["properties"]["createdOn"], properties["createdOn"]);

    let all = owner.get(&definitions(&server.group_path())).await.expect(200).json;
    assert!(names(&all).contains(&"Log Reader 2"));
    for (filter, expected) in [
        ("roleName eq 'log reader 2'", vec!["Log Reader 2"]),
        ("type eq 'CustomRole'", vec!["Log Reader 2"]),
        ("type eq 'customrole' and roleName eq 'Owner'", vec![]),
        ("type eq 'BuiltInRole' and roleName eq 'Owner'", vec!["Owner"]),
        ("atScopeAndBelow() and type eq 'CustomRole'", vec!["Log Reader 2"]),
    ] {
        let list = owner.get(&format!("{}?$filter={filter}", definitions(&scope))).await.expect(200).json;
        assert_eq!(names(&list), expected, "{filter}");
    }
    let wrong = owner.get(&format!("{}?$filter=type eq 'Mine'", definitions(&scope))).await.expect(400);
    assert_eq!(wrong.code(), "InvalidFilterInQueryString");

    assert_eq!(owner.delete(&path).await.expect(200).json["name"], name.to_string());
    owner.delete(&path).await.expect(204);
    assert_eq!(owner.get(&path).await.expect(404).code(), "RoleDefinitionDoesNotExist");
    server.stop().await;
}

#[tokio::test]
async fn what_no_custom_role_can_be() {
    let server = TestServer::start().await;
    let owner = server.owner();
    let scope = server.subscription_path();
    let at = |name: &str| format!("{}/{name}", definitions(&scope));
    let fresh = || at(&Uuid::new_v4().to_string());
    let check = async |path: String, body: Value, status: u16, code: &str| {
        let answer = owner.put(&path, &body).await.expect(status);
        assert_eq!(answer.code(), code, "{}", answer.text);
    };
    let good = role("Mine", &["*/read"], &[], &[&scope]);
    let first = fresh();
    owner.put(&first, &good).await.expect(201);
    check(fresh(), role("MINE", &["*"], &[], &[&scope]), 409, "RoleDefinitionWithSameNameExists").await;
    check(fresh(), role("owner", &["*"], &[], &[&scope]), 409, "RoleDefinitionWithSameNameExists").await;
    check(at(&READER.to_string()), role("R", &["*"], &[], &[&scope]), 400, "BuiltInRoleNotModifiable").await;
    let built_in = owner.delete(&at(&READER.to_string())).await.expect(400);
    assert_eq!(built_in.code(), "BuiltInRoleNotModifiable");
    check(at("mine"), good.clone(), 400, "InvalidRoleDefinitionId").await;
    let root = role("R", &["*"], &[], &["/"]);
    check(fresh(), root, 400, "AssignableScopeNotUnderSubscriptionScope").await;
    check(fresh(), role("R", &["read"], &[], &[&scope]), 400, "InvalidActionOrNotAction").await;
    check(fresh(), role("R", &["*"], &[], &[]), 400, "InvalidRequestContent").await;
    let nowhere = format!("{scope}/resourceGroups/nowhere");
    check(fresh(), role("R", &["*"], &[], &[&nowhere]), 404, "ResourceGroupNotFound").await;
    // Rights come first: this subscription is not there, and the answer does not say so.
    let other = "/subscriptions/99999999-9999-4999-8999-999999999999";
    check(fresh(), role("R", &["*"], &[], &[&scope, other]), 403, "AuthorizationFailed").await;

    // Contributors change machines, not roles; access administrators do.
    give(&server, &scope, CONTRIBUTOR, &server.reader()).await;
    server.reader().put(&fresh(), &role("R", &["*"], &[], &[&scope])).await.expect(403);
    server.reader().delete(&first).await.expect(403);
    give(&server, &server.group_path(), USER_ACCESS_ADMINISTRATOR, &server.stranger()).await;
    let stranger = server.stranger();
    let own = format!("{}/{}", definitions(&server.group_path()), Uuid::new_v4());
    stranger.put(&own, &role("Group's", &["*/read"], &[], &[&server.group_path()])).await.expect(201);
    // ... where they administer, and no wider, neither by a new role nor by changing one.
    stranger.put(&own, &role("Group's", &["*"], &[], &[&scope])).await.expect(403);
    let name = first.rsplit('/').next().unwrap();
    let through_group = format!("{}/{name}", definitions(&server.group_path()));
    let body = role("Mine", &["*"], &[], &[&server.group_path()]);
    let refused = stranger.put(&through_group, &body).await.expect(403);
    assert!(refused.message().contains(&through_group), "{}", refused.text);
    stranger.delete(&through_group).await.expect(403);
    assert_eq!(
        owner.get(&first).await.expect(200).json["properties"]["permissions"][0]["actions"],
        json!(["*/read"])
    );
    server.stop().await;
}

#[tokio::test]
async fn a_custom_role_gives_what_it_lists_and_its_changes_count_at_once() {
    let server = TestServer::start().await;
    let (owner, stranger) = (server.owner(), server.stranger());
    let scope = server.subscription_path();
    let name = Uuid::new_v4();
    let path = format!("{}/{name}", definitions(&scope));
    let mut body = role("Group reader", &[GROUP_READ], &[], &[&scope]);
    owner.put(&path, &body).await.expect(201);
    stranger.get(&server.group_path()).await.expect(403);
    let assignment = give(&server, &server.group_path(), name, &stranger).await;
    stranger.get(&server.group_path()).await.expect(200);
    stranger.patch(&server.group_path(), &json!({ "tags": { "a": "b" } })).await.expect(403);

    body["properties"]["permissions"][0] = json!({ "actions": ["*"], "notActions": ["*/read", "*/delete"] });
    owner.put(&path, &body).await.expect(201);
    stranger.get(&server.group_path()).await.expect(403);
    stranger.patch(&server.group_path(), &json!({ "tags": { "a": "b" } })).await.expect(200);
    stranger.delete(&server.group_path()).await.expect(403);
    // What one role leaves out another can give.
    let reader = give(&server, &scope, READER, &stranger).await;
    stranger.get(&server.group_path()).await.expect(200);
    owner.delete(&reader).await.expect(200);

    // Data actions are no control-plane actions.
    body["properties"]["permissions"][0] = json!({ "dataActions": ["*"] });
    owner.put(&path, &body).await.expect(201);
    stranger.get(&server.group_path()).await.expect(403);

    // In use: it stays, and keeps the scopes where it is in use.
    assert_eq!(owner.delete(&path).await.expect(400).code(), "RoleDefinitionHasAssignments");
    let other = format!("{scope}/resourceGroups/other");
    owner.put(&other, &json!({ "location": "local" })).await.expect(201);
    body["properties"]["assignableScopes"] = json!([other]);
    assert_eq!(owner.put(&path, &body).await.expect(400).code(), "RoleDefinitionHasAssignments");
    owner.delete(&assignment).await.expect(200);
    owner.put(&path, &body).await.expect(201);

    // It does not exist where it may not be assigned, and is not listed there.
    let put = format!("{}/providers/Microsoft.Authorization/roleAssignments/{name}", server.group_path());
    let give = json!({ "properties": { "roleDefinitionId": path, "principalId": stranger.oid() } });
    assert_eq!(owner.put(&put, &give).await.expect(400).code(), "RoleDefinitionDoesNotExist");
    for (at, filter, expected) in [
        (other.as_str(), "type eq 'CustomRole'", 1),
        (&server.group_path(), "type eq 'CustomRole'", 0),
        (&scope, "type eq 'CustomRole'", 0),
        (&scope, "type eq 'CustomRole' and atScopeAndBelow()", 1),
    ] {
        let list = owner.get(&format!("{}?$filter={filter}", definitions(at))).await.expect(200).json;
        assert_eq!(names(&list).len(), expected, "{filter} at {at}");
    }
    owner.get(&format!("{}/{name}", definitions(&server.group_path()))).await.expect(404);
    owner.delete(&path).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn permissions_are_those_of_ones_own_roles_at_the_scope() {
    let server = TestServer::start().await;
    let stranger = server.stranger();
    let at = |scope: &str| format!("{scope}/providers/Microsoft.Authorization/permissions");
    stranger.get(&at(&server.group_path())).await.expect(403);
    let actions = async |who: &As<'_>, scope: &str| -> Vec<String> {
        let list = who.get(&at(scope)).await.expect(200).json;
        let entries = list["value"].as_array().unwrap();
        let all = entries.iter().flat_map(|p| p["actions"].as_array().unwrap());
        all.map(|action| action.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(actions(&server.owner(), &server.group_path()).await, ["*"]);
    assert_eq!(actions(&server.reader(), &server.subscription_path()).await, ["*/read"]);
    give(&server, &server.group_path(), STORAGE_ACCOUNT_KEY_OPERATOR, &stranger).await;
    let keys = [
        "Microsoft.Storage/storageAccounts/listkeys/action",
        "Microsoft.Storage/storageAccounts/regeneratekey/action",
    ];
    assert_eq!(actions(&stranger, &server.group_path()).await, keys);
    give(&server, &server.subscription_path(), READER, &stranger).await;
    assert_eq!(actions(&stranger, &server.subscription_path()).await, ["*/read"]);
    assert_eq!(actions(&stranger, &server.group_path()).await.len(), 3);
    let contributor = server.contributor();
    assert!(actions(&contributor, &server.group_path()).await.len() > 30);
    contributor.get(&at(&server.vm_path("nope"))).await.expect(404);
    contributor.get(&at("/subscriptions/99999999-9999-4999-8999-999999999999")).await.expect(403);
    server.stop().await;
}
