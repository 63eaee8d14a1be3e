//! Storage accounts over real HTTP: the control plane, keys, the blob endpoint behind them, boot diagnostics that go there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod accounts;
mod blobs;
mod diagnostics;
mod keys;
mod refusals;
mod signing;

use hardline_testkit::console::boot_vm;
use hardline_testkit::{Answer, FakeHost, TestServer};
use serde_json::{Value, json};

pub const TYPE: &str = "Microsoft.Storage/storageAccounts";

/// The path of an account in the test's group.
pub fn path(server: &TestServer, name: &str) -> String {
    format!("{}/providers/{TYPE}/{name}", server.group_path())
}

pub fn body(sku: &str) -> Value {
    json!({"location": "local", "sku": {"name": sku}, "kind": "StorageV2"})
}

/// Makes an account; its document.
pub async fn account(server: &TestServer, name: &str) -> Value {
    server.owner().put(&path(server, name), &body("Standard_LRS")).await.expect(200).json
}

/// Its two keys, Base64.
pub async fn keys(server: &TestServer, name: &str) -> [String; 2] {
    let answer =
        server.owner().post(&format!("{}/listKeys?$expand=kerb", path(server, name))).await.expect(200);
    [0, 1].map(|n| answer.json["keys"][n]["value"].as_str().unwrap().to_owned())
}

/// A running machine whose boot diagnostics go to the account; its id.
pub async fn machine_with(server: &TestServer, host: &FakeHost, vm: &str, account: &str) -> String {
    let id = boot_vm(server, vm).await;
    host.print(&id, b"Linux version 6.1\r\n");
    send_diagnostics_to(server, vm, account).await;
    id
}

pub async fn send_diagnostics_to(server: &TestServer, vm: &str, account: &str) -> Answer {
    let uri = format!("{}/{account}/", server.url());
    let patch = json!({"properties": {"diagnosticsProfile": {"bootDiagnostics": {"enabled": true, "storageUri": uri}}}});
    let accepted = server.owner().patch(&server.vm_path(vm), &patch).await;
    assert!(matches!(accepted.status, 200 | 202), "{accepted:?}");
    if !accepted.header("azure-asyncoperation").is_empty() {
        server.owner().wait(&accepted).await;
    }
    accepted
}

pub async fn with_host(server: &TestServer) -> FakeHost {
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    host
}
