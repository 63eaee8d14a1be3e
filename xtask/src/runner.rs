//! Running one command as a step: a progress line, its output in a log file, the log's tail when it fails.

use anyhow::{Context as _, bail};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A sign of life is printed this often while a step runs.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Lines of a failed step's log that are shown.
const TAIL: usize = 60;

/// Runs steps and tells the time since the start before each line.
pub struct Runner {
    began: Instant,
    logs: PathBuf,
}

impl Runner {
    /// A runner whose step logs go to `target/xtask-logs`.
    pub fn new() -> anyhow::Result<Self> {
        let logs = crate::target().join("xtask-logs");
        std::fs::create_dir_all(&logs)?;
        Ok(Self { began: Instant::now(), logs })
    }

    /// One progress line.
    pub fn say(&self, text: &str) {
        eprintln!("[{:>4}s] {text}", self.began.elapsed().as_secs());
    }

    /// The log file of a step.
    pub fn log(&self, step: &str) -> PathBuf {
        self.logs.join(format!("{}.log", step.replace(|c: char| !c.is_ascii_alphanumeric(), "-")))
    }

    /// Runs `command`, its output in the step's log. Err when it cannot be started or ends with a failure; the log's
    /// tail has been shown then.
    pub fn step(&self, step: &str, command: &mut Command) -> anyhow::Result<()> {
        let log = self.log(step);
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        self.say(step);
        let began = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || done.send(child.wait()));
        let status = loop {
            match ended.recv_timeout(HEARTBEAT) {
                Ok(status) => break status?,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let last = tail(&log, 1).pop().unwrap_or_default();
                    let last: String = last.trim().chars().take(90).collect();
                    self.say(&format!("{step}: {} s so far: {last}", began.elapsed().as_secs()));
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => bail!("{step}: lost sight of its process"),
            }
        };
        if status.success() {
            return Ok(());
        }
        for line in tail(&log, TAIL) {
            eprintln!("    {line}");
        }
        bail!("{step} failed ({status}); its output: {}", log.display())
    }
}

/// The last `count` lines of a log, without colours.
pub fn tail(log: &Path, count: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(count);
    lines.get(from..).unwrap_or_default().iter().map(|l| plain(l)).collect()
}

/// `text` without terminal escapes and carriage returns.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                // CSI: up to its final byte. Anything else is two characters long.
                if chars.next() == Some('[') {
                    for c in chars.by_ref() {
                        if ('@'..='~').contains(&c) {
                            break;
                        }
                    }
                }
            }
            '\r' => {}
            c => out.push(c),
        }
    }
    out
}

/// Whether `program` stands in one of PATH's folders (or in the places where Debian keeps servers).
pub fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .any(|dir| dir.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn escapes_go() {
        assert_eq!(plain("\u{1b}[1;32mok\u{1b}[0m done\r"), "ok done");
    }
}
