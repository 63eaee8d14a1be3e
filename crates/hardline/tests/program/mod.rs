//! The built program as a child process: its output, its exit code, and a terminal of its own. Nothing outlives a test:
//! whatever still works below somebody's home when it goes (guests, too) is killed.
#![allow(dead_code, reason = "each test file uses its part")]

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No wait of a test is longer.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// For the end of a process that was killed.
const LAST_WAIT: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// Somebody's home, with what their environment holds.
pub struct Home {
    dir: TempDir,
    env: Vec<(String, String)>,
}

impl Drop for Home {
    fn drop(&mut self) {
        for pid in processes_in(self.dir.path()) {
            let Ok(process) = pidfd_open(pid_of(pid), PidfdFlags::empty()) else { continue };
            let _ = pidfd_send_signal(&process, Signal::KILL);
            // Until it is gone it may still write into the folder that is about to be removed.
            let _ = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&LAST_WAIT));
        }
    }
}

/// Processes whose working directory is `dir` or below it.
pub fn processes_in(dir: &Path) -> Vec<u32> {
    let Ok(dir) = dir.canonicalize() else { return Vec::new() };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let works_here = |e: &std::fs::DirEntry| {
        std::fs::read_link(e.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&dir))
    };
    let mut pids: Vec<u32> =
        all.filter(works_here).filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// The system's form of a process id.
pub fn pid_of(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

/// Waits for the end of a child, without turning in circles. None when it goes on for too long.
pub fn wait_for_end(child: &mut Child, within: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + within;
    let process = pidfd_open(pid_of(child.id()), PidfdFlags::empty()).unwrap();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        let left = Timespec::try_from(end.checked_duration_since(Instant::now())?).unwrap();
        let _ = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&left));
    }
}

/// What a finished command left.
pub struct Done {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Done {
    pub fn text(&self) -> String {
        String::from_utf8(self.out.clone()).unwrap()
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout: {}\nstderr: {}", String::from_utf8_lossy(&self.out), self.err);
        self
    }
}

impl Home {
    pub fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), env: Vec::new() }
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The program with these arguments, and nothing of our own environment that it reads.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hardline"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("HOME", self.dir.path())
            .env_remove("XDG_CONFIG_HOME");
        command.env_remove("XDG_DATA_HOME").env_remove("SSL_CERT_FILE");
        for (name, _) in std::env::vars().filter(|(n, _)| n.starts_with("HARDLINE_")) {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(n, v)| (n, v)));
        command
    }

    /// Runs it to its end, without blocking the thread that the server under test needs.
    pub async fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, b"").await
    }

    pub async fn run_with(&self, args: &[&str], input: &'static [u8]) -> Done {
        let mut command = self.command(args);
        let done = tokio::task::spawn_blocking(move || {
            let mut child =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            // A command that does not read its input closes it: no matter.
            let _ = child.stdin.take().unwrap().write_all(input);
            let output = child.wait_with_output().unwrap();
            Done {
                code: output.status.code().unwrap_or(-1),
                out: output.stdout,
                err: String::from_utf8_lossy(&output.stderr).into_owned(),
            }
        });
        tokio::time::timeout(PATIENCE, done).await.expect("the command hangs").unwrap()
    }

    /// Runs it in a terminal of 100 columns and 30 rows.
    pub fn in_terminal(&self, args: &[&str]) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = File::options().read(true).write(true).open(path).unwrap();
        tcsetwinsize(&slave, Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let child = self
            .command(args)
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(slave.try_clone().unwrap())
            .spawn()
            .unwrap();
        let master = File::from(master);
        let output = Output::read(master.try_clone().unwrap());
        Terminal { child, master, slave, output }
    }
}

/// What something prints, collected by a thread.
#[derive(Clone)]
pub struct Output(Arc<(Mutex<Printed>, Condvar)>);

#[derive(Default)]
struct Printed {
    bytes: Vec<u8>,
    /// Nothing more can come.
    ended: bool,
}

impl Output {
    pub fn read(mut source: impl std::io::Read + Send + 'static) -> Self {
        let shared = Self(Arc::default());
        let output = shared.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                output.0.0.lock().unwrap().bytes.extend_from_slice(&buffer[..count]);
                output.0.1.notify_all();
            }
            output.0.0.lock().unwrap().ended = true;
            output.0.1.notify_all();
        });
        shared
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.0.lock().unwrap().bytes.clone()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.0.lock().unwrap().bytes).into_owned()
    }

    /// Blocks until `needle` was printed.
    #[track_caller]
    pub fn wait_for(&self, needle: &str, within: Duration) {
        self.wait_until(&format!("{needle:?}"), within, |bytes| {
            bytes.windows(needle.len()).any(|w| w == needle.as_bytes())
        });
    }

    /// Blocks until what was printed is as wanted.
    #[track_caller]
    pub fn wait_until(&self, what: &str, within: Duration, wanted: impl Fn(&[u8]) -> bool) {
        let end = Instant::now() + within;
        let mut printed = self.0.0.lock().unwrap();
        while !wanted(&printed.bytes) {
            let left = end.saturating_duration_since(Instant::now());
            let hopeless = left.is_zero() || printed.ended;
            assert!(!hopeless, "no {what} in:\n{}", String::from_utf8_lossy(&printed.bytes));
            printed = self.0.1.wait_timeout(printed, left).unwrap().0;
        }
    }
}

/// A terminal with the program in it.
pub struct Terminal {
    child: Child,
    master: File,
    slave: File,
    output: Output,
}

impl Terminal {
    pub fn type_keys(&mut self, keys: &[u8]) {
        self.master.write_all(keys).unwrap();
    }

    #[track_caller]
    pub fn wait_for(&self, needle: &str) {
        self.output.wait_for(needle, PATIENCE);
    }

    #[track_caller]
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&[u8]) -> bool) {
        self.output.wait_until(what, PATIENCE, wanted);
    }

    #[track_caller]
    pub fn wait_for_within(&self, needle: &str, within: Duration) {
        self.output.wait_for(needle, within);
    }

    pub fn text(&self) -> String {
        self.output.text()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(pid_of(self.child.id()), signal).unwrap();
    }

    /// Whether keys are echoed and lines edited, as in a shell.
    pub fn is_cooked(&self) -> bool {
        tcgetattr(&self.slave).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Waits until the program has ended.
    pub fn wait(&mut self) -> ExitStatus {
        wait_for_end(&mut self.child, PATIENCE)
            .unwrap_or_else(|| panic!("it does not end:\n{}", self.output.text()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
