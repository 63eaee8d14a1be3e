//! Boot diagnostics that go to an account of somebody's.

use crate::signing::{Client, fetch, refused};
use crate::{account, body, keys, machine_with, path, send_diagnostics_to, with_host};
use hardline_testkit::TestServer;
use hardline_testkit::console::{Console, Options, boot_vm};
use serde_json::{Value, json};

async fn view(server: &TestServer, vm: &str) -> Value {
    server.owner().get(&format!("{}/instanceView", server.vm_path(vm))).await.expect(200).json["bootDiagnostics"].clone()
}

#[tokio::test]
async fn the_instance_view_and_the_signed_addresses_lead_into_the_account() {
    let server = TestServer::start().await;
    let host = with_host(&server).await;
    let shown = account(&server, "acct1").await;
    let vm = machine_with(&server, &host, "web-1", "acct1").await;
    let endpoint = shown["properties"]["primaryEndpoints"]["blob"].as_str().unwrap();
    let log = format!("{endpoint}bootdiagnostics-web1-{vm}/web-1.{vm}.serialconsole.log");
    let uris = view(&server, "web-1").await;
    assert_eq!(uris["serialConsoleLogBlobUri"], log);
    let document = server
        .owner()
        .get(&format!("{}?$expand=instanceView", server.vm_path("web-1")))
        .await
        .expect(200)
        .json;
    assert_eq!(document["properties"]["instanceView"]["bootDiagnostics"], uris);
    let retrieve = format!("{}/retrieveBootDiagnosticsData", server.vm_path("web-1"));
    let signed = server.owner().post(&retrieve).await.expect(200).json;
    let signed = signed["serialConsoleLogBlobUri"].as_str().unwrap().to_owned();
    assert!(signed.starts_with(&format!("{log}?")), "{signed}");
    let relative = signed.strip_prefix(server.url()).unwrap();
    assert_eq!(fetch(&server, relative).await.expect(200).text, "Linux version 6.1\r\n");
    // The account's firewall counts for signed addresses too.
    let deny = json!({"properties": {"networkAcls": {"defaultAction": "Deny"}}});
    server.owner().patch(&path(&server, "acct1"), &deny).await.expect(200);
    assert_eq!(refused(&fetch(&server, relative).await).1, "AuthorizationFailure");
    // Back to managed storage: the account has nothing of the machine any more.
    let managed = json!({"properties": {"diagnosticsProfile": {"bootDiagnostics": {"enabled": true, "storageUri": null}}}});
    server.owner().patch(&server.vm_path("web-1"), &managed).await.expect(200);
    assert_eq!(view(&server, "web-1").await, json!({}));
    let allow = json!({"properties": {"networkAcls": {"defaultAction": "Allow"}}});
    server.owner().patch(&path(&server, "acct1"), &allow).await.expect(200);
    assert_eq!(refused(&fetch(&server, relative).await), (404, "BlobNotFound".into()));
    server.stop().await;
}

