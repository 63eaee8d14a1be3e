//! Every loss is a gap: typed, counted, in the log.

use crate::host::{Host, print, soon, told};
use futures_util::StreamExt as _;
use hardline_agent::clock::SystemClock;
use hardline_agent::serial::PortsConfig;
use hardline_agent_api::v1;
use hardline_agent_api::v1::GapReason;
use hardline_agent_api::v1::segments_reply::What;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_spool() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut qemu) = host.launch("one").await;
    print(&mut qemu, b"0123456789");
    assert_eq!(host.port.seal().await.unwrap(), 10);
    qemu.set_len(4).unwrap();
    // QEMU goes on at its own position: the bytes after keep their addresses.
    assert_eq!(host.port.seal().await.unwrap(), 10);
    print(&mut qemu, b"abc");
    assert_eq!(host.port.seal().await.unwrap(), 13);
    let expected = (b"0123abc".to_vec(), vec![(4, Some(6), GapReason::SpoolLost)]);
    assert_eq!(host.read(0).await, expected);
    let host = host.restart().await;
    assert_eq!(host.read(0).await, expected);

    let mut stream = host.segments(None);
    let mut got = Vec::new();
    while got.len() < 4 {
        match soon(stream.next()).await.unwrap().unwrap().what.unwrap() {
            What::Boot(_) => got.push("boot".to_owned()),
            What::Segment(s) => got.push(format!("{} {}", s.start, String::from_utf8_lossy(&s.data))),
            What::Gap(gap) => got.push(format!("{:?}", told(&gap))),
        }
    }
    assert_eq!(got, ["boot", "0 0123", "(4, Some(6), SpoolLost)", "10 abc"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_spool() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut qemu) = host.launch("one").await;
    print(&mut qemu, b"0123456789");
    host.port.seal().await.unwrap();
    host.ports.shutdown().await;
    drop(host);
    std::fs::remove_file(dir.path().join("one.out")).unwrap();
    let host = Host::open(dir.path()).await;
    let (bytes, gaps) = host.read(0).await;
    assert_eq!(bytes, b"");
    assert_eq!(gaps, [(0, Some(10), GapReason::SpoolLost), (10, None, GapReason::SpoolLost)]);
    let (base, mut qemu) = host.launch("two").await;
    assert_eq!(base, 10);
    print(&mut qemu, b"again");
    host.port.seal().await.unwrap();
    assert_eq!(host.read(10).await.0, b"again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_more_than_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut qemu) = host.launch("one").await;
    print(&mut qemu, b"0123456789");
    host.port.seal().await.unwrap();
    let host = host.restart().await;
    // The host's disk went back in time: the server had 12 bytes. Meanwhile the guest prints other ones.
    print(&mut qemu, b"new boot");
    host.port.seal().await.unwrap();
    let (_, mut again) = host.launch("two").await;
    print(&mut again, b"newer");
    host.port.seal().await.unwrap();

    let mut stream = host.segments(Some(12));
    let mut got = Vec::new();
    while got.len() < 3 {
        match soon(stream.next()).await.unwrap().unwrap().what.unwrap() {
            What::Segment(s) => got.push(format!("{} {}", s.start, String::from_utf8_lossy(&s.data))),
            What::Boot(b) => got.push(format!("{} boot {}", b.start, b.boot_id)),
            What::Gap(gap) => panic!("{gap:?}"),
        }
    }
    // Addresses that the server has seen are never used for other bytes, and nothing is left untold.
    assert_eq!(got, ["12 new boot", "20 boot two", "20 newer"]);
    drop(stream);
    print(&mut again, b"!");
    host.port.seal().await.unwrap();
    for host in [host.restart().await] {
        assert_eq!(host.port.state().end, 26);
        let lost = vec![(10, Some(2), GapReason::SpoolLost)];
        assert_eq!(host.read(0).await, (b"0123456789new bootnewer!".to_vec(), lost));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = PortsConfig::new(Arc::new(SystemClock));
    config.budget = 1 << 20;
    let host = Host::with(dir.path(), config).await;
    let (_, mut qemu) = host.launch("one").await;
    let bytes: Vec<u8> = (0..4 << 20).map(|i: u32| b'a' + (i % 23) as u8).collect();
    print(&mut qemu, &bytes);
    let end = host.port.seal().await.unwrap();
    // Until the clockwork has looked.
    let kept = soon(async {
        loop {
            if let [(0, Some(length), GapReason::Expired)] = host.read(0).await.1[..] {
                break length;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(end - kept <= 1 << 20 && end - kept >= (1 << 20) * 7 / 8, "{kept} of {end}");
    let mut stream = host.segments(None);
    let (mut at, mut missing) = (0, 0);
    while at < end {
        match soon(stream.next()).await.unwrap().unwrap().what.unwrap() {
            What::Segment(s) => {
                assert_eq!((s.start, &s.data[..]), (at, &bytes[at as usize..at as usize + s.data.len()]));
                at += s.data.len() as u64;
            }
            What::Gap(gap) => {
                assert_eq!((gap.start, gap.reason()), (at, GapReason::Expired));
                at += gap.length;
                missing += gap.length;
            }
            What::Boot(_) => {}
        }
    }
    assert_eq!(missing, kept);
}

static ROOM: AtomicU64 = AtomicU64::new(u64::MAX);

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_marked_once_an_episode() {
    fn room(_: &Path) -> Option<u64> {
        Some(ROOM.load(Ordering::SeqCst))
    }
    let dir = tempfile::tempdir().unwrap();
    let mut config = PortsConfig::new(Arc::new(SystemClock));
    config.room = Some(room);
    let host = Host::with(dir.path(), config).await;
    let (_, mut qemu) = host.launch("one").await;
    print(&mut qemu, b"before ");
    host.port.seal().await.unwrap();
    let mut stream = host.segments(None);
    ROOM.store(0, Ordering::SeqCst);
    let gap = loop {
        if let What::Gap(gap) = soon(stream.next()).await.unwrap().unwrap().what.unwrap() {
            break gap;
        }
    };
    assert_eq!(told(&gap), (7, None, GapReason::SpoolFull));
    print(&mut qemu, b"after");
    host.port.seal().await.unwrap();
    assert_eq!(host.read(0).await, (b"before after".to_vec(), vec![(7, None, GapReason::SpoolFull)]));
    // A viewer is told too, and gets the screen anew.
    let mut console = host.console(0, Some(0));
    let v1::console_reply::What::Output(output) = console.next().await else { panic!() };
    assert_eq!(output.data, "before ");
}
