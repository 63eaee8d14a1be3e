//! One viewer or writer of a port: what it is sent, pulled when it wants more.
//!
//! ```text
//!          ┌────────────── too far behind, or bytes missing: Gap ──────────────┐
//!          v                                                                   │
//!   [Snapshot at O] ──> output from exactly O ──> ... ──> waits for more ──────┴──> PortEnd
//! ```
//!
//! A viewer has a place, not a queue. Input goes another way and is never held up by this one.

use super::port::{Port, blocking};
use super::reader::{Piece, Place};
use super::rpc;
use super::{SerialError, lock};
use hardline_agent_api::v1;
use hardline_agent_api::v1::console_reply::What;
use hardline_console::gap::{Gap, GapReason};
use hardline_console::offset::Offset;
use hardline_console::ring::Ring;
use hardline_console::screen::Size;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Bytes in one message.
const MESSAGE: usize = 128 << 10;
/// Shared by all viewers of a port, bytes.
pub(super) const RING: usize = 512 << 10;
/// A viewer this close to the end keeps up, bytes.
const NEAR: u64 = 1 << 20;
/// A viewer that has not been near the end for so long gets the present screen instead.
const PATIENCE: Duration = Duration::from_secs(3);
/// And one that is so far behind, at once; bytes.
pub(super) const FAR: u64 = 256 << 20;
/// Sent ahead of what a viewer says it has passed on, bytes.
const WINDOW: u64 = 1 << 20;

/// What the two directions of a console share.
pub(super) struct Session {
    port: Arc<Port>,
    /// The viewer's place, as retention sees it.
    at: Arc<AtomicU64>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Told with the next message; at most one a reason, the bytes added up.
    refused: Vec<v1::InputRefused>,
    /// The viewer has been given everything before; none: it does not say.
    consumed: Option<u64>,
    /// A new size, wanted by this viewer.
    size: Option<Size>,
    closed: bool,
}

impl Session {
    /// Registers a viewer.
    pub fn new(port: Arc<Port>) -> Arc<Self> {
        let at = Arc::new(AtomicU64::new(port.end_offset()));
        {
            let mut inner = lock(&port.inner);
            if inner.viewers.is_empty() {
                inner.ring = Some(Box::new(Ring::new(Offset(port.end_offset()), RING)));
            }
            inner.viewers.push(at.clone());
        }
        Arc::new(Self { port, at, state: Mutex::default(), changed: Notify::new() })
    }

    /// Input; a refusal is told with the output.
    pub fn input(&self, input: &v1::ConsoleInput) {
        if let Err(reason) = self.port.input.write(input.epoch, &input.data) {
            let mut state = lock(&self.state);
            let bytes = input.data.len() as u64;
            match state.refused.iter_mut().find(|r| r.reason == i32::from(reason)) {
                Some(refused) => {
                    refused.bytes += bytes;
                    refused.sequence = input.sequence;
                }
                None => state.refused.push(v1::InputRefused {
                    reason: reason.into(),
                    sequence: input.sequence,
                    bytes,
                }),
            }
            drop(state);
            self.changed.notify_one();
        } else {
            self.port.shared.typed();
        }
    }

    /// Everything before `offset` was passed on.
    pub fn consumed(&self, offset: u64) {
        let mut state = lock(&self.state);
        state.consumed = Some(state.consumed.unwrap_or(0).max(offset));
        drop(state);
        self.changed.notify_one();
    }

    /// Another size.
    pub fn resize(&self, size: Size) {
        lock(&self.state).size = Some(size);
        self.changed.notify_one();
    }

    /// No more requests will come.
    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_one();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut inner = lock(&self.port.inner);
        inner.viewers.retain(|at| !Arc::ptr_eq(at, &self.at));
        if inner.viewers.is_empty() {
            inner.ring = None;
            drop(inner);
            self.port.shared.left(&self.port);
        }
    }
}

/// The output half.
pub(super) struct Viewer {
    session: Arc<Session>,
    place: Place,
    /// A snapshot comes next.
    fresh: bool,
    near: Instant,
    done: bool,
}

