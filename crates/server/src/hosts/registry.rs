//! Which hosts are connected, and who is waiting for news of a VM.
//!
//! Who may hold what: one lock over plain maps, never held across an await. A session adds its host and removes it; everybody
//! else reads. Waiters hold the receiving ends of watch channels, which never block a session.

use super::observed::Observed;
use hardline_agent_api::HostAgentClient;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

/// Arrivals that a slow listener may lag behind before it has to look at the whole list again.
const ARRIVALS: usize = 256;

/// A host whose line is up.
#[derive(Clone)]
pub struct ConnectedHost {
    /// Stable over restarts of the host.
    pub host_id: String,
    /// For people.
    pub name: String,
    /// Guest images that it has.
    pub images: Arc<[String]>,
    /// `qemu`, `attach`.
    pub drivers: Arc<[String]>,
    /// The host itself.
    pub client: HostAgentClient,
    /// Cancelled when this line is down. The host's next line is another [`ConnectedHost`].
    pub gone: CancellationToken,
}

impl std::fmt::Debug for ConnectedHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectedHost")
            .field("host_id", &self.host_id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What is known of a VM at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// The host's last word.
    pub observed: Observed,
    /// Whether the host is connected, and has told its present state since it connected.
    pub here: bool,
    /// The VM was removed; nothing follows.
    pub removed: bool,
}

/// The hosts' lines and what they last said. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hosts {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    hosts: Mutex<HashMap<String, ConnectedHost>>,
    vms: Mutex<HashMap<String, watch::Sender<Live>>>,
    /// Moves when something desired has changed.
    wake: watch::Sender<u64>,
    arrivals: broadcast::Sender<ConnectedHost>,
    agents: OnceLock<SocketAddr>,
}

impl Default for Hosts {
    fn default() -> Self {
        Self::new()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hosts {
    /// No host is connected yet.
    pub fn new() -> Self {
        let inner = Inner {
            hosts: Mutex::default(),
            vms: Mutex::default(),
            wake: watch::Sender::new(0),
            arrivals: broadcast::Sender::new(ARRIVALS),
            agents: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Where agents dial in; none when there is no such listener.
    pub fn agent_address(&self) -> Option<SocketAddr> {
        self.inner.agents.get().copied()
    }

    pub(super) fn set_agent_address(&self, address: SocketAddr) {
        let _ = self.inner.agents.set(address);
    }

    /// The hosts that are connected now.
    pub fn connected(&self) -> Vec<ConnectedHost> {
        lock(&self.inner.hosts).values().cloned().collect()
    }

    /// The hosts that are connected now, and those that connect from now on. A receiver that lags asks again.
    pub fn arrivals(&self) -> (Vec<ConnectedHost>, broadcast::Receiver<ConnectedHost>) {
        let later = self.inner.arrivals.subscribe();
        (self.connected(), later)
    }

    /// A connected host.
    pub fn host(&self, host_id: &str) -> Option<ConnectedHost> {
        lock(&self.inner.hosts).get(host_id).cloned()
    }

    /// Tells every session that something desired has changed. Called after the change is durable.
    pub fn wake(&self) {
        self.inner.wake.send_modify(|v| *v = v.wrapping_add(1));
    }

    pub(super) fn wakes(&self) -> watch::Receiver<u64> {
        self.inner.wake.subscribe()
    }

    /// News of a VM from now on, beginning with what is known. Of a VM that is not known, nothing until it is.
    pub fn watch(&self, vm_id: &str) -> watch::Receiver<Live> {
        lock(&self.inner.vms).entry(vm_id.to_owned()).or_default().subscribe()
    }

    /// What is known of a VM at this moment; none if no host has spoken of it since the server's start.
    pub fn live(&self, vm_id: &str) -> Option<Live> {
        lock(&self.inner.vms).get(vm_id).map(|sender| sender.borrow().clone())
    }

    pub(super) fn tell(&self, vm_id: &str, change: impl FnOnce(&mut Live)) {
        lock(&self.inner.vms).entry(vm_id.to_owned()).or_default().send_if_modified(|live| {
            let before = live.clone();
            change(live);
            *live != before
        });
    }

    pub(super) fn forget(&self, vm_id: &str) {
        if let Some(sender) = lock(&self.inner.vms).remove(vm_id) {
            sender.send_modify(|live| live.removed = true);
        }
    }

    /// Puts a host on the list; an older line of the same host ends.
    pub(super) fn arrive(&self, host: ConnectedHost) {
        let before = lock(&self.inner.hosts).insert(host.host_id.clone(), host.clone());
        if let Some(before) = before {
            before.gone.cancel();
        }
        // Nobody may be listening; those who come later see the list.
        let _ = self.inner.arrivals.send(host);
    }

    /// Takes a host off the list, unless a newer line of it stands there. True if it was taken off.
    pub(super) fn leave(&self, host: &ConnectedHost) -> bool {
        host.gone.cancel();
        let mut hosts = lock(&self.inner.hosts);
        match hosts.get(&host.host_id) {
            // A newer line has a token that is not cancelled.
            Some(present) if present.gone.is_cancelled() => {
                hosts.remove(&host.host_id);
                true
            }
            _ => false,
        }
    }
}
