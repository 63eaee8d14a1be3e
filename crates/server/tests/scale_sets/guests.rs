//! What an instance printed, shows and is typed into: boot data, the console in both spellings of its path, our own routes.

use crate::world::World;
use hardline_arm::rbac::{READER, VIRTUAL_MACHINE_CONTRIBUTOR};
use hardline_testkit::console::{Console, Options};
use hardline_testkit::request::read;
use serde_json::{Value, json};

fn port(world: &World, id: &str) -> String {
    // One encoded segment, as the console extension sends it.
    format!("{}%2FvirtualMachines%2F{id}/providers/Microsoft.SerialConsole/serialPorts/0", world.set())
}

#[tokio::test]
async fn boot_data_of_an_instance() {
    let world = World::with_set("Uniform", 2).await;
    let vm = world.host.vm_named("web_1").await;
    world.host.print(&vm, b"Linux version 6.1\r\n");
    world.host.show(Some(b"BM the display".to_vec()));
    let data = world
        .server
        .owner()
        .post(&format!("{}/retrieveBootDiagnosticsData", world.instance("1")))
        .await
        .expect(200);
    let log = data.json["serialConsoleLogBlobUri"].as_str().unwrap();
    let named = format!("/bootdiagnostics-web1-{vm}/web_1.{vm}.serialconsole.log?");
    assert!(log.contains(&named), "{log}");
    let get = async |url: &str| read(world.server.client().get(url).send().await.unwrap()).await;
    assert_eq!(get(log).await.expect(200).text, "Linux version 6.1\r\n");
    let screen = data.json["consoleScreenshotBlobUri"].as_str().unwrap();
    assert_eq!(get(screen).await.expect(200).text, "BM the display");
    world.stop().await;
}

#[tokio::test]
async fn boot_data_in_an_account_of_ones_own() {
    let world = World::with_set("Uniform", 1).await;
    let owner = world.server.owner();
    let to = |account: &str| {
        let uri = format!("{}/{account}/", world.server.url());
        json!({"properties": {"virtualMachineProfile": {"diagnosticsProfile": {"bootDiagnostics": {"enabled": true, "storageUri": uri}}}}})
    };
    let missing = owner.patch(&world.set(), &to("diag1")).await.expect(409);
    assert_eq!(missing.code(), "StorageAccountNotFound");
    let account = format!("{}/providers/Microsoft.Storage/storageAccounts/diag1", world.server.group_path());
    owner.put(&account, &json!({"location": "local", "sku": {"name": "Standard_LRS"}})).await.expect(200);
    world.patch(to("diag1")).await;
    // The host is told nothing new: it is done at once.
    let upgrade = format!("{}/manualupgrade", world.set());
    owner.post_json(&upgrade, &json!({"instanceIds": ["0"]})).await.expect(200);
    let vm = world.host.vm_named("web_0").await;
    let container = format!("{}/diag1/bootdiagnostics-web0-{vm}", world.server.url());
    let view = world.get(&format!("{}/instanceView", world.instance("0"))).await;
    assert_eq!(
        view["bootDiagnostics"]["serialConsoleLogBlobUri"],
        format!("{container}/web_0.{vm}.serialconsole.log")
    );
    world.host.print(&vm, b"mine");
    let data = owner.post(&format!("{}/retrieveBootDiagnosticsData", world.instance("0"))).await.expect(200);
    let log = data.json["serialConsoleLogBlobUri"].as_str().unwrap();
    assert_eq!(read(world.server.client().get(log).send().await.unwrap()).await.expect(200).text, "mine");
    world.stop().await;
}

#[tokio::test]
async fn a_console_by_the_encoded_path_and_by_the_plain_one() {
    let world = World::with_set("Uniform", 1).await;
    let vm = world.host.vm_named("web_0").await;
    let token = world.server.owner().access_token().await;
    for path in [port(&world, "0"), port(&world, "0").replace("%2F", "/")] {
        let answer = world.server.owner().post(&format!("{path}/connect")).await.expect(200);
        let url = answer.json["connectionString"].as_str().unwrap();
        let mut console = Console::connect(&world.server, url, &Options::default()).await.unwrap();
        console.send_text(&token).await;
        world.host.print(&vm, b"web000000 login: ");
        console.until_text("login: ").await;
        console.send_text("r").await;
        world.host.wait_for_input(&vm, b"r").await;
        let admin = url.replace("wss", "https").replace("/client", "/adminCommand/nmi");
        let admin = world.server.client().post(admin).bearer_auth(&token).json(&json!({"command": "nmi"}));
        assert_eq!(admin.send().await.unwrap().status(), 200);
    }
    assert_eq!(world.host.acts(&vm).len(), 2);
    world.server.owner().post(&format!("{}/connect", port(&world, "9"))).await.expect(404);
    // Its own state decides, in the portal's words.
    world.post("deallocate", &["0"]).await;
    let refused = world.server.owner().post(&format!("{}/connect", port(&world, "0"))).await.expect(409);
    assert!(refused.message().contains("requires a virtual machine to be running"), "{}", refused.text);
    world.stop().await;
}

