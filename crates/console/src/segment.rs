//! Sealed pieces: which bytes become one durable object, and when.
//!
//! ```text
//!            append                      1 MiB full | 1 s quiet | 10 s old | asked
//!   empty ────────────> open [start..) ────────────────────────────────────────────> Segment, empty again
//! ```

use crate::offset::Offset;
use serde::{Deserialize, Serialize};

/// When an open piece is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealPolicy {
    /// Largest piece, bytes.
    pub max_bytes: u64,
    /// Closed after so much silence, microseconds.
    pub quiet_us: i64,
    /// Closed at this age in any case, microseconds.
    pub age_us: i64,
}

impl Default for SealPolicy {
    fn default() -> Self {
        Self { max_bytes: 1 << 20, quiet_us: 1_000_000, age_us: 10_000_000 }
    }
}

/// A piece of a port's output that will not change any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Address of its first byte.
    pub start: Offset,
    /// Bytes; never 0.
    pub length: u64,
    /// When the first byte was seen, microseconds since 1970.
    pub first_us: i64,
    /// When the piece was closed, microseconds since 1970.
    pub sealed_us: i64,
}

impl Segment {
    /// Address of the first byte after it.
    pub fn end(&self) -> Offset {
        self.start.plus(self.length)
    }
}

/// The open piece of a port. Time is told to it; bytes are only counted.
#[derive(Clone, Copy, Debug)]
pub struct Sealer {
    start: Offset,
    length: u64,
    first_us: i64,
    last_us: i64,
}

impl Sealer {
    /// Nothing open; the next byte has the address `at`.
    pub const fn new(at: Offset) -> Self {
        Self { start: at, length: 0, first_us: 0, last_us: 0 }
    }

    /// Address of the open piece's first byte.
    pub const fn start(&self) -> Offset {
        self.start
    }

    /// Address of the next byte.
    pub const fn end(&self) -> Offset {
        self.start.plus(self.length)
    }

    /// Whether no byte waits to be sealed.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// `length` more bytes came. Every piece that became full is handed to `sealed`.
    pub fn append(
        &mut self,
        mut length: u64,
        now_us: i64,
        policy: &SealPolicy,
        mut sealed: impl FnMut(Segment),
    ) {
        while length > 0 {
            if self.length == 0 {
                self.first_us = now_us;
            }
            self.last_us = now_us;
            let taken = length.min(policy.max_bytes.saturating_sub(self.length)).max(1);
            self.length += taken;
            length -= taken;
            if self.length >= policy.max_bytes
                && let Some(segment) = self.seal(now_us)
            {
                sealed(segment);
            }
        }
    }

    /// Closes the piece if it has been quiet for long enough or is old enough. A clock that was set back closes it too.
    pub fn due(&mut self, now_us: i64, policy: &SealPolicy) -> Option<Segment> {
        let quiet = now_us.saturating_sub(self.last_us);
        let age = now_us.saturating_sub(self.first_us);
        (quiet >= policy.quiet_us || age >= policy.age_us || quiet < 0).then(|| self.seal(now_us)).flatten()
    }

    /// Closes the piece now. None when nothing is open.
    pub fn seal(&mut self, now_us: i64) -> Option<Segment> {
        if self.length == 0 {
            return None;
        }
        let segment = Segment {
            start: self.start,
            length: self.length,
            first_us: self.first_us,
            sealed_us: now_us.max(self.first_us),
        };
        *self = Self::new(self.end());
        Some(segment)
    }

    /// Leaves out the addresses up to `at` (a gap stands there). What was open must have been sealed before.
    pub fn skip_to(&mut self, at: Offset) {
        if self.length == 0 && at > self.start {
            self.start = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: SealPolicy = SealPolicy { max_bytes: 100, quiet_us: 10, age_us: 50 };

    fn append(sealer: &mut Sealer, length: u64, now: i64) -> Vec<(u64, u64)> {
        let mut pieces = Vec::new();
        sealer.append(length, now, &POLICY, |s| pieces.push((s.start.0, s.length)));
        pieces
    }

    #[test]
    fn full_quiet_old_and_asked() {
        let mut sealer = Sealer::new(Offset(7));
        assert_eq!(append(&mut sealer, 250, 0), [(7, 100), (107, 100)]);
        assert_eq!(sealer.due(9, &POLICY), None);
        let quiet = sealer.due(10, &POLICY).unwrap();
        assert_eq!((quiet.start, quiet.length, quiet.first_us, quiet.sealed_us), (Offset(207), 50, 0, 10));
        assert_eq!(sealer.due(1000, &POLICY), None, "nothing open");

        for now in (1000..1049).step_by(8) {
            assert_eq!(append(&mut sealer, 1, now), []);
            assert_eq!(sealer.due(now, &POLICY), None);
        }
        assert_eq!(sealer.due(1050, &POLICY).unwrap().length, 7, "old");

        append(&mut sealer, 3, 2000);
        assert_eq!(sealer.seal(2000).unwrap().end(), sealer.end());
        sealer.skip_to(Offset(500));
        assert_eq!(sealer.end(), Offset(500));
    }

    #[test]
    fn a_clock_set_back_does_not_keep_a_piece_open() {
        let mut sealer = Sealer::new(Offset::ZERO);
        append(&mut sealer, 3, 1_000);
        let segment = sealer.due(5, &POLICY).unwrap();
        assert!(segment.sealed_us >= segment.first_us);
    }

    proptest! {
        #[test]
        fn pieces_are_contiguous_and_bounded(steps in proptest::collection::vec((0u64..400, 0i64..30), 0..60)) {
            let (mut sealer, mut now, mut total) = (Sealer::new(Offset::ZERO), 0, 0);
            let mut pieces = Vec::new();
            for (length, wait) in steps {
                now += wait;
                pieces.extend(sealer.due(now, &POLICY));
                sealer.append(length, now, &POLICY, |s| pieces.push(s));
                total += length;
            }
            pieces.extend(sealer.seal(now));
            let mut at = Offset::ZERO;
            for piece in pieces {
                prop_assert_eq!(piece.start, at);
                prop_assert!(piece.length >= 1 && piece.length <= POLICY.max_bytes);
                at = piece.end();
            }
            prop_assert_eq!(at, Offset(total));
        }
    }
}
