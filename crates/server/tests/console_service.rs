//! The console service of a subscription over real HTTP: its document, its switch, the ports, and whom the switch puts out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_console::frame::{ServerFrame, ServerNotice};
use hardline_testkit::console::{Console, boot_vm, events, set_boot_diagnostics};
use hardline_testkit::{FakeHost, TestServer};
use serde_json::json;

struct World {
    server: TestServer,
    _host: FakeHost,
}

impl World {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let host = FakeHost::new("host1");
        server.running().adopt_host(host.in_process()).await.unwrap();
        boot_vm(&server, "vm1").await;
        Self { server, _host: host }
    }

    fn service(&self) -> String {
        let subscription = self.server.subscription_path();
        format!("{subscription}/providers/Microsoft.SerialConsole/consoleServices/default")
    }

    fn ports(&self) -> String {
        format!("{}/providers/Microsoft.SerialConsole/serialPorts", self.server.vm_path("vm1"))
    }

    /// Azure's two spellings of the same switch: `enableConsole`, `disableConsole`.
    async fn turn(&self, verb: &str, disabled: bool) {
        let answer = self.server.owner().post(&format!("{}/{verb}", self.service())).await.expect(200);
        assert_eq!(answer.json, json!({"properties": {"disabled": disabled}}));
        let shown = self.server.owner().get(&self.service()).await.expect(200);
        assert_eq!(shown.json, answer.json);
    }
}

#[tokio::test]
async fn the_switch_of_a_subscription_closes_every_way_in_and_ends_who_is_inside() {
    let world = World::new().await;
    let (server, owner) = (&world.server, world.server.owner());
    let shown = owner.get(&world.service()).await.expect(200).json;
    assert_eq!(shown, json!({"properties": {"disabled": false}}), "on, unless somebody turned it off");
    let token = owner.access_token().await;
    let mut console = Console::stream(server, &server.vm_path("vm1"), &token, "").await.unwrap();
    while !matches!(console.frame().await.unwrap(), ServerFrame::Snapshot { .. }) {}

    world.turn("disableConsole", true).await;
    let (said, code, _) = console.end().await;
    assert_eq!(code, 4003);
    let told = |notice: &ServerNotice| matches!(notice, ServerNotice::Ended { reason } if reason.contains("disabled for this subscription"));
    assert!(said.last().is_some_and(told), "{said:?}");
    let refused = owner.post(&format!("{}/0/connect", world.ports())).await.expect(409);
    let message = refused.json["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Azure Serial Console is not enabled for this subscription."), "{message}");
    assert_eq!(Console::stream(server, &server.vm_path("vm1"), &token, "").await.err(), Some(409));
    let own = server.vm_path("vm1") + "/providers/Hardline.Console/serialPorts/0/nmi?api-version=2026-11-01";
    owner.post(&own).await.expect(409);

    world.turn("enableConsole", false).await;
    owner.post(&format!("{}/0/connect", world.ports())).await.expect(200);
    let events = events(server, &world.service()).await;
    let acts: Vec<_> =
        events.iter().map(|(operation, status, ..)| (operation.as_str(), status.as_str())).collect();
    let (off, on) = (
        "Microsoft.SerialConsole/consoleServices/disableConsole/action",
        "Microsoft.SerialConsole/consoleServices/enableConsole/action",
    );
    assert_eq!(acts, [(off, "Started"), (off, "Succeeded"), (on, "Started"), (on, "Succeeded")]);
    world.server.stop().await;
}

#[tokio::test]
async fn only_whoever_may_turns_it_and_there_is_one_service() {
    let world = World::new().await;
    let server = &world.server;
    server.reader().get(&world.service()).await.expect(200);
    // Whoever has a role somewhere below sees it: az asks before it connects.
    server.stranger().get(&world.service()).await.expect(403);
    let assignment = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-0000-0000-000000000077",
        server.vm_path("vm1")
    );
    let role = "/providers/Microsoft.Authorization/roleDefinitions/9980e02c-c2be-4d73-94e8-173b1dc7cf3c";
    let given = json!({"properties": {"roleDefinitionId": role, "principalId": server.stranger().oid()}});
    server.owner().put(&assignment, &given).await.expect(201);
    server.stranger().get(&world.service()).await.expect(200);
    server.reader().post(&format!("{}/disableConsole", world.service())).await.expect(403);
    let other = world.service().replace("default", "other");
    server.owner().get(&other).await.expect(404);
    server.owner().post(&format!("{other}/disableConsole")).await.expect(404);
    world.server.stop().await;
}

