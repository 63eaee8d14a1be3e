//! The console over real WebSockets: az-like clients step by step, our subprotocols, takeover, refusals, ends. The guests
//! are played by a fake host.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_agent_api::v1::{Action, GapReason as HostGap, RunState};
use hardline_console::frame::{
    ClientNotice, GapReason, RAW_SUBPROTOCOL, RefusedReason, Role, SUBPROTOCOL, ServerFrame, ServerNotice,
    Token,
};
use hardline_server::clock::{Clock as _, ManualClock};
use hardline_testkit::console::{Console, Event, Options, boot_vm, events, set_boot_diagnostics};
use hardline_testkit::{FakeHost, TestServer};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::sync::Arc;

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

    fn path(&self) -> String {
        self.server.vm_path("vm1")
    }

    fn connect_path(&self) -> String {
        format!("{}/providers/Microsoft.SerialConsole/serialPorts/0/connect", self.path())
    }

    /// A connection string for the owner.
    async fn connection_string(&self) -> String {
        let answer = self.server.owner().post(&self.connect_path()).await.expect(200);
        answer.json["connectionString"].as_str().unwrap().to_owned()
    }

    async fn open(&self, url: &str) -> Console {
        Console::connect(&self.server, url, &Options::default()).await.unwrap()
    }

    async fn token(&self) -> String {
        self.server.owner().access_token().await
    }

    async fn writer(&self) -> Console {
        Console::stream(&self.server, &self.path(), &self.token().await, "").await.unwrap()
    }

    /// A viewer that has been given the screen.
    async fn viewer(&self) -> Console {
        let mut viewer =
            Console::stream(&self.server, &self.path(), &self.token().await, "&mode=view").await.unwrap();
        while !matches!(viewer.frame().await.unwrap(), ServerFrame::Snapshot { .. }) {}
        viewer
    }
}

fn welcome(notice: &ServerNotice) -> Option<(Role, u64, Option<String>)> {
    match notice {
        ServerNotice::Welcome { role, epoch, holder, .. } => Some((*role, *epoch, holder.clone())),
        _ => None,
    }
}

#[tokio::test]
async fn az_1_0_says_who_it_is_after_the_greeting() {
    let world = World::new().await;
    world.host.print(&world.vm, b"login: ");
    let string = world.connection_string().await;
    assert!(string.starts_with("wss://localhost:") && string.ends_with("/client"), "{string}");
    assert_eq!((string.matches("ws").count(), string.matches("/client").count()), (1, 1));
    let mut az = world.open(&string).await;
    assert_eq!(az.next().await, Event::Text("Connecting...\r\n".into()));
    let token = world.token().await;
    az.send_text(&token).await;
    az.until_text("login: ").await;
    for key in ["r", "o", "o", "t", "\r"] {
        az.send_text(key).await;
    }
    world.host.wait_for_input(&world.vm, b"root\r").await;
    world.host.print(&world.vm, "Grüße\r\n".as_bytes());
    az.until_text("Grüße").await;
    assert_eq!(world.host.input(&world.vm), b"root\r");
    world.server.stop().await;
}

#[tokio::test]
async fn az_0_1_sends_its_token_three_times_and_none_reaches_the_guest() {
    let world = World::new().await;
    let token = world.token().await;
    let string = world.connection_string().await;
    let mut az = world.open(&format!("{string}?authorization={token}&new=1")).await;
    az.send_text(&token).await;
    assert_eq!(az.next().await, Event::Text("Connecting...\r\n".into()));
    az.send_text(&token).await;
    az.send_text("x").await;
    world.host.wait_for_input(&world.vm, b"x").await;
    assert_eq!(world.host.input(&world.vm), b"x");
    world.server.stop().await;
}

#[tokio::test]
async fn characters_are_not_cut_and_bad_bytes_are_replaced() {
    let world = World::new().await;
    let mut az = world.open(&world.connection_string().await).await;
    az.send_text(&world.token().await).await;
    az.until_text("\x1b[2J").await;
    world.host.print(&world.vm, b"a\xe2\x82");
    az.until_text("a").await;
    world.host.print(&world.vm, b"\xac\xff!");
    az.until_text("!").await;
    assert!(az.text.ends_with("a€\u{FFFD}!"), "{:?}", az.text);
    world.server.stop().await;
}

