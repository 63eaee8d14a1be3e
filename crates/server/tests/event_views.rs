//! The Event Hub record and the Elastic document of real events: `golden/events/*.json`. Ids that differ from run to run are
//! numbered in the order in which they come.
//!
//! When a view changes on purpose, run the tests with `HARDLINE_UPDATE_GOLDEN=1` and read the difference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_arm::activity::{ActivityEvent, Coordinates, Place, ecs, record};
use hardline_server::clock::ManualClock;
use hardline_store::db::activity_events::{self, EventFilter};
use hardline_testkit::console::{Console, boot_vm, set_boot_diagnostics};
use hardline_testkit::server::{SUBSCRIPTION, TENANT};
use hardline_testkit::{Answer, FakeHost, TestServer};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

struct World {
    server: TestServer,
    host: FakeHost,
    clock: Arc<ManualClock>,
    vm: String,
}

impl World {
    async fn new() -> Self {
        let start = "2026-11-21T10:00:00.1234567Z".parse::<Timestamp>().unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let server = TestServer::builder().clock(clock.clone()).start().await;
        let host = FakeHost::new("host1");
        server.running().adopt_host(host.in_process()).await.unwrap();
        let vm = boot_vm(&server, "vm1").await;
        Self { server, host, clock, vm }
    }

    fn retrieve(&self) -> String {
        format!("{}/retrieveBootDiagnosticsData", self.server.vm_path("vm1"))
    }

    /// Both views of the events that `filter` finds, oldest first.
    async fn views(&self, filter: EventFilter) -> Vec<Value> {
        let mut found = activity_events::list(&self.server.state().store, &filter, 100).await.unwrap();
        found.sort_by_key(|event| event.seq);
        let ingested = "2026-11-21T10:05:00Z".parse().unwrap();
        let place = Place {
            as_number: Some(64_500),
            as_organization: Some("Example Net".into()),
            country_name: Some("Norway".into()),
            location: Some(Coordinates { latitude: 59.9, longitude: 10.7 }),
            ..Place::default()
        };
        let show = |event: &activity_events::StoredEvent| {
            let event: ActivityEvent = serde_json::from_str(&event.body).unwrap();
            json!({ "record": record::view(&event), "document": ecs::view(&event, ingested, Some(&place)) })
        };
        found.iter().map(show).collect()
    }

    async fn of(&self, answer: &Answer) -> Vec<Value> {
        let correlation = Some(answer.header("x-ms-correlation-request-id").to_owned());
        self.views(EventFilter { correlation, ..Default::default() }).await
    }
}

