//! Hosts: the agents' listener, hosts that go away and come back, servers that do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_agent_api::v1::{Power, VmSpec};
use hardline_testkit::authority::Authority;
use hardline_testkit::fake_host::Dialled;
use hardline_testkit::{Answer, FakeHost, TestServer};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

fn body() -> Value {
    json!({"location": "local", "properties": {
        "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo"}},
        "osProfile": {"adminUsername": "operator", "adminPassword": "correct horse 7"},
    }})
}

async fn listening(authority: &Authority) -> TestServer {
    TestServer::builder().agents(authority).start().await
}

async fn dial(server: &TestServer, authority: &Authority, host: &FakeHost) -> Dialled {
    let address = server.state().hosts.agent_address().unwrap();
    let line = host.dial(&authority.dialling(address, Some(host.host_id()))).await.unwrap();
    let (present, mut later) = server.state().hosts.arrivals();
    if !present.iter().any(|h| h.host_id == host.host_id()) {
        tokio::time::timeout(Duration::from_secs(20), later.recv()).await.unwrap().unwrap();
    }
    line
}

async fn create(server: &TestServer, name: &str) -> Answer {
    server.owner().put(&server.vm_path(name), &body()).await.expect(201)
}

async fn status(server: &TestServer, name: &str) -> Value {
    let view = server.owner().get(&format!("{}/instanceView", server.vm_path(name))).await.expect(200);
    view.json["statuses"][1].clone()
}

/// Waits until the server has noticed that the line is down.
async fn noticed(server: &TestServer, host: &FakeHost) {
    if let Some(connected) = server.state().hosts.host(host.host_id()) {
        tokio::time::timeout(Duration::from_secs(20), connected.gone.cancelled()).await.unwrap();
    }
    while server.state().hosts.host(host.host_id()).is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_agent_dials_in_and_is_given_a_machine() {
    let authority = Authority::new();
    let server = listening(&authority).await;
    let host = FakeHost::new("far-host");
    let _line = dial(&server, &authority, &host).await;
    let done = server.owner().wait(&create(&server, "vm1").await).await;
    assert_eq!(done.json["status"], "Succeeded");
    let hosts = format!("{}/providers/Hardline.Fleet/hosts", server.subscription_path());
    let list = server.reader().get(&format!("{hosts}?api-version=2026-11-01")).await.expect(200).json;
    let shown = &list["value"][0];
    assert_eq!((&shown["name"], &shown["id"]), (&json!("far-host"), &json!(format!("{hosts}/far-host"))));
    assert_eq!(shown["properties"]["connected"], true);
    assert_eq!(shown["properties"]["virtualMachineCount"], 1);
    assert_eq!(shown["properties"]["images"], json!(["hardline-demo"]));
    server.stop().await;
}

#[tokio::test]
async fn who_is_not_let_in() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = listening(&authority).await;
    let address = server.state().hosts.agent_address().unwrap();
    let host = FakeHost::new("h1");
    // Without a certificate, with one of another authority, with one of another host. TLS 1.3 tells the client only with
    // the first read, so what counts is that the line ends and the host is not there.
    let foreign = {
        let identity = stranger.host(host.host_id());
        let mut dialling = authority.dialling(address, None);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.certificate()).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(dialling.tls.crypto_provider().clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(identity.chain, identity.key)
            .unwrap();
        dialling.tls = config.into();
        dialling
    };
    let another_host = authority.dialling(address, Some("00000000-0000-4000-8000-000000000000"));
    for dialling in [authority.dialling(address, None), foreign, another_host] {
        if let Ok(line) = host.dial(&dialling).await {
            tokio::time::timeout(Duration::from_secs(20), line.closed()).await.unwrap();
        }
        assert!(server.state().hosts.connected().is_empty());
    }
    // No TLS at all: the server ends it, and goes on taking others.
    let mut garbage = tokio::net::TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut garbage, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), garbage.read_to_end(&mut rest)).await.unwrap();
    let _line = dial(&server, &authority, &host).await;
    server.stop().await;
}

#[tokio::test]
async fn a_host_goes_away_and_comes_back() {
    let authority = Authority::new();
    let server = listening(&authority).await;
    let host = FakeHost::new("h1");
    let line = dial(&server, &authority, &host).await;
    server.owner().wait(&create(&server, "vm1").await).await;
    let vm_id = host.vm_named("vm1").await;
    line.hang_up();
    noticed(&server, &host).await;

    let away = status(&server, "vm1").await;
    assert_eq!(away["code"], "PowerState/unknown");
    assert_eq!(away["message"], "The host of this virtual machine is not connected.");
    let stop = server.owner().post(&format!("{}/powerOff", server.vm_path("vm1"))).await.expect(202);
    let new = create(&server, "vm2").await;
    for pending in [&stop, &new] {
        let operation = server.owner().get(pending.header("azure-asyncoperation")).await.expect(200);
        assert_eq!(operation.json["status"], "InProgress");
    }
    assert_eq!(host.spec(&vm_id).unwrap().power(), Power::Running);

    let _line = dial(&server, &authority, &host).await;
    assert_eq!(server.owner().wait(&stop).await.json["status"], "Succeeded");
    assert_eq!(server.owner().wait(&new).await.json["status"], "Succeeded");
    assert_eq!(status(&server, "vm1").await["code"], "PowerState/stopped");
    assert_eq!(status(&server, "vm2").await["code"], "PowerState/running");
    server.stop().await;
}

