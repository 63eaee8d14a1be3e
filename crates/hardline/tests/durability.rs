//! `hardline dev` with real guests, stopped and killed and started again on the same data directory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod arm_client;
mod dev_process;
mod guest_console;
mod program;

use arm_client::{ArmClient, count, until};
use dev_process::{Dev, spool};
use guest_console::PROMPT;
use program::{Home, pid_of};
use rustix::process::{Signal, kill_process};
use std::path::PathBuf;

const GUESTS: [&str; 2] = ["demo", "demo2"];
const FIRST_LINE: &str = "[    0.000000] Linux version ";

/// What has to be the same after every start.
#[derive(Debug, PartialEq)]
struct Lasting {
    env: Vec<(String, String)>,
    machines: Vec<String>,
}

impl Lasting {
    async fn of(dev: &Dev, client: &ArmClient) -> Self {
        let env = dev.env().into_iter().filter(|(name, _)| name != "HARDLINE_URL").collect();
        let mut machines = Vec::new();
        for name in GUESTS {
            let vm = client.get(&client.vm(name)).await;
            machines.push(format!(
                "{} {} {}",
                vm["id"], vm["properties"]["vmId"], vm["properties"]["timeCreated"]
            ));
        }
        Self { env, machines }
    }
}

async fn vm_id(client: &ArmClient, name: &str) -> String {
    client.get(&client.vm(name)).await["properties"]["vmId"].as_str().unwrap().to_owned()
}

/// Where QEMU writes at present.
async fn spool_of(dev: &Dev, client: &ArmClient, name: &str) -> PathBuf {
    spool(&dev.data().join("host"), &vm_id(client, name).await)
}

/// Both guests at their prompt.
async fn booted(client: &ArmClient) {
    for name in GUESTS {
        client.log_with(name, PROMPT, 1).await;
    }
}

/// The log goes on with a second boot, behind everything that QEMU had written before, and says so.
async fn goes_on_after(client: &ArmClient, name: &str, before: &[u8], cause: &str) {
    let log = client.log_with(name, FIRST_LINE, 2).await;
    assert_eq!(count(&log, FIRST_LINE), 2);
    let same = log.iter().zip(before).take_while(|(a, b)| a == b).count();
    let end = |bytes: &[u8]| String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(300)..]).into_owned();
    assert_eq!(same, before.len(), "{name}: old bytes are gone; they end with {}", end(before));
    assert!(
        log[before.len()..].starts_with(FIRST_LINE.as_bytes()),
        "{name}: the second boot follows at once"
    );
    let facts = client.log_facts(name).await;
    assert_eq!(facts["gaps"], serde_json::json!([]), "{name}");
    assert_eq!(facts["start"], 0);
    let boots = facts["boots"].as_array().unwrap();
    let marks: Vec<_> =
        boots.iter().map(|b| (b["offset"].as_u64().unwrap(), b["cause"].as_str().unwrap())).collect();
    assert_eq!(marks, [(0, "start"), (before.len() as u64, cause)], "{name}");
    assert_ne!(boots[0]["bootId"], boots[1]["bootId"]);
}

#[tokio::test]
async fn a_clean_stop_and_start_of_guests_loses_nothing() {
    let home = Home::new();
    let dev = Dev::with_guests(&home);
    let client = ArmClient::sign_in(&dev.env()).await;
    booted(&client).await;
    let lasting = Lasting::of(&dev, &client).await;
    let mut spools = Vec::new();
    for name in GUESTS {
        spools.push(spool_of(&dev, &client, name).await);
    }
    dev.stop();
    let printed = spools.iter().map(|spool| std::fs::read(spool).unwrap());
    let printed: Vec<Vec<u8>> = printed.collect();
    for (name, printed) in GUESTS.iter().zip(&printed) {
        assert_eq!(count(printed, "The system is going down NOW!"), 1, "{name} was asked to go down");
        assert_eq!(count(printed, "reboot: Power down"), 1, "{name} had the time to");
    }

    let dev = Dev::with_guests(&home);
    let client = ArmClient::sign_in(&dev.env()).await;
    assert!(
        !dev.log().contains("are stopped"),
        "what the host said before the stop is no news:\n{}",
        dev.log()
    );
    assert_eq!(client.power_state("demo").await, "running", "when it says that it is ready");
    assert_eq!(Lasting::of(&dev, &client).await, lasting);
    for (name, printed) in GUESTS.iter().zip(&printed) {
        goes_on_after(&client, name, printed, "start").await;
    }
    dev.stop();
}

