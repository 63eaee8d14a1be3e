//! What all ports share: one inotify instance, one sync, one clockwork for sealing and housekeeping.
//!
//! ```text
//!   inotify ──> capture ── look at the spools that grew ──┐ to_sync ──> sync   (every 50 ms at most, off the async threads)
//!                 └ gathers 1 ms under load, never       ├ to_seal ──> seal   (4 times a second)
//!                   while somebody types                 └ news    ──> segment streams
//! ```

use super::disk::room;
use super::port::Port;
use super::ports::{PortsConfig, SyncPolicy};
use super::state::Inner;
use super::{lock, register};
use hardline_console::gap::GapReason;
use hardline_console::segment::SealPolicy;
use inotify::{EventMask, Inotify, WatchDescriptor, WatchMask, Watches};
use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// More dirty files than this are cheaper to sync by file system than one by one.
const BY_FILE: usize = 8;
/// How often open pieces are looked at.
const TICK: Duration = Duration::from_millis(250);
/// Housekeeping is done every so many ticks.
const HOUSE_TICKS: u64 = 4;
/// Inotify may lose events (its queue is bounded): every spool is looked at so often, in ticks.
const SAFETY_TICKS: u64 = 8;
/// Screens are brought up to date by this much a second, all ports together, bytes.
const CHECKPOINT_BUDGET: u64 = 2 << 20;
/// A screen this far behind is worth a checkpoint, bytes.
const CHECKPOINT_AFTER: u64 = 512 << 10;
/// Less room than this is a full disk, bytes.
const FULL: u64 = 128 << 10;
/// So long after a key, nothing is gathered, milliseconds.
const TYPING_MS: u64 = 50;

/// Ports that wait for something, each at most once (its own flag sees to that).
#[derive(Default)]
pub(super) struct Waiting {
    list: Mutex<Vec<Arc<Port>>>,
    some: Notify,
}

impl Waiting {
    /// Adds a port.
    pub fn push(&self, port: Arc<Port>) {
        lock(&self.list).push(port);
        self.some.notify_one();
    }

    /// Everything that waits.
    pub fn take(&self) -> Vec<Arc<Port>> {
        std::mem::take(&mut *lock(&self.list))
    }

    /// Returns when something waits, or did since the last call.
    async fn wait(&self) {
        while lock(&self.list).is_empty() {
            self.some.notified().await;
        }
    }
}

/// Ports with news for one segment stream, each at most once.
#[derive(Default)]
pub(super) struct News {
    queue: Mutex<(HashSet<u32>, VecDeque<u32>)>,
    some: Notify,
}

impl News {
    /// A port has news.
    pub fn push(&self, id: u32) {
        let mut queue = lock(&self.queue);
        if queue.0.insert(id) {
            queue.1.push_back(id);
            drop(queue);
            self.some.notify_one();
        }
    }

    /// The next port with news.
    pub async fn next(&self) -> u32 {
        loop {
            {
                let mut queue = lock(&self.queue);
                if let Some(id) = queue.1.pop_front() {
                    queue.0.remove(&id);
                    return id;
                }
            }
            self.some.notified().await;
        }
    }
}

/// What inotify watches.
#[derive(Default)]
struct Watched {
    /// Spools.
    files: HashMap<WatchDescriptor, Weak<Port>>,
    /// Directories in which a name is awaited.
    dirs: HashMap<WatchDescriptor, HashMap<OsString, Vec<Weak<Notify>>>>,
}

/// Shared by all ports of a registry.
pub(super) struct Shared {
    pub config: PortsConfig,
    pub ports: Mutex<HashMap<(String, u32), Arc<Port>>>,
    pub by_id: Mutex<HashMap<u32, Arc<Port>>>,
    pub next_id: AtomicU32,
    pub to_sync: Waiting,
    pub to_seal: Waiting,
    news: Mutex<Vec<Weak<News>>>,
    watches: Mutex<Watches>,
    watched: Mutex<Watched>,
    typing: Notify,
    typed_ms: AtomicU64,
    started: Instant,
    checkpointing: AtomicBool,
    pub stop: CancellationToken,
    pub tracker: TaskTracker,
}