#[tokio::test]
async fn our_own_routes_lead_to_instances_too() {
    let world = World::with_set("Uniform", 1).await;
    let vm = world.host.vm_named("web_0").await;
    world.host.print(&vm, b"hello");
    let token = world.server.owner().access_token().await;
    let mut console = Console::stream(&world.server, &world.instance("0"), &token, "").await.unwrap();
    console.type_in(b"x").await;
    world.host.wait_for_input(&vm, b"x").await;
    world.host.print(&vm, b" world");
    console.until_output(b" world").await;
    let log = format!("{}/providers/Hardline.Diagnostics/serialLogs/0", world.instance("0"));
    let content =
        world.server.owner().get(&format!("{log}/content?api-version=2026-11-01")).await.expect(200);
    assert_eq!(content.text, "hello world");
    let ports = format!("{}/providers/Microsoft.SerialConsole/serialPorts", world.instance("0"));
    let ports = world.get(&ports).await;
    assert_eq!(ports["value"][0]["properties"], json!({"state": "enabled", "connectionState": "active"}));
    // A console ends with its instance.
    let accepted = world.server.owner().delete(&world.instance("0")).await.expect(202);
    world.succeeds(&accepted).await;
    assert_eq!(console.until_close().await.0, 4002);
    world.stop().await;
}

/// Gives the stranger a role at `scope`, as the owner.
async fn give(world: &World, scope: &str, definition: &str) {
    let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", uuid::Uuid::new_v4());
    let body =
        json!({"properties": {"roleDefinitionId": definition, "principalId": world.server.stranger().oid()}});
    world.server.owner().put(&path, &body).await.expect(201);
}

#[tokio::test]
async fn a_role_at_one_instance_opens_that_one() {
    let world = World::with_set("Uniform", 2).await;
    give(&world, &world.instance("1"), &VIRTUAL_MACHINE_CONTRIBUTOR.to_string()).await;
    let stranger = world.server.stranger();
    for (id, status) in [("0", 403), ("1", 200)] {
        stranger.get(&format!("{}/instanceView", world.instance(id))).await.expect(status);
        stranger.post(&format!("{}/retrieveBootDiagnosticsData", world.instance(id))).await.expect(status);
        stranger.post(&format!("{}/connect", port(&world, id))).await.expect(status);
    }
    stranger.post(&format!("{}/start", world.set())).await.expect(403);
    let accepted = stranger.post(&format!("{}/restart", world.instance("1"))).await.expect(202);
    stranger.get(accepted.header("azure-asyncoperation")).await.expect(200);
    world.stop().await;
}

#[tokio::test]
async fn a_reader_reads_documents_and_no_guest() {
    let world = World::with_set("Uniform", 1).await;
    give(&world, &world.set(), &READER.to_string()).await;
    let stranger = world.server.stranger();
    for path in [world.set(), world.instance("0"), format!("{}/virtualMachines", world.set())] {
        stranger.get(&path).await.expect(200);
    }
    let refused =
        stranger.post(&format!("{}/retrieveBootDiagnosticsData", world.instance("0"))).await.expect(403);
    assert!(
        refused.message().contains(
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/retrieveBootDiagnosticsData/action"
        ),
        "{}",
        refused.text
    );
    stranger.post(&format!("{}/connect", port(&world, "0"))).await.expect(403);
    stranger.post(&format!("{}/manualupgrade", world.set())).await.expect(403);
    stranger.delete(&world.instance("0")).await.expect(403);
    world.stop().await;
}

#[tokio::test]
async fn an_instances_log_needs_the_action_of_instances() {
    let world = World::with_set("Uniform", 1).await;
    let scope = world.server.subscription_path();
    let log =
        format!("{}/providers/Hardline.Diagnostics/serialLogs/0?api-version=2026-11-01", world.instance("0"));
    let role = async |name: &str, action: &str| -> String {
        let path =
            format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{}", uuid::Uuid::new_v4());
        let body = json!({"properties": {"roleName": name, "permissions": [{"actions": [action]}], "assignableScopes": [scope]}});
        let made: Value = world.server.owner().put(&path, &body).await.expect(201).json;
        made["id"].as_str().unwrap().to_owned()
    };
    let machines =
        role("Boot data of machines", "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action")
            .await;
    give(&world, &world.server.group_path(), &machines).await;
    let refused = world.server.stranger().get(&log).await.expect(403);
    let action =
        "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/retrieveBootDiagnosticsData/action";
    assert!(refused.message().contains(action), "{}", refused.text);
    let instances = role("Boot data of instances", action).await;
    give(&world, &world.server.group_path(), &instances).await;
    world.server.stranger().get(&log).await.expect(200);
    world.stop().await;
}
