//! The serial logs: sealed segments (whose bytes are objects), gaps, boots. Everything may be written twice with the same
//! effect, because a host repeats what was not acknowledged.

use super::sql::{Select, number, optional_number, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// A sealed piece of a port's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Absolute offset of its first byte.
    pub start: i64,
    /// Its length, bytes.
    pub length: i64,
    /// Where its bytes are in the object store.
    pub object_key: String,
    /// When its first byte came, microseconds.
    pub first_time: i64,
    /// When it was sealed.
    pub sealed_time: i64,
}

/// Bytes that are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Absolute offset of the first missing byte.
    pub start: i64,
    /// How many; none: unknown, and the log goes on at `start`.
    pub length: Option<i64>,
    /// `spoolFull`, `rateLimit`, `detached`, …
    pub reason: String,
    /// When, microseconds.
    pub time: i64,
}

/// The machine began to run anew at this place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// Absolute offset.
    pub start: i64,
    /// The boot's id.
    pub boot_id: String,
    /// When, microseconds.
    pub time: i64,
    /// `start`, `reset`, `guest-reset`, `crash`, `attach`.
    pub cause: String,
}

const SEGMENTS: &str =
    "SELECT start_offset, byte_length, object_key, first_time, sealed_time FROM serial_segments WHERE 1 = 1";

/// Writes a segment; false when there is one at that offset already.
pub async fn insert_segment(tx: &mut Tx, vm_id: &str, port: i64, segment: &Segment) -> Result<bool> {
    let statement = sqlx::query(
        "INSERT INTO serial_segments (vm_id, port, start_offset, byte_length, object_key, first_time, sealed_time) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (vm_id, port, start_offset) DO NOTHING",
    )
    .bind(vm_id)
    .bind(port)
    .bind(segment.start)
    .bind(segment.length)
    .bind(segment.object_key.as_str())
    .bind(segment.first_time)
    .bind(segment.sealed_time);
    Ok(tx.run(statement).await? == 1)
}

/// Writes a gap; false when it is known already.
pub async fn insert_gap(tx: &mut Tx, vm_id: &str, port: i64, gap: &Gap) -> Result<bool> {
    let statement = sqlx::query(
        "INSERT INTO serial_gaps (vm_id, port, start_offset, byte_length, reason, time) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (vm_id, port, start_offset, time) DO NOTHING",
    )
    .bind(vm_id)
    .bind(port)
    .bind(gap.start)
    .bind(gap.length)
    .bind(gap.reason.as_str())
    .bind(gap.time);
    Ok(tx.run(statement).await? == 1)
}

/// Writes a boot; false when it is known already.
pub async fn insert_boot(tx: &mut Tx, vm_id: &str, port: i64, boot: &Boot) -> Result<bool> {
    let statement = sqlx::query(
        "INSERT INTO serial_boots (vm_id, port, start_offset, boot_id, time, cause) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (vm_id, port, boot_id) DO NOTHING",
    )
    .bind(vm_id)
    .bind(port)
    .bind(boot.start)
    .bind(boot.boot_id.as_str())
    .bind(boot.time)
    .bind(boot.cause.as_str());
    Ok(tx.run(statement).await? == 1)
}

/// Segments that hold bytes at `from_offset` or after it, in order, at most `limit`.
pub async fn segments<'a>(
    from: impl Into<Reader<'a>>,
    vm_id: &str,
    port: i64,
    from_offset: i64,
    limit: i64,
) -> Result<Vec<Segment>> {
    let mut select = Select::new(SEGMENTS);
    select.and("vm_id = ?", vm_id);
    select.and_number("port = ?", port);
    // No segment is longer than a message on the agents' line; the bound lets the primary key be used as a range.
    select.and_number("start_offset >= ?", from_offset.saturating_sub(LONGEST_SEGMENT));
    select.and_number("start_offset + byte_length > ?", from_offset);
    let rows = from.into().all(select.finish("ORDER BY start_offset", limit)).await?;
    rows.iter().map(read_segment).collect()
}

/// Longest segment that can come over the agents' line, bytes.
const LONGEST_SEGMENT: i64 = 64 << 20;

/// Where the stored log ends: the end of the last segment or gap; 0 when there is none.
pub async fn stored_end<'a>(from: impl Into<Reader<'a>>, vm_id: &str, port: i64) -> Result<i64> {
    let statement = sqlx::query(
        "SELECT CAST(COALESCE(MAX(stop), 0) AS BIGINT) AS stop FROM (\
         SELECT start_offset + byte_length AS stop FROM serial_segments WHERE vm_id = $1 AND port = $2 UNION ALL \
         SELECT start_offset + COALESCE(byte_length, 0) AS stop FROM serial_gaps WHERE vm_id = $1 AND port = $2) AS ends",
    )
    .bind(vm_id)
    .bind(port);
    number(&from.into().one(statement).await?, "stop")
}

