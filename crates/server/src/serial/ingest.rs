//! From a host's spool to the store: sealed segments, gaps and boots of every port.
//!
//! ```text
//!   Segments(after what is stored) ──> batch ──> objects: create ──> rows, one transaction ──> sync ──> Acknowledge
//!                                        ^                                │ the store is full or away
//!                                        └──────── the same batch ────────┘ (waits longer each time, and says so)
//! ```
//!
//! Nothing is acknowledged before it is durable, and only what is acknowledged leaves the host's spool. Replays are
//! harmless: a cursor for each port says up to where it is stored, and only what lies behind it is written. The object of a
//! segment has the name of its first offset, so that a batch that was cut short is written over and not beside.

use super::hub::Port;
use super::line::gap_reason;
use crate::hosts::ConnectedHost;
use crate::state::State;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use hardline_agent_api::v1::{self, segments_reply::What};
use hardline_console::frame::GapReason;
use hardline_store::StoreError;
use hardline_store::db::{serial_logs, vms};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tonic::Status;

/// A batch is written when it holds this many bytes or pieces, or when nothing more is there at once.
const BATCH_BYTES: usize = 4 << 20;
const BATCH_PIECES: usize = 256;
/// Objects written at a time.
const WRITES: usize = 4;
/// How long the store is left alone after it failed: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(15));
/// How long a host is left alone after its stream broke while its line still stands.
const REOPEN: Duration = Duration::from_secs(1);

/// Follows every host that connects, until the server stops.
pub async fn follow(state: State) {
    let (mut present, mut later) = state.hosts.arrivals();
    loop {
        for host in present.drain(..) {
            let task = state.clone();
            state.spawn(async move { host_line(&task, &host).await });
        }
        match later.recv().await {
            Ok(host) => present.push(host),
            Err(RecvError::Lagged(_)) => {
                // A host that is followed already is followed twice for a moment; replays are harmless, and the older
                // follower ends with the older line.
                present = state.hosts.connected();
            }
            Err(RecvError::Closed) => return,
        }
    }
}

