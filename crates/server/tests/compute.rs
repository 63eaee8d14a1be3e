//! Virtual machines over real HTTP: documents, lists, merging, deletion. The guests are played by a fake host.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_testkit::{FakeHost, TestServer};
use serde_json::{Value, json};

async fn server() -> (TestServer, FakeHost) {
    let server = TestServer::start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    (server, host)
}

fn body() -> Value {
    json!({"location": "local", "tags": {"team": "a"}, "properties": {
        "hardwareProfile": {"vmSize": "Standard_B1s"},
        "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest"}},
        "osProfile": {"computerName": "web", "adminUsername": "operator", "adminPassword": "correct horse 7"},
        "somethingNew": {"kept": [1, 2]},
    }})
}

/// Creates a VM and waits until it runs.
async fn create(server: &TestServer, name: &str) -> Value {
    let accepted = server.owner().put(&server.vm_path(name), &body()).await.expect(201);
    assert_eq!(server.owner().wait(&accepted).await.json["status"], "Succeeded");
    server.owner().get(&server.vm_path(name)).await.expect(200).json
}

#[tokio::test]
async fn create_then_get_with_and_without_the_instance_view() {
    let (server, host) = server().await;
    let accepted = server.owner().put(&server.vm_path("vm1"), &body()).await.expect(201);
    assert_eq!(accepted.header("retry-after"), "1");
    assert!(!accepted.text.contains("correct horse"), "{}", accepted.text);
    assert_eq!(accepted.json["properties"]["provisioningState"], "Creating");
    let done = server.owner().wait(&accepted).await;
    assert_eq!(done.json["status"], "Succeeded");

    let vm = server.owner().get(&server.vm_path("VM1").to_lowercase()).await.expect(200).json;
    assert_eq!(vm["id"], server.vm_path("vm1"));
    assert_eq!(vm["type"], "Microsoft.Compute/virtualMachines");
    assert_eq!(vm["tags"], json!({"team": "a"}));
    let properties = &vm["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!(properties["diagnosticsProfile"], json!({"bootDiagnostics": {"enabled": true}}));
    assert_eq!(properties["somethingNew"], json!({"kept": [1, 2]}));
    assert_eq!(properties["osProfile"], json!({"computerName": "web", "adminUsername": "operator"}));
    assert!(properties.get("instanceView").is_none());
    let vm_id = properties["vmId"].as_str().unwrap();

    let with_view =
        server.owner().get(&format!("{}?$expand=instanceView", server.vm_path("vm1"))).await.expect(200);
    let view = &with_view.json["properties"]["instanceView"];
    assert_eq!(
        view["statuses"][1],
        json!({"code": "PowerState/running", "level": "Info", "displayStatus": "VM running"})
    );
    assert_eq!(view["bootDiagnostics"], json!({}));
    let alone = server.owner().get(&format!("{}/instanceView", server.vm_path("vm1"))).await.expect(200);
    assert_eq!(alone.json, *view);

    let spec = host.spec(vm_id).unwrap();
    let Some(hardline_agent_api::v1::vm_spec::Driver::Qemu(machine)) = spec.driver else {
        panic!("{spec:?}")
    };
    assert_eq!(
        (machine.hostname.as_str(), machine.admin_user.as_str(), machine.memory_mib),
        ("web", "operator", 1024)
    );
    assert!(machine.admin_password_hash.starts_with("$6$"), "{}", machine.admin_password_hash);
    server.stop().await;
}

#[tokio::test]
async fn a_machine_without_a_password_is_told_so() {
    let (server, host) = server().await;
    let mut keys_only = body();
    let profile = keys_only["properties"]["osProfile"].as_object_mut().unwrap();
    profile.remove("adminPassword");
    profile.insert("linuxConfiguration".into(), json!({"disablePasswordAuthentication": true}));
    let accepted = server.owner().put(&server.vm_path("vm1"), &keys_only).await.expect(201);
    assert_eq!(server.owner().wait(&accepted).await.json["status"], "Succeeded");
    let spec = host.spec(&host.vm_named("vm1").await).unwrap();
    let Some(hardline_agent_api::v1::vm_spec::Driver::Qemu(machine)) = spec.driver else {
        panic!("{spec:?}")
    };
    assert_eq!((machine.admin_user.as_str(), machine.admin_password_hash.as_str()), ("operator", ""));
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_there() {
    let (server, _host) = server().await;
    let owner = server.owner();
    let missing = owner.get(&server.vm_path("nope")).await.expect(404);
    assert_eq!(missing.code(), "ResourceNotFound");
    assert_eq!(
        missing.message(),
        "The Resource 'Microsoft.Compute/virtualMachines/nope' under resource group 'test-rg' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    );
    for verb in ["start", "powerOff", "restart", "deallocate"] {
        let answer = owner.post(&format!("{}/{verb}", server.vm_path("nope"))).await.expect(404);
        assert_eq!(answer.code(), "ResourceNotFound", "{verb}");
    }
    let other = server.vm_path("nope").replace("test-rg", "no-group");
    let missing = owner.get(&other).await.expect(404);
    assert_eq!(
        (missing.code(), missing.message()),
        ("ResourceGroupNotFound", "Resource group 'no-group' could not be found.")
    );
    owner.put(&other, &body()).await.expect(404);
    owner.delete(&server.vm_path("nope")).await.expect(204);
    let operation = format!(
        "{}/providers/Microsoft.Compute/locations/local/operations/00000000-0000-0000-0000-000000000000",
        server.subscription_path()
    );
    owner.get(&operation).await.expect(404);
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_are_refused() {
    let (server, host) = server().await;
    let check = async |change: &dyn Fn(&mut Value), status: u16, code: &str, says: &str| {
        let mut bad = body();
        change(&mut bad);
        let answer = server.owner().put(&server.vm_path("vm1"), &bad).await.expect(status);
        assert_eq!(answer.code(), code, "{}", answer.text);
        assert!(answer.message().contains(says), "{} does not say {says}", answer.message());
    };
    check(
        &|b| {
            b.as_object_mut().unwrap().remove("location");
        },
        400,
        "LocationRequired",
        "location",
    )
    .await;
    check(&|b| b["location"] = "mars".into(), 400, "LocationNotAvailableForResourceType", "'mars'").await;
    check(&|b| b["properties"]["hardwareProfile"]["vmSize"] = "Huge".into(), 400, "InvalidParameter", "Huge")
        .await;
    check(
        &|b| b["properties"]["osProfile"]["adminUsername"] = "root".into(),
        400,
        "InvalidParameter",
        "not allowed",
    )
    .await;
    check(
        &|b| drop(b["properties"]["osProfile"].as_object_mut().unwrap().remove("adminPassword")),
        400,
        "InvalidParameter",
        "'adminPassword' is missing",
    )
    .await;
    check(
        &|b| b["properties"]["osProfile"]["adminPassword"] = "x".into(),
        400,
        "InvalidParameter",
        "password",
    )
    .await;
    let image = |b: &mut Value| b["properties"]["storageProfile"]["imageReference"]["offer"] = "other".into();
    check(&image, 404, "PlatformImageNotFound", "'other'").await;
    check(&|b| *b = json!([1]), 400, "InvalidRequestContent", "object").await;
    let bad_name = server.owner().put(&server.vm_path("_x"), &body()).await.expect(400);
    assert_eq!(bad_name.code(), "InvalidParameter");
    assert!(host.vm_ids().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn without_a_host_nothing_is_accepted() {
    let server = TestServer::start().await;
    let answer = server.owner().put(&server.vm_path("vm1"), &body()).await.expect(409);
    assert_eq!(answer.code(), "AllocationFailed");
    server.owner().get(&server.vm_path("vm1")).await.expect(404);
    server.stop().await;
}

#[tokio::test]
async fn a_put_merges_into_what_is_there() {
    let (server, host) = server().await;
    let owner = server.owner();
    let before = create(&server, "vm1").await;
    let path = server.vm_path("vm1");
    // As a client writes a VM back: without what it does not know.
    let off = json!({"location": "local", "properties": {"diagnosticsProfile": {"bootDiagnostics": {"enabled": false}}}});
    let accepted = owner.put(&path, &off).await.expect(200);
    assert_eq!(accepted.header("retry-after"), "1");
    assert_eq!(owner.wait(&accepted).await.json["status"], "Succeeded");
    let after = owner.get(&format!("{path}?$expand=instanceView")).await.expect(200).json;
    assert_eq!(after["tags"], before["tags"]);
    assert_eq!(after["properties"]["vmId"], before["properties"]["vmId"]);
    assert_eq!(after["properties"]["timeCreated"], before["properties"]["timeCreated"]);
    assert_eq!(after["properties"]["somethingNew"], before["properties"]["somethingNew"]);
    assert!(after["properties"]["instanceView"].get("bootDiagnostics").is_none());
    assert_ne!(after["etag"], before["etag"]);
    let vm_id = after["properties"]["vmId"].as_str().unwrap();
    assert!(!host.spec(vm_id).unwrap().capture);

    // Nothing that the host must know: done at once.
    let tags = owner.patch(&path, &json!({"tags": {"team": "b"}})).await.expect(200);
    assert_eq!((tags.header("azure-asyncoperation"), &tags.json["tags"]), ("", &json!({"team": "b"})));
    let gone = owner.patch(&path, &json!({"properties": {"somethingNew": null}})).await.expect(200);
    assert!(gone.json["properties"].get("somethingNew").is_none());

    for (change, target) in [
        (json!({"osProfile": {"adminUsername": "other"}}), "osProfile.adminUsername"),
        (json!({"osProfile": {"adminPassword": "another one"}}), "osProfile.adminPassword"),
        (json!({"storageProfile": {"imageReference": {"id": "other"}}}), "imageReference"),
    ] {
        let refused = owner.patch(&path, &json!({"properties": change})).await.expect(409);
        assert_eq!(
            (refused.code(), &refused.json["error"]["target"]),
            ("PropertyChangeNotAllowed", &json!(target))
        );
    }
    // The same template again is no change.
    let mut again = body();
    again["properties"]["diagnosticsProfile"] = json!({"bootDiagnostics": {"enabled": false}});
    owner.put(&path, &again).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn conditions_are_honoured() {
    let (server, _host) = server().await;
    let vm = create(&server, "vm1").await;
    let path = format!("{}?api-version=2024-07-01", server.vm_path("vm1"));
    let put = async |header: &str, value: &str| {
        let request = server.owner().request(http::Method::PUT, &path).await;
        request.header(header, value).json(&body()).send().await.unwrap().status().as_u16()
    };
    assert_eq!(put("if-none-match", "*").await, 412);
    assert_eq!(put("if-match", "\"other\"").await, 412);
    assert_eq!(put("if-match", vm["etag"].as_str().unwrap()).await, 200);
    server.stop().await;
}

#[tokio::test]
async fn lists_come_in_pages_with_their_instance_views() {
    let (server, _host) = server().await;
    for name in ["a1", "A2", "b3"] {
        create(&server, name).await;
    }
    let names = |page: &Value| -> Vec<String> {
        page["value"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap().to_owned()).collect()
    };
    for scope in [server.group_path(), server.subscription_path()] {
        let list = format!("{scope}/providers/Microsoft.Compute/virtualMachines");
        let all = server.reader().get(&list).await.expect(200).json;
        assert_eq!((names(&all), all.get("nextLink")), (vec!["a1".into(), "A2".into(), "b3".into()], None));
        let first =
            server.reader().get(&format!("{list}?$top=2&$expand=instanceView")).await.expect(200).json;
        assert_eq!(names(&first), ["a1", "A2"]);
        let next = first["nextLink"].as_str().unwrap();
        assert!(next.starts_with(server.url()), "{next}");
        let second = server.reader().get(next).await.expect(200).json;
        assert_eq!((names(&second), second.get("nextLink")), (vec!["b3".to_owned()], None));
        let view = &second["value"][0]["properties"]["instanceView"];
        assert_eq!(view["statuses"][1]["displayStatus"], "VM running");
    }
    let elsewhere = format!(
        "{}/resourceGroups/none/providers/Microsoft.Compute/virtualMachines",
        server.subscription_path()
    );
    assert_eq!(server.owner().get(&elsewhere).await.expect(404).code(), "ResourceGroupNotFound");
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_machine_leaves_its_host() {
    let (server, host) = server().await;
    let vm = create(&server, "vm1").await;
    let vm_id = vm["properties"]["vmId"].as_str().unwrap();
    let accepted = server.owner().delete(&server.vm_path("VM1")).await.expect(202);
    assert!(accepted.header("location").ends_with("monitor=true"));
    server.owner().get(&server.vm_path("vm1")).await.expect(404);
    assert_eq!(server.owner().wait(&accepted).await.json["status"], "Succeeded");
    assert!(host.spec(vm_id).is_none());
    // The name is free again, for another machine.
    let again = create(&server, "vm1").await;
    assert_ne!(again["properties"]["vmId"], vm["properties"]["vmId"]);
    server.stop().await;
}

#[tokio::test]
async fn a_reader_reads_and_changes_nothing() {
    let (server, _host) = server().await;
    create(&server, "vm1").await;
    let path = server.vm_path("vm1");
    server.reader().get(&path).await.expect(200);
    let refused = server.reader().put(&path, &body()).await.expect(403);
    assert_eq!(refused.code(), "AuthorizationFailed");
    server.reader().delete(&path).await.expect(403);
    let there = server.reader().post(&format!("{path}/start")).await.expect(403);
    let not_there = server.reader().post(&format!("{}/start", server.vm_path("nope"))).await.expect(403);
    assert_eq!(there.message(), not_there.message().replace("/nope", "/vm1"));
    server.stop().await;
}
