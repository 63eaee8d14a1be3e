//! A port's log as it is read by offset: what is stored, then the live end from the host, exact at the seam.
//!
//! ```text
//!   stored rows from `next` ──> host: Read from `next` ──> end (or follow)
//!            ^                        │ the host no longer has `next`, because the store has it by now
//!            └────────────────────────┘
//! ```
//!
//! Every byte is given once: what overlaps is cut by its offset. A reader that is slow holds up nothing but its own stream;
//! at most three pieces of [`PIECE`] bytes wait for it.

use super::line::gap_reason;
use crate::auth::{Allowed, still_allowed};
use crate::hosts::vm_line;
use crate::reply::ByteStream;
use crate::state::State;
use bytes::Bytes;
use futures_util::StreamExt as _;
use hardline_agent_api::v1::{self, read_reply};
use hardline_console::frame::{GapReason, gap_line};
use hardline_store::StoreError;
use hardline_store::db::serial_logs::{self, Gap, Segment};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Longest piece, bytes.
pub const PIECE: u64 = 512 << 10;
/// Pieces that may wait for the reader.
const QUEUE: usize = 2;
/// Rows read at a time.
const PAGE: i64 = 128;
/// How long a follower waits before it looks for a host that is away.
const AWAY: Duration = Duration::from_secs(1);
/// How often a follower's right is checked.
const RIGHTS_EVERY: Duration = Duration::from_secs(15);

/// What is to be read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The machine's own id.
    pub vm_id: String,
    /// The serial port.
    pub port: u32,
    /// The first offset.
    pub from: u64,
    /// Offsets from there on; none: to the end.
    pub length: Option<u64>,
    /// Go on when the present end is reached.
    pub follow: bool,
}

/// The log's bytes; a loss is one line of text among them.
pub fn read(state: &State, allowed: &Allowed, reading: Reading) -> ByteStream {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let until = reading.length.map(|length| reading.from.saturating_add(length));
    let next = reading.from;
    let reader =
        Reader { state: state.clone(), allowed: allowed.clone(), reading, next, until, marked: None, sender };
    state.spawn(reader.run());
    ReceiverStream::new(receiver).boxed()
}

/// Where the log ends: what the host says, else what is stored.
///
/// # Errors
/// When the store fails.
pub async fn end(state: &State, vm_id: &str, port: u32, patience: Duration) -> Result<u64, StoreError> {
    let sealed = async { vm_line(state, vm_id).await.ok()?.seal(port).await.ok() };
    if let Ok(Some(end)) = tokio::time::timeout(patience, sealed).await {
        return Ok(end);
    }
    stored_end(state, vm_id, port).await
}

/// Where the stored log ends.
///
/// # Errors
/// When the store fails.
pub async fn stored_end(state: &State, vm_id: &str, port: u32) -> Result<u64, StoreError> {
    serial_logs::stored_end(&state.store, vm_id, port.into()).await.map(unsigned)
}