async fn host_line(state: &State, host: &ConnectedHost) {
    loop {
        let ended = tokio::select! {
            () = host.gone.cancelled() => return,
            ended = stream(state, host) => ended,
        };
        match ended {
            Ok(()) => tracing::debug!(host = %host.name, "the host ended its stream of segments"),
            Err(error) => tracing::warn!(host = %host.name, %error, "the host's serial logs cannot be taken"),
        }
        tokio::select! {
            () = host.gone.cancelled() => return,
            () = tokio::time::sleep(REOPEN) => {}
        }
    }
}

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
enum IngestError {
    #[error("the host: {0}")]
    Host(#[from] Status),
    #[error("the store: {0}")]
    Store(#[from] StoreError),
}

async fn stream(state: &State, host: &ConnectedHost) -> Result<(), IngestError> {
    let mut client = host.client.clone();
    let mut ingest = Ingest { state: state.clone(), ends: HashMap::new() };
    let mut after = Vec::new();
    for vm in vms::on_host(&state.store, &host.host_id).await? {
        for (port, end) in serial_logs::stored_ends(&state.store, &vm.vm_id).await? {
            let port = Port { vm: vm.vm_id.clone(), index: u32::try_from(port).unwrap_or(0) };
            let end = u64::try_from(end).unwrap_or(0);
            after.push(v1::Cursor { vm_id: port.vm.clone(), port: port.index, offset: end });
            ingest.ends.insert(port, Some(end));
        }
    }
    let mut segments = client.segments(v1::SegmentsRequest { after }).await?.into_inner();
    while let Some(first) = segments.message().await? {
        let mut batch: Vec<What> = first.what.into_iter().collect();
        let mut bytes = size(&batch);
        while bytes < BATCH_BYTES && batch.len() < BATCH_PIECES {
            match segments.message().now_or_never() {
                Some(Ok(Some(reply))) => {
                    batch.extend(reply.what);
                    bytes += batch.last().map_or(0, |what| size(std::slice::from_ref(what)));
                }
                // The end, or an error, comes again with the next call.
                _ => break,
            }
        }
        let stored = ingest.store(&batch).await;
        if !stored.is_empty() {
            // The host gives its own copy up: ours must be on the disk by then.
            state.objects.sync().await?;
            client.acknowledge(v1::AcknowledgeRequest { stored }).await?;
        }
    }
    Ok(())
}

fn size(batch: &[What]) -> usize {
    batch.iter().map(|what| if let What::Segment(s) = what { s.data.len() } else { 0 }).sum()
}

/// What one stream knows of the store.
struct Ingest {
    state: State,
    /// Up to where each port is stored; none for a machine that was deleted: its bytes go nowhere.
    ends: HashMap<Port, Option<u64>>,
}

/// A batch, cut to what is not stored yet.
#[derive(Default)]
struct Plan {
    objects: Vec<(Port, serial_logs::Segment, Bytes)>,
    gaps: Vec<(Port, serial_logs::Gap)>,
    boots: Vec<(Port, serial_logs::Boot)>,
    ends: HashMap<Port, Option<u64>>,
}

impl Ingest {
    /// Stores a batch, however long it takes; the cursors to acknowledge.
    async fn store(&mut self, batch: &[What]) -> Vec<v1::Cursor> {
        let mut wait = RETRY.0;
        loop {
            let error = match self.try_store(batch).await {
                Ok(stored) => {
                    self.state.serial.batch_stored();
                    return stored;
                }
                Err(error) => error,
            };
            let words = match &error {
                StoreError::Full(_) => "the disk under the store is full: serial logs stay on their hosts",
                _ => "the store does not take serial logs: they stay on their hosts",
            };
            tracing::error!(error = &error as &dyn std::error::Error, again_in = ?wait, "{words}");
            self.state.serial.set_trouble(Some(words.into()));
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY.1);
        }
    }

    async fn try_store(&mut self, batch: &[What]) -> Result<Vec<v1::Cursor>, StoreError> {
        for what in batch {
            self.learn(&port_of(what)).await?;
        }
        let plan = Plan::new(&self.ends, batch);
        let writes: Vec<_> = plan
            .objects
            .iter()
            .map(|(_, row, data)| put(self.state.objects.clone(), row.object_key.clone(), data.clone()))
            .collect();
        let mut writes = futures_util::stream::iter(writes).buffer_unordered(WRITES);
        while let Some(written) = writes.next().await {
            written?;
        }
        let mut tx = self.state.store.begin().await?;
        for (port, row, _) in &plan.objects {
            serial_logs::insert_segment(&mut tx, &port.vm, port.index.into(), row).await?;
        }
        for (port, row) in &plan.gaps {
            serial_logs::insert_gap(&mut tx, &port.vm, port.index.into(), row).await?;
        }
        for (port, row) in &plan.boots {
            serial_logs::insert_boot(&mut tx, &port.vm, port.index.into(), row).await?;
        }
        tx.commit().await?;
        let cursor = |(port, end): (&Port, &Option<u64>)| v1::Cursor {
            vm_id: port.vm.clone(),
            port: port.index,
            // What nobody wants need not be kept either.
            offset: end.unwrap_or_else(|| told_end(batch, port)),
        };
        let stored = plan.ends.iter().map(cursor).collect();
        self.ends.extend(plan.ends);
        Ok(stored)
    }

    /// Up to where a port is stored, when it was not asked for yet.
    async fn learn(&mut self, port: &Port) -> Result<(), StoreError> {
        if self.ends.contains_key(port) {
            return Ok(());
        }
        let known = vms::get(&self.state.store, &port.vm).await?.is_some_and(|vm| vm.resource_key.is_some());
        let end = if known {
            let end = serial_logs::stored_end(&self.state.store, &port.vm, port.index.into()).await?;
            Some(u64::try_from(end).unwrap_or(0))
        } else {
            None
        };
        self.ends.insert(port.clone(), end);
        Ok(())
    }
}

impl Plan {
    fn new(ends: &HashMap<Port, Option<u64>>, batch: &[What]) -> Self {
        let mut plan = Self::default();
        for what in batch {
            let port = port_of(what);
            let known = plan.ends.get(&port).or_else(|| ends.get(&port)).copied().flatten();
            let Some(end) = known else {
                plan.ends.insert(port, None);
                continue;
            };
            let end = match what {
                What::Segment(segment) => plan.segment(&port, end, segment),
                What::Gap(gap) => plan.gap(&port, end, gap),
                What::Boot(boot) => {
                    let row = serial_logs::Boot {
                        start: signed(boot.start),
                        boot_id: boot.boot_id.clone(),
                        time: boot.time_us,
                        cause: boot.cause.clone(),
                    };
                    plan.boots.push((port.clone(), row));
                    end
                }
            };
            plan.ends.insert(port, Some(end));
        }
        plan
    }

    fn segment(&mut self, port: &Port, end: u64, segment: &v1::Segment) -> u64 {
        let stop = segment.start.saturating_add(segment.data.len() as u64);
        if stop <= end {
            return end;
        }
        if segment.start > end {
            // The host must have told a gap. It did not; the loss is stated all the same.
            tracing::warn!(vm = %port.vm, from = end, to = segment.start, "a host skipped bytes without saying so");
            self.push_gap(port, end, Some(segment.start - end), GapReason::SpoolLost, segment.first_us);
        }
        let start = segment.start.max(end);
        let skip = usize::try_from(start - segment.start).unwrap_or(usize::MAX).min(segment.data.len());
        let data = segment.data.slice(skip..);
        let row = serial_logs::Segment {
            start: signed(start),
            length: signed(data.len() as u64),
            object_key: object_key(port, start),
            first_time: segment.first_us,
            sealed_time: segment.sealed_us,
        };
        self.objects.push((port.clone(), row, data));
        stop
    }

