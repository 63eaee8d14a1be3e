//! All virtual machines of this host.
//!
//! Who may hold what: `members` is locked for look-ups only, never across an await. What creates or removes a member
//! holds `changing` throughout, so that one machine is never made twice nor changed while it is removed.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream::BoxStream};
use hardline_agent_api::v1::{Observation, VmSpec, observation, vm_spec};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_stream::wrappers::{BroadcastStream, errors::BroadcastStreamRecvError};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::Status;

use super::{
    slot::Slot,
    spec,
    supervisor::{Command, Supervisor},
};
use crate::{
    clock::Clock,
    hypervisor::{Hypervisor, foreign::Foreign, qemu::Qemu},
    serial::{PortConfig, Ports},
};

/// Changes that a slow observer may be behind before it has to start over.
const BACKLOG: usize = 1024;

/// The drivers of this host.
#[derive(Clone)]
pub struct Drivers {
    /// Creates machines; absent when QEMU is not installed.
    pub qemu: Option<Arc<Qemu>>,
    /// Attaches to foreign ones.
    pub attach: Arc<Foreign>,
}

/// The virtual machines of a host.
pub struct Fleet {
    dir: PathBuf,
    drivers: Drivers,
    ports: Arc<Ports>,
    clock: Arc<dyn Clock>,
    changes: broadcast::Sender<Observation>,
    members: Mutex<HashMap<String, Member>>,
    changing: tokio::sync::Mutex<()>,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

struct Member {
    spec: watch::Sender<VmSpec>,
    commands: mpsc::Sender<Command>,
    slot: Arc<Slot>,
}

/// Why a specification was not taken or a machine not removed.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// This host will not or cannot; in words for people.
    #[error("{0}")]
    Refused(String),
    /// The host's disk or its serial ports fail.
    #[error("{0}")]
    Host(String),
}