#[tokio::test]
async fn a_stranger_on_the_socket_is_not_trusted() {
    let world = World::new().await;
    for bad in ["hello", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA"] {
        let mut az = world.open(&world.connection_string().await).await;
        az.send_text(bad).await;
        assert_eq!(az.until_close().await, (1011, "Connection not trusted".into()));
        assert!(az.text.contains("Connection not trusted"), "{}", az.text);
    }
    // A good token of somebody else, who may connect too: the ticket is not theirs.
    let mut az = world.open(&world.connection_string().await).await;
    az.send_text(&world.server.contributor().access_token().await).await;
    assert_eq!(az.until_close().await.0, 1011);
    assert_eq!(world.host.input(&world.vm), b"");
    world.server.stop().await;
}

#[tokio::test]
async fn a_client_that_never_says_who_it_is_is_closed() {
    let server = TestServer::builder()
        .limits(|limits| limits.authentication = std::time::Duration::from_millis(50))
        .start()
        .await;
    let world = World::on(server).await;
    let mut az = world.open(&world.connection_string().await).await;
    assert_eq!(az.until_close().await.0, 1011);
    world.server.stop().await;
}

#[tokio::test]
async fn a_half_open_socket_ends() {
    let server = TestServer::builder()
        .limits(|limits| {
            limits.ping = std::time::Duration::from_millis(20);
            limits.silence = std::time::Duration::from_millis(200);
        })
        .start()
        .await;
    let world = World::on(server).await;
    let mut console = world.writer().await;
    console.notice(welcome).await;
    let hub = world.server.state().serial.hub().clone();
    assert_eq!(hub.sessions(), 1);
    // The client's library answers pings only while it is polled, which it is no longer.
    world
        .host
        .wait("the session to end", |host| {
            host.print(&world.vm, b".");
            (hub.sessions() == 0).then_some(())
        })
        .await;
    world.server.stop().await;
}

#[tokio::test]
async fn a_ticket_opens_one_socket() {
    let world = World::new().await;
    let string = world.connection_string().await;
    let first = world.open(&string).await;
    assert_eq!(Console::connect(&world.server, &string, &Options::default()).await.err(), Some(404));
    first.leave().await;
    assert_eq!(Console::connect(&world.server, &string, &Options::default()).await.err(), Some(404));
    let (base, _) = string.rsplit_once("/sessions/").unwrap();
    let unknown = format!("{base}/sessions/{}/client", "0".repeat(32));
    assert_eq!(Console::connect(&world.server, &unknown, &Options::default()).await.err(), Some(404));
    world.server.stop().await;
}

#[tokio::test]
async fn a_ticket_is_good_for_a_minute() {
    let clock = Arc::new(ManualClock::new("2026-11-21T10:00:00Z".parse::<Timestamp>().unwrap()));
    let world = World::on(TestServer::builder().clock(clock.clone()).start().await).await;
    let (early, late) = (world.connection_string().await, world.connection_string().await);
    clock.advance(SignedDuration::from_secs(59));
    assert!(Console::connect(&world.server, &early, &Options::default()).await.is_ok());
    clock.advance(SignedDuration::from_secs(2));
    assert_eq!(Console::connect(&world.server, &late, &Options::default()).await.err(), Some(404));
    world.server.stop().await;
}

#[tokio::test]
async fn the_screen_is_there_on_arrival_and_output_goes_on_from_its_offset() {
    let world = World::new().await;
    world.host.print(&world.vm, b"old text\r\n");
    let mut console = world.writer().await;
    assert_eq!(console.notice(welcome).await, (Role::Writer, 1, Some("owner@hardline.test".into())));
    match console.frame().await.unwrap() {
        ServerFrame::Snapshot { offset, data, .. } => {
            assert_eq!((offset, &data[..]), (10, b"old text\r\n".as_slice()));
        }
        other => panic!("{other:?}"),
    }
    world.host.print(&world.vm, b"new");
    world.host.print(&world.vm, b"er");
    // The client checks that each frame begins where the one before ended.
    console.until_output(b"newer").await;
    assert_eq!((console.output.as_slice(), console.offset), (b"newer".as_slice(), 15));
    console.notify(ClientNotice::Ping).await;
    console.notice(|n| (*n == ServerNotice::Pong).then_some(())).await;
    console.leave().await;
    // Somebody who was there before goes on where they stopped, without a snapshot.
    let token = world.token().await;
    let mut again =
        Console::stream(&world.server, &world.path(), &token, "&mode=view&offset=13").await.unwrap();
    again.offset = 13;
    again.until_output(b"er").await;
    assert_eq!(again.output, b"er");
    world.server.stop().await;
}

