//! Making, reading, changing and deleting accounts; names.

use crate::{TYPE, account, body, path};
use hardline_testkit::TestServer;
use hardline_testkit::request::read;
use http::Method;
use serde_json::json;

#[tokio::test]
async fn an_account_is_made_read_changed_and_deleted() {
    let server = TestServer::start().await;
    let owner = server.owner();
    let lower = path(&server, "acct1").replace(TYPE, "microsoft.storage/storageaccounts");
    let made = owner.put(&lower, &json!({
        "location": "Local", "sku": {"name": "Standard_RAGRS"}, "kind": "StorageV2", "tags": {"a": "b"},
        "properties": {"allowBlobPublicAccess": false, "encryption": {"services": {"blob": {}}, "keySource": "Microsoft.Storage"}, "new": [1]},
    })).await.expect(200);
    let shown = owner.get(&path(&server, "ACCT1")).await.expect(200);
    assert_eq!(shown.json, made.json);
    let json = &shown.json;
    assert_eq!(json["id"], path(&server, "acct1"), "clients compare the type letter by letter");
    assert_eq!((json["name"].as_str(), json["type"].as_str()), (Some("acct1"), Some(TYPE)));
    assert_eq!(json["sku"], json!({"name": "Standard_RAGRS", "tier": "Standard"}));
    let properties = &json["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!(properties["primaryEndpoints"], json!({"blob": format!("{}/acct1/", server.url())}));
    assert_eq!(properties["networkAcls"]["ipRules"], json!([]));
    assert_eq!(properties["new"], json!([1]), "what we do not know is kept");
    assert!(properties["keyCreationTime"]["key1"].as_str().unwrap().ends_with('Z'));
    for secret in ["sig", "keys", "value"] {
        assert!(json.pointer(&format!("/properties/{secret}")).is_none());
    }

    let rule =
        json!({"properties": {"networkAcls": {"ipRules": [{"value": "192.0.2.0/24", "action": "Allow"}]}}});
    owner.patch(&path(&server, "acct1"), &rule).await.expect(200);
    let after = owner
        .patch(&path(&server, "acct1"), &json!({"tags": {"c": "d"}, "sku": {"name": "Standard_LRS"}}))
        .await
        .expect(200)
        .json;
    assert_eq!(
        after["properties"]["networkAcls"]["ipRules"],
        json!([{"value": "192.0.2.0/24", "action": "Allow"}])
    );
    assert_eq!((&after["tags"], &after["sku"]["name"]), (&json!({"c": "d"}), &json!("Standard_LRS")));
    // A PUT over what is there merges, and leaves the keys.
    let keys = crate::keys(&server, "acct1").await;
    let again = owner.put(&path(&server, "acct1"), &body("Standard_LRS")).await.expect(200).json;
    assert_eq!(again["properties"]["networkAcls"]["ipRules"], after["properties"]["networkAcls"]["ipRules"]);
    assert_eq!(crate::keys(&server, "acct1").await, keys);

    account(&server, "acct2").await;
    for scope in [server.group_path(), server.subscription_path()] {
        let listed = owner.get(&format!("{scope}/providers/{TYPE}")).await.expect(200);
        let names: Vec<_> =
            listed.json["value"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["acct1", "acct2"], "{scope}");
    }
    assert_eq!(server.stranger().get(&format!("{}/providers/{TYPE}", server.group_path())).await.status, 403);
    owner.delete(&path(&server, "acct1")).await.expect(200);
    owner.delete(&path(&server, "acct1")).await.expect(204);
    assert_eq!(owner.get(&path(&server, "acct1")).await.expect(404).code(), "ResourceNotFound");
    server.stop().await;
}

#[tokio::test]
async fn names_are_one_for_all_subscriptions() {
    let server = TestServer::start().await;
    let owner = server.owner();
    let check = format!("{}/providers/Microsoft.Storage/checkNameAvailability", server.subscription_path());
    let available = async |name: &str| {
        owner.post_json(&check, &json!({"name": name, "type": TYPE})).await.expect(200).json
    };
    assert_eq!(available("acct1").await, json!({"nameAvailable": true}));
    let made = account(&server, "acct1").await;
    let taken = available("acct1").await;
    assert_eq!(
        (taken["nameAvailable"].as_bool(), taken["reason"].as_str()),
        (Some(false), Some("AlreadyExists"))
    );
    assert_eq!(available("Acct_1").await["reason"], "AccountNameInvalid");
    for name in ["subscriptions", "hardlinemanaged", "portal", "graph"] {
        assert_eq!(available(name).await["reason"], "AlreadyExists", "{name} is a path of this server");
        let refused = owner.put(&path(&server, name), &body("Standard_LRS")).await.expect(409);
        assert_eq!(refused.code(), "StorageAccountAlreadyTaken");
    }
    let other = format!("{}/resourceGroups/other", server.subscription_path());
    owner.put(&other, &json!({"location": "local"})).await.expect(201);
    let elsewhere = format!("{other}/providers/{TYPE}/acct1");
    let refused = owner.put(&elsewhere, &body("Standard_LRS")).await.expect(409);
    assert_eq!(refused.code(), "StorageAccountInAnotherResourceGroup");
    // A group is deleted with its accounts; their names are free then.
    let there = made["id"].as_str().unwrap();
    owner.delete(there).await.expect(200);
    owner.put(&elsewhere, &body("Standard_LRS")).await.expect(200);
    owner.delete(&other).await.expect(200);
    assert_eq!(available("acct1").await, json!({"nameAvailable": true}));
    // Somebody with a role in a group only asks too: their client does before it makes anything.
    assert_eq!(server.stranger().post_json(&check, &json!({"name": "x23", "type": TYPE})).await.status, 403);
    server.reader().post_json(&check, &json!({"name": "x23", "type": TYPE})).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn bad_input_is_refused_in_azures_words() {
    let server = TestServer::start().await;
    let owner = server.owner();
    let put = async |name: &str, body: &serde_json::Value| {
        let answer = owner.put(&path(&server, name), body).await;
        (answer.status, answer.code().to_owned())
    };
    let refused = |code: &str| (400, code.to_owned());
    for name in ["ab", "Acct1", "a-b", "a_b", &"a".repeat(25)] {
        assert_eq!(put(name, &body("Standard_LRS")).await, refused("AccountNameInvalid"), "{name}");
    }
    let invalid = refused("InvalidValuesForRequestParameters");
    for (bad, expected) in [
        (json!({"location": "local"}), &invalid),
        (json!({"location": "local", "sku": {"name": "Huge"}}), &invalid),
        (json!({"location": "local", "sku": {"name": "Standard_LRS"}, "kind": "Tape"}), &invalid),
        (json!({"location": "local", "sku": {"name": "Standard_ZRS"}, "kind": "Storage"}), &invalid),
        (
            json!({"location": "local", "sku": {"name": "Standard_LRS"}, "properties": {"networkAcls": {"defaultAction": "Maybe"}}}),
            &invalid,
        ),
        (
            json!({"location": "local", "sku": {"name": "Standard_LRS"}, "tags": 1}),
            &refused("InvalidRequestContent"),
        ),
        (json!({"sku": {"name": "Standard_LRS"}}), &refused("LocationRequired")),
        (
            json!({"location": "moon", "sku": {"name": "Standard_LRS"}}),
            &refused("LocationNotAvailableForResourceType"),
        ),
    ] {
        assert_eq!(&put("acct1", &bad).await, expected, "{bad}");
    }
    owner.get(&path(&server, "acct1")).await.expect(404);
    account(&server, "acct1").await;
    let change = async |body: serde_json::Value| {
        let answer = owner.patch(&path(&server, "acct1"), &body).await;
        (answer.status, answer.code().to_owned())
    };
    assert_eq!(
        change(json!({"sku": {"name": "Premium_LRS"}})).await,
        (409, "AccountTypeChangeNotAllowed".into())
    );
    assert_eq!(
        change(json!({"properties": {"networkAcls": {"ipRules": [{"value": "300.1.1.1"}]}}})).await,
        invalid
    );
    let many: Vec<_> = (0..401).map(|n| json!({"value": format!("10.0.{}.{}", n / 256, n % 256)})).collect();
    assert_eq!(change(json!({"properties": {"networkAcls": {"ipRules": many}}})).await, invalid);
    let request = owner
        .request(Method::PUT, &format!("{}?api-version=2025-08-01", path(&server, "acct1")))
        .await
        .header("if-none-match", "*");
    assert_eq!(read(request.json(&body("Standard_LRS")).send().await.unwrap()).await.status, 412);
    server.stop().await;
}

/// The name under which a client came decides the form of the address; the certificate is for `*.blob.core.hardline.test`.
#[tokio::test]
async fn the_endpoint_has_the_account_in_its_host_where_the_certificate_has_such_names() {
    let server = TestServer::start().await;
    account(&server, "acct1").await;
    let port = server.running().address().port();
    for (host, endpoint) in [
        (format!("hardline.test:{port}"), format!("https://acct1.blob.core.hardline.test:{port}/")),
        (format!("localhost:{port}"), format!("https://localhost:{port}/acct1/")),
        (format!("127.0.0.1:{port}"), format!("https://127.0.0.1:{port}/acct1/")),
        (format!("other.test:{port}"), format!("https://other.test:{port}/acct1/")),
    ] {
        let request = server
            .owner()
            .request(Method::GET, &format!("{}?api-version=2025-08-01", path(&server, "acct1")))
            .await
            .header("host", &host);
        let shown = read(request.send().await.unwrap()).await.expect(200);
        assert_eq!(shown.json["properties"]["primaryEndpoints"]["blob"], endpoint);
    }
    server.stop().await;
}
