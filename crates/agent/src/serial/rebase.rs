//! When the server has bytes of a port that this host never told it about: the host's disk went back in time, or the
//! port's directory was lost.
//!
//! ```text
//!   server   0 ────────────────────── to
//!   host     0 ──── told ── new            bytes from `told` on are other bytes than the server's
//!   after    0 ──── told ~~~~ lost ~~ to ── new
//! ```
//!
//! Addresses that the server has seen are never used for other bytes: what this host has not told moves behind them.

use super::port::Port;
use super::state::Inner;
use super::timeline::Item;
use hardline_console::gap::{Gap, GapReason};
use hardline_console::offset::Offset;
use hardline_console::ring::Ring;
use hardline_console::segment::Sealer;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Port {
    /// Moves everything from `inner.told` on to `to` and later. Blocks.
    pub(super) fn rebase(self: &Arc<Self>, inner: &mut Inner, to: u64, now: i64) {
        let (from, end) = (inner.told, self.end_offset());
        tracing::warn!(vm = %self.vm_id, port = self.number, from, to, "the server has more of this port than this host told it");
        self.close(inner, now);
        let by = to - from;
        inner.spools.shift(from, by);
        inner.timeline.shift(from, by);
        for lost in &mut inner.lost {
            if lost.gap.start.0 >= from {
                lost.gap.start = lost.gap.start.plus(by);
            }
        }
        inner.add_lost(Gap::exact(Offset(from), by, GapReason::SpoolLost), now);
        let end = end + by;
        inner.sealer = Sealer::new(Offset(end));
        inner.synced = if inner.synced > from { inner.synced + by } else { inner.synced.max(to) };
        inner.told = to;
        if let Some(ring) = &mut inner.ring {
            **ring = Ring::new(Offset(end), super::viewer::RING);
        }
        self.checkpoint.store(0, Ordering::Release);
        let _ = std::fs::remove_file(self.dir.join("screen"));
        self.end.store(end, Ordering::Release);
        let records = inner.records();
        if let Err(error) = inner.journal.rewrite(&records) {
            tracing::error!(vm = %self.vm_id, port = self.number, %error, "moved addresses could not be recorded");
        }
        self.changed.notify_waiters();
    }
}

impl Item {
    /// This item, split where the address `from` is inside it, its part from there on moved.
    pub(super) fn shifted(self, from: u64, by: u64) -> (Self, Option<Self>) {
        match self {
            Self::Sealed { mut segment, captured } => {
                if segment.start.0 >= from {
                    segment.start = segment.start.plus(by);
                    (Self::Sealed { segment, captured }, None)
                } else if segment.end().0 <= from {
                    (Self::Sealed { segment, captured }, None)
                } else {
                    let mut rest = segment;
                    rest.start = Offset(from + by);
                    rest.length = segment.end().0 - from;
                    segment.length -= rest.length;
                    (Self::Sealed { segment, captured }, Some(Self::Sealed { segment: rest, captured }))
                }
            }
            Self::Mark { start, reason, time_us } => {
                (Self::Mark { start: if start >= from { start + by } else { start }, reason, time_us }, None)
            }
            Self::Boot { start, boot_id, cause, time_us } => (
                Self::Boot { start: if start >= from { start + by } else { start }, boot_id, cause, time_us },
                None,
            ),
        }
    }
}
