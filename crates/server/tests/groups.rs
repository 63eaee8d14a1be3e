//! Roles that somebody has through a group.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_arm::rbac::{READER, VIRTUAL_MACHINE_CONTRIBUTOR};
use hardline_store::db::groups::{self, Group, Member};
use hardline_testkit::{As, TestServer};
use serde_json::{Value, json};
use uuid::Uuid;

fn assignments(scope: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments")
}

fn body(role: Uuid, principal: &str) -> Value {
    json!({ "properties": { "roleDefinitionId": role, "principalId": principal, "principalType": "Group" } })
}

async fn group(server: &TestServer, name: &str) -> String {
    let mut tx = server.state().store.begin().await.unwrap();
    let oid = Uuid::new_v4().to_string();
    let row = Group { oid: oid.clone(), name: name.into(), description: String::new(), created: 1 };
    groups::insert(&mut tx, &row).await.unwrap();
    tx.commit().await.unwrap();
    oid
}

async fn add(server: &TestServer, group: &str, oid: &str, kind: &str) {
    let mut tx = server.state().store.begin().await.unwrap();
    let member = Member { oid: oid.into(), member_type: kind.into(), added: 1 };
    groups::add_member(&mut tx, group, &member).await.unwrap();
    tx.commit().await.unwrap();
}

async fn count(who: &As<'_>, path: &str, filter: &str) -> usize {
    let list = who.get(&format!("{path}?$filter={filter}")).await.expect(200).json;
    list["value"].as_array().unwrap().len()
}

#[tokio::test]
async fn what_a_group_was_given_its_members_have_until_they_leave() {
    let server = TestServer::start().await;
    let (owner, stranger) = (server.owner(), server.stranger());
    let (outer, inner) = (group(&server, "Operators").await, group(&server, "Night shift").await);
    add(&server, &outer, &inner, "Group").await;
    let path = format!("{}/{}", assignments(&server.group_path()), Uuid::new_v4());
    let made = owner.put(&path, &body(VIRTUAL_MACHINE_CONTRIBUTOR, &outer)).await.expect(201).json;
    assert_eq!(made["properties"]["principalType"], "Group");
    let mut wrong = body(READER, &outer);
    wrong["properties"]["principalType"] = json!("User");
    let twin = format!("{}/{}", assignments(&server.group_path()), Uuid::new_v4());
    assert_eq!(owner.put(&twin, &wrong).await.expect(400).code(), "UnmatchedPrincipalType");

    stranger.get(&server.group_path()).await.expect(403);
    add(&server, &inner, &stranger.oid(), "User").await;
    stranger.get(&server.group_path()).await.expect(200);
    stranger.get(&format!("{}2", server.group_path())).await.expect(403);
    stranger.delete(&server.group_path()).await.expect(403);

    // principalId names whom it was given to; assignedTo everybody for whom it counts.
    let list = assignments(&server.subscription_path());
    let oid = stranger.oid();
    assert_eq!(count(&owner, &list, &format!("principalId eq '{oid}'")).await, 0);
    assert_eq!(count(&owner, &list, &format!("principalId eq '{outer}'")).await, 1);
    assert_eq!(count(&owner, &list, &format!("assignedTo('{oid}')")).await, 1);
    assert_eq!(count(&owner, &list, &format!("assignedTo('{inner}')")).await, 1);
    assert_eq!(count(&owner, &list, &format!("atScope() and assignedTo('{oid}')")).await, 0);
    let at_group = assignments(&server.group_path());
    assert_eq!(count(&owner, &at_group, &format!("atScope() and assignedTo('{oid}')")).await, 1);
    assert_eq!(
        owner.get(&format!("{list}?$filter=assignedTo('')")).await.expect(400).code(),
        "InvalidFilterInQueryString"
    );

    let mut tx = server.state().store.begin().await.unwrap();
    groups::remove_member(&mut tx, &inner, &oid).await.unwrap();
    tx.commit().await.unwrap();
    stranger.get(&server.group_path()).await.expect(403);
    server.stop().await;
}

#[tokio::test]
async fn the_log_says_that_it_was_the_groups_role() {
    let server = TestServer::start().await;
    let (owner, stranger) = (server.owner(), server.stranger());
    let operators = group(&server, "Operators").await;
    add(&server, &operators, &stranger.oid(), "User").await;
    let path = format!("{}/{}", assignments(&server.subscription_path()), Uuid::new_v4());
    owner.put(&path, &body(VIRTUAL_MACHINE_CONTRIBUTOR, &operators)).await.expect(201);
    stranger.delete(&server.vm_path("nothing")).await.expect(204);
    let log = format!(
        "{}/providers/Microsoft.Insights/eventtypes/management/values?$filter=caller eq '{}'",
        server.subscription_path(),
        stranger.name()
    );
    let events = owner.get(&log).await.expect(200).json;
    let authorization = &events["value"][0]["authorization"];
    assert_eq!(authorization["role"], "Virtual Machine Contributor");
    let evidence = &authorization["evidence"];
    assert_eq!(evidence["principalType"], "Group");
    assert_eq!(evidence["principalId"], operators.replace('-', ""));
    server.stop().await;
}