impl Fleet {
    /// Takes up every virtual machine whose specification is in `dir`.
    ///
    /// # Errors
    /// The directory cannot be used. A single damaged machine is logged and left alone.
    pub async fn open(
        dir: PathBuf,
        drivers: Drivers,
        ports: Arc<Ports>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Arc<Self>> {
        std::fs::create_dir_all(&dir)?;
        let fleet = Arc::new(Self {
            drivers,
            ports,
            clock,
            changes: broadcast::Sender::new(BACKLOG),
            members: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            cancel: CancellationToken::new(),
            tasks: TaskTracker::new(),
            dir,
        });
        for entry in std::fs::read_dir(&fleet.dir)?.flatten() {
            let Some(vm_id) =
                entry.file_name().to_str().filter(|name| spec::valid_id(name)).map(str::to_owned)
            else {
                continue;
            };
            match spec::load(&entry.path()) {
                Ok(spec) => {
                    if let Err(error) = fleet.take_up(spec).await {
                        tracing::error!(vm = vm_id, %error, "the virtual machine cannot be taken up");
                    }
                }
                // A removal that did not end, or a creation that did not begin.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => fleet.clear(&vm_id).await,
                Err(error) => tracing::error!(vm = vm_id, %error, "the specification is damaged"),
            }
        }
        Ok(fleet)
    }

    fn vm_dir(&self, vm_id: &str) -> PathBuf {
        self.dir.join(vm_id)
    }

    /// Takes a new desired state; durable when this returns.
    ///
    /// # Errors
    /// This host will not have it, or its disk fails.
    pub async fn apply(&self, new: VmSpec) -> Result<(), FleetError> {
        spec::check(&new).map_err(FleetError::Refused)?;
        self.check_host(&new)?;
        let _changing = self.changing.lock().await;
        let member = lock(&self.members).get(&new.vm_id).map(|member| member.spec.clone());
        if let Some(member) = &member {
            let held = member.borrow().clone();
            if new.generation < held.generation || new == held {
                return Ok(());
            }
            let same_driver = |a: &vm_spec::Driver, b: &vm_spec::Driver| {
                std::mem::discriminant(a) == std::mem::discriminant(b)
            };
            if !held.driver.as_ref().zip(new.driver.as_ref()).is_some_and(|(a, b)| same_driver(a, b)) {
                return Err(FleetError::Refused("the driver of a virtual machine cannot be changed".into()));
            }
        }
        let dir = self.vm_dir(&new.vm_id);
        let kept = new.clone();
        let saved =
            tokio::task::spawn_blocking(move || make_dir(&dir).and_then(|()| spec::save(&dir, &kept))).await;
        saved
            .map_err(|error| FleetError::Host(error.to_string()))?
            .map_err(|error| FleetError::Host(format!("the specification cannot be kept: {error}")))?;
        match member {
            Some(member) => {
                member.send_replace(new);
                Ok(())
            }
            None => self.take_up(new).await,
        }
    }

    /// What depends on this host: drivers, images, endpoints.
    fn check_host(&self, new: &VmSpec) -> Result<(), FleetError> {
        match &new.driver {
            Some(vm_spec::Driver::Attach(attach)) => {
                self.drivers.attach.endpoint(attach).map(drop).map_err(FleetError::Refused)
            }
            Some(vm_spec::Driver::Qemu(machine)) => {
                let qemu = self.qemu()?;
                let image = qemu
                    .images()
                    .find(&machine.image)
                    .map_err(|error| FleetError::Refused(error.to_string()))?;
                if machine.memory_mib < image.min_memory_mib {
                    let (has, least) = (machine.memory_mib, image.min_memory_mib);
                    return Err(FleetError::Refused(format!(
                        "{has} MiB of memory; the image needs {least} at least"
                    )));
                }
                Ok(())
            }
            None => Err(FleetError::Refused("no driver is named".into())),
        }
    }

    fn qemu(&self) -> Result<Arc<Qemu>, FleetError> {
        let absent = || {
            FleetError::Refused("this host has no QEMU: install qemu-system-x86 and restart the agent".into())
        };
        self.drivers.qemu.clone().ok_or_else(absent)
    }

    async fn take_up(&self, spec: VmSpec) -> Result<(), FleetError> {
        let driver: Arc<dyn Hypervisor> = match &spec.driver {
            Some(vm_spec::Driver::Attach(_)) => self.drivers.attach.clone(),
            _ => self.qemu()?,
        };
        let vm_id = spec.vm_id.clone();
        let dir = self.vm_dir(&vm_id);
        let port = PortConfig { vm_id: vm_id.clone(), port: 0, dir: dir.join("port0") };
        let port = self.ports.open(port).await.map_err(|error| FleetError::Host(error.to_string()))?;
        let slot = Arc::new(Slot::new(vm_id.clone(), port, self.changes.clone()));
        let (spec, seen) = watch::channel(spec);
        let (commands, received) = mpsc::channel(8);
        let clock = self.clock.clone();
        let supervisor =
            Supervisor { dir, slot: slot.clone(), driver, spec: seen, commands: received, clock };
        self.tasks.spawn(supervisor.run(self.cancel.child_token()));
        lock(&self.members).insert(vm_id, Member { spec, commands, slot });
        Ok(())
    }

    /// Stops a machine at once and forgets it. Does nothing when there is none.
    ///
    /// # Errors
    /// Something of it could not be removed; calling again goes on.
    pub async fn remove(&self, vm_id: &str) -> Result<(), FleetError> {
        if !spec::valid_id(vm_id) {
            return Ok(());
        }
        let _changing = self.changing.lock().await;
        let commands = lock(&self.members).get(vm_id).map(|member| member.commands.clone());
        if let Some(commands) = commands {
            let (done, ended) = oneshot::channel();
            if commands.send(Command::Remove(done)).await.is_ok() {
                let _ = ended.await;
            }
        }
        let known = lock(&self.members).remove(vm_id).is_some();
        self.clear(vm_id).await;
        if known {
            let _ = self
                .changes
                .send(Observation { what: Some(observation::What::RemovedVmId(vm_id.to_owned())) });
        }
        if self.vm_dir(vm_id).exists() {
            return Err(FleetError::Host("not all files of the virtual machine could be removed".into()));
        }
        Ok(())
    }

    /// Removes the files of a machine that is no more: the specification first, so that nothing starts it again.
    async fn clear(&self, vm_id: &str) {
        let dir = self.vm_dir(vm_id);
        let spec_gone = spec::forget(&dir);
        let port_gone = self.ports.remove(vm_id, 0, "the virtual machine was removed").await;
        if let Err(error) = &port_gone {
            tracing::debug!(vm = vm_id, %error, "no open serial port");
        }
        let gone = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(&dir)).await;
        match spec_gone.and(gone.unwrap_or_else(|error| Err(std::io::Error::other(error)))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::error!(vm = vm_id, %error, "the virtual machine's files cannot be removed");
            }
            _ => {}
        }
    }

    /// A machine's slot.
    pub fn slot(&self, vm_id: &str) -> Option<Arc<Slot>> {
        lock(&self.members).get(vm_id).map(|member| member.slot.clone())
    }

    /// Every observation now, then `synced`, then each change.
    pub fn observe(&self) -> BoxStream<'static, Result<Observation, Status>> {
        // First listen, then look: what changes in between is told twice, not missed.
        let changes = BroadcastStream::new(self.changes.subscribe());
        let slots: Vec<_> = lock(&self.members).values().map(|member| member.slot.clone()).collect();
        let present = futures_util::stream::iter(slots)
            .then(|slot| async move { observation::What::Vm(slot.first_observation().await) })
            .chain(futures_util::stream::iter([observation::What::Synced(true)]))
            .map(|what| Ok(Observation { what: Some(what) }));
        let changes = changes.map(|change| {
            change.map_err(|BroadcastStreamRecvError::Lagged(_)| Status::data_loss("too slow: observe again"))
        });
        let ended = self.cancel.clone().cancelled_owned();
        present.chain(changes).take_until(ended).boxed()
    }

    /// Switches every machine off and keeps it off until the agent starts again; desired state stays.
    pub async fn hold(&self, grace: Duration) {
        let commands: Vec<_> = lock(&self.members).values().map(|member| member.commands.clone()).collect();
        let all = commands.into_iter().map(|commands| async move {
            let (done, off) = oneshot::channel();
            if commands.send(Command::Hold(grace, done)).await.is_ok() {
                let _ = off.await;
            }
        });
        futures_util::future::join_all(all).await;
    }

    /// Ends the supervisors; machines stay as they are.
    pub async fn close(&self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn make_dir(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
