//! QEMU as a process: started in a session of its own so that it outlives the agent and no Ctrl+C reaches it, found
//! again by a later agent, ended through a descriptor that cannot come to mean another process.

use std::{
    fs::File,
    io,
    os::fd::OwnedFd,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::unix::AsyncFd;

/// Written by QEMU itself, beside its socket.
pub const PID_FILE: &str = "pid";
/// What QEMU says on its error output.
pub const LOG_FILE: &str = "qemu.log";

/// A QEMU process. The descriptor stands for this process and no other, also after its end.
#[derive(Debug)]
pub struct Process {
    descriptor: AsyncFd<OwnedFd>,
    pid: i32,
}

impl Process {
    /// Starts `program` with `arguments` in `dir`, its error output kept in [`LOG_FILE`].
    ///
    /// # Errors
    /// The program is not there, or the system refuses.
    pub fn start(program: &Path, arguments: &[String], dir: &Path) -> io::Result<Self> {
        let log = File::options().create(true).append(true).mode(0o600).open(dir.join(LOG_FILE))?;
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .current_dir(dir)
            // What the agent was told in its environment is none of a guest's business.
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(false);
        own_session(&mut command);
        let mut child = command.spawn()?;
        let pid = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .ok_or_else(|| io::Error::other("no process id"))?;
        let process = Self::open(pid)?;
        // Collects the exit status, so that no zombie stays; its end is seen through the descriptor.
        tokio::spawn(async move { child.wait().await });
        Ok(process)
    }

    /// The process whose id is in `dir`, when it is the QEMU of `uuid` that was started there; `None` when there is none.
    pub fn find(dir: &Path, uuid: &str) -> Option<Self> {
        let written =
            std::fs::read_to_string(dir.join(PID_FILE)).ok().and_then(|text| text.trim().parse().ok());
        // An agent that died right after the start may have been faster than QEMU's pid file.
        written.into_iter().chain(all_processes()).find_map(|pid| Self::verified(pid, dir, uuid))
    }

    /// Opens first and looks then: if it is the right process and still alive after the look, it was the right one throughout.
    fn verified(pid: i32, dir: &Path, uuid: &str) -> Option<Self> {
        let proc = PathBuf::from(format!("/proc/{pid}"));
        if std::fs::read_link(proc.join("cwd")).ok()? != std::fs::canonicalize(dir).ok()? {
            return None;
        }
        let process = Self::open(pid).ok()?;
        let command_line = std::fs::read(proc.join("cmdline")).ok()?;
        let mut words = command_line.split(|byte| *byte == 0);
        let same_place = std::fs::read_link(proc.join("cwd")).ok()? == std::fs::canonicalize(dir).ok()?;
        let same_machine = words.any(|word| word == b"-uuid") && words.next() == Some(uuid.as_bytes());
        (same_place && same_machine && process.alive()).then_some(process)
    }

    fn open(pid: i32) -> io::Result<Self> {
        let id = Pid::from_raw(pid).ok_or_else(|| io::Error::other("process id 0"))?;
        Ok(Self { descriptor: watched(pidfd_open(id, PidfdFlags::NONBLOCK)?)?, pid })
    }

    /// The process id; for messages.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether it has not ended yet.
    pub fn alive(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut descriptors = [PollFd::new(self.descriptor.get_ref(), PollFlags::IN)];
        matches!(poll(&mut descriptors, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(0))
    }

    /// Returns when the process has ended.
    pub async fn end(&self) {
        // The only error is a broken reactor: nothing will ever be told again then, so wait for ever.
        if self.descriptor.readable().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Ends it the hard way.
    pub fn kill(&self) {
        if let Err(error) = pidfd_send_signal(self.descriptor.get_ref(), Signal::KILL) {
            tracing::debug!(pid = self.pid, %error, "process was gone before the kill");
        }
    }
}

/// The last line of what QEMU said, for people: bounded, without control characters.
pub fn last_words(dir: &Path) -> Option<String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = File::open(dir.join(LOG_FILE)).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(4096))).ok()?;
    let mut tail = Vec::new();
    file.take(4096).read_to_end(&mut tail).ok()?;
    let text = String::from_utf8_lossy(&tail);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(300).collect())
}

fn all_processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[allow(unsafe_code)]
fn watched(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` gives the same open descriptor until it is dropped, and nothing here takes it out.
    unsafe { AsyncFd::register_with_interest(descriptor, tokio::io::Interest::READABLE) }
        .map_err(io::Error::from)
}

#[allow(unsafe_code)]
fn own_session(command: &mut tokio::process::Command) {
    // SAFETY: the closure runs in the child between fork and exec and makes one system call (setsid), which is
    // async-signal-safe; it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn found_again_by_place_and_uuid_only() {
        let dir = tempfile::tempdir().unwrap();
        let uuid = "5f0c1e1e-0000-4000-8000-000000000001";
        // A stand-in for QEMU: a shell that has the words on its command line.
        let arguments = ["-c", "echo ready >&2; read x < fifo", "qemu", "-uuid", uuid].map(str::to_owned);
        rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("fifo"), rustix::fs::Mode::RWXU).unwrap();
        let process = Process::start(Path::new("/bin/sh"), &arguments, dir.path()).unwrap();

        let found = Process::find(dir.path(), uuid).expect("found without a pid file");
        assert_eq!(found.pid(), process.pid());
        std::fs::write(dir.path().join(PID_FILE), format!("{}\n", process.pid())).unwrap();
        assert!(Process::find(dir.path(), uuid).is_some());
        assert!(
            Process::find(dir.path(), "5f0c1e1e-0000-4000-8000-000000000002").is_none(),
            "another machine's"
        );
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join(PID_FILE), format!("{}\n", process.pid())).unwrap();
        assert!(Process::find(elsewhere.path(), uuid).is_none(), "another place's");

        found.kill();
        process.end().await;
        found.end().await;
        assert!(!found.alive());
        assert!(Process::find(dir.path(), uuid).is_none());
    }

    #[tokio::test]
    async fn last_words_are_the_last_line() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(last_words(dir.path()), None);
        std::fs::write(dir.path().join(LOG_FILE), "first\nqemu: cannot \x1b[31mset up\n\n").unwrap();
        assert_eq!(last_words(dir.path()).as_deref(), Some("qemu: cannot [31mset up"));
    }
}
