//! One serial port of one virtual machine.

use super::SerialError;
use hardline_agent_api::v1;
use std::path::{Path, PathBuf};

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
pub struct Port {}

impl Port {
    /// Call when the previous QEMU process is dead and before the new one starts: records durably that bytes of
    /// `launch.spool` have the addresses from the returned offset on, and marks the boot there.
    pub async fn launch(&self, _launch: Launch) -> Result<u64, SerialError> {
        todo!()
    }
    /// A boot within the running QEMU process ("reset", "guest-reset") begins at the present end.
    pub async fn mark_boot(&self, _boot_id: &str, _cause: &str) -> Result<u64, SerialError> {
        todo!()
    }
    /// Boot diagnostics on or off: while off, the server is offered `CAPTURE_OFF` gaps in place of bytes.
    pub fn set_capture(&self, _on: bool) {
        todo!()
    }
    /// The FIFO that QEMU reads (`P.in`) exists and QEMU runs: from now on input goes there. Also after an agent restart.
    pub fn input_open(&self, _fifo: &Path) -> Result<(), SerialError> {
        todo!()
    }
    /// The guest does not run: input is refused as NOT_RUNNING. The spool is looked at once more.
    pub fn input_close(&self) {
        todo!()
    }
    /// The agent's own keys (SysRq): not subject to the epoch. False when the guest does not read.
    pub fn type_keys(&self, _keys: &[u8]) -> bool {
        todo!()
    }
    /// Closes the open piece now; gives the end of everything printed so far.
    pub async fn seal(&self) -> Result<u64, SerialError> {
        todo!()
    }
    /// For observations.
    pub fn state(&self) -> v1::PortState {
        todo!()
    }
}
