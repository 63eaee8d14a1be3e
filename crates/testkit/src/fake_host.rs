//! FakeHost: a host without guests. It serves the whole of `HostAgent` out of memory, and a test plays the guest.
//!
//! ```no_run
//! # use hardline_testkit::fake_host::FakeHost;
//! # async fn example() {
//! let host = FakeHost::new("host1");
//! let line = host.in_process();        // or host.dial(...) over mutual TLS
//! # let vm_id = "";
//! host.print(vm_id, b"login: ");       // the guest prints
//! host.wait_for_input(vm_id, b"ls\r").await;
//! # }
//! ```
//!
//! A VM reaches its wished state as soon as it is applied, unless the test holds it back ([`FakeHost::hold`]). One lock
//! guards everything; it is never held over an `await`. Streams are woken by a version counter and look at the state anew.

mod dial;
mod service;
mod vm;

pub use dial::{Dialled, Dialling};
pub use vm::Piece;

use hardline_agent_api::HostAgentClient;
use hardline_agent_api::v1::{ActRequest, GapReason, Power, RunState, VmObservation, VmSpec};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;
use vm::FakeVm;

/// How long a wait of a test lasts before it gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A host whose guests are played by the test. Cheap to clone; all clones are the same host.
#[derive(Clone)]
pub struct FakeHost {
    inner: Arc<Inner>,
}

struct Inner {
    host_id: String,
    name: String,
    state: Mutex<Fleet>,
    version: watch::Sender<u64>,
}

#[derive(Default)]
struct Fleet {
    images: Vec<String>,
    vms: BTreeMap<String, FakeVm>,
    /// New wishes are taken, but not carried out.
    held: bool,
    /// What `Apply` refuses with.
    refusal: Option<String>,
    /// Input comes back as output, as a shell's echo does.
    echo: bool,
    screenshot: Option<Vec<u8>>,
    applied: Vec<VmSpec>,
    /// Microseconds; moves by one with each use.
    time_us: i64,
}

impl FakeHost {
    /// A host of this name that has the image `hardline-demo`.
    pub fn new(name: &str) -> Self {
        Self::with_images(name, &["hardline-demo"])
    }

