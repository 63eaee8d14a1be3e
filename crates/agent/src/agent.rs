//! The agent as a whole: what it is made of, how it starts and stops.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    clock::{Clock, SystemClock},
    host,
    hypervisor::{
        attach::AttachPolicy,
        foreign::Foreign,
        qemu::{
            self, Qemu,
            accel::{self, Found},
        },
    },
    images::Images,
    serial::{Ports, PortsConfig, SyncPolicy},
    vm::fleet::{Drivers, Fleet},
};

/// How long guests may take to switch themselves off when the host stops.
const FAREWELL: Duration = Duration::from_secs(8);
/// How long a lock that is held may be about to be let go of, and how often it is tried.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_AGAIN: Duration = Duration::from_millis(20);

/// What an agent is told when it starts.
#[derive(Clone)]
pub struct AgentConfig {
    /// Everything that the agent keeps. One agent at a time.
    pub dir: PathBuf,
    /// The host's name, for people.
    pub name: String,
    /// Directories of guest images, searched in order.
    pub image_dirs: Vec<PathBuf>,
    /// Which endpoints may be attached ("unix:/run/guests/"); none by default.
    pub attach_prefixes: Vec<String>,
    /// QEMU's program: a name to be looked up, or a path.
    pub qemu: PathBuf,
    /// Use KVM where it is proven to work; otherwise never.
    pub kvm: bool,
    /// When the serial log is forced to the disk.
    pub sync: SyncPolicy,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

impl AgentConfig {
    /// An agent in `dir`, with defaults.
    pub fn new(dir: impl Into<PathBuf>, name: impl Into<String>) -> Self {
        let clock = Arc::new(SystemClock);
        Self {
            dir: dir.into(),
            name: name.into(),
            image_dirs: Vec::new(),
            attach_prefixes: Vec::new(),
            qemu: PathBuf::from("qemu-system-x86_64"),
            kvm: true,
            sync: PortsConfig::new(clock.clone()).sync,
            clock,
        }
    }
}

/// Why an agent does not start.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Another agent uses the directory.
    #[error("another agent uses {}", .0.display())]
    InUse(PathBuf),
    /// The directory cannot be used.
    #[error("{what}: {source}")]
    Io {
        /// What failed.
        what: String,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// The serial side does not start.
    #[error(transparent)]
    Serial(#[from] crate::serial::SerialError),
}

/// A host's agent. Clones are the same agent. When the last one is gone its tasks end; machines go on.
#[derive(Clone)]
pub struct Agent {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) host_id: String,
    pub(crate) name: String,
    pub(crate) qemu_version: Option<String>,
    pub(crate) drivers: Drivers,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) ports: Arc<Ports>,
    /// Held until the agent is shut down or gone: see [`AgentError::InUse`].
    lock: Mutex<Option<std::fs::File>>,
}

impl Agent {
    /// Starts: takes up every machine that it knows, found running or not.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn start(config: AgentConfig) -> Result<Self, AgentError> {
        let lock = own(&config.dir).await?;
        let failed = |what: &str| {
            let what = format!("{what} in {}", config.dir.display());
            |source| AgentError::Io { what, source }
        };
        let host_id = host::identity(&config.dir).map_err(failed("host-id"))?;
        let images = Images::new(config.image_dirs.clone());
        let qemu_version = qemu::version(&config.qemu).await;
        let qemu = match &qemu_version {
            Some(version) => {
                let found = accelerator(&config, version, &images).await;
                tracing::info!(
                    accelerator = found.accelerator.name(),
                    reason = found.reason,
                    version,
                    "QEMU"
                );
                Some(Arc::new(Qemu::new(config.qemu.clone(), images, found)))
            }
            None => {
                tracing::warn!(program = %config.qemu.display(), "QEMU does not run here: only attaching is possible");
                None
            }
        };
        let attach =
            Arc::new(Foreign::new(AttachPolicy { prefixes: config.attach_prefixes.as_slice().into() }));
        let drivers = Drivers { qemu, attach };
        let ports = PortsConfig { sync: config.sync, ..PortsConfig::new(config.clock.clone()) };
        let ports = Ports::start(ports)?;
        let fleet = Fleet::open(config.dir.join("vms"), drivers.clone(), ports.clone(), config.clock.clone())
            .await
            .map_err(failed("vms"))?;
        let inner = Inner {
            host_id,
            name: config.name,
            qemu_version,
            drivers,
            fleet,
            ports,
            lock: Mutex::new(Some(lock)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A line to this agent for a server in the same process.
    pub fn in_process(&self) -> hardline_agent_api::HostAgentClient {
        hardline_agent_api::connect_in_process(self.clone())
    }

    /// The host's stable identity (uuid). The certificate for the link must be issued for it as a DNS name.
    pub fn host_id(&self) -> &str {
        &self.inner.host_id
    }

    /// The host stops: every guest's power button, some seconds, off. Desired state stays: the next agent starts them again.
    pub async fn stop_guests(&self) {
        self.inner.fleet.hold(FAREWELL).await;
    }

    /// Ends the agent; machines stay as they are. What was printed so far is on the disk when this returns.
    pub async fn shutdown(&self) {
        self.inner.fleet.close().await;
        self.inner.ports.shutdown().await;
        *self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

async fn accelerator(config: &AgentConfig, version: &str, images: &Images) -> Found {
    if !config.kvm {
        return Found::tcg("KVM is switched off in the agent's configuration");
    }
    let image = images.names().into_iter().find_map(|name| images.find(&name).ok());
    accel::probe(&config.dir, &config.qemu, version, image.as_ref()).await
}

/// Makes the directory private and takes its lock, which ends with the process at the latest.
async fn own(dir: &Path) -> Result<std::fs::File, AgentError> {
    use std::os::unix::fs::DirBuilderExt;
    let failed = |source| AgentError::Io { what: format!("cannot use {}", dir.display()), source };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let lock = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("agent.lock"))
        .map_err(failed)?;
    // An agent that was killed while it started a QEMU leaves a child that holds the lock until it has become QEMU. That is
    // as well: whoever looked for the machine before would not find it, and start another.
    let patience = tokio::time::Instant::now() + LOCK_PATIENCE;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(std::fs::TryLockError::WouldBlock) if tokio::time::Instant::now() < patience => {
                tokio::time::sleep(LOCK_AGAIN).await;
            }
            Err(std::fs::TryLockError::WouldBlock) => return Err(AgentError::InUse(dir.to_owned())),
            Err(std::fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}