#[tokio::test]
async fn ports_tell_whether_somebody_could_connect_and_whether_somebody_is() {
    let world = World::new().await;
    let (server, owner) = (&world.server, world.server.owner());
    let port = format!("{}/0", world.ports());
    let state = async || {
        let port = owner.get(&port).await.expect(200).json;
        assert_eq!(owner.get(&world.ports()).await.expect(200).json["value"], json!([port]));
        assert_eq!(port["type"], "Microsoft.SerialConsole/serialPorts");
        (port["properties"]["state"].clone(), port["properties"]["connectionState"].clone())
    };
    assert_eq!(state().await, (json!("enabled"), json!("inactive")));
    let token = owner.access_token().await;
    let mut console = Console::stream(server, &server.vm_path("vm1"), &token, "").await.unwrap();
    while !matches!(console.frame().await.unwrap(), ServerFrame::Snapshot { .. }) {}
    assert_eq!(state().await, (json!("enabled"), json!("active")));
    set_boot_diagnostics(server, "vm1", false).await;
    assert_eq!(state().await.0, json!("disabled"));
    owner.get(&format!("{}/1", world.ports())).await.expect(404);
    owner.get(&world.ports().replace("vm1", "nowhere")).await.expect(404);
    world.server.stop().await;
}

#[tokio::test]
async fn a_port_that_is_disabled_opens_for_nobody_until_it_is_enabled_or_deleted() {
    let world = World::new().await;
    let (server, owner) = (&world.server, world.server.owner());
    let (port, vm) = (format!("{}/0", world.ports()), server.vm_path("vm1"));
    let set = async |state: &str| {
        let body = json!({"properties": {"state": state}});
        let answer = owner.put(&port, &body).await.expect(201).json;
        assert_eq!((&answer["name"], &answer["properties"]["state"]), (&json!("0"), &json!(state)));
        assert_eq!(owner.get(&port).await.expect(200).json["properties"]["state"], state);
    };
    set("enabled").await;
    let token = owner.access_token().await;
    let mut console = Console::stream(server, &vm, &token, "").await.unwrap();
    while !matches!(console.frame().await.unwrap(), ServerFrame::Snapshot { .. }) {}

    set("disabled").await;
    let (said, code, _) = console.end().await;
    assert_eq!(code, 4003);
    let told = |notice: &ServerNotice| matches!(notice, ServerNotice::Ended { reason } if reason.contains("serial port was disabled"));
    assert!(said.last().is_some_and(told), "{said:?}");
    let refused = owner.post(&format!("{port}/connect")).await.expect(409);
    assert!(refused.message().starts_with("The serial port is disabled for this virtual machine."));
    assert_eq!(Console::stream(server, &vm, &token, "").await.err(), Some(409));
    let own = format!("{vm}/providers/Hardline.Console/serialPorts/0");
    owner.post(&format!("{own}/nmi")).await.expect(409);
    // The log goes on, and changing the machine does not open the port again.
    owner.post(&format!("{vm}/retrieveBootDiagnosticsData")).await.expect(200);
    set_boot_diagnostics(server, "vm1", false).await;
    set_boot_diagnostics(server, "vm1", true).await;
    owner.post(&format!("{port}/connect")).await.expect(409);
    set("enabled").await;
    owner.post(&format!("{port}/connect")).await.expect(200);
    set("disabled").await;
    owner.delete(&port).await.expect(200);
    owner.delete(&port).await.expect(200);
    assert_eq!(owner.get(&port).await.expect(200).json["properties"]["state"], "enabled");
    owner.post(&format!("{port}/connect")).await.expect(200);

    // Who may connect may not do this; who may is in the log.
    server.reader().put(&port, &json!({"properties": {"state": "disabled"}})).await.expect(403);
    server.reader().delete(&port).await.expect(403);
    for state in [json!("off"), json!(1), json!({})] {
        let answer = owner.put(&port, &json!({"properties": {"state": state}})).await.expect(400);
        assert_eq!(answer.code(), "InvalidParameter");
    }
    owner.put(&port.replace("Ports/0", "Ports/1"), &json!({})).await.expect(404);
    owner.put(&port.replace("vm1", "nowhere"), &json!({})).await.expect(404);
    let (write, delete) =
        ("Microsoft.SerialConsole/serialPorts/write", "Microsoft.SerialConsole/serialPorts/delete");
    let events = events(server, &port).await;
    let count = |name: &str| {
        events.iter().filter(|(operation, status, ..)| operation == name && status == "Succeeded").count()
    };
    assert_eq!((count(write), count(delete)), (4, 2), "{events:?}");
    world.server.stop().await;
}

#[tokio::test]
async fn who_is_at_the_console_goes_when_boot_diagnostics_are_disabled() {
    let world = World::new().await;
    let server = &world.server;
    let token = server.owner().access_token().await;
    let mut console = Console::stream(server, &server.vm_path("vm1"), &token, "").await.unwrap();
    while !matches!(console.frame().await.unwrap(), ServerFrame::Snapshot { .. }) {}
    set_boot_diagnostics(server, "vm1", false).await;
    let (said, code, _) = console.end().await;
    assert_eq!(code, 4003);
    let told = |notice: &ServerNotice| matches!(notice, ServerNotice::Ended { reason } if reason.contains("boot diagnostics were disabled"));
    assert!(said.last().is_some_and(told), "{said:?}");
    world.server.stop().await;
}
