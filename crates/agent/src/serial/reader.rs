//! Reading by address: what a place in a port's life shows now. Readers pull; nothing is kept for them.

use super::port::Port;
use super::spool::read_at;
use super::{SerialError, lock};
use bytes::Bytes;
use hardline_console::gap::{Gap, GapReason};
use hardline_console::offset::Offset;
use std::sync::Arc;

/// Bytes so far behind the end may have to come from the disk: they are read off the async threads.
const COLD: u64 = 1 << 20;

/// Where a reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Address of the next byte wanted.
    pub at: u64,
    /// Marks with smaller numbers have been told.
    pub mark: u64,
}

/// What is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Bytes from the place on; never empty.
    Data(Bytes),
    /// Missing bytes from the place on, or a mark there.
    Gap {
        /// Which.
        gap: Gap,
        /// When it was found, microseconds since 1970; 0: unknown.
        time_us: i64,
        /// The mark to remember.
        mark: u64,
    },
    /// Nothing has been printed there yet.
    NotYet,
}

impl Place {
    /// At an address; marks there or after are told.
    pub fn at(at: u64) -> Self {
        Self { at, mark: 0 }
    }

    /// The place after a piece.
    pub fn pass(&mut self, piece: &Piece) {
        match piece {
            Piece::Data(bytes) => self.at += bytes.len() as u64,
            Piece::Gap { gap, mark, .. } => {
                self.at = self.at.max(gap.end().0);
                self.mark = self.mark.max(*mark);
            }
            Piece::NotYet => {}
        }
    }
}

/// What to do without the lock.
enum Plan {
    Done(Piece),
    File { file: Arc<std::fs::File>, position: u64, length: usize },
}

impl Port {
    /// Up to `max` bytes at a place, or why there are none. `shared`: through the bytes that viewers share.
    pub(super) async fn read(
        self: &Arc<Self>,
        place: Place,
        max: usize,
        shared: bool,
    ) -> Result<Piece, SerialError> {
        match self.plan(place, max, shared) {
            Plan::Done(piece) => Ok(piece),
            Plan::File { file, position, length } => {
                let read = if self.end_offset().saturating_sub(place.at) > COLD {
                    tokio::task::spawn_blocking(move || read_at(&file, position, length)).await
                } else {
                    Ok(read_at(&file, position, length))
                };
                Ok(self.finish(place, read.unwrap_or_else(|e| Err(std::io::Error::other(e))), length, shared))
            }
        }
    }

    /// As [`Port::read`], for a thread that may wait for the disk.
    pub(super) fn read_blocking(self: &Arc<Self>, place: Place, max: usize) -> Piece {
        match self.plan(place, max, false) {
            Plan::Done(piece) => piece,
            Plan::File { file, position, length } => {
                self.finish(place, read_at(&file, position, length), length, false)
            }
        }
    }

    /// The newest mark: a reader that begins now has been told of all before.
    pub(super) fn mark_now(&self) -> u64 {
        lock(&self.inner).next_mark
    }

    fn plan(&self, place: Place, max: usize, shared: bool) -> Plan {
        let Place { at, mark } = place;
        let mut inner = lock(&self.inner);
        let end = self.end_offset();
        let gap = |gap, time_us, mark| Plan::Done(Piece::Gap { gap, time_us, mark });
        if at < inner.kept && at < end {
            return gap(Gap::exact(Offset(at), inner.kept.min(end) - at, GapReason::Expired), 0, 0);
        }
        let mut limit = end;
        for lost in &inner.lost {
            if lost.gap.covers(Offset(at)) {
                let rest = Gap { start: Offset(at), length: Some(lost.gap.end().0 - at), ..lost.gap };
                return gap(rest, lost.time_us, 0);
            }
            let start = lost.gap.start.0;
            if start == at && lost.gap.length.is_none() && lost.mark >= mark {
                return gap(lost.gap, lost.time_us, lost.mark + 1);
            }
            if start > at {
                limit = limit.min(start);
                break;
            }
        }
        if at >= limit {
            return Plan::Done(Piece::NotYet);
        }
        let max = max.min(usize::try_from(limit - at).unwrap_or(usize::MAX));
        if shared
            && let Some(ring) = &inner.ring
            && let Ok(bytes) = ring.read(Offset(at), max)
        {
            return Plan::Done(Piece::Data(bytes));
        }
        match inner.spools.find(at) {
            Some((Ok(file), position, spool_end)) => {
                let length = max.min(usize::try_from(spool_end - at).unwrap_or(usize::MAX));
                Plan::File { file, position, length }
            }
            Some((Err(error), _, spool_end)) => {
                tracing::warn!(vm = %self.vm_id, port = self.number, %error, "a spool cannot be read");
                gap(Gap::exact(Offset(at), spool_end.min(limit) - at, GapReason::SpoolLost), 0, 0)
            }
            None => gap(Gap::exact(Offset(at), limit - at, GapReason::SpoolLost), 0, 0),
        }
    }

    fn finish(&self, place: Place, read: std::io::Result<Vec<u8>>, length: usize, shared: bool) -> Piece {
        let bytes = read.unwrap_or_default();
        let mut inner = lock(&self.inner);
        if place.at < inner.kept {
            // Given back while it was read: it may be zeros.
            let gap = Gap::exact(Offset(place.at), inner.kept - place.at, GapReason::Expired);
            return Piece::Gap { gap, time_us: 0, mark: 0 };
        }
        if bytes.is_empty() {
            let gap = Gap::exact(Offset(place.at), length as u64, GapReason::SpoolLost);
            return Piece::Gap { gap, time_us: 0, mark: 0 };
        }
        let bytes = Bytes::from(bytes);
        if shared
            && let Some(ring) = &mut inner.ring
            && ring.end().0 <= place.at
            && place.at + bytes.len() as u64 == self.end_offset()
        {
            // The first viewer to read the newest bytes reads them for all.
            if ring.end().0 < place.at {
                ring.restart(Offset(place.at));
            }
            ring.push_shared(bytes.clone());
        }
        Piece::Data(bytes)
    }
}
