//! Users, service principals and groups, as `hardline user`, `sp` and `group` make them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_arm::rbac::{CONTRIBUTOR, OWNER, READER, USER_ACCESS_ADMINISTRATOR};
use hardline_arm::resource_id::ResourceId;
use hardline_server::auth::{PrincipalKind, provision};
use hardline_testkit::console::{Console, boot_vm};
use hardline_testkit::{As, FakeHost, TestServer};
use serde_json::{Value, json};
use uuid::Uuid;

const DIRECTORY: &str = "/providers/Hardline.Identity";

/// Gives a role at the tenant's scope, which no test principal has.
async fn at_tenant(server: &TestServer, role: Uuid, who: &As<'_>) {
    let state = server.state();
    let mut tx = state.store.begin().await.unwrap();
    let who = (who.oid().parse().unwrap(), PrincipalKind::User);
    let now = state.clock.now();
    provision::assign(&mut tx, &ResourceId::root(), role, who, now, state.random.as_ref()).await.unwrap();
    tx.commit().await.unwrap();
}

/// The status of a sign-in, and the token.
async fn sign_in(server: &TestServer, fields: &[(&str, &str)]) -> (u16, String) {
    let scope = format!("{}/.default", server.url());
    let mut form = vec![("scope", scope.as_str())];
    form.extend(fields);
    let url = format!("{}/adfs/oauth2/token", server.url());
    let answer = server.client().post(url).form(&form).send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    (status, body["access_token"].as_str().unwrap_or("").to_owned())
}

async fn as_user(server: &TestServer, name: &str, password: &str) -> (u16, String) {
    let client = ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46");
    sign_in(server, &[("grant_type", "password"), client, ("username", name), ("password", password)]).await
}

async fn as_program(server: &TestServer, id: &str, secret: &str) -> u16 {
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    sign_in(server, &form).await.0
}

#[tokio::test]
async fn a_user_is_made_signs_in_is_shut_out_and_deleted() {
    let server = TestServer::start().await;
    let owner = server.owner();
    at_tenant(&server, OWNER, &owner).await;
    let ann = format!("{DIRECTORY}/users/ann@hardline.test");
    let body = json!({ "properties": { "displayName": "Ann", "password": "correct horse 7" } });
    let made = owner.put(&ann, &body).await.expect(201).json;
    assert_eq!(
        (&made["name"], &made["properties"]["displayName"]),
        (&json!("ann@hardline.test"), &json!("Ann"))
    );
    assert!(!made.to_string().contains("correct"), "{made}");
    let oid = made["properties"]["objectId"].as_str().unwrap().to_owned();
    let (status, token) = as_user(&server, "ann@hardline.test", "correct horse 7").await;
    assert_eq!(status, 200);
    let herself = server.with_token(&token);

    let assignment = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/{}",
        server.group_path(),
        Uuid::new_v4()
    );
    let give = json!({ "properties": { "roleDefinitionId": READER, "principalId": oid } });
    owner.put(&assignment, &give).await.expect(201);
    herself.get(&server.group_path()).await.expect(200);

    // Shut out: no new token, and the one that lives gives nothing any more.
    owner.put(&ann, &json!({ "properties": { "enabled": false } })).await.expect(200);
    herself.get(&server.group_path()).await.expect(403);
    assert_ne!(as_user(&server, "ann@hardline.test", "correct horse 7").await.0, 200);
    let changed = json!({ "properties": { "enabled": true, "password": "another horse 8" } });
    owner.put(&ann.to_uppercase().replace("PROVIDERS", "providers"), &changed).await.expect(200);
    herself.get(&server.group_path()).await.expect(200);
    assert_ne!(as_user(&server, "ann@hardline.test", "correct horse 7").await.0, 200);
    assert_eq!(as_user(&server, "ann@hardline.test", "another horse 8").await.0, 200);

    let by_oid = format!("{DIRECTORY}/users/{oid}");
    assert_eq!(owner.get(&by_oid).await.expect(200).json["name"], "ann@hardline.test");
    let names = owner.get(&format!("{DIRECTORY}/users")).await.expect(200).json;
    assert!(names["value"].as_array().unwrap().iter().any(|u| u["name"] == "ann@hardline.test"));
    owner.delete(&by_oid).await.expect(200);
    owner.delete(&by_oid).await.expect(204);
    owner.get(&ann).await.expect(404);
    owner.get(&assignment).await.expect(404);
    herself.get(&server.group_path()).await.expect(403);
    server.stop().await;
}

