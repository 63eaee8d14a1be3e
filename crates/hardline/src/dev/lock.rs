//! One program on a data directory at a time.

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// How long a lock that is held may be about to be let go of, and how often it is tried.
const PATIENCE: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_millis(20);

/// Held as long as it lives; the system lets go of it however the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the directory. Err: one line that names the process that has it.
    pub async fn take(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("lock");
        let mut file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        // One that was killed while it started a QEMU leaves a child that holds the lock until it has become QEMU.
        let patience = Instant::now() + PATIENCE;
        let mut locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
        while locked.is_err() && Instant::now() < patience {
            tokio::time::sleep(AGAIN).await;
            locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
        }
        if locked.is_err() {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            bail!(
                "another hardline (process {}) uses {}: stop it, or choose another --data-dir",
                pid.trim(),
                dir.display()
            );
        }
        let pid = format!("{}\n", std::process::id());
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(pid.as_bytes()));
        written.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::Lock;

    #[tokio::test]
    async fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::take(dir.path()).await.unwrap();
        let refusal = Lock::take(dir.path()).await.unwrap_err().to_string();
        assert!(refusal.contains(&format!("(process {})", std::process::id())), "{refusal}");
        drop(first);
        Lock::take(dir.path()).await.unwrap();
    }
}