/// The text with what differs from run to run numbered: GUIDs and runs of 32 hexadecimal digits, ports, expiries.
fn numbered(text: &str, port: u16) -> String {
    let mut known: Vec<String> = Vec::new();
    let mut out = String::new();
    let mut word = String::new();
    for c in text.replace(&format!(":{port}"), ":8443").chars().chain(['\0']) {
        if c.is_ascii_alphanumeric() || c == '-' {
            word.push(c);
            continue;
        }
        let digits = word.replace('-', "").to_lowercase();
        let is_id = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let fixed = [TENANT, SUBSCRIPTION].iter().any(|id| id.replace('-', "") == digits)
            || digits.starts_with("33330000000040008");
        if is_id && !fixed {
            let at = known.iter().position(|id| *id == digits).unwrap_or_else(|| {
                known.push(digits.clone());
                known.len() - 1
            });
            let form = match word.len() {
                32 => "hex",
                36 if word == word.to_lowercase() => "guid",
                _ => "GUID",
            };
            word = format!("<{form} {}>", at + 1);
        }
        out.push_str(&word);
        word.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

fn golden(world: &World, name: &str, views: &[Value]) {
    let port = world.server.url().rsplit(':').next().unwrap().parse().unwrap();
    let text = numbered(&serde_json::to_string_pretty(views).unwrap(), port) + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/events/{name}.json"));
    if std::env::var_os("HARDLINE_UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        text == expected,
        "{name} is another one now; run with HARDLINE_UPDATE_GOLDEN=1 and read the difference:\n{text}"
    );
    for secret in ["sig=", "password", "eyJ"] {
        assert!(!text.contains(secret), "{name} holds {secret}");
    }
}

/// The results that are told, in order.
fn results(views: &[Value]) -> Vec<&str> {
    views.iter().map(|view| view["record"]["resultType"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn boot_diagnostics_retrieved_and_refused() {
    let world = World::new().await;
    world.host.print(&world.vm, b"login: ");
    world.host.show(Some(b"BM the display".to_vec()));
    let retrieved = world.server.owner().post(&world.retrieve()).await.expect(200);
    let views = world.of(&retrieved).await;
    assert_eq!(results(&views), ["Start", "Success"]);
    golden(&world, "boot_diagnostics_retrieved", &views);
    let refused = world.server.stranger().post(&world.retrieve()).await.expect(403);
    let views = world.of(&refused).await;
    assert_eq!(results(&views), ["Start", "Failure"]);
    golden(&world, "boot_diagnostics_refused", &views);
    set_boot_diagnostics(&world.server, "vm1", false).await;
    let off = world.server.owner().post(&world.retrieve()).await.expect(409);
    assert_eq!(results(&world.of(&off).await), ["Start", "Failure"]);
    world.server.stop().await;
}

#[tokio::test]
async fn a_role_is_assigned() {
    let world = World::new().await;
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/AAAAAAAA-0000-4000-8000-000000000001",
        world.server.group_path()
    );
    let role = "/providers/Microsoft.Authorization/roleDefinitions/8E3AF657-A8FF-443C-A75C-2FE8C4BCB635";
    let body = json!({ "properties": {
        "roleDefinitionId": role, "principalId": world.server.stranger().oid(), "description": "told nowhere",
    } });
    let assigned = world.server.owner().put(&path, &body).await.expect(201);
    let views = world.of(&assigned).await;
    assert_eq!(results(&views), ["Start", "Success"]);
    golden(&world, "role_assigned", &views);
    world.server.stop().await;
}

#[tokio::test]
async fn a_machine_is_deleted() {
    let world = World::new().await;
    // The host is away while the machine is being deleted, so that it takes time.
    let World { server, host, clock, vm } = world;
    let kept = server.stop_keeping_data().await;
    let server = TestServer::builder().clock(clock.clone()).directory(kept).start().await;
    let accepted = server.owner().delete(&server.vm_path("vm1")).await.expect(202);
    clock.advance(SignedDuration::from_millis(4250));
    server.running().adopt_host(host.in_process()).await.unwrap();
    let world = World { server, host, clock, vm };
    world.server.owner().wait(&accepted).await;
    let views = world.of(&accepted).await;
    assert_eq!(results(&views), ["Start", "Accept", "Success"]);
    assert_eq!(views[2]["record"]["durationMs"], 4250);
    golden(&world, "machine_deleted", &views);
    world.server.stop().await;
}

#[tokio::test]
async fn a_console_is_connected() {
    let world = World::new().await;
    let token = world.server.owner().access_token().await;
    let path = world.server.vm_path("vm1");
    let mut console = Console::stream(&world.server, &path, &token, "").await.unwrap();
    console.frame().await.unwrap();
    let connect = format!("{path}/providers/Microsoft.SerialConsole/serialPorts/0/connect");
    let asked = world.server.owner().post(&connect).await.expect(200);
    let views = world.of(&asked).await;
    assert_eq!(results(&views), ["Start", "Success"]);
    golden(&world, "console_connected", &views);
    let filter = EventFilter { resource: Some(path), ..Default::default() };
    let all = world.views(filter).await;
    let sessions = |view: &&Value| {
        view["record"]["operationName"].as_str().unwrap().starts_with("HARDLINE.CONSOLE/SERIALPORTS/SESSION/")
    };
    let begun: Vec<Value> = all.iter().filter(sessions).cloned().collect();
    assert_eq!(results(&begun), ["Start"]);
    golden(&world, "console_session_begun", &begun);
    drop(console);
    world.server.stop().await;
}
