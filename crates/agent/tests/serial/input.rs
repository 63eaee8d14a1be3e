//! Typing: one epoch, a FIFO that may be full, and never a wait.

use crate::host::{Host, print};
use hardline_agent_api::v1::console_reply::What;
use hardline_agent_api::v1::input_refused::Reason;
use rustix::fs::{FileType, Mode, OFlags};
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

/// As QEMU: opens the FIFO for both directions.
fn fifo(host: &Host) -> (PathBuf, File) {
    let path = host.dir.join("one.in");
    rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let file = File::from(rustix::fs::open(&path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap());
    (path, file)
}

/// What the guest reads next; waits for it.
async fn guest_reads(fifo: &File, bytes: usize) -> Vec<u8> {
    let mut fifo = fifo.try_clone().unwrap();
    crate::host::soon(tokio::task::spawn_blocking(move || {
        let mut got = vec![0; bytes];
        fifo.read_exact(&mut got).unwrap();
        got
    }))
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_epoch_types_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut qemu) = host.launch("one").await;
    let (path, guest) = fifo(&host);
    let mut early = host.console(1, None);
    early.snapshot().await;
    early.send(b"x");
    let What::Refused(refused) = early.next().await else { panic!() };
    assert_eq!(refused.reason(), Reason::NotWriter, "nobody fenced epoch 1");

    assert_eq!(host.fence(1).await.unwrap(), 1);
    assert_eq!(host.fence(1).await.unwrap(), 1, "idempotent");
    early.send(b"x");
    let What::Refused(refused) = early.next().await else { panic!() };
    assert_eq!((refused.reason(), refused.sequence, refused.bytes), (Reason::NotRunning, 2, 1));
    host.port.input_open(&path).unwrap();
    early.send(b"id\n");
    assert_eq!(guest_reads(&guest, 3).await, b"id\n");

    // Somebody else takes the seat while the guest has not read everything.
    early.send(b"rm -rf /\n");
    early.send(b"");
    print(&mut qemu, b"#");
    early.output(0, 1).await;
    assert_eq!(host.fence(2).await.unwrap(), 2);
    early.send(b"still here");
    let What::Refused(refused) = early.next().await else { panic!() };
    assert_eq!((refused.reason(), refused.bytes), (Reason::StaleEpoch, 10));
    let mut late = host.console(2, None);
    late.snapshot().await;
    late.send(b"ls\n");
    assert_eq!(guest_reads(&guest, 3).await, b"ls\n", "nothing of the former holder");
    assert_eq!(host.fence(1).await.unwrap_err().code(), tonic::Code::FailedPrecondition);

    drop((early, late));
    let host = host.restart().await;
    host.port.input_open(&path).unwrap();
    let mut stale = host.console(1, None);
    stale.snapshot().await;
    stale.send(b"x");
    let What::Refused(refused) = stale.next().await else { panic!() };
    assert_eq!(refused.reason(), Reason::StaleEpoch);
    let mut viewer = host.console(0, None);
    viewer.snapshot().await;
    viewer.send(b"x");
    let What::Refused(refused) = viewer.next().await else { panic!() };
    assert_eq!(refused.reason(), Reason::NotWriter);
    assert!(host.port.type_keys(b"h"));
    assert_eq!(guest_reads(&guest, 1).await, b"h", "the agent's own keys pass");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_does_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut qemu) = host.launch("one").await;
    let (path, guest) = fifo(&host);
    host.port.input_open(&path).unwrap();
    host.fence(7).await.unwrap();
    let mut console = host.console(7, None);
    console.snapshot().await;
    let paste: Vec<u8> = (0..64 << 10).map(|i: u32| (i % 251) as u8).collect();
    // 256 KiB wait; the fifth does not fit, as a whole.
    for _ in 0..5 {
        console.send(&paste);
    }
    let What::Refused(refused) = console.next().await else { panic!() };
    assert_eq!((refused.reason(), refused.sequence, refused.bytes), (Reason::GuestNotReading, 5, 64 << 10));
    // Output is not held up by it.
    print(&mut qemu, b"busy");
    assert_eq!(console.output(0, 4).await, b"busy");
    // When the guest reads again, it gets what was taken, in order.
    let got = guest_reads(&guest, paste.len() + 1000).await;
    assert!(got[..paste.len()] == paste && got[paste.len()..] == paste[..1000]);
}
