//! Viewers: the true screen on arrival, then every byte; a slow one costs nobody anything.

use crate::host::{Console, Host, print, told};
use hardline_agent_api::v1;
use hardline_agent_api::v1::console_reply::What;
use hardline_console::screen::{Screen, Size};
use std::sync::Arc;

fn size(snapshot: &v1::Snapshot) -> Size {
    Size { cols: snapshot.cols as u16, rows: snapshot.rows as u16 }
}

async fn screen_of(console: &mut Console) -> (u64, Screen) {
    let snapshot = console.snapshot().await;
    (snapshot.offset, Screen::restore(size(&snapshot), &snapshot.data))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_and_what_follows_are_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut qemu) = host.launch("one").await;
    let line = |n: u32| format!("\x1b[3{}mline {n}\x1b[0m é\r\n", n % 8).into_bytes();
    let all: Vec<u8> = (0..60_000).flat_map(line).collect();
    let writer = {
        let all = all.clone();
        std::thread::spawn(move || all.chunks(997).for_each(|chunk| print(&mut qemu, chunk)))
    };
    let mut consoles: Vec<_> = (0..4).map(|_| host.console(0, None)).collect();
    for (n, console) in consoles.iter_mut().enumerate() {
        let (at, mut screen) = screen_of(console).await;
        let rest = console.output(at, all.len() as u64).await;
        assert!(rest == all[at as usize..], "viewer {n}, from {at}");
        screen.feed(&rest);
        let mut whole = Screen::new(screen.size());
        whole.feed(&all);
        assert_eq!(screen.text(), whole.text());
    }
    writer.join().unwrap();

    // A client that comes back goes on where it was, exactly.
    let mut console = host.console(0, Some(all.len() as u64 - 5000));
    let rest = console.output(all.len() as u64 - 5000, all.len() as u64).await;
    assert!(rest == all[all.len() - 5000..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screen_survives_the_agent() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut qemu) = host.launch("one").await;
    print(&mut qemu, b"\x1b[?1049h\x1b[2;3Hfull-screen\x1b[1");
    let mut console = host.console(0, None);
    let (at, _) = screen_of(&mut console).await;
    console
        .requests
        .send(Ok(v1::ConsoleRequest {
            what: Some(v1::console_request::What::Resize(v1::ConsoleResize { cols: 100, rows: 30 })),
        }))
        .unwrap();
    let snapshot = console.snapshot().await;
    assert_eq!((snapshot.cols, snapshot.rows, snapshot.offset), (100, 30, at));
    drop(console);
    let host = host.restart().await;
    print(&mut qemu, b"mbold");
    host.port.seal().await.unwrap();
    let mut console = host.console(0, None);
    let (_, screen) = screen_of(&mut console).await;
    assert_eq!(screen.text()[1], "  full-screenbold");
    drop(qemu);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_is_too_slow_gets_the_present_screen() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut qemu) = host.launch("one").await;
    print(&mut qemu, b"begin\r\n");
    host.port.seal().await.unwrap();
    let mut stalled = host.console(0, None);
    let (at, _) = screen_of(&mut stalled).await;
    let mut alive = host.console(0, None);
    screen_of(&mut alive).await;

    // More than anybody may be behind, without writing it all: the file has a hole.
    let hole = 257u64 << 20;
    qemu.set_len(at + hole).unwrap();
    std::io::Seek::seek(&mut qemu, std::io::SeekFrom::Start(at + hole)).unwrap();
    print(&mut qemu, b"\r\nthe end");
    let end = host.port.seal().await.unwrap();
    for console in [&mut stalled, &mut alive] {
        match console.next().await {
            What::Gap(gap) => {
                let (start, length, reason) = told(&gap);
                assert_eq!((start, reason), (at, v1::GapReason::ViewerSlow));
                assert_eq!(start + length.unwrap(), end);
            }
            other => panic!("{other:?}"),
        }
        let (from, screen) = screen_of(console).await;
        assert_eq!(from, end);
        assert!(screen.text().iter().any(|row| row == "the end"));
    }
    // The log has every byte all the same.
    assert_eq!(host.port.state().end, at + hole + 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_may_say_how_much_it_wants() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let (_, mut qemu) = host.launch("one").await;
    let mut console = host.console(0, None);
    let (at, _) = screen_of(&mut console).await;
    let consumed = |offset| {
        let what = Some(v1::console_request::What::Consumed(offset));
        Ok(v1::ConsoleRequest { what })
    };
    console.requests.send(consumed(at)).unwrap();
    // An input that is refused tells when the window has been seen.
    console.send(b"x");
    assert!(matches!(console.next().await, What::Refused(_)));
    let bytes = vec![b'x'; 3 << 20];
    print(&mut qemu, &bytes);
    host.port.seal().await.unwrap();
    let window = at + (1 << 20);
    console.output(at, window).await;
    console.send(b"x");
    assert!(matches!(console.next().await, What::Refused(_)), "no output beyond the window");
    console.requests.send(consumed(window)).unwrap();
    console.output(window, window + (1 << 20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let request = v1::ReadRequest { vm_id: "nobody".into(), port: 0, offset: 0, follow: false };
    assert_eq!(host.ports.read(request).map(drop).unwrap_err().code(), tonic::Code::NotFound);
    let again = host.ports.open(crate::host::config_of(dir.path(), crate::host::VM)).await.unwrap();
    assert!(Arc::ptr_eq(&again, &host.port), "opening twice gives the same port");
}
