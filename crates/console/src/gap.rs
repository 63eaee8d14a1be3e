//! A loss that is known: where, how much, why.

pub use crate::frame::GapReason;
use crate::offset::Offset;
use serde::{Deserialize, Serialize};

/// Missing bytes. They keep their addresses: what follows stands at `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Address of the first missing byte.
    pub start: Offset,
    /// How many are missing. `None`: it cannot be known, and no addresses are used up.
    pub length: Option<u64>,
    /// Why.
    pub reason: GapReason,
}

impl Gap {
    /// A loss of exactly `length` bytes.
    pub const fn exact(start: Offset, length: u64, reason: GapReason) -> Self {
        Self { start, length: Some(length), reason }
    }

    /// A loss that nobody could count.
    pub const fn unknown(start: Offset, reason: GapReason) -> Self {
        Self { start, length: None, reason }
    }

    /// Address of the first byte after the gap.
    pub fn end(&self) -> Offset {
        self.start.plus(self.length.unwrap_or(0))
    }

    /// Whether the byte at `at` is one of the missing ones.
    pub fn covers(&self, at: Offset) -> bool {
        self.start <= at && at < self.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gap_covers() {
        let gap = Gap::exact(Offset(10), 5, GapReason::Expired);
        for (at, expected) in [(9, false), (10, true), (14, true), (15, false)] {
            assert_eq!(gap.covers(Offset(at)), expected, "at {at}");
        }
        let unknown = Gap::unknown(Offset(10), GapReason::Detached);
        assert!(!unknown.covers(Offset(10)));
        assert_eq!(unknown.end(), Offset(10));
    }
}
