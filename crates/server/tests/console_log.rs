//! A serial log by offset: what is stored, the live end, the seam between them, following, and a store that is full.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use futures_util::StreamExt as _;
use hardline_agent_api::v1::GapReason;
use hardline_store::db::serial_logs;
use hardline_testkit::console::{boot_vm, set_boot_diagnostics};
use hardline_testkit::request::read;
use hardline_testkit::{Answer, FakeHost, TestServer};
use http::Method;

struct World {
    server: TestServer,
    host: FakeHost,
    vm: String,
}

impl World {
    async fn new() -> Self {
        Self::on(TestServer::start().await).await
    }

    async fn on(server: TestServer) -> Self {
        let host = FakeHost::new("host1");
        server.running().adopt_host(host.in_process()).await.unwrap();
        let vm = boot_vm(&server, "vm1").await;
        Self { server, host, vm }
    }

    fn path(&self, rest: &str) -> String {
        let vm = self.server.vm_path("vm1");
        format!("{vm}/providers/Hardline.Diagnostics/{rest}api-version=2026-11-01")
    }

    async fn content(&self, query: &str) -> Answer {
        self.server.owner().get(&self.path(&format!("serialLogs/0/content?{query}&"))).await
    }

    /// Waits until everything below `end` is stored and acknowledged.
    async fn stored(&self, end: u64) {
        self.host
            .wait("the acknowledgement", |host| (host.acknowledged(&self.vm) >= end).then_some(()))
            .await;
    }

    /// The guest prints, and it is stored.
    async fn print_stored(&self, text: &str) {
        self.host.print(&self.vm, text.as_bytes());
        self.host.seal(&self.vm);
        let end = self.host.observation(&self.vm).unwrap().ports[0].end;
        self.stored(end).await;
    }
}

#[tokio::test]
async fn stored_then_live_without_a_seam() {
    let world = World::new().await;
    world.print_stored("0123456789").await;
    world.print_stored("abcdefghij").await;
    world.host.print(&world.vm, b"live");
    let whole = world.content("").await.expect(200);
    assert_eq!(whole.text, "0123456789abcdefghijlive");
    assert_eq!(
        (whole.header("content-type"), whole.header("x-hardline-offset")),
        ("application/octet-stream", "0")
    );
    for (query, text, offset) in [
        ("offset=5", "56789abcdefghijlive", "5"),
        ("offset=5&length=10", "56789abcde", "5"),
        ("offset=19&length=3", "jli", "19"),
        ("offset=22", "ve", "22"),
        ("offset=24", "", "24"),
        ("tail=6", "ijlive", "18"),
        ("tail=1000", "0123456789abcdefghijlive", "0"),
    ] {
        let part = world.content(query).await.expect(200);
        assert_eq!((part.text.as_str(), part.header("x-hardline-offset")), (text, offset), "{query}");
    }
    for bad in ["offset=-1", "offset=x", "offset=1&tail=1", "follow=maybe", "length=1e9"] {
        world.content(bad).await.expect(400);
    }
    world.server.stop().await;
}

#[tokio::test]
async fn losses_are_lines_and_have_rows() {
    let world = World::new().await;
    world.print_stored("one").await;
    world.host.lose(&world.vm, 100, GapReason::SpoolFull);
    world.print_stored("two").await;
    let whole = world.content("").await.expect(200);
    assert_eq!(whole.text, "one\r\n[hardline: 100 bytes missing: host disk full]\r\ntwo");
    let inside = world.content("offset=53").await.expect(200);
    assert_eq!(inside.text, "\r\n[hardline: 50 bytes missing: host disk full]\r\ntwo");
    let log = world.server.owner().get(&world.path("serialLogs/0?")).await.expect(200).json;
    let properties = &log["properties"];
    assert_eq!((&properties["start"], &properties["end"]), (&0.into(), &106.into()));
    let gap = &properties["gaps"][0];
    assert_eq!(
        (&gap["start"], &gap["length"], &gap["reason"]),
        (&3.into(), &100.into(), &"spoolFull".into())
    );
    let boot = &properties["boots"][0];
    assert_eq!(
        (&boot["offset"], &boot["cause"], &boot["bootId"]),
        (&0.into(), &"start".into(), &"vm1-boot-1".into())
    );
    assert!(boot["time"].as_str().unwrap().ends_with('Z'), "{boot}");
    world.server.stop().await;
}

#[tokio::test]
async fn following_goes_on_until_the_client_leaves() {
    let world = World::new().await;
    world.print_stored("old ").await;
    let url = world.path("serialLogs/0/content?follow=true&offset=1&");
    let request = world.server.owner().request(Method::GET, &url).await;
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut bytes = response.bytes_stream();
    let mut seen = String::new();
    let mut until = async |seen: &mut String, wanted: &str| {
        while seen.as_str() != wanted {
            let next = tokio::time::timeout(std::time::Duration::from_secs(20), bytes.next()).await;
            let piece = next.unwrap_or_else(|_| panic!("{seen:?} is not {wanted:?}")).unwrap().unwrap();
            seen.push_str(std::str::from_utf8(&piece).unwrap());
        }
    };
    until(&mut seen, "ld ").await;
    world.host.print(&world.vm, b"new ");
    until(&mut seen, "ld new ").await;
    world.host.seal(&world.vm);
    world.stored(8).await;
    world.host.print(&world.vm, b"newer");
    until(&mut seen, "ld new newer").await;
    drop(bytes);
    world.server.stop().await;
}

