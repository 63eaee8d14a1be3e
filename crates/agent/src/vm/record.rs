//! What the agent remembers of a machine over its own restarts: which demands it has answered, and the last launch.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use super::lifecycle::Demand;

/// Name of the file in a virtual machine's directory.
const FILE: &str = "state.json";

/// The memory. Fields that a later agent adds have defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The newest demand that the machine's state has answered.
    pub answered: Demand,
    /// The guest switched itself off while it should run: it stays off until somebody demands otherwise.
    pub guest_off: Option<Demand>,
    /// The last launch.
    pub launch: Option<LaunchRecord>,
    /// The present or last boot.
    pub boot: Option<BootRecord>,
}

/// A launch of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchRecord {
    /// Its directory's name.
    pub id: String,
    /// The host's boot in which it was.
    pub host_boot: String,
    /// It ended as it should (the guest or this agent switched it off). Not set: it runs, or it crashed.
    pub ended: bool,
}

/// A boot of the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootRecord {
    /// Its id (uuid).
    pub id: String,
    /// When it began, microseconds since 1970.
    pub time_us: i64,
    /// The guest's kernel reported a panic in it.
    pub panicked: bool,
}

impl Record {
    /// Reads the record in `dir`; an empty one when there is none.
    ///
    /// # Errors
    /// It is damaged or cannot be read.
    pub fn load(dir: &Path) -> io::Result<Self> {
        match std::fs::read(dir.join(FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Keeps the record in `dir`: durable when this returns.
    ///
    /// # Errors
    /// The disk's.
    pub fn save(&self, dir: &Path) -> io::Result<()> {
        super::files::replace(&dir.join(FILE), &serde_json::to_vec_pretty(self).map_err(io::Error::other)?)
    }
}