impl Shared {
    /// Starts the tasks.
    pub fn start(config: PortsConfig) -> std::io::Result<Arc<Self>> {
        let inotify = Inotify::init()?;
        let shared = Arc::new(Self {
            config,
            ports: Mutex::default(),
            by_id: Mutex::default(),
            next_id: AtomicU32::new(1),
            to_sync: Waiting::default(),
            to_seal: Waiting::default(),
            news: Mutex::default(),
            watches: Mutex::new(inotify.watches()),
            watched: Mutex::default(),
            typing: Notify::new(),
            typed_ms: AtomicU64::new(0),
            started: Instant::now(),
            checkpointing: AtomicBool::new(false),
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
        });
        let inotify = register(inotify, Interest::READABLE)?;
        shared.tracker.spawn(shared.clone().capture(inotify));
        shared.tracker.spawn(shared.clone().clockwork());
        if let SyncPolicy::Every(ms) = shared.config.sync {
            shared.tracker.spawn(shared.clone().sync(Duration::from_millis(ms)));
        }
        Ok(shared)
    }

    /// The time of day, microseconds.
    pub fn now_us(&self) -> i64 {
        self.config.clock.now_us()
    }

    /// Whether bytes are forced to the disk.
    pub fn syncs(&self) -> bool {
        self.config.sync != SyncPolicy::Kernel
    }

    /// A port has something new for the server.
    pub fn announce(&self, id: u32) {
        lock(&self.news).retain(|news| news.upgrade().inspect(|news| news.push(id)).is_some());
    }

    /// The news of a new segment stream; at first, every port has some.
    pub fn subscribe(&self) -> Arc<News> {
        let news = Arc::new(News::default());
        lock(&self.news).push(Arc::downgrade(&news));
        lock(&self.by_id).keys().for_each(|id| news.push(*id));
        news
    }

    /// Somebody typed.
    pub fn typed(&self) {
        self.typed_ms.store(self.ms(), Ordering::Relaxed);
        self.typing.notify_waiters();
    }

    fn is_typing(&self) -> bool {
        let typed = self.typed_ms.load(Ordering::Relaxed);
        typed != 0 && self.ms().saturating_sub(typed) < TYPING_MS
    }

    fn ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// The last viewer of a port left: its screen goes to the disk.
    pub fn left(&self, port: &Arc<Port>) {
        if !self.stop.is_cancelled() && port.ended.get().is_none() {
            let port = port.clone();
            self.tracker.spawn_blocking(move || port.keep_checkpoint());
        }
    }

    /// Watches the growing spool of a port in place of the one before.
    pub fn watch(&self, port: &Arc<Port>, inner: &mut Inner) {
        self.unwatch(inner);
        let Some(path) = inner.spools.last().map(|s| inner.spools.absolute(&s.path)) else { return };
        match lock(&self.watches).add(&path, WatchMask::MODIFY) {
            Ok(descriptor) => {
                lock(&self.watched).files.insert(descriptor.clone(), Arc::downgrade(port));
                inner.watch = Some(descriptor);
            }
            // The spool is still looked at by the clock.
            Err(error) => tracing::warn!(path = %path.display(), %error, "a spool cannot be watched"),
        }
    }

    /// Watches it no more.
    pub fn unwatch(&self, inner: &mut Inner) {
        if let Some(descriptor) = inner.watch.take() {
            lock(&self.watched).files.remove(&descriptor);
            // An error means that the file is gone and the watch with it.
            let _ = lock(&self.watches).remove(descriptor);
        }
    }

    /// Told when `path` appears (again). None when its directory cannot be watched.
    pub fn await_name(&self, path: &Path) -> Option<Arc<Notify>> {
        let (dir, name) = (path.parent()?, path.file_name()?);
        let mask = WatchMask::CREATE | WatchMask::MOVED_TO | WatchMask::ONLYDIR;
        let descriptor = lock(&self.watches).add(dir, mask).ok()?;
        let notify = Arc::new(Notify::new());
        let mut watched = lock(&self.watched);
        let names = watched.dirs.entry(descriptor).or_default().entry(name.to_owned()).or_default();
        names.retain(|n| n.strong_count() > 0);
        names.push(Arc::downgrade(&notify));
        Some(notify)
    }

