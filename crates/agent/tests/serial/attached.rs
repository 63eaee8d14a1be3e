//! Endpoints that something else runs.

use crate::host::{Host, VM, config_of, soon, told};
use futures_util::StreamExt as _;
use hardline_agent::clock::SystemClock;
use hardline_agent::hypervisor::attach::{AttachPolicy, Attached, Attachment, Endpoint};
use hardline_agent::serial::{Launch, Ports, PortsConfig, SyncPolicy};
use hardline_agent_api::v1;
use hardline_agent_api::v1::GapReason;
use hardline_agent_api::v1::segments_reply::What;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

fn policy(dir: &std::path::Path) -> AttachPolicy {
    AttachPolicy {
        prefixes: [format!("unix:{}", dir.display()), "pty:/dev/pts".into(), "tcp:127.0.0.1:".into()].into(),
    }
}

async fn accept(listener: &UnixListener) -> UnixStream {
    let listener = listener.try_clone().unwrap();
    soon(tokio::task::spawn_blocking(move || listener.accept().unwrap().0)).await.unwrap()
}

async fn wait_for(attachment: &Attachment, attached: bool) {
    soon(attachment.state().wait_for(|s| (*s == Attached::Yes) == attached)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_that_comes_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let path = dir.path().join("c.sock");
    let endpoint = policy(dir.path()).check(&format!("unix:{}", path.display())).unwrap();
    let attachment = Attachment::start(host.port.clone(), endpoint.clone(), policy(dir.path()));
    wait_for(&attachment, false).await;
    // It appears after the first attempts.
    let listener = UnixListener::bind(&path).unwrap();
    let mut guest = accept(&listener).await;
    wait_for(&attachment, true).await;
    assert!(host.port.state().live_read);
    let mut console = host.console(0, None);
    assert_eq!(console.snapshot().await.offset, 0);
    guest.write_all(b"hello ").unwrap();
    assert_eq!(console.output(0, 6).await, b"hello ");
    host.fence(1).await.unwrap();
    let mut writer = host.console(1, None);
    writer.snapshot().await;
    writer.send(b"key");
    let mut got = [0; 3];
    guest.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"key");

    // The guest restarts: what it prints until somebody reads again is lost, and said to be.
    drop(guest);
    wait_for(&attachment, false).await;
    let mut guest = accept(&listener).await;
    guest.write_all(b"again").unwrap();
    match console.next().await {
        v1::console_reply::What::Gap(gap) => assert_eq!(told(&gap), (6, None, GapReason::Detached)),
        other => panic!("{other:?}"),
    }
    let snapshot = console.snapshot().await;
    console.output(snapshot.offset, 11).await;
    let expected = (b"hello again".to_vec(), vec![(6, None, GapReason::Detached)]);
    assert_eq!(host.port.seal().await.unwrap(), 11);
    assert_eq!(host.read(0).await, expected);

    attachment.stop().await;
    let host = host.restart().await;
    assert_eq!(host.read(0).await, expected);
    let attachment = Attachment::start(host.port.clone(), endpoint, policy(dir.path()));
    let mut guest = accept(&listener).await;
    guest.write_all(b"!").unwrap();
    let mut stream = host.segments(None);
    let mut got = Vec::new();
    while got.len() < 5 {
        match soon(stream.next()).await.unwrap().unwrap().what.unwrap() {
            What::Segment(s) => got.push(format!("{} {}", s.start, String::from_utf8_lossy(&s.data))),
            What::Gap(gap) => got.push(format!("{:?}", told(&gap))),
            What::Boot(boot) => panic!("{boot:?}"),
        }
    }
    assert_eq!(got, ["0 hello ", "(6, None, Detached)", "6 again", "(11, None, Detached)", "11 !"]);
    attachment.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pty_in_raw_mode() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let flags = rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY;
    let master = rustix::pty::openpt(flags).unwrap();
    rustix::pty::grantpt(&master).unwrap();
    rustix::pty::unlockpt(&master).unwrap();
    let name = rustix::pty::ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let endpoint = policy(dir.path()).check(&format!("pty:{name}")).unwrap();
    let attachment = Attachment::start(host.port.clone(), endpoint, policy(dir.path()));
    wait_for(&attachment, true).await;
    let mut master = std::fs::File::from(master);
    master.write_all(b"raw\x03\r\n").unwrap();
    let mut console = host.console(0, None);
    let at = console.snapshot().await.offset;
    console.output(at, 6).await;
    assert_eq!(host.read(0).await.0, b"raw\x03\r\n", "neither echoed nor cooked");
    assert!(host.port.type_keys(b"\n"));
    let mut key = [0; 1];
    master.read_exact(&mut key).unwrap();
    assert_eq!(&key, b"\n");
    drop(master);
    wait_for(&attachment, false).await;
    attachment.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = policy(dir.path()).check(&format!("tcp:{}", listener.local_addr().unwrap())).unwrap();
    let attachment = Attachment::start(host.port.clone(), endpoint, policy(dir.path()));
    let (mut guest, _) = soon(listener.accept()).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut guest, b"over tcp").await.unwrap();
    let mut console = host.console(0, Some(0));
    assert_eq!(console.output(0, 8).await, b"over tcp");
    attachment.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_allowed_and_became_a_symlink_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (inside, outside) = (dir.path().join("in"), dir.path().join("out"));
    std::fs::create_dir(&inside).unwrap();
    std::fs::create_dir(&outside).unwrap();
    let host = Host::open(dir.path()).await;
    let endpoint = policy(&inside).check(&format!("unix:{}/c.sock", inside.display())).unwrap();
    let listener = UnixListener::bind(outside.join("c.sock")).unwrap();
    std::os::unix::fs::symlink(outside.join("c.sock"), inside.join("c.sock")).unwrap();
    let attachment = Attachment::start(host.port.clone(), endpoint, policy(&inside));
    let mut state = attachment.state();
    let told = soon(state.wait_for(|s| matches!(s, Attached::No(why) if why.contains("allow"))))
        .await
        .unwrap()
        .clone();
    assert_ne!(told, Attached::Yes);
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());
    attachment.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_room_is_counted_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).await;
    // A spool on a device that is always full.
    let spool = dir.path().join("full.out");
    std::os::unix::fs::symlink("/dev/full", &spool).unwrap();
    let launch = Launch { boot_id: "one".into(), cause: "attach".into(), spool };
    host.port.launch(launch).await.unwrap();
    let path = dir.path().join("c.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let attachment = Attachment::start(host.port.clone(), Endpoint::Unix(path), policy(dir.path()));
    let mut guest = accept(&listener).await;
    guest.write_all(&[b'x'; 1000]).unwrap();
    guest.write_all(&[b'x'; 234]).unwrap();
    let mut missing = 0;
    let request = v1::ReadRequest { vm_id: VM.into(), port: 0, offset: 0, follow: true };
    let mut stream = host.ports.read(request).unwrap();
    while missing < 1234 {
        match soon(stream.next()).await.unwrap().unwrap().what.unwrap() {
            v1::read_reply::What::Gap(gap) => {
                assert_eq!((gap.start, gap.reason()), (missing, GapReason::SpoolFull));
                missing += gap.length;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(host.port.state().end, 1234);
    attachment.stop().await;
    let host = host.restart().await;
    assert_eq!(host.read(0).await, (vec![], vec![(0, Some(1234), GapReason::SpoolFull)]));
}

/// Guests flood, die and come back, all at once: every byte is kept, everybody is attached again.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_ports() {
    const PORTS: usize = 1000;
    let dir = tempfile::tempdir().unwrap();
    let mut config = PortsConfig::new(Arc::new(SystemClock));
    config.sync = SyncPolicy::Kernel;
    let ports = Ports::start(config).unwrap();
    let listeners: Vec<_> = (0..PORTS)
        .map(|n| {
            let listener = tokio::net::UnixListener::bind(dir.path().join(format!("{n}.sock"))).unwrap();
            (n, listener)
        })
        .collect();
    let mut attachments = Vec::new();
    for (n, _) in &listeners {
        let port = ports.open(config_of(dir.path(), &format!("vm{n}"))).await.unwrap();
        let endpoint = Endpoint::Unix(dir.path().join(format!("{n}.sock")));
        attachments.push((port.clone(), Attachment::start(port, endpoint, policy(dir.path()))));
    }
    for round in 1..=2u64 {
        let line = |n: usize| format!("{n:>31}\n").repeat(64);
        for (n, listener) in &listeners {
            let (mut guest, _) = soon(listener.accept()).await.unwrap();
            let text = line(*n);
            tokio::spawn(async move {
                tokio::io::AsyncWriteExt::write_all(&mut guest, text.as_bytes()).await.unwrap();
            });
        }
        for (n, (port, _)) in attachments.iter().enumerate() {
            let request = v1::ReadRequest { vm_id: format!("vm{n}"), port: 0, offset: 0, follow: true };
            let mut stream = ports.read(request).unwrap();
            let mut got = Vec::new();
            while (got.len() as u64) < round * 2048 {
                if let v1::read_reply::What::Output(o) =
                    soon(stream.next()).await.unwrap().unwrap().what.unwrap()
                {
                    got.extend_from_slice(&o.data);
                }
            }
            assert_eq!(got, line(n).repeat(round as usize).into_bytes());
            assert_eq!(port.state().end, round * 2048);
        }
    }
    assert_eq!(ports.get(VM, 0).map(|_| ()), None);
    for (_, attachment) in attachments {
        attachment.stop().await;
    }
    ports.shutdown().await;
}