#[tokio::test]
async fn guests_that_were_killed_with_everything_else_are_started_again() {
    let home = Home::new();
    let dev = Dev::with_guests(&home);
    let client = ArmClient::sign_in(&dev.env()).await;
    booted(&client).await;
    let lasting = Lasting::of(&dev, &client).await;
    let (data, guests) = (dev.data().to_owned(), dev.guests());
    assert_eq!(guests.len(), 2);
    let mut printed = Vec::new();
    for name in GUESTS {
        printed.push(spool_of(&dev, &client, name).await);
    }
    dev.kill();
    for pid in &guests {
        kill_process(pid_of(*pid), Signal::KILL).unwrap();
    }
    until("the end of the guests", async || program::processes_in(&data).is_empty().then_some(())).await;
    let printed: Vec<Vec<u8>> = printed.iter().map(|spool| std::fs::read(spool).unwrap()).collect();

    let dev = Dev::with_guests(&home);
    let client = ArmClient::sign_in(&dev.env()).await;
    assert_eq!(Lasting::of(&dev, &client).await, lasting);
    for (name, printed) in GUESTS.iter().zip(&printed) {
        goes_on_after(&client, name, printed, "crash").await;
        assert_eq!(client.power_state(name).await, "running");
    }
    assert!(dev.guests().iter().all(|pid| !guests.contains(pid)), "new processes");
    dev.stop();
}

#[tokio::test]
async fn guests_that_outlive_the_program_are_found_again() {
    let home = Home::new();
    let dev = Dev::with_guests(&home);
    let env = dev.env();
    let client = ArmClient::sign_in(&env).await;
    client.log_with("demo", PROMPT, 1).await;
    let mut console = guest_console::open(&client, "demo").await;
    guest_console::log_in(&mut console, &env).await;
    // In a shell of its own: one that talks to people moves each `sleep` to the foreground, and while it does so a Ctrl+C
    // reaches neither of the two.
    console.type_in(b"sh -c 'i=0; while :; do echo tick=$((i=i+1)).; sleep 0.05; done'\r").await;
    console.until_output(b"tick=9.").await;
    let (guests, spool) = (dev.guests(), spool_of(&dev, &client, "demo").await);
    dev.kill();
    console.vanish();

    // Nobody reads, and the guest goes on.
    let printed = || std::fs::read(&spool).unwrap();
    let alone = printed().len() + 400;
    until("ticks while nobody reads", async || (printed().len() > alone).then_some(())).await;
    let last = ticks(&printed()).last().copied().unwrap();

    let dev = Dev::with_guests(&home);
    assert_eq!(dev.guests(), guests, "the same QEMU processes");
    let client = ArmClient::sign_in(&dev.env()).await;
    client.log_with("demo", &format!("tick={}.", last + 20), 1).await;
    let mut console = guest_console::open(&client, "demo").await;
    console.type_in(b"\x03").await;
    console.until_output(b"$ ").await;
    console.type_in(b"echo end=$((6*7))\r").await;
    console.until_output(b"end=42").await;
    console.leave().await;

    let log = client.log("demo").await;
    let ticks = ticks(&log);
    assert_eq!(ticks, (1..=ticks.len()).collect::<Vec<_>>(), "each once and in order");
    assert_eq!(count(&log, FIRST_LINE), 1);
    let facts = client.log_facts("demo").await;
    assert_eq!((&facts["gaps"], facts["boots"].as_array().unwrap().len()), (&serde_json::json!([]), 1));
    dev.stop();
}

/// The numbers of whole lines `tick=N.`
fn ticks(log: &[u8]) -> Vec<usize> {
    let text = String::from_utf8_lossy(log);
    text.lines().filter_map(|l| l.trim_end().strip_prefix("tick=")?.strip_suffix('.')?.parse().ok()).collect()
}

#[tokio::test]
async fn a_guest_that_was_stopped_stays_stopped() {
    let home = Home::new();
    let dev = Dev::with_guests(&home);
    assert_eq!(dev.env()["HARDLINE_VM"], "demo");
    let client = ArmClient::sign_in(&dev.env()).await;
    client.power("demo", "powerOff?skipShutdown=true").await;
    let rests = async |dev: &Dev, state: &str| {
        assert_eq!(dev.env()["HARDLINE_VM"], "demo2", "a guest that runs");
        let client = ArmClient::sign_in(&dev.env()).await;
        assert_eq!(client.power_state("demo").await, state);
        assert_eq!(client.power_state("demo2").await, "running");
        assert_eq!(dev.guests().len(), 1);
        client
    };
    dev.stop();
    let dev = Dev::with_guests(&home);
    let client = rests(&dev, "stopped").await;
    client.power("demo", "deallocate").await;
    dev.kill();
    let dev = Dev::with_guests(&home);
    let client = rests(&dev, "deallocated").await;
    client.power("demo2", "powerOff?skipShutdown=true").await;
    dev.stop();

    let dev = Dev::with_guests(&home);
    assert_eq!(dev.env()["HARDLINE_VM"], "demo", "none runs: the first");
    assert_eq!(dev.guests(), Vec::<u32>::new());
    let client = ArmClient::sign_in(&dev.env()).await;
    client.power("demo", "start").await;
    assert_eq!(client.power_state("demo").await, "running");
    client.log_with("demo", PROMPT, 1).await;
    dev.stop();
}