#[tokio::test]
async fn an_account_must_be_there_and_of_a_kind_that_takes_them() {
    let server = TestServer::start().await;
    let _host = with_host(&server).await;
    boot_vm(&server, "vm1").await;
    account(&server, "good1").await;
    for (name, sku, kind) in [
        ("premium1", "Premium_LRS", "StorageV2"),
        ("zones1", "Standard_ZRS", "StorageV2"),
        ("blobs1", "Standard_LRS", "BlobStorage"),
    ] {
        let mut body = body(sku);
        body["kind"] = kind.into();
        server.owner().put(&path(&server, name), &body).await.expect(200);
    }
    let send = async |uri: String| {
        let setting = json!({"properties": {"diagnosticsProfile": {"bootDiagnostics": {"enabled": true, "storageUri": uri}}}});
        let answer = server.owner().patch(&server.vm_path("vm1"), &setting).await;
        (answer.status, answer.code().to_owned(), answer.message().to_owned())
    };
    let uri = |name: &str| format!("https://{name}.blob.core.windows.net/");
    let supported =
        "Boot Diagnostics supports Standard_GRS,Standard_LRS,Standard_RAGRS storage account types.";
    for (name, code, message) in [
        ("nobody1", "StorageAccountNotFound", "Storage account nobody1 not found. Ensure storage account is not deleted and belongs to the same Azure location as the VM.".to_owned()),
        ("premium1", "StorageAccountTypeNotSupported", format!("Storage account premium1 is of Premium_LRS type. {supported}")),
        ("zones1", "StorageAccountTypeNotSupported", format!("Storage account zones1 is of Standard_ZRS type. {supported}")),
        ("blobs1", "StorageAccountTypeNotSupported", "Boot diagnostics uses blobs1 which is a Blob storage account. Please retry with General purpose storage account.".to_owned()),
    ] {
        assert_eq!(send(uri(name)).await, (409, code.to_owned(), message));
    }
    for bad in ["http://good1.blob.core.windows.net/", "good1", "ftp://good1/"] {
        assert_eq!(send(bad.into()).await.0, 400, "{bad}");
    }
    for odd in ["https://", "https://localhost/", "https://localhost/../good1", "https://\u{0}/x/"] {
        assert_eq!(send(odd.into()).await.1, "StorageAccountNotFound", "{odd:?}");
    }
    assert_eq!(view(&server, "vm1").await, json!({}), "nothing of it counted");
    assert!(matches!(send(uri("good1")).await.0, 200 | 202));
    assert!(
        view(&server, "vm1").await["serialConsoleLogBlobUri"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{}/good1/", server.url()))
    );
    server.stop().await;
}

#[tokio::test]
async fn without_its_account_a_machine_is_changed_and_read_no_more() {
    let server = TestServer::start().await;
    let host = with_host(&server).await;
    account(&server, "acct1").await;
    machine_with(&server, &host, "vm1", "acct1").await;
    server.owner().delete(&path(&server, "acct1")).await.expect(200);
    let retrieve = format!("{}/retrieveBootDiagnosticsData", server.vm_path("vm1"));
    assert_eq!(server.owner().post(&retrieve).await.expect(409).code(), "StorageAccountNotFound");
    let connect =
        format!("{}/providers/Microsoft.SerialConsole/serialPorts/0/connect", server.vm_path("vm1"));
    server.owner().post(&connect).await.expect(403);
    // The machine itself is changed as before.
    server.owner().patch(&server.vm_path("vm1"), &json!({"tags": {"a": "b"}})).await.expect(200);
    // An account of the same name is another one, and the same door.
    account(&server, "acct1").await;
    server.owner().post(&retrieve).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_console_asks_the_accounts_firewall() {
    let server = TestServer::start().await;
    let host = with_host(&server).await;
    account(&server, "acct1").await;
    machine_with(&server, &host, "vm1", "acct1").await;
    let connect =
        format!("{}/providers/Microsoft.SerialConsole/serialPorts/0/connect", server.vm_path("vm1"));
    let ticket = server.owner().post(&connect).await.expect(200).json["connectionString"].clone();
    let rules = async |acls: Value| {
        server
            .owner()
            .patch(&path(&server, "acct1"), &json!({"properties": {"networkAcls": acls}}))
            .await
            .expect(200);
        server.owner().post(&connect).await
    };
    let refused = rules(json!({"defaultAction": "Deny"})).await.expect(403);
    assert_eq!(
        refused.message(),
        "A \"Forbidden\" response was encountered when accessing this VM's boot diagnostic storage account."
    );
    // A connection string from before does not help.
    let options = Options { bearer: Some(server.owner().access_token().await), protocol: None };
    let mut console = Console::connect(&server, ticket.as_str().unwrap(), &options).await.unwrap();
    let (code, reason) = console.until_close().await;
    assert_eq!((code, reason.as_str()), (4003, refused.message()));
    let reset = format!("{}/providers/Hardline.Console/serialPorts/0/nmi", server.vm_path("vm1"));
    server.owner().post(&reset).await.expect(403);
    rules(json!({"ipRules": [{"value": "127.0.0.1"}]})).await.expect(200);
    // A hierarchical namespace is refused as Azure does.
    let mut hns = body("Standard_LRS");
    hns["properties"] = json!({"isHnsEnabled": true});
    server.owner().put(&path(&server, "lake1"), &hns).await.expect(200);
    send_diagnostics_to(&server, "vm1", "lake1").await;
    let refused = server.owner().post(&connect).await.expect(409);
    assert_eq!(
        refused.message(),
        "Specified feature is not yet supported for hierarchical namespace accounts."
    );
    server.stop().await;
}

#[tokio::test]
async fn instances_of_a_scale_set_go_to_an_account_too() {
    let server = TestServer::start().await;
    let host = with_host(&server).await;
    let set = format!("{}/providers/Microsoft.Compute/virtualMachineScaleSets/web", server.group_path());
    let body = json!({"location": "local", "sku": {"name": "Standard_B1s", "capacity": 1}, "properties": {
        "orchestrationMode": "Uniform",
        "virtualMachineProfile": {
            "storageProfile": {"imageReference": {
                "publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest",
            }},
            "osProfile": {
                "computerNamePrefix": "web", "adminUsername": "operator", "adminPassword": "correct horse 7",
            },
            "diagnosticsProfile": {"bootDiagnostics": {
                "enabled": true, "storageUri": format!("{}/acct1/", server.url()),
            }},
        },
    }});
    assert_eq!(server.owner().put(&set, &body).await.expect(409).code(), "StorageAccountNotFound");
    account(&server, "acct1").await;
    let accepted = server.owner().put(&set, &body).await.expect(201);
    server.owner().wait(&accepted).await;
    let vm = host.vm_named("web_0").await;
    host.print(&vm, b"an instance");
    let [key, _] = keys(&server, "acct1").await;
    let client = Client::new(&server, "acct1", &key);
    let containers = client.get("/", "comp=list").await.expect(200).text;
    let container = format!("bootdiagnostics-web0-{vm}");
    assert!(containers.contains(&container), "{containers}");
    let log = client.get(&format!("/{container}/web_0.{vm}.serialconsole.log"), "").await.expect(200);
    assert_eq!(log.text, "an instance");
    server.stop().await;
}
