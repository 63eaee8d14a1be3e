//! Bodies of accounts, names, SKUs, rules.

use super::*;

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

fn account(body: Value) -> Result<Map<String, Value>, (String, String)> {
    create(&map(body)).map_err(|e| (e.code.to_string(), e.message))
}

#[test]
fn defaults() {
    let stored = account(json!({"sku": {"name": "standard_lrs"}, "location": "local", "tags": {"a": "b"},
        "properties": {"provisioningState": "Odd", "unknown": {"kept": true}, "isHnsEnabled": null}}))
    .unwrap();
    assert_eq!(stored["sku"], json!({"name": "Standard_LRS", "tier": "Standard"}));
    assert_eq!(stored["kind"], "StorageV2");
    let properties = &stored["properties"];
    assert_eq!(properties["networkAcls"]["defaultAction"], "Allow");
    assert_eq!(properties["accessTier"], "Hot");
    assert_eq!(properties["unknown"], json!({"kept": true}));
    assert!(properties.get("provisioningState").is_none() && properties.get("isHnsEnabled").is_none());
    let facts = Facts {
        blob_endpoint: "https://localhost/acct/",
        location: "local",
        created: "2026-11-21T10:00:00Z",
        key_created: ["2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z"],
    };
    let shown = document(stored, &facts);
    assert_eq!(shown["properties"]["primaryEndpoints"], json!({"blob": "https://localhost/acct/"}));
    assert_eq!(shown["properties"]["keyCreationTime"]["key2"], "2026-11-21T11:00:00Z");
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded");
    assert_eq!(
        shown["properties"]["encryption"]["services"]["blob"]["lastEnabledTime"],
        "2026-11-21T10:00:00Z"
    );
}

#[test]
fn skus_and_kinds() {
    for (sku, kind, good) in [
        ("Standard_LRS", "Storage", true),
        ("Standard_RAGRS", "blobstorage", true),
        ("Premium_LRS", "BlockBlobStorage", true),
        ("Premium_ZRS", "FileStorage", true),
        ("Standard_ZRS", "Storage", false),
        ("Standard_LRS", "FileStorage", false),
        ("Premium_LRS", "BlobStorage", false),
        ("Premium_XRS", "StorageV2", false),
        ("Standard_LRS", "Other", false),
    ] {
        let made = account(json!({"sku": {"name": sku}, "kind": kind}));
        assert_eq!(made.is_ok(), good, "{sku} {kind}: {made:?}");
        if let Err((code, _)) = made {
            assert_eq!(code, "InvalidValuesForRequestParameters");
        }
    }
    for bad in [
        json!({}),
        json!({"sku": {}}),
        json!({"sku": "Standard_LRS"}),
        json!({"sku": {"name": "Standard_LRS"}, "kind": 7}),
    ] {
        assert!(account(bad).is_err());
    }
    let refused = |sku: &str, kind: &str| {
        let stored = account(json!({"sku": {"name": sku}, "kind": kind})).unwrap();
        diagnostics_refusal("acct", &stored).map(|e| (e.code.to_string(), e.message))
    };
    assert_eq!(refused("Standard_GRS", "Storage"), None);
    let code = "StorageAccountTypeNotSupported".to_owned();
    assert_eq!(
        refused("Premium_LRS", "StorageV2"),
        Some((code.clone(), "Storage account acct is of Premium_LRS type. Boot Diagnostics supports Standard_GRS,Standard_LRS,Standard_RAGRS storage account types.".into()))
    );
    assert!(refused("Standard_ZRS", "StorageV2").unwrap().1.contains("is of Standard_ZRS type"));
    assert_eq!(
        refused("Standard_LRS", "BlobStorage"),
        Some((code, "Boot diagnostics uses acct which is a Blob storage account. Please retry with General purpose storage account.".into()))
    );
}

#[test]
fn changes() {
    let before = account(json!({"sku": {"name": "Standard_LRS"}, "kind": "Storage", "tags": {"a": "b"},
        "properties": {"networkAcls": {"ipRules": [{"value": "192.0.2.7"}]}}}))
    .unwrap();
    let change = |body: Value| super::change(&before, &map(body)).map_err(|e| e.code.to_string());
    let after = change(
        json!({"properties": {"networkAcls": {"defaultAction": "deny"}, "allowBlobPublicAccess": true}}),
    )
    .unwrap();
    assert_eq!(
        after["properties"]["networkAcls"]["ipRules"],
        json!([{"value": "192.0.2.7", "action": "Allow"}])
    );
    assert_eq!(after["properties"]["networkAcls"]["defaultAction"], "Deny");
    assert_eq!(after["tags"], json!({"a": "b"}));
    assert_eq!(change(json!({"tags": {}})).unwrap()["tags"], json!({}));
    assert_eq!(change(json!({"sku": {"name": "Standard_GRS"}})).unwrap()["sku"]["name"], "Standard_GRS");
    assert_eq!(change(json!({"kind": "StorageV2"})).unwrap()["kind"], "StorageV2");
    for (body, code) in [
        (json!({"sku": {"name": "Premium_LRS"}}), "AccountTypeChangeNotAllowed"),
        (json!({"kind": "BlobStorage"}), "AccountKindChangeNotAllowed"),
        (json!({"properties": {"isHnsEnabled": true}}), "InvalidValuesForRequestParameters"),
        (json!({"properties": {"allowBlobPublicAccess": "yes"}}), "InvalidValuesForRequestParameters"),
        (json!({"properties": {"accessTier": "Warm"}}), "InvalidValuesForRequestParameters"),
        (json!({"properties": []}), "InvalidValuesForRequestParameters"),
        (json!({"tags": {"a": 1}}), "InvalidRequestContent"),
    ] {
        assert_eq!(change(body.clone()).unwrap_err(), code, "{body}");
    }
}

