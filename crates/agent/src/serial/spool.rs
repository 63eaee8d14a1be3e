//! Which file holds which addresses.
//!
//! ```text
//!   addresses   0 ........ 1000 ............. 4000 ......... end
//!   spools      [launch 1  ][launch 2         ][launch 3     ──> QEMU writes
//!   on disk      deleted     xxxx punched xxxx│ kept
//! ```
//!
//! Addresses are contiguous: a spool begins where the one before it ends. Only the last one grows.

use super::SerialError;
use super::disk::{IoContext as _, punch};
use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Holes are made in steps of this, bytes: each costs a journal entry of the file system.
const PUNCH_STEP: u64 = 1 << 20;
/// Block size that holes are aligned to, bytes.
const BLOCK: u64 = 4096;

/// One file and its addresses.
#[derive(Debug)]
pub(super) struct Spool {
    /// Address of the first byte.
    pub base: u64,
    /// Where in the file that byte is.
    pub from: u64,
    /// As recorded: relative to the port's parent directory when below it.
    pub path: PathBuf,
    /// Bytes seen so far.
    pub length: u64,
    /// Everything before this address has been given back.
    punched: u64,
    file: Option<Arc<File>>,
}

impl Spool {
    /// Address after its last byte seen.
    pub fn end(&self) -> u64 {
        self.base + self.length
    }

    /// Where the byte `at` is in the file.
    pub fn position(&self, at: u64) -> u64 {
        self.from + at.saturating_sub(self.base)
    }
}

/// What a look at the growing spool showed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// So many new bytes (0: none).
    Grown(u64),
    /// The file is shorter than it was: the bytes from this address to the known end are gone.
    Shrunk { from: u64 },
}

/// The spools of a port, oldest first.
#[derive(Debug)]
pub(super) struct Spools {
    /// Paths are kept relative to this.
    root: PathBuf,
    list: VecDeque<Spool>,
}

impl Spools {
    /// None yet.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), list: VecDeque::new() }
    }

    /// The path to record for a file.
    pub fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }

    /// Where a recorded path is now.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// The spool that grows.
    pub fn last(&self) -> Option<&Spool> {
        self.list.back()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Spool> {
        self.list.iter()
    }

    /// Adds the newest. The one before it will not grow any more: it ends at `base`.
    pub fn push(&mut self, base: u64, from: u64, path: PathBuf) {
        if let Some(last) = self.list.back_mut() {
            last.length = base.saturating_sub(last.base);
            last.file = None;
        }
        self.list.push_back(Spool { base, from, path, length: 0, punched: base, file: None });
    }

    /// Takes away the oldest, which begins at `base`.
    pub fn forget(&mut self, base: u64) {
        if self.list.front().is_some_and(|s| s.base == base) {
            self.list.pop_front();
        }
    }

    /// Looks how far the growing spool is.
    pub fn look(&mut self) -> Growth {
        let Some(index) = self.list.len().checked_sub(1) else { return Growth::Grown(0) };
        let size = match self.open(index) {
            Ok(file) => file.metadata().map(|m| m.size()).unwrap_or(0),
            Err(_) => 0,
        };
        let Some(spool) = self.list.get_mut(index) else { return Growth::Grown(0) };
        let length = size.saturating_sub(spool.from);
        if length < spool.length {
            return Growth::Shrunk { from: spool.base + length };
        }
        let grown = length - spool.length;
        spool.length = length;
        Growth::Grown(grown)
    }

    /// The growing spool's addresses reach at least to `end`, whatever its file's length is.
    pub fn stretch(&mut self, end: u64) {
        if let Some(last) = self.list.back_mut() {
            last.length = last.length.max(end.saturating_sub(last.base));
        }
    }

    /// The spool with the byte `at`: its file, where in the file, and the address where that spool ends.
    pub fn find(&mut self, at: u64) -> Option<(Result<Arc<File>, SerialError>, u64, u64)> {
        let index = self.list.partition_point(|s| s.base <= at).checked_sub(1)?;
        let spool = self.list.get(index)?;
        let (position, end) = (spool.position(at), spool.end());
        (at < end).then(|| (self.open(index), position, end))
    }

    /// The growing spool's file.
    pub fn last_file(&mut self) -> Option<Arc<File>> {
        let index = self.list.len().checked_sub(1)?;
        self.open(index).ok()
    }

    /// Gives back what lies before `keep`; spools wholly before it are deleted and returned by base. Blocks.
    pub fn release(&mut self, keep: u64) -> Vec<u64> {
        let mut dropped = Vec::new();
        while self.list.len() > 1
            && let Some(oldest) = self.list.front()
            && oldest.end() <= keep
        {
            let path = self.absolute(&oldest.path);
            dropped.push(oldest.base);
            self.list.pop_front();
            // The same file can stand in two entries (addresses that jumped ahead).
            if !self.list.iter().any(|s| self.absolute(&s.path) == path)
                && let Err(error) = std::fs::remove_file(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), %error, "a stored spool could not be deleted");
            }
        }
        if let Some(spool) = self.list.front()
            && keep >= spool.punched + PUNCH_STEP
        {
            let (from, to) = (spool.position(spool.punched), spool.position(keep.min(spool.end())));
            let (from, to) = (from / BLOCK * BLOCK, to / BLOCK * BLOCK);
            if let Ok(file) = self.open(0) {
                punch(&file, from, to);
            }
            if let Some(spool) = self.list.front_mut() {
                spool.punched = keep;
            }
        }
        dropped
    }

    /// Moves the addresses from `from` on by `by`; a spool with `from` inside it becomes two entries of the same file.
    pub fn shift(&mut self, from: u64, by: u64) {
        let index = self.list.partition_point(|s| s.base < from);
        let growing = index == self.list.len();
        if let Some(before) = index.checked_sub(1).and_then(|i| self.list.get_mut(i))
            && (before.end() > from || growing)
        {
            let length = before.end().saturating_sub(from);
            before.length -= length;
            let (position, path) = (before.position(from), before.path.clone());
            self.list
                .insert(index, Spool { base: from, from: position, path, length, punched: from, file: None });
        }
        for spool in self.list.iter_mut().skip(index) {
            spool.base += by;
            spool.punched += by;
        }
        // The addresses in between belong to nobody: the spool before them reaches over them, as lost.
        if let Some(before) = index.checked_sub(1).and_then(|i| self.list.get_mut(i)) {
            before.length = (from + by).saturating_sub(before.base);
        }
    }

    /// Every file, for removal.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.list.iter().map(|s| self.absolute(&s.path)).collect()
    }

    /// Closes the files that are not being written.
    pub fn rest(&mut self) {
        let last = self.list.len().saturating_sub(1);
        self.list.iter_mut().take(last).for_each(|s| s.file = None);
    }

    fn open(&mut self, index: usize) -> Result<Arc<File>, SerialError> {
        let Some(spool) = self.list.get_mut(index) else { return Err(SerialError::Ended) };
        if let Some(file) = &spool.file {
            return Ok(file.clone());
        }
        let path = self.root.join(&spool.path);
        let file = Arc::new(File::options().read(true).write(true).open(&path).at(&path)?);
        spool.file = Some(file.clone());
        Ok(file)
    }
}

