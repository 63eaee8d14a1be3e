//! The minimal Graph over real HTTP: a token of its own, names into ids and back, filters, JSON errors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_store::db::groups::{self, Group, Member};
use hardline_testkit::TestServer;
use hardline_testkit::request::{Answer, As, read};
use hardline_testkit::server::PASSWORD;
use http::Method;
use serde_json::{Value, json};

const GROUP: &str = "66666666-6666-4666-8666-666666666666";

/// A token for the Graph, got as az gets it: with the scope that the cloud's metadata leads to.
async fn token(server: &TestServer) -> String {
    let path = "/metadata/endpoints?api-version=2022-09-01";
    let cloud = server.anonymous().get(path).await.expect(200).json;
    let scope = format!("{}/.default", cloud["microsoftGraphResourceId"].as_str().unwrap());
    let id = server.program().name();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", PASSWORD),
        ("scope", scope.as_str()),
    ];
    let url = format!("{}/adfs/oauth2/token", server.url());
    let answer = read(server.client().post(url).form(&form).send().await.unwrap()).await.expect(200);
    answer.json["access_token"].as_str().unwrap().to_owned()
}

async fn filtered(graph: &As<'_>, collection: &str, filter: &str) -> Answer {
    graph.get(&format!("/graph/v1.0/{collection}?$filter={}", filter.replace(' ', "+"))).await
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["value"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap()).collect()
}

