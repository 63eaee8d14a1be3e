//! One serial port of one virtual machine: its state on the disk and in memory.
//!
//! ```text
//!   open ──> [recovered from journal + spools] ──> growing: look (QEMU's spool) or take (bytes that we read) ──> ended
//!                                                     │ Sealer                       │ Notify
//!                                                     v                              v
//!                                                 timeline ──> server            readers, by offset
//! ```
//!
//! Everything that changes together is in [`Inner`] under one lock, held for a few system calls on cached pages at most
//! (a launch, when nothing runs, waits for the disk under it). Readers copy a handle out and read without the lock.

use super::disk::{IoContext as _, sync_dir};
use super::input::Input;
use super::journal::{Journal, Record};
use super::snapshot::Viewed;
use super::spool::Growth;
use super::state::Inner;
use super::tasks::Shared;
use super::timeline::Item;
use super::{SerialError, lock};
use hardline_agent_api::v1;
use hardline_console::gap::{Gap, GapReason};
use hardline_console::offset::Offset;
use hardline_console::segment::{SealPolicy, Segment};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::sync::Notify;

/// Kept on the disk behind the end, for the screen and for clients that come back, bytes.
const KEEP: u64 = 1 << 20;

/// Which port, and where its files are.
#[derive(Clone, Debug)]
pub struct PortConfig {
    /// The virtual machine (uuid, lower case).
    pub vm_id: String,
    /// Number of the serial port.
    pub port: u32,
    /// Directory of this port's own files; made when absent. Launches' spool files are best kept beside or below its
    /// parent: their paths are stored relative to it, so that the data directory can be moved.
    pub dir: PathBuf,
}

/// A new QEMU process is about to write to a new spool.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Identity of the boot that begins with it.
    pub boot_id: String,
    /// Why: "start", "crash", "attach".
    pub cause: String,
    /// The regular file that QEMU will write from offset 0 (`P.out`). From now on it belongs to the port, which
    /// deletes it when everything in it is stored by the server. Made when absent.
    pub spool: PathBuf,
}

/// A serial port: offsets from 0 over its whole life.
pub struct Port {
    pub(super) vm_id: String,
    pub(super) number: u32,
    /// Names the port within this process.
    pub(super) id: u32,
    pub(super) dir: PathBuf,
    pub(super) shared: Arc<Shared>,
    pub(super) inner: Mutex<Inner>,
    /// Address of the next byte.
    pub(super) end: AtomicU64,
    /// Told when `end` moved, a mark was made or the port ended.
    pub(super) changed: Notify,
    pub(super) input: Arc<Input>,
    pub(super) viewed: Mutex<Viewed>,
    /// End of the screen that is kept on the disk.
    pub(super) checkpoint: AtomicU64,
    pub(super) ended: OnceLock<String>,
    /// Stands in the list of ports to be synced, to be sealed.
    pub(super) in_sync: AtomicBool,
    pub(super) in_open: AtomicBool,
}

impl Port {
    /// Recovers a port from its directory. Blocks.
    pub(super) fn recover(config: PortConfig, id: u32, shared: Arc<Shared>) -> Result<Self, SerialError> {
        let PortConfig { vm_id, port: number, dir } = config;
        std::fs::create_dir_all(&dir).at(&dir)?;
        let root = dir.parent().unwrap_or(&dir).to_owned();
        let (journal, records) = Journal::load(dir.join("journal"))?;
        let mut inner = Inner::new(&root, journal);
        let known = inner.replay(records, shared.now_us());
        let port = Self {
            input: Arc::new(Input::recover(&dir)?),
            viewed: Mutex::new(Viewed::default()),
            checkpoint: AtomicU64::new(super::snapshot::checkpoint_end(&dir)),
            vm_id,
            number,
            id,
            dir,
            shared,
            inner: Mutex::new(inner),
            end: AtomicU64::new(known),
            changed: Notify::new(),
            ended: OnceLock::new(),
            in_sync: AtomicBool::new(false),
            in_open: AtomicBool::new(false),
        };
        Ok(port)
    }

