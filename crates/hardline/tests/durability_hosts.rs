//! Server and agent as processes of their own, with a guest that prints as fast as it can: what becomes of its lines when
//! either is killed, and what a stopped viewer costs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod arm_client;
mod dev_process;
mod program;
mod site;

use arm_client::{ArmClient, as_soon_as, count, until};
use program::{PATIENCE, pid_of};
use reqwest::Method;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use site::{Role, Site};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Stdio;

const KILLS_OF_THE_AGENT: usize = 20;
/// The server dies with every so many of them: 5 times.
const WITH_THE_SERVER: usize = 4;
const KIB: u64 = 1 << 10;

/// The document of a guest.
fn machine(name: &str, append: &str) -> Value {
    json!({"location": "local", "properties": {
        "hardwareProfile": {"vmSize": "Standard_A0"},
        "storageProfile": {"imageReference": {
            "publisher": "Hardline", "offer": "hardline-demo", "sku": "default", "version": "latest",
        }},
        "osProfile": {"computerName": name, "adminUsername": "u", "adminPassword": "correct-horse-1"},
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": true}},
        "hardlineProfile": {"kernelAppend": append},
    }})
}

/// A site with an empty group.
async fn site() -> (Site, ArmClient, Role, Role) {
    let site = Site::new().await;
    let (server, agent) = (site.server(), site.agent());
    agent.log.wait_for("linked", PATIENCE);
    server.log.wait_for("host connected", PATIENCE);
    let client = ArmClient::sign_in(&site.env()).await;
    client.put(client.group(), &json!({"location": "local"})).await;
    (site, client, server, agent)
}

/// A site with one guest whose lines are numbered.
struct World {
    site: Site,
    client: ArmClient,
    vm_id: String,
    /// The signed address of its log.
    log: String,
}

impl World {
    async fn new() -> (Self, Role, Role) {
        let (site, client, server, agent) = site().await;
        client.put(&client.vm("lines"), &machine("lines", "hardline.lines=1")).await;
        let vm = client.get(&client.vm("lines")).await;
        let vm_id = vm["properties"]["vmId"].as_str().unwrap().to_owned();
        let (log, _) = client.boot_diagnostics("lines").await;
        let world = Self { site, client, vm_id, log };
        world.stores_more(100 * KIB).await;
        (world, server, agent)
    }

    /// What the guest has printed so far, bytes.
    fn printed(&self) -> u64 {
        std::fs::metadata(self.site.spool(&self.vm_id)).unwrap().len()
    }

    /// The number of the last line of which the guest has printed the number.
    fn line(&self) -> u64 {
        let spool = std::fs::File::open(self.site.spool(&self.vm_id)).unwrap();
        let mut end = [0; 200];
        spool.read_at(&mut end, spool.metadata().unwrap().len().saturating_sub(200)).unwrap();
        last_line(&end).expect("a line")
    }

    /// Waits until the guest has printed so many bytes more; it must never rest on the way.
    async fn prints_more(&self, bytes: u64) {
        let goal = self.printed() + bytes;
        while self.printed() < goal {
            let step = goal.min(self.printed() + 512 * KIB);
            until("more lines of the guest", async || (self.printed() >= step).then_some(())).await;
        }
    }

    /// What the server has stored so far, bytes.
    async fn stored(&self) -> u64 {
        self.client.length(&self.log).await
    }

    async fn stores_more(&self, bytes: u64) {
        let goal = self.stored().await + bytes;
        until("more of the log in the store", async || (self.stored().await >= goal).then_some(())).await;
    }

    /// Switches the guest off; every line of its log, which has to be whole.
    async fn lines(&self) -> u64 {
        self.client.power("lines", "powerOff?skipShutdown=true").await;
        assert_eq!(self.site.guests(), Vec::<u32>::new());
        let facts = self.client.log_facts("lines").await;
        assert_eq!(facts["gaps"], json!([]));
        assert_eq!(facts["boots"].as_array().unwrap().len(), 1, "{facts}");
        assert_eq!(facts["end"].as_u64().unwrap(), self.printed(), "every byte has an offset");
        let log = self.client.log("lines").await;
        assert_eq!(log.len() as u64, self.printed(), "every byte is in the blob");
        numbered(&log)
    }
}

/// The highest number at the end of what was printed or shown.
fn last_line(bytes: &[u8]) -> Option<u64> {
    let end = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(4096)..]).into_owned();
    end.split("line ").filter_map(|rest| rest.get(..10)?.parse().ok()).max()
}

/// Checks that the lines count from 1, each once and in order; the last may be cut. How many there are.
fn numbered(log: &[u8]) -> u64 {
    let log = std::str::from_utf8(log).unwrap();
    let begin = log.find("line 0000000001 ").expect("the first line");
    let mut expected = 1_u64;
    let mut lines = log[begin..].split("\r\n").peekable();
    while let Some(line) = lines.next() {
        let whole = format!("line {expected:010} abcdefghijklmnopqrstuvwxyz");
        if lines.peek().is_none() {
            assert!(
                whole.starts_with(line.trim_end_matches('\r')),
                "the last line may only be cut: {line:?}"
            );
        } else {
            assert_eq!(line, whole, "line {expected}");
            expected += 1;
        }
    }
    expected - 1
}

