//! The client verbs against a server under test whose host is played by the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod program;

use hardline_testkit::server::PASSWORD;
use hardline_testkit::{FakeHost, TestServer};
use program::Home;
use serde_json::{Value, json};

/// A server with one running machine, `vm1`, and somebody's home whose environment is that of `hardline dev`.
struct Stage {
    ca: tempfile::NamedTempFile,
    server: TestServer,
    host: FakeHost,
    vm_id: String,
}

impl Stage {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let host = FakeHost::new("host1");
        server.running().adopt_host(host.in_process()).await.unwrap();
        let body = json!({"location": "local", "properties": {
            "hardwareProfile": {"vmSize": "Standard_A0"},
            "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo", "sku": "1"}},
            "osProfile": {"computerName": "vm1", "adminUsername": "u", "adminPassword": "correct-horse-1"},
            "diagnosticsProfile": {"bootDiagnostics": {"enabled": true}}}});
        let owner = server.owner();
        let accepted = owner.put(&server.vm_path("vm1"), &body).await;
        assert!(accepted.status < 300, "{}", accepted.text);
        let vm_id = host.vm_named("vm1").await;
        owner.wait(&accepted).await;
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&ca, server.ca_pem()).unwrap();
        Self { ca, server, host, vm_id }
    }

    fn home_of(&self, user: &str) -> Home {
        Home::new()
            .env("HARDLINE_URL", self.server.url())
            .env("HARDLINE_USER", user)
            .env("HARDLINE_PASSWORD", PASSWORD)
            .env("HARDLINE_RESOURCE_GROUP", hardline_testkit::server::GROUP)
            .env("SSL_CERT_FILE", self.ca.path().to_str().unwrap())
    }

    fn owner(&self) -> Home {
        self.home_of(&self.server.owner().name())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_in_is_remembered_until_logout() {
    let stage = Stage::new().await;
    let home = Home::new();
    std::fs::write(home.path("ca.pem"), stage.server.ca_pem()).unwrap();
    home.run(&["vm", "list"]).await.expect(1);

    let (name, url) = (stage.server.owner().name(), stage.server.url().to_owned());
    let wrong = ["login", "--url", &url, "--ca-file", "ca.pem", "-u", &name, "-p", "wrong"];
    assert!(home.run(&wrong).await.expect(1).err.contains("(invalid_grant)"));

    let login = ["login", "--url", &url, "--ca-file", "ca.pem", "-u", &name];
    let account = home.run_with(&login, b"correct horse battery staple\n").await.expect(0).text();
    let account: Value = serde_json::from_str(&account).unwrap();
    assert_eq!(account["user"]["name"], name.as_str());
    assert!(!account.to_string().contains("eyJ"), "the token is not printed");

    let listed = home.run(&["vm", "list", "--query", "[].name", "-o", "tsv"]).await.expect(0);
    assert_eq!(listed.text(), "vm1\n");
    home.run(&["logout"]).await.expect(0);
    assert!(home.run(&["vm", "list"]).await.expect(1).err.contains("hardline login"));
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_are_listed_and_shown_as_az_does() {
    let stage = Stage::new().await;
    let home = stage.owner();
    let table = home.run(&["vm", "list", "-o", "table"]).await.expect(0).text();
    assert!(table.starts_with("Name"), "{table}");
    assert!(table.contains("vm1") && table.contains("VM running"), "{table}");

    let shown = home.run(&["vm", "show", "vm1"]).await.expect(0).text();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["hardwareProfile"]["vmSize"], "Standard_A0");
    assert_eq!(shown["powerState"], "VM running");
    let id = shown["id"].as_str().unwrap();
    let yaml = home.run(&["vm", "show", id, "-o", "yaml", "--query", "{p: powerState}"]).await.expect(0);
    assert_eq!(yaml.text(), "p: VM running\n");
    assert_eq!(home.run(&["vm", "show", "vm1", "-o", "none"]).await.expect(0).text(), "");
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_codes_are_azs() {
    let stage = Stage::new().await;
    let home = stage.owner();
    let missing = home.run(&["vm", "show", "nope"]).await.expect(3);
    assert!(missing.err.starts_with("ERROR: (ResourceNotFound)"), "{}", missing.err);
    assert!(missing.out.is_empty());
    home.run(&["vm", "show"]).await.expect(2);
    home.run(&["vm", "list", "--query", "["]).await.expect(2);
    home.run(&["vm", "list", "-o", "xml"]).await.expect(2);

    let reader = stage.home_of(&stage.server.reader().name());
    reader.run(&["vm", "list"]).await.expect(0);
    let refused = reader.run(&["vm", "stop", "vm1"]).await.expect(1);
    assert!(refused.err.contains("(AuthorizationFailed)"), "{}", refused.err);
    let refused = reader.run(&["log", "vm1"]).await.expect(1);
    assert!(refused.err.contains("(AuthorizationFailed)"), "{}", refused.err);
    let refused = reader.run(&["console", "vm1"]).await.expect(1);
    assert!(refused.err.contains("(AuthorizationFailed)"), "{}", refused.err);
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_verbs_wait_until_it_is_done() {
    let stage = Stage::new().await;
    let home = stage.owner();
    let power = ["vm", "show", "vm1", "--query", "powerState", "-o", "tsv"];
    for (verb, after) in [("deallocate", "VM deallocated"), ("start", "VM running"), ("stop", "VM stopped")] {
        let done = home.run(&["vm", verb, "vm1"]).await.expect(0);
        assert!(done.err.contains("done"), "{}", done.err);
        assert_eq!(home.run(&power).await.expect(0).text(), format!("{after}\n"), "after {verb}");
    }
    stage.host.hold(true);
    home.run(&["vm", "start", "vm1", "--no-wait"]).await.expect(0);
    stage.host.hold(false);
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_printed_byte_for_byte() {
    let stage = Stage::new().await;
    let home = stage.owner();
    let printed = b"Linux version 6.1\r\n\x1b[1mlogin:\x1b[0m \xff\x00";
    stage.host.print(&stage.vm_id, printed);
    assert_eq!(home.run(&["log", "vm1"]).await.expect(0).out, printed);
    assert_eq!(home.run(&["log", "vm1", "--tail", "2"]).await.expect(0).out, b"\xff\x00");
    let part = home.run(&["log", "vm1", "--offset", "6", "--length", "7"]).await.expect(0);
    assert_eq!(part.out, b"version");
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_followed_log_goes_on_and_is_tame_on_a_terminal() {
    let stage = Stage::new().await;
    stage.host.print(&stage.vm_id, b"first\r\n");
    let home = stage.owner();
    let terminal = home.in_terminal(&["log", "vm1", "--follow"]);
    let (terminal, host, vm_id) = (terminal, stage.host.clone(), stage.vm_id.clone());
    tokio::task::spawn_blocking(move || {
        terminal.wait_for("first");
        host.print(&vm_id, b"\x1b]52;c;ZXZpbA==\x07\x1b[6nsecond\r\n");
        terminal.wait_for("second");
        assert!(!terminal.text().contains('\u{1b}'), "{:?}", terminal.text());
    })
    .await
    .unwrap();
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screenshot_is_written_in_the_format_of_its_name() {
    let stage = Stage::new().await;
    let home = stage.owner();
    stage.host.show(Some(b"BM picture".to_vec()));
    home.run(&["screenshot", "vm1", "-f", "a.bmp"]).await.expect(0);
    assert_eq!(std::fs::read(home.path("a.bmp")).unwrap(), b"BM picture");
    home.run(&["screenshot", "vm1", "-f", "a.gif"]).await.expect(2);
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_types_into_the_guest_and_gives_the_terminal_back() {
    let stage = Stage::new().await;
    let home = stage.owner();
    stage.host.print(&stage.vm_id, b"vm1 login: ");
    let mut terminal = home.in_terminal(&["console", "vm1"]);
    let mut terminal = tokio::task::spawn_blocking(move || {
        terminal.wait_for("vm1 login: ");
        assert!(!terminal.is_cooked());
        terminal.type_keys(b"root\r\x03");
        terminal
    })
    .await
    .unwrap();
    stage.host.wait_for_input(&stage.vm_id, b"root\r\x03").await;
    stage.host.print(&stage.vm_id, b"\r\nWelcome\r\n");
    tokio::task::spawn_blocking(move || {
        terminal.wait_for("Welcome");
        terminal.type_keys(b"\x1d");
        terminal.wait_for("q quit");
        terminal.type_keys(b"q");
        assert!(terminal.wait().success());
        assert!(terminal.is_cooked());
    })
    .await
    .unwrap();
    assert_eq!(stage.host.input(&stage.vm_id), b"root\r\x03");
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_gives_the_terminal_back() {
    let stage = Stage::new().await;
    let home = stage.owner();
    let mut terminal = home.in_terminal(&["console", "vm1"]);
    tokio::task::spawn_blocking(move || {
        terminal.wait_for("connected to vm1");
        assert!(!terminal.is_cooked());
        terminal.signal(rustix::process::Signal::TERM);
        terminal.wait();
        assert!(terminal.is_cooked());
    })
    .await
    .unwrap();
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_loses_the_seat_is_told_to_whom() {
    let stage = Stage::new().await;
    let home = stage.owner();
    let mut first = home.in_terminal(&["console", "vm1"]);
    let newcomer = stage.home_of(&stage.server.contributor().name());
    let name = stage.server.contributor().name();
    tokio::task::spawn_blocking(move || {
        first.wait_for("connected to vm1");
        let mut second = newcomer.in_terminal(&["console", "vm1"]);
        first.wait_for(&name);
        assert_eq!(first.wait().code(), Some(1));
        assert!(first.text().contains("has taken the seat"), "{}", first.text());
        assert!(first.is_cooked());
        second.wait_for("connected to vm1");
        second.type_keys(b"\x1dq");
        assert!(second.wait().success());
    })
    .await
    .unwrap();
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_menu_acts_on_the_machine() {
    let stage = Stage::new().await;
    let home = stage.owner();
    let mut terminal = home.in_terminal(&["console", "vm1"]);
    tokio::task::spawn_blocking(move || {
        terminal.wait_for("connected to vm1");
        terminal.type_keys(b"\x1dn");
        terminal.wait_for("sent an NMI");
        terminal.type_keys(b"\x1db");
        terminal.wait_for("sent a BREAK");
        terminal.type_keys(b"\x1dsh");
        terminal.wait_for("sent the SysRq key");
        terminal.type_keys(b"\x1dry");
        terminal.wait_for("sent a reset");
        terminal.type_keys(b"\x1dq");
        assert!(terminal.wait().success());
    })
    .await
    .unwrap();
    let acts: Vec<i32> = stage.host.acts(&stage.vm_id).iter().map(|a| a.action).collect();
    assert_eq!(acts, [1, 3, 4, 2], "NMI, BREAK, SysRq, RESET");
    assert!(stage.host.input(&stage.vm_id).is_empty());
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_types_nothing() {
    let stage = Stage::new().await;
    stage.host.print(&stage.vm_id, b"hello\r\n");
    let home = stage.owner();
    let mut terminal = home.in_terminal(&["console", "vm1", "--view"]);
    tokio::task::spawn_blocking(move || {
        terminal.wait_for("hello");
        terminal.type_keys(b"x");
        terminal.wait_for("did not reach the guest");
        terminal.type_keys(b"\x1dq");
        assert!(terminal.wait().success());
    })
    .await
    .unwrap();
    assert!(stage.host.input(&stage.vm_id).is_empty());
    stage.server.stop().await;
}

#[tokio::test]
async fn completion_scripts_name_the_verbs() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.run(&["completion", shell]).await.expect(0).text();
        assert!(script.contains("screenshot"), "{shell}");
    }
}