    /// Looks at the spools for the first time.
    pub(super) fn begin(self: &Arc<Self>) {
        let now = self.shared.now_us();
        let mut inner = lock(&self.inner);
        let known = self.end_offset();
        let vanished = inner.spools.last().is_some_and(|s| !inner.spools.absolute(&s.path).exists());
        self.look(&mut inner, now);
        if vanished && !inner.lost.iter().any(|l| l.gap.length.is_none() && l.gap.start.0 == known) {
            self.mark(&mut inner, GapReason::SpoolLost, now);
        }
        inner.told = self.end_offset();
        // What was written before the agent died is on the disk only after the next sync.
        self.touch(&inner);
    }

    /// Address of the next byte.
    pub fn end_offset(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Call when the previous QEMU process is dead and before the new one starts: records durably that bytes of
    /// `launch.spool` have the addresses from the returned offset on, and marks the boot there.
    pub async fn launch(self: &Arc<Self>, launch: Launch) -> Result<u64, SerialError> {
        let port = self.clone();
        blocking(move || port.launch_now(&launch)).await
    }

    fn launch_now(self: &Arc<Self>, launch: &Launch) -> Result<u64, SerialError> {
        self.check_ended()?;
        let now = self.shared.now_us();
        let mut inner = lock(&self.inner);
        self.look(&mut inner, now);
        self.close(&mut inner, now);
        if let Some(file) = inner.spools.last_file() {
            let _ = file.sync_data();
        }
        inner.synced = self.end_offset();
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&launch.spool);
        drop(file.at(&launch.spool)?);
        launch.spool.parent().map_or(Ok(()), sync_dir)?;
        let base = self.end_offset();
        let path = inner.spools.relative(&launch.spool);
        inner.journal.append(&Record::Spool { base, from: 0, path: path.clone() });
        inner.spools.push(base, 0, path);
        self.boot(&mut inner, &launch.boot_id, &launch.cause, now);
        inner.journal.sync()?;
        sync_dir(&self.dir)?;
        if !inner.live {
            self.shared.watch(self, &mut inner);
        }
        self.look(&mut inner, now);
        drop(inner);
        self.shared.announce(self.id);
        Ok(base)
    }

    /// A boot within the running QEMU process ("reset", "guest-reset") begins at the present end.
    pub async fn mark_boot(self: &Arc<Self>, boot_id: &str, cause: &str) -> Result<u64, SerialError> {
        self.check_ended()?;
        let at = {
            let now = self.shared.now_us();
            let mut inner = lock(&self.inner);
            self.look(&mut inner, now);
            self.close(&mut inner, now);
            self.boot(&mut inner, boot_id, cause, now);
            self.end_offset()
        };
        let port = self.clone();
        blocking(move || port.sync_now()).await?;
        self.shared.announce(self.id);
        Ok(at)
    }

    /// Boot diagnostics on or off: while off, the server is offered `CAPTURE_OFF` gaps in place of bytes.
    pub fn set_capture(self: &Arc<Self>, on: bool) {
        let now = self.shared.now_us();
        let mut inner = lock(&self.inner);
        if inner.capture != on {
            self.look(&mut inner, now);
            self.close(&mut inner, now);
            inner.capture = on;
            inner.journal.append(&Record::Capture(on));
        }
    }

    /// Closes the open piece now; gives the end of everything printed so far, which is then on the disk.
    pub async fn seal(self: &Arc<Self>) -> Result<u64, SerialError> {
        self.check_ended()?;
        let end = {
            let now = self.shared.now_us();
            let mut inner = lock(&self.inner);
            self.look(&mut inner, now);
            self.close(&mut inner, now);
            let end = self.end_offset();
            if inner.synced >= end && inner.journal.is_resting() {
                // A quiet port: whoever asks for its end waits for no disk.
                return Ok(end);
            }
            end
        };
        let port = self.clone();
        blocking(move || port.sync_now()).await?;
        self.shared.announce(self.id);
        Ok(end)
    }