#[tokio::test]
async fn a_newcomer_takes_the_seat_and_late_keys_do_not_arrive() {
    let world = World::new().await;
    let mut first = world.writer().await;
    first.notice(welcome).await;
    assert!(first.type_in(b"first ").await);
    world.host.wait_for_input(&world.vm, b"first ").await;

    let token = world.server.contributor().access_token().await;
    let mut second = Console::stream(&world.server, &world.path(), &token, "").await.unwrap();
    // Whatever the first one sends from the moment the second is greeted is dropped.
    let (role, epoch, holder) = second.notice(welcome).await;
    assert_eq!((role, epoch, holder.as_deref()), (Role::Writer, 2, Some("contributor@hardline.test")));
    while first.type_in(b"STALE").await {
        if matches!(first.next().await, Event::Close(..)) {
            break;
        }
    }
    assert!(second.type_in(b"second").await);
    world.host.wait_for_input(&world.vm, b"second").await;
    assert_eq!(world.host.input(&world.vm), b"first second");
    assert_eq!(world.host.epoch(&world.vm), 2);
    world.server.stop().await;
}

#[tokio::test]
async fn who_loses_the_seat_is_told_by_whom() {
    let world = World::new().await;
    let mut az = world.open(&world.connection_string().await).await;
    az.send_text(&world.token().await).await;
    az.until_text("\x1b[2J").await;
    let mut first = world.writer().await;
    let (code, reason) = az.until_close().await;
    assert_eq!((code, reason.as_str()), (4001, "The seat was taken by owner@hardline.test"));
    assert!(
        az.text.contains("owner@hardline.test has taken over this console from 127.0.0.1"),
        "{}",
        az.text
    );

    let token = world.server.contributor().access_token().await;
    let second = Console::stream(&world.server, &world.path(), &token, "").await.unwrap();
    let (said, code, _) = first.end().await;
    assert_eq!(code, 4001);
    let taken = ServerNotice::Taken { by: "contributor@hardline.test".into(), address: "127.0.0.1".into() };
    assert_eq!(said.last(), Some(&taken));
    second.leave().await;
    world.server.stop().await;
}

#[tokio::test]
async fn a_viewer_watches_is_told_who_types_and_may_take_the_seat() {
    let world = World::new().await;
    let token = world.token().await;
    let mut viewer = Console::stream(&world.server, &world.path(), &token, "&mode=view").await.unwrap();
    assert_eq!(viewer.notice(welcome).await, (Role::Viewer, 0, None));
    assert!(matches!(viewer.frame().await, Ok(ServerFrame::Snapshot { .. })));
    viewer.type_in(b"no").await;
    let refused = ServerNotice::InputRefused { reason: RefusedReason::NotWriter, bytes: 2 };
    viewer.notice(|n| (*n == refused).then_some(())).await;
    let mut writer = world.writer().await;
    writer.notice(welcome).await;
    assert!(matches!(writer.frame().await, Ok(ServerFrame::Snapshot { .. })));
    assert_eq!(viewer.notice(welcome).await, (Role::Viewer, 1, Some("owner@hardline.test".into())));
    world.host.print(&world.vm, b"both see this");
    viewer.until_output(b"both see this").await;
    writer.until_output(b"both see this").await;

    viewer.notify(ClientNotice::Take).await;
    assert_eq!(viewer.notice(welcome).await.0, Role::Writer);
    assert_eq!(writer.end().await.1, 4001);
    world.host.print(&world.vm, b", and this");
    viewer.until_output(b"both see this, and this").await;
    viewer.type_in(b"yes").await;
    world.host.wait_for_input(&world.vm, b"yes").await;
    assert_eq!(world.host.input(&world.vm), b"yes");
    world.server.stop().await;
}

