//! Child processes that end with their handle, and what their process trees have used.

use anyhow::{Context as _, Result};
use std::collections::HashSet;
use std::fs;
use std::process::{Child as Process, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed when its handle is dropped.
pub struct Child {
    process: Process,
}

impl Child {
    /// Starts `command`; what it prints goes to `log`.
    pub fn start(command: &mut Command, log: &std::path::Path) -> Result<Self> {
        let out = fs::File::create(log)?;
        let process = command
            .stdout(out.try_clone()?)
            .stderr(out)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        Ok(Self { process })
    }

    /// The same with pipes for standard input and output.
    pub fn start_piped(command: &mut Command) -> Result<Self> {
        let process = command
            .stdout(Stdio::piped())
            .stdin(Stdio::piped())
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        Ok(Self { process })
    }

    /// The pipes of [`Child::start_piped`].
    pub fn pipes(&mut self) -> Result<(std::process::ChildStdin, std::process::ChildStdout)> {
        Ok((
            self.process.stdin.take().context("no stdin pipe")?,
            self.process.stdout.take().context("no stdout pipe")?,
        ))
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }

    /// What it and its descendants have used up to now.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for pid in tree(self.process.id()) {
            usage.processes += 1;
            usage.cpu += cpu(pid);
            usage.pss_kib += pss_kib(pid);
        }
        usage
    }

    /// Ends it and what it started, and waits for that.
    pub fn stop(&mut self) {
        for pid in tree(self.process.id()).into_iter().rev() {
            if let Some(pid) = rustix::process::Pid::from_raw(pid as i32) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Forgets the peak of the process's resident memory up to now.
    pub fn forget_peak(&self) {
        // "5" sets the peak back to what is resident at present. Where that is not allowed the peak is that of the whole life.
        let _ = fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5");
    }

    /// Resident memory of the process itself, and its peak, MiB.
    pub fn resident(&self) -> (f64, f64) {
        let text = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kib =
                line.and_then(|line| line.split_whitespace().next()).and_then(|n| n.parse::<f64>().ok());
            kib.unwrap_or(0.0) / 1024.0
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// Processor time only (reading memory maps takes long with many mappings).
    pub fn cpu(&self) -> Duration {
        tree(self.process.id()).into_iter().map(cpu).sum()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a process tree has used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Processes in the tree.
    pub processes: u64,
    /// Processor time of threads that still live.
    pub cpu: Duration,
    /// Proportional set size.
    pub pss_kib: u64,
}

fn tree(root: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        if let Some(parent) = after.split_whitespace().nth(1).and_then(|p| p.parse::<u32>().ok()) {
            parents.push((pid, parent));
        }
    }
    let mut known = HashSet::from([root]);
    let mut found = vec![root];
    loop {
        let more: Vec<u32> = parents
            .iter()
            .filter(|(pid, parent)| known.contains(parent) && !known.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            return found;
        }
        known.extend(more.iter().copied());
        found.extend(more);
    }
}

/// What this process itself has used.
pub fn own_cpu() -> Duration {
    cpu(std::process::id())
}

fn cpu(pid: u32) -> Duration {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        total += text.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    }
    Duration::from_nanos(total)
}

fn pss_kib(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    text.lines()
        .find_map(|l| l.strip_prefix("Pss:"))
        .and_then(|l| l.split_whitespace().next())
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}