    /// The FIFO that QEMU reads (`P.in`) exists and QEMU runs: from now on input goes there. Also after an agent restart.
    pub fn input_open(&self, fifo: &Path) -> Result<(), SerialError> {
        self.check_ended()?;
        self.input.open_fifo(fifo)
    }

    /// The guest does not run: input is refused as NOT_RUNNING. The spool is looked at once more.
    pub fn input_close(self: &Arc<Self>) {
        self.input.close();
        self.refresh();
    }

    /// The agent's own keys (SysRq): not subject to the epoch. False when the guest does not run or does not read.
    pub fn type_keys(&self, keys: &[u8]) -> bool {
        self.input.write_own(keys).is_ok()
    }

    /// For observations.
    pub fn state(&self) -> v1::PortState {
        v1::PortState { port: self.number, end: self.end_offset(), live_read: lock(&self.inner).live }
    }

    pub(super) fn check_ended(&self) -> Result<(), SerialError> {
        if self.ended.get().is_some() { Err(SerialError::Ended) } else { Ok(()) }
    }

    /// Looks how far QEMU's spool is.
    pub(super) fn refresh(self: &Arc<Self>) {
        let now = self.shared.now_us();
        let mut inner = lock(&self.inner);
        self.look(&mut inner, now);
    }

    /// As [`Port::refresh`], under the lock.
    pub(super) fn look(self: &Arc<Self>, inner: &mut Inner, now: i64) {
        if inner.live || self.ended.get().is_some() {
            return;
        }
        match inner.spools.look() {
            Growth::Grown(0) => {}
            Growth::Grown(n) => self.grown(inner, n, now),
            Growth::Shrunk { from } => {
                let end = self.end_offset();
                if !inner.lost.iter().any(|l| l.gap.start.0 <= from && l.gap.end().0 >= end) {
                    tracing::warn!(vm = %self.vm_id, port = self.number, from, end, "a spool is shorter than it was");
                    self.lose(inner, Gap::exact(Offset(from), end - from, GapReason::SpoolLost), now);
                    self.changed.notify_waiters();
                }
            }
        }
    }

    /// Bytes that we read ourselves.
    pub(super) fn take(self: &Arc<Self>, bytes: &[u8], now: i64) {
        let mut inner = lock(&self.inner);
        let inner = &mut *inner;
        let end = self.end_offset();
        let position = inner.spools.last().map(|s| s.position(end));
        let written = match (inner.spools.last_file(), position) {
            (Some(file), Some(position)) => write_at(&file, bytes, position),
            _ => Err(0),
        };
        let (kept, missing) = match written {
            Ok(()) => (bytes.len(), 0),
            Err(kept) => (kept, bytes.len() - kept),
        };
        if let Some(ring) = &mut inner.ring
            && ring.end().0 == end
        {
            ring.push(bytes.get(..kept).unwrap_or_default());
        }
        inner.spools.stretch(end + bytes.len() as u64);
        if missing > 0 {
            let gap = Gap::exact(Offset(end + kept as u64), missing as u64, GapReason::SpoolFull);
            if !inner.full {
                tracing::error!(vm = %self.vm_id, port = self.number, "no room for the serial log on this host's disk");
            }
            inner.full = true;
            self.lose(inner, gap, now);
        } else {
            inner.full = false;
        }
        self.grown(inner, bytes.len() as u64, now);
    }

    /// The addresses up to `end + n` are used.
    fn grown(self: &Arc<Self>, inner: &mut Inner, n: u64, now: i64) {
        let mut full: Vec<Segment> = Vec::new();
        inner.sealer.append(n, now, &SealPolicy::default(), |segment| full.push(segment));
        let sealed = !full.is_empty();
        full.into_iter().for_each(|segment| inner.record(segment));
        self.end.store(inner.sealer.end().0, Ordering::Release);
        self.touch(inner);
        self.changed.notify_waiters();
        if sealed && !self.shared.syncs() {
            self.shared.announce(self.id);
        }
    }