    fn gap(&mut self, port: &Port, end: u64, gap: &v1::Gap) -> u64 {
        let reason = gap_reason(gap.reason());
        if gap.length_unknown {
            // It occupies no offsets; a repeated one has the same start and time, and is written once.
            self.push_gap(port, gap.start, None, reason, gap.time_us);
            return end.max(gap.start);
        }
        let stop = gap.start.saturating_add(gap.length);
        if stop <= end {
            return end;
        }
        if gap.start > end {
            tracing::warn!(vm = %port.vm, from = end, to = gap.start, "a host skipped bytes without saying so");
        }
        // Whatever lies between what is stored and the loss is lost too.
        self.push_gap(port, end, Some(stop - end), reason, gap.time_us);
        stop
    }

    fn push_gap(&mut self, port: &Port, start: u64, length: Option<u64>, reason: GapReason, time: i64) {
        let row = serial_logs::Gap {
            start: signed(start),
            length: length.map(signed),
            reason: reason.name().into(),
            time,
        };
        self.gaps.push((port.clone(), row));
    }
}

/// Writes an object. One that is there already is the rest of a batch whose rows were never written: it is replaced.
async fn put(objects: hardline_store::Objects, key: String, data: Bytes) -> Result<(), StoreError> {
    match objects.create(&key, data.clone()).await {
        Err(StoreError::Conflict) => objects.put(&key, data).await,
        other => other,
    }
}

/// Where the bytes of the segment are that starts at `start`.
pub fn object_key(port: &Port, start: u64) -> String {
    format!("serial/{}/{}/{start:016x}", port.vm, port.index)
}

fn port_of(what: &What) -> Port {
    let (vm, index) = match what {
        What::Segment(s) => (&s.vm_id, s.port),
        What::Gap(g) => (&g.vm_id, g.port),
        What::Boot(b) => (&b.vm_id, b.port),
    };
    Port { vm: vm.clone(), index }
}

/// The end of what the batch tells of a port.
fn told_end(batch: &[What], port: &Port) -> u64 {
    let end = |what: &What| match what {
        What::Segment(s) => s.start.saturating_add(s.data.len() as u64),
        What::Gap(g) => g.start.saturating_add(g.length),
        What::Boot(b) => b.start,
    };
    batch.iter().filter(|what| port_of(what) == *port).map(end).max().unwrap_or(0)
}

/// Offsets beyond 2^63 would take a port 3,000 years at 100 MB/s.
fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port() -> Port {
        Port { vm: "vm".into(), index: 0 }
    }

    fn segment(start: u64, length: usize) -> What {
        let data = Bytes::from(vec![b'x'; length]);
        What::Segment(v1::Segment { vm_id: "vm".into(), start, data, ..Default::default() })
    }

    fn gap(start: u64, length: u64) -> What {
        What::Gap(v1::Gap { vm_id: "vm".into(), start, length, reason: 2, ..Default::default() })
    }

    /// Segments, gaps (start, length), and the new end.
    type Planned = (Vec<(i64, i64)>, Vec<(i64, Option<i64>)>, Option<u64>);

    /// What becomes of a batch when everything below `end` is stored.
    fn plan(end: u64, batch: &[What]) -> Planned {
        let plan = Plan::new(&HashMap::from([(port(), Some(end))]), batch);
        let segments = plan.objects.iter().map(|(_, row, _)| (row.start, row.length)).collect();
        let gaps = plan.gaps.iter().map(|(_, row)| (row.start, row.length)).collect();
        (segments, gaps, plan.ends.get(&port()).copied().flatten())
    }

    #[test]
    fn replays_are_cut_to_what_is_new() {
        assert_eq!(plan(0, &[segment(0, 10), segment(10, 5)]), (vec![(0, 10), (10, 5)], vec![], Some(15)));
        assert_eq!(plan(10, &[segment(0, 10), segment(10, 5)]), (vec![(10, 5)], vec![], Some(15)));
        assert_eq!(plan(12, &[segment(0, 10), segment(10, 5)]), (vec![(12, 3)], vec![], Some(15)));
        assert_eq!(plan(15, &[segment(0, 10), segment(10, 5)]), (vec![], vec![], Some(15)));
    }

    #[test]
    fn losses_move_the_cursor_too() {
        assert_eq!(
            plan(0, &[segment(0, 4), gap(4, 6), segment(10, 1)]),
            (vec![(0, 4), (10, 1)], vec![(4, Some(6))], Some(11))
        );
        assert_eq!(plan(10, &[gap(4, 6)]), (vec![], vec![], Some(10)));
        assert_eq!(plan(6, &[gap(4, 6)]), (vec![], vec![(6, Some(4))], Some(10)));
    }

    #[test]
    fn a_silent_hole_is_stated() {
        assert_eq!(plan(3, &[segment(5, 2)]), (vec![(5, 2)], vec![(3, Some(2))], Some(7)));
    }

    #[test]
    fn a_deleted_machines_bytes_go_nowhere() {
        let plan = Plan::new(&HashMap::from([(port(), None)]), &[segment(0, 4)]);
        assert!(plan.objects.is_empty());
        assert_eq!(told_end(&[segment(0, 4)], &port()), 4);
    }
}