#[tokio::test]
async fn every_line_of_a_guest_is_logged_once_whoever_is_killed() {
    let (world, mut server, mut agent) = World::new().await;
    let guests = world.site.guests();
    assert_eq!(guests.len(), 1);
    let second = world.site.home.run(&["agent", "--config", "agent.toml"]).await.expect(1);
    assert!(second.err.contains("another agent uses"), "{}", second.err);

    for kill in 1..=KILLS_OF_THE_AGENT {
        // In turn: as soon as it runs, as soon as it is linked, in the midst of its work.
        match kill % 3 {
            0 => world.stores_more(200 * KIB).await,
            1 => agent.log.wait_for("linked", PATIENCE),
            _ => {}
        }
        let with_server = kill % WITH_THE_SERVER == 0;
        if with_server {
            server.kill();
        }
        agent.kill();
        agent = world.site.agent();
        if with_server {
            // The agent comes first, finds nobody and works on its own.
            world.prints_more(50 * KIB).await;
            server = world.site.server();
        }
        assert_eq!(world.site.guests(), guests, "the same QEMU all the while");
    }
    // The token and the address that an earlier server gave still count.
    let goal = world.printed();
    until("everything in the store", async || (world.stored().await >= goal).then_some(())).await;
    assert_eq!(world.client.power_state("lines").await, "running");
    assert_eq!(world.site.guests(), guests);
    let lines = world.lines().await;
    println!("{lines} lines over {KILLS_OF_THE_AGENT} kills of the agent, each exactly once");
    assert!(lines > 10_000, "only {lines} lines");
    agent.stop();
    server.stop();
}

/// How much the guest has to print while its viewers are stopped. `HARDLINE_TEST_STALL_MIB=32` is more than a minute's
/// worth, for a nightly run.
fn stall() -> u64 {
    let set = std::env::var("HARDLINE_TEST_STALL_MIB").ok().and_then(|mib| mib.parse::<u64>().ok());
    set.unwrap_or(4) << 20
}

#[tokio::test]
async fn a_guest_is_not_held_up_by_viewers_that_are_stopped() {
    let (world, server, agent) = World::new().await;
    let home = world.site.client();
    let mut writer = home.in_terminal(&["console", "lines"]);
    writer.wait_for("connected to lines");
    let viewer = home.in_terminal(&["console", "lines", "--view"]);
    viewer.wait_for("watching lines");
    let file = home.path("lines.log");
    let mut follower = home.command(&["log", "lines", "--follow"]);
    let output = std::fs::File::create(&file).unwrap();
    let mut follower = follower.stdin(Stdio::null()).stdout(output).spawn().unwrap();
    let length = |file: &Path| std::fs::metadata(file).unwrap().len();
    until("the followed log", async || (length(&file) > 100 * KIB).then_some(())).await;

    let stopped = [writer.pid(), viewer.pid(), follower.id()];
    let signal = |signal| stopped.iter().for_each(|pid| kill_process(pid_of(*pid), signal).unwrap());
    signal(Signal::STOP);
    let (before, stored) = (world.printed(), world.stored().await);
    world.prints_more(stall()).await;
    until("the log in the store", async || (world.stored().await >= stored + stall() / 2).then_some(()))
        .await;
    // Somebody else is given the screen as it is now, and the seat.
    let now = world.line();
    let mut newcomer = home.in_terminal(&["console", "lines"]);
    newcomer.wait_for("connected to lines");
    newcomer.wait_until("the present screen", |shown| last_line(shown) >= Some(now));
    newcomer.type_keys(b"\x1dq");
    assert!(newcomer.wait().success());
    println!("the guest printed {} KiB while its viewers were stopped", (world.printed() - before) / KIB);
    let now = world.line();
    signal(Signal::CONT);

    assert!(!writer.wait().success(), "its seat was taken");
    // A viewer that was silent for too long has been given up, and is told so.
    viewer.wait_until("the present screen, or the end", |shown| {
        last_line(shown) >= Some(now) || count(shown, "ERROR: ") > 0
    });
    let goal = world.printed();
    until("the rest of the followed log", async || (length(&file) >= goal).then_some(())).await;
    follower.kill().unwrap();
    follower.wait().unwrap();
    let followed = std::fs::read(&file).unwrap();
    let lines = numbered(&followed);
    assert!(lines >= now, "the follower has seen every line");
    assert!(world.lines().await >= lines);
    drop((viewer, writer));
    agent.stop();
    server.stop();
}

/// Kills at moments of a start that come one after another.
#[tokio::test]
async fn a_guest_is_started_once_whenever_the_agent_is_killed() {
    let (site, client, mut server, mut agent) = site().await;
    let vms = site.home.path("host1/vms");
    let entries = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten().count();
    for round in 0..8 {
        let (moment, name) = (round % 4, format!("guest{round}"));
        let path = client.vm(&name);
        let accepted = client.send(Method::PUT, &path, Some(&machine(&name, ""))).await.expect(&[201]);
        let vm_id = accepted.json()["properties"]["vmId"].as_str().unwrap().to_owned();
        let dir = vms.join(&vm_id);
        match moment {
            0 => {}
            1 => as_soon_as("its folder", async || dir.exists().then_some(())).await,
            2 => as_soon_as("a launch", async || (entries(&dir.join("launches")) > 0).then_some(())).await,
            _ => as_soon_as("its QEMU", async || (!site.guests().is_empty()).then_some(())).await,
        }
        agent.kill();
        if round >= 4 {
            server.kill();
            server = site.server();
        }
        agent = site.agent();
        client.done(&accepted).await;
        assert_eq!(client.power_state(&name).await, "running", "killed at moment {moment}");
        let log = client.log_with(&name, "Linux version", 1).await;
        assert!(log.starts_with(b"[    0.000000] Linux version"), "{}", String::from_utf8_lossy(&log));
        assert_eq!(site.guests().len(), 1, "one QEMU, killed at moment {moment}");

        let gone = client.send(Method::DELETE, &path, None).await.expect(&[202]);
        client.done(&gone).await;
        assert_eq!(site.guests(), Vec::<u32>::new());
        assert!(!dir.exists(), "nothing of it is left");
    }
    assert_eq!(entries(&vms), 0);
    agent.stop();
    server.stop();
}