    /// There is something to sync and to seal.
    fn touch(self: &Arc<Self>, inner: &Inner) {
        if self.shared.syncs() && !self.in_sync.swap(true, Ordering::AcqRel) {
            self.shared.to_sync.push(self.clone());
        }
        if !inner.sealer.is_empty() && !self.in_open.swap(true, Ordering::AcqRel) {
            self.shared.to_seal.push(self.clone());
        }
    }

    /// Closes the open piece.
    pub(super) fn close(&self, inner: &mut Inner, now: i64) {
        if let Some(segment) = inner.sealer.seal(now) {
            inner.record(segment);
        }
    }

    fn boot(&self, inner: &mut Inner, boot_id: &str, cause: &str, time_us: i64) {
        let start = self.end_offset();
        let (boot_id, cause) = (boot_id.to_owned(), cause.to_owned());
        inner.journal.append(&Record::Boot {
            start,
            boot_id: boot_id.clone(),
            cause: cause.clone(),
            time_us,
        });
        inner.timeline.push(Item::Boot { start, boot_id, cause, time_us });
    }

    /// Remembers a loss; its addresses are among those used.
    fn lose(&self, inner: &mut Inner, gap: Gap, time_us: i64) {
        if let Some(last) = inner.lost.last_mut()
            && last.gap.reason == gap.reason
            && last.gap.end() == gap.start
            && let (Some(length), Some(more)) = (last.gap.length, gap.length)
        {
            // One episode is one gap.
            last.gap.length = Some(length + more);
            let gap = last.gap;
            inner.journal.append(&Record::lost(&gap, time_us));
            return;
        }
        inner.journal.append(&Record::lost(&gap, time_us));
        inner.add_lost(gap, time_us);
    }

    /// An unknown number of bytes is missing at the present end.
    pub(super) fn mark(self: &Arc<Self>, inner: &mut Inner, reason: GapReason, now: i64) {
        self.close(inner, now);
        let gap = Gap::unknown(Offset(self.end_offset()), reason);
        self.lose(inner, gap, now);
        inner.timeline.push(Item::Mark { start: gap.start.0, reason, time_us: now });
        self.changed.notify_waiters();
        self.shared.announce(self.id);
    }

    /// A server begins with everything before `stored`. Blocks.
    pub(super) fn resume(self: &Arc<Self>, stored: u64) {
        {
            let now = self.shared.now_us();
            let mut inner = lock(&self.inner);
            self.look(&mut inner, now);
            if stored > inner.told {
                self.rebase(&mut inner, stored, now);
            }
        }
        self.acknowledge(stored);
    }

    /// The server has everything before `stored`, of what it was told. Blocks.
    pub(super) fn acknowledge(&self, stored: u64) {
        let mut inner = lock(&self.inner);
        let inner = &mut *inner;
        let stored = stored.min(inner.told);
        if stored > inner.stored {
            inner.stored = stored;
            inner.timeline.acknowledge(stored);
            inner.journal.append(&Record::Stored(stored));
            self.release(inner);
        }
        if inner.journal.is_long() {
            let records = inner.records();
            if let Err(error) = inner.journal.rewrite(&records) {
                tracing::warn!(%error, "a port's journal could not be written anew");
            }
        }
    }

    /// Drops the oldest bytes when too many wait for the server. Blocks.
    pub(super) fn enforce_budget(&self) {
        let budget = self.shared.config.budget;
        let mut inner = lock(&self.inner);
        let inner = &mut *inner;
        let waiting = self.end_offset().saturating_sub(inner.stored.max(inner.kept));
        if waiting > budget {
            // A sixteenth more, so that this does not happen again at once.
            let keep = self.end_offset().saturating_sub(budget - budget / 16);
            tracing::warn!(vm = %self.vm_id, port = self.number, bytes = keep - inner.kept, "unstored serial log expired");
            inner.kept = keep;
            inner.journal.append(&Record::Expired(keep));
            inner.timeline.expire(keep);
            let dropped = inner.spools.release(keep);
            dropped.into_iter().for_each(|base| inner.journal.append(&Record::Dropped { base }));
        }
    }

