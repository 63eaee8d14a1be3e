//! A serial log as a blob: which stored object holds which bytes of it.
//!
//! The blob is the port's stored segments in the order of their offsets, with a line of text where bytes are missing. Rows
//! alone give every piece's place, so that a range in the middle of a large log costs the objects that it lies in.

use hardline_console::frame::{GapReason, gap_line};
use std::ops::Range;

/// A stored segment: bytes `start .. start + length` of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Offset of the first byte, over the port's life.
    pub start: u64,
    /// Bytes.
    pub length: u64,
}

/// A stretch of the port that nobody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Offset of the first missing byte.
    pub start: u64,
    /// How many; none when nobody knows.
    pub length: Option<u64>,
    /// Why.
    pub reason: GapReason,
}

/// One piece of the blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of a stored segment; the range counts from the segment's first byte.
    Bytes(Stored, Range<u64>),
    /// Text that stands for missing bytes.
    Line(String),
}

/// Every piece with its place in the blob.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pieces: Vec<(u64, Entry)>,
    length: u64,
}

#[derive(Clone, Copy, Debug)]
enum Entry {
    Stored(Stored),
    Missing(Missing),
}

impl Layout {
    /// The blob of these rows, in any order. A gap stands before the segment that starts where it starts.
    pub fn new(segments: impl IntoIterator<Item = Stored>, gaps: impl IntoIterator<Item = Missing>) -> Self {
        let mut entries: Vec<Entry> = gaps.into_iter().map(Entry::Missing).collect();
        entries.extend(segments.into_iter().map(Entry::Stored));
        entries.sort_by_key(|entry| match entry {
            Entry::Missing(gap) => (gap.start, 0),
            Entry::Stored(segment) => (segment.start, 1),
        });
        let mut layout = Self::default();
        for entry in entries {
            layout.pieces.push((layout.length, entry));
            layout.length += match entry {
                Entry::Stored(segment) => segment.length,
                Entry::Missing(gap) => line(&gap).len() as u64,
            };
        }
        layout
    }

    /// The blob's length, bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The pieces that make up `range` of the blob, in order.
    pub fn slice(&self, range: Range<u64>) -> Vec<Piece> {
        let first = self.pieces.partition_point(|(place, _)| *place <= range.start).saturating_sub(1);
        let mut out = Vec::new();
        for (place, entry) in self.pieces.iter().skip(first) {
            if *place >= range.end {
                break;
            }
            let within = |length: u64| {
                let from = range.start.saturating_sub(*place).min(length);
                from..(range.end - place).min(length).max(from)
            };
            match entry {
                Entry::Stored(segment) => out.push(Piece::Bytes(*segment, within(segment.length))),
                Entry::Missing(gap) => {
                    let text = line(gap);
                    let cut = within(text.len() as u64);
                    let cut = cut.start as usize..cut.end as usize;
                    out.push(Piece::Line(text.get(cut).unwrap_or_default().into()));
                }
            }
        }
        out.retain(|piece| match piece {
            Piece::Bytes(_, range) => !range.is_empty(),
            Piece::Line(text) => !text.is_empty(),
        });
        out
    }
}

/// The reasons' words are ASCII, so that a cut line is still text.
fn line(gap: &Missing) -> String {
    gap_line(gap.length, gap.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(start: u64, length: u64) -> Stored {
        Stored { start, length }
    }

    /// The blob's bytes in `range`, where the byte of offset n is `n % 251`.
    fn read(layout: &Layout, range: Range<u64>) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in layout.slice(range) {
            match piece {
                Piece::Bytes(segment, r) => out.extend(r.map(|n| ((segment.start + n) % 251) as u8)),
                Piece::Line(text) => out.extend(text.bytes()),
            }
        }
        out
    }

    #[test]
    fn any_range_is_a_part_of_the_whole() {
        let gaps = [
            Missing { start: 30, length: Some(70), reason: GapReason::RateLimit },
            Missing { start: 150, length: None, reason: GapReason::Detached },
        ];
        let layout = Layout::new([stored(150, 5), stored(0, 10), stored(10, 20), stored(100, 50)], gaps);
        let whole = read(&layout, 0..layout.length());
        assert_eq!(whole.len() as u64, layout.length());
        assert_eq!(whole.len(), 85 + gaps.iter().map(|g| line(g).len()).sum::<usize>());
        for start in 0..whole.len() {
            for end in start + 1..=whole.len() {
                assert_eq!(read(&layout, start as u64..end as u64), whole[start..end], "{start}..{end}");
            }
        }
    }

    #[test]
    fn the_tail_of_a_large_log_is_two_objects() {
        let layout = Layout::new((0..4096).map(|n| stored(n << 18, 1 << 18)), []);
        assert_eq!(layout.length(), 1 << 30);
        assert_eq!(layout.slice((1 << 30) - (64 << 10)..1 << 30).len(), 1);
        assert_eq!(layout.slice((1 << 30) - (300 << 10)..1 << 30).len(), 2);
    }

    #[test]
    fn an_empty_log() {
        let layout = Layout::new([], []);
        assert_eq!((layout.length(), layout.slice(0..0)), (0, vec![]));
    }
}
