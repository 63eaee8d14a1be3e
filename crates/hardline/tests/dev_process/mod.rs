//! A running `hardline dev`.
#![allow(dead_code, reason = "each test file uses its part")]

use crate::program::{Home, Output, PATIENCE};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// The first prompt of a guest, without hardware acceleration, on two busy cores.
pub const BOOT: Duration = Duration::from_secs(180);

/// The process, and what it printed. Dropped, it is killed.
pub struct Dev {
    child: Child,
    data: PathBuf,
    output: Output,
}

impl Dev {
    /// Starts it on the data directory `data` in somebody's home; returns when it says that it is ready.
    pub fn start(home: &Home, args: &[&str]) -> Self {
        let data = home.path("data");
        let mut command = home.command(&["dev", "--data-dir"]);
        let mut child = command
            .arg(&data)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let output = Output::read(child.stdout.take().unwrap());
        let dev = Self { child, data, output };
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
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let lives_here = |e: &std::fs::DirEntry| {
            std::fs::read_link(e.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&self.data))
        };
        let mut pids: Vec<u32> =
            all.filter(lives_here).filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        pids
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    fn wait(&mut self) -> std::process::ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it does not stop:\n{}", self.output.text());
            std::thread::yield_now();
        }
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
    }
}
