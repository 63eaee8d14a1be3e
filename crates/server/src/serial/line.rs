//! One viewer's or writer's stream to the host of its port.

use super::hub::Port;
use bytes::Bytes;
use hardline_agent_api::HostAgentClient;
use hardline_agent_api::v1::{self, console_reply, console_request, input_refused};
use hardline_console::frame::{GapReason, RefusedReason, ServerFrame, ServerNotice};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

/// Requests that may wait for the host. It reads them at once; more than this means that it does not.
const QUEUE: usize = 64;
/// The host is told how far the viewer has come after this many bytes, so that echoes of single keys cost no message. A
/// quarter of what the host sends ahead: a viewer that keeps up is never waited for.
const ACKNOWLEDGE_EVERY: u64 = 256 << 10;

/// An open stream.
#[derive(Debug)]
pub struct Line {
    keys: Keys,
    replies: Streaming<v1::ConsoleReply>,
    /// Where the output goes on: everything below was given to the viewer.
    next: u64,
    /// Whether `next` is more than a guess: asked for, or heard.
    known: bool,
    told: u64,
}

/// The way of keystrokes to the guest. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Keys {
    requests: mpsc::Sender<v1::ConsoleRequest>,
    epoch: u64,
}

/// What the host said.
#[derive(Debug)]
pub enum Heard {
    /// Output, a snapshot, a gap, refused input.
    Frame(ServerFrame),
    /// The machine was removed from the host.
    Removed(String),
    /// The stream broke: the host is away, or does not know the machine.
    Broken(Status),
}

impl Line {
    /// Opens a stream. `epoch` none: a viewer. `from`: the offset to go on at, if the host still holds it; without it the
    /// first reply is a snapshot.
    pub async fn open(
        mut client: HostAgentClient,
        port: &Port,
        epoch: Option<u64>,
        from: Option<u64>,
    ) -> Result<Self, Status> {
        let (requests, queue) = mpsc::channel(QUEUE);
        let open = v1::ConsoleOpen {
            vm_id: port.vm.clone(),
            port: port.index,
            epoch: epoch.unwrap_or(0),
            resume: from.is_some(),
            offset: from.unwrap_or(0),
        };
        requests
            .try_send(request(console_request::What::Open(open)))
            .map_err(|_| Status::internal("a new queue takes its first message"))?;
        let replies = client.console(ReceiverStream::new(queue)).await?.into_inner();
        let next = from.unwrap_or(0);
        Ok(Self {
            keys: Keys { requests, epoch: epoch.unwrap_or(0) },
            replies,
            next,
            known: from.is_some(),
            told: next,
        })
    }

    /// The way of keystrokes.
    pub fn keys(&self) -> Keys {
        self.keys.clone()
    }

    /// The offset where output goes on. None before the host has said where it is: whoever opens the line again then
    /// starts with a snapshot, not with the whole log.
    pub fn next_offset(&self) -> Option<u64> {
        self.known.then_some(self.next)
    }

    /// What the host says next. Cancel-safe.
    pub async fn hear(&mut self) -> Heard {
        loop {
            let what = match self.replies.message().await {
                Ok(Some(reply)) => reply.what,
                Ok(None) => return Heard::Broken(Status::unavailable("the host closed the console")),
                Err(status) => return Heard::Broken(status),
            };
            let frame = match what {
                Some(console_reply::What::Output(output)) => {
                    (self.next, self.known) = (output.offset + output.data.len() as u64, true);
                    ServerFrame::Output { offset: output.offset, data: output.data }
                }
                Some(console_reply::What::Snapshot(s)) => {
                    (self.next, self.known) = (s.offset, true);
                    let size = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
                    ServerFrame::Snapshot {
                        offset: s.offset,
                        cols: size(s.cols),
                        rows: size(s.rows),
                        data: s.data,
                    }
                }
                Some(console_reply::What::Gap(gap)) => ServerFrame::Notice(ServerNotice::Gap {
                    start: gap.start,
                    length: (!gap.length_unknown).then_some(gap.length),
                    reason: gap_reason(gap.reason()),
                }),
                Some(console_reply::What::Refused(refused)) => {
                    ServerFrame::Notice(ServerNotice::InputRefused {
                        reason: refused_reason(refused.reason()),
                        bytes: refused.bytes,
                    })
                }
                Some(console_reply::What::Ended(end)) => return Heard::Removed(end.reason),
                // A reply of a newer host.
                None => continue,
            };
            return Heard::Frame(frame);
        }
    }

    /// Tells the host that the viewer has everything that was heard.
    pub fn acknowledge(&mut self) {
        if self.next.saturating_sub(self.told) >= ACKNOWLEDGE_EVERY {
            // A full queue is full of keystrokes; the next output brings a later offset.
            let consumed = request(console_request::What::Consumed(self.next));
            if self.keys.requests.try_send(consumed).is_ok() {
                self.told = self.next;
            }
        }
    }
}

impl Keys {
    /// Gives keystrokes to the host; waits while it does not take them. Whether the stream still stood.
    pub async fn send(&self, data: Bytes, sequence: u64) -> bool {
        let input = v1::ConsoleInput { epoch: self.epoch, data, sequence };
        self.requests.send(request(console_request::What::Input(input))).await.is_ok()
    }

    /// Whether the host was told an epoch, so that it takes keystrokes.
    pub fn may_type(&self) -> bool {
        self.epoch > 0
    }

    /// Gives the size of the viewer's terminal to the host.
    pub async fn resize(&self, cols: u16, rows: u16) {
        let size = v1::ConsoleResize { cols: cols.into(), rows: rows.into() };
        // A broken stream is noticed by whoever listens to it.
        let _ = self.requests.send(request(console_request::What::Resize(size))).await;
    }
}

fn request(what: console_request::What) -> v1::ConsoleRequest {
    v1::ConsoleRequest { what: Some(what) }
}

/// Whether a failed call means that the host does not know the machine (any more).
pub fn is_gone(status: &Status) -> bool {
    status.code() == Code::NotFound
}

/// The host's reason in the words of the console protocol.
pub fn gap_reason(reason: v1::GapReason) -> GapReason {
    match reason {
        v1::GapReason::Unspecified => GapReason::Unknown,
        v1::GapReason::SpoolFull => GapReason::SpoolFull,
        v1::GapReason::RateLimit => GapReason::RateLimit,
        v1::GapReason::Detached => GapReason::Detached,
        v1::GapReason::ViewerSlow => GapReason::ViewerSlow,
        v1::GapReason::Expired => GapReason::Expired,
        v1::GapReason::SpoolLost => GapReason::SpoolLost,
        v1::GapReason::CaptureOff => GapReason::CaptureOff,
    }
}

fn refused_reason(reason: input_refused::Reason) -> RefusedReason {
    use input_refused::Reason;
    match reason {
        Reason::StaleEpoch => RefusedReason::StaleEpoch,
        Reason::GuestNotReading => RefusedReason::GuestNotReading,
        Reason::NotRunning => RefusedReason::NotRunning,
        Reason::NotWriter | Reason::Unspecified => RefusedReason::NotWriter,
    }
}
