//! Files of events: one JSON text a line. A batch counts when it is on the disk.
//!
//! ```text
//! {subscription}-{setting}.ndjson                       is being written
//! {subscription}-{setting}~{first event's place}.ndjson is closed: too long, or too old
//! ```
//!
//! What a crash left of a line at the end of a file is cut off; its event was not noted as sent and is written again.

use super::item::Item;
use super::profile::{Mode, Profile};
use super::sink::{SinkError, Verdict};
use jiff::Timestamp;
use std::fs::{File as Open, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes after which a file is closed, unless the profile says otherwise.
const LENGTH: u64 = 64 << 20;
/// Minutes after which a file is closed, unless the profile says otherwise.
const AGE: u32 = 24 * 60;

/// The sink.
#[derive(Clone, Debug)]
pub(super) struct File {
    place: Arc<Place>,
    mode: Mode,
}

#[derive(Debug)]
struct Place {
    folder: PathBuf,
    /// The file's name without its ending.
    stem: String,
    length: u64,
    age: jiff::SignedDuration,
}

impl File {
    /// A file in the operator's folder, named by subscription and setting, both of which are plain words.
    pub(super) fn new(folder: &Path, subscription: &str, name: &str, profile: &Profile) -> Self {
        let age = i64::from(profile.max_age_minutes.unwrap_or(AGE));
        let place = Place {
            folder: folder.to_owned(),
            stem: format!("{subscription}-{}", name.to_ascii_lowercase()),
            length: profile.max_bytes.unwrap_or(LENGTH),
            age: jiff::SignedDuration::from_mins(age),
        };
        Self { place: Arc::new(place), mode: profile.mode }
    }

    /// Writes events and has them on the disk.
    pub(super) async fn send(&self, items: &[&Item], now: Timestamp) -> Result<Vec<Verdict>, SinkError> {
        let lines: Vec<String> =
            items.iter().map(|item| format!("{}\n", item.render(self.mode, now))).collect();
        let first = items.first().map_or(0, |item| item.seq);
        let place = self.place.clone();
        let written = tokio::task::spawn_blocking(move || place.write(&lines.concat(), first, now)).await;
        match written {
            Ok(Ok(())) => Ok(vec![Verdict::Taken; items.len()]),
            Ok(Err(error)) => Err(SinkError::away(format!("the file cannot be written: {error}"))),
            Err(defect) => Err(SinkError::away(defect.to_string())),
        }
    }
}

impl Place {
    fn current(&self) -> PathBuf {
        self.folder.join(format!("{}.ndjson", self.stem))
    }

    fn write(&self, lines: &str, first: i64, now: Timestamp) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let current = self.current();
        let mut made = !current.exists();
        if !made && self.is_full(&current, lines.len(), now)? {
            // `first` comes after everything in the file: the name is new, and names sort as the files do.
            std::fs::rename(&current, self.folder.join(format!("{}~{first:020}.ndjson", self.stem)))?;
            made = true;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&current)?;
        mend(&mut file)?;
        file.write_all(lines.as_bytes())?;
        file.sync_data()?;
        if made {
            Open::open(&self.folder)?.sync_all()?;
        }
        Ok(())
    }

    fn is_full(&self, current: &Path, more: usize, now: Timestamp) -> io::Result<bool> {
        let metadata = std::fs::metadata(current)?;
        let made = metadata.created().or_else(|_| metadata.modified())?;
        let old = Timestamp::try_from(made).is_ok_and(|made| now.duration_since(made) > self.age);
        let length = metadata.len();
        Ok(length > 0 && (old || length.saturating_add(more as u64) > self.length))
    }
}

/// Cuts off a line that does not end.
fn mend(file: &mut Open) -> io::Result<()> {
    const PIECE: u64 = 4096;
    let mut end = file.metadata()?.len();
    let whole = end;
    while end > 0 {
        let start = end.saturating_sub(PIECE);
        file.seek(SeekFrom::Start(start))?;
        let mut piece = Vec::new();
        io::Read::take(&mut *file, end - start).read_to_end(&mut piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < whole { file.set_len(end) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &Path, length: u64, minutes: i64) -> Place {
        let age = jiff::SignedDuration::from_mins(minutes);
        Place { folder: folder.join("events"), stem: "s-one".into(), length, age }
    }

    fn files(place: &Place) -> Vec<(String, String)> {
        let mut found: Vec<_> = std::fs::read_dir(&place.folder)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                (path.file_name().unwrap().to_str().unwrap().into(), std::fs::read_to_string(&path).unwrap())
            })
            .collect();
        found.sort();
        found
    }

    fn now() -> Timestamp {
        let directory = tempfile::tempdir().unwrap();
        let made = std::fs::metadata(directory.path()).unwrap().created().unwrap();
        Timestamp::try_from(made).unwrap()
    }

    #[test]
    fn a_file_is_closed_when_it_is_long_or_old() {
        let directory = tempfile::tempdir().unwrap();
        let place = place(directory.path(), 10, 5);
        let now = now();
        place.write("one\n", 1, now).unwrap();
        place.write("two\n", 2, now).unwrap();
        place.write("three\n", 3, now).unwrap();
        let later = now + jiff::SignedDuration::from_mins(6);
        place.write("4\n", 4, later).unwrap();
        let told = [
            ("s-one.ndjson", "4\n"),
            ("s-one~00000000000000000003.ndjson", "one\ntwo\n"),
            ("s-one~00000000000000000004.ndjson", "three\n"),
        ];
        assert_eq!(files(&place), told.map(|(name, text)| (name.to_owned(), text.to_owned())));
        place.write("longer than a file may be\n", 5, now).unwrap();
        assert_eq!(files(&place).len(), 4);
    }

    #[test]
    fn half_a_line_is_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let place = place(directory.path(), 1 << 20, 5);
        let now = now();
        place.write("one\n", 1, now).unwrap();
        for rest in ["{\"half".to_owned(), "x".repeat(10_000), String::new()] {
            let mut file = OpenOptions::new().append(true).open(place.current()).unwrap();
            file.write_all(rest.as_bytes()).unwrap();
            place.write("two\n", 2, now).unwrap();
        }
        assert_eq!(files(&place)[0].1, "one\ntwo\ntwo\ntwo\n");
        std::fs::write(place.current(), "x".repeat(10_000)).unwrap();
        place.write("one\n", 1, now).unwrap();
        assert_eq!(files(&place)[0].1, "one\n");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("events"), "a file").unwrap();
        assert!(place(directory.path(), 10, 5).write("one\n", 1, now()).is_err());
    }
}
