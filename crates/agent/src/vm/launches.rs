//! The directories of past launches: cleared of what only a running machine needs, and removed when the serial port has
//! no more use for the spool in them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// So many past launches keep QEMU's log.
const KEPT: usize = 3;

/// Clears the past launches of the virtual machine in `vm_dir`; `current` is left alone. Best effort.
pub async fn prune(vm_dir: &Path, current: &str) {
    let (dir, current) = (vm_dir.join("launches"), current.to_owned());
    let pruned = tokio::task::spawn_blocking(move || prune_now(&dir, &current)).await;
    if let Err(error) = pruned.unwrap_or_else(|error| Err(io::Error::other(error))) {
        tracing::warn!(%error, "past launches cannot be cleared");
    }
}

fn prune_now(dir: &Path, current: &str) -> io::Result<()> {
    let mut past: Vec<PathBuf> = match fs::read_dir(dir) {
        Ok(entries) => entries.flatten().filter(|e| e.file_name() != current).map(|e| e.path()).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    past.sort(); // names sort by time
    past.reverse();
    for (age, launch) in past.iter().enumerate() {
        if age >= KEPT && !launch.join("serial.out").exists() {
            fs::remove_dir_all(launch)?;
            continue;
        }
        for name in ["initrd", "serial.in", "qmp.sock", "pid"] {
            match fs::remove_file(launch.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_launches_go_unless_their_spool_is_needed() {
        let root = tempfile::tempdir().unwrap();
        for id in ["1", "2", "3", "4", "5", "6"] {
            let launch = root.path().join(id);
            fs::create_dir(&launch).unwrap();
            fs::write(launch.join("initrd"), "secret hash").unwrap();
            fs::write(launch.join("qemu.log"), "").unwrap();
        }
        fs::write(root.path().join("1/serial.out"), "not stored yet").unwrap();
        prune_now(root.path(), "6").unwrap();
        let mut left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["1", "3", "4", "5", "6"]);
        assert!(!root.path().join("1/initrd").exists());
        assert!(root.path().join("6/initrd").exists(), "the current launch is left alone");
        assert!(root.path().join("5/qemu.log").exists());
        prune_now(&root.path().join("absent"), "6").unwrap();
    }
}
