//! A resource of each sort that clients write, for tests that ask the same of all.

use hardline_testkit::{Answer, FakeHost, TestServer};
use serde_json::{Value, json};

/// A resource: where it is, what makes it.
pub struct Sample {
    pub kind: &'static str,
    pub path: String,
    pub body: Value,
}

/// A server with a host that runs what it is told to.
pub async fn with_host() -> (TestServer, FakeHost) {
    let server = TestServer::start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    (server, host)
}

pub fn machine() -> Value {
    json!({"location": "local", "properties": {
        "hardwareProfile": {"vmSize": "Standard_B1s"},
        "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest"}},
        "osProfile": {"computerName": "web", "adminUsername": "operator", "adminPassword": "correct horse 7"},
    }})
}

pub fn set(capacity: usize) -> Value {
    json!({"location": "local", "sku": {"name": "Standard_A0", "capacity": capacity}, "properties": {
        "orchestrationMode": "Uniform",
        "virtualMachineProfile": {
            "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo"}},
            "osProfile": {"computerNamePrefix": "web", "adminUsername": "operator", "adminPassword": "correct horse 7"},
        },
    }})
}

/// One of each; `name` is good for all of them.
pub fn samples(server: &TestServer, name: &str) -> Vec<Sample> {
    let group = server.group_path();
    let of = |kind: &'static str, body: Value| Sample {
        kind,
        path: format!("{group}/providers/{kind}/{name}"),
        body,
    };
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "resources": [],
    });
    vec![
        Sample {
            kind: "Microsoft.Resources/resourceGroups",
            path: format!("{}/resourceGroups/{name}", server.subscription_path()),
            body: json!({"location": "local"}),
        },
        of("Microsoft.Compute/virtualMachines", machine()),
        of("Microsoft.Compute/virtualMachineScaleSets", set(0)),
        of(
            "Microsoft.Network/virtualNetworks",
            json!({"location": "local", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}),
        ),
        of("Microsoft.Network/networkSecurityGroups", json!({"location": "local"})),
        of(
            "Microsoft.Storage/storageAccounts",
            json!({"location": "local", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}),
        ),
        of(
            "Microsoft.Resources/deployments",
            json!({"properties": {"mode": "Incremental", "template": template}}),
        ),
    ]
}

/// Makes it; what it is then.
pub async fn make(server: &TestServer, sample: &Sample) -> Value {
    let owner = server.owner();
    done(server, owner.put(&sample.path, &sample.body).await).await;
    owner.get(&sample.path).await.expect(200).json
}

/// Waits for the end of whatever was accepted.
pub async fn done(server: &TestServer, answer: Answer) {
    assert!(matches!(answer.status, 200..=202), "{}", answer.text);
    if !answer.header("azure-asyncoperation").is_empty() {
        assert_eq!(server.owner().wait(&answer).await.json["status"], "Succeeded");
    }
}
