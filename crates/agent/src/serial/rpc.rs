//! The port's side of the line: messages of `agent.proto` from and to ports.

use super::port::Port;
use super::ports::Ports;
use super::reader::{Piece, Place};
use super::tasks::{News, Shared};
use super::timeline::Item;
use super::viewer::{Session, Viewer};
use super::{SerialError, lock};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use hardline_agent_api::v1;
use hardline_agent_api::v1::segments_reply::What as Told;
use hardline_console::gap::{Gap, GapReason};
use hardline_console::offset::Offset;
use hardline_console::screen::Size;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tonic::Status;

/// Bytes in one message of a read.
const MESSAGE: usize = 256 << 10;
/// Bytes in one message of the segment stream: a sealed piece in one, so that it becomes one object.
const SEGMENT: usize = 1 << 20;

/// The status for a port that is not on this host.
pub(super) fn not_found(vm_id: &str, port: u32) -> Status {
    SerialError::NotFound { vm_id: vm_id.to_owned(), port }.into()
}

/// A gap as it crosses the line.
pub(super) fn gap(port: &Port, gap: &Gap, time_us: i64) -> v1::Gap {
    let reason = match gap.reason {
        GapReason::SpoolFull => v1::GapReason::SpoolFull,
        GapReason::RateLimit => v1::GapReason::RateLimit,
        GapReason::Detached => v1::GapReason::Detached,
        GapReason::ViewerSlow => v1::GapReason::ViewerSlow,
        GapReason::Expired => v1::GapReason::Expired,
        GapReason::SpoolLost => v1::GapReason::SpoolLost,
        GapReason::CaptureOff => v1::GapReason::CaptureOff,
        GapReason::Unknown => v1::GapReason::Unspecified,
    };
    v1::Gap {
        vm_id: port.vm_id.clone(),
        port: port.number,
        start: gap.start.0,
        length: gap.length.unwrap_or(0),
        length_unknown: gap.length.is_none(),
        reason: reason.into(),
        time_us,
    }
}

/// What the server has not stored, of every port, in the order of addresses within each; then what comes.
pub(super) struct SegmentStream {
    shared: Arc<Shared>,
    news: Arc<News>,
    /// What the server says it has.
    after: HashMap<(String, u32), u64>,
    /// Number of the next item, by port; the address before which nothing is told.
    next: HashMap<u32, (u64, u64)>,
    ready: VecDeque<v1::SegmentsReply>,
}

impl SegmentStream {
    /// For a server that has everything before the cursors of `request`.
    pub fn new(shared: Arc<Shared>, request: v1::SegmentsRequest) -> Self {
        let after = request.after.into_iter().map(|c| ((c.vm_id, c.port), c.offset)).collect();
        Self { news: shared.subscribe(), shared, after, next: HashMap::new(), ready: VecDeque::new() }
    }

    /// The next message; waits for one.
    pub async fn next(&mut self) -> Option<Result<v1::SegmentsReply, Status>> {
        loop {
            if let Some(reply) = self.ready.pop_front() {
                return Some(Ok(reply));
            }
            let id = tokio::select! {
                id = self.news.next() => id,
                () = self.shared.stop.cancelled() => return None,
            };
            let Some(port) = lock(&self.shared.by_id).get(&id).cloned() else {
                self.next.remove(&id);
                continue;
            };
            if !self.next.contains_key(&id) {
                let cursor = self.after.get(&(port.vm_id.clone(), port.number)).copied();
                if let Some(stored) = cursor {
                    let port = port.clone();
                    let stored = tokio::task::spawn_blocking(move || port.resume(stored));
                    if stored.await.is_err() {
                        return None;
                    }
                }
                self.next.insert(id, (0, cursor.unwrap_or(0)));
            }
            if let Err(error) = self.tell(&port).await {
                return Some(Err(error.into()));
            }
        }
    }

    /// Makes the next item of a port ready. One at a time, so that no port keeps the others waiting.
    async fn tell(&mut self, port: &Arc<Port>) -> Result<(), SerialError> {
        let Some((number, from)) = self.next.get_mut(&port.id) else { return Ok(()) };
        let item = {
            let mut inner = lock(&port.inner);
            let limit = if self.shared.syncs() { inner.synced } else { u64::MAX };
            let item = inner.timeline.get(*number, limit);
            if let Some((_, Item::Sealed { segment, .. })) = &item {
                inner.told = inner.told.max(segment.end().0);
            }
            item
        };
        let Some((this, item)) = item else { return Ok(()) };
        *number = this + 1;
        let from = *from;
        self.news.push(port.id);
        match item {
            Item::Boot { start, boot_id, cause, time_us } => {
                let boot =
                    v1::Boot { vm_id: port.vm_id.clone(), port: port.number, start, boot_id, time_us, cause };
                self.say(Told::Boot(boot));
            }
            Item::Mark { start, reason, time_us } => {
                self.say(Told::Gap(gap(port, &Gap::unknown(Offset(start), reason), time_us)));
            }
            Item::Sealed { segment, captured: false } => {
                let start = segment.start.0.max(from);
                let length = segment.end().0.saturating_sub(start);
                let missing = Gap::exact(Offset(start), length, GapReason::CaptureOff);
                self.say(Told::Gap(gap(port, &missing, segment.sealed_us)));
            }
            Item::Sealed { segment, captured: true } => {
                let (end, mut place) = (segment.end().0, Place::at(segment.start.0.max(from)));
                // Marks are items of their own.
                place.mark = u64::MAX;
                while place.at < end {
                    let length = usize::try_from(end - place.at).unwrap_or(usize::MAX).min(SEGMENT);
                    let start = place.at;
                    let mut piece = port.read(place, length, false).await?;
                    if let Piece::Gap { gap, .. } = &mut piece {
                        gap.length = Some(gap.end().0.min(end) - start);
                    }
                    place.pass(&piece);
                    match piece {
                        Piece::Data(data) => self.say(Told::Segment(v1::Segment {
                            vm_id: port.vm_id.clone(),
                            port: port.number,
                            start,
                            data,
                            first_us: segment.first_us,
                            sealed_us: segment.sealed_us,
                        })),
                        Piece::Gap { gap: missing, time_us, .. } => {
                            let time_us = if time_us == 0 { segment.sealed_us } else { time_us };
                            self.say(Told::Gap(gap(port, &missing, time_us)));
                        }
                        Piece::NotYet => break,
                    }
                }
            }
        }
        Ok(())
    }