    /// Looks at spools as they grow.
    async fn capture(self: Arc<Self>, mut inotify: AsyncFd<Inotify>) {
        let mut buffer = vec![0; 64 << 10];
        let mut last = Instant::now();
        let mut streak = 0u32;
        loop {
            let grown = {
                let mut ready = tokio::select! {
                    () = self.stop.cancelled() => return,
                    ready = inotify.readable_mut() => match ready {
                        Ok(ready) => ready,
                        Err(error) => return tracing::error!(%error, "inotify ended"),
                    },
                };
                let read =
                    ready.try_io(|inotify| inotify.get_mut().read_events(&mut buffer).map(|e| self.sort(e)));
                match read {
                    Ok(Ok(grown)) => grown,
                    Ok(Err(error)) => {
                        tracing::error!(%error, "inotify cannot be read");
                        self.every_port()
                    }
                    Err(_) => continue,
                }
            };
            grown.iter().for_each(Port::refresh);
            // Rounds that follow each other closely are a guest printing byte by byte: gather, unless somebody types.
            streak = if last.elapsed() < Duration::from_millis(4) { streak.saturating_add(1) } else { 0 };
            last = Instant::now();
            if streak >= 4 && !self.is_typing() {
                let watched = grown.iter().any(|port| !lock(&port.inner).viewers.is_empty());
                let pause = Duration::from_millis(if watched { 1 } else { 5 });
                tokio::select! {
                    () = self.stop.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                    () = self.typing.notified() => {}
                }
                last = Instant::now();
            }
        }
    }

    /// The ports whose spools grew; whoever awaits a name is told.
    fn sort(&self, events: inotify::Events<'_>) -> Vec<Arc<Port>> {
        let mut grown: Vec<Arc<Port>> = Vec::new();
        let mut overflow = false;
        let mut watched = lock(&self.watched);
        for event in events {
            if event.mask.contains(EventMask::Q_OVERFLOW) {
                overflow = true;
            } else if let Some(port) = watched.files.get(&event.wd) {
                if let Some(port) = port.upgrade().filter(|p| !grown.iter().any(|g| g.id == p.id)) {
                    grown.push(port);
                }
            } else if let Some(names) = watched.dirs.get_mut(&event.wd)
                && let Some(name) = event.name
                && let Some(waiting) = names.remove(name)
            {
                waiting.iter().filter_map(Weak::upgrade).for_each(|notify| notify.notify_one());
            }
        }
        drop(watched);
        if overflow { self.every_port() } else { grown }
    }

    fn every_port(&self) -> Vec<Arc<Port>> {
        lock(&self.by_id).values().cloned().collect()
    }