#[tokio::test]
async fn a_machine_that_is_deleted_while_its_host_is_away_is_removed_later() {
    let authority = Authority::new();
    let server = listening(&authority).await;
    let host = FakeHost::new("h1");
    let line = dial(&server, &authority, &host).await;
    server.owner().wait(&create(&server, "vm1").await).await;
    let vm_id = host.vm_named("vm1").await;
    line.hang_up();
    noticed(&server, &host).await;
    let deleted = server.owner().delete(&server.vm_path("vm1")).await.expect(202);
    server.owner().get(&server.vm_path("vm1")).await.expect(404);
    assert!(host.spec(&vm_id).is_some());
    let _line = dial(&server, &authority, &host).await;
    assert_eq!(server.owner().wait(&deleted).await.json["status"], "Succeeded");
    assert!(host.spec(&vm_id).is_none());
    server.stop().await;
}

#[tokio::test]
async fn a_second_line_of_a_host_replaces_the_first() {
    let authority = Authority::new();
    let server = listening(&authority).await;
    let host = FakeHost::new("h1");
    let first = dial(&server, &authority, &host).await;
    let before = server.state().hosts.host(host.host_id()).unwrap();
    let address = server.state().hosts.agent_address().unwrap();
    let _second = host.dial(&authority.dialling(address, Some(host.host_id()))).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), before.gone.cancelled()).await.unwrap();
    server.owner().wait(&create(&server, "vm1").await).await;
    // The first one's end does not take the host away.
    first.hang_up();
    server.owner().wait(&create(&server, "vm2").await).await;
    assert_eq!(server.state().hosts.connected().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_restarts_keeps_what_is_desired() {
    let host = FakeHost::new("h1");
    let server = TestServer::start().await;
    server.running().adopt_host(host.in_process()).await.unwrap();
    server.owner().wait(&create(&server, "vm1").await).await;
    let vm_id = host.vm_named("vm1").await;
    let before = server.owner().get(&server.vm_path("vm1")).await.expect(200).json;
    host.hold(true);
    let stop = server.owner().post(&format!("{}/deallocate", server.vm_path("vm1"))).await.expect(202);
    let operation = stop.header("azure-asyncoperation").split_once("/subscriptions").unwrap().1.to_owned();
    let directory = server.stop_keeping_data().await;
    let boot = host.observation(&vm_id).unwrap().boot_id;

    let server = TestServer::builder().directory(directory).start().await;
    let operation = format!("/subscriptions{operation}");
    assert_eq!(server.owner().get(&operation).await.expect(200).json["status"], "InProgress");
    host.hold(false);
    server.running().adopt_host(host.in_process()).await.unwrap();
    let mut live = server.state().hosts.watch(&vm_id);
    live.wait_for(|l| l.here && l.observed.state == "stopped").await.unwrap();
    assert_eq!(server.owner().get(&operation).await.expect(200).json["status"], "Succeeded");
    let after = server.owner().get(&server.vm_path("vm1")).await.expect(200).json;
    assert_eq!(after["properties"], before["properties"]);
    assert_eq!(status(&server, "vm1").await["code"], "PowerState/deallocated");
    assert_eq!(host.observation(&vm_id).unwrap().boot_id, boot);
    server.stop().await;
}

#[tokio::test]
async fn a_host_that_lost_its_disk_gets_its_machines_again() {
    let server = TestServer::start().await;
    let host = FakeHost::new("h1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    server.owner().wait(&create(&server, "vm1").await).await;
    let vm_id = host.vm_named("vm1").await;
    host.lose_everything();
    host.wait("the machine again", |h| h.spec(&vm_id).map(|_| ())).await;
    server.stop().await;
}

#[tokio::test]
async fn a_store_out_of_a_backup_goes_past_its_hosts() {
    let host = FakeHost::new("h1");
    let server = TestServer::start().await;
    server.running().adopt_host(host.in_process()).await.unwrap();
    server.owner().wait(&create(&server, "vm1").await).await;
    let vm_id = host.vm_named("vm1").await;
    let directory = server.stop_keeping_data().await;
    // The host was told more than the store remembers.
    let ahead = VmSpec { generation: 40, ..host.spec(&vm_id).unwrap() };
    host.in_process().apply(ahead).await.unwrap();
    let server = TestServer::builder().directory(directory).start().await;
    server.running().adopt_host(host.in_process()).await.unwrap();
    let stop = server.owner().post(&format!("{}/powerOff", server.vm_path("vm1"))).await;
    // The store may be moving past the host in this very moment.
    let stop = match stop.status {
        409 => server.owner().post(&format!("{}/powerOff", server.vm_path("vm1"))).await.expect(202),
        _ => stop.expect(202),
    };
    assert_eq!(server.owner().wait(&stop).await.json["status"], "Succeeded");
    host.wait("the newer wish", |h| (h.spec(&vm_id)?.generation > 40).then_some(())).await;
    assert_eq!(host.spec(&vm_id).unwrap().power(), Power::Stopped);
    server.stop().await;
}

#[tokio::test]
async fn machines_spread_over_the_hosts_that_have_their_image() {
    let server = TestServer::start().await;
    let hosts = [
        FakeHost::with_images("a", &["other"]),
        FakeHost::with_images("b", &["hardline-demo"]),
        FakeHost::with_images("c", &["hardline-demo", "other"]),
    ];
    for host in &hosts {
        server.running().adopt_host(host.in_process()).await.unwrap();
    }
    for n in 0..4 {
        server.owner().wait(&create(&server, &format!("vm{n}")).await).await;
    }
    let counts: Vec<_> = hosts.iter().map(|h| h.vm_ids().len()).collect();
    assert_eq!(counts, [0, 2, 2]);
    server.stop().await;
}