    fn say(&mut self, what: Told) {
        self.ready.push_back(v1::SegmentsReply { what: Some(what) });
    }
}

/// Bytes from an address on.
pub(super) struct ReadStream {
    port: Arc<Port>,
    place: Place,
    /// Where to end; none: never.
    until: Option<u64>,
}

impl ReadStream {
    /// From `offset` up to the present end, or on and on.
    pub fn new(port: Arc<Port>, offset: u64, follow: bool) -> Self {
        port.refresh();
        let until = (!follow).then(|| port.end_offset());
        Self { place: Place::at(offset), until, port }
    }

    /// The next message.
    pub async fn next(&mut self) -> Option<Result<v1::ReadReply, Status>> {
        use v1::read_reply::What;
        loop {
            let port = self.port.clone();
            let changed = port.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if port.ended.get().is_some() || self.until.is_some_and(|until| self.place.at > until) {
                return None;
            }
            let start = self.place.at;
            let room = self.until.map_or(MESSAGE, |until| usize::try_from(until - start).unwrap_or(MESSAGE));
            if self.until == Some(start) {
                // Only a mark can still stand here.
                return match port.read(self.place, 1, true).await {
                    Ok(piece @ Piece::Gap { .. }) => {
                        self.place.pass(&piece);
                        let Piece::Gap { gap: missing, time_us, .. } = piece else { return None };
                        missing.length.is_none().then(|| Ok(reply(What::Gap(gap(&port, &missing, time_us)))))
                    }
                    _ => None,
                };
            }
            let piece = match port.read(self.place, room.min(MESSAGE), true).await {
                Ok(piece) => piece,
                Err(error) => return Some(Err(error.into())),
            };
            self.place.pass(&piece);
            match piece {
                Piece::Data(data) => {
                    return Some(Ok(reply(What::Output(v1::Output { offset: start, data }))));
                }
                Piece::Gap { gap: missing, time_us, .. } => {
                    return Some(Ok(reply(What::Gap(gap(&port, &missing, time_us)))));
                }
                Piece::NotYet if self.until.is_some() => return None,
                Piece::NotYet => {}
            }
            tokio::select! {
                () = changed => {}
                () = port.shared.stop.cancelled() => return None,
            }
        }
    }
}

fn reply(what: v1::read_reply::What) -> v1::ReadReply {
    v1::ReadReply { what: Some(what) }
}

/// Ends the task that reads requests when the replies are no longer wanted.
struct Pump(tokio::task::AbortHandle);

impl Drop for Pump {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A console: requests are read by a task of their own, so that input never waits for output.
pub(super) struct ConsoleStream {
    viewer: Viewer,
    _pump: Pump,
}

impl ConsoleStream {
    /// Reads `open`, then begins.
    pub async fn begin(
        ports: &Ports,
        mut requests: BoxStream<'static, Result<v1::ConsoleRequest, Status>>,
    ) -> Result<Self, Status> {
        use v1::console_request::What;
        let first = requests.next().await.transpose()?.and_then(|r| r.what);
        let Some(What::Open(open)) = first else {
            return Err(Status::invalid_argument("the first message of a console is `open`"));
        };
        let port = ports.find(&open.vm_id, open.port)?;
        port.refresh();
        let session = Session::new(port);
        let viewer = Viewer::new(session.clone(), open.resume.then_some(open.offset));
        let pump = tokio::spawn(async move {
            while let Some(Ok(request)) = requests.next().await {
                match request.what {
                    Some(What::Input(input)) => session.input(&input),
                    Some(What::Resize(size)) => session.resize(Size {
                        cols: u16::try_from(size.cols).unwrap_or(u16::MAX),
                        rows: u16::try_from(size.rows).unwrap_or(u16::MAX),
                    }),
                    Some(What::Consumed(offset)) => session.consumed(offset),
                    Some(What::Open(_)) | None => {}
                }
            }
            session.close();
        });
        Ok(Self { viewer, _pump: Pump(pump.abort_handle()) })
    }

    /// The next message.
    pub async fn next(&mut self) -> Option<Result<v1::ConsoleReply, Status>> {
        let reply = self.viewer.next().await?;
        Some(reply.map(|what| v1::ConsoleReply { what: Some(what) }).map_err(Into::into))
    }
}