#[tokio::test]
async fn a_service_principal_gets_a_secret_that_is_shown_once() {
    let server = TestServer::start().await;
    let owner = server.owner();
    at_tenant(&server, OWNER, &owner).await;
    let id = Uuid::new_v4().to_string();
    let path = format!("{DIRECTORY}/servicePrincipals/{id}");
    let made = owner.put(&path, &json!({ "properties": { "displayName": "backup" } })).await.expect(201).json;
    let secret = made["properties"]["password"].as_str().unwrap();
    assert_eq!(as_program(&server, &id, secret).await, 200);
    assert!(!owner.get(&path).await.expect(200).text.contains(secret));
    let again = owner.put(&path, &json!({ "properties": { "displayName": "Backup" } })).await.expect(200);
    assert_eq!(again.json["properties"]["displayName"], "Backup");
    assert!(again.json["properties"].get("password").is_none());
    assert_eq!(as_program(&server, &id, secret).await, 200);
    owner.get(&format!("{DIRECTORY}/users/{id}")).await.expect(404);
    owner.delete(&path).await.expect(200);
    assert_ne!(as_program(&server, &id, secret).await, 200);
    server.stop().await;
}

#[tokio::test]
async fn groups_have_members_and_never_hold_themselves() {
    let server = TestServer::start().await;
    let owner = server.owner();
    at_tenant(&server, OWNER, &owner).await;
    let at = |name: &str| format!("{DIRECTORY}/groups/{name}");
    let mut oids = Vec::new();
    for name in ["Operators", "night shift"] {
        let body = json!({ "properties": { "description": "d" } });
        let made = owner.put(&at(name), &body).await.expect(201).json;
        oids.push(made["properties"]["objectId"].as_str().unwrap().to_owned());
    }
    let (outer, inner) = (&oids[0], &oids[1]);
    let body = json!({ "properties": { "description": "e" } });
    let again = owner.put(&at("OPERATORS"), &body).await.expect(200).json;
    assert_eq!((&again["name"], &again["properties"]["description"]), (&json!("Operators"), &json!("e")));
    let page = owner.get(&format!("{DIRECTORY}/groups?$top=1")).await.expect(200).json;
    assert_eq!(page["value"][0]["name"], "night shift");
    let next = owner.get(page["nextLink"].as_str().unwrap()).await.expect(200).json;
    assert_eq!(next["value"][0]["name"], "Operators");

    let member = |group: &str, oid: &str| format!("{}/members/{oid}", at(group));
    let none = json!({});
    owner.put(&member("operators", inner), &none).await.expect(201);
    owner.put(&member(outer, inner), &none).await.expect(200);
    for (group, oid) in [("night shift", outer), ("night shift", inner), ("operators", outer)] {
        let refused = owner.put(&member(group, oid), &none).await.expect(400);
        assert_eq!(refused.code(), "GroupHoldsItself", "{}", refused.text);
    }
    let stranger = server.stranger();
    owner.put(&member("night shift", &stranger.oid()), &none).await.expect(201);
    owner.put(&member("night shift", &Uuid::nil().to_string()), &none).await.expect(404);
    owner.put(&member("night shift", "ann"), &none).await.expect(400);
    owner.put(&member("nobodys", inner), &none).await.expect(404);
    let list = owner.get(&format!("{}/members", at("night shift"))).await.expect(200).json;
    assert_eq!(list["value"][0]["properties"]["principalType"], "User");
    assert_eq!(list["value"][0]["name"], stranger.oid());

    // What the outer group has, the inner group's members have; and no longer when either goes.
    let give = json!({ "properties": { "roleDefinitionId": READER, "principalId": outer } });
    let assignment = |n: u128| {
        format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{}",
            server.group_path(),
            Uuid::from_u128(n)
        )
    };
    owner.put(&assignment(1), &give).await.expect(201);
    stranger.get(&server.group_path()).await.expect(200);
    owner.delete(&member("Operators", inner)).await.expect(200);
    owner.delete(&member("Operators", inner)).await.expect(204);
    stranger.get(&server.group_path()).await.expect(403);
    owner.put(&member("Operators", inner), &none).await.expect(201);
    stranger.get(&server.group_path()).await.expect(200);
    owner.delete(&at("Operators")).await.expect(200);
    owner.delete(&at("Operators")).await.expect(204);
    stranger.get(&server.group_path()).await.expect(403);
    owner.get(&assignment(1)).await.expect(404);
    server.stop().await;
}

