//! Subscriptions and resource groups over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_testkit::server::{SUBSCRIPTION, TENANT};
use hardline_testkit::{FakeHost, TestServer};
use http::Method;
use serde_json::json;
use uuid::Uuid;

/// A path as some client might write it.
fn upper(path: &str) -> String {
    format!("{}?api-version=2024-07-01", path.to_uppercase())
}

#[tokio::test]
async fn a_subscription_is_what_the_cli_reads() {
    let server = TestServer::start().await;
    let list = server.owner().get("/subscriptions").await.expect(200).json;
    let one = &list["value"][0];
    assert_eq!(one["id"], format!("/subscriptions/{SUBSCRIPTION}"));
    assert_eq!((&one["subscriptionId"], &one["tenantId"]), (&json!(SUBSCRIPTION), &json!(TENANT)));
    assert_eq!((&one["state"], &one["managedByTenants"]), (&json!("Enabled"), &json!([])));
    let path = server.subscription_path();
    assert_eq!(server.reader().get(&upper(&path)).await.expect(200).json, *one);
    let renamed = server.owner().put(&path, &json!({ "displayName": "Renamed" })).await.expect(200).json;
    assert_eq!(renamed["displayName"], "Renamed");
    let full = server.owner().delete(&path).await.expect(409);
    assert_eq!(full.code(), "Conflict");
    server.stop().await;
}

#[tokio::test]
async fn a_group_is_made_changed_and_deleted() {
    let server = TestServer::start().await;
    let owner = server.owner();
    let path = format!("{}/resourcegroups/Web.Tier_1(a)", server.subscription_path());
    owner.send(Method::HEAD, &path, None).await.expect(404);
    let made = owner.put(&path, &json!({ "location": "Local", "tags": { "a": "1" } })).await.expect(201).json;
    let id = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/Web.Tier_1(a)");
    assert_eq!(
        made,
        json!({
            "id": id,
            "name": "Web.Tier_1(a)",
            "type": "Microsoft.Resources/resourceGroups",
            "location": "local",
            "tags": { "a": "1" },
            "properties": { "provisioningState": "Succeeded" },
        })
    );
    owner.send(Method::HEAD, &path.to_lowercase(), None).await.expect(204);
    let again = owner.put(&upper(&path), &json!({ "location": "local" })).await.expect(200).json;
    assert_eq!(again, made, "names keep the case in which they came first; tags that are not named stay");
    let patched = owner.patch(&path, &json!({ "tags": { "b": "2" } })).await.expect(200).json;
    assert_eq!(patched["tags"], json!({ "b": "2" }));
    assert_eq!(owner.get(&path).await.expect(200).json, patched);
    owner.delete(&path).await.expect(200);
    let gone = owner.get(&path).await.expect(404);
    assert_eq!(
        (gone.code(), gone.message()),
        ("ResourceGroupNotFound", "Resource group 'Web.Tier_1(a)' could not be found.")
    );
    assert_eq!(owner.delete(&path).await.expect(404).code(), "ResourceGroupNotFound");
    server.stop().await;
}

#[tokio::test]
async fn bodies_and_names_that_are_refused() {
    let server = TestServer::start().await;
    let owner = server.owner();
    let at = |name: &str| format!("{}/resourceGroups/{name}", server.subscription_path());
    let local = json!({ "location": "local" });
    for (name, body, status, code) in [
        ("ends.", &local, 400, "InvalidResourceGroup"),
        ("a*b", &local, 400, "InvalidResourceGroup"),
        ("new", &json!({}), 400, "LocationRequired"),
        ("new", &json!({ "location": "mars" }), 400, "LocationNotAvailableForResourceGroup"),
        ("new", &json!({ "location": 1 }), 400, "InvalidRequestContent"),
        ("new", &json!({ "location": "local", "tags": { "a": 1 } }), 400, "InvalidRequestContent"),
        ("test-rg", &json!({ "location": "mars" }), 409, "InvalidResourceGroupLocation"),
        ("new", &json!([]), 400, "InvalidRequestContent"),
    ] {
        let answer = owner.put(&at(name), body).await.expect(status);
        assert_eq!(answer.code(), code, "{name} {body}");
    }
    let elsewhere = format!("/subscriptions/{}", Uuid::from_u128(9));
    assert_eq!(
        owner.put(&elsewhere, &json!({ "displayName": "x" })).await.expect(403).code(),
        "AuthorizationFailed"
    );
    server.stop().await;
}

#[tokio::test]
async fn deleting_a_group_takes_its_machines_along() {
    let server = TestServer::start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    let owner = server.owner();
    let vm = json!({"location": "local", "properties": {
        "hardwareProfile": {"vmSize": "Standard_B1s"},
        "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest"}},
        "osProfile": {"computerName": "web", "adminUsername": "operator", "adminPassword": "correct horse 7"},
    }});
    for name in ["vm1", "vm2"] {
        let accepted = owner.put(&server.vm_path(name), &vm).await.expect(201);
        assert_eq!(owner.wait(&accepted).await.json["status"], "Succeeded");
    }
    let accepted = owner.delete(&server.group_path()).await.expect(202);
    assert!(accepted.header("location").contains("monitor=true"));
    assert_eq!(accepted.header("retry-after"), "1");
    owner.get(&server.group_path()).await.expect(404);
    assert_eq!(owner.get(&server.vm_path("vm1")).await.expect(404).code(), "ResourceGroupNotFound");
    assert_eq!(owner.wait(&accepted).await.json["status"], "Succeeded");
    server.stop().await;
}