#[test]
fn network_rules() {
    let rules = |acls: Value| {
        account(json!({"sku": {"name": "Standard_LRS"}, "properties": {"networkAcls": acls}}))
            .map(|stored| NetworkRules::of(&stored))
    };
    let allows = |acls: Value, client: &str| rules(acls).unwrap().allow(client.parse().unwrap());
    assert!(allows(json!({}), "192.0.2.7"));
    assert!(!allows(json!({"defaultAction": "Deny"}), "127.0.0.1"));
    let some = json!({"defaultAction": "Deny", "ipRules": [{"value": "192.0.2.0/24"}, {"value": "127.0.0.1", "action": "allow"}, {"value": "2001:db8::/32"}]});
    for (client, good) in [
        ("192.0.2.255", true),
        ("192.0.3.0", false),
        ("127.0.0.1", true),
        ("::ffff:127.0.0.1", true),
        ("127.0.0.2", false),
        ("2001:db8:1::1", true),
        ("2001:db9::1", false),
    ] {
        assert_eq!(allows(some.clone(), client), good, "{client}");
    }
    assert!(allows(json!({"defaultAction": "Deny", "ipRules": [{"value": "0.0.0.0/0"}]}), "198.51.100.1"));
    for bad in [
        json!([]),
        json!({"defaultAction": "Maybe"}),
        json!({"bypass": "Friends"}),
        json!({"bypass": 1}),
        json!({"ipRules": {}}),
        json!({"ipRules": [{"value": "192.0.2.0/33"}]}),
        json!({"ipRules": [{"value": "192.0.2.0/-1"}]}),
        json!({"ipRules": [{"value": "localhost"}]}),
        json!({"ipRules": [{"value": "192.0.2.1", "action": "Deny"}]}),
        json!({"ipRules": vec![json!({"value": "192.0.2.1"}); 401]}),
        json!({"virtualNetworkRules": [{"id": "/subscriptions/s"}]}),
    ] {
        assert_eq!(rules(bad.clone()).unwrap_err().0, "InvalidValuesForRequestParameters", "{bad}");
    }
    let closed =
        account(json!({"sku": {"name": "Standard_LRS"}, "properties": {"publicNetworkAccess": "disabled"}}))
            .unwrap();
    assert!(!NetworkRules::of(&closed).allow("127.0.0.1".parse().unwrap()));
    let kept = account(json!({"sku": {"name": "Standard_LRS"}, "properties": {"networkAcls": {"bypass": "logging,metrics"}}})).unwrap();
    assert_eq!(kept["properties"]["networkAcls"]["bypass"], "Logging, Metrics");
}

#[test]
fn names_and_keys() {
    for bad in ["", "ab", "Acct1", "acct-1", "ä23", &"a".repeat(25), "a/b"] {
        let refused = check_name(bad).unwrap_err();
        assert_eq!(refused.code, "AccountNameInvalid");
        assert!(refused.message.ends_with("is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only."));
    }
    check_name("a23").unwrap();
    let asked = |body: Value| asked_name(&map(body)).map(str::to_owned);
    assert_eq!(asked(json!({"name": "acct", "type": "microsoft.storage/storageaccounts"})).unwrap(), "acct");
    for bad in [
        json!({"type": TYPE}),
        json!({"name": 1, "type": TYPE}),
        json!({"name": "acct"}),
        json!({"name": "acct", "type": "Microsoft.Compute/disks"}),
    ] {
        assert_eq!(asked(bad).unwrap_err().status, 400);
    }
    assert_eq!(name_answer("acct", false), json!({"nameAvailable": true}));
    assert_eq!(name_answer("acct", true)["reason"], "AlreadyExists");
    assert_eq!(name_answer("A", false)["reason"], "AccountNameInvalid");
    assert_eq!(key_index(&map(json!({"keyName": "Key2"}))).unwrap(), 1);
    for bad in [json!({}), json!({"keyName": "key3"}), json!({"keyName": "kerb1"}), json!({"keyName": 1})] {
        assert!(key_index(&map(bad)).is_err());
    }
}