#[tokio::test]
async fn who_may_not_give_rights_changes_nobody() {
    let server = TestServer::start().await;
    // Owner of the subscription, Contributor and Reader of the tenant: none of them may set an Owner's password.
    at_tenant(&server, CONTRIBUTOR, &server.contributor()).await;
    at_tenant(&server, READER, &server.reader()).await;
    at_tenant(&server, USER_ACCESS_ADMINISTRATOR, &server.stranger()).await;
    let body = json!({ "properties": { "password": "correct horse 7" } });
    let owner = format!("{DIRECTORY}/users/{}", server.owner().name());
    for who in [server.owner(), server.contributor(), server.reader()] {
        who.put(&owner, &body).await.expect(403);
        who.put(&format!("{DIRECTORY}/groups/mine"), &json!({})).await.expect(403);
        who.delete(&owner).await.expect(403);
    }
    server.owner().get(&format!("{DIRECTORY}/users")).await.expect(403);
    server.reader().get(&format!("{DIRECTORY}/users")).await.expect(200);
    server.stranger().put(&format!("{DIRECTORY}/groups/mine"), &json!({})).await.expect(201);
    server.stop().await;
}

#[tokio::test]
async fn who_nobody_can_be() {
    let server = TestServer::start().await;
    let owner = server.owner();
    at_tenant(&server, OWNER, &owner).await;
    let good = json!({ "password": "correct horse 7" });
    let check = async |path: &str, properties: &Value, status: u16, code: &str| {
        let answer = owner.put(&format!("{DIRECTORY}/{path}"), &json!({ "properties": properties })).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{path}: {}", answer.text);
        assert!(!answer.text.contains("correct horse"), "{}", answer.text);
    };
    check("users/ann", &good, 400, "InvalidParameter").await;
    check("users/@b", &good, 400, "InvalidParameter").await;
    check("users/a b@c", &good, 400, "InvalidParameter").await;
    check("users/a@b", &json!({}), 400, "InvalidRequestContent").await;
    check("users/a@b", &json!({ "password": "short" }), 400, "InvalidParameter").await;
    check("users/a@b", &json!({ "password": "x".repeat(5000) }), 400, "InvalidParameter").await;
    check("users/a@b", &json!({ "password": 7 }), 400, "InvalidParameter").await;
    check(
        "users/a@b",
        &json!({ "password": "correct horse 7", "enabled": "no" }),
        400,
        "InvalidRequestContent",
    )
    .await;
    let bell = json!({ "password": "correct horse 7", "displayName": "\u{7}" });
    check("users/a@b", &bell, 400, "InvalidParameter").await;
    check("servicePrincipals/backup", &json!({}), 400, "InvalidParameter").await;
    check(&format!("groups/{}", Uuid::new_v4()), &json!({}), 400, "InvalidParameter").await;
    let me = format!("users/{}", owner.name());
    check(&me, &json!({ "enabled": false }), 409, "OperationNotAllowed").await;
    assert_eq!(owner.delete(&format!("{DIRECTORY}/{me}")).await.expect(409).code(), "OperationNotAllowed");
    // A program's name is no user's, also by another door.
    check(&format!("users/{}", server.program().name()), &good, 400, "InvalidParameter").await;
    server.stop().await;
}

#[tokio::test]
async fn an_open_console_ends_whichever_way_its_right_goes() {
    let server = TestServer::start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    boot_vm(&server, "vm1").await;
    let (owner, stranger) = (server.owner(), server.stranger());
    at_tenant(&server, OWNER, &owner).await;
    let scope = server.subscription_path();
    let none = json!({});
    let group = format!("{DIRECTORY}/groups/night");
    let member = format!("{group}/members/{}", stranger.oid());
    let user = format!("{DIRECTORY}/users/{}", stranger.name());
    let role = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{}", Uuid::new_v4());
    let typing = |not: &[&str]| {
        json!({ "properties": {
            "roleName": "Typist",
            "permissions": [{ "actions": ["Microsoft.SerialConsole/*"], "notActions": not }],
            "assignableScopes": [scope],
        }})
    };
    owner.put(&role, &typing(&[])).await.expect(201);
    let shut_out = json!({ "properties": { "enabled": false } });
    for way in ["member", "role", "user", "group"] {
        let oid = owner.put(&group, &none).await.json["properties"]["objectId"].clone();
        owner.put(&member, &none).await;
        let assignment =
            format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", Uuid::new_v4());
        let give = json!({ "properties": { "roleDefinitionId": role, "principalId": oid } });
        owner.put(&assignment, &give).await;
        let token = stranger.access_token().await;
        let mut console = Console::stream(&server, &server.vm_path("vm1"), &token, "").await.unwrap();
        match way {
            "member" => owner.delete(&member).await.expect(200),
            "role" => owner.put(&role, &typing(&["*/connect/action"])).await.expect(201),
            "user" => owner.put(&user, &shut_out).await.expect(200),
            _ => owner.delete(&group).await.expect(200),
        };
        assert_eq!(console.end().await.1, 4003, "{way}");
        owner.put(&role, &typing(&[])).await.expect(201);
        owner.put(&user, &json!({ "properties": { "enabled": true } })).await.expect(200);
    }
    server.stop().await;
}