#[tokio::test]
async fn a_gap_is_told_with_a_fresh_screen() {
    let world = World::new().await;
    let mut console = world.viewer().await;
    world.host.print(&world.vm, b"one");
    console.until_output(b"one").await;
    world.host.lose(&world.vm, 500, HostGap::ViewerSlow);
    let gap = ServerNotice::Gap { start: 3, length: Some(500), reason: GapReason::ViewerSlow };
    console.notice(|n| (*n == gap).then_some(())).await;
    assert!(matches!(console.frame().await, Ok(ServerFrame::Snapshot { offset: 503, .. })));
    world.host.print(&world.vm, b"two");
    console.until_output(b"two").await;
    world.server.stop().await;
}

#[tokio::test]
async fn raw_is_bytes_and_nothing_else() {
    let world = World::new().await;
    world.host.print(&world.vm, b"before");
    let options = Options { bearer: Some(world.token().await), protocol: Some(RAW_SUBPROTOCOL) };
    let url = format!(
        "{}{}/providers/Hardline.Console/serialPorts/0/stream?api-version=2026-11-01",
        world.server.url().replace("https:", "wss:"),
        world.path()
    );
    let mut raw = Console::connect(&world.server, &url, &options).await.unwrap();
    raw.send_bytes(b"\x00\xff").await;
    world.host.wait_for_input(&world.vm, b"\x00\xff").await;
    world.host.print(&world.vm, b"\xfe\x01");
    let mut seen = Vec::new();
    while seen != b"\xfe\x01" {
        if let Event::Binary(bytes) = raw.next().await {
            seen.extend_from_slice(&bytes);
        }
        assert!(seen.len() <= 2, "{seen:?}");
    }
    world.server.stop().await;
}

#[tokio::test]
async fn the_subprotocol_takes_its_token_in_a_message_too() {
    let world = World::new().await;
    let string = world.connection_string().await;
    let options = Options { bearer: None, protocol: Some(SUBPROTOCOL) };
    let mut console = Console::connect(&world.server, &string, &options).await.unwrap();
    console.notify(ClientNotice::Auth { token: Token(world.token().await) }).await;
    assert_eq!(console.notice(welcome).await.0, Role::Writer);
    world.server.stop().await;
}

#[tokio::test]
async fn garbage_and_oversized_messages_end_the_session_with_a_reason() {
    let world = World::new().await;
    let mut console = world.writer().await;
    console.notice(welcome).await;
    console.send_bytes(b"\x09what").await;
    let (said, code, _) = console.end().await;
    assert_eq!(code, 1002);
    assert!(
        matches!(said.last(), Some(ServerNotice::Ended { reason }) if reason.contains("0x09")),
        "{said:?}"
    );
    let mut console = world.writer().await;
    console.notice(welcome).await;
    console.send_text("{\"kind\":").await;
    assert_eq!(console.end().await.1, 1002);
    let mut console = world.writer().await;
    console.notice(welcome).await;
    console.send_bytes(&vec![1; 100_000]).await;
    assert_eq!(console.end().await.1, 1009);
    assert_eq!(world.host.input(&world.vm), b"");
    world.server.stop().await;
}

#[tokio::test]
async fn who_may_not_connect_is_refused_before_anything_is_looked_up() {
    let world = World::new().await;
    let refused = world.server.reader().post(&world.connect_path()).await.expect(403);
    assert_eq!(refused.code(), "AuthorizationFailed");
    let missing = world.connect_path().replace("vm1", "no-such");
    let same = world.server.reader().post(&missing).await.expect(403);
    assert_eq!(same.message().replace("no-such", "vm1"), refused.message());
    world.server.anonymous().post(&world.connect_path()).await.expect(401);
    let token = world.server.reader().access_token().await;
    assert_eq!(Console::stream(&world.server, &world.path(), &token, "").await.err(), Some(403));
    assert_eq!(Console::stream(&world.server, &world.path(), "nonsense", "").await.err(), Some(401));
    let nowhere = world.server.owner().post(&missing).await.expect(404);
    assert_eq!(nowhere.code(), "ResourceNotFound");
    let port = world.connect_path().replace("serialPorts/0", "serialPorts/7");
    world.server.owner().post(&port).await.expect(404);
    world.server.stop().await;
}