impl Viewer {
    /// From `resume` on, if the host still holds it, else from a snapshot.
    pub fn new(session: Arc<Session>, resume: Option<u64>) -> Self {
        let mark = session.port.mark_now();
        let kept = lock(&session.port.inner).kept;
        let end = session.port.end_offset();
        let resume = resume.filter(|at| *at >= kept && *at <= end && end - at <= FAR);
        let place = Place { at: resume.unwrap_or(end), mark };
        session.at.store(place.at, Ordering::Release);
        Self { session, place, fresh: resume.is_none(), near: Instant::now(), done: false }
    }

    /// The next message, when there is one. None: the console is over.
    pub async fn next(&mut self) -> Option<Result<What, SerialError>> {
        loop {
            if self.done {
                return None;
            }
            let session = self.session.clone();
            let port = &session.port;
            // Registered before looking, so that nothing that happens in between is missed.
            let changed = port.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();

            let (refused, size, consumed, closed) = {
                let mut state = lock(&session.state);
                (state.refused.pop(), state.size.take(), state.consumed, state.closed)
            };
            if let Some(refused) = refused {
                return Some(Ok(What::Refused(refused)));
            }
            if let Some(reason) = port.ended.get() {
                self.done = true;
                return Some(Ok(What::Ended(v1::PortEnd { reason: reason.clone() })));
            }
            if closed {
                return None;
            }
            if let Some(size) = size {
                let port = port.clone();
                if let Err(error) = blocking(move || port.resize(size)).await {
                    return Some(Err(error));
                }
                self.fresh = true;
            }
            if self.fresh {
                return match self.snapshot().await {
                    Ok(snapshot) => Some(Ok(snapshot)),
                    // The port ended meanwhile: told at the next turn.
                    Err(SerialError::Ended) => continue,
                    Err(error) => Some(Err(error)),
                };
            }
            let end = port.end_offset();
            let behind = end.saturating_sub(self.place.at);
            if behind <= NEAR {
                self.near = Instant::now();
            } else if behind > FAR || self.near.elapsed() > PATIENCE {
                return Some(Ok(self.too_slow(end)));
            }
            let mut at_end = false;
            if consumed.is_none_or(|consumed| self.place.at < consumed.saturating_add(WINDOW)) {
                match port.read(self.place, MESSAGE, true).await {
                    Ok(Piece::NotYet) => at_end = true,
                    Ok(piece) => return Some(Ok(self.pass(&piece, end))),
                    Err(error) => return Some(Err(error)),
                }
            }
            tokio::select! {
                () = changed => {}
                () = session.changed.notified() => {}
                () = port.shared.stop.cancelled() => return None,
            }
            if at_end {
                // It was the guest that was slow.
                self.near = Instant::now();
            }
        }
    }

    fn pass(&mut self, piece: &Piece, end: u64) -> What {
        let start = self.place.at;
        self.place.pass(piece);
        self.session.at.store(self.place.at, Ordering::Release);
        match piece {
            Piece::Data(bytes) => What::Output(v1::Output { offset: start, data: bytes.clone() }),
            Piece::Gap { gap, .. } if gap.reason == GapReason::Expired => self.too_slow(end),
            Piece::Gap { gap, time_us, .. } => {
                self.fresh = true;
                What::Gap(rpc::gap(&self.session.port, gap, *time_us))
            }
            Piece::NotYet => What::Output(v1::Output::default()),
        }
    }

    fn too_slow(&mut self, end: u64) -> What {
        let port = &self.session.port;
        let at = self.session.at.load(Ordering::Acquire).min(self.place.at);
        tracing::debug!(vm = %port.vm_id, port = port.number, behind = end - at.min(end), "a viewer was too slow");
        let gap = Gap::exact(Offset(at), end.saturating_sub(at), GapReason::ViewerSlow);
        self.fresh = true;
        self.place.at = end;
        self.session.at.store(end, Ordering::Release);
        What::Gap(rpc::gap(port, &gap, port.shared.now_us()))
    }

    async fn snapshot(&mut self) -> Result<What, SerialError> {
        let port = self.session.port.clone();
        let snapshot = blocking(move || port.snapshot()).await?;
        self.place = snapshot.place;
        self.session.at.store(self.place.at, Ordering::Release);
        self.fresh = false;
        self.near = Instant::now();
        Ok(What::Snapshot(v1::Snapshot {
            offset: self.place.at,
            cols: u32::from(snapshot.size.cols),
            rows: u32::from(snapshot.size.rows),
            data: snapshot.data.into(),
        }))
    }
}
