//! The seam between a virtual machine's life and what runs it. Two drivers: [`qemu`] creates machines and owns them;
//! [`foreign`] is given a serial endpoint that something else runs.
//!
//! A driver brings a machine up ([`Hypervisor::start`]) or finds one that is up already ([`Hypervisor::find`]); both
//! give a [`Machine`], whose every ability is refused as [`ActError::Unsupported`] unless the driver has it.
//!
//! Who may hold what: a driver knows nothing of desired state. It tells what happened ([`Event`]) and does what it is
//! asked; `vm::supervisor` decides. The driver, and nobody else, tells the serial port about launches and input.

pub mod attach;
pub mod foreign;
pub mod qemu;

use std::{path::PathBuf, sync::Arc};

use hardline_agent_api::v1::VmSpec;
use tokio::sync::mpsc;

use crate::serial::Port;

/// How machines of one kind come to be.
#[tonic::async_trait]
pub trait Hypervisor: Send + Sync {
    /// The machine of `place`, if it runs: a restarted agent takes up where the former one was.
    ///
    /// # Errors
    /// It cannot be told whether a machine runs. (No machine is `Ok(None)`.)
    async fn find(
        &self,
        place: &Place,
        launch: &Launch,
        spec: &VmSpec,
    ) -> Result<Option<Arc<dyn Machine>>, StartError>;

    /// Starts the machine. The boot that begins with it is `launch.boot_id`.
    ///
    /// # Errors
    /// It could not be started; nothing of it runs.
    async fn start(
        &self,
        place: &Place,
        launch: &Launch,
        spec: &VmSpec,
    ) -> Result<Arc<dyn Machine>, StartError>;
}

/// Where a machine's things are.
#[derive(Clone)]
pub struct Place {
    /// The virtual machine (uuid, lower case).
    pub vm_id: String,
    /// The virtual machine's directory on this host.
    pub dir: PathBuf,
    /// Its serial port.
    pub port: Arc<Port>,
    /// Where the machine tells what happens to it. Never full: a guest makes few events.
    pub events: mpsc::UnboundedSender<Event>,
}

/// One run of a machine, from power-on to power-off.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Names the run and its directory (a uuid that sorts by time).
    pub id: String,
    /// The boot that begins with the launch (uuid).
    pub boot_id: String,
    /// Why: "start", "crash" or "attach".
    pub cause: String,
}

/// What happened to a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A new boot begins in the same run.
    Reset {
        /// The guest did it itself.
        by_guest: bool,
        /// When, by the driver's clock, microseconds since 1970.
        at_us: u64,
    },
    /// The guest switched the machine off.
    GuestShutdown,
    /// The guest's kernel reported a panic.
    Panicked,
    /// The machine stands still, for the reason given.
    Paused(String),
    /// It goes on.
    Resumed,
    /// It is no more. What it said last, for people.
    Gone(String),
    /// Attach driver: the endpoint is there and read.
    Attached,
    /// Attach driver: the endpoint is not there, for the reason given.
    Detached(String),
}

/// A machine that is up. Everything may be called at any time and from several tasks at once.
#[tonic::async_trait]
pub trait Machine: Send + Sync {
    /// Bytes that this run has printed on serial port 0 so far; `None` when the driver does not know.
    fn printed(&self) -> Option<u64> {
        None
    }
    /// Lets the machine go on after it was paused.
    async fn resume(&self) -> Result<(), ActError> {
        Err(ActError::Unsupported("resume"))
    }
    /// Presses the ACPI power button.
    async fn power_button(&self) -> Result<(), ActError> {
        Err(ActError::Unsupported("press the power button"))
    }
    /// Resets the machine at once.
    async fn reset(&self) -> Result<(), ActError> {
        Err(ActError::Unsupported("reset"))
    }
    /// Injects a non-maskable interrupt.
    async fn nmi(&self) -> Result<(), ActError> {
        Err(ActError::Unsupported("send an NMI"))
    }
    /// Sends a BREAK on the serial line.
    async fn send_break(&self) -> Result<(), ActError> {
        Err(ActError::Unsupported("send a BREAK"))
    }
    /// The display now, as a PPM file's bytes (P6, 8 bits a sample); they are the guest's and may be anything.
    async fn screendump(&self) -> Result<Vec<u8>, ActError> {
        Err(ActError::Unsupported("take a screenshot"))
    }
    /// Ends the machine now, the hard way if need be. Returns when it is no more; `Gone` is told too.
    async fn quit(&self);
}

/// Why a machine could not do something.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The driver has no such ability.
    #[error("this virtual machine's driver cannot {0}")]
    Unsupported(&'static str),
    /// The machine has no display.
    #[error("the virtual machine has no display")]
    NoConsole,
    /// The machine is not there or does not answer.
    #[error("the virtual machine does not answer: {0}")]
    NotAnswering(String),
    /// The machine answered that it will not.
    #[error("the virtual machine refused: {0}")]
    Refused(String),
}

/// Why a machine did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Trying again cannot help: the specification or the host must change.
    #[error("{0}")]
    Permanent(String),
    /// It may work another time.
    #[error("{0}")]
    Transient(String),
}

impl StartError {
    /// For `map_err`: a transient failure to do `what`.
    pub(crate) fn transient<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> Self {
        move |error| Self::Transient(format!("{what}: {error}"))
    }
}