    /// Brings what was written to the disk before `period` is over.
    async fn sync(self: Arc<Self>, period: Duration) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.to_sync.wait() => {}
            }
            // The rest of the period is for noticing the bytes and for the disk.
            tokio::time::sleep(period * 3 / 5).await;
            let ports = self.to_sync.take();
            if tokio::task::spawn_blocking(move || sync_ports(&ports)).await.is_err() {
                return;
            }
        }
    }

    /// Sealing and housekeeping.
    async fn clockwork(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut full: HashSet<u64> = HashSet::new();
        for tick in 0u64.. {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            self.seal_due();
            if tick % SAFETY_TICKS == SAFETY_TICKS - 1 {
                self.every_port().iter().for_each(Port::refresh);
            }
            if tick % HOUSE_TICKS == HOUSE_TICKS - 1 {
                let shared = self.clone();
                let seen = std::mem::take(&mut full);
                match tokio::task::spawn_blocking(move || shared.keep_house(seen)).await {
                    Ok(now) => full = now,
                    Err(_) => return,
                }
            }
        }
    }

    fn seal_due(&self) {
        let now = self.now_us();
        let mut still: Vec<Arc<Port>> = Vec::new();
        for port in self.to_seal.take() {
            let mut inner = lock(&port.inner);
            let sealed = inner.sealer.due(now, &SealPolicy::default());
            let news = sealed.is_some();
            sealed.into_iter().for_each(|segment| inner.record(segment));
            inner.journal.rest();
            inner.spools.rest();
            if inner.sealer.is_empty() {
                port.in_open.store(false, Ordering::Release);
                drop(inner);
            } else {
                drop(inner);
                still.push(port.clone());
            }
            if news {
                self.announce(port.id);
            }
        }
        lock(&self.to_seal.list).append(&mut still);
    }

    /// Budgets, room on the disks, screens. Blocks. Takes and gives the file systems that are full.
    fn keep_house(&self, mut full: HashSet<u64>) -> HashSet<u64> {
        let ports = self.every_port();
        ports.iter().for_each(|port| port.enforce_budget());
        self.watch_room(&ports, &mut full);
        if !self.checkpointing.swap(true, Ordering::AcqRel) {
            let mut budget = CHECKPOINT_BUDGET;
            for port in &ports {
                let behind = port.end_offset().saturating_sub(port.checkpoint.load(Ordering::Acquire));
                if behind >= CHECKPOINT_AFTER {
                    port.keep_checkpoint();
                    budget = budget.saturating_sub(behind.min(super::snapshot::BEHIND));
                }
                if budget == 0 {
                    break;
                }
            }
            self.checkpointing.store(false, Ordering::Release);
        }
        full
    }

    /// QEMU drops what it cannot write and tells nobody: when a disk becomes full, its running ports get a mark.
    fn watch_room(&self, ports: &[Arc<Port>], full: &mut HashSet<u64>) {
        let mut rooms: HashMap<u64, bool> = HashMap::new();
        for port in ports {
            let Some(device) = std::fs::metadata(&port.dir).ok().map(|m| m.dev()) else { continue };
            let is_full =
                *rooms.entry(device).or_insert_with(|| self.room(&port.dir).is_some_and(|left| left < FULL));
            if is_full && !full.contains(&device) {
                let now = self.now_us();
                let mut inner = lock(&port.inner);
                if !inner.live && inner.spools.last().is_some() {
                    tracing::error!(vm = %port.vm_id, port = port.number, "no room for the serial log on this host's disk");
                    port.look(&mut inner, now);
                    port.mark(&mut inner, GapReason::SpoolFull, now);
                }
            }
        }
        *full = rooms.into_iter().filter_map(|(device, full)| full.then_some(device)).collect();
    }

    fn room(&self, path: &Path) -> Option<u64> {
        self.config.room.map_or_else(|| room(path), |room| room(path))
    }

    /// Everything to the disk, for a clean end. Blocks.
    pub fn flush(&self) {
        let ports = self.every_port();
        ports.iter().for_each(Port::refresh);
        if self.syncs() {
            sync_ports(&ports);
        }
    }
}

/// Syncs the spools of these ports. Blocks.
fn sync_ports(ports: &[Arc<Port>]) {
    let dirty: Vec<_> = ports
        .iter()
        .filter_map(|port| {
            // The flag first: bytes that come from here on put the port on the list again.
            port.in_sync.store(false, Ordering::Release);
            let mut inner = lock(&port.inner);
            let end = port.end_offset();
            Some((port, inner.spools.last_file()?, end))
        })
        .collect();
    let mut devices: HashMap<u64, std::io::Result<()>> = HashMap::new();
    for (port, file, end) in &dirty {
        let done = if dirty.len() <= BY_FILE {
            file.sync_data()
        } else {
            let device = file.metadata().map(|m| m.dev()).unwrap_or(0);
            match devices.entry(device).or_insert_with(|| rustix::fs::syncfs(file).map_err(Into::into)) {
                Ok(()) => Ok(()),
                Err(_) => file.sync_data(),
            }
        };
        match done {
            Ok(()) => port.synced(*end),
            Err(error) => {
                tracing::error!(vm = %port.vm_id, port = port.number, %error, "a spool cannot be synced")
            }
        }
    }
}

/// Directory and files of a port that is removed. Blocks.
pub(super) fn remove_files(dir: &Path, spools: &[PathBuf]) -> std::io::Result<()> {
    for path in spools {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
