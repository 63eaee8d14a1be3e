//! Serial bytes on the host: every byte that a port printed, its address, who may read it and who may type.
//!
//! ```text
//!  QEMU ── writes ──> spool file (one per launch) ──> capture (inotify: how far is it?) ──┐
//!  attached endpoint ── read, then written by us ──> spool file ──────────────────────────┤
//!                                                                                         v
//!     server <── segments, gaps, boots <── timeline <── Sealer <───────────────── Port {end offset}
//!     viewers <── output from an offset, snapshots <── ring of shared chunks, else the spool file
//!     typing  ──> epoch fence ──> FIFO / endpoint          (never waits for any of the above)
//! ```
//!
//! Who may hold what: a [`Port`] keeps its state under one short lock; nothing is awaited under it. Only the sync
//! task and `spawn_blocking` wait for the disk. No reader is ever waited for: readers pull by offset.

mod attachment;
mod disk;
mod input;
mod journal;
mod port;
mod ports;
mod reader;
mod rebase;
mod registration;
mod rpc;
mod snapshot;
mod spool;
mod state;
mod tasks;
mod timeline;
mod viewer;

pub(crate) use input::Sink;
use registration::register;

pub use port::{Launch, Port, PortConfig};
pub use ports::{Ports, PortsConfig, SyncPolicy};

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock. One that a panicking thread held is taken all the same: what it guards is written whole or not at all.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What can go wrong with a port.
#[derive(Debug, thiserror::Error)]
pub enum SerialError {
    /// A file of the port could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Somebody holds a newer epoch.
    #[error("epoch {asked} is older than {held}")]
    Fenced {
        /// The epoch that was asked for.
        asked: u64,
        /// The epoch that the port holds.
        held: u64,
    },
    /// The port was removed.
    #[error("the port was removed")]
    Ended,
    /// No such port on this host.
    #[error("no serial port {port} of virtual machine {vm_id} on this host")]
    NotFound {
        /// The virtual machine.
        vm_id: String,
        /// The port's number.
        port: u32,
    },
}

impl From<SerialError> for tonic::Status {
    fn from(error: SerialError) -> Self {
        let text = error.to_string();
        match error {
            SerialError::Io { .. } => tonic::Status::internal(text),
            SerialError::Fenced { .. } => tonic::Status::failed_precondition(text),
            SerialError::Ended | SerialError::NotFound { .. } => tonic::Status::not_found(text),
        }
    }
}