#[tokio::test]
async fn a_console_needs_boot_diagnostics_and_a_running_machine() {
    let world = World::new().await;
    set_boot_diagnostics(&world.server, "vm1", false).await;
    let off = world.server.owner().post(&world.connect_path()).await.expect(409);
    assert!(off.message().contains("requires boot diagnostics to be enabled"), "{}", off.text);
    let token = world.token().await;
    assert_eq!(Console::stream(&world.server, &world.path(), &token, "").await.err(), Some(409));
    set_boot_diagnostics(&world.server, "vm1", true).await;
    let mut console = world.writer().await;
    console.notice(welcome).await;

    let accepted = world.server.owner().post(&format!("{}/deallocate", world.path())).await.expect(202);
    assert_eq!(world.server.owner().wait(&accepted).await.json["status"], "Succeeded");
    let (said, code, _) = console.end().await;
    assert_eq!(code, 4002);
    assert!(
        said.iter().any(|n| matches!(n, ServerNotice::State { state } if state == "stopped")),
        "{said:?}"
    );
    let stopped = world.server.owner().post(&world.connect_path()).await.expect(409);
    assert_eq!(
        stopped.message(),
        "Azure Serial Console requires a virtual machine to be running. Use the Start button to start your virtual machine."
    );
    world.server.stop().await;
}

#[tokio::test]
async fn a_deleted_machine_ends_its_consoles() {
    let world = World::new().await;
    let mut az = world.open(&world.connection_string().await).await;
    az.send_text(&world.token().await).await;
    az.until_text("\x1b[2J").await;
    let accepted = world.server.owner().delete(&world.path()).await;
    assert!(matches!(accepted.status, 200 | 202), "{accepted:?}");
    assert_eq!(az.until_close().await.0, 4002);
    assert!(az.text.contains("[hardline: "), "{}", az.text);
    world.server.stop().await;
}

#[tokio::test]
async fn states_are_told() {
    let world = World::new().await;
    let mut console = world.writer().await;
    console.notice(welcome).await;
    world.host.set_state(&world.vm, RunState::Paused, "");
    console.notice(|n| matches!(n, ServerNotice::State { state } if state == "paused").then_some(())).await;
    world.host.set_state(&world.vm, RunState::Running, "");
    console.notice(|n| matches!(n, ServerNotice::State { state } if state == "running").then_some(())).await;
    world.host.guest_shutdown(&world.vm);
    let (said, code, _) = console.end().await;
    assert_eq!(code, 4002);
    let why = |n: &ServerNotice| matches!(n, ServerNotice::Ended { reason } if reason.contains("powered itself off"));
    assert!(said.iter().any(why), "{said:?}");
    world.server.stop().await;
}

#[tokio::test]
async fn an_expired_token_and_a_withdrawn_role_end_the_session() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_795_000_000).unwrap()));
    let world = World::on(TestServer::builder().clock(clock.clone()).start().await).await;
    let mut console = world.writer().await;
    console.notice(welcome).await;
    world.server.state().serial.check_rights();
    console.notify(ClientNotice::Ping).await;
    console.notice(|n| (*n == ServerNotice::Pong).then_some(())).await;
    clock.advance(SignedDuration::from_hours(2));
    world.server.state().serial.check_rights();
    let (said, code, _) = console.end().await;
    assert_eq!(code, 4003);
    assert!(
        matches!(said.last(), Some(ServerNotice::Ended { reason }) if reason.contains("expired")),
        "{said:?}"
    );

    let contributor = world.server.contributor();
    let token = contributor.access_token().await;
    let mut console = Console::stream(&world.server, &world.path(), &token, "").await.unwrap();
    console.notice(welcome).await;
    let list = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments?$filter=principalId eq '{}'",
        world.server.subscription_path(),
        contributor.oid()
    );
    let assignments = world.server.owner().get(&list).await.expect(200).json;
    let id = assignments["value"][0]["id"].as_str().unwrap().to_owned();
    world.server.owner().delete(&id).await.expect(200);
    world.server.state().serial.check_rights();
    assert_eq!(console.end().await.1, 4003);
    assert!(clock.now() > Timestamp::UNIX_EPOCH);
    world.server.stop().await;
}