async fn group(server: &TestServer) {
    let mut tx = server.state().store.begin().await.unwrap();
    let row =
        Group { oid: GROUP.into(), name: "Night shift".into(), description: "On call".into(), created: 1 };
    groups::insert(&mut tx, &row).await.unwrap();
    let member = Member { oid: server.reader().oid(), member_type: "User".into(), added: 1 };
    groups::add_member(&mut tx, GROUP, &member).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_token_is_for_arm_or_for_the_graph() {
    let server = TestServer::start().await;
    let token = token(&server).await;
    server.with_token(&token).get("/graph/v1.0/users").await.expect(200);
    let refused = server.with_token(&token).get(&server.subscription_path()).await.expect(401);
    assert_eq!(refused.code(), "InvalidAuthenticationToken");
    for who in [server.owner(), server.anonymous(), server.with_token("garbage")] {
        let refused = who.get("/graph/v1.0/users").await.expect(401);
        assert!(!refused.message().is_empty());
        assert!(refused.header("www-authenticate").starts_with("Bearer "));
    }
    server.stop().await;
}

#[tokio::test]
async fn ids_become_names_as_role_assignments_are_listed() {
    let server = TestServer::start().await;
    group(&server).await;
    let graph = server.with_token(&token(&server).await);
    let (owner, program) = (server.owner(), server.program());
    let missing = "99999999-9999-4999-8999-999999999999";
    let all = [owner.oid(), program.oid().to_uppercase(), GROUP.into(), missing.into(), owner.oid()];
    let types = json!(["user", "group", "servicePrincipal", "directoryObjectPartnerReference"]);
    let ask = async |body: Value| graph.post_json("/graph/v1.0/directoryObjects/getByIds", &body).await;
    let found = ask(json!({ "ids": all, "types": types })).await.expect(200).json;
    assert_eq!(ids(&found), [owner.oid(), program.oid(), GROUP.into()], "once each, in their order");
    let value = &found["value"];
    assert_eq!(value[0]["userPrincipalName"], owner.name());
    assert_eq!(value[0]["@odata.type"], "#microsoft.graph.user");
    assert_eq!(value[1]["servicePrincipalNames"], json!([program.name()]));
    assert_eq!(value[1]["appId"], program.name());
    assert_eq!(value[2]["displayName"], "Night shift");
    let users = ask(json!({ "ids": all, "types": ["user"] })).await.expect(200).json;
    assert_eq!(ids(&users), [owner.oid()]);
    for body in [json!({}), json!({ "ids": "x" }), json!({ "ids": ["x"] }), json!({ "ids": [1] }), json!([])]
    {
        assert_eq!(ask(body.clone()).await.expect(400).code(), "Request_BadRequest", "{body}");
    }
    server.stop().await;
}

#[tokio::test]
async fn names_become_ids_as_assignees_are_written() {
    let server = TestServer::start().await;
    group(&server).await;
    let graph = server.with_token(&token(&server).await);
    let (owner, program) = (server.owner(), server.program());
    let check = async |collection: &str, filter: String, expected: &[String]| {
        let answer = filtered(&graph, collection, &filter).await.expect(200);
        assert_eq!(ids(&answer.json), expected, "{filter}");
    };
    let name = program.name();
    check("servicePrincipals", format!("servicePrincipalNames/any(c:c eq '{name}')"), &[program.oid()]).await;
    check("servicePrincipals", format!("appId eq '{name}'"), &[program.oid()]).await;
    check("servicePrincipals", "servicePrincipalNames/any(c:c eq 'nobody')".into(), &[]).await;
    check("users", "userPrincipalName eq 'OWNER@hardline.test'".into(), &[owner.oid()]).await;
    check("users", "startswith(displayName,'own')".into(), &[owner.oid()]).await;
    check("groups", "startswith(displayName,'Night')".into(), &[GROUP.into()]).await;
    check("groups", "displayName eq 'Day shift'".into(), &[]).await;
    for filter in ["userPrincipalName like 'x'", "shoeSize eq '44'", "displayName eq 'x"] {
        let refused = filtered(&graph, "users", filter).await.expect(400);
        assert_eq!(refused.code(), "Request_UnsupportedQuery", "{filter}");
    }
    server.stop().await;
}

#[tokio::test]
async fn one_object_and_who_is_in_a_group() {
    let server = TestServer::start().await;
    group(&server).await;
    let graph = server.with_token(&token(&server).await);
    let (reader, program) = (server.reader(), server.program());
    for path in [
        format!("users/{}", reader.oid()),
        format!("users/{}", reader.name()),
        format!("directoryObjects/{}", reader.oid()),
    ] {
        let found = graph.get(&format!("/graph/v1.0/{path}")).await.expect(200).json;
        assert_eq!(found["userPrincipalName"], reader.name(), "{path}");
    }
    for path in [
        format!("servicePrincipals/{}", program.oid()),
        format!("servicePrincipals(appId='{}')", program.name()),
    ] {
        let found = graph.get(&format!("/graph/v1.0/{path}")).await.expect(200).json;
        assert_eq!(found["id"], program.oid(), "{path}");
    }
    let members = graph.get(&format!("/graph/v1.0/groups/{GROUP}/members")).await.expect(200).json;
    assert_eq!(ids(&members), [reader.oid()]);
    assert_eq!(graph.get("/graph/v1.0/me").await.expect(400).code(), "BadRequest");
    for path in ["users/nobody", "directoryObjects/x", &format!("groups/{}", reader.oid())] {
        let missing = graph.get(&format!("/graph/v1.0/{path}")).await.expect(404);
        assert_eq!(missing.code(), "Request_ResourceNotFound", "{path}");
        assert!(!missing.message().is_empty());
    }
    for path in
        ["/graph/v1.0", "/graph", "/graph/v1.0/applications", "/graph/v1.0/users/a/b", "/graph/v2/users"]
    {
        assert_eq!(graph.get(path).await.expect(404).code(), "ResourceNotFound", "{path}");
    }
    let refused = graph.send(Method::DELETE, "/graph/v1.0/users", None).await.expect(405);
    assert_eq!(refused.header("allow"), "GET");
    server.stop().await;
}

#[tokio::test]
async fn lists_come_in_pages() {
    let server = TestServer::start().await;
    let graph = server.with_token(&token(&server).await);
    let whole = graph.get("/graph/v1.0/users").await.expect(200).json;
    assert!(ids(&whole).len() >= 4 && whole.get("@odata.nextLink").is_none());
    let mut found = Vec::new();
    let mut next = Some("/graph/v1.0/users?$top=3&$select=displayName".to_owned());
    while let Some(url) = next {
        let page = graph.get(&url).await.expect(200).json;
        assert!(ids(&page).len() <= 3);
        found.extend(page["value"].as_array().unwrap().clone());
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    let got: Vec<_> = found.iter().map(|o| o["id"].as_str().unwrap()).collect();
    assert_eq!(got, ids(&whole));
    assert!(found.iter().all(|o| o["displayName"].is_string() && o.get("userPrincipalName").is_none()));
    let refused = graph.get("/graph/v1.0/users?$search=ann").await.expect(400);
    assert_eq!(refused.code(), "Request_UnsupportedQuery");
    server.stop().await;
}
