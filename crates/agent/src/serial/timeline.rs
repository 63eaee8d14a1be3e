//! What the server is to be told of a port, in the order of addresses, until it has stored it.

use hardline_console::segment::Segment;
use std::collections::VecDeque;

/// Largest piece that two unoffered neighbours become, bytes.
const MERGED: u64 = 1 << 20;

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A sealed piece; what of it is missing is found out when it is read.
    Sealed {
        /// The piece.
        segment: Segment,
        /// False: told as a gap, boot diagnostics were disabled.
        captured: bool,
    },
    /// A loss without addresses.
    Mark { start: u64, reason: hardline_console::gap::GapReason, time_us: i64 },
    /// A boot.
    Boot { start: u64, boot_id: String, cause: String, time_us: i64 },
}

impl Item {
    /// Whether a server that has everything before `stored` has this too. What has no length stands at `stored` itself
    /// until the server is past it: told twice rather than never.
    fn is_stored(&self, stored: u64) -> bool {
        match self {
            Self::Sealed { segment, .. } => segment.end().0 <= stored,
            Self::Mark { start, .. } | Self::Boot { start, .. } => *start < stored,
        }
    }
}

/// The items of a port that the server has not acknowledged. Every item has a number that rises and is never reused
/// while the agent lives; a reader remembers the number of the next item it wants.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    items: VecDeque<(u64, Item)>,
    /// Number of the item that will come next.
    next: u64,
    /// Items with smaller numbers have been given to a reader: they must not change any more.
    offered: u64,
}

impl Timeline {
    /// Adds a sealed piece. What it became part of, if that is a piece that nobody has seen yet.
    pub fn seal(&mut self, piece: Segment, capture: bool) -> Option<Segment> {
        if self.offered < self.next
            && let Some((_, Item::Sealed { segment, captured })) = self.items.back_mut()
            && *captured == capture
            && segment.end() == piece.start
            && segment.length + piece.length <= MERGED
        {
            segment.length += piece.length;
            segment.sealed_us = piece.sealed_us;
            return Some(*segment);
        }
        self.push(Item::Sealed { segment: piece, captured: capture });
        None
    }

    /// Adds an item.
    pub fn push(&mut self, item: Item) {
        self.items.push_back((self.next, item));
        self.next += 1;
    }

    /// The item with this number, or the first later one, and its number. Its end must not be after `limit`.
    pub fn get(&mut self, number: u64, limit: u64) -> Option<(u64, Item)> {
        let index = self.items.partition_point(|(n, _)| *n < number);
        let (number, item) = self.items.get(index)?;
        if matches!(item, Item::Sealed { segment, .. } if segment.end().0 > limit) {
            return None;
        }
        self.offered = self.offered.max(number + 1);
        Some((*number, item.clone()))
    }

    /// Takes away what the server has stored.
    pub fn acknowledge(&mut self, stored: u64) {
        while self.items.front().is_some_and(|(_, item)| item.is_stored(stored)) {
            self.items.pop_front();
        }
    }

    /// Neighbours wholly before `expired` become one: they will be told as one gap.
    pub fn expire(&mut self, expired: u64) {
        let mut kept: VecDeque<(u64, Item)> = VecDeque::new();
        for (number, item) in self.items.drain(..) {
            if let Item::Sealed { segment, captured: true } = &item
                && segment.end().0 <= expired
                && let Some((last, Item::Sealed { segment: all, captured: true })) = kept.back_mut()
                && all.end() == segment.start
            {
                all.length += segment.length;
                all.sealed_us = segment.sealed_us;
                *last = number;
            } else {
                kept.push_back((number, item));
            }
        }
        self.items = kept;
    }

    /// Moves everything from the address `from` on; nobody has been told of it.
    pub fn shift(&mut self, from: u64, by: u64) {
        let mut moved = VecDeque::new();
        for (number, item) in self.items.drain(..) {
            let (item, rest) = item.shifted(from, by);
            moved.push_back((number, item));
            if let Some(rest) = rest {
                // Only the newest piece that was told can be cut, and only in its middle: the rest is told anew.
                moved.push_back((number, rest));
            }
        }
        // The numbers of what follows a cut rise by one.
        let mut last = None;
        for (number, _) in &mut moved {
            *number = last.map_or(*number, |last: u64| (*number).max(last + 1));
            last = Some(*number);
        }
        self.next = last.map_or(self.next, |last| self.next.max(last + 1));
        self.items = moved;
    }

    /// Everything, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().map(|(_, item)| item)
    }

    /// After a restart: what is here may have been offered.
    pub fn settle(&mut self) {
        self.offered = self.next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hardline_console::offset::Offset;

    fn piece(start: u64, length: u64) -> Segment {
        Segment { start: Offset(start), length, first_us: 0, sealed_us: 0 }
    }

    fn starts(timeline: &Timeline) -> Vec<u64> {
        timeline
            .iter()
            .map(|item| match item {
                Item::Sealed { segment, .. } => segment.start.0,
                Item::Mark { start, .. } | Item::Boot { start, .. } => *start,
            })
            .collect()
    }

    #[test]
    fn small_neighbours_merge_until_they_are_offered() {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.seal(piece(0, 10), true), None);
        assert_eq!(timeline.seal(piece(10, 10), true), Some(piece(0, 20)));
        assert_eq!(timeline.get(0, 100), Some((0, Item::Sealed { segment: piece(0, 20), captured: true })));
        assert_eq!(timeline.seal(piece(20, 10), true), None, "the first was offered");
        assert_eq!(timeline.seal(piece(30, 10), false), None, "of another kind");
        assert_eq!(starts(&timeline), [0, 20, 30]);
        assert_eq!(timeline.get(1, 25), None, "not yet on the disk");
    }

    #[test]
    fn acknowledged_items_go_and_numbers_stay() {
        let mut timeline = Timeline::default();
        timeline.push(Item::Boot { start: 0, boot_id: "a".into(), cause: "start".into(), time_us: 0 });
        timeline.seal(piece(0, 10), true);
        timeline.push(Item::Boot { start: 10, boot_id: "b".into(), cause: "reset".into(), time_us: 0 });
        timeline.acknowledge(10);
        assert_eq!(starts(&timeline), [10], "the boot at 10 may not be stored yet");
        assert_eq!(timeline.get(0, 100).unwrap().0, 2);
        timeline.acknowledge(11);
        assert_eq!((starts(&timeline), timeline.next), (vec![], 3));
    }

    #[test]
    fn expired_pieces_become_one() {
        let mut timeline = Timeline::default();
        for n in 0..5 {
            timeline.seal(piece(n * MERGED, MERGED), true);
        }
        timeline.expire(3 * MERGED + 1);
        assert_eq!(starts(&timeline), [0, 3 * MERGED, 4 * MERGED]);
        assert_eq!(
            timeline.get(0, u64::MAX).unwrap(),
            (2, Item::Sealed { segment: piece(0, 3 * MERGED), captured: true })
        );
        assert_eq!(timeline.next, 5);
    }
}