#[tokio::test]
async fn rights_and_obstacles() {
    let world = World::new().await;
    world.server.reader().get(&world.path("serialLogs/0/content?")).await.expect(403);
    world.server.reader().get(&world.path("screenshots/0/content?")).await.expect(403);
    world.server.owner().get(&world.path("serialLogs/1/content?")).await.expect(404);
    world.host.show(Some(b"BM picture".to_vec()));
    let picture =
        world.server.owner().get(&world.path("screenshots/0/content?format=bmp&")).await.expect(200);
    assert_eq!((picture.header("content-type"), picture.text.as_str()), ("image/bmp", "BM picture"));
    world.server.owner().get(&world.path("screenshots/0/content?format=gif&")).await.expect(400);
    set_boot_diagnostics(&world.server, "vm1", false).await;
    assert_eq!(world.content("").await.expect(409).code(), "OperationNotAllowed");
    world.server.stop().await;
}

#[tokio::test]
async fn nothing_is_stored_twice_when_the_line_breaks() {
    let world = World::new().await;
    world.print_stored("first ").await;
    world.host.print(&world.vm, b"second ");
    // A new line of the same host: the old one ends, and everything is told again from the stored end.
    world.server.running().adopt_host(world.host.in_process()).await.unwrap();
    world.print_stored("third").await;
    assert_eq!(world.content("").await.expect(200).text, "first second third");
    let rows = serial_logs::segments(&world.server.state().store, &world.vm, 0, 0, 100).await.unwrap();
    let mut next = 0;
    for row in &rows {
        assert_eq!(row.start, next, "{rows:?}");
        next = row.start + row.length;
    }
    // A server that starts anew on the same data goes on where the old one stopped.
    let World { server, host, vm } = world;
    let directory = server.stop_keeping_data().await;
    host.print(&vm, b", fourth");
    let server = TestServer::builder().directory(directory).start().await;
    server.running().adopt_host(host.in_process()).await.unwrap();
    let world = World { server, host, vm };
    world.print_stored("!").await;
    assert_eq!(world.content("").await.expect(200).text, "first second third, fourth!");
    world.server.stop().await;
}

#[tokio::test]
async fn a_full_store_keeps_everything_on_the_host_until_there_is_room() {
    let world = World::on(TestServer::builder().sqlite().start().await).await;
    world.print_stored("before ").await;
    let store = &world.server.state().store;
    store.limit_growth(0).await.unwrap();
    // More rows than the last page has room for.
    let mut printed = String::from("before ");
    for n in 0..400 {
        let line = format!("line {n}\n");
        world.host.print(&world.vm, line.as_bytes());
        world.host.seal(&world.vm);
        printed.push_str(&line);
    }
    let serial = &world.server.state().serial;
    let full = async {
        while serial.trouble().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), full).await.expect("the trouble is said");
    assert!(serial.trouble().unwrap().contains("full"), "{:?}", serial.trouble());
    assert!(world.host.acknowledged(&world.vm) < printed.len() as u64);
    // Nothing reaches a guest that could not be recorded first.
    let nmi = format!(
        "{}/providers/Hardline.Console/serialPorts/0/nmi?api-version=2026-11-01",
        world.server.vm_path("vm1")
    );
    world.server.owner().post(&nmi).await.expect(503);
    assert_eq!(world.host.acts(&world.vm), []);
    store.limit_growth(1_000_000).await.unwrap();
    world.server.owner().post(&nmi).await.expect(200);
    assert_eq!(world.host.acts(&world.vm).len(), 1);
    world.stored(printed.len() as u64).await;
    assert_eq!(world.content("").await.expect(200).text, printed);
    assert_eq!(serial.trouble(), None);
    world.server.stop().await;
}

#[tokio::test]
async fn a_deleted_machine_leaves_no_bytes_behind() {
    let world = World::new().await;
    world.print_stored("private").await;
    world.host.show(Some(b"BM private".to_vec()));
    let retrieve = format!("{}/retrieveBootDiagnosticsData", world.server.vm_path("vm1"));
    world.server.owner().post(&retrieve).await.expect(200);
    let objects = &world.server.state().objects;
    assert_eq!(
        objects.list("serial").await.unwrap().len() + objects.list("screenshots").await.unwrap().len(),
        2
    );
    let accepted = world.server.owner().delete(&world.server.vm_path("vm1")).await;
    assert!(matches!(accepted.status, 200 | 202), "{accepted:?}");
    let gone = async {
        while !objects.list("serial").await.unwrap().is_empty()
            || !objects.list("screenshots").await.unwrap().is_empty()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), gone).await.expect("the objects are deleted");
    world.server.stop().await;
}

#[tokio::test]
async fn a_log_of_a_thousand_segments_is_read_whole() {
    let world = World::new().await;
    let mut printed = String::new();
    for n in 0..1000 {
        let line = format!("{n:06}\n");
        world.host.print(&world.vm, line.as_bytes());
        world.host.seal(&world.vm);
        printed.push_str(&line);
    }
    world.stored(printed.len() as u64).await;
    let response = world.server.owner().request(Method::GET, &world.path("serialLogs/0/content?")).await;
    assert_eq!(read(response.send().await.unwrap()).await.text, printed);
    world.server.stop().await;
}
