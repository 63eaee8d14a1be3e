//! What the blobs hold: the log out of its segments, the last screenshot.

use super::layout::{Layout, Missing, Piece, Stored};
use crate::reply::Payload;
use crate::serial::hub::Port;
use crate::serial::ingest::object_key;
use crate::state::State;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use hardline_console::frame::GapReason;
use hardline_store::db::serial_logs;
use hardline_store::{Objects, StoreError};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Longest piece of a segment that is read at a time, bytes.
const PIECE: u64 = 1 << 20;
/// Pieces read ahead of the client. With [`PIECE`], the most memory that a download takes.
const AHEAD: usize = 2;
/// Rows read at a time.
const PAGE: i64 = 4096;
/// Logs whose rows are remembered.
const LOGS: usize = 256;

/// A blob's bytes and properties.
#[derive(Debug)]
pub enum Content {
    /// A log.
    Log(Log),
    /// A screenshot.
    Picture {
        /// The BMP file.
        data: Bytes,
        /// When it was taken, microseconds.
        time: i64,
    },
}

/// A log, as its rows describe it.
#[derive(Debug)]
pub struct Log {
    port: Port,
    layout: Arc<Layout>,
    /// When its last piece was sealed, microseconds.
    time: i64,
}

impl Content {
    /// Bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Log(log) => log.layout.length(),
            Self::Picture { data, .. } => data.len() as u64,
        }
    }

    /// When it last changed, microseconds.
    pub fn time(&self) -> i64 {
        match self {
            Self::Log(log) => log.time,
            Self::Picture { time, .. } => *time,
        }
    }

    /// Differs when the bytes differ: logs only grow, pictures are told apart by their time.
    pub fn etag(&self) -> String {
        format!("\"0x{:X}{:08X}\"", self.time(), self.length() & 0xffff_ffff)
    }

    /// The bytes of `range`, as they are read.
    pub fn read(self, objects: &Objects, range: Range<u64>) -> Payload {
        let log = match self {
            Self::Log(log) => log,
            Self::Picture { data, .. } => {
                let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(data.len());
                return Payload::Bytes(data.slice(at(range.start)..at(range.end)));
            }
        };
        let objects = objects.clone();
        let Log { layout, port, .. } = log;
        let pieces = layout.slice(range).into_iter().flat_map(split);
        let reads = futures_util::stream::iter(pieces).map(move |piece| {
            let objects = objects.clone();
            let port = port.clone();
            async move {
                match piece {
                    Piece::Bytes(stored, range) => {
                        objects.get_range(&object_key(&port, stored.start), range).await
                    }
                    Piece::Line(text) => Ok(text.into()),
                }
            }
        });
        let bytes = reads.buffered(AHEAD).map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a stored piece of a serial log cannot be read"
            );
            std::io::Error::other("the blob could not be read to its end")
        });
        Payload::Stream(bytes.boxed())
    }
}

/// A long segment in several reads.
fn split(piece: Piece) -> Vec<Piece> {
    let Piece::Bytes(stored, range) = &piece else { return vec![piece] };
    let cuts = (range.start..range.end).step_by(usize::try_from(PIECE).unwrap_or(usize::MAX));
    cuts.map(|start| Piece::Bytes(*stored, start..(start + PIECE).min(range.end))).collect()
}

/// What is known of the logs that were read last, so that the cost of reading a log does not grow with it: only rows that
/// are new are asked for. Rows are only ever added at a log's end.
#[derive(Debug, Default)]
pub struct Layouts {
    known: Mutex<HashMap<Port, Arc<Known>>>,
}

/// One log's rows.
#[derive(Clone, Debug, Default)]
struct Known {
    segments: Vec<Stored>,
    gaps: Vec<serial_logs::Gap>,
    /// Behind the last segment.
    end: i64,
    time: i64,
    layout: Arc<Layout>,
}

