//! The agent is killed again and again while a guest prints as fast as it can: every line is in the log exactly once.

use std::{path::Path, process::Stdio, time::Duration};

use crate::support::{Rig, config, demo, next, soon};
use hardline_agent_api::{connect_in_process, v1};
use tokio::io::{AsyncBufReadExt, BufReader};
use v1::{Power, RunState, vm_spec};

const VM: &str = "5f0c1e1e-0000-4000-8000-000000000002";
/// Tells the child where its agent is to live.
const DIR: &str = "HARDLINE_TEST_AGENT_DIR";
const KILLS: usize = 20;

/// Not a test of its own: the process that [`every_line_survives_twenty_kills`] kills.
#[tokio::test(flavor = "multi_thread")]
async fn child_agent() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    println!("\nBEGUN");
    let agent = hardline_agent::Agent::start(config(Path::new(&dir))).await.unwrap();
    let client = connect_in_process(agent);
    println!("\nREADY");
    // Somebody watches and reads all the while, as the server would.
    let request = v1::ReadRequest { vm_id: VM.into(), port: 0, offset: 0, follow: true };
    let mut output = client.clone().read(request).await.unwrap().into_inner();
    while let Ok(Some(_)) = output.message().await {}
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_survives_twenty_kills() {
    let mut rig = Rig::start().await;
    let mut spec = demo(VM);
    if let Some(vm_spec::Driver::Qemu(machine)) = &mut spec.driver {
        machine.append = "hardline.lines=1".into();
    }
    rig.apply(&spec).await;
    rig.watch(VM).await.state(RunState::Running).await;
    rig.stop_agent().await;
    let pid = rig.qemu(VM);
    let spool = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap().join("serial.out");
    printed_more(&spool, 400_000).await; // the lines flow

    for kill in 0..KILLS {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::child_agent", "--nocapture"])
            .env(DIR, rig.dir.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // In turn: while it starts, as soon as it is ready, in the midst of its work.
        let sign = if kill % 3 == 0 { "BEGUN" } else { "READY" };
        soon(sign, async { while lines.next_line().await.unwrap().expect("the agent ended") != sign {} })
            .await;
        if kill % 3 == 2 {
            printed_more(&spool, 200_000).await;
        }
        child.kill().await.unwrap();
    }

    rig.start_agent().await;
    assert_eq!(rig.qemu(VM), pid, "the same QEMU all the while");
    printed_more(&spool, 100_000).await;
    let stop = next(&spec, |spec| {
        (spec.power, spec.power_generation) = (Power::Stopped.into(), 2);
        spec.stop_grace_seconds = 0;
    });
    rig.apply(&stop).await;
    rig.watch(VM).await.state(RunState::Stopped).await;
    let log = String::from_utf8(rig.log(VM).await).unwrap();
    let begin = log.find("line 0000000001 ").expect("the first line");
    let mut expected = 1_u64;
    let mut lines = log[begin..].split("\r\n").peekable();
    while let Some(line) = lines.next() {
        let whole = format!("line {expected:010} abcdefghijklmnopqrstuvwxyz");
        if lines.peek().is_none() {
            // Also between its carriage return and its line feed.
            assert!(format!("{whole}\r").starts_with(line), "the last line may only be cut: {line:?}");
        } else {
            assert_eq!(line, whole, "line {expected}");
            expected += 1;
        }
    }
    assert!(expected > 10_000, "only {expected} lines");
    println!("{} lines over {KILLS} kills, each exactly once", expected - 1);
}

/// Waits until the guest has printed so many bytes more.
async fn printed_more(spool: &Path, bytes: u64) {
    let size = || std::fs::metadata(spool).map_or(0, |file| file.len());
    let goal = size() + bytes;
    let mut look = tokio::time::interval(Duration::from_millis(20));
    soon("output of the guest", async {
        while size() < goal {
            look.tick().await;
        }
    })
    .await;
}
