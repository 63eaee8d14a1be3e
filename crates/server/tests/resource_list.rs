//! `GET …/resources` and the registration of providers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_arm::rbac::READER;
use hardline_testkit::{As, FakeHost, TestServer};
use serde_json::{Value, json};
use uuid::Uuid;

/// A machine, a public address and two networks, one of them in a group of its own.
async fn furnish(server: &TestServer) -> String {
    let owner = server.owner();
    let other = format!("{}/resourceGroups/other", server.subscription_path());
    owner.put(&other, &json!({"location": "local"})).await.expect(201);
    let vnet = json!({"location": "local", "tags": {"Team": "a"}, "properties": {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [{"name": "front", "properties": {"addressPrefix": "10.0.0.0/24"}}]}});
    for group in [&server.group_path(), &other] {
        let path = format!("{group}/providers/microsoft.network/virtualnetworks/Net1");
        owner.put(&path, &vnet).await.expect(201);
    }
    let address = format!("{}/providers/Microsoft.Network/publicIPAddresses/web-ip", server.group_path());
    let body = json!({"location": "local", "tags": {"team": "b"}, "sku": {"name": "Standard"}});
    owner.put(&address, &body).await.expect(201);
    let machine = json!({"location": "local", "properties": {
        "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest"}},
        "osProfile": {"computerName": "web", "adminUsername": "operator", "adminPassword": "correct horse 7"},
    }});
    let accepted = owner.put(&server.vm_path("web"), &machine).await.expect(201);
    assert_eq!(owner.wait(&accepted).await.json["status"], "Succeeded");
    other
}

async fn list(who: &As<'_>, path: &str) -> Value {
    who.get(path).await.expect(200).json["value"].clone()
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_resource_is_listed_filtered_and_paged() {
    let server = TestServer::start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    let other = furnish(&server).await;
    let (owner, all) = (server.owner(), format!("{}/resources", server.subscription_path()));
    let expand = "$expand=createdTime,changedTime,provisioningState";
    let found = list(&owner, &format!("{all}?{expand}")).await;
    assert_eq!(names(&found), ["Net1", "web", "web-ip", "Net1"]);
    assert_eq!(found[1]["provisioningState"], "Succeeded");
    assert_eq!(found[2]["provisioningState"], "Succeeded");
    assert!(found[2]["createdTime"].as_str().unwrap().ends_with('Z'));
    let plain = list(&owner, &all).await;
    assert_eq!(
        plain[0],
        json!({
            "id": format!("{other}/providers/microsoft.network/virtualnetworks/Net1"), "name": "Net1",
            "type": "Microsoft.Network/virtualNetworks", "location": "local", "tags": {"Team": "a"}
        })
    );
    assert_eq!(plain[2]["sku"], json!({"name": "Standard", "tier": "Regional"}));
    for (filter, expected) in [
        ("resourceType eq 'microsoft.compute/VIRTUALMACHINES'", vec!["web"]),
        ("resourceType ne 'Microsoft.Compute/virtualMachines' and resourceGroup eq 'OTHER'", vec!["Net1"]),
        ("name eq 'net1'", vec!["Net1", "Net1"]),
        ("name eq 'net1' and name eq 'web'", vec![]),
        ("substringof('WEB', name)", vec!["web", "web-ip"]),
        ("startswith(tagname, 'te')", vec!["Net1", "web-ip", "Net1"]),
        ("tagname eq 'team' and tagvalue eq 'b'", vec!["web-ip"]),
        ("tagName eq 'team' and tagValue eq 'c'", vec![]),
        ("tagValue eq 'b'", vec!["web-ip"]),
        ("location eq 'mars'", vec![]),
    ] {
        assert_eq!(names(&list(&owner, &format!("{all}?$filter={filter}")).await), expected, "{filter}");
    }
    for filter in ["colour eq 'red'", "endswith(name, 'b')", "name gt 'a'", "tagValue ne 'b'"] {
        let refused = owner.get(&format!("{all}?$filter={filter}")).await.expect(400);
        assert_eq!(refused.code(), "InvalidFilterInQueryString", "{filter}");
    }
    let group = format!("{other}/resources");
    assert_eq!(names(&list(&owner, &group).await), ["Net1"]);
    let missing = owner.get(&group.replace("other", "nothing")).await.expect(404);
    assert_eq!(missing.code(), "ResourceGroupNotFound");

    let (mut paged, mut next) = (Vec::new(), Some(format!("{all}?$top=3")));
    while let Some(link) = next {
        let page = owner.get(link.trim_start_matches(server.url())).await.expect(200).json;
        paged.extend(page["value"].as_array().unwrap().clone());
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(Value::Array(paged), plain);
    server.stop().await;
}

#[tokio::test]
async fn a_list_shows_what_one_may_read() {
    let server = TestServer::start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    furnish(&server).await;
    let (stranger, all) = (server.stranger(), format!("{}/resources", server.subscription_path()));
    stranger.get(&all).await.expect(403);
    let role = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/{}",
        server.vm_path("web"),
        Uuid::new_v4()
    );
    let body = json!({"properties": {"roleDefinitionId": READER, "principalId": stranger.oid()}});
    server.owner().put(&role, &body).await.expect(201);
    assert_eq!(names(&list(&stranger, &all).await), ["web"]);
    assert_eq!(names(&list(&stranger, &format!("{}/resources", server.group_path())).await), ["web"]);
    server.stop().await;
}

#[tokio::test]
async fn providers_are_registered_from_the_start() {
    let server = TestServer::start().await;
    let owner = server.owner();
    let at = |verb: &str| format!("{}/providers/microsoft.network/{verb}", server.subscription_path());
    let told = owner.post(&at("register")).await.expect(200).json;
    assert_eq!(
        (&told["namespace"], &told["registrationState"]),
        (&json!("Microsoft.Network"), &json!("Registered"))
    );
    let refused = owner.post(&at("unregister")).await.expect(409);
    assert_eq!(refused.code(), "CannotUnregisterRegistrationFreeResourceProvider");
    let unknown = at("register").replace("network", "nothing");
    assert_eq!(owner.post(&unknown).await.expect(404).code(), "InvalidResourceNamespace");
    server.reader().post(&at("register")).await.expect(403);
    server.stop().await;
}