    /// A host with these images.
    pub fn with_images(name: &str, images: &[&str]) -> Self {
        let fleet = Fleet {
            images: images.iter().map(ToString::to_string).collect(),
            time_us: 1_790_000_000_000_000,
            ..Fleet::default()
        };
        let inner = Inner {
            host_id: uuid::Uuid::new_v4().to_string(),
            name: name.into(),
            state: Mutex::new(fleet),
            version: watch::Sender::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The host's stable id.
    pub fn host_id(&self) -> &str {
        &self.inner.host_id
    }

    /// A line to this host without a socket.
    pub fn in_process(&self) -> HostAgentClient {
        hardline_agent_api::connect_in_process(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Fleet> {
        self.inner.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Changes the state and wakes every stream.
    fn change<R>(&self, change: impl FnOnce(&mut Fleet) -> R) -> R {
        let result = change(&mut self.lock());
        self.inner.version.send_modify(|v| *v += 1);
        result
    }

    fn change_vm<R>(&self, vm_id: &str, change: impl FnOnce(&mut FakeVm, &mut i64) -> R) -> R {
        self.change(|fleet| {
            let Fleet { vms, time_us, .. } = fleet;
            let vm = vms.get_mut(vm_id).unwrap_or_else(|| panic!("the fake host has no VM {vm_id}"));
            change(vm, time_us)
        })
    }

    /// Waits until `look` finds something; `what` names it if it never comes.
    pub async fn wait<R>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<R>) -> R {
        let mut version = self.inner.version.subscribe();
        let found = async {
            loop {
                if let Some(found) = look(self) {
                    return found;
                }
                if version.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(found) => found,
            Err(_) => panic!("waited {PATIENCE:?} for {what}"),
        }
    }
}

/// What the test sees.
impl FakeHost {
    /// The ids of the VMs that the host knows.
    pub fn vm_ids(&self) -> Vec<String> {
        self.lock().vms.keys().cloned().collect()
    }

    /// The id of the VM with this name, once the host knows it.
    pub async fn vm_named(&self, name: &str) -> String {
        self.wait(&format!("a VM named {name}"), |host| {
            let fleet = host.lock();
            fleet.vms.iter().find(|(_, vm)| vm.spec.name == name).map(|(id, _)| id.clone())
        })
        .await
    }

    /// The spec that the host holds.
    pub fn spec(&self, vm_id: &str) -> Option<VmSpec> {
        self.lock().vms.get(vm_id).map(|vm| vm.spec.clone())
    }

    /// Every spec that was ever applied, in order.
    pub fn applied(&self) -> Vec<VmSpec> {
        self.lock().applied.clone()
    }

    /// What the host says of the VM.
    pub fn observation(&self, vm_id: &str) -> Option<VmObservation> {
        self.lock().vms.get(vm_id).map(FakeVm::observation)
    }

    /// The one-time acts that reached the VM.
    pub fn acts(&self, vm_id: &str) -> Vec<ActRequest> {
        self.lock().vms.get(vm_id).map(|vm| vm.acts.clone()).unwrap_or_default()
    }

    /// Everything that was typed into port 0.
    pub fn input(&self, vm_id: &str) -> Vec<u8> {
        self.lock().vms.get(vm_id).map(|vm| vm.port.input.clone()).unwrap_or_default()
    }

    /// Waits until what was typed into port 0 holds `needle`.
    pub async fn wait_for_input(&self, vm_id: &str, needle: &[u8]) {
        self.wait(&format!("the input {:?}", String::from_utf8_lossy(needle)), |host| {
            let input = host.input(vm_id);
            (needle.is_empty() || input.windows(needle.len()).any(|w| w == needle)).then_some(())
        })
        .await;
    }

    /// The epoch that port 0 is fenced at.
    pub fn epoch(&self, vm_id: &str) -> u64 {
        self.lock().vms.get(vm_id).map_or(0, |vm| vm.port.epoch)
    }

    /// How far the server has said that it has port 0's bytes durably.
    pub fn acknowledged(&self, vm_id: &str) -> u64 {
        self.lock().vms.get(vm_id).map_or(0, |vm| vm.port.acknowledged)
    }
}

/// What the test does.
impl FakeHost {
    /// The guest prints on port 0.
    pub fn print(&self, vm_id: &str, bytes: &[u8]) {
        self.change_vm(vm_id, |vm, time| vm.port.print(bytes, time));
    }

    /// Bytes of port 0 are lost.
    pub fn lose(&self, vm_id: &str, bytes: u64, reason: GapReason) {
        self.change_vm(vm_id, |vm, time| vm.port.lose(bytes, reason, time));
    }

    /// Closes the open piece of port 0, so that `Segments` brings it.
    pub fn seal(&self, vm_id: &str) {
        self.change_vm(vm_id, |vm, time| vm.port.seal(time));
    }

    /// From now on (true) new wishes are taken but not carried out, until it is false again.
    pub fn hold(&self, held: bool) {
        self.change(|fleet| {
            fleet.held = held;
            if !held {
                let Fleet { vms, time_us, .. } = fleet;
                vms.values_mut().for_each(|vm| vm.obey(time_us));
            }
        });
    }

    /// `Apply` refuses with this message; none: takes again.
    pub fn refuse(&self, message: Option<&str>) {
        self.change(|fleet| fleet.refusal = message.map(Into::into));
    }

    /// Typed bytes come back as output.
    pub fn echo(&self, on: bool) {
        self.change(|fleet| fleet.echo = on);
    }

    /// The image that a screenshot shows from now on; none: the host cannot take one.
    pub fn show(&self, image: Option<Vec<u8>>) {
        self.change(|fleet| fleet.screenshot = image);
    }

    /// The VM is in this state from now on, with these words for people.
    pub fn set_state(&self, vm_id: &str, state: RunState, message: &str) {
        self.change_vm(vm_id, |vm, _| {
            vm.state = state;
            vm.message = message.into();
        });
    }

    /// The VM cannot be brought to its wished state: it answers the wish with a failure.
    pub fn fail(&self, vm_id: &str, message: &str) {
        self.change_vm(vm_id, |vm, _| {
            vm.answer();
            vm.state = RunState::Failed;
            vm.message = message.into();
        });
    }

    /// The guest powers itself off.
    pub fn guest_shutdown(&self, vm_id: &str) {
        self.change_vm(vm_id, |vm, _| {
            vm.state = RunState::Stopped;
            vm.guest_shutdown = true;
        });
    }

    /// The machine vanishes and is brought back, as the agent does it: a new boot.
    pub fn crash(&self, vm_id: &str) {
        self.change_vm(vm_id, |vm, time| {
            if vm.spec.power() == Power::Running {
                vm.boot("crash", time);
            }
        });
    }

    /// The host's disk is lost: it knows no VM any more.
    pub fn lose_everything(&self) {
        self.change(|fleet| fleet.vms.clear());
    }

    /// The guest's kernel panics.
    pub fn panic(&self, vm_id: &str) {
        self.change_vm(vm_id, |vm, _| vm.panicked = true);
    }
}
