//! The newest bytes of a port in memory, by address: what many viewers share instead of a queue each.

use crate::gap::{Gap, GapReason};
use crate::offset::Offset;
use bytes::Bytes;
use std::collections::VecDeque;

/// Pieces smaller than this are gathered in one buffer, so that a UART's single bytes do not cost an allocation each.
const GATHER: usize = 4 << 10;

/// Why a read gave no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// They are no longer here: `[start, start + length)` fell out. They may still be on the disk.
    FellOut(Gap),
    /// They have not been printed yet.
    NotYet,
}

/// A bounded history with absolute addresses. Reading never removes anything: any number of readers share it.
#[derive(Clone, Debug)]
pub struct Ring {
    /// Whole pieces with their addresses, oldest first.
    chunks: VecDeque<(Offset, Bytes)>,
    /// The newest bytes, not yet a piece of their own; they begin at `tail_start`.
    tail: Vec<u8>,
    tail_start: Offset,
    held: usize,
    limit: usize,
}

impl Ring {
    /// An empty ring of at most `limit` bytes (and one piece more); the next byte has the address `at`.
    pub fn new(at: Offset, limit: usize) -> Self {
        Self { chunks: VecDeque::new(), tail: Vec::new(), tail_start: at, held: 0, limit: limit.max(1) }
    }

    /// Address of the oldest byte held.
    pub fn start(&self) -> Offset {
        self.chunks.front().map_or(self.tail_start, |(start, _)| *start)
    }

    /// Address of the next byte.
    pub fn end(&self) -> Offset {
        self.tail_start.plus(self.tail.len() as u64)
    }

    /// Bytes held.
    pub fn len(&self) -> usize {
        self.held
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Adds bytes that follow those held.
    pub fn push(&mut self, bytes: &[u8]) {
        if bytes.len() >= GATHER {
            self.push_shared(Bytes::copy_from_slice(bytes));
            return;
        }
        if self.tail.len() + bytes.len() > GATHER {
            self.freeze();
        }
        self.tail.extend_from_slice(bytes);
        self.held += bytes.len();
        self.evict();
    }

    /// Adds a piece that is shared, not copied.
    pub fn push_shared(&mut self, bytes: Bytes) {
        self.freeze();
        self.held += bytes.len();
        let start = self.tail_start;
        self.tail_start = start.plus(bytes.len() as u64);
        if !bytes.is_empty() {
            self.chunks.push_back((start, bytes));
        }
        self.evict();
    }

    /// Forgets everything; the next byte has the address `at`.
    pub fn restart(&mut self, at: Offset) {
        *self = Self::new(at, self.limit);
    }

    /// Up to `max` bytes from `at` on; at least one.
    pub fn read(&self, at: Offset, max: usize) -> Result<Bytes, Missing> {
        if at >= self.end() {
            return Err(Missing::NotYet);
        }
        if at < self.start() {
            return Err(Missing::FellOut(Gap::exact(at, self.start().since(at), GapReason::ViewerSlow)));
        }
        if at >= self.tail_start {
            let from = usize::try_from(at.since(self.tail_start)).unwrap_or(usize::MAX);
            let piece = self.tail.get(from..).unwrap_or_default();
            return Ok(Bytes::copy_from_slice(piece.get(..max.max(1)).unwrap_or(piece)));
        }
        let index = self.chunks.partition_point(|(start, _)| *start <= at).saturating_sub(1);
        let Some((start, chunk)) = self.chunks.get(index) else { return Err(Missing::NotYet) };
        let from = usize::try_from(at.since(*start)).unwrap_or(usize::MAX).min(chunk.len());
        let to = from.saturating_add(max.max(1)).min(chunk.len());
        Ok(chunk.slice(from..to))
    }

    fn freeze(&mut self) {
        if !self.tail.is_empty() {
            let piece = Bytes::copy_from_slice(&self.tail);
            self.chunks.push_back((self.tail_start, piece));
            self.tail_start = self.end();
            self.tail.clear();
        }
    }

    fn evict(&mut self) {
        // The newest piece always stays: a piece larger than the limit can still be read once by all.
        while self.held > self.limit && (self.chunks.len() > 1 || !self.tail.is_empty()) {
            let Some((_, oldest)) = self.chunks.pop_front() else { break };
            self.held -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fell_out_is_told() {
        let mut ring = Ring::new(Offset(100), 10);
        assert_eq!(ring.read(Offset(100), 1), Err(Missing::NotYet));
        ring.push_shared(Bytes::from_static(b"0123456"));
        ring.push_shared(Bytes::from_static(b"789abcd"));
        assert_eq!(ring.start(), Offset(107));
        assert_eq!(
            ring.read(Offset(103), 9),
            Err(Missing::FellOut(Gap::exact(Offset(103), 4, GapReason::ViewerSlow)))
        );
        assert_eq!(ring.read(Offset(108), 3).unwrap(), "89a");
        assert_eq!(ring.read(Offset(113), 3).unwrap(), "d");
        ring.restart(Offset(200));
        assert_eq!((ring.start(), ring.end(), ring.len()), (Offset(200), Offset(200), 0));
    }

    proptest! {
        #[test]
        fn it_is_a_window_on_the_stream(
            pieces in proptest::collection::vec((1usize..9000, any::<bool>()), 1..30),
            limit in 1usize..40_000,
            max in 1usize..10_000,
        ) {
            let mut ring = Ring::new(Offset::ZERO, limit);
            let mut all = Vec::new();
            for (length, shared) in pieces {
                let piece: Vec<u8> = (0..length).map(|i| ((all.len() + i) % 251) as u8).collect();
                if shared { ring.push_shared(Bytes::from(piece.clone())) } else { ring.push(&piece) }
                all.extend(piece);
                prop_assert_eq!(ring.end(), Offset(all.len() as u64));
                prop_assert!(ring.len() <= limit + 9000);
                prop_assert_eq!(ring.len() as u64, ring.end().since(ring.start()));
            }
            let mut at = ring.start();
            while at < ring.end() {
                let got = ring.read(at, max).unwrap();
                let from = at.0 as usize;
                prop_assert!(!got.is_empty() && got.len() <= max);
                prop_assert_eq!(&got[..], &all[from..from + got.len()]);
                at = at.plus(got.len() as u64);
            }
        }
    }
}
