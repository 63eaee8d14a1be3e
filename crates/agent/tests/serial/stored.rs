//! What the server is told and stores, over launches and restarts.

use crate::host::{Host, print, soon, told};
use futures_util::StreamExt as _;
use hardline_agent_api::v1;
use hardline_agent_api::v1::segments_reply::What;

type Stream = futures_util::stream::BoxStream<'static, Result<v1::SegmentsReply, tonic::Status>>;

/// One line for each thing told, up to the address `end`; data is checked against `all`.
async fn tell(stream: &mut Stream, all: &[u8], end: u64) -> Vec<String> {
    let (mut lines, mut at) = (Vec::new(), 0);
    while at < end {
        match soon(stream.next()).await.unwrap().unwrap().what.unwrap() {
            What::Segment(s) => {
                at = s.start + s.data.len() as u64;
                assert_eq!(s.data, all[s.start as usize..at as usize]);
                assert!(s.first_us > 0 && s.sealed_us >= s.first_us);
                lines.push(format!("segment {} {}", s.start, s.data.len()));
            }
            What::Gap(gap) => {
                at = gap.start + gap.length;
                lines.push(format!("gap {:?}", told(&gap)));
            }
            What::Boot(b) => lines.push(format!("boot {} {} {}", b.start, b.boot_id, b.cause)),
        }
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_go_on_over_launches_boots_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (base, mut qemu) = host.launch("one").await;
    assert_eq!(base, 0);
    print(&mut qemu, b"first boot\n");
    assert_eq!(host.port.mark_boot("two", "guest-reset").await.unwrap(), 11);
    print(&mut qemu, b"second boot\n");
    drop(qemu);
    let (base, mut qemu) = host.launch("three").await;
    assert_eq!(base, 23);
    print(&mut qemu, b"third\n");
    assert_eq!(host.port.seal().await.unwrap(), 29);

    let all = b"first boot\nsecond boot\nthird\n";
    let expected = [
        "boot 0 one start",
        "segment 0 11",
        "boot 11 two guest-reset",
        "segment 11 12",
        "boot 23 three start",
        "segment 23 6",
    ];
    assert_eq!(tell(&mut host.segments(None), all, 29).await, expected);
    assert_eq!(host.read(0).await, (all.to_vec(), vec![]));

    let host = host.restart().await;
    assert_eq!(
        tell(&mut host.segments(None), all, 29).await,
        expected,
        "nothing was acknowledged: all over again"
    );
    // A cursor in the middle of a piece: from there on.
    assert_eq!(
        tell(&mut host.segments(Some(17)), all, 29).await,
        ["segment 17 6", "boot 23 three start", "segment 23 6"]
    );
    host.acknowledge(23).await;
    let host = host.restart().await;
    assert_eq!(tell(&mut host.segments(Some(23)), all, 29).await, ["boot 23 three start", "segment 23 6"]);
    print(&mut qemu, b"more\n");
    assert_eq!(host.port.seal().await.unwrap(), 34);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_piece_is_told_without_being_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut qemu) = host.launch("one").await;
    let mut stream = host.segments(None);
    print(&mut qemu, b"login: ");
    assert_eq!(tell(&mut stream, b"login: ", 7).await, ["boot 0 one start", "segment 0 7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_gives_its_disk_back() {
    use std::os::unix::fs::MetadataExt as _;
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut first) = host.launch("one").await;
    let bytes: Vec<u8> = (0..9 << 20).map(|i: u32| b'a' + (i % 23) as u8).collect();
    print(&mut first, &bytes);
    let end = host.port.seal().await.unwrap();
    host.store(end).await;
    let one = dir.path().join("one.out");
    let held = std::fs::metadata(&one).unwrap().blocks() * 512;
    assert!(held <= 5 << 20, "{held} bytes held of 9 MiB, all stored");
    let (tail, gaps) = host.read(end - (1 << 20)).await;
    assert!(tail == bytes[8 << 20..] && gaps.is_empty(), "the last MiB is kept");
    let (_, gaps) = host.read(0).await;
    assert!(matches!(gaps[..], [(0, Some(_), v1::GapReason::Expired)]), "{gaps:?}");

    // QEMU goes on writing where it was; a later launch makes the first spool superfluous.
    print(&mut first, b"tail");
    drop(first);
    let (base, mut second) = host.launch("two").await;
    assert_eq!(base, (9 << 20) + 4);
    print(&mut second, &bytes);
    let end = host.port.seal().await.unwrap();
    host.store(end).await;
    assert!(!one.exists());
    let host = host.restart().await;
    assert_eq!(host.port.state().end, end);
    let (tail, gaps) = host.read(end - 100).await;
    assert_eq!((&tail[..], gaps), (&bytes[bytes.len() - 100..], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_boot_diagnostics_off_the_server_gets_no_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut qemu) = host.launch("one").await;
    print(&mut qemu, b"on ");
    host.port.set_capture(false);
    print(&mut qemu, b"off ");
    let host = host.restart().await;
    host.port.set_capture(true);
    print(&mut qemu, b"on");
    let end = host.port.seal().await.unwrap();
    let lines = tell(&mut host.segments(None), b"on off on", end).await;
    assert_eq!(lines, ["boot 0 one start", "segment 0 3", "gap (3, Some(4), CaptureOff)", "segment 7 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_port_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut qemu) = host.launch("one").await;
    print(&mut qemu, b"x");
    let mut console = host.console(0, None);
    console.snapshot().await;
    host.ports.remove(crate::host::VM, 0, "the virtual machine was removed").await.unwrap();
    loop {
        match console.next().await {
            v1::console_reply::What::Ended(end) => {
                assert_eq!(end.reason, "the virtual machine was removed");
                break;
            }
            v1::console_reply::What::Output(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(soon(console.replies.next()).await.is_none());
    drop(console);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(
        host.port
            .launch(hardline_agent::serial::Launch {
                boot_id: "x".into(),
                cause: "start".into(),
                spool: dir.path().join("x.out"),
            })
            .await
            .is_err()
    );
}
