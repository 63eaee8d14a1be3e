//! The state of a port that changes together, and how the journal rebuilds it.

use super::journal::{Journal, Record};
use super::spool::Spools;
use super::timeline::{Item, Timeline};
use hardline_console::gap::{Gap, GapReason};
use hardline_console::offset::Offset;
use hardline_console::ring::Ring;
use hardline_console::segment::{SealPolicy, Sealer, Segment};
use inotify::WatchDescriptor;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// What is only looked at under the lock.
pub(super) struct Inner {
    pub spools: Spools,
    pub journal: Journal,
    pub sealer: Sealer,
    pub timeline: Timeline,
    /// Missing bytes among those still kept, and marks, by address.
    pub lost: Vec<Lost>,
    /// Number of the next mark.
    pub next_mark: u64,
    /// The server has everything before this.
    pub stored: u64,
    /// Nothing before this is kept.
    pub kept: u64,
    /// Everything before this is on the disk.
    pub synced: u64,
    /// The server can have bytes before this from this host; what it has beyond is not ours.
    pub told: u64,
    /// Boot diagnostics are enabled.
    pub capture: bool,
    /// We are the reader and write the spool ourselves.
    pub live: bool,
    /// The newest bytes, while somebody watches.
    pub ring: Option<Box<Ring>>,
    /// Where each viewer is.
    pub viewers: Vec<Arc<AtomicU64>>,
    pub watch: Option<WatchDescriptor>,
    /// An episode of a full disk, in which exact losses were counted or a mark was made.
    pub full: bool,
}

/// A loss.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lost {
    pub gap: Gap,
    pub time_us: i64,
    /// Rises; a reader that has been told of a mark remembers it.
    pub mark: u64,
}

impl Inner {
    /// Nothing printed, nothing told.
    pub(super) fn new(root: &Path, journal: Journal) -> Self {
        Self {
            spools: Spools::new(root),
            journal,
            sealer: Sealer::new(Offset::ZERO),
            timeline: Timeline::default(),
            lost: Vec::new(),
            next_mark: 1,
            stored: 0,
            kept: 0,
            synced: 0,
            told: 0,
            capture: true,
            live: false,
            ring: None,
            viewers: Vec::new(),
            watch: None,
            full: false,
        }
    }

    /// Rebuilds the state from the journal; gives the first address that is certainly unused.
    pub(super) fn replay(&mut self, records: Vec<Record>, now: i64) -> u64 {
        let mut known = 0u64;
        let mut pieces: Vec<Item> = Vec::new();
        for record in records {
            match record {
                Record::Spool { base, from, path } => {
                    self.spools.push(base, from, path);
                    known = known.max(base);
                }
                Record::Dropped { base } => self.spools.forget(base),
                Record::Sealed { segment, captured } => {
                    known = known.max(segment.end().0);
                    if let Some(Item::Sealed { segment: last, .. }) = pieces.last_mut()
                        && last.start == segment.start
                    {
                        *last = segment;
                    } else {
                        pieces.push(Item::Sealed { segment, captured });
                    }
                }
                Record::Lost { start, length, reason, time_us } => {
                    let gap = Gap { start: Offset(start), length, reason: GapReason::parse(&reason) };
                    known = known.max(gap.end().0);
                    if length.is_none() {
                        pieces.push(Item::Mark { start, reason: gap.reason, time_us });
                    }
                    self.add_lost(gap, time_us);
                }
                Record::Boot { start, boot_id, cause, time_us } => {
                    pieces.push(Item::Boot { start, boot_id, cause, time_us });
                }
                Record::Stored(at) => self.stored = self.stored.max(at),
                Record::Expired(at) => self.kept = self.kept.max(at),
                Record::Capture(on) => self.capture = on,
            }
        }
        let sealed = pieces
            .iter()
            .filter_map(|p| if let Item::Sealed { segment, .. } = p { Some(segment.end().0) } else { None });
        let first = self.spools.iter().next().map_or(0, |s| s.base);
        let sealed = sealed.max().unwrap_or(0).max(self.stored).max(first);
        known = known.max(sealed);
        pieces.into_iter().for_each(|item| self.timeline.push(item));
        self.timeline.acknowledge(self.stored);
        self.timeline.expire(self.kept);
        self.timeline.settle();
        self.spools.stretch(known);
        self.kept = self.kept.max(first);
        self.sealer = Sealer::new(Offset(sealed));
        if known > sealed {
            self.sealer.append(
                known - sealed,
                now,
                &SealPolicy { max_bytes: u64::MAX, ..SealPolicy::default() },
                |_| {},
            );
        }
        known
    }

    /// What the journal must say so that [`Inner::replay`] gives this state.
    pub(super) fn records(&self) -> Vec<Record> {
        let mut records: Vec<Record> = self
            .spools
            .iter()
            .map(|s| Record::Spool { base: s.base, from: s.from, path: s.path.clone() })
            .collect();
        records.extend([
            Record::Stored(self.stored),
            Record::Expired(self.kept),
            Record::Capture(self.capture),
        ]);
        records.extend(self.timeline.iter().map(|item| match item {
            Item::Sealed { segment, captured } => Record::Sealed { segment: *segment, captured: *captured },
            Item::Mark { start, reason, time_us } => {
                Record::lost(&Gap::unknown(Offset(*start), *reason), *time_us)
            }
            Item::Boot { start, boot_id, cause, time_us } => Record::Boot {
                start: *start,
                boot_id: boot_id.clone(),
                cause: cause.clone(),
                time_us: *time_us,
            },
        }));
        records.extend(
            self.lost.iter().filter(|l| l.gap.length.is_some()).map(|l| Record::lost(&l.gap, l.time_us)),
        );
        records
    }

    pub(super) fn record(&mut self, segment: Segment) {
        let captured = self.capture;
        let segment = self.timeline.seal(segment, captured).unwrap_or(segment);
        self.journal.append(&Record::Sealed { segment, captured });
    }

    pub(super) fn add_lost(&mut self, gap: Gap, time_us: i64) {
        // A longer version of the last one replaces it.
        self.lost.retain(|l| l.gap.start != gap.start || l.gap.length.is_none() || gap.length.is_none());
        let at = self.lost.partition_point(|l| l.gap.start <= gap.start);
        self.lost.insert(at, Lost { gap, time_us, mark: self.next_mark });
        self.next_mark += 1;
    }
}

impl Record {
    pub(super) fn lost(gap: &Gap, time_us: i64) -> Self {
        Self::Lost { start: gap.start.0, length: gap.length, reason: gap.reason.name().to_owned(), time_us }
    }
}
