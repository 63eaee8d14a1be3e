//! A port whose bytes this process reads itself, from a descriptor that somebody connected.
//!
//! No task, buffer or thread of a port's own beyond the caller's: thousands of ports share what they can. The reader of
//! a unix socket that looks away for 3 ms stops a guest, so nothing here waits for anything but the descriptor.

use super::port::Port;
use super::{SerialError, Sink, lock, register};
use hardline_console::gap::GapReason;
use rustix::io::Errno;
use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

/// Read at once, bytes; one buffer a thread.
const BUFFER: usize = 128 << 10;
/// A read that gives fewer bytes is a UART printing byte by byte.
const SMALL: usize = 512;
/// After so many small reads in a row, output is gathered.
const STREAK: u32 = 8;
/// For so long. A guest on a unix socket fills what the kernel holds (278 bytes) in 3.2 ms at full UART speed.
const GATHER: Duration = Duration::from_millis(1);
/// Reads in a row before other ports get their turn.
const TURN: u32 = 16;

thread_local! {
    static BYTES: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// What one read gave.
enum Got {
    Bytes(usize),
    Nothing,
    End(std::io::Error),
}

impl Port {
    /// Call before bytes are taken: the port's spool is written by this process from now on. Blocks.
    pub(crate) fn begin_reading(self: &Arc<Self>) -> Result<(), SerialError> {
        self.go_live()
    }

    /// Told when `path` appears. None: its directory cannot be watched.
    pub(crate) fn await_name(&self, path: &Path) -> Option<Arc<Notify>> {
        self.shared.await_name(path)
    }

    /// Reads `sink` until its end, which is returned; input goes there meanwhile. `again`: nobody was reading before.
    pub(crate) async fn read_from(
        self: &Arc<Self>,
        sink: Arc<Sink>,
        again: bool,
        whole: bool,
    ) -> std::io::Error {
        if again || self.end_offset() > 0 {
            let mut inner = lock(&self.inner);
            let at = self.end_offset();
            let told = inner.lost.iter().any(|l| l.gap.start.0 == at && l.gap.reason == GapReason::Detached);
            if !told {
                let now = self.shared.now_us();
                self.mark(&mut inner, GapReason::Detached, now);
            }
        }
        self.input.attach(sink.clone());
        let end = self.drain(&sink, whole).await;
        self.input.close();
        end
    }

    /// `whole`: a read that does not fill the buffer emptied the descriptor (sockets; not ptys).
    ///
    /// ```text
    ///   watched ── many small reads in a row ──> gathering: read once a millisecond
    ///      ^                                         │
    ///      └── nothing to read, much of it, a key ───┘
    /// ```
    ///
    /// While gathering the descriptor is not watched at all: a UART's bytes wake nobody one by one.
    async fn drain(self: &Arc<Self>, sink: &Sink, whole: bool) -> std::io::Error {
        loop {
            let end = match register(sink.fd.clone(), Interest::READABLE) {
                Ok(watched) => self.watch(&watched, sink, whole).await,
                Err(error) => Some(error),
            };
            if let Some(end) = end {
                return end;
            }
            loop {
                Box::pin(self.gather()).await;
                match self.read_once(sink) {
                    Got::Bytes(n) if n < SMALL && !self.input.is_typing() => {}
                    Got::Bytes(_) | Got::Nothing => break,
                    Got::End(error) => return error,
                }
            }
        }
    }

    /// Reads whenever there is something; returns the end, or nothing when a UART prints byte by byte.
    async fn watch(
        self: &Arc<Self>,
        watched: &AsyncFd<Arc<OwnedFd>>,
        sink: &Sink,
        whole: bool,
    ) -> Option<std::io::Error> {
        let mut small = 0u32;
        loop {
            let mut ready = match watched.ready(Interest::READABLE).await {
                Ok(ready) => ready,
                Err(error) => return Some(error),
            };
            let mut turn = 0;
            loop {
                match self.read_once(sink) {
                    Got::Bytes(n) => {
                        small = if n < SMALL { small.saturating_add(1) } else { 0 };
                        if whole && n < BUFFER {
                            ready.clear_ready();
                            break;
                        }
                        turn += 1;
                        if turn == TURN {
                            break;
                        }
                    }
                    Got::Nothing => {
                        ready.clear_ready();
                        break;
                    }
                    Got::End(error) => return Some(error),
                }
            }
            drop(ready);
            if turn == TURN {
                tokio::task::yield_now().await;
            } else if small >= STREAK && !self.input.is_typing() {
                return None;
            }
        }
    }

    /// Lets bytes come together, unless somebody types.
    async fn gather(&self) {
        tokio::select! {
            () = tokio::time::sleep(GATHER) => {}
            () = self.input.typed.notified() => {}
        }
    }

    fn read_once(self: &Arc<Self>, sink: &Sink) -> Got {
        BYTES.with_borrow_mut(|buffer| match rustix::io::read(&*sink.fd, buffer.as_mut_slice()) {
            Ok(0) => Got::End(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                self.take(buffer.get(..n).unwrap_or_default(), self.shared.now_us());
                Got::Bytes(n)
            }
            Err(Errno::AGAIN | Errno::INTR) => Got::Nothing,
            Err(error) => Got::End(error.into()),
        })
    }
}
