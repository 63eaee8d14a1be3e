//! The screen of a port: built when somebody looks, from a checkpoint on the disk and the bytes after it.
//!
//! A checkpoint is a snapshot and its address in a small file. It is brought up to date now and then, within a budget of
//! all ports together, because a terminal costs a hundred times more per byte than capture does.

use super::port::Port;
use super::reader::{Piece, Place};
use super::{SerialError, lock};
use hardline_console::screen::{Screen, Size};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A checkpoint further behind than this is left aside, bytes.
pub(super) const BEHIND: u64 = 4 << 20;
/// Without a checkpoint, the screen is built from so many last bytes.
const REBUILD: u64 = 1 << 20;
/// Read at once, bytes.
const STEP: usize = 256 << 10;

/// The screen in memory, while somebody watches.
#[derive(Default)]
pub(super) struct Viewed {
    screen: Option<Box<Screen>>,
    place: Option<Place>,
    /// Asked for by a viewer; kept over rebuilding.
    size: Option<Size>,
}

/// A screen, complete up to an address.
pub(super) struct Snapshot {
    /// Output goes on from here.
    pub place: Place,
    /// Its size.
    pub size: Size,
    /// Replay into an empty terminal.
    pub data: Vec<u8>,
}

/// First line of a checkpoint file; the snapshot follows.
#[derive(Serialize, Deserialize)]
struct Head {
    at: u64,
    cols: u16,
    rows: u16,
    length: u64,
    sum: u64,
}

impl Port {
    /// The screen as it is now. Blocks.
    pub(super) fn snapshot(self: &Arc<Self>) -> Result<Snapshot, SerialError> {
        self.check_ended()?;
        let mut viewed = lock(&self.viewed);
        self.catch_up(&mut viewed);
        let (Some(screen), Some(place)) = (&viewed.screen, viewed.place) else {
            return Err(SerialError::Ended);
        };
        Ok(Snapshot { place, size: screen.size(), data: screen.snapshot() })
    }

    /// Changes the screen's size. Blocks.
    pub(super) fn resize(self: &Arc<Self>, size: Size) -> Result<(), SerialError> {
        self.check_ended()?;
        let mut viewed = lock(&self.viewed);
        self.catch_up(&mut viewed);
        viewed.size = Some(size);
        if let Some(screen) = &mut viewed.screen {
            screen.resize(size);
        }
        Ok(())
    }

    /// Writes a checkpoint; forgets the screen when nobody watches. Blocks.
    pub(super) fn keep_checkpoint(self: &Arc<Self>) {
        if self.ended.get().is_some() {
            return;
        }
        let mut viewed = lock(&self.viewed);
        self.catch_up(&mut viewed);
        let (Some(screen), Some(place)) = (&viewed.screen, viewed.place) else { return };
        match write_checkpoint(&self.dir, place.at, screen) {
            Ok(()) => self.checkpoint.store(place.at, Ordering::Release),
            Err(error) => {
                tracing::warn!(vm = %self.vm_id, port = self.number, %error, "the screen was not kept")
            }
        }
        if lock(&self.inner).viewers.is_empty() {
            viewed.screen = None;
            viewed.place = None;
        }
    }

    /// Feeds the screen everything printed since it was last looked at.
    fn catch_up(self: &Arc<Self>, viewed: &mut Viewed) {
        let kept = lock(&self.inner).kept;
        let end = self.end_offset();
        let usable = |at: u64| at >= kept && at <= end && end - at <= BEHIND;
        if !viewed.place.is_some_and(|place| usable(place.at)) {
            viewed.screen = None;
        }
        let (mut screen, mut place) = match (viewed.screen.take(), viewed.place) {
            (Some(screen), Some(place)) => (screen, place),
            _ => self.rebuild(viewed.size, &usable, end.saturating_sub(REBUILD).max(kept)),
        };
        // Up to the end as it was: a guest that prints without end must not keep us here.
        while place.at < end {
            let piece = self.read_blocking(place, STEP);
            match &piece {
                Piece::Data(bytes) => screen.feed(bytes),
                Piece::Gap { .. } => screen.skip_gap(),
                Piece::NotYet => break,
            }
            place.pass(&piece);
        }
        place.mark = self.mark_now();
        viewed.size = Some(screen.size());
        viewed.screen = Some(screen);
        viewed.place = Some(place);
    }

    fn rebuild(
        self: &Arc<Self>,
        size: Option<Size>,
        usable: &dyn Fn(u64) -> bool,
        from: u64,
    ) -> (Box<Screen>, Place) {
        if let Some((at, mut screen)) = read_checkpoint(&self.dir)
            && usable(at)
        {
            if let Some(size) = size {
                screen.resize(size);
            }
            return (Box::new(screen), Place::at(at));
        }
        let mut place = Place::at(from);
        if from > 0
            && let Piece::Data(bytes) = self.read_blocking(place, 4096)
            && let Some(line) = bytes.iter().position(|b| *b == b'\n')
        {
            // Not in the middle of a line or a control sequence.
            place.at += line as u64 + 1;
        }
        (Box::new(Screen::new(size.unwrap_or(Size::DEFAULT))), place)
    }
}

/// End of the checkpoint in a port's directory; 0 without one. Blocks.
pub(super) fn checkpoint_end(dir: &Path) -> u64 {
    read_checkpoint(dir).map_or(0, |(at, _)| at)
}

fn write_checkpoint(dir: &Path, at: u64, screen: &Screen) -> std::io::Result<()> {
    let data = screen.snapshot();
    let Size { cols, rows } = screen.size();
    let head = Head { at, cols, rows, length: data.len() as u64, sum: sum(&data) };
    let mut bytes = serde_json::to_vec(&head)?;
    bytes.push(b'\n');
    bytes.extend_from_slice(&data);
    // Not synced: a checkpoint that a power cut tore is noticed by its sum, and the screen is built anew.
    let beside = dir.join("screen.new");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(beside, dir.join("screen"))
}

fn read_checkpoint(dir: &Path) -> Option<(u64, Screen)> {
    let bytes = std::fs::read(dir.join("screen")).ok()?;
    let line = bytes.iter().position(|b| *b == b'\n')?;
    let head: Head = serde_json::from_slice(bytes.get(..line)?).ok()?;
    let data = bytes.get(line + 1..)?;
    (data.len() as u64 == head.length && sum(data) == head.sum)
        .then(|| (head.at, Screen::restore(Size { cols: head.cols, rows: head.rows }, data)))
}

/// FNV-1a: against a torn file, not against an enemy.
fn sum(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}