/// Where the kept log begins, and how many bytes of it are stored: (first offset, bytes). (0, 0) when nothing is.
pub async fn stored_extent<'a>(from: impl Into<Reader<'a>>, vm_id: &str, port: i64) -> Result<(i64, i64)> {
    let statement = sqlx::query(
        "SELECT CAST(COALESCE(MIN(start_offset), 0) AS BIGINT) AS first, CAST(COALESCE(SUM(byte_length), 0) AS BIGINT) AS bytes \
         FROM serial_segments WHERE vm_id = $1 AND port = $2",
    )
    .bind(vm_id)
    .bind(port);
    let row = from.into().one(statement).await?;
    Ok((number(&row, "first")?, number(&row, "bytes")?))
}

/// The end of the stored log of every port of a VM: (port, end).
pub async fn stored_ends<'a>(from: impl Into<Reader<'a>>, vm_id: &str) -> Result<Vec<(i64, i64)>> {
    let statement = sqlx::query(
        "SELECT port, CAST(MAX(stop) AS BIGINT) AS stop FROM (\
         SELECT port, start_offset + byte_length AS stop FROM serial_segments WHERE vm_id = $1 UNION ALL \
         SELECT port, start_offset + COALESCE(byte_length, 0) AS stop FROM serial_gaps WHERE vm_id = $1) AS ends \
         GROUP BY port ORDER BY port",
    )
    .bind(vm_id);
    let rows = from.into().all(statement).await?;
    rows.iter().map(|row| Ok((number(row, "port")?, number(row, "stop")?))).collect()
}

/// Every gap of a port, in order.
pub async fn gaps<'a>(from: impl Into<Reader<'a>>, vm_id: &str, port: i64) -> Result<Vec<Gap>> {
    let all = "SELECT start_offset, byte_length, reason, time FROM serial_gaps WHERE vm_id = $1 AND port = $2 \
               ORDER BY start_offset, time";
    in_order(from.into(), all, vm_id, port, |row| {
        Ok(Gap {
            start: number(row, "start_offset")?,
            length: optional_number(row, "byte_length")?,
            reason: text(row, "reason")?,
            time: number(row, "time")?,
        })
    })
    .await
}

/// Every boot of a port, in order.
pub async fn boots<'a>(from: impl Into<Reader<'a>>, vm_id: &str, port: i64) -> Result<Vec<Boot>> {
    let all = "SELECT start_offset, boot_id, time, cause FROM serial_boots WHERE vm_id = $1 AND port = $2 \
               ORDER BY start_offset, time";
    in_order(from.into(), all, vm_id, port, |row| {
        Ok(Boot {
            start: number(row, "start_offset")?,
            boot_id: text(row, "boot_id")?,
            time: number(row, "time")?,
            cause: text(row, "cause")?,
        })
    })
    .await
}

/// What `statement` gives for a port, each row read by `read`.
async fn in_order<T>(
    from: Reader<'_>,
    statement: &'static str,
    vm_id: &str,
    port: i64,
    read: impl Fn(&AnyRow) -> Result<T>,
) -> Result<Vec<T>> {
    let rows = from.all(sqlx::query(statement).bind(vm_id).bind(port)).await?;
    rows.iter().map(read).collect()
}

/// Takes the oldest segments out of the log (all that begin before `before`); the objects are the caller's to delete.
pub async fn expire(tx: &mut Tx, vm_id: &str, port: i64, before: i64) -> Result<Vec<Segment>> {
    let statement = sqlx::query(
        "DELETE FROM serial_segments WHERE vm_id = $1 AND port = $2 AND start_offset < $3 \
         RETURNING start_offset, byte_length, object_key, first_time, sealed_time",
    )
    .bind(vm_id)
    .bind(port)
    .bind(before);
    let rows = Reader::from(tx).all(statement).await?;
    rows.iter().map(read_segment).collect()
}

/// Forgets a VM's logs; the keys of their objects, which are the caller's to delete.
pub async fn forget(tx: &mut Tx, vm_id: &str) -> Result<Vec<String>> {
    let keys = sqlx::query("DELETE FROM serial_segments WHERE vm_id = $1 RETURNING object_key").bind(vm_id);
    let rows = Reader::from(&mut *tx).all(keys).await?;
    tx.run(sqlx::query("DELETE FROM serial_gaps WHERE vm_id = $1").bind(vm_id)).await?;
    tx.run(sqlx::query("DELETE FROM serial_boots WHERE vm_id = $1").bind(vm_id)).await?;
    tx.run(sqlx::query("DELETE FROM port_leases WHERE vm_id = $1").bind(vm_id)).await?;
    rows.iter().map(|row| text(row, "object_key")).collect()
}

fn read_segment(row: &AnyRow) -> Result<Segment> {
    Ok(Segment {
        start: number(row, "start_offset")?,
        length: number(row, "byte_length")?,
        object_key: text(row, "object_key")?,
        first_time: number(row, "first_time")?,
        sealed_time: number(row, "sealed_time")?,
    })
}