impl Layouts {
    /// Forgets a machine's logs: their rows are no more.
    pub fn forget(&self, vm_id: &str) {
        self.lock().retain(|port, _| port.vm != vm_id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Port, Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, port: Port, known: Arc<Known>) {
        let mut all = self.lock();
        if all.len() >= LOGS && !all.contains_key(&port) {
            // Any one will do: it is read again from its rows.
            let victim = all.keys().next().cloned();
            victim.and_then(|port| all.remove(&port));
        }
        // Of two readers at a time the one that knows more counts.
        let entry = all.entry(port).or_default();
        if known.end >= entry.end {
            *entry = known;
        }
    }
}

/// The log of a machine's port.
///
/// # Errors
/// When the store fails.
pub async fn log(state: &State, vm_id: &str, index: u32) -> Result<Content, StoreError> {
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    let port = Port { vm: vm_id.into(), index };
    let layouts = state.serial.layouts();
    let seen = layouts.lock().get(&port).cloned().unwrap_or_default();
    let mut rows = Vec::new();
    loop {
        let from = rows.last().map_or(seen.end, |row: &serial_logs::Segment| row.start + row.length);
        let page = serial_logs::segments(&state.store, vm_id, index.into(), from, PAGE).await?;
        let last = (page.len() as i64) < PAGE;
        rows.extend(page);
        if last {
            break;
        }
    }
    let gaps = serial_logs::gaps(&state.store, vm_id, index.into()).await?;
    if rows.is_empty() && gaps.len() == seen.gaps.len() {
        return Ok(Content::Log(Log { port, layout: seen.layout.clone(), time: seen.time }));
    }
    let mut known = Known::clone(&seen);
    for row in rows {
        known.end = row.start + row.length;
        known.time = known.time.max(row.sealed_time);
        known.segments.push(Stored { start: unsigned(row.start), length: unsigned(row.length) });
    }
    known.gaps = gaps;
    known.time = known.gaps.iter().map(|gap| gap.time).fold(known.time, i64::max);
    let missing = known.gaps.iter().map(|gap| Missing {
        start: unsigned(gap.start),
        length: gap.length.map(unsigned),
        reason: GapReason::parse(&gap.reason),
    });
    known.layout = Arc::new(Layout::new(known.segments.iter().copied(), missing));
    let known = Arc::new(known);
    layouts.keep(port.clone(), known.clone());
    Ok(Content::Log(Log { port, layout: known.layout.clone(), time: known.time }))
}

/// The last screenshot of a machine; none when there never was one.
///
/// # Errors
/// When the store fails.
pub async fn screenshot(state: &State, vm_id: &str) -> Result<Option<Content>, StoreError> {
    let Some(last) = state.objects.list(&directory(vm_id)).await?.pop() else { return Ok(None) };
    let time = last.key.rsplit('/').next().and_then(|name| name.strip_suffix(".bmp"));
    let time = time.and_then(|digits| i64::from_str_radix(digits, 16).ok()).unwrap_or(0);
    match state.objects.get(&last.key).await {
        Ok(data) => Ok(Some(Content::Picture { data, time })),
        // A newer one has just replaced it.
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Keeps a screenshot, taken at `time` (microseconds), in place of older ones.
///
/// # Errors
/// When the store fails.
pub async fn keep_screenshot(state: &State, vm_id: &str, time: i64, data: Bytes) -> Result<(), StoreError> {
    let directory = directory(vm_id);
    let older = state.objects.list(&directory).await?;
    let key = format!("{directory}/{time:016x}.bmp");
    state.objects.put(&key, data).await?;
    for old in older.into_iter().filter(|old| old.key != key) {
        state.objects.delete(&old.key).await?;
    }
    Ok(())
}

/// Forgets a deleted machine's screenshots.
///
/// # Errors
/// When the store fails.
pub async fn forget_screenshots(state: &State, vm_id: &str) -> Result<(), StoreError> {
    for old in state.objects.list(&directory(vm_id)).await? {
        state.objects.delete(&old.key).await?;
    }
    Ok(())
}

fn directory(vm_id: &str) -> String {
    format!("screenshots/{vm_id}")
}
