//! An agent that is killed again and again while a guest prints: the server's store is identical, byte for byte.

use crate::host::{Host, VM, soon};
use futures_util::StreamExt as _;
use hardline_agent_api::v1;
use hardline_agent_api::v1::segments_reply::What;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

const KILLS: usize = 20;
const CHILD: &str = "HARDLINE_TEST_CAPTURE";

/// The child: an agent and a server in one, until it is killed. Not a test of its own: without the variable it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn capture_child() {
    let Some(dir) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let host = Host::open(&dir).await;
    if host.port.state().end == 0 && !dir.join("one.out").exists() {
        host.launch("one").await;
    }
    let store =
        File::options().create(true).truncate(false).write(true).read(true).open(dir.join("store")).unwrap();
    let mut stored = store.metadata().unwrap().len();
    let mut stream = host.segments(Some(stored));
    println!("up {stored}");
    loop {
        match stream.next().await.unwrap().unwrap().what.unwrap() {
            What::Segment(s) => {
                assert!(s.start <= stored, "a hole before {} at {stored}", s.start);
                let new = usize::try_from(stored - s.start).unwrap();
                if let Some(new) = s.data.get(new..) {
                    store.write_all_at(new, stored).unwrap();
                    stored += new.len() as u64;
                }
            }
            What::Gap(gap) => println!("gap {gap:?}"),
            What::Boot(_) => {}
        }
        let cursor = v1::Cursor { vm_id: VM.into(), port: 0, offset: stored };
        host.ports.acknowledge(v1::AcknowledgeRequest { stored: vec![cursor] }).await.unwrap();
        println!("stored {stored}");
    }
}

struct Capture {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Capture {
    fn start(dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::capture_child", "--nocapture"])
            .env(CHILD, dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Waits until the child says so.
    fn wait(&mut self, mut enough: impl FnMut(&str, u64) -> bool) {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            // The test harness prints its own line in front of the first.
            let line = line.rsplit("... ").next().unwrap();
            assert!(!line.starts_with("gap"), "{line}");
            if let Some((what, number)) = line.split_once(' ')
                && let Ok(number) = number.parse()
                && enough(what, number)
            {
                return;
            }
        }
        panic!("the child ended");
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The guest: numbered lines, one write each, as fast as it goes.
struct Guest {
    spool: Option<File>,
    printed: Vec<u8>,
    number: u64,
}

impl Guest {
    fn print(&mut self, dir: &Path, lines: u64) {
        let spool =
            self.spool.get_or_insert_with(|| File::options().write(true).open(dir.join("one.out")).unwrap());
        for _ in 0..lines {
            let line = format!("{:>78}\r\n", self.number);
            self.number += 1;
            spool.write_all(line.as_bytes()).unwrap();
            self.printed.extend_from_slice(line.as_bytes());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_and_repeat_nothing() {
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let mut guest = Guest { spool: None, printed: Vec::new(), number: 0 };
        for kill in 0..KILLS {
            let mut capture = Capture::start(&dir);
            capture.wait(|what, _| what == "up");
            guest.print(&dir, 40_000);
            // At another moment each time: while it recovers, while it stores, while it acknowledges.
            let mut steps = kill % 4;
            if steps > 0 {
                capture.wait(|what, _| {
                    steps -= usize::from(what == "stored");
                    steps == 0
                });
            }
            capture.kill();
            guest.print(&dir, 5_000);
        }
        let mut capture = Capture::start(&dir);
        let end = guest.printed.len() as u64;
        capture.wait(|_, stored| stored == end);
        capture.kill();
        let store = std::fs::read(dir.join("store")).unwrap();
        assert_eq!(store.len(), guest.printed.len());
        assert!(store == guest.printed, "identical byte for byte");
        assert_eq!(guest.number, KILLS as u64 * 45_000);
    });
    soon(work).await.unwrap();
}