/// Why a reader stops early.
enum Stop {
    /// The client left, the last offset was reached, or nothing more can come.
    Done,
    Failed(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

struct Reader {
    state: State,
    allowed: Allowed,
    reading: Reading,
    /// Everything below was given.
    next: u64,
    until: Option<u64>,
    /// Where the last loss of unknown length stood: it occupies no offsets, and is told once.
    marked: Option<u64>,
    sender: mpsc::Sender<std::io::Result<Bytes>>,
}

impl Reader {
    async fn run(mut self) {
        let gone = self.sender.clone();
        let work = async {
            let Err(stop) = self.work().await else { return };
            if let Stop::Failed(error) = stop {
                tracing::error!(error = &error as &dyn std::error::Error, vm = %self.reading.vm_id,
                    "a serial log could not be read to its end");
                // The client must not take this for the log's end.
                let _ = self.sender.send(Err(std::io::Error::other("the log could not be read"))).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = gone.closed() => {}
        }
    }

    async fn work(&mut self) -> Result<(), Stop> {
        loop {
            self.stored().await?;
            self.live().await?;
            if !self.reading.follow {
                return Err(Stop::Done);
            }
            // The host is away, or was for a moment.
            tokio::time::sleep(AWAY).await;
            self.check_right().await?;
        }
    }

    async fn check_right(&self) -> Result<(), Stop> {
        let still = still_allowed(&self.state, &self.allowed, self.state.clock.now()).await;
        // A store that does not answer withdraws no right.
        if still.is_ok_and(|still| !still) { Err(Stop::Done) } else { Ok(()) }
    }

    /// Gives what is stored from `next` on.
    async fn stored(&mut self) -> Result<(), Stop> {
        let (vm, port) = (self.reading.vm_id.clone(), i64::from(self.reading.port));
        loop {
            let rows = serial_logs::segments(&self.state.store, &vm, port, signed(self.next), PAGE).await?;
            let whole = (rows.len() as i64) < PAGE;
            let page_end = rows.last().map_or(u64::MAX, |row| unsigned(row.start + row.length));
            let mut gaps = serial_logs::gaps(&self.state.store, &vm, port).await?;
            gaps.retain(|gap| {
                let start = unsigned(gap.start);
                let stop = start + gap.length.map_or(0, unsigned);
                (stop > self.next || (gap.length.is_none() && start >= self.next))
                    && (whole || start < page_end)
            });
            let mut gaps = gaps.into_iter().peekable();
            for row in rows {
                while let Some(gap) = gaps.next_if(|gap| gap.start <= row.start) {
                    self.stored_gap(&gap).await?;
                }
                self.segment(&row).await?;
            }
            for gap in gaps {
                self.stored_gap(&gap).await?;
            }
            if whole {
                return Ok(());
            }
        }
    }

    async fn segment(&mut self, row: &Segment) -> Result<(), Stop> {
        let (start, stop) = (unsigned(row.start), unsigned(row.start + row.length));
        let stop = self.until.map_or(stop, |until| stop.min(until));
        while self.next.max(start) < stop {
            let from = self.next.max(start);
            let to = stop.min(from + PIECE);
            let data = self.state.objects.get_range(&row.object_key, from - start..to - start).await?;
            self.bytes(from, data).await?;
        }
        self.check_end()
    }

    async fn stored_gap(&mut self, gap: &Gap) -> Result<(), Stop> {
        self.gap(unsigned(gap.start), gap.length.map(unsigned), GapReason::parse(&gap.reason)).await
    }

    /// Gives what the host has from `next` on.
    async fn live(&mut self) -> Result<(), Stop> {
        let Ok(line) = vm_line(&self.state, &self.reading.vm_id).await else { return Ok(()) };
        let request = v1::ReadRequest {
            vm_id: self.reading.vm_id.clone(),
            port: self.reading.port,
            offset: self.next,
            follow: self.reading.follow,
        };
        let Ok(replies) = line.client.clone().read(request).await else { return Ok(()) };
        let mut replies = replies.into_inner();
        let mut rights = tokio::time::interval(RIGHTS_EVERY);
        rights.tick().await;
        loop {
            let reply = tokio::select! {
                reply = replies.message() => reply,
                _ = rights.tick() => {
                    self.check_right().await?;
                    continue;
                }
            };
            match reply.ok().flatten().and_then(|reply| reply.what) {
                Some(read_reply::What::Output(output)) => {
                    if output.offset > self.next {
                        self.skipped_to(output.offset).await?;
                    }
                    self.bytes(output.offset, output.data).await?;
                }
                Some(read_reply::What::Gap(gap)) => {
                    let stop = gap.start.saturating_add(gap.length);
                    if gap.reason() == v1::GapReason::Expired {
                        self.skipped_to(stop).await?;
                    } else {
                        let length = (!gap.length_unknown).then_some(gap.length);
                        self.gap(gap.start, length, gap_reason(gap.reason())).await?;
                    }
                }
                // The present end, or the host went away; the caller knows which it wants.
                None => return Ok(()),
            }
        }
    }

    /// The host no longer has `next..to`: most likely it was stored while we read.
    async fn skipped_to(&mut self, to: u64) -> Result<(), Stop> {
        // The future is boxed because reading what is stored may come here again only through the host, never directly.
        Box::pin(self.stored()).await?;
        if self.next < to {
            let length = to - self.next;
            self.gap(self.next, Some(length), GapReason::Expired).await?;
        }
        Ok(())
    }

    /// Gives bytes, without those that were given before or that nobody asked for.
    async fn bytes(&mut self, offset: u64, data: Bytes) -> Result<(), Stop> {
        let skip = usize::try_from(self.next.saturating_sub(offset)).unwrap_or(usize::MAX).min(data.len());
        let mut data = data.slice(skip..);
        if let Some(until) = self.until {
            let left = until.saturating_sub(self.next.max(offset));
            data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        self.next = self.next.max(offset + skip as u64) + data.len() as u64;
        if !data.is_empty() {
            self.send(data).await?;
        }
        self.check_end()
    }

    async fn gap(&mut self, start: u64, length: Option<u64>, reason: GapReason) -> Result<(), Stop> {
        let stop = start.saturating_add(length.unwrap_or(0));
        if stop < self.next || (stop == self.next && length.is_some()) {
            return Ok(());
        }
        if length.is_none() {
            // A reader that goes on where it stopped was told of this loss already.
            let known = start == self.reading.from && start > 0;
            if known || self.marked == Some(start) {
                return Ok(());
            }
            self.marked = Some(start);
        }
        let missing = length.map(|_| stop - self.next.max(start));
        self.next = self.next.max(stop);
        self.send(gap_line(missing, reason).into()).await?;
        self.check_end()
    }

    async fn send(&mut self, data: Bytes) -> Result<(), Stop> {
        self.sender.send(Ok(data)).await.map_err(|_| Stop::Done)
    }

    fn check_end(&self) -> Result<(), Stop> {
        if self.until.is_some_and(|until| self.next >= until) { Err(Stop::Done) } else { Ok(()) }
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
