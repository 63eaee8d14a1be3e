//! A real QEMU writes the spool and reads the FIFO; the guest is a few hundred bytes of 16-bit code.

use crate::host::{Console, Host};
use hardline_agent::serial::Launch;
use hardline_agent_api::v1::console_reply::What;
use hardline_testkit::boot_sector::{self, BANNER, FLOOD, INTERRUPT, PANIC, line};
use rustix::fs::{FileType, Mode};
use std::process::{Child, Command, Stdio};

struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `how`: "kernel" or "disk".
async fn boot(host: &Host, how: &str) -> Machine {
    let dir = &host.dir;
    let (spool, fifo) = (dir.join("ser0.out"), dir.join("ser0.in"));
    host.port.launch(Launch { boot_id: "one".into(), cause: "start".into(), spool }).await.unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    std::fs::write(dir.join("kernel"), boot_sector::linux_image()).unwrap();
    std::fs::write(dir.join("disk"), boot_sector::boot_sector()).unwrap();
    let medium = match how {
        "kernel" => ["-kernel", "kernel"],
        _ => ["-drive", "file=disk,format=raw,if=ide"],
    };
    let child = Command::new("qemu-system-x86_64")
        .current_dir(dir)
        .args(["-machine", "pc", "-accel", "tcg", "-m", "16", "-nodefaults", "-display", "none"])
        .args(["-chardev", "pipe,id=ser0,path=ser0", "-serial", "chardev:ser0"])
        .args(medium)
        .stdin(Stdio::null())
        .spawn()
        .expect("qemu-system-x86_64 is installed");
    host.port.input_open(&fifo).unwrap();
    Machine(child)
}

/// Reads output until `text` was printed; gives everything.
async fn until(console: &mut Console, seen: &mut String, text: &str) {
    let from = seen.len().saturating_sub(text.len());
    while !seen.get(from..).is_some_and(|new| new.contains(text)) {
        match console.next().await {
            What::Output(output) => seen.push_str(std::str::from_utf8(&output.data).unwrap()),
            other => panic!("{other:?} after {seen}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_boots_echoes_floods_and_panics() {
    for how in ["kernel", "disk"] {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::open(dir.path()).await;
        host.fence(1).await.unwrap();
        let machine = boot(&host, how).await;
        let mut console = host.console(1, Some(0));
        let mut seen = String::new();
        until(&mut console, &mut seen, BANNER).await;
        console.send(b"hello\r");
        until(&mut console, &mut seen, "hello\r\n").await;
        console.send(&[FLOOD]);
        until(&mut console, &mut seen, &line(2000)).await;
        // Ctrl+C gets through a flood.
        console.send(&[INTERRUPT]);
        until(&mut console, &mut seen, "^C\r\n").await;
        console.send(&[boot_sector::CRASH]);
        until(&mut console, &mut seen, PANIC).await;
        let flood = &seen[seen.find(&line(0)).unwrap()..seen.find("^C").unwrap()];
        for (n, got) in flood.split_inclusive('\n').enumerate() {
            assert_eq!(got, line(n as u64));
        }
        drop(console);
        let end = host.port.seal().await.unwrap();
        assert_eq!(end, seen.len() as u64);
        host.store(end).await;
        assert_eq!(host.read(0).await.0, seen.as_bytes());
        drop(machine);
    }
}
