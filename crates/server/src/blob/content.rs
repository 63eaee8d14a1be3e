//! What the blobs hold: the log out of its segments, the last screenshot.

use super::layout::{Layout, Missing, Piece, Stored};
use crate::reply::Payload;
use crate::state::State;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use hardline_console::frame::GapReason;
use hardline_store::db::serial_logs;
use hardline_store::{Objects, StoreError};
use std::collections::BTreeMap;
use std::ops::Range;

/// Longest piece of a segment that is read at a time, bytes.
const PIECE: u64 = 1 << 20;
/// Pieces read ahead of the client. With [`PIECE`], the most memory that a download takes.
const AHEAD: usize = 2;
/// Rows read at a time.
const PAGE: i64 = 4096;

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
    layout: Layout,
    /// The object of the segment that starts at an offset.
    keys: BTreeMap<u64, String>,
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
        let Log { layout, keys, .. } = log;
        let pieces = layout.slice(range).into_iter().flat_map(split);
        let reads = futures_util::stream::iter(pieces).map(move |piece| {
            let objects = objects.clone();
            let key = match &piece {
                Piece::Bytes(stored, _) => keys.get(&stored.start).cloned(),
                Piece::Line(_) => None,
            };
            async move {
                match (piece, key) {
                    (Piece::Bytes(_, range), Some(key)) => objects.get_range(&key, range).await,
                    (Piece::Bytes(..), None) => Err(StoreError::NotFound),
                    (Piece::Line(text), _) => Ok(text.into()),
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

/// The log of a machine's port.
///
/// # Errors
/// When the store fails.
pub async fn log(state: &State, vm_id: &str, port: u32) -> Result<Content, StoreError> {
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    let (mut segments, mut keys, mut time) = (Vec::new(), BTreeMap::new(), 0);
    let mut from = 0;
    loop {
        let rows = serial_logs::segments(&state.store, vm_id, port.into(), from, PAGE).await?;
        let last = (rows.len() as i64) < PAGE;
        for row in rows {
            from = row.start + row.length;
            time = time.max(row.sealed_time);
            segments.push(Stored { start: unsigned(row.start), length: unsigned(row.length) });
            keys.insert(unsigned(row.start), row.object_key);
        }
        if last {
            break;
        }
    }
    let gaps = serial_logs::gaps(&state.store, vm_id, port.into()).await?;
    time = gaps.iter().map(|gap| gap.time).fold(time, i64::max);
    let gaps = gaps.into_iter().map(|gap| Missing {
        start: unsigned(gap.start),
        length: gap.length.map(unsigned),
        reason: GapReason::parse(&gap.reason),
    });
    Ok(Content::Log(Log { layout: Layout::new(segments, gaps), keys, time }))
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