    /// Gives back what is stored and no longer of use. Blocks.
    fn release(&self, inner: &mut Inner) {
        let end = self.end_offset();
        let mut keep = inner.stored.min(end.saturating_sub(KEEP));
        let checkpoint = self.checkpoint.load(Ordering::Acquire);
        if end.saturating_sub(checkpoint) <= super::snapshot::BEHIND {
            keep = keep.min(checkpoint);
        }
        let slowest = inner.viewers.iter().map(|at| at.load(Ordering::Acquire)).min();
        if let Some(slowest) = slowest {
            keep = keep.min(slowest.max(end.saturating_sub(super::viewer::FAR)));
        }
        let dropped = inner.spools.release(keep);
        inner.kept = inner.kept.max(keep);
        dropped.into_iter().for_each(|base| inner.journal.append(&Record::Dropped { base }));
        let kept = inner.kept;
        inner.lost.retain(|l| l.gap.end().0 >= kept);
    }

    /// Brings bytes and journal to the disk. Blocks.
    pub(super) fn sync_now(self: &Arc<Self>) -> Result<(), SerialError> {
        let (file, end, journal) = {
            let mut inner = lock(&self.inner);
            (inner.spools.last_file(), self.end_offset(), inner.journal.handle())
        };
        if let Some(file) = file {
            file.sync_data().at(&self.dir)?;
        }
        if let Some(journal) = journal {
            journal.sync_data().at(&self.dir)?;
        }
        self.synced(end);
        Ok(())
    }

    /// Everything before `end` is on the disk: sealed pieces of it may be offered.
    pub(super) fn synced(&self, end: u64) {
        let mut inner = lock(&self.inner);
        if inner.synced < end {
            inner.synced = end;
            if inner.timeline.iter().next().is_some() {
                drop(inner);
                self.shared.announce(self.id);
            }
        }
    }

    /// Viewers are told that the port is no more; nothing happens to it from now on.
    pub(super) fn end(&self, reason: &str) -> Vec<PathBuf> {
        let _ = self.ended.set(reason.to_owned());
        self.input.close();
        let mut inner = lock(&self.inner);
        self.shared.unwatch(&mut inner);
        inner.ring = None;
        let paths = inner.spools.paths();
        drop(inner);
        self.changed.notify_waiters();
        paths
    }

    /// The agent reads the endpoint itself and hands the bytes to [`Port::take`]: into the present spool, or a new one.
    pub(super) fn go_live(self: &Arc<Self>) -> Result<(), SerialError> {
        self.check_ended()?;
        let now = self.shared.now_us();
        let mut inner = lock(&self.inner);
        self.look(&mut inner, now);
        inner.live = true;
        self.shared.unwatch(&mut inner);
        if inner.spools.last_file().is_none() {
            let base = self.end_offset();
            let file = self.dir.join(format!("attached-{base:016x}.out"));
            File::options().create(true).truncate(false).write(true).open(&file).at(&file)?;
            let path = inner.spools.relative(&file);
            inner.journal.append(&Record::Spool { base, from: 0, path: path.clone() });
            inner.spools.push(base, 0, path);
        }
        Ok(())
    }
}

/// Runs something that waits for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SerialError> + Send + 'static,
) -> Result<T, SerialError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(SerialError::Ended))
}

/// Writes all of `bytes`, or says how many were written.
fn write_at(file: &File, bytes: &[u8], position: u64) -> Result<(), usize> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match file.write_at(rest, position + done as u64) {
            Ok(0) => return Err(done),
            Ok(n) => done += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Err(done),
        }
    }
    Ok(())
}