#[tokio::test]
async fn admin_commands_of_a_session() {
    let world = World::new().await;
    let string = world.connection_string().await;
    let admin = |command: &str| {
        string
            .replace("wss", "https")
            .replace("ws", "http")
            .replace("/client", &format!("/adminCommand/{command}"))
    };
    let body = |command: &str, parameters| json!({"command": command, "requestId": "r", "commandParameters": parameters});
    let owner = world.server.owner();
    owner.post_json(&admin("nmi"), &body("nmi", json!({}))).await.expect(200);
    let az = world.open(&string).await;
    owner.post_json(&admin("sysrq"), &body("sysrq", json!({"SysRqCommand": "c"}))).await.expect(200);
    owner.post_json(&admin("reset"), &body("reset", json!({}))).await.expect(200);
    let acts: Vec<_> = world.host.acts(&world.vm).iter().map(|a| (a.action(), a.keys.clone())).collect();
    assert_eq!(
        acts,
        [(Action::Nmi, String::new()), (Action::Sysrq, "c".into()), (Action::Reset, String::new())]
    );
    owner.post_json(&admin("sysrq"), &body("sysrq", json!({}))).await.expect(400);
    owner.post_json(&admin("explode"), &body("explode", json!({}))).await.expect(404);
    world.server.anonymous().post_json(&admin("nmi"), &body("nmi", json!({}))).await.expect(401);
    world.server.contributor().post_json(&admin("nmi"), &body("nmi", json!({}))).await.expect(404);
    az.leave().await;
    // Ours, without a session.
    let port = format!("{}/providers/Hardline.Console/serialPorts/0", world.path());
    owner.post(&format!("{port}/break?api-version=2026-11-01")).await.expect(200);
    world.server.reader().post(&format!("{port}/nmi?api-version=2026-11-01")).await.expect(403);
    let named: Vec<_> = events(&world.server, &world.path())
        .await
        .into_iter()
        .map(|(operation, status, ..)| (operation, status))
        .collect();
    for verb in ["nmi", "sysrq", "reset", "break"] {
        let operation = format!("Hardline.Console/serialPorts/{verb}/action");
        assert!(named.contains(&(operation.clone(), "Succeeded".into())), "{operation}: {named:?}");
    }
    world.server.stop().await;
}

