//! A running `hardline dev`.
#![allow(dead_code, reason = "each test file uses its part")]

use crate::program::{Home, Output, PATIENCE, pid_of, processes_in, wait_for_end};
use rustix::process::{Signal, kill_process};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

/// The first prompt of a guest, without hardware acceleration, on two busy cores.
pub const BOOT: Duration = Duration::from_secs(180);

/// `cargo xtask guest` puts the image there.
pub fn images() -> String {
    let built = std::env::var("HARDLINE_IMAGE_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guest").to_owned());
    let image = std::path::Path::new(&built).join("hardline-demo/image.json");
    assert!(image.is_file(), "no {}: run `cargo xtask guest`", image.display());
    built
}

/// The file into which the QEMU of a machine writes what its serial port prints; `host` is the agent's folder.
pub fn spool(host: &std::path::Path, vm_id: &str) -> PathBuf {
    let launches = std::fs::read_dir(host.join("vms").join(vm_id).join("launches")).unwrap().flatten();
    // A launch's id begins with its time.
    launches.map(|launch| launch.path().join("serial.out")).max().expect("a launch")
}

/// The process, what it printed and what it logged. Dropped, it is killed; its guests go with their home.
pub struct Dev {
    child: Child,
    data: PathBuf,
    output: Output,
    log: Output,
}

impl Dev {
    /// With the two demo guests.
    pub fn with_guests(home: &Home) -> Self {
        Self::start(home, &["--listen", "127.0.0.1:0", "--image-dir", &images()])
    }

    /// Starts it on the data directory `data` in somebody's home; returns when it says that it is ready.
    pub fn start(home: &Home, args: &[&str]) -> Self {
        let data = home.path("data");
        let mut command = home.command(&["dev", "--data-dir"]);
        let mut child = command
            .arg(&data)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = Output::read(child.stdout.take().unwrap());
        let log = Output::read(child.stderr.take().unwrap());
        let dev = Self { child, data, output, log };
        dev.output.wait_for("Ready.", BOOT);
        dev
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn env_file(&self) -> PathBuf {
        self.data.join("dev.env")
    }

    pub fn output(&self) -> String {
        self.output.text()
    }

    /// What it said on its error output.
    pub fn log(&self) -> String {
        self.log.text()
    }

    pub fn data(&self) -> &std::path::Path {
        &self.data
    }

    /// The variables of dev.env.
    pub fn env(&self) -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(self.env_file()).unwrap();
        text.lines()
            .map(|line| {
                let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
                (name.to_owned(), value.trim_matches('\'').to_owned())
            })
            .collect()
    }

    /// The home of somebody who has read dev.env.
    pub fn client(&self) -> Home {
        self.env().iter().fold(Home::new(), |home, (name, value)| home.env(name, value))
    }

    /// Processes that work in the data directory: the guests.
    pub fn guests(&self) -> Vec<u32> {
        processes_in(&self.data)
    }

    fn signal(&self, signal: Signal) {
        kill_process(pid_of(self.child.id()), signal).unwrap();
    }

    fn wait(&mut self) -> std::process::ExitStatus {
        wait_for_end(&mut self.child, PATIENCE)
            .unwrap_or_else(|| panic!("it does not stop:\n{}", self.log.text()))
    }

    /// Ctrl+C, and the clean end that follows.
    pub fn stop(mut self) {
        self.signal(Signal::INT);
        let status = self.wait();
        assert!(status.success(), "{status}");
        assert_eq!(self.guests(), Vec::<u32>::new(), "guests outlived a clean stop");
    }

    /// The end without a word.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.wait();
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log.text();
            let last = log.lines().count().saturating_sub(40);
            eprintln!("hardline dev said last:");
            log.lines().skip(last).for_each(|line| eprintln!("{line}"));
        }
    }
}