/// Reads up to `max` bytes; fewer at the end of the file.
pub(super) fn read_at(file: &File, position: u64, max: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; max];
    let mut got = 0;
    while let Some(rest) = bytes.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, position + got as u64) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(got);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_on_from_file_to_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut spools = Spools::new(dir.path());
        std::fs::write(dir.path().join("a"), b"0123456789").unwrap();
        spools.push(0, 0, "a".into());
        assert_eq!(spools.look(), Growth::Grown(10));
        assert_eq!(spools.look(), Growth::Grown(0));
        std::fs::write(dir.path().join("b"), b"xyz").unwrap();
        spools.push(10, 0, "b".into());
        assert_eq!(spools.look(), Growth::Grown(3));
        for (at, expected) in
            [(0, Some((0, 10))), (9, Some((9, 10))), (10, Some((0, 13))), (12, Some((2, 13))), (13, None)]
        {
            assert_eq!(spools.find(at).map(|(_, position, end)| (position, end)), expected, "at {at}");
        }
        assert_eq!(spools.release(12), [0]);
        assert!(!dir.path().join("a").exists());
        assert!(dir.path().join("b").exists(), "the last one stays");
    }

    #[test]
    fn a_truncated_or_vanished_file_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, b"0123456789").unwrap();
        let mut spools = Spools::new(dir.path());
        spools.push(100, 0, "a".into());
        spools.look();
        File::options().write(true).open(&path).unwrap().set_len(4).unwrap();
        assert_eq!(spools.look(), Growth::Shrunk { from: 104 });
        let mut again = Spools::new(dir.path());
        again.push(100, 0, "nothing".into());
        again.stretch(150);
        assert_eq!(again.look(), Growth::Shrunk { from: 100 });
    }

    #[test]
    fn holes_give_the_disk_back_and_keep_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let bytes: Vec<u8> = (0..2 << 20).map(|i: u32| (i % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let mut spools = Spools::new(dir.path());
        spools.push(0, 0, "a".into());
        spools.look();
        let before = std::fs::metadata(&path).unwrap().blocks();
        spools.release(1 << 20);
        let after = std::fs::metadata(&path).unwrap();
        assert_eq!(after.len(), 2 << 20);
        assert!(after.blocks() < before, "{} < {before}", after.blocks());
        let (file, position, _) = spools.find(1 << 20).unwrap();
        assert_eq!(read_at(&file.unwrap(), position, 1 << 20).unwrap(), bytes[1 << 20..]);
    }
}