#[tokio::test]
async fn sessions_leave_events_with_byte_counts_and_no_secret() {
    let world = World::new().await;
    let string = world.connection_string().await;
    let mut az = world.open(&string).await;
    let token = world.token().await;
    az.send_text(&token).await;
    az.until_text("\x1b[2J").await;
    az.send_text("abc").await;
    world.host.wait_for_input(&world.vm, b"abc").await;
    world.host.print(&world.vm, b"12345");
    az.until_text("12345").await;
    az.leave().await;
    let mut writer = world.writer().await;
    writer.notice(welcome).await;
    // The end is recorded after the socket is gone: it is there soon, not at once.
    let (caller, properties) = loop {
        let all = events(&world.server, &world.path()).await;
        assert!(!format!("{all:?}").contains(&token), "a token stands in an event");
        let mut ends = all.into_iter().filter(|(operation, status, ..)| {
            operation == "Hardline.Console/serialPorts/session/action" && status == "Succeeded"
        });
        if let Some((_, _, caller, properties)) = ends.next() {
            break (caller, properties);
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(caller, "owner@hardline.test");
    assert_eq!((properties["bytesIn"].as_str(), properties["bytesOut"].as_str()), (Some("3"), Some("5")));
    assert_eq!(properties["reason"], "the client left");
    world.server.stop().await;
}

#[tokio::test]
async fn a_stopping_server_says_so() {
    let world = World::new().await;
    let mut console = world.writer().await;
    console.notice(welcome).await;
    let World { server, .. } = world;
    let ended = tokio::spawn(async move { console.end().await });
    server.stop().await;
    let (said, code, _) = ended.await.unwrap();
    assert_eq!(code, 1001);
    assert!(matches!(said.last(), Some(ServerNotice::Ended { .. })), "{said:?}");
}

#[tokio::test]
async fn a_broken_line_to_the_host_is_said_and_mended_without_a_byte_lost() {
    let authority = hardline_testkit::authority::Authority::new();
    let server = TestServer::builder().agents(&authority).start().await;
    let host = FakeHost::new("host1");
    let address = server.state().hosts.agent_address().unwrap();
    let dialling = authority.dialling(address, Some(host.host_id()));
    let line = host.dial(&dialling).await.unwrap();
    let vm = boot_vm(&server, "vm1").await;
    let world = World { server, host, vm };
    let mut console = world.writer().await;
    while !matches!(console.frame().await.unwrap(), ServerFrame::Snapshot { .. }) {}
    world.host.print(&world.vm, b"before ");
    console.until_output(b"before ").await;

    line.hang_up();
    console.notice(|n| matches!(n, ServerNotice::State { state } if state == "hostAway").then_some(())).await;
    world.host.print(&world.vm, b"while away ");
    console.type_in(b"lost").await;
    let refused = ServerNotice::InputRefused { reason: RefusedReason::NotRunning, bytes: 4 };
    console.notice(|n| (*n == refused).then_some(())).await;
    // Nobody else gets in meanwhile, and hears why.
    let mut other = world.writer().await;
    let (said, code, _) = other.end().await;
    assert_eq!(code, 4000);
    assert!(
        matches!(said.last(), Some(ServerNotice::Ended { reason }) if reason.contains("not connected")),
        "{said:?}"
    );

    let _line = world.host.dial(&dialling).await.unwrap();
    console.notice(|n| matches!(n, ServerNotice::State { state } if state == "running").then_some(())).await;
    world.host.print(&world.vm, b"after");
    console.until_output(b"before while away after").await;
    console.type_in(b"typed").await;
    world.host.wait_for_input(&world.vm, b"typed").await;
    assert_eq!(world.host.input(&world.vm), b"typed");
    world.server.stop().await;
}

#[tokio::test]
async fn a_fresh_token_prolongs_a_session() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_795_000_000).unwrap()));
    let world = World::on(TestServer::builder().clock(clock.clone()).start().await).await;
    let mut console = world.writer().await;
    console.notice(welcome).await;
    let check = async |console: &mut Console| {
        world.server.state().serial.check_rights();
        console.notify(ClientNotice::Ping).await;
        console.notice(|n| (*n == ServerNotice::Pong).then_some(())).await;
    };
    clock.advance(SignedDuration::from_mins(50));
    console.notify(ClientNotice::Auth { token: Token(world.token().await) }).await;
    check(&mut console).await;
    clock.advance(SignedDuration::from_mins(50));
    check(&mut console).await;
    // Somebody else's token, or none at all, prolongs nothing.
    console
        .notify(ClientNotice::Auth { token: Token(world.server.contributor().access_token().await) })
        .await;
    console.notify(ClientNotice::Auth { token: Token("x".into()) }).await;
    check(&mut console).await;
    clock.advance(SignedDuration::from_mins(50));
    world.server.state().serial.check_rights();
    assert_eq!(console.end().await.1, 4003);
    assert_eq!(world.host.input(&world.vm), b"");
    world.server.stop().await;
}

#[tokio::test]
async fn a_host_that_remembers_a_higher_epoch_is_caught_up_with() {
    let world = World::new().await;
    let mut client = world.host.in_process();
    let fence = hardline_agent_api::v1::FenceRequest { vm_id: world.vm.clone(), port: 0, epoch: 500 };
    client.fence(fence).await.unwrap();
    let mut console = world.writer().await;
    assert!(console.notice(welcome).await.1 > 500);
    console.type_in(b"heard").await;
    world.host.wait_for_input(&world.vm, b"heard").await;
    world.server.stop().await;
}
