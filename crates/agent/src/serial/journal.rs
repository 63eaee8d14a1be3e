//! What a port must remember over the agent's death: one line of JSON a record, in a file that only grows.
//!
//! Writing at any point may be cut off. A torn last line is taken away when the file is read again; what it would have
//! said is found out from the spool instead. When the file has grown long it is written anew beside itself and renamed.

use super::SerialError;
use super::disk::{IoContext as _, sync_dir};
use hardline_console::segment::Segment;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Written anew when longer than this and mostly obsolete, bytes.
const LONG: u64 = 64 << 10;
/// Most that waits for a full disk to have room again, bytes.
const PENDING_LIMIT: usize = 1 << 20;

/// One thing to remember. Offsets are addresses of the port unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Record {
    /// Bytes of the file `path`, from its byte `from` on, have the addresses from `base` on.
    Spool { base: u64, from: u64, path: PathBuf },
    /// The oldest spool is gone: everything in it was stored or has expired.
    Dropped { base: u64 },
    /// A piece was closed. One with the same start replaces the last.
    Sealed {
        #[serde(flatten)]
        segment: Segment,
        /// False: boot diagnostics were disabled.
        captured: bool,
    },
    /// Bytes are missing; `length` none: an unknown number, without addresses.
    Lost { start: u64, length: Option<u64>, reason: String, time_us: i64 },
    /// A boot began.
    Boot { start: u64, boot_id: String, cause: String, time_us: i64 },
    /// The server has everything before this.
    Stored(u64),
    /// Nothing before this is kept any more.
    Expired(u64),
    /// Whether boot diagnostics are enabled.
    Capture(bool),
}

/// The file.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// Open while it is in use; thousands of quiet ports need no descriptor.
    file: Option<File>,
    /// Length of what is well written.
    size: u64,
    /// Lines that could not be written yet.
    pending: Vec<u8>,
    /// Length when it was last written anew.
    compact_size: u64,
}

impl Journal {
    /// Reads the journal of a port; an absent one is empty.
    pub fn load(path: PathBuf) -> Result<(Self, Vec<Record>), SerialError> {
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(SerialError::Io { path, source }),
        };
        let (mut records, mut size) = (Vec::new(), 0);
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let Some(body) = line.strip_suffix(b"\n") else { break };
            let Ok(record) = serde_json::from_slice(body) else { break };
            records.push(record);
            size += line.len() as u64;
        }
        if size < bytes.len() as u64 {
            tracing::warn!(path = %path.display(), torn = bytes.len() as u64 - size, "the end of a port's journal was torn");
            File::options().write(true).open(&path).and_then(|f| f.set_len(size)).at(&path)?;
        }
        Ok((Self { path, file: None, size, pending: Vec::new(), compact_size: size }, records))
    }

    /// Adds a record. It survives the agent's death from the return on, a power cut only after [`Journal::sync`].
    /// A full disk is not an error: the record waits.
    pub fn append(&mut self, record: &Record) {
        match serde_json::to_vec(record) {
            Ok(mut line) if self.pending.len() + line.len() < PENDING_LIMIT => {
                line.push(b'\n');
                self.pending.extend_from_slice(&line);
            }
            _ => tracing::error!(path = %self.path.display(), "a port's journal could not take a record"),
        }
        self.flush();
    }

    /// Tries to write what waits.
    pub fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        // At the known end, not in append mode: a torn attempt is overwritten by the next one.
        let (size, pending) = (self.size, std::mem::take(&mut self.pending));
        match self.open().and_then(|file| file.write_all_at(&pending, size)) {
            Ok(()) => self.size += pending.len() as u64,
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "a port's journal cannot be written");
                self.pending = pending;
            }
        }
    }

    /// Brings what was written to the disk. Blocks.
    pub fn sync(&mut self) -> Result<(), SerialError> {
        self.flush();
        self.open().and_then(|file| file.sync_data()).at(&self.path)
    }

    /// For a sync without the port's lock; None when nothing was written lately.
    pub fn handle(&mut self) -> Option<File> {
        self.flush();
        self.file.as_ref().and_then(|file| file.try_clone().ok())
    }

    /// Whether nothing was written lately.
    pub fn is_resting(&self) -> bool {
        self.file.is_none() && self.pending.is_empty()
    }

    /// Gives the descriptor back until the next record.
    pub fn rest(&mut self) {
        self.file = None;
    }

    /// Whether it should be written anew.
    pub fn is_long(&self) -> bool {
        self.size > LONG && self.size > 4 * self.compact_size
    }

    /// Writes the journal anew with just these records. Blocks.
    pub fn rewrite(&mut self, records: &[Record]) -> Result<(), SerialError> {
        let beside = self.path.with_extension("new");
        let mut bytes = Vec::new();
        for record in records {
            serde_json::to_writer(&mut bytes, record).map_err(std::io::Error::from).at(&beside)?;
            bytes.push(b'\n');
        }
        replace_file(&self.path, &beside, &bytes)?;
        self.size = bytes.len() as u64;
        self.compact_size = self.size;
        self.pending = Vec::new();
        self.file = None;
        Ok(())
    }

    fn open(&mut self) -> std::io::Result<&File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => File::options().create(true).truncate(false).write(true).open(&self.path)?,
        };
        Ok(self.file.insert(file))
    }
}

/// Puts `bytes` in the place of `path`, durably and whole: by way of the file `beside` in the same directory. Blocks.
pub(super) fn replace_file(path: &Path, beside: &Path, bytes: &[u8]) -> Result<(), SerialError> {
    let file = File::create(beside).at(beside)?;
    file.write_all_at(bytes, 0).at(beside)?;
    file.sync_data().at(beside)?;
    std::fs::rename(beside, path).at(path)?;
    path.parent().map_or(Ok(()), sync_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        vec![
            Record::Spool { base: 0, from: 0, path: "launch/ser0.out".into() },
            Record::Boot { start: 0, boot_id: "b".into(), cause: "start".into(), time_us: 5 },
            Record::Lost { start: 7, length: None, reason: "detached".into(), time_us: 6 },
            Record::Stored(7),
            Record::Capture(false),
        ]
    }

    #[test]
    fn it_is_read_back_up_to_any_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (mut journal, none) = Journal::load(path.clone()).unwrap();
        assert_eq!(none, []);
        records().iter().for_each(|r| journal.append(r));
        journal.sync().unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (mut journal, got) = Journal::load(path.clone()).unwrap();
            let lines = whole[..cut].iter().filter(|b| **b == b'\n').count();
            assert_eq!(got, records()[..lines], "cut at {cut}");
            // What is added after a torn line is found again.
            journal.append(&Record::Stored(99));
            let (_, again) = Journal::load(path.clone()).unwrap();
            assert_eq!(again.last(), Some(&Record::Stored(99)), "cut at {cut}");
            assert_eq!(again.len(), lines + 1);
        }
    }

    #[test]
    fn rewritten_it_says_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (mut journal, _) = Journal::load(path.clone()).unwrap();
        while !journal.is_long() {
            journal.append(&Record::Stored(1));
        }
        journal.rewrite(&records()).unwrap();
        assert!(!journal.is_long());
        journal.append(&Record::Stored(8));
        let (_, got) = Journal::load(path).unwrap();
        assert_eq!(got[..5], records());
        assert_eq!(got[5..], [Record::Stored(8)]);
    }
}
