//! What a client reads before and right after it signs in: the cloud's endpoints, tenants, locations, providers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_testkit::TestServer;
use hardline_testkit::server::{LOCATION, SUBSCRIPTION, TENANT};
use http::Method;
use serde_json::{Value, json};

async fn metadata(server: &TestServer, version: &str) -> Value {
    let path = format!("/metadata/endpoints?api-version={version}");
    server.anonymous().get(&path).await.expect(200).json
}

#[tokio::test]
async fn every_generation_of_clients_finds_the_endpoints() {
    let server = TestServer::start().await;
    let base = server.url();
    let cloud = metadata(&server, "2022-09-01").await;
    assert_eq!(cloud["name"], "Hardline");
    assert_eq!(cloud["resourceManager"], base);
    assert_eq!(cloud["authentication"]["loginEndpoint"], format!("{base}/adfs"));
    assert_eq!(cloud["authentication"]["audiences"], json!([base]));
    assert_eq!(cloud["authentication"]["tenant"], TENANT);
    assert_eq!(cloud["microsoftGraphResourceId"], format!("{base}/graph"));
    let host = base.strip_prefix("https://").unwrap();
    assert_eq!(cloud["suffixes"]["storage"], format!("core.{host}"));
    assert!(cloud.get("vmImageAliasDoc").is_none(), "half of one breaks `az vm create`");

    assert_eq!(metadata(&server, "2019-05-01").await, json!([cloud]));
    for version in ["2015-01-01", "1.0"] {
        let flat = metadata(&server, version).await;
        assert_eq!(flat["authentication"]["loginEndpoint"], format!("{base}/adfs"));
        assert_eq!(flat["authentication"]["audiences"], json!([base]));
        for key in ["galleryEndpoint", "graphEndpoint", "portalEndpoint"] {
            assert!(flat[key].as_str().unwrap().starts_with(base), "{version} {key}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn the_endpoints_are_found_by_whatever_slashes_and_cases_clients_write() {
    let server = TestServer::start().await;
    for path in ["//metadata/endpoints", "/metadata/endpoints/", "/Metadata/Endpoints"] {
        let path = format!("{}{path}?api-version=2022-09-01", server.url());
        let answer = server.anonymous().get(&path).await.expect(200);
        assert_eq!(answer.json["resourceManager"], server.url(), "{path}");
    }
    for (query, code) in [
        ("", "MissingApiVersionParameter"),
        ("?api-version=", "MissingApiVersionParameter"),
        ("?api-version=2021-01-01", "InvalidApiVersionParameter"),
        ("?api-version=latest", "InvalidApiVersionParameter"),
    ] {
        let answer = server.anonymous().get(&format!("/metadata/endpoints{query}")).await.expect(400);
        assert_eq!(answer.code(), code, "{query}");
        assert!(answer.message().contains("api-version"), "{query}");
    }
    let unknown = server.anonymous().get("/metadata/endpoints?api-version=2021-01-01").await;
    assert!(unknown.message().contains("2022-09-01,2019-05-01,2015-01-01,1.0"), "{}", unknown.text);
    server.anonymous().get("/metadata/instance?api-version=2022-09-01").await.expect(404);
    let path = "/metadata/endpoints?api-version=2022-09-01";
    let refused = server.anonymous().send(Method::POST, path, None).await.expect(405);
    assert_eq!(refused.header("allow"), "GET, HEAD");
    server.stop().await;
}

#[tokio::test]
async fn a_person_finds_tenant_subscription_and_location() {
    let server = TestServer::start().await;
    let reader = server.reader();
    let tenants = reader.get("/tenants?api-version=2022-12-01").await.expect(200).json;
    let tenant = &tenants["value"][0];
    assert_eq!((&tenant["id"], &tenant["tenantId"]), (&json!(format!("/tenants/{TENANT}")), &json!(TENANT)));
    for key in ["displayName", "defaultDomain"] {
        assert!(!tenant[key].as_str().unwrap().is_empty(), "{key}");
    }
    let listed = reader.get("/subscriptions?api-version=2022-12-01").await.expect(200).json;
    let one = reader.get(&server.subscription_path()).await.expect(200).json;
    assert_eq!(listed["value"], json!([one]));
    assert_eq!(one["id"], format!("/subscriptions/{SUBSCRIPTION}"));
    assert_eq!((&one["subscriptionId"], &one["tenantId"]), (&json!(SUBSCRIPTION), &json!(TENANT)));
    assert_eq!((&one["state"], &one["managedByTenants"]), (&json!("Enabled"), &json!([])));
    let path = format!("{}/locations", server.subscription_path());
    let locations = reader.get(&path).await.expect(200).json;
    assert_eq!(locations["value"][0]["name"], LOCATION);
    assert_eq!(locations["value"][0]["id"], format!("{path}/{LOCATION}"));

    let stranger = server.stranger();
    assert_eq!(stranger.get("/tenants?api-version=2022-12-01").await.expect(200).json, tenants);
    stranger.get(&path).await.expect(403);
    server.stop().await;
}

#[tokio::test]
async fn a_provider_names_its_types_and_their_api_versions() {
    let server = TestServer::start().await;
    let reader = server.reader();
    let subscription = server.subscription_path();
    for parent in ["", subscription.as_str()] {
        let all = reader.get(&format!("{parent}/providers?api-version=2024-11-01")).await.expect(200).json;
        let namespaces: Vec<_> = all["value"].as_array().unwrap().iter().map(|p| &p["namespace"]).collect();
        assert!(namespaces.contains(&&json!("Microsoft.Compute")), "{namespaces:?}");
        assert!(namespaces.contains(&&json!("Hardline.Console")), "{namespaces:?}");
        let one = reader.get(&format!("{parent}/providers/microsoft.COMPUTE")).await.expect(200).json;
        assert!(all["value"].as_array().unwrap().contains(&one));
        assert_eq!(one["id"], format!("{parent}/providers/Microsoft.Compute"));
        assert_eq!(one["registrationState"], "Registered");
        let types = one["resourceTypes"].as_array().unwrap();
        let machines = types.iter().find(|t| t["resourceType"] == "virtualMachines").unwrap();
        assert!(machines["apiVersions"].as_array().unwrap().contains(&json!("2024-11-01")));
        assert_eq!(machines["locations"], json!([LOCATION]));
        let unknown = reader.get(&format!("{parent}/providers/Microsoft.Nothing")).await.expect(404);
        assert_eq!(unknown.code(), "InvalidResourceNamespace");
    }
    let inside = format!("{}/providers", server.group_path());
    assert_eq!(reader.get(&inside).await.expect(404).code(), "InvalidResourceId");
    server.stop().await;
}
