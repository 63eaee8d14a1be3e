//! The few things that are asked of the file system.

use super::SerialError;
use rustix::fs::FallocateFlags;
use std::fs::File;
use std::path::Path;

/// Names the file in an I/O error.
pub(super) trait IoContext<T> {
    /// This result, its error naming `path`.
    fn at(self, path: &Path) -> Result<T, SerialError>;
}

impl<T, E: Into<std::io::Error>> IoContext<T> for Result<T, E> {
    fn at(self, path: &Path) -> Result<T, SerialError> {
        self.map_err(|source| SerialError::Io { path: path.to_owned(), source: source.into() })
    }
}

/// Makes the names in a directory durable. Blocks.
pub(super) fn sync_dir(dir: &Path) -> Result<(), SerialError> {
    File::open(dir).and_then(|d| d.sync_all()).at(dir)
}

/// Gives the blocks of `[from, to)` of a file back to the file system; its length and the other bytes stay. Where the
/// file system cannot, nothing happens.
pub(super) fn punch(file: &File, from: u64, to: u64) {
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    if let Err(error) = rustix::fs::fallocate(file, flags, from, to.saturating_sub(from))
        && error != rustix::io::Errno::OPNOTSUPP
    {
        tracing::warn!(%error, "the stored part of a spool could not be given back");
    }
}

/// Bytes that this process could still write to the file system of `path`. None: it cannot be told.
pub(super) fn room(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    let blocks = if rustix::process::geteuid().is_root() { stat.f_bfree } else { stat.f_bavail };
    Some(blocks.saturating_mul(stat.f_frsize))
}
