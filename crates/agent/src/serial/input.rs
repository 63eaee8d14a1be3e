//! Towards the guest: who may type, and bytes that never wait for output.
//!
//! ```text
//!   input(epoch, bytes) ── epoch is the port's? ── queue empty and few bytes? ── yes ─> write now, non-blocking
//!                             │ no: refused             │ no
//!                             v                         v
//!                        STALE_EPOCH              queue (bounded) ── paced, as the guest reads ─> write
//!                        NOT_WRITER                     └ full: GUEST_NOT_READING, the whole message
//! ```
//!
//! The epoch is on the disk before it is believed. A fence also empties the queue and the FIFO, so that bytes of an older
//! epoch which the guest has not read yet never reach it.

use super::SerialError;
use super::disk::IoContext as _;
use super::journal::replace_file;
use super::lock;
use hardline_agent_api::v1::input_refused::Reason;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Larger messages are pastes: paced.
const BURST: usize = 256;
/// Between two bursts of a paste: 51 kB/s, below what a guest's UART driver takes.
const PACE: Duration = Duration::from_millis(5);
/// The same, for a guest that has stopped reading.
const SLOWEST: Duration = Duration::from_millis(100);
/// Most that waits for the guest to read, bytes.
const QUEUE: usize = 256 << 10;
/// Bytes in the FIFO itself: a small one shows early that the guest does not read.
const FIFO_SIZE: usize = 8 << 10;
/// So long after a key, output is passed on without gathering, milliseconds.
const TYPING_MS: u64 = 50;

/// The end that we write.
pub(crate) struct Sink {
    /// Non-blocking. Not registered for writing: a guest that does not read is asked again later.
    pub fd: Arc<OwnedFd>,
    /// A FIFO, opened for both directions: what the guest has not read can be taken out again.
    pub fifo: bool,
}

/// The way to the guest of one port.
pub(super) struct Input {
    state: Mutex<State>,
    epoch_file: PathBuf,
    /// Fences take their turns.
    fencing: Mutex<()>,
    /// Someone types: told to whoever gathers output.
    pub typed: Notify,
    /// When somebody typed last, milliseconds since `started`; 0: never.
    last: AtomicU64,
    started: Instant,
}

#[derive(Default)]
struct State {
    epoch: u64,
    sink: Option<Arc<Sink>>,
    queue: VecDeque<u8>,
    draining: bool,
}

impl Input {
    /// With the epoch that the port's directory holds. Blocks.
    pub fn recover(dir: &Path) -> Result<Self, SerialError> {
        let epoch_file = dir.join("epoch");
        let epoch = match std::fs::read_to_string(&epoch_file) {
            Ok(text) => {
                text.trim().parse().map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidData))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        };
        let state = State { epoch: epoch.at(&epoch_file)?, ..State::default() };
        Ok(Self {
            state: Mutex::new(state),
            epoch_file,
            fencing: Mutex::new(()),
            typed: Notify::new(),
            last: AtomicU64::new(0),
            started: Instant::now(),
        })
    }

    /// From now on input goes to this FIFO.
    pub fn open_fifo(&self, path: &Path) -> Result<(), SerialError> {
        // For both directions: opening never waits for a reader, and a reader that leaves raises no signal.
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let fd = rustix::fs::open(path, flags, Mode::empty()).at(path)?;
        let _ = rustix::pipe::fcntl_setpipe_size(&fd, FIFO_SIZE);
        self.attach(Arc::new(Sink { fd: Arc::new(fd), fifo: true }));
        Ok(())
    }

    /// From now on input goes there.
    pub fn attach(&self, sink: Arc<Sink>) {
        let mut state = lock(&self.state);
        state.queue.clear();
        state.sink = Some(sink);
    }

    /// Input is refused from now on.
    pub fn close(&self) {
        let mut state = lock(&self.state);
        state.queue.clear();
        state.sink = None;
    }

    /// The epoch that may write.
    pub fn epoch(&self) -> u64 {
        lock(&self.state).epoch
    }

    /// Somebody typed within the last moments.
    pub fn is_typing(&self) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        last != 0 && self.now_ms().saturating_sub(last) < TYPING_MS
    }

    /// From the return on, nothing of an older epoch reaches the guest; also after a restart. Blocks.
    pub fn fence(&self, epoch: u64) -> Result<u64, SerialError> {
        let _turn = lock(&self.fencing);
        let held = self.epoch();
        if epoch < held {
            return Err(SerialError::Fenced { asked: epoch, held });
        }
        if epoch > held {
            let text = format!("{epoch}\n");
            replace_file(&self.epoch_file, &self.epoch_file.with_extension("new"), text.as_bytes())?;
            let mut state = lock(&self.state);
            state.epoch = epoch;
            state.queue.clear();
            if let Some(sink) = state.sink.as_ref().filter(|sink| sink.fifo) {
                let mut unread = [0u8; 4096];
                while matches!(rustix::io::read(&*sink.fd, &mut unread), Ok(n) if n > 0) {}
            }
        }
        Ok(epoch)
    }

    /// Input of a holder of `epoch`. Refused as a whole or taken as a whole.
    pub fn write(self: &Arc<Self>, epoch: u64, bytes: &[u8]) -> Result<(), Reason> {
        let mut state = lock(&self.state);
        if epoch == 0 || epoch > state.epoch {
            return Err(Reason::NotWriter);
        }
        if epoch < state.epoch {
            return Err(Reason::StaleEpoch);
        }
        self.put(&mut state, bytes)
    }

    /// Keys of the agent itself.
    pub fn write_own(self: &Arc<Self>, bytes: &[u8]) -> Result<(), Reason> {
        self.put(&mut lock(&self.state), bytes)
    }

    fn put(self: &Arc<Self>, state: &mut State, bytes: &[u8]) -> Result<(), Reason> {
        let Some(sink) = state.sink.clone() else { return Err(Reason::NotRunning) };
        self.last.store(self.now_ms(), Ordering::Relaxed);
        self.typed.notify_waiters();
        let mut rest = bytes;
        if state.queue.is_empty() && bytes.len() <= BURST {
            match rustix::io::write(&*sink.fd, bytes) {
                Ok(n) => rest = bytes.get(n..).unwrap_or_default(),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(_) => return Err(Reason::NotRunning),
            }
        } else if state.queue.len() + bytes.len() > QUEUE {
            return Err(Reason::GuestNotReading);
        }
        if !rest.is_empty() {
            state.queue.extend(rest);
            if !std::mem::replace(&mut state.draining, true) {
                tokio::spawn(drain(self.clone()));
            }
        }
        Ok(())
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

/// Shared, because what waits is written by a task.
type InputOf = Arc<Input>;

/// Writes what waits, in bursts, until nothing waits.
async fn drain(input: InputOf) {
    let mut pause = PACE;
    loop {
        let full = {
            let mut state = lock(&input.state);
            let Some(sink) = state.sink.clone().filter(|_| !state.queue.is_empty()) else {
                state.draining = false;
                return;
            };
            let burst: Vec<u8> = state.queue.iter().take(BURST).copied().collect();
            match rustix::io::write(&*sink.fd, &burst) {
                Ok(n) => {
                    state.queue.drain(..n);
                    false
                }
                Err(Errno::AGAIN) => true,
                Err(Errno::INTR) => false,
                Err(_) => {
                    state.queue.clear();
                    state.draining = false;
                    return;
                }
            }
        };
        // A guest that does not read is asked less and less often; a sink that was replaced is noticed at the next turn.
        pause = if full { (pause * 2).min(SLOWEST) } else { PACE };
        tokio::time::sleep(pause).await;
    }
}
